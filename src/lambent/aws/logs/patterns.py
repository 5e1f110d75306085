"""Filter patterns of CloudWatch Logs, compiled to a predicate over an event's message.

Three kinds, told apart by their first character ("Filter pattern syntax for metric filters, subscription
filters, filter log events, and Live Tail", CloudWatch Logs user guide): terms, `{ JSON }`, `[columns]`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from lambent.aws.logs.column_patterns import compile_columns
from lambent.aws.logs.conditions import PatternError, regular_expression
from lambent.aws.logs.json_patterns import compile_json

if TYPE_CHECKING:
    from collections.abc import Callable

    Predicate = Callable[[str], bool]

_TERM: Final = re.compile(
    r"""\s*(?P<sign>[?-]?)(?:
        "(?P<phrase>(?:[^"\\]|\\.)*)"
      | %(?P<regex>[^%]+)%
      | (?P<word>[^\s"%]+)
    )(?=\s|$)""",
    re.VERBOSE,
)
_ESCAPE: Final = re.compile(r"\\(.)")


def compile_pattern(pattern: str) -> Predicate | None:
    """The predicate of a pattern; None where every event matches.

    Raises PatternError.
    """
    stripped = pattern.strip()
    if not stripped:
        return None
    if stripped[0] == "{":
        return compile_json(stripped)
    if stripped[0] == "[":
        return compile_columns(stripped)
    return _compile_terms(stripped)


def _compile_terms(text: str) -> Predicate:
    """`a b`: both; `"a b"`: the phrase; `?a ?b`: one of them; `-a`: not it; `%a.c%`: the regular expression.

    Terms are case-sensitive. As AWS does, `?` terms are ignored beside terms that have to be there.
    """
    required: list[Predicate] = []
    optional: list[Predicate] = []
    excluded: list[Predicate] = []
    place = 0
    while place < len(text):
        found = _TERM.match(text, place)
        if found is None:
            raise PatternError(text)
        place = found.end()
        kind = {"": required, "?": optional, "-": excluded}[found["sign"]]
        kind.append(_contains(found))
    if required or not optional:
        return lambda message: (
            all(term(message) for term in required) and not any(term(message) for term in excluded)
        )
    return lambda message: (
        any(term(message) for term in optional) and not any(term(message) for term in excluded)
    )


def _contains(found: re.Match[str]) -> Predicate:
    if found["regex"] is not None:
        search = regular_expression(found["regex"])
        return lambda message: search(message) is not None
    term = found["word"] if found["word"] is not None else _ESCAPE.sub(r"\1", found["phrase"])
    return lambda message: term in message
