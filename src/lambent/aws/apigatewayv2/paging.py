"""Listings in pages: MaxResults (a number as text), NextToken."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any, TypeVar

from lambent.aws.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Item = TypeVar("Item")

_MOST = 500


def page_of(
    items: Iterable[Item],
    key: Callable[[Item], str],
    request: dict[str, Any],
    describe: Callable[[Item], dict[str, Any]],
) -> dict[str, Any]:
    """The answer with the page of `items` that `request` asks for, in the order of their keys.

    A token stands for the key of the last item before it, which may have gone in the meantime. Raises ServiceError.
    """
    after = _decode(request["NextToken"]) if request.get("NextToken") else None
    rest = sorted((item for item in items if after is None or key(item) > after), key=key)
    size = _size(request.get("MaxResults"))
    page = rest[:size]
    return {
        "Items": [describe(item) for item in page],
        "NextToken": _encode(key(page[-1])) if len(rest) > size else None,
    }


def _size(asked: str | None) -> int:
    if not asked:
        return _MOST
    if not asked.isascii() or not asked.isdigit() or not 0 < int(asked) <= _MOST:
        raise ServiceError("BadRequestException", f"Invalid maxResults specified: {asked}")
    return int(asked)


def _encode(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode()


def _decode(token: str) -> str:
    try:
        return base64.b64decode(token.encode(), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError):
        raise ServiceError("BadRequestException", "Invalid nextToken specified") from None
