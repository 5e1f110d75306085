"""Measures cold starts of a platform through its public API.

Before each invocation the function's configuration changes, so that no environment that is there can serve it;
that it was served by a new one is read from its REPORT line. The time is the caller's: from the first byte of
the request to the last of the answer, signing not included.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import io
import math
import re
import shlex
import sys
import time
import uuid
import zipfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from lambent.cli.failure import Failure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lambent.cli.endpoint import Endpoint

_ACTIVE_SECONDS: Final = 120.0
_POLL_SECONDS: Final = 0.01
_PAUSE_SECONDS: Final = 0.15
_INVOKE_SECONDS: Final = 120
_MEMORY_MB: Final = 512
_INIT_DURATION: Final = re.compile(rb"Init Duration: ([0-9.]+) ms")

_PYTHON: Final = b"def handler(event, context):\n    return event\n"
_NODE: Final = b"exports.handler = async (event) => event;\n"
_RUBY: Final = b"def handler(event:, context:)\n  event\nend\n"

# public class App { public Object handle(Object event) { return event; } }
# javac --release 8 -g:none App.java
_JAVA: Final = base64.b64decode(
    "yv66vgAAADQADAoAAgADBwAEDAAFAAYBABBqYXZhL2xhbmcvT2JqZWN0AQAGPGluaXQ+AQADKClWBwAIAQADQXBwAQAEQ29kZQEA"
    "BmhhbmRsZQEAJihMamF2YS9sYW5nL09iamVjdDspTGphdmEvbGFuZy9PYmplY3Q7ACEABwACAAAAAAACAAEABQAGAAEACQAAABEA"
    "AQABAAAABSq3AAGxAAAAAAABAAoACwABAAkAAAAOAAEAAgAAAAIrsAAAAAAAAA=="
)

# A client of the Runtime API as small as can be, in the language that is surely there.
_CLIENT: Final = b"""import http.client, os
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
while True:
    api.request("GET", "/2018-06-01/runtime/invocation/next")
    event = api.getresponse()
    path = "/2018-06-01/runtime/invocation/%s/response" % event.headers["Lambda-Runtime-Aws-Request-Id"]
    api.request("POST", path, event.read())
    api.getresponse().read()
"""
_BOOTSTRAP: Final = """#!/bin/sh
for python in {python} python3; do
    command -v "$python" >/dev/null && exec "$python" -IS "$LAMBDA_TASK_ROOT/client.py"
done
"""


@dataclass(frozen=True)
class Language:
    """A function that returns its event: its files by name, its handler, and what its figures are of."""

    handler: str
    files: dict[str, bytes]
    note: str


_LANGUAGES: Final = {
    "python": Language("app.handler", {"app.py": _PYTHON}, "forked from an interpreter that is ready"),
    "nodejs": Language("app.handler", {"app.js": _NODE}, "a process started ahead, where one is left"),
    "provided": Language(
        "any",
        {"bootstrap": _BOOTSTRAP.format(python=shlex.quote(sys.executable)).encode(), "client.py": _CLIENT},
        "the bootstrap is a shell script that starts Python",
    ),
    "java": Language("App::handle", {"App.class": _JAVA}, "a JVM for each environment"),
    "ruby": Language("app.handler", {"app.rb": _RUBY}, "an interpreter for each environment"),
}

RUNTIMES: Final = (
    *(f"python3.{minor}" for minor in range(9, 15)),
    *(f"nodejs{major}.x" for major in (18, 20, 22, 24)),
    "provided.al2023",
    *(f"java{major}" for major in (17, 21, 25)),
    *(f"ruby3.{minor}" for minor in (2, 3, 4)),
)
"""What is measured unless runtimes are named."""


def language_of(runtime: str) -> Language:
    """The function to measure a runtime with. Raises Failure when there is none."""
    match = re.match(r"[a-z]+", runtime)
    language = _LANGUAGES.get(match[0]) if match else None
    if language is None:
        raise Failure(
            f"There is no function to measure {runtime} with.",
            hint=f"Families that can be measured: {', '.join(_LANGUAGES)}.",
        )
    return language


@dataclass(frozen=True)
class ColdStarts:
    """The cold starts of one runtime, in milliseconds in the order in which they were measured.

    `total` as the caller has waited, `init` as the platform reports initialisation. `problem` says why there
    are none.
    """

    runtime: str
    note: str
    total: tuple[float, ...] = ()
    init: tuple[float, ...] = ()
    problem: str | None = None

    def summary(self) -> dict[str, Any]:
        """As JSON; figures in milliseconds."""
        if self.problem is not None:
            return {"runtime": self.runtime, "problem": self.problem}
        return {
            "runtime": self.runtime,
            "count": len(self.total),
            "p50_ms": round(percentile(self.total, 50), 3),
            "p99_ms": round(percentile(self.total, 99), 3),
            "init_p50_ms": round(percentile(self.init, 50), 3),
            "init_p99_ms": round(percentile(self.init, 99), 3),
            "note": self.note,
        }


def percentile(values: Iterable[float], percent: float) -> float:
    """The smallest of the values that `percent` of 100 do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def measure(endpoint: Endpoint, runtime: str, count: int) -> Iterator[ColdStarts]:
    """Measure `count` cold starts of a runtime; yields what is known after each of them.

    The function that is made for it is deleted again, with its logs. Yields one with a `problem` when the
    platform cannot run the runtime. Raises Failure when the platform fails in any other way.
    """
    language = language_of(runtime)
    client = endpoint.client("lambda")
    name = f"lambent-bench-{uuid.uuid4().hex[:12]}"
    found = ColdStarts(runtime, language.note)
    try:
        client.create_function(
            FunctionName=name,
            Runtime=runtime,
            Handler=language.handler,
            Role="arn:aws:iam::000000000000:role/lambent-bench",
            Code={"ZipFile": _package(language.files)},
            MemorySize=_MEMORY_MB,
            Timeout=30,
        )
        problem = _settle(client, name)
        caller = None if problem else _Caller(endpoint, name)
        while caller is not None and len(found.total) < count:
            client.update_function_configuration(
                FunctionName=name, Environment={"Variables": {"COLD_START": str(len(found.total))}}
            )
            problem = _settle(client, name)
            if problem:
                break
            # Each by itself, not in the wake of the one before: what is started ahead of need is there again.
            time.sleep(_PAUSE_SECONDS)
            total, init, problem = caller.call()
            if problem:
                break
            found = ColdStarts(runtime, language.note, (*found.total, total), (*found.init, init))
            yield found
        if problem:
            yield ColdStarts(runtime, language.note, problem=problem)
    except client.exceptions.InvalidParameterValueException as error:
        yield ColdStarts(runtime, language.note, problem=error.response["Error"]["Message"])
    finally:
        _remove(endpoint, client, name)


