"""The process that imports apps: started with the project's interpreter, asked in JSON."""

from __future__ import annotations

import contextlib
import os
import selectors
import struct
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from lambent.deploy.errors import AnalysisError

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST: Final = 120.0
"""Seconds that importing an app may take."""

_ENDING_S: Final = 2.0

_PROGRAM: Final = Path(__file__).with_name("child.py")


class Importer:
    """A running interpreter that answers requests one after the other; see `child` for what they are.

    With `warm` it has the framework loaded before the first. Nothing of the user's is ever in it: each request is
    answered by a fork. `close` ends it; so does the end of this process.
    """

    def __init__(self, python: Path, *, warm: bool = False) -> None:
        self._python = python
        self._warm = warm
        self._process: subprocess.Popen[bytes] | None = None
        self._answers = -1
        self._is_asked = False
        self._start()

    def _start(self) -> None:
        reader, writer = os.pipe()
        python = str(self._python)
        command = [python, str(_PROGRAM), *(["--warm"] if self._warm else []), str(writer)]
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=[writer],
            )
        except OSError as error:
            os.close(reader)
            raise AnalysisError(
                f"the interpreter {python} cannot be started: {error.strerror}",
                hint='Name another one with python = "…" below [app] in lambent.toml.',
            ) from None
        finally:
            os.close(writer)
        self._answers = reader

    def ask(self, request: Mapping[str, Any]) -> None:
        """Send a request; `answer` gives what becomes of it. A process that has died is started again.

        An answer that nobody has asked for is for a request that was given up: it is read and forgotten.
        """
        if self._is_asked:
            with contextlib.suppress(AnalysisError):
                self.answer()
        self._is_asked = True
        if self._process is None or self._process.poll() is not None:
            self.close()
            self._start()
        assert self._process is not None
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(msgspec.json.encode(request) + b"\n")
            self._process.stdin.flush()

    def answer(self) -> dict[str, Any]:
        """The answer to the request that was sent. Raises AnalysisError when there is none."""
        self._is_asked = False
        deadline = time.monotonic() + LONGEST
        head = self._read(8, deadline)
        (size,) = struct.unpack("!q", head)
        return msgspec.json.decode(self._read(size, deadline), type=dict[str, Any])

    def _read(self, size: int, deadline: float) -> bytes:
        pieces = bytearray()
        with selectors.DefaultSelector() as selector:
            selector.register(self._answers, selectors.EVENT_READ)
            while len(pieces) < size:
                if not selector.select(max(0.0, deadline - time.monotonic())):
                    self.close()
                    raise AnalysisError(
                        f"importing the app takes more than {LONGEST:.0f} seconds",
                        hint="Something waits when it is imported: what needs a network belongs into handlers.",
                    )
                piece = os.read(self._answers, size - len(pieces))
                if not piece:
                    raise self._died()
                pieces += piece
        return bytes(pieces)

    def _died(self) -> AnalysisError:
        said = ""
        if self._process is not None and self._process.stderr is not None:
            said = self._process.stderr.read().decode(errors="replace").strip()
        self.close()
        return AnalysisError(
            f"the interpreter {self._python} ends before it has answered",
            hint="It has to be CPython 3.9 or later, and to work.",
            output=said,
        )

    def close(self) -> None:
        """End the process."""
        if self._answers >= 0:
            os.close(self._answers)
            self._answers = -1
        process, self._process = self._process, None
        if process is not None:
            assert process.stdin is not None
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
            # With its input it ends by itself, and ends what imports an app at the moment: killed, it would leave that.
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_ENDING_S)
            process.kill()
            process.wait()
            if process.stderr is not None:
                process.stderr.close()
