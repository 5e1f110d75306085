"""wrk as a function: load on a URL, figures back."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_MS: Final = {"us": 0.001, "ms": 1.0, "s": 1000.0}
BODY: Final = '{"message":"hello","n":1}'


@dataclass(frozen=True)
class Load:
    """What came of a run: requests a second, latencies in ms, answers that were no success."""

    rate: float
    p50: float
    p99: float
    errors: int


def require_wrk() -> None:
    """Exit with a hint when wrk is not installed."""
    if shutil.which("wrk") is None:
        raise SystemExit("The bench needs wrk: apt install wrk, or brew install wrk.")


def run(
    url: str, connections: int, seconds: float, headers: Mapping[str, str] | None = None, body: str = BODY
) -> Load:
    """POST `body` as fast as `connections` allow, for a while."""
    lines = ['wrk.method = "POST"', f"wrk.body = {json.dumps(body)}"]
    for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
        lines.append(f"wrk.headers[{json.dumps(name)}] = {json.dumps(value)}")
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "post.lua"
        script.write_text("\n".join(lines))
        said = subprocess.run(
            ["wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "--latency", "-s", script, url],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    broken = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", said)
    errors = int(refused[1]) if refused else 0
    errors += sum(map(int, broken.groups())) if broken else 0
    return Load(_rate(said), _percentile(said, 50), _percentile(said, 99), errors)


def _rate(said: str) -> float:
    match = re.search(r"Requests/sec:\s+([\d.]+)", said)
    assert match is not None, said
    return float(match[1])


def _percentile(said: str, percent: int) -> float:
    match = re.search(rf"\s{percent}%\s+([\d.]+)(us|ms|s)", said)
    assert match is not None, said
    return float(match[1]) * _MS[match[2]]