def _package(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            entry = zipfile.ZipInfo(name)
            entry.external_attr = 0o755 << 16
            archive.writestr(entry, content)
    return out.getvalue()


def _settle(client: Any, name: str) -> str | None:
    """Wait until the last change holds; what is wrong, if anything is."""
    deadline = time.monotonic() + _ACTIVE_SECONDS
    while time.monotonic() < deadline:
        found = client.get_function_configuration(FunctionName=name)
        if found["State"] == "Failed" or found.get("LastUpdateStatus") == "Failed":
            return str(found.get("StateReason") or found.get("LastUpdateStatusReason") or "it is Failed")
        if found["State"] == "Active" and found.get("LastUpdateStatus") == "Successful":
            return None
        time.sleep(_POLL_SECONDS)
    return f"it was not ready after {_ACTIVE_SECONDS:.0f} seconds"


def _remove(endpoint: Endpoint, client: Any, name: str) -> None:
    from botocore.exceptions import BotoCoreError, ClientError

    with contextlib.suppress(BotoCoreError, ClientError):
        client.delete_function(FunctionName=name)
        endpoint.client("logs").delete_log_group(logGroupName=f"/aws/lambda/{name}")


class _Caller:
    """Invokes a function over one connection."""

    def __init__(self, endpoint: Endpoint, name: str) -> None:
        place = urlsplit(endpoint.url)
        connect = http.client.HTTPSConnection if place.scheme == "https" else http.client.HTTPConnection
        self._connection = connect(place.netloc, timeout=_INVOKE_SECONDS)
        self._url = f"{endpoint.url}/2015-03-31/functions/{name}/invocations"
        self._path = f"{place.path}/2015-03-31/functions/{name}/invocations"
        self._endpoint = endpoint

    def call(self) -> tuple[float, float, str | None]:
        """Milliseconds in all and of initialisation, and what was wrong with the answer."""
        headers = self._endpoint.signed_headers("lambda", self._url, b"{}", {"X-Amz-Log-Type": "Tail"})
        self._connection.connect()
        begin = time.perf_counter()
        self._connection.request("POST", self._path, b"{}", headers)
        answer = self._connection.getresponse()
        body = answer.read()
        total = (time.perf_counter() - begin) * 1000
        self._connection.close()
        if answer.status != 200 or answer.headers["X-Amz-Function-Error"]:
            return 0, 0, _one_line(body)
        report = _INIT_DURATION.search(base64.b64decode(answer.headers["X-Amz-Log-Result"] or ""))
        if report is None:
            return 0, 0, "an environment that was there already has answered"
        return total, float(report[1]), None


def _one_line(body: bytes) -> str:
    return " ".join(body.decode("utf-8", "replace").split())[:200]
