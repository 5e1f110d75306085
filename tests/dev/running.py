"""`lambent dev` as a process, for tests: started in a project, asked over its port, ended by Ctrl-C."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any, NamedTuple, Self

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SECONDS = 30.0


class Answer(NamedTuple):
    status: int
    body: str
    seconds: float

    def json(self) -> Any:
        return json.loads(self.body)


class Dev:
    """A session in the project `root`. Its output is in `text`."""

    def __init__(self, root: Path, *arguments: str, port: int = 0) -> None:
        self.root = root
        self._process = subprocess.Popen(
            [sys.executable, "-m", "lambent.cli", "dev", "--port", str(port), *arguments],
            cwd=root,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={
                name: value for name, value in os.environ.items() if not name.startswith(("LAMBENT_", "AWS_"))
            },
            start_new_session=True,
        )
        self._lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def ready(self) -> Self:
        """Once it has said that it is."""
        self.sees(" is ready")
        return self

    @property
    def session(self) -> dict[str, Any]:
        """The record of the session."""
        found: dict[str, Any] = json.loads((self.root / ".lambent" / "dev.json").read_text())
        return found

    @property
    def url(self) -> str:
        url: str = self.session["url"]
        return url

    @property
    def text(self) -> str:
        return "".join(self._lines)

    def sees(self, text: str, after: int = 0) -> int:
        """Wait until the output has `text` behind its first `after` characters; where the output ends then."""
        until(lambda: text in self.text[after:] or self._process.poll() is not None)
        assert text in self.text[after:], self.text
        return len(self.text)

    def get(self, path: str, **options: Any) -> Answer:
        """Ask the app."""
        request = urllib.request.Request(f"{self.url}{path}", **options)  # noqa: S310 - ours
        began = time.perf_counter()
        try:
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310 - ours
                status, body = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, body = error.code, error.read()
        return Answer(status, body.decode(), time.perf_counter() - began)

    def ended(self) -> int:
        """Wait for its end; the exit code."""
        code = self._process.wait(SECONDS)
        self._reader.join(SECONDS)
        return code

    def stop(self) -> float:
        """Ctrl-C; how many seconds its end takes."""
        began = time.perf_counter()
        self._process.send_signal(signal.SIGINT)
        self.ended()
        return time.perf_counter() - began

    def kill(self) -> None:
        """kill -9."""
        self._process.kill()
        self.ended()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self.ended()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.append(line.decode())


def until(condition: Callable[[], bool]) -> None:
    """Wait for `condition`."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it does not come true"
        time.sleep(0.01)


def save(path: Path, text: str) -> None:
    """As editors do: a new file in place of the old one."""
    written = path.with_name(f".{path.name}.new")
    written.write_text(text, encoding="utf-8")
    written.replace(path)
