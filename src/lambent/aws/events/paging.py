"""Listings in pages: Limit, NextToken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

from lambent.aws.events.errors import invalid
from lambent.aws.page_tokens import key_of, token_of

if TYPE_CHECKING:
    from collections.abc import Sequence

Item = TypeVar("Item")

MOST: Final = 100


def page_of(items: Sequence[Item], request: dict[str, Any]) -> tuple[Sequence[Item], str | None]:
    """The page of `items` that `request` asks for, and the token of the next one. Raises ServiceError."""
    begin = _position(request["NextToken"]) if "NextToken" in request else 0
    end = begin + request.get("Limit", MOST)
    return items[begin:end], token_of(f"at {end}") if end < len(items) else None


def _position(token: str) -> int:
    try:
        word, _, number = key_of(token).partition(" ")
        if word == "at":
            return int(number)
    except ValueError:
        pass
    raise invalid("Parameter NextToken is not valid.")
