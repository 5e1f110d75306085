"""The platform's end of a zygote: starts it, asks it for environments, hears of their birth and end.

All calls and callbacks happen on the event loop's thread. The protocol is described in
`lambent/runtime/python/forkserver.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import struct
import subprocess
import sys
from array import array
from collections import deque
from typing import TYPE_CHECKING, Final, Protocol

from lambent.execution.errors import EnvironmentUnavailable
from lambent.runtime import PYTHON_FILES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lambent.execution.engines import Preload
    from lambent.execution.interpreters import Interpreter

_MESSAGE: Final = struct.Struct(">B3xIQ")
_FORK, _KILL = ord("F"), ord("K")
_READY, _BORN, _GONE = ord("Z"), ord("B"), ord("X")

START_TIMEOUT: Final = 10.0
"""Seconds a zygote may take to become ready."""


class Child(Protocol):
    """Who hears of an environment's process."""

    def born(self, pid: int) -> None:
        """The process exists."""

    def gone(self, wait_status: int) -> None:
        """It and all its descendants are dead: status as of `os.waitpid`. Always the last call.

        Comes without `born` when it could not be forked (exit status 127), and with the status of SIGKILL
        when the zygote itself has died.
        """


class Zygote:
    """A zygote of one interpreter. `await start()` first, `await close()` last.

    `libraries`: directory of packages for functions (see `runtime_libraries`) or None. `private_view`: whether
    to try for a private file system view; after `start` the attribute says whether there is one. `variables`:
    environment variables that mark the zygote's processes for those who list processes; functions do not see
    them. `preload`: modules to load before anything is forked; one that cannot be is left to the functions.
    """

    def __init__(
        self,
        interpreter: Interpreter,
        *,
        libraries: Path | None = None,
        private_view: bool = True,
        variables: Mapping[str, str] | None = None,
        preload: Preload | None = None,
    ) -> None:
        self._program: list[str | Path] = [interpreter.executable, interpreter.prefix, libraries or ""]
        self.private_view = private_view and sys.platform == "linux"
        self.pid = 0
        self._variables = dict(variables or {})
        if preload is not None:
            self._variables["_LAMBENT_PRELOAD"] = ":".join(preload.modules)
            self._variables["_LAMBENT_PRELOAD_PATH"] = ":".join(preload.folders)
        if "LD_LIBRARY_PATH" in os.environ:  # some interpreters are found, but not their library, without
            self._variables["LD_LIBRARY_PATH"] = os.environ["LD_LIBRARY_PATH"]
        self._loop = asyncio.get_running_loop()
        self._children: dict[int, Child] = {}
        self._last_number = 0
        self._outgoing: deque[tuple[bytes, array[int]]] = deque()
        self._received = b""
        self._lost = True
        self._ready: asyncio.Future[bool] | None = None
        self._ended: asyncio.Future[int] | None = None
        self._socket: socket.socket
        self._process: subprocess.Popen[bytes]

    @property
    def alive(self) -> bool:
        """Whether environments can be asked for."""
        return not self._lost

    async def start(self) -> None:
        """Start the process and wait until it is ready. Raises EnvironmentUnavailable."""
        if self.private_view:
            with contextlib.suppress(EnvironmentUnavailable):
                await self._start(view=True)
                return
        await self._start(view=False)

    async def _start(self, *, view: bool) -> None:
        try:
            self._launch(view=view)
        except OSError as error:
            raise EnvironmentUnavailable(f"cannot start a process: {error}") from error
        self._ready = self._loop.create_future()
        try:
            self.private_view = await asyncio.wait_for(self._ready, START_TIMEOUT)
        except (TimeoutError, EnvironmentUnavailable) as error:
            status = await self._end()
            raise EnvironmentUnavailable(
                f"{self._program[0]} did not start as a zygote (exit status {status})"
            ) from error
        except asyncio.CancelledError:
            await self._end()
            raise

    def _launch(self, *, view: bool) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        ours.setblocking(False)
        try:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-I",
                    "-S",
                    PYTHON_FILES / "launcher.py",
                    str(theirs.fileno()),
                    str(int(view)),
                    *self._program,
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=self._variables,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        self.pid = self._process.pid
        self._socket = ours
        self._lost = False
        self._ended = None
        self._loop.add_reader(ours.fileno(), self._on_readable)

    async def _end(self) -> int:
        """Give up on a process that is not ready; its exit status."""
        self._process.kill()
        self._lose()
        assert self._ended is not None
        return await self._ended

    def fork(self, child: Child, environment_socket: int, log_pipe: int) -> int:
        """Ask for a new environment with these two descriptors; its number, for `kill`.

        The caller may close its descriptors at once. Raises EnvironmentUnavailable when the zygote is gone.
        """
        if self._lost:
            raise EnvironmentUnavailable(f"the zygote of {self._program[0]} is gone")
        self._last_number += 1
        number = self._last_number
        self._children[number] = child
        self._send(_MESSAGE.pack(_FORK, 0, number), environment_socket, log_pipe)
        return number

    def kill(self, number: int) -> None:
        """Kill (SIGKILL) an environment's process and everything it started; `gone` follows."""
        if number in self._children and not self._lost:
            self._send(_MESSAGE.pack(_KILL, 0, number))

    async def close(self) -> None:
        """Kill all environments and the zygote; returns when all are dead. `gone` is called for each."""
        self._lose()
        if self._ended is not None:
            await self._ended

    # ------------------------------------------------------------ messages

    def _send(self, message: bytes, *descriptors: int) -> None:
        carried = array("i", descriptors)
        if not self._outgoing:
            try:
                self._send_now(message, carried)
                return
            except BlockingIOError:
                self._loop.add_writer(self._socket.fileno(), self._on_writable)
            except OSError:
                return  # its end is about to be read
        # The caller closes its own: keep copies until they can be sent.
        self._outgoing.append((message, array("i", map(os.dup, descriptors))))

    def _send_now(self, message: bytes, descriptors: array[int]) -> None:
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptors)] if descriptors else []
        self._socket.sendmsg([message], ancillary)

    def _on_writable(self) -> None:
        while self._outgoing:
            try:
                self._send_now(*self._outgoing[0])
            except BlockingIOError:
                return
            except OSError:
                break
            for descriptor in self._outgoing.popleft()[1]:
                os.close(descriptor)
        self._loop.remove_writer(self._socket.fileno())

    def _on_readable(self) -> None:
        try:
            data = self._socket.recv(65_536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._lose()
            return
        data = self._received + data
        whole = len(data) - len(data) % _MESSAGE.size
        self._received = data[whole:]
        for kind, value, number in _MESSAGE.iter_unpack(data[:whole]):
            if kind == _BORN:
                self._children[number].born(value)
            elif kind == _GONE:
                self._children.pop(number).gone(value)
            elif kind == _READY and self._ready is not None and not self._ready.done():
                self._ready.set_result(bool(value))

    def _lose(self) -> None:
        """The connection is over: by `close`, or because the zygote died, and its environments with it."""
        if self._lost:
            return
        self._lost = True
        # However it ends, its exit status has to be collected; it may still be killing what it started.
        self._ended = self._loop.run_in_executor(None, self._process.wait)
        self._loop.remove_reader(self._socket.fileno())
        self._loop.remove_writer(self._socket.fileno())
        self._socket.close()
        while self._outgoing:
            for descriptor in self._outgoing.popleft()[1]:
                os.close(descriptor)
        if self._ready is not None and not self._ready.done():
            self._ready.set_exception(EnvironmentUnavailable("it ended before it was ready"))
        children, self._children = self._children, {}
        for child in children.values():
            child.gone(signal.SIGKILL)
