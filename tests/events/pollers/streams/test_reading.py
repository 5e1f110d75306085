"""What is read, in which order, and where reading goes on."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from lambent.events.errors import InvalidMapping
from lambent.http.client import ExchangeFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.events.conftest import SimulatedClock
    from tests.events.pollers.streams.conftest import World

    OpenWorld = Callable[[], Any]


@pytest.fixture(params=["kinesis", "dynamodb"])
def kind(request: pytest.FixtureRequest) -> str:
    """Both kinds of streams."""
    return str(request.param)


async def test_records_come_in_order_in_batches(open_world: OpenWorld, kind: str) -> None:
    world: World
    async with open_world() as world:
        world.service.put(*range(25))
        await world.map(kind, batch_size=10)
        await world.start()
        await world.seen(25)
        assert world.function.batches == [list(range(10)), list(range(10, 20)), list(range(20, 25))]
        (last,) = world.service.put(25)
        await world.seen(26)
        await world.reached("shardId-0", last)
        assert world.results == ["OK"]


async def test_one_batch_at_a_time(open_world: OpenWorld, kind: str) -> None:
    world: World
    async with open_world() as world:
        world.function.held = []
        world.service.put(*range(20))
        await world.map(kind, batch_size=5)
        await world.start()
        await world.until(lambda: world.function.held)
        await world.rest()
        assert world.function.batches == [[0, 1, 2, 3, 4]]
        world.function.release()
        await world.seen(20)
        assert world.function.all == list(range(20))


async def test_latest_means_from_enabled_on(open_world: OpenWorld, kind: str) -> None:
    world: World
    async with open_world() as world:
        world.service.put(0, 1, 2)
        await world.map(kind, "LATEST")
        await world.start()
        world.service.put(3, 4)
        await world.seen(2)
        await world.rest()
        assert world.function.all == [3, 4]


async def test_what_comes_after_latest_while_nobody_reads_is_not_lost(
    open_world: OpenWorld, kind: str
) -> None:
    world: World
    async with open_world() as world:
        world.service.put(0, 1, 2)
        await world.rest()
        await world.map(kind, "LATEST")
        await world.start()
        world.crash()
        await world.rest()
        world.service.put(3, 4)
        await world.rest()
        await world.start()
        await world.seen(2)
        await world.rest()
        assert world.function.all == [3, 4]


async def test_at_a_timestamp(open_world: OpenWorld, clock: SimulatedClock) -> None:
    world: World
    async with open_world() as world:
        world.service.put(0, 1)
        await world.rest()
        await world.map("kinesis", "AT_TIMESTAMP", timestamp=clock.wall_ms() / 1000)
        world.service.put(2, 3)
        await world.start()
        await world.seen(2)
        assert world.function.all == [2, 3]


async def test_another_poller_goes_on_where_the_last_one_stopped(open_world: OpenWorld, kind: str) -> None:
    world: World
    async with open_world() as world:
        await world.map(kind, batch_size=3)
        for first in (0, 10, 20):
            world.service.put(*range(first, first + 10))
            await world.start()
            await world.seen(first + 10)
            await world.stop()
        assert world.function.all == list(range(30))


async def test_stop_waits_for_what_runs_and_it_is_not_repeated(open_world: OpenWorld, kind: str) -> None:
    world: World
    async with open_world() as world:
        await world.map(kind, batch_size=2)
        sequences = world.service.put(*range(6))
        world.function.held = []
        await world.start()
        await world.until(lambda: world.function.held)
        stopping = asyncio.ensure_future(world.stop())
        await world.rest()
        assert not stopping.done()
        world.function.release()
        await stopping
        assert (await world.progress())["shardId-0"] == sequences[1]
        await world.start()
        await world.seen(6)
        assert world.function.all == list(range(6))


async def test_a_call_that_waits_is_taken_back_by_stop(open_world: OpenWorld, kind: str) -> None:
    world: World
    async with open_world() as world:
        await world.map(kind)
        world.service.put(1)
        world.function.refuses = True
        await world.start()
        await world.until(lambda: world.function.waiting)
        assert world.results == ["PROBLEM: Function call was throttled"]
        await world.stop()
        assert not world.function.waiting
        assert not world.function.events


async def test_shards_are_read_after_their_parents(open_world: OpenWorld, kind: str) -> None:
    world: World
    async with open_world() as world:
        await world.map(kind, batch_size=2)
        world.service.put("p0", "p1", "p2")
        world.service.split("shardId-0", "shardId-1", "shardId-2")
        world.service.put("c0", "c1", shard="shardId-1")
        world.service.put("d0", shard="shardId-2")
        world.service.shards["shardId-3"] = type(world.service.shards["shardId-1"])(
            ("shardId-1", "shardId-2")
        )
        world.service.shards["shardId-1"].closed = world.service.shards["shardId-2"].closed = True
        world.service.put("m0", shard="shardId-3")
        world.function.held = []
        await world.start()
        await world.until(lambda: world.function.held)
        await world.rest(60_000)
        assert world.function.batches == [["p0", "p1"]]
        world.function.release()
        await world.seen(7)
        seen = world.function.all
        assert seen[:3] == ["p0", "p1", "p2"]
        assert sorted(seen[3:6]) == ["c0", "c1", "d0"]
        assert seen[6:] == ["m0"]
        await world.stop()
        world.service.put("m1", shard="shardId-3")
        await world.start()
        await world.seen(8)
        assert world.function.all[7:] == ["m1"]


async def test_shards_that_come_later_are_read_from_their_beginning(open_world: OpenWorld, kind: str) -> None:
    world: World
    async with open_world() as world:
        await world.map(kind, "LATEST")
        await world.start()
        world.service.put("p0")
        world.service.split("shardId-0", "shardId-1", "shardId-2")
        world.service.put("c0", shard="shardId-1")
        world.service.put("c1", shard="shardId-2")
        await world.seen(3)
        assert world.function.all[0] == "p0"
        assert sorted(world.function.all[1:]) == ["c0", "c1"]


async def test_shards_that_are_gone_are_forgotten(open_world: OpenWorld, kind: str) -> None:
    world: World
    async with open_world() as world:
        await world.map(kind)
        world.service.split("shardId-0", "shardId-1")
        await world.start()
        world.service.put(1, shard="shardId-1")
        await world.until(lambda: world.function.all)
        await world.keeps("shardId-0", "shardId-1")
        del world.service.shards["shardId-0"]
        await world.keeps("shardId-1")
        world.service.put(2, shard="shardId-1")
        await world.seen(2)


async def test_iterators_that_have_expired_are_replaced(open_world: OpenWorld, kind: str) -> None:
    world: World
    async with open_world() as world:
        world.service.page = 500
        world.service.put(*range(3_000))
        await world.map(kind, batch_size=100)
        world.function.held = []
        await world.start()
        await world.until(lambda: world.function.held)
        await world.rest(600_000)
        world.function.release()
        await world.until(lambda: len(world.function.all) >= 3_000)
        assert world.function.all == list(range(3_000))
        assert world.service.count("GetShardIterator") == 2


async def test_no_more_is_held_than_is_needed(open_world: OpenWorld, kind: str) -> None:
    world: World
    async with open_world() as world:
        world.service.put(*range(5_000))
        world.service.page = 100
        await world.map(kind, batch_size=100)
        world.function.held = []
        await world.start()
        await world.rest(60_000)
        assert 10 <= world.service.count("GetRecords") <= 11


async def test_what_is_trimmed_is_left_out(open_world: OpenWorld) -> None:
    world: World
    async with open_world() as world:
        await world.map("dynamodb")
        world.service.put(*range(3))
        await world.start()
        await world.seen(3)
        await world.stop()
        world.service.put(*range(3, 10))
        world.service.shards["shardId-0"].trimmed = 6
        await world.start()
        await world.seen(7)
        assert world.function.all == [0, 1, 2, 6, 7, 8, 9]


@pytest.mark.parametrize(
    "operation", ["DescribeStreamSummary", "ListShards", "GetShardIterator", "GetRecords"]
)
@pytest.mark.parametrize(
    "fault",
    [
        ("ProvisionedThroughputExceededException", 400),
        ("InternalFailure", 500),
        ("ResourceNotFoundException", 400),
        ExchangeFailed("nobody there"),
    ],
    ids=str,
)
async def test_faults_of_the_service_are_outlasted(
    open_world: OpenWorld, operation: str, fault: tuple[str, int] | Exception
) -> None:
    world: World
    async with open_world() as world:
        world.service.put(*range(10))
        await world.map("kinesis", batch_size=4)
        world.service.faults[operation].extend([fault] * 3)
        await world.start()
        await world.seen(10)
        assert world.function.all == list(range(10))
        world.service.faults["GetRecords"].extend([fault] * 3)
        world.service.put(10, 11)
        await world.seen(12)
        assert world.function.all == list(range(12))


async def test_answers_that_are_too_large_are_asked_for_in_parts(open_world: OpenWorld, kind: str) -> None:
    world: World
    async with open_world() as world:
        world.service.largest = 100
        world.service.put(*range(500))
        await world.map(kind, batch_size=50)
        await world.start()
        await world.seen(500)
        assert world.function.all == list(range(500))


async def test_a_stream_that_is_not_there_is_waited_for(open_world: OpenWorld, kind: str) -> None:
    world: World
    async with open_world() as world:
        await world.map(kind, "LATEST")
        operation = "DescribeStreamSummary" if kind == "kinesis" else "DescribeStream"
        world.service.faults[operation].extend([("ResourceNotFoundException", 400)] * 2)
        await world.start()
        assert world.results == ["PROBLEM: Stream not found"]
        await world.until(lambda: world.service.count("GetShardIterator"))
        world.service.put(1)
        await world.until(lambda: world.results[-1] == "OK")
        assert world.function.all == [1]


async def test_what_is_wrong_is_said(open_world: OpenWorld, kind: str) -> None:
    world: World
    async with open_world() as world:
        await world.map(kind)
        operation = "DescribeStreamSummary" if kind == "kinesis" else "DescribeStream"
        world.service.faults[operation].extend([("AccessDeniedException", 400)] * 4)
        world.service.put(1)
        await world.start()
        await world.until(lambda: world.results[-1:] == ["OK"])
        service = "kinesis" if kind == "kinesis" else "dynamodbstreams"
        said = (
            f"PROBLEM: {service} {operation}: AccessDeniedException: AccessDeniedException, as was asked for"
        )
        assert world.results == [said, "OK"]


async def test_a_stream_made_anew_is_read_from_its_beginning(open_world: OpenWorld) -> None:
    world: World
    async with open_world() as world:
        await world.map("kinesis", "LATEST")
        await world.start()
        world.service.put("old")
        await world.until(lambda: world.function.all)
        world.service.created += 1
        world.service.shards["shardId-0"].records.clear()
        world.service.put("new")
        world.poller.wake(shards=True)
        await world.seen(2)
        assert world.function.all == ["old", "new"]


async def test_parallel_lanes_keep_the_order_of_each_key(open_world: OpenWorld, kind: str) -> None:
    world: World
    async with open_world() as world:
        for n in range(200):
            world.service.put([n % 17, n], key=f"key-{n % 17}")
        await world.map(kind, batch_size=5, parallelization_factor=4)
        await world.start()
        await world.seen(200)
        assert world.function.most == 4
        for key in range(17):
            seen = [n for one, n in world.function.all if one == key]
            assert seen == sorted(seen)


async def test_progress_has_no_gaps_where_lanes_are_parallel(open_world: OpenWorld, kind: str) -> None:
    world: World
    async with open_world() as world:
        await world.map(kind, batch_size=10, parallelization_factor=10)
        sequences = [
            sequence
            for n in range(40)
            for sequence in world.service.put(n, key="slow" if n == 7 else f"k{n}")
        ]

        def answer(event: dict[str, Any]) -> None:
            if 7 in world.function.data(event):
                raise RuntimeError("slow")

        world.function.answer = answer
        await world.start()
        await world.until(lambda: len(world.function.events) > 12)
        written = (await world.progress())["shardId-0"]
        assert written is None or sequences.index(written) < 7
        world.crash()
        world.function.answer = lambda _event: None
        world.function.events.clear()
        await world.start()
        await world.until(lambda: 39 in world.function.all and 7 in world.function.all)
        await world.reached("shardId-0", sequences[-1])


async def test_a_key_that_fails_does_not_stop_the_others(open_world: OpenWorld, kind: str) -> None:
    world: World
    async with open_world() as world:
        await world.map(kind, batch_size=100, parallelization_factor=2)
        world.service.put("poison", key="x")
        for n in range(3_000):
            world.service.put(n, key="steady")

        def answer(event: dict[str, Any]) -> None:
            if "poison" in world.function.data(event):
                raise RuntimeError

        world.function.answer = answer
        await world.start()
        await world.until(lambda: 2_999 in world.function.all)
        assert (await world.progress())["shardId-0"] is None


async def test_batching_window(open_world: OpenWorld, kind: str) -> None:
    world: World
    async with open_world() as world:
        await world.map(kind, batch_size=5, batching_window_s=20)
        await world.start()
        world.service.put(0, 1)
        await world.rest(10_000)
        world.service.put(2)
        await world.rest(5_000)
        assert not world.function.events
        await world.until(lambda: world.function.events)
        assert world.function.batches == [[0, 1, 2]]
        world.service.put(*range(3, 11))
        await world.rest(2_000)
        assert world.function.batches == [[0, 1, 2], [3, 4, 5, 6, 7]]
        await world.rest(25_000)
        assert world.function.batches[2:] == [[8, 9, 10]]


async def test_events_are_no_larger_than_six_megabytes(open_world: OpenWorld) -> None:
    world: World
    async with open_world() as world:
        world.service.put(*["x" * 1_000_000 for _ in range(10)])
        await world.map("kinesis", batch_size=100)
        await world.start()
        await world.seen(10)
        assert [len(batch) for batch in world.function.batches] == [4, 4, 2]


async def test_filters_of_kinesis(open_world: OpenWorld) -> None:
    world: World
    async with open_world() as world:
        await world.map(
            "kinesis",
            filters=(
                '{"data": {"kind": ["sale"]}}',
                '{"partitionKey": ["always"], "data": {"kind": ["gift"]}}',
            ),
        )
        world.service.put({"kind": "sale", "n": 1}, {"kind": "gift", "n": 2}, b"no json", b"\xff\xfe")
        world.service.put(b"[" * 100_000 + b"]" * 100_000, b'{"kind": ["sale"', b"", b"null")
        world.service.put({"kind": "gift", "n": 3}, key="always")
        (last,) = world.service.put({"kind": "none"})
        await world.start()
        await world.seen(2)
        assert [one["n"] for one in world.function.all] == [1, 3]
        await world.reached("shardId-0", last)


async def test_filters_of_dynamodb(open_world: OpenWorld) -> None:
    world: World
    async with open_world() as world:
        pattern = '{"eventName": ["INSERT"], "dynamodb": {"Keys": {"id": {"S": [{"prefix": "a"}]}}}}'
        await world.map("dynamodb", filters=(pattern,))
        world.service.put(1, key="abc")
        world.service.put(2, key="xyz")
        world.service.put(3, key="a")
        await world.start()
        await world.seen(2)
        assert world.function.all == [1, 3]


async def test_an_idle_stream_is_asked_seldom_and_a_busy_one_five_times_a_second(
    open_world: OpenWorld, kind: str
) -> None:
    world: World
    async with open_world() as world:
        world.elsewhere = frozenset({"kinesis", "dynamodb"})
        await world.map(kind)
        await world.start()
        await world.rest(10_000)
        before = len(world.service.asked)
        start = world.clock.steady_ms()
        await world.until(lambda: world.clock.steady_ms() >= start + 60_000)
        assert 50 <= len(world.service.asked) - before <= 70
        world.service.page = 1
        world.service.put(*range(100))
        before, start = world.service.count("GetRecords"), world.clock.steady_ms()
        await world.seen(100)
        asked = world.service.count("GetRecords") - before
        assert asked / (world.clock.steady_ms() - start) * 1000 <= 5


async def test_who_writes_here_wakes_readers_which_are_idle_for_longer(
    open_world: OpenWorld, kind: str
) -> None:
    world: World
    async with open_world() as world:
        await world.map(kind)
        await world.start()
        await world.rest(60_000)
        before, start = world.service.count("GetRecords"), world.clock.steady_ms()
        await world.until(lambda: world.clock.steady_ms() >= start + 60_000, 500)
        assert world.service.count("GetRecords") - before <= 13
        world.service.put(1)
        world.poller.wake()
        start = world.clock.steady_ms()
        await world.until(lambda: world.function.all, 5)
        assert world.clock.steady_ms() - start <= 25
        # Many writes that put nothing into this stream.
        before = world.service.count("GetRecords")
        for _ in range(1_000):
            world.poller.wake()
            await world.clock.advance(5)
        assert 10 <= world.service.count("GetRecords") - before <= 25


async def test_a_stream_has_to_be_there_for_a_new_mapping(open_world: OpenWorld, kind: str) -> None:
    world: World
    async with open_world() as world:
        await world.map(kind)
        operation = "DescribeStreamSummary" if kind == "kinesis" else "DescribeStream"
        await world.check()
        world.service.faults[operation].append(("ResourceNotFoundException", 400))
        with pytest.raises(InvalidMapping, match=f"Stream not found: {world.mapping.source_arn}"):
            await world.check()
        world.service.faults[operation].append(ExchangeFailed("nobody there"))
        await world.check()
        # Who has it may not be there yet, either.
        world.elsewhere = frozenset({"kinesis", "dynamodb"})
        world.service.faults[operation].append(("ResourceNotFoundException", 400))
        await world.check()
