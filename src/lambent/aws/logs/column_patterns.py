"""Filter patterns for space-delimited events: `[ip, user, request = *html*, status = 4*, ...]`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from lambent.aws.logs.conditions import VALUE, PatternError, condition

if TYPE_CHECKING:
    from collections.abc import Callable

_FIELD: Final = re.compile(r'\[([^\]]*)\]|"([^"]*)"|(\S+)')
_TEST: Final = re.compile(
    rf"\s*(?P<name>[\w.$-]+)\s*(?P<operator>!=|<=|>=|=|<|>)\s*(?P<value>{VALUE}|\*)\s*", re.VERBOSE
)
_NAME: Final = re.compile(r"\s*[\w.$-]*\s*")


class _Column(NamedTuple):
    any_of: list[list[Callable[[Any], bool]]]  # a disjunction of conjunctions


def compile_columns(text: str) -> Callable[[str], bool]:
    """Raises PatternError."""
    if not text.endswith("]"):
        raise PatternError(text)
    parts = _split(text[1:-1])
    rest = [index for index, part in enumerate(parts) if part.strip() == "..."]
    if len(rest) > 1:
        raise PatternError(text)
    columns = [_column(part) for part in parts if part.strip() != "..."]
    before = rest[0] if rest else len(columns)

    def test(message: str) -> bool:
        fields = [
            next(group for group in found.groups() if group is not None) for found in _FIELD.finditer(message)
        ]
        if len(fields) < len(columns) or (not rest and len(fields) != len(columns)):
            return False
        chosen = fields[:before] + (fields[len(fields) - (len(columns) - before) :] if rest else [])
        return all(_holds(column, field) for column, field in zip(columns, chosen, strict=True))

    return test


def _holds(column: _Column, field: str) -> bool:
    return not column.any_of or any(all(test(field) for test in tests) for tests in column.any_of)


def _split(text: str) -> list[str]:
    """At commas that are in no string and no regular expression."""
    return re.findall(r'(?:"(?:[^"\\]|\\.)*"|%[^%]*%|[^,])+', text)


def _column(text: str) -> _Column:
    if _NAME.fullmatch(text):
        return _Column([])
    alternatives = []
    for alternative in text.split("||"):
        tests = []
        for part in alternative.split("&&"):
            found = _TEST.fullmatch(part)
            if found is None:
                raise PatternError(text)
            tests.append(condition(found["operator"], found["value"]))
        alternatives.append(tests)
    return _Column(alternatives)
