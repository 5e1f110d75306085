"""wrk as a function: load on a URL, figures back."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

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
    url: str,
    connections: int,
    seconds: float,
    headers: Mapping[str, str] | None = None,
    body: str | None = BODY,
) -> Load:
    """POST `body` as fast as `connections` allow, for a while; GET without one."""
    lines = []
    sent = dict(headers or {})
    if body is not None:
        lines += ['wrk.method = "POST"', f"wrk.body = {json.dumps(body)}"]
        sent = {"Content-Type": "application/json", **sent}
    for name, value in sent.items():
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


def get(url: str, headers: Mapping[str, str] | None = None) -> tuple[int, bytes]:
    """One GET: status and body of its answer."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=60)
    with contextlib.closing(connection):
        connection.request("GET", parts.path, headers=dict(headers or {}))
        response = connection.getresponse()
        return response.status, response.read()


def _rate(said: str) -> float:
    match = re.search(r"Requests/sec:\s+([\d.]+)", said)
    assert match is not None, said
    return float(match[1])


def _percentile(said: str, percent: int) -> float:
    match = re.search(rf"\s{percent}%\s+([\d.]+)(us|ms|s)", said)
    assert match is not None, said
    return float(match[1]) * _MS[match[2]]
