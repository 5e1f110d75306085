"""How long calls may take: when Lambda's time is up, nobody is told what they were waiting for."""

from __future__ import annotations

from lambent.app import current

MARGIN = 0.1
"""Seconds kept for raising, logging and answering."""


def seconds() -> float | None:
    """What calls of this invocation have left, 0 or less if nothing; None outside of any."""
    left = getattr(current.context, "get_remaining_time_in_millis", None)
    if left is None:
        return None
    milliseconds = left()
    # Tests hand in all sorts of contexts.
    return milliseconds / 1000 - MARGIN if isinstance(milliseconds, (int, float)) else None
