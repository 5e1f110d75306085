"""Listings in pages: NextToken, and never more than a page's worth of what there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

from lambent.aws.cloudformation.errors import invalid
from lambent.aws.page_tokens import key_of, token_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

Item = TypeVar("Item")

PAGE: Final = 100
"""What a page holds where a request does not say."""


def page_of(
    items: Iterable[Item], request: dict[str, Any], key: Callable[[Item], str], size: int = PAGE
) -> tuple[Sequence[Item], str | None]:
    """The items of the page that is asked for, in the order of their keys, and the token of the next one.

    A token stands for the key of the last item before its page: that one may have gone in the meantime.
    """
    token = request.get("NextToken")
    after = None if not token else _key(token)
    rest = sorted((item for item in items if after is None or key(item) > after), key=key)
    if len(rest) <= size:
        return rest, None
    return rest[:size], token_of(key(rest[size - 1]))


def slice_of(
    items: Sequence[Item], request: dict[str, Any], size: int = PAGE
) -> tuple[Sequence[Item], str | None]:
    """The same for items whose number and order stay as they are."""
    token = request.get("NextToken")
    start = number_of(token) if token else 0
    page = items[start : start + size]
    return page, token_of(str(start + size)) if start + size < len(items) else None


def number_of(token: str) -> int:
    """The number that a token stands for."""
    text = _key(token)
    if not text.isascii() or not text.isdigit():
        raise invalid("Invalid NextToken")
    return int(text)


def _key(token: str) -> str:
    try:
        return key_of(token)
    except ValueError:
        raise invalid("Invalid NextToken") from None
