"""What Query and Scan find, page by page, each asked for when it is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from typing import Self

Item = TypeVar("Item")


class Items(Generic[Item]):
    """An iterator of items. `ask` is called with the members of each request and gives the answer; `read` makes items.

    `limit` is how many there are at most. DynamoDB's own limit counts what it has read, before a filter: with one
    (`filtered`) it is not told.
    """

    def __init__(
        self,
        ask: Callable[[dict[str, Any]], dict[str, Any]],
        read: Callable[[dict[str, Any]], Item],
        members: dict[str, Any],
        limit: int | None,
        *,
        filtered: bool,
    ) -> None:
        self._pages = _pages(ask, read, members, limit, filtered=filtered)
        self._page: Iterator[Item] = iter(())

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Item:
        for item in self._page:
            return item
        for page in self._pages:
            self._page = iter(page)
            for item in self._page:
                return item
        raise StopIteration

    async def in_thread(self) -> AsyncIterator[Item]:
        """The same for `async for`: pages are waited for in a thread."""
        import asyncio

        while True:
            page = await asyncio.to_thread(next, self._pages, None)
            if page is None:
                return
            for item in page:
                yield item


def _pages(
    ask: Callable[[dict[str, Any]], dict[str, Any]],
    read: Callable[[dict[str, Any]], Item],
    members: dict[str, Any],
    limit: int | None,
    *,
    filtered: bool,
) -> Iterator[list[Item]]:
    left = limit
    start: Any = None
    while True:
        asked = dict(members) if start is None else {**members, "ExclusiveStartKey": start}
        if left is not None and not filtered:
            asked["Limit"] = left
        answer = ask(asked)
        found = answer.get("Items") or []
        if left is not None:
            found = found[:left]
            left -= len(found)
        yield [read(attributes) for attributes in found]
        start = answer.get("LastEvaluatedKey")
        if not start or left == 0:
            return
