"""Subscription filters: kept with their groups; what groups that have some log is told of."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from lambent.observe import FilterNotFound, SealedChunk, TooManyFilters, events_by_stream

if TYPE_CHECKING:
    from collections.abc import Callable

ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"


def test_filters_are_kept(run: Callable[..., None], open_logs: Callable[..., object]) -> None:
    async def scenario() -> None:
        async with open_logs() as logs:  # type: ignore[attr-defined]
            await logs.store.filters.put(logs.group("/a"), "f", "ERROR", ARN, None, "ByLogStream")
            await logs.store.filters.put(logs.group("/b"), "f", "", ARN, "role", "Random")
        async with open_logs() as logs:  # type: ignore[attr-defined]
            (kept,) = logs.group("/a").subscriptions
            assert kept[:5] == ("f", "ERROR", ARN, None, "ByLogStream")
            assert logs.group("/b").subscriptions[0].role_arn == "role"
            with pytest.raises(FilterNotFound):
                await logs.store.filters.delete(logs.group("/a"), "g")
            await logs.store.filters.delete(logs.group("/a"), "f")
            await logs.store.delete_group(logs.group("/b"))
        async with open_logs() as logs:  # type: ignore[attr-defined]
            assert logs.group("/a").subscriptions == logs.group("/b").subscriptions == ()

    run(scenario)


def test_two_filters_at_most(run: Callable[..., None], open_logs: Callable[..., object]) -> None:
    async def scenario() -> None:
        async with open_logs() as logs:  # type: ignore[attr-defined]
            group = logs.group()
            puts = (
                logs.store.filters.put(group, name, "", ARN, None, "ByLogStream") for name in ("a", "b", "c")
            )
            results = await asyncio.gather(*puts, return_exceptions=True)
            assert [type(result) for result in results] == [type(None), type(None), TooManyFilters]
            assert [one.name for one in group.subscriptions] == ["a", "b"]

    run(scenario)


def test_events_of_groups_with_filters_alone(
    run: Callable[..., None], open_logs: Callable[..., object]
) -> None:
    async def scenario() -> None:
        async with open_logs() as logs:  # type: ignore[attr-defined]
            told: list[SealedChunk] = []
            logs.store.when_subscribed(told.extend)
            await logs.store.filters.put(logs.group("/a"), "f", "", ARN, None, "ByLogStream")
            logs.stream("s", "/b").append(1, "not asked for")
            stream = logs.stream("s", "/a")
            stream.invocation_start(1, "id", "$LATEST")
            stream.append(2, "hello")
            logs.stream("t", "/a").append(2, "other")
            await logs.store.flush()
            await logs.store.create_stream(logs.group("/a"), "put")
            await logs.store.put_events(logs.group("/a"), "put", [(3, "by request")])
            found = [
                event for sealed in told for events in events_by_stream(sealed).values() for event in events
            ]
            # As readers see them, with the same positions.
            assert sorted(found) == await logs.events("/a")
            assert [event.message for event in found] == [
                "START RequestId: id Version: $LATEST\n",
                "hello",
                "other",
                "by request",
            ]

    run(scenario)
