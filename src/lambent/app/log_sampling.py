"""Sampling: what is drawn for an invocation, from 0 to 1. Loggers with a higher sample rate log at DEBUG, all alike."""

from __future__ import annotations

import os
from typing import Any

_lot: float | None = None


def lot() -> float:
    """What is drawn for this invocation."""
    return draw() if _lot is None else _lot


def draw() -> float:
    """Draws for the next invocation."""
    global _lot
    # Not the random module: environments forked from one process would all draw the same numbers, and it takes
    # milliseconds to import.
    _lot = int.from_bytes(os.urandom(6)) / 2**48
    return _lot


def rate_of(value: Any) -> float:
    """The number that a sample rate is; 0 for none. Raises ValueError for what is no number."""
    try:
        return float(value or 0)
    except (TypeError, ValueError):
        raise ValueError(
            f"a sample rate is a number from 0 to 1, not {value!r}: see sample_rate and POWERTOOLS_LOGGER_SAMPLE_RATE"
        ) from None
