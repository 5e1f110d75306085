"""Listings in pages: `limit`, `position`."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any, TypeVar

from lambent.aws.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Item = TypeVar("Item")

_DEFAULT = 25
_MOST = 500


def page_of(
    items: Iterable[Item],
    key: Callable[[Item], str],
    request: dict[str, Any],
    describe: Callable[[Item], dict[str, Any]],
) -> dict[str, Any]:
    """The answer with the page of `items` that `request` asks for, in the order of their keys.

    A position stands for the key of the last item before it, which may have gone in the meantime. Raises ServiceError.
    """
    after = _decode(request["position"]) if request.get("position") else None
    rest = sorted((item for item in items if after is None or key(item) > after), key=key)
    limit = request.get("limit")
    if limit is not None and limit < 0:
        raise ServiceError("BadRequestException", "Limit cannot be negative")
    size = min(limit or _DEFAULT, _MOST)
    page = rest[:size]
    return {
        "items": [describe(item) for item in page],
        "position": _encode(key(page[-1])) if len(rest) > size else None,
    }


def _encode(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode()


def _decode(token: str) -> str:
    try:
        return base64.b64decode(token.encode(), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError):
        raise ServiceError("BadRequestException", "Invalid position specified") from None
