"""The AWS CLI, imported once: `python ready_aws.py SOCKET` runs each command in a fork of itself.

Importing it is most of what a command costs, and the docs have a hundred examples. `client` is the program
`aws` that hands its arguments, directory, environment and files over, and ends as the command does.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import traceback
from pathlib import Path


def client(path: str) -> str:
    """The text of a program that has the command run by the process that listens at `path`."""
    return f"""#!{sys.executable} -IS
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as service:
    service.connect({path!r})
    called = json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode()
    socket.send_fds(service, [len(called).to_bytes(4, "big")], [0, 1, 2])
    service.sendall(called)
    ended = service.recv(1)
sys.exit(ended[0] if ended else 255)
"""


def _run(connection: socket.socket) -> int:
    head, descriptors, _, _ = socket.recv_fds(connection, 4, 3)
    size = int.from_bytes(head, "big")
    text = b""
    while len(text) < size:
        text += connection.recv(size - len(text))
    arguments, directory, environment = json.loads(text)
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(directory)
    models = os.environ["AWS_DATA_PATH"]  # set by the import
    os.environ.clear()
    os.environ.update(environment, AWS_DATA_PATH=models)
    sys.argv = ["aws", *arguments]
    from awscli.clidriver import main  # type: ignore[import-untyped]

    try:
        code = main()
    except SystemExit as ended:
        code = ended.code
    sys.stdout.flush()
    sys.stderr.flush()
    return int(code or 0)


def serve(path: str) -> None:
    """Until this process is ended."""
    from awscli.clidriver import create_clidriver

    create_clidriver()  # imports every customization
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path + ".new")
        listener.listen(64)
        Path(path + ".new").rename(path)
        while True:
            connection, _ = listener.accept()
            if os.fork() == 0:
                listener.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                code = 255
                try:
                    code = _run(connection)
                except BaseException:  # noqa: BLE001 - the client ends, and shows it
                    traceback.print_exc()
                finally:
                    connection.send(bytes([code]))
                    os._exit(0)
            connection.close()


if __name__ == "__main__":
    serve(sys.argv[1])
