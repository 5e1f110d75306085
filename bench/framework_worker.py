"""`python -m bench.framework_worker SCENARIO CANDIDATE SECONDS`: one candidate in a process that knows no other.

Prints a JSON object: `cpu`, a list of microseconds of CPU time for one operation, each the mean of a few milliseconds;
or `skipped`, why there is none. What the operation writes on standard output goes nowhere.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from typing import TYPE_CHECKING

from bench.framework_scenarios import SCENARIOS, NotThere

if TYPE_CHECKING:
    from bench.framework_scenarios import Operation

_SAMPLE_NS = 4_000_000
_WARM_UP = 200

# Powertools reads it when it is imported.
_ENVIRONMENT = {
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_LAMBDA_FUNCTION_NAME": "bench",
    "POWERTOOLS_METRICS_NAMESPACE": "bench",
    "POWERTOOLS_SERVICE_NAME": "bench",
    "POWERTOOLS_TRACE_DISABLED": "1",
}


def main(scenario: str, who: str, seconds: float) -> None:
    """Build, check, time, print."""
    result = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    # As files are opened. In the POSIX locale it is "surrogateescape", which encodes 0.3 µs a line slower: what is
    # measured shall not depend on the locale.
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - to the end of the process
    ours = who in ("floor", "lambent")
    if not ours:
        os.environ |= _ENVIRONMENT
    try:
        importlib.import_module("bench.framework_candidates" if ours else "bench.framework_peers")
        outcome: dict[str, object] = {"cpu": _sampled(scenario, who, seconds)}
    except (NotThere, ModuleNotFoundError) as reason:
        outcome = {"skipped": f"{who}: {reason}"}
    os.write(result, json.dumps(outcome).encode())


def _sampled(scenario: str, who: str, seconds: float) -> list[float]:
    about = SCENARIOS[scenario]
    operation = _checked(scenario, who)
    base = None if about.beyond is None else _checked(about.beyond, who)
    count = 1
    while _elapsed(operation, count) < _SAMPLE_NS:
        count *= 2
    samples: list[float] = []
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline or not samples:
        elapsed = _elapsed(operation, count)
        if base is not None:
            elapsed -= _elapsed(base, count)
        samples.append(elapsed / count / 1000 / about.parts)
    return samples


def _checked(scenario: str, who: str) -> Operation:
    """The operation, its answer checked and its code warm."""
    about = SCENARIOS[scenario]
    operation = about.candidates[who]()
    answer = operation()
    if not about.correct(answer):
        raise SystemExit(f"{who} answers {about.figure!r} wrongly: {answer!r}")
    for _ in range(_WARM_UP):
        operation()
    return operation


def _elapsed(operation: Operation, count: int) -> int:
    """Nanoseconds of CPU time for so many of them."""
    begin = time.process_time_ns()
    for _ in range(count):
        operation()
    return time.process_time_ns() - begin


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], float(sys.argv[3]))
