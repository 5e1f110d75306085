"""Texts with an asterisk for whatever stands there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

_TOO_MANY: Final = 10
_MAX_STATES: Final = 1_000


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


def too_complex(wildcards: Sequence[Wildcard]) -> bool:
    """Whether AWS refuses the wildcards of one field as too complex.

    event-ruler counts how many beginnings of its patterns the worst text matches at once. EventBridge does not say how
    many are too many. Known are: 10 of one pattern are (`*:*:*:*:*:event-bus/*`, recorded), 7 are not
    (`/Users/*/dir/dir/dir/dir/dir/doc.txt`, recorded); 16 of four patterns are (`*/datasync/*.bif` and the like), 8 of
    two are not. Where that leaves room nothing is refused.
    """
    patterns = list({one.pieces: _at_most(one.pieces) for one in wildcards}.items())
    if sum(bound for _, bound in patterns) < _TOO_MANY:
        return False
    if any(bound >= _TOO_MANY and _worst_case([pieces]) >= _TOO_MANY for pieces, bound in patterns):
        return True
    return len(patterns) > 1 and _worst_case([pieces for pieces, _ in patterns]) > _TOO_MANY


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
    return max(2, len(pieces) - 1 + sum(_deepest_border(piece) for piece in pieces[1:]))


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


def _worst_case(patterns: list[tuple[str, ...]]) -> int:
    """The most beginnings of patterns that one text matches at once; no more than _TOO_MANY + 1 are counted."""
    # Positions are in front of symbols; None is an asterisk, behind which one may stay, "" the end of a pattern.
    symbols: list[str | None] = []
    start = set()
    for pieces in patterns:
        start.add(len(symbols))
        symbols += pieces[0]
        for piece in pieces[1:]:
            symbols += [None, *piece]
        symbols.append("")
    seen = {_with_asterisks(start, symbols)}
    waiting, worst = list(seen), 0
    while waiting and len(seen) < _MAX_STATES:
        positions = waiting.pop()
        staying = {at for at in positions if at and symbols[at - 1] is None}
        # By the characters that lead on from here; any other leaves what stays.
        by_character: dict[str, set[int]] = {"": set(staying)}
        for at in positions:
            symbol = symbols[at]
            if symbol:
                by_character.setdefault(symbol, set(staying)).add(at + 1)
        for following in by_character.values():
            reached = _with_asterisks(following, symbols)
            worst = max(worst, len(reached))
            if worst > _TOO_MANY:
                return worst
            if reached and reached not in seen:
                seen.add(reached)
                waiting.append(reached)
    return worst


def _with_asterisks(positions: set[int], symbols: list[str | None]) -> frozenset[int]:
    return frozenset(positions | {at + 1 for at in positions if symbols[at] is None})
