"""Memory of processes, from /proc."""

from __future__ import annotations

import re
from pathlib import Path


def children(pid: int) -> list[int]:
    """The direct children of a process."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [int(child) for child in (task / "children").read_text().split()]
    return found


def _rollup(pid: int, field: str) -> float:
    match = re.search(rf"^{field}:\s+(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    assert match is not None
    return int(match[1]) / 1024


def share_mb(pid: int) -> float:
    """Proportional share of a process, in MB."""
    return _rollup(pid, "Pss")


def private_mb(pid: int) -> float:
    """What only this process has, in MB."""
    return _rollup(pid, "Private_Dirty") + _rollup(pid, "Private_Clean")


def available_mb() -> float:
    """What the machine could still give, in MB."""
    match = re.search(r"MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text())
    assert match is not None
    return int(match[1]) / 1024
