"""Listings in pages: Limit, NextToken."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any, Final, TypeVar

from lambent.aws.events.errors import invalid

if TYPE_CHECKING:
    from collections.abc import Sequence

Item = TypeVar("Item")

MOST: Final = 100


def page_of(items: Sequence[Item], request: dict[str, Any]) -> tuple[Sequence[Item], str | None]:
    """The page of `items` that `request` asks for, and the token of the next one. Raises ServiceError."""
    begin = _position(request["NextToken"]) if "NextToken" in request else 0
    end = begin + request.get("Limit", MOST)
    return items[begin:end], _token(end) if end < len(items) else None


def _token(position: int) -> str:
    return base64.urlsafe_b64encode(f"at {position}".encode()).decode()


def _position(token: str) -> int:
    try:
        word, _, number = (
            base64.b64decode(token.encode(), altchars=b"-_", validate=True).decode().partition(" ")
        )
        if word == "at":
            return int(number)
    except (binascii.Error, ValueError):
        pass
    raise invalid("Parameter NextToken is not valid.")
