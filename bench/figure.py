"""One row of the table."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Figure:
    """What was measured, the floor's value if it has one, ours, and what is asked for.

    `peers` are others' values by name. `met` tells whether the value is what is asked for; None where nothing is.
    """

    name: str
    unit: str
    value: float
    floor: float | None = None
    wanted: str = ""
    met: bool | None = None
    peers: dict[str, float] = field(default_factory=dict)
