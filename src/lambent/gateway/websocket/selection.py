"""Route selection expressions: which route a message takes.

Source: "Route selection expressions" of the API Gateway developer guide: `$request.body.action`,
`${request.body.action}`, several of these with text between them, or plain text.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

_PLAIN: Final = re.compile(r"\$request\.body\.([^\s${}]+)")
_PIECE: Final = re.compile(r"\$\{request\.body\.([^\s${}]+)\}")
_STEP: Final = re.compile(r"\[(\d+)\]|\[['\"]([^'\"]*)['\"]\]|\.?([^.\[\]]+)")

_decode = msgspec.json.Decoder().decode


def selector(expression: str) -> Callable[[str], str | None]:
    """What finds the route key of a message; None for one in which the expression finds nothing."""
    plain = _PLAIN.fullmatch(expression)
    if plain is not None:
        pieces: list[str | list[str | int]] = [_path(plain[1])]
    else:
        pieces = []
        at = 0
        for found in _PIECE.finditer(expression):
            pieces += [expression[at : found.start()], _path(found[1])]
            at = found.end()
        pieces.append(expression[at:])
        pieces = [piece for piece in pieces if piece]
    if all(isinstance(piece, str) for piece in pieces):
        return lambda message: expression
    return lambda message: _evaluate(pieces, message)


def _path(text: str) -> list[str | int]:
    steps: list[str | int] = []
    for index, quoted, name in _STEP.findall(text):
        steps.append(int(index) if index else quoted or name)
    return steps


def _evaluate(pieces: list[str | list[str | int]], message: str) -> str | None:
    try:
        body = _decode(message)
    except (msgspec.DecodeError, RecursionError):
        return None
    found = ""
    for piece in pieces:
        if isinstance(piece, str):
            found += piece
            continue
        value = _text(_at(body, piece))
        if value is None:
            return None
        found += value
    return found


def value_at(value: Any, path: str) -> Any:
    """What stands at a path such as `user.names[0]` in decoded JSON; None where there is nothing."""
    return _at(value, _path(path))


def _at(value: Any, path: list[str | int]) -> Any:
    for step in path:
        if isinstance(step, int):
            if not isinstance(value, list) or step >= len(value):
                return None
            value = value[step]
        elif isinstance(value, dict):
            value = value.get(step)
        else:
            return None
    return value


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    return None
