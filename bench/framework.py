"""Figures of the framework: what an app costs per operation and before the first, beside floors and others."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from typing import TYPE_CHECKING, Final

from bench import framework_candidates, framework_import, framework_peers, peers
from bench.figure import Figure
from bench.framework_scenarios import SCENARIOS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Both register their candidates when they are imported.
_REGISTERED: Final = (framework_candidates, framework_peers)
_OWN: Final = ("floor", "lambent")
_BUILD_MS_LIMIT: Final = 30
_MEMORY_MB_LIMIT: Final = 8


def measure(data: Path, quick: bool) -> Iterator[Figure]:
    """Medians of microseconds of CPU time, which other programs disturb less than the clock on the wall."""
    others = peers.find()
    if others is None:
        print(peers.HOW_TO, file=sys.stderr)
    medians = _medians(others, rounds=1 if quick else 5, seconds=0.15 if quick else 0.25)
    for name, scenario in SCENARIOS.items():
        found = medians[name]
        if "lambent" in found:
            yield _figure(scenario.figure, "µs", found, scenario.limit)
    starts = framework_import.measure(data, others, runs=3 if quick else 15)
    build = {who: start.build_ms for who, start in starts.items()}
    memory = {who: start.memory_mb for who, start in starts.items()}
    first = {who: start.first_call_ms for who, start in starts.items()}
    yield _figure("a typical app, imported and built", "ms", build, _BUILD_MS_LIMIT)
    yield _figure("the memory it takes", "MB", memory, _MEMORY_MB_LIMIT)
    yield _figure("its first call", "ms", first, None)


def _figure(name: str, unit: str, found: dict[str, float], limit: float | None) -> Figure:
    value = found["lambent"]
    return Figure(
        name,
        unit,
        value,
        found.get("floor"),
        "" if limit is None else f"<= {limit:g}",
        None if limit is None else value <= limit,
        peers={who: one for who, one in found.items() if who not in _OWN},
    )


def _medians(others: peers.Peers | None, rounds: int, seconds: float) -> dict[str, dict[str, float]]:
    """By scenario and candidate. Each candidate has a process of its own in each round, and they take turns."""
    samples: dict[tuple[str, str], list[float]] = {}
    skipped: set[str] = set()
    for _ in range(rounds):
        for name, scenario in SCENARIOS.items():
            for who in scenario.candidates:
                if who in _OWN:
                    python = sys.executable
                elif others is not None:
                    python = str(others.python)
                else:
                    continue
                outcome = _run(python, name, who, seconds)
                if "skipped" in outcome:
                    skipped.add(f"{scenario.figure}: {outcome['skipped']}")
                else:
                    samples.setdefault((name, who), []).extend(outcome["cpu"])
    for reason in sorted(skipped):
        print(f"not measured: {reason}", file=sys.stderr)
    medians: dict[str, dict[str, float]] = {name: {} for name in SCENARIOS}
    for (name, who), found in samples.items():
        medians[name][who] = statistics.median(found)
    return medians


def _run(python: str, name: str, who: str, seconds: float) -> dict[str, list[float]]:
    worker = [python, "-m", "bench.framework_worker", name, who, str(seconds)]
    done = subprocess.run(worker, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{who} in {SCENARIOS[name].figure!r} failed: {done.stderr}")
    outcome: dict[str, list[float]] = json.loads(done.stdout)
    return outcome
