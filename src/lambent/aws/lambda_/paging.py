"""Listings in pages: Marker, MaxItems, NextMarker."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from lambent.aws.lambda_.configuration import decode_marker, encode_marker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Item = TypeVar("Item")


def page_of(
    items: Iterable[Item], key: Callable[[Item], tuple[str, int]], request: dict[str, Any], most: int
) -> tuple[list[Item], str | None]:
    """The page of `items` that a request asks for, of at most `most`, and the marker of the next if there is one.

    `items` are in the order of their keys. A marker stands for the key of the last item before it, which may
    have gone in the meantime.
    """
    size = min(request.get("MaxItems") or most, most)
    after = decode_marker(request["Marker"]) if request.get("Marker") else None
    rest = [item for item in items if after is None or key(item) > after]
    page = rest[:size]
    return page, encode_marker(key(page[-1])) if len(rest) > size else None
