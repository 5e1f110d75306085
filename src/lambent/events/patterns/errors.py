"""What is wrong with a pattern."""

from __future__ import annotations


class InvalidPattern(ValueError):
    """A pattern that is none. The text is the reason as EventBridge gives it, with line and column."""


class TooComplex(InvalidPattern):
    """A pattern that would cost too much, whatever it means."""
