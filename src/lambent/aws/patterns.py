"""The models' regular expressions: written for Java, matched against the whole value, compiled when the first value
comes. Nearly all values are ASCII: for these no table of all that Unicode has of a category needs to be made.
"""

from __future__ import annotations

import functools
import itertools
import re
import unicodedata
import warnings
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_PROPERTY = re.compile(r"\\\\|(\[\^?)|\\([pP])(?:\{\^?(?:Is)?([A-Za-z]+)\}|([A-Z]))")
# In Java a dash after such a class stands for itself, in Python it is a range without a beginning.
_CLASS_DASH = re.compile(r"(\\[wWdDsS])-(?=[^\]])")
_POSIX = {
    "Alpha": "a-zA-Z",
    "Alnum": "a-zA-Z0-9",
    "Digit": "0-9",
    "Lower": "a-z",
    "Upper": "A-Z",
    "ASCII": "\\x00-\\x7f",
    "Graph": "!-~",
    "Print": " -~",
    "Punct": "!-/:-@\\[-`{-~",
    "Space": "\\t\\n\\x0b\\f\\r ",
    "Blank": "\\t ",
    "Cntrl": "\\x00-\\x1f\\x7f",
    "XDigit": "0-9a-fA-F",
    "Alphabetic": "\\w",
    "LD": "\\w",
}
# Beyond these lie only private use, tags and variation selectors.
ASSIGNED: Final = 0x32000
ASCII: Final = 0x80


@functools.cache
def _categories(limit: int) -> list[tuple[str, int, int]]:
    """Runs of code points below `limit` of one general category: it, the first, the last."""
    runs: list[tuple[str, int, int]] = []
    start = 0
    for category, members in itertools.groupby(map(unicodedata.category, map(chr, range(limit)))):
        end = start + sum(1 for _ in members)
        runs.append((category, start, end - 1))
        start = end
    return runs


@functools.cache
def _category_ranges(category: str, limit: int) -> str:
    """The code points below `limit` of a general category (`L`, `Lu`), as the inside of a character class.

    Where there are none it is the first that is not below: a class cannot be empty.
    """
    ranges: list[list[int]] = []
    for found, low, high in _categories(limit):
        if found.startswith(category):
            if ranges and ranges[-1][1] == low - 1:
                ranges[-1][1] = high
            else:
                ranges.append([low, high])
    return "".join(f"\\U{low:08x}-\\U{high:08x}" for low, high in ranges or [[limit, limit]])


def _has_categories(pattern: str) -> bool:
    return "\\p" in pattern or "\\P" in pattern


def _translate(pattern: str, limit: int) -> str:
    """`pattern` for Python's `re`, which has no `\\p{…}` and spells `\\z` otherwise, for values below `limit`."""
    pattern = _CLASS_DASH.sub(r"\1\-", pattern)
    if not _has_categories(pattern):
        return pattern.replace("\\z", "\\Z")
    inside = _class_spans(pattern)

    def expand(found: re.Match[str]) -> str:
        if found.group(2) is None:
            return found.group()
        name = found.group(3) or found.group(4)
        content = _POSIX.get(name) or _category_ranges(name, limit)
        if found.group(2) == "p" and found.start() in inside:
            return content
        return f"[^{content}]" if found.group(2) == "P" else f"[{content}]"

    return _PROPERTY.sub(expand, pattern).replace("\\z", "\\Z")


def _class_spans(pattern: str) -> set[int]:
    """The positions of `pattern` that stand inside a character class."""
    inside: set[int] = set()
    depth = position = 0
    while position < len(pattern):
        if depth:
            inside.add(position)
        if pattern[position] == "\\":
            position += 2
            continue
        if pattern[position] == "[" and not depth:
            depth = 1
        elif pattern[position] == "]" and depth:
            depth = 0
        position += 1
    return inside


@functools.cache
def matcher(pattern: str) -> Callable[[str], bool]:
    """What tells whether a whole value matches `pattern`. What Python's `re` cannot express matches everything."""
    varies = _has_categories(pattern)

    def matches(value: str) -> bool:
        compiled = compile_pattern(pattern, ASCII if varies and value.isascii() else ASSIGNED)
        return compiled is None or compiled.fullmatch(value) is not None

    return matches


@functools.cache
def compile_pattern(pattern: str, limit: int) -> re.Pattern[str] | None:
    """`pattern` compiled for values of characters below `limit`, ASCII or ASSIGNED, to be used with `fullmatch`; None
    where Python's `re` cannot express it.
    """
    try:
        with warnings.catch_warnings():
            # Java gives no other meaning to the sets that Python reserves for the future either.
            warnings.simplefilter("ignore", FutureWarning)
            return re.compile(_translate(pattern, limit))
    except (re.error, OverflowError):
        return None
