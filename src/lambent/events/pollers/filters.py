"""Which records of a source a mapping wants: its FilterCriteria.

A record is wanted when one of the patterns matches it ("Control which events Lambda sends to your function"). What is
data to the source (`body` of SQS, `data` of Kinesis) may be text or JSON: a pattern for JSON drops text, and the other
way round, which comes by itself when the patterns are matched against data that was decoded where it is JSON.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from lambent.events.patterns import Pattern

if TYPE_CHECKING:
    from collections.abc import Iterable

_decode = msgspec.json.Decoder().decode


class Filters:
    """The patterns of a mapping, compiled."""

    __slots__ = ("_patterns",)

    def __init__(self, patterns: Iterable[str]) -> None:
        """Raises InvalidPattern."""
        self._patterns = tuple(Pattern.parse(text) for text in patterns)

    def matches(self, record: dict[str, Any]) -> bool:
        """Whether a record is wanted: one as the function would see it, its data decoded by `data_of`."""
        return any(pattern.matches(record) for pattern in self._patterns)


def filters_of(patterns: tuple[str, ...] | None) -> Filters | None:
    """The filters of a mapping's settings; None where every record is wanted."""
    return Filters(patterns) if patterns else None


def data_of(data: str | bytes) -> Any:
    """Data as patterns see it: JSON objects and lists decoded, all else as text. None for what is no text at all."""
    if data[:1] in ("{", "[", b"{", b"[") or data[:1].isspace():
        try:
            value = _decode(data)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            value = None
        if isinstance(value, dict | list):
            return value
    if isinstance(data, bytes):
        try:
            return data.decode()
        except UnicodeDecodeError:
            return None
    return data
