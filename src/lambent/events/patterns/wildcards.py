"""Texts with an asterisk for whatever stands there."""

from __future__ import annotations

from typing import Any, Final

_MAX_COMPLEXITY: Final = 10
_MAX_STATES: Final = 2_000


class InvalidWildcard(ValueError):
    """A text that is no wildcard pattern. The text says why in event-ruler's words."""


class Wildcard:
    """Texts that a wildcard pattern takes.

    `pieces` are what stands between the asterisks: one piece is a text without asterisk, and the first and the last
    are empty where the pattern begins or ends with one.
    """

    __slots__ = ("pieces",)

    def __init__(self, pattern: str) -> None:
        """Raises InvalidWildcard."""
        self.pieces = _pieces(pattern)

    def __call__(self, value: Any) -> bool:
        if type(value) is not str:
            return False
        first, *middle = self.pieces
        if not middle:
            return value == first
        last = middle.pop()
        end = len(value) - len(last)
        at = len(first)
        if at > end or not value.startswith(first) or not value.endswith(last):
            return False
        for piece in middle:
            # The leftmost place leaves the most room for what follows.
            found = value.find(piece, at, end)
            if found < 0:
                return False
            at = found + len(piece)
        return True

    @property
    def too_complex(self) -> bool:
        """Whether AWS refuses it as too complex.

        event-ruler counts how many beginnings of the pattern the worst text can match at once. EventBridge does not
        say how many are too many. What was recorded: 10 are (`*:*:*:*:*:event-bus/*`), 7 are not
        (`/Users/*/dir/dir/dir/dir/dir/doc.txt`). Nothing is refused here that may be allowed there.
        """
        return _at_most(self.pieces) >= _MAX_COMPLEXITY and _worst_case(self.pieces) >= _MAX_COMPLEXITY


def _pieces(pattern: str) -> tuple[str, ...]:
    pieces, piece, at = [], "", 0
    while at < len(pattern):
        character, following = pattern[at], pattern[at + 1 : at + 2]
        if character == "*":
            if following == "*":
                raise InvalidWildcard(f"Consecutive wildcard characters at pos {_place(pattern, at)}")
            pieces.append(piece)
            piece = ""
        elif character == "\\":
            if following not in ("*", "\\"):
                raise InvalidWildcard(f"Invalid escape character at pos {_place(pattern, at)}")
            piece += following
            at += 1
        else:
            piece += character
        at += 1
    return (*pieces, piece)


def _place(pattern: str, at: int) -> int:
    # AWS counts bytes, from the quotation mark in front of the text.
    return 1 + len(pattern[:at].encode("utf-8", "replace"))


def _at_most(pieces: tuple[str, ...]) -> int:
    """A bound for the worst case that is quickly found: every asterisk, and of each piece what ends as it begins."""
    return len(pieces) - 1 + sum(_deepest_border(piece) for piece in pieces[1:])


def _deepest_border(piece: str) -> int:
    """How many beginnings of a piece one text can end with at once."""
    borders, depths = [0], [0, 1]
    for at in range(1, len(piece)):
        border = borders[-1]
        while border and piece[border] != piece[at]:
            border = borders[border - 1]
        if piece[border] == piece[at]:
            border += 1
        borders.append(border)
        depths.append(depths[border] + 1)
    return max(depths) if piece else 0


def _worst_case(pieces: tuple[str, ...]) -> int:
    """The most beginnings of a pattern that one text matches at once, or _MAX_COMPLEXITY if there are more."""
    # Position n is behind the n-th symbol; None is an asterisk, behind which one may stay.
    symbols: list[str | None] = [*pieces[0]]
    for piece in pieces[1:]:
        symbols += [None, *piece]
    # Which positions each character leads on from; "" is every other character.
    alphabet = {"", *(symbol for symbol in symbols if symbol is not None)}
    start = _with_asterisks({0}, symbols)
    worst, seen, waiting = 0, {start}, [start]
    while waiting and len(seen) < _MAX_STATES:
        positions = waiting.pop()
        for character in alphabet:
            following = {at + 1 for at in positions if at < len(symbols) and symbols[at] == character}
            following |= {at for at in positions if at and symbols[at - 1] is None}
            reached = _with_asterisks(following, symbols)
            worst = max(worst, len(reached))
            if worst >= _MAX_COMPLEXITY:
                return worst
            if reached and reached not in seen:
                seen.add(reached)
                waiting.append(reached)
    return worst


def _with_asterisks(positions: set[int], symbols: list[str | None]) -> frozenset[int]:
    skipped = {at + 1 for at in positions if at < len(symbols) and symbols[at] is None}
    return frozenset(positions | skipped)
