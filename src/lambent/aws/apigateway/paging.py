"""Listings in pages: `limit`, `position`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from lambent.aws.errors import ServiceError
from lambent.aws.page_tokens import key_of, token_of

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
    after = _key(request["position"]) if request.get("position") else None
    rest = sorted((item for item in items if after is None or key(item) > after), key=key)
    limit = request.get("limit")
    if limit is not None and limit < 0:
        raise ServiceError("BadRequestException", "Limit cannot be negative")
    size = min(limit or _DEFAULT, _MOST)
    page = rest[:size]
    return {
        "items": [describe(item) for item in page],
        "position": token_of(key(page[-1])) if len(rest) > size else None,
    }


def _key(token: str) -> str:
    try:
        return key_of(token)
    except ValueError:
        raise ServiceError("BadRequestException", "Invalid position specified") from None
