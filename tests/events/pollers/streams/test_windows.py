"""Tumbling windows: state from call to call, and their end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.events.conftest import SimulatedClock
    from tests.events.pollers.streams.conftest import World

    OpenWorld = Callable[[], Any]


@pytest.fixture(params=["kinesis", "dynamodb"])
def kind(request: pytest.FixtureRequest) -> str:
    """Both kinds of streams."""
    return str(request.param)


def count(event: dict[str, Any]) -> dict[str, Any]:
    """What a function does that counts its records."""
    return {"state": {"n": event["state"].get("n", 0) + len(event["Records"])}}


def finals(world: World) -> list[dict[str, Any]]:
    """The calls that ended a window."""
    return [event for event in world.function.events if event["isFinalInvokeForWindow"]]


async def test_state_goes_from_call_to_call_and_a_window_ends(
    open_world: OpenWorld, kind: str, clock: SimulatedClock
) -> None:
    world: World
    async with open_world() as world:
        # The clock stands at 22:13:20.
        await world.map(kind, batch_size=2, tumbling_window_s=60)
        world.function.answer = count
        world.service.put(1, 2, 3)
        await world.start()
        await world.until(lambda: len(world.function.events) == 2)
        first, second = world.function.events
        members = {name: value for name, value in first.items() if name != "Records"}
        assert list(first) == [
            "Records",
            "window",
            "state",
            "shardId",
            "eventSourceARN",
            "isFinalInvokeForWindow",
            "isWindowTerminatedEarly",
        ]
        assert members == {
            "window": {"start": "2023-11-14T22:13:00Z", "end": "2023-11-14T22:14:00Z"},
            "state": {},
            "shardId": "shardId-0",
            "eventSourceARN": world.mapping.source_arn,
            "isFinalInvokeForWindow": False,
            "isWindowTerminatedEarly": False,
        }
        assert second["state"] == {"n": 2}
        await world.rest(35_000)
        assert len(world.function.events) == 2
        await world.until(lambda: len(world.function.events) == 3)
        assert clock.wall_ms() // 1000 <= 1_700_000_000 + 43
        last = world.function.events[2]
        assert last["Records"] == []
        assert last["state"] == {"n": 3}
        assert last["isFinalInvokeForWindow"] is True
        assert last["isWindowTerminatedEarly"] is False
        world.service.put(4)
        await world.until(lambda: len(world.function.events) == 4)
        assert world.function.events[3]["state"] == {}
        assert world.function.events[3]["window"]["start"] == "2023-11-14T22:14:00Z"


async def test_records_of_the_next_window_end_this_one_first(open_world: OpenWorld, kind: str) -> None:
    world: World
    async with open_world() as world:
        world.service.put(1, 2)
        await world.rest(60_000)
        world.service.put(3, 4)
        await world.map(kind, batch_size=100, tumbling_window_s=60)
        world.function.answer = count
        await world.start()
        await world.until(lambda: len(world.function.events) == 3)
        assert world.function.batches == [[1, 2], [], [3, 4]]
        assert world.function.events[1]["state"] == {"n": 2}
        assert world.function.events[2]["state"] == {}


async def test_state_outlives_a_crash(open_world: OpenWorld, kind: str) -> None:
    world: World
    async with open_world() as world:
        await world.map(kind, tumbling_window_s=60)
        world.function.answer = count
        sequences = world.service.put(1, 2)
        await world.start()
        await world.reached("shardId-0", sequences[-1])
        world.crash()
        world.service.put(3)
        await world.start()
        await world.until(lambda: len(finals(world)) == 1)
        assert finals(world)[0]["state"] == {"n": 3}
        await world.stop()
        await world.start()
        await world.rest(200_000)
        assert len(finals(world)) == 1


async def test_a_window_that_was_open_ends_after_a_restart(open_world: OpenWorld, kind: str) -> None:
    world: World
    async with open_world() as world:
        await world.map(kind, tumbling_window_s=60)
        world.function.answer = count
        (sequence,) = world.service.put(1)
        await world.start()
        await world.reached("shardId-0", sequence)
        world.crash()
        await world.rest(600_000)
        await world.start()
        await world.until(lambda: len(finals(world)) == 1)
        assert finals(world)[0]["state"] == {"n": 1}
        assert finals(world)[0]["window"]["end"] == "2023-11-14T22:14:00Z"


async def test_an_answer_without_state_is_a_failure(open_world: OpenWorld, kind: str) -> None:
    world: World
    async with open_world() as world:
        await world.map(kind, tumbling_window_s=60, retry_attempts=2, on_failure="arn:aws:sqs:us-east-1:0:q")
        world.function.answer = lambda event: count(event) if world.function.data(event) == [2] else {}
        world.service.put(1)
        await world.start()
        await world.until(lambda: world.outbox.parcels)
        assert world.function.batches == [[1]] * 3
        world.service.put(2)
        await world.until(lambda: len(world.function.events) == 4)
        assert world.function.events[3]["state"] == {}


async def test_the_last_call_is_repeated_until_it_succeeds(open_world: OpenWorld, kind: str) -> None:
    world: World
    async with open_world() as world:
        fails = True

        def answer(event: dict[str, Any]) -> Any:
            if fails and event["isFinalInvokeForWindow"]:
                raise RuntimeError
            return count(event)

        world.function.answer = answer
        await world.map(kind, tumbling_window_s=60, retry_attempts=0)
        world.service.put(1)
        await world.start()
        await world.until(lambda: len(finals(world)) == 5)
        world.service.put(2)
        await world.rest(10_000)
        assert 2 not in world.function.all
        fails = False
        await world.until(lambda: 2 in world.function.all)
        assert all(event["state"] == {"n": 1} for event in finals(world))


async def test_a_state_that_is_too_large_ends_its_window_early(open_world: OpenWorld, kind: str) -> None:
    world: World
    async with open_world() as world:
        await world.map(kind, batch_size=1, tumbling_window_s=900)
        world.function.answer = lambda event: {"state": {} if event["state"] else {"x": "y" * 1_100_000}}
        world.service.put(1, 2)
        await world.start()
        await world.until(lambda: len(world.function.events) >= 3)
        assert world.function.batches[:3] == [[1], [], [2]]
        early = world.function.events[1]
        assert early["isFinalInvokeForWindow"] is early["isWindowTerminatedEarly"] is True
        assert len(early["state"]["x"]) == 1_100_000
        assert world.function.events[2]["state"] == {}
        assert world.function.events[2]["window"] == early["window"]


async def test_a_shard_that_ends_ends_its_window(open_world: OpenWorld, kind: str) -> None:
    world: World
    async with open_world() as world:
        await world.map(kind, tumbling_window_s=900)
        world.function.answer = count
        world.service.put(1)
        world.service.split("shardId-0", "shardId-1")
        world.service.put(2, shard="shardId-1")
        await world.start()
        await world.until(lambda: 2 in world.function.all, step_ms=50)
        first, end, second = world.function.events[:3]
        assert [first["shardId"], end["shardId"], second["shardId"]] == [
            "shardId-0",
            "shardId-0",
            "shardId-1",
        ]
        assert end["isFinalInvokeForWindow"] is True
        assert second["state"] == {}


async def test_partial_reports_keep_their_state(open_world: OpenWorld, kind: str) -> None:
    world: World
    async with open_world() as world:
        await world.map(kind, tumbling_window_s=60, report_item_failures=True)
        _, second = world.service.put(1, 2)
        world.function.answer = lambda event: {
            "state": {"n": event["state"].get("n", 0) + 1},
            "batchItemFailures": [{"itemIdentifier": second}] if len(event["Records"]) == 2 else [],
        }
        await world.start()
        await world.until(lambda: len(world.function.events) == 2)
        assert world.function.batches == [[1, 2], [2]]
        assert world.function.events[1]["state"] == {"n": 1}
