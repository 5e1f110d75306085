"""Forks execution environments on demand; reaps them and everything they started.

The control socket is a stream with messages of 16 bytes, `>B3xIQ`: type, value, environment number. In: F fork
(with two descriptors: environment socket, log pipe), K kill. Out: Z ready (value 1: with private view), B born
(value: pid), X gone (value: wait status), sent when no process of the environment is left. When the platform
closes the socket or dies, everything below this process is killed.
"""

# pathlib would cost every environment memory.
# ruff: noqa: PTH123, PTH208
from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # see sandbox.py
import _socket
import array
import gc
import os
import select
import struct
import sys
from contextlib import suppress

from .sandbox import mounts

_MESSAGE = struct.Struct(">B3xIQ")
_FORK, _KILL = ord("F"), ord("K")
_READY, _BORN, _GONE = ord("Z"), ord("B"), ord("X")
_DESCRIPTORS = _socket.CMSG_SPACE(2 * array.array("i").itemsize)
_FORK_FAILED = 127 << 8
"""Wait status reported for an environment that could not be forked: exit status 127."""

# SIGCHLD wakes the loop; this only bounds the wait for a process that takes its time to die.
_PATIENCE_MS = 50


class ForkServer:
    """The loop. `control` is the socket to the platform; the process is a child subreaper where that can be."""

    def __init__(self, control: _socket.socket, private_view: bool) -> None:
        self._control = control
        self._private_view = private_view
        self._pid = os.getpid()
        self._numbers: dict[int, int] = {}  # pid -> environment number
        self._pids: dict[int, int] = {}
        self._ended: list[tuple[int, int]] = []  # environments whose descendants may still live
        self._wake, self._waker = os.pipe()
        for descriptor in (self._wake, self._waker):
            os.set_blocking(descriptor, False)

    def serve(self) -> tuple[int, int] | None:
        """Serve the platform until it hangs up and everything is dead; None.

        In a forked child: the descriptors of its environment socket and log pipe.
        """
        _signal.set_wakeup_fd(self._waker, warn_on_full_buffer=False)
        _signal.signal(_signal.SIGCHLD, _wake_up)
        _signal.signal(_signal.SIGTERM, _wake_up)
        # Ctrl-C is the platform's business, which hangs up when it is done.
        _signal.signal(_signal.SIGINT, _signal.SIG_IGN)
        poll = select.poll()
        poll.register(self._control.fileno(), select.POLLIN)
        poll.register(self._wake, select.POLLIN)
        gc.collect()
        gc.disable()
        # A collection in a child leaves what is here alone, so its pages stay shared.
        gc.freeze()
        self._tell(_READY, int(self._private_view), 0)
        running = True
        while running:
            for descriptor, _ in poll.poll(_PATIENCE_MS if self._ended else None):
                if descriptor == self._wake:
                    running = _signal.SIGTERM not in os.read(self._wake, 4096)
                    continue
                message = self._receive()
                if message is None:
                    running = False
                    continue
                kind, number, descriptors = message
                if kind == _FORK and not self._fork(number):
                    return descriptors[0], descriptors[1]
                for inherited in descriptors:
                    os.close(inherited)
                if kind == _KILL:
                    self._kill(number)
            if running:
                self._reap()
        self._end()
        return None

    def _receive(self) -> tuple[int, int, list[int]] | None:
        try:
            data, ancillary, _, _ = self._control.recvmsg(_MESSAGE.size, _DESCRIPTORS)
        except ConnectionError:
            return None
        if len(data) < _MESSAGE.size:
            return None
        kind, _, number = _MESSAGE.unpack(data)
        return kind, number, list(array.array("i", ancillary[0][2])) if ancillary else []

    def _tell(self, kind: int, value: int, number: int) -> None:
        with suppress(ConnectionError):  # the platform is gone: the next read says so
            self._control.sendall(_MESSAGE.pack(kind, value, number))

    def _fork(self, number: int) -> bool:
        """True in this process, False in the child."""
        try:
            pid = os.fork()
        except OSError as error:
            print(f"lambent: cannot fork an execution environment: {error}", file=sys.stderr)
            self._tell(_GONE, _FORK_FAILED, number)
            return True
        if pid == 0:
            return False
        self._numbers[pid] = number
        self._pids[number] = pid
        self._tell(_BORN, pid, number)
        return True

    def _kill(self, number: int) -> None:
        pid = self._pids.get(number)
        if pid is not None:
            os.kill(pid, _signal.SIGKILL)

    def _reap(self) -> None:
        """Collect the dead; report environments of which nothing lives any more."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                break
            if pid == 0:
                break
            number = self._numbers.pop(pid, None)
            if number is not None:
                del self._pids[number]
                self._ended.append((number, status))
                if mounts is None:
                    _kill_group(pid)
        if not self._ended:
            return
        # Living environments keep their own orphans, so every stranger here comes from one that ended. The
        # children of those killed now come here in turn.
        strangers = [pid for pid in self._children() if pid not in self._numbers]
        for pid in strangers:
            os.kill(pid, _signal.SIGKILL)
        if not strangers:
            for number, status in self._ended:
                self._tell(_GONE, status & 0xFFFFFFFF, number)
            self._ended.clear()

    def _children(self) -> list[int]:
        """All children, those that the kernel gave to this process included."""
        if mounts is None:
            return list(self._numbers)
        try:
            with open(f"/proc/{self._pid}/task/{self._pid}/children", "rb") as file:
                return [int(pid) for pid in file.read().split()]
        except FileNotFoundError:
            return _children_by_stat(self._pid)

    def _end(self) -> None:
        """Kill everything below this process."""
        while True:
            for pid in self._children():
                os.kill(pid, _signal.SIGKILL)
                if mounts is None:
                    _kill_group(pid)
            try:
                pid, _ = os.waitpid(-1, 0)
            except ChildProcessError:
                return
            self._numbers.pop(pid, None)


def _wake_up(_number: int, _frame: object) -> None:
    """Nothing: that there is a handler makes the interpreter write to the wake-up descriptor."""


def _kill_group(pid: int) -> None:
    """Where orphans cannot be found (not Linux), at least the environment's process group ends with it."""
    with suppress(OSError):
        os.killpg(pid, _signal.SIGKILL)


def _children_by_stat(parent: int) -> list[int]:
    """Children of `parent`, for kernels without the `children` file."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    # pid (command) state parent ...; the command may hold anything, brackets too.
                    if int(file.read().rpartition(b")")[2].split()[1]) == parent:
                        found.append(int(name))
            except (FileNotFoundError, ProcessLookupError):
                continue
    return found
