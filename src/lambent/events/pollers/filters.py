"""Which records of a source a mapping wants: its FilterCriteria.

A record is wanted when one of the patterns matches it ("Control which events Lambda sends to your function"). What is
data to the source (`body` of SQS, `data` of Kinesis) may be text or JSON: a pattern that looks into the data drops
text, and one that looks at the data as a whole drops JSON ("Using event filtering with an Amazon SQS event source"),
also where it only asks for what is not there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from lambent.events.patterns import Pattern

if TYPE_CHECKING:
    from collections.abc import Iterable

_decode = msgspec.json.Decoder().decode


_DATA: Final = ("body", "data")


class _Filter:
    """One pattern. `inside` and `whole`: the members with data that it looks into, and those that it takes as text."""

    __slots__ = ("inside", "pattern", "whole")

    def __init__(self, text: str) -> None:
        self.pattern = Pattern.parse(text)
        paths = {field.path for fields in self.pattern.alternatives for field in fields}
        self.inside = [name for name in _DATA if any(path.startswith(f"{name}.") for path in paths)]
        self.whole = [name for name in _DATA if name in paths]

    def matches(self, record: dict[str, Any]) -> bool:
        for name in self.inside:
            if name in record and not isinstance(record[name], dict | list):
                return False
        for name in self.whole:
            if isinstance(record.get(name), dict | list):
                return False
        return self.pattern.matches(record)


class Filters:
    """The patterns of a mapping, compiled."""

    __slots__ = ("_filters",)

    def __init__(self, patterns: Iterable[str]) -> None:
        """Raises InvalidPattern."""
        self._filters = tuple(_Filter(text) for text in patterns)

    def matches(self, record: dict[str, Any]) -> bool:
        """Whether a record is wanted: one as the function would see it, its data decoded by `data_of`."""
        return any(one.matches(record) for one in self._filters)


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
