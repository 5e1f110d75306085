"""Listings in pages: MaxResults (a number as text), NextToken."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from lambent.aws.errors import ServiceError
from lambent.aws.page_tokens import key_of, token_of

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
    after = _key(request["NextToken"]) if request.get("NextToken") else None
    rest = sorted((item for item in items if after is None or key(item) > after), key=key)
    size = _size(request.get("MaxResults"))
    page = rest[:size]
    return {
        "Items": [describe(item) for item in page],
        "NextToken": token_of(key(page[-1])) if len(rest) > size else None,
    }


def _size(asked: str | None) -> int:
    if not asked:
        return _MOST
    if not asked.isascii() or not asked.isdigit() or not 0 < int(asked) <= _MOST:
        raise ServiceError("BadRequestException", f"Invalid maxResults specified: {asked}")
    return int(asked)


def _key(token: str) -> str:
    try:
        return key_of(token)
    except ValueError:
        raise ServiceError("BadRequestException", "Invalid nextToken specified") from None
