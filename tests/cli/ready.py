"""Command lines, imported once: `python ready.py SOCKET` runs each command in a fork of itself.

Importing is most of what a command costs, and the docs have a hundred and fifty examples. `client` is a program, `aws`
or `lambent` by its name, that hands its arguments, directory, environment and files over, and ends as the command does.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import marshal
import os
import signal
import socket
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

PROGRAMS = ("aws", "lambent")


def client(path: str) -> str:
    """The text of a program that has the command run by the process that listens at `path`."""
    # What Python has built in: modules of the library take longer to import than all the rest of this.
    return f"""#!{sys.executable} -IS
import _socket, marshal, posix, sys
service = _socket.socket(_socket.AF_UNIX)
service.connect({path!r})
called = marshal.dumps((sys.argv, posix.getcwd(), dict(posix.environ)))
descriptors = b"".join(number.to_bytes(4, sys.byteorder) for number in range(3))
service.sendmsg([len(called).to_bytes(4, "big")], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, descriptors)])
service.sendall(called)
ended = service.recv(1)
sys.exit(ended[0] if ended else 255)
"""


def _load(session: Any, *services: str) -> None:
    """Reads the models that are asked for most."""
    loader = session.get_component("data_loader")
    loader.list_available_services("service-2")
    session.get_component("endpoint_resolver")
    for service in services:
        for kind in ("service-2", "endpoint-rule-set-1"):
            loader.load_service_model(service, kind)


def _aws() -> Callable[[], Any]:
    from awscli.clidriver import create_clidriver  # type: ignore[import-untyped]

    driver = create_clidriver()  # imports every customization
    loader = driver.session.get_component("data_loader")
    driver.session.get_data("cli")
    loader.list_available_services("service-2")
    for service in ("lambda", "events", "logs", "sqs"):  # the most frequent
        loader.load_service_model(service, "service-2")
        loader.load_service_model(service, "endpoint-rule-set-1")
    main: Callable[[], Any] = driver.main
    return main


def _lambent() -> Callable[[], Any]:
    from lambent.cli import main
    from lambent.cli.app import lambent
    from lambent.cli.endpoint import _session

    for command in ("build", "deploy", "functions", "invoke", "logs", "put", "render"):
        lambent.get_command(None, command)  # type: ignore[arg-type]
    for module in (
        "boto3.session",
        "botocore.client",
        "lambent.deploy.providers.cloudformation",
        "rich.console",
    ):
        importlib.import_module(module)
    _load(_session(None), "lambda", "logs")
    return main


def _called(connection: socket.socket) -> list[str]:
    """What was called, with the caller's directory, environment and files in place."""
    head, descriptors, _, _ = socket.recv_fds(connection, 4, 3)
    size = int.from_bytes(head, "big")
    text = b""
    while len(text) < size:
        text += connection.recv(size - len(text))
    arguments, directory, environment = marshal.loads(text)  # noqa: S302 - of our own client
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(directory)
    os.environb.clear()
    os.environb.update(environment)
    return [os.path.basename(arguments[0]), *arguments[1:]]  # noqa: PTH119 - a name


def _run(connection: socket.socket, programs: dict[str, Callable[[], Any]]) -> int:
    sys.argv = _called(connection)
    try:
        code = programs[sys.argv[0]]()
    except SystemExit as ended:
        code = ended.code
    sys.stdout.flush()
    sys.stderr.flush()
    return int(code or 0)


def _reap(*_: object) -> None:
    """Waited for, and not ignored, so that the time that commands take is counted among this process's."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def serve(path: str) -> None:
    """Until this process is ended."""
    programs = dict(zip(PROGRAMS, (_aws(), _lambent()), strict=True))
    signal.signal(signal.SIGCHLD, _reap)
    # What a command makes is little: looking for garbage would copy the pages of all that was imported.
    gc.collect()
    gc.freeze()
    gc.disable()
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
                    code = _run(connection, programs)
                except BaseException:  # noqa: BLE001 - the client ends, and shows it
                    traceback.print_exc()
                finally:
                    connection.send(bytes([code]))
                    os._exit(0)
            connection.close()


if __name__ == "__main__":
    serve(sys.argv[1])
