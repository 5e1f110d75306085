"""The first process of an environment whose runtime is a program of its own: makes the environment around it.

Its environment socket carries frames of a u32 length and a JSON object (big endian). The first may be

    {"ahead": COMMAND}      start this program now, in an environment that is still nobody's

and then comes INIT, as for every environment. The code, layers and /tmp it names are put in their places, in
mounts that a program started ahead shares, and then either

    - the program that was started ahead is given the INIT frame, as it came, or
    - with a member "command": COMMAND this program is started instead, with the directory of the code as its
      working directory.

COMMAND is {"argv": [path, argument, ...], "env": {name: value}, "frames": bool}. Standard output and error are
the log pipe. A program with "frames" speaks to the platform itself: it has the environment socket at descriptor
3 and reads INIT from descriptor 4, a pipe; one that is started ahead also has a pair of sockets at 5 and 6, to try
itself out on. For a program without "frames" the supervisor keeps the socket open.

What cannot be set up or started is told in an I frame (see python/channel.py): error types Sandbox.Failure,
Runtime.InvalidEntrypoint. The supervisor ends as the program does, with its exit status or by the same signal.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import _socket
import fcntl
import json
import os
import resource
import struct

from . import sandbox

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

_LENGTH = struct.Struct(">I")
_FRAME_HEAD = struct.Struct(">cI")
_ERRNO = struct.Struct(">i")
_WAITALL = _socket.MSG_WAITALL

SOCKET, INIT, REHEARSAL = 3, 4, (5, 6)
"""Descriptors of a program that speaks frames."""

_FIRST_OWN = 16
# Those that this interpreter or the host ignores; exec would pass that on.
_IGNORED = (_signal.SIGPIPE, _signal.SIGXFSZ, _signal.SIGINT)


class Supervisor:
    """A forked child of the host; it owns the two descriptors."""

    def __init__(self, environment_socket: int, log_pipe: int, private_view: bool) -> None:
        os.dup2(log_pipe, 1)
        os.dup2(log_pipe, 2)
        moved = fcntl.fcntl(environment_socket, fcntl.F_DUPFD_CLOEXEC, _FIRST_OWN)
        os.closerange(3, moved)
        os.closerange(moved + 1, sandbox.OPEN_FILES - 1)
        self._socket = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM, 0, moved)
        self._private_view = private_view
        self._program = 0  # process id
        self._init_pipe = -1
        self._problem = b""  # why it could not be started

    def live(self, host: int) -> NoReturn:
        """Set up the environment, run the program, end as it does."""
        sandbox.become_root(host)
        sandbox.enclose(self._private_view)
        frame, document = self._receive()
        if "ahead" in document:
            self._start(document["ahead"], "/", rehearses=True)
            frame, document = self._receive()
        try:
            place = self._arrange(document)
        except OSError as error:
            self._fail(sandbox.failure(error))
        if "command" in document:
            self._replace(document["command"], place)
        if self._problem:
            self._fail(self._problem)
        if self._init_pipe >= 0:
            # From here on the program has the socket for itself: when it closes it the platform is to know.
            self._socket.close()
            self._hand_on(frame)
        self._end_as_program()

    # ------------------------------------------------------------ the platform

    def _receive(self) -> tuple[bytes, dict[str, Any]]:
        head = self._socket.recv(4, _WAITALL)
        if len(head) < 4:
            os._exit(0)  # the platform hung up; what runs goes with this process
        length = _LENGTH.unpack(head)[0]
        body = self._socket.recv(length, _WAITALL)
        if len(body) < length:
            os._exit(0)
        return head + body, json.loads(body)

    def _fail(self, document: bytes) -> NoReturn:
        self._socket.sendall(_FRAME_HEAD.pack(b"I", len(document)) + document)
        os._exit(1)

    def _arrange(self, init: dict[str, Any]) -> str:
        """Put everything in its place; the directory of the code."""
        if not self._private_view:
            return str(init["task_root"])
        sandbox.bind(init["task_root"], init["tmp"], init["opt"], init.get("shown", []))
        sandbox.drop_rights()
        return str(sandbox.TASK)

    # ------------------------------------------------------------ the program

    def _start(self, command: dict[str, Any], directory: str, rehearses: bool = False) -> None:
        argv, variables = command["argv"], command["env"]
        init_read, init_write = os.pipe() if command.get("frames") else (-1, -1)
        told, tell = os.pipe()
        supervisor = os.getpid()
        pid = os.fork()
        if pid == 0:
            try:
                sandbox.drop_rights()
                if sandbox.mounts is not None:
                    sandbox.mounts.die_with_parent(supervisor, _signal.SIGKILL)
                for number in _IGNORED:
                    _signal.signal(number, _signal.SIG_DFL)
                os.chdir(directory)
                if init_read >= 0:
                    tell = self._place(init_read, tell, rehearses)
                os.execve(argv[0], argv, variables)  # noqa: S606 - no shell is meant to be there
            except OSError as error:
                os.write(tell, _ERRNO.pack(error.errno or 0))
            finally:
                os._exit(127)
        os.close(tell)
        if init_read >= 0:
            os.close(init_read)
        number = os.read(told, _ERRNO.size)  # nothing: it has become the program
        os.close(told)
        self._program, self._init_pipe = pid, init_write
        self._problem = _not_started(argv[0], _ERRNO.unpack(number)[0]) if number else b""

    def _place(self, init_read: int, tell: int, rehearses: bool) -> int:
        """Put the descriptors of a program that speaks frames in their places; where `tell` is now."""
        # Theirs may be among the places.
        init_read, tell = (fcntl.fcntl(one, fcntl.F_DUPFD_CLOEXEC, _FIRST_OWN) for one in (init_read, tell))
        os.dup2(self._socket.fileno(), SOCKET)
        os.dup2(init_read, INIT)
        if rehearses:
            for one, place in zip(_socket.socketpair(), REHEARSAL):  # noqa: B905 - strict is of 3.10
                os.dup2(fcntl.fcntl(one.detach(), fcntl.F_DUPFD_CLOEXEC, _FIRST_OWN), place)
        return tell

    def _replace(self, command: dict[str, Any], directory: str) -> None:
        """Start a program, instead of one that may have been started ahead."""
        if self._program:
            os.kill(self._program, _signal.SIGKILL)
            os.waitpid(self._program, 0)
            if self._init_pipe >= 0:
                os.close(self._init_pipe)
        self._start(command, directory)

    def _hand_on(self, frame: bytes) -> None:
        left = memoryview(frame)
        try:
            while left:
                left = left[os.write(self._init_pipe, left) :]
        except BrokenPipeError:
            return  # it has ended, and its status says how
        os.close(self._init_pipe)

    def _end_as_program(self) -> NoReturn:
        pid = 0
        status = 0
        while pid != self._program:  # others are orphans that have ended
            pid, status = os.waitpid(-1, 0)
        if os.WIFSIGNALED(status):
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # if there is a core to see it is the program's
            number = os.WTERMSIG(status)
            if number != _signal.SIGKILL:
                _signal.signal(number, _signal.SIG_DFL)
            os.kill(os.getpid(), number)
        os._exit(os.WEXITSTATUS(status))


def _not_started(path: str, number: int) -> bytes:
    """The error document, in the words that Lambda's sandbox has for an entry point it cannot execute."""
    return json.dumps(
        {
            "errorMessage": f"fork/exec {path}: {os.strerror(number).lower()}",
            "errorType": "Runtime.InvalidEntrypoint",
        }
    ).encode()
