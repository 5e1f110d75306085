"""Figures of queues, mappings, events and schedules, in groups that have folders and platforms of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench import events_mapping, events_queues, events_rules

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bench.figure import Figure


def measure(data: Path, quick: bool) -> Iterator[Figure]:
    """All of them."""
    rounds, seconds = (1, 0.5) if quick else (3, 3)
    for part in ("queues", "latency", "mapping", "many", "rules", "schedules"):
        (data / part).mkdir()
    yield from events_queues.measure(data / "queues", rounds, seconds)
    yield from events_mapping.latency(data / "latency", 50 if quick else 500)
    yield from events_mapping.throughput(data / "mapping", 2_000 if quick else 50_000)
    yield from events_mapping.many(data / "many", 10_000 if quick else 1_000_000, rounds, seconds)
    yield from events_rules.rules(data / "rules", 500 if quick else 10_000, rounds, seconds)
    yield from events_rules.schedules(data / "schedules", 1_000 if quick else 50_000, 2 if quick else 10)
