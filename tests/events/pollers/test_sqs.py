from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from lambent.events.mapping import Mapping, Settings
from lambent.events.pollers.sqs import SqsPoller
from lambent.events.queues import NewMessage

if TYPE_CHECKING:
    from lambent.events.queues import Queue

ACCOUNT, REGION = "000000000000", "us-east-1"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:worker"


def mapping(queue: Queue, **settings: Any) -> Mapping:
    return Mapping(
        id="m",
        account=ACCOUNT,
        region=REGION,
        source_kind="sqs",
        source_arn=queue.arn,
        function_arn=FUNCTION,
        settings=Settings(**{"batch_size": 10, "batching_window_s": 0, **settings}),
        state="Enabled",
        target="Enabled",
        modified_ms=0,
    )


async def queue_of(world: Any, name: str = "orders", **attributes: str) -> Queue:
    return await world.queues.create(ACCOUNT, REGION, name, attributes, {})  # type: ignore[no-any-return]


async def send(world: Any, queue: Queue, *bodies: str, **members: Any) -> None:
    sent: list[Any] = []
    queue.send([NewMessage(body=body, **members) for body in bodies], lambda *outcome: sent.append(outcome))
    await world.until(lambda: sent)
    assert sent[0][1] is None
    await world.settled()


async def started(world: Any, queue: Queue, **settings: Any) -> SqsPoller:
    poller = SqsPoller(mapping(queue, **settings), world.parts)
    await poller.start()
    await world.settled()
    return poller


async def closed(world: Any, poller: SqsPoller | None = None) -> None:
    for run in world.functions.running:
        run.end()
    if poller is not None:
        await poller.stop()
    await world.queues.close()
    await world.database.close()


async def test_messages_are_processed_and_deleted(opened: Any, functions: Any, clock: Any) -> None:
    world = await opened()
    queue = await queue_of(world)
    await send(world, queue, "before")
    poller = await started(world, queue)
    await send(world, queue, "after")
    assert [run.bodies for run in functions.runs] == [["before"], ["after"]]
    assert queue.counts() == (0, 2, 0)
    for run in functions.runs:
        run.end()
    await world.settled()
    assert queue.counts() == (0, 0, 0)
    await clock.advance(120_000)
    assert len(functions.runs) == 2
    await closed(world, poller)


async def test_five_batches_at_once_and_fuller_ones_when_they_wait(
    opened: Any, functions: Any, clock: Any
) -> None:
    world = await opened()
    queue = await queue_of(world, VisibilityTimeout="300")
    poller = await started(world, queue, batch_size=3)
    for number in range(12):
        await send(world, queue, str(number))
    assert [run.bodies for run in functions.runs] == [["0"], ["1"], ["2"], ["3"], ["4"]]
    functions.runs[2].end()
    assert functions.runs[5].bodies == ["5", "6", "7"]
    await clock.advance(1_000)  # still busy: more at once
    assert [run.bodies for run in functions.runs[6:]] == [["8", "9", "10"], ["11"]]
    await closed(world, poller)


async def test_an_error_leaves_messages_until_they_are_visible(
    opened: Any, functions: Any, clock: Any
) -> None:
    world = await opened()
    queue = await queue_of(world, VisibilityTimeout="5")
    poller = await started(world, queue)
    await send(world, queue, "poison", "fine")
    functions.runs[0].end({"errorMessage": "no"}, error=True)
    await clock.advance(4_900)
    assert len(functions.runs) == 1
    await clock.advance(200)
    assert functions.runs[1].bodies == ["poison", "fine"]
    counts = [
        record["attributes"]["ApproximateReceiveCount"] for record in functions.runs[1].event["Records"]
    ]
    assert counts == ["2", "2"]
    await closed(world, poller)


async def test_reported_failures_alone_are_processed_again(opened: Any, functions: Any, clock: Any) -> None:
    world = await opened()
    queue = await queue_of(world, VisibilityTimeout="5")
    poller = await started(world, queue, report_item_failures=True)
    await send(world, queue, "a", "b", "c")
    (first,) = functions.runs
    first.end({"batchItemFailures": [{"itemIdentifier": first.event["Records"][1]["messageId"]}]})
    await world.settled()
    assert queue.counts() == (0, 1, 0)
    await clock.advance(5_000)
    assert functions.runs[1].bodies == ["b"]
    functions.runs[1].end({"batchItemFailures": [{"foo": "notvalid"}]})
    await clock.advance(5_000)
    assert functions.runs[2].bodies == ["b"]
    functions.runs[2].end({})
    await world.settled()
    assert queue.counts() == (0, 0, 0)
    await closed(world, poller)


async def test_failures_are_only_read_where_they_are_reported(opened: Any, functions: Any) -> None:
    world = await opened()
    queue = await queue_of(world)
    poller = await started(world, queue)
    await send(world, queue, "a")
    (first,) = functions.runs
    first.end({"batchItemFailures": [{"itemIdentifier": first.event["Records"][0]["messageId"]}]})
    await world.settled()
    assert queue.counts() == (0, 0, 0)
    await closed(world, poller)


async def test_a_fifo_group_has_one_batch_at_a_time(opened: Any, functions: Any, clock: Any) -> None:
    world = await opened()
    queue = await queue_of(world, "orders.fifo", FifoQueue="true", ContentBasedDeduplication="true")
    poller = await started(world, queue, batch_size=2)
    await send(world, queue, "a1", "a2", "a3", group="a")
    await send(world, queue, "b1", group="b")
    assert [run.bodies for run in functions.runs] == [["a1", "a2"], ["b1"]]
    functions.runs[0].end()
    functions.runs[1].end()
    await world.settled()
    assert functions.runs[2].bodies == ["a3"]
    functions.runs[2].end({}, error=True)
    await send(world, queue, "a4", group="a")
    await clock.advance(29_000)
    assert len(functions.runs) == 3  # a4 waits for a3
    await clock.advance(2_000)
    assert functions.runs[3].bodies == ["a3", "a4"]
    await closed(world, poller)


async def test_a_window_collects(opened: Any, functions: Any, clock: Any) -> None:
    world = await opened()
    queue = await queue_of(world, VisibilityTimeout="60")
    poller = await started(world, queue, batch_size=25, batching_window_s=2)
    await send(world, queue, "a")
    await clock.advance(1_900)
    await send(world, queue, "b", "c")
    assert not functions.runs
    await clock.advance(100)  # since the first of them
    assert [run.bodies for run in functions.runs] == [["a", "b", "c"]]
    await send(world, queue, *(f"{number}" for number in range(30)))
    assert [len(run.bodies) for run in functions.runs] == [3, 25]  # one that is full does not wait
    await clock.advance(2_000)
    assert [len(run.bodies) for run in functions.runs] == [3, 25, 5]
    await closed(world, poller)


async def test_what_is_not_wanted_is_deleted(opened: Any, functions: Any, clock: Any) -> None:
    world = await opened()
    queue = await queue_of(world)
    poller = await started(world, queue, filters=('{"body": {"kind": ["a"]}}', '{"body": ["plain"]}'))
    await send(world, queue, '{"kind": "a"}', '{"kind": "b"}', "other", "plain", '"plain"')
    assert [run.bodies for run in functions.runs] == [['{"kind": "a"}', "plain"]]
    await world.settled()
    assert queue.counts() == (0, 2, 0)
    await closed(world, poller)


async def test_batches_have_room_in_an_event(opened: Any, functions: Any) -> None:
    world = await opened()
    queue = await queue_of(world)
    poller = await started(world, queue, maximum_concurrency=2)
    await send(world, queue, *([f"{number}" + '"' * 600_000 for number in range(8)]))  # 1.2 MB each as JSON
    assert [len(run.bodies) for run in functions.runs] == [5, 3]
    assert all(len(run.payload) <= 6_291_456 for run in functions.runs)
    await closed(world, poller)


async def test_the_maximum_is_kept_however_large_messages_are(opened: Any, functions: Any) -> None:
    world = await opened()
    queue = await queue_of(world)
    await send(world, queue, *(["x" * 1_000_000] * 10), *(["x" * 1_000_000] * 10))
    poller = await started(world, queue, maximum_concurrency=2)
    sizes = []
    while functions.running:
        assert len(functions.running) <= 2
        sizes.append(len(functions.running[0].bodies))
        functions.running[0].end()
        await world.settled()
    assert sorted(sizes) == [4, 4, 6, 6]
    assert queue.counts() == (0, 0, 0)
    await closed(world, poller)


async def test_a_throttled_function_holds_back_its_source(opened: Any, functions: Any, clock: Any) -> None:
    world = await opened()
    queue = await queue_of(world, VisibilityTimeout="30")
    functions.concurrency = 1
    poller = await started(world, queue, batch_size=1)
    await send(world, queue, "a", "b", "c", "d")
    assert [run.bodies for run in functions.runs] == [["a"]]
    visible, in_flight, _ = queue.counts()
    assert (visible, in_flight) == (2, 2)  # one runs, one is held; the others are left for later
    functions.runs[0].end()
    assert functions.runs[1].bodies == ["b"]
    # What is held for too long is given up: it is visible again, and received anew.
    await clock.advance(31_000)
    functions.runs[1].end({}, error=True)
    await clock.advance(31_000)
    bodies = [run.bodies[0] for run in functions.runs]
    assert bodies[:2] == ["a", "b"]
    while functions.running:
        functions.running[0].end()
        await clock.advance(31_000)
    assert {run.bodies[0] for run in functions.runs} == {"a", "b", "c", "d"}
    assert queue.counts() == (0, 0, 0)
    await closed(world, poller)


async def test_what_begins_late_is_hidden_for_as_long_as_it_may_run(
    opened: Any, functions: Any, clock: Any
) -> None:
    world = await opened()
    queue = await queue_of(world, VisibilityTimeout="30")
    functions.concurrency = 1
    poller = await started(world, queue, batch_size=1)
    await send(world, queue, "a", "b")
    await clock.advance(29_000)
    functions.runs[0].end()
    assert functions.runs[1].bodies == ["b"]
    await clock.advance(2_500)
    functions.runs[1].end()
    await clock.advance(60_000)
    assert len(functions.runs) == 2
    await closed(world, poller)


async def test_messages_stay_where_they_are_while_nobody_can_take_them(
    opened: Any, functions: Any, clock: Any
) -> None:
    world = await opened()
    queue = await queue_of(world)
    functions.change(there=False)
    poller = await started(world, queue)
    await send(world, queue, "a")
    await clock.advance(120_000)
    assert queue.counts() == (1, 0, 0)
    functions.change(there=True, reserved=0)
    await clock.advance(120_000)
    assert queue.counts() == (1, 0, 0)
    functions.change(reserved=None)
    await clock.advance(1_000)
    assert functions.runs[0].event["Records"][0]["attributes"]["ApproximateReceiveCount"] == "1"
    await closed(world, poller)


async def test_a_stop_waits_for_what_runs_and_gives_back_what_does_not(opened: Any, functions: Any) -> None:
    world = await opened()
    queue = await queue_of(world)
    functions.concurrency = 1
    poller = await started(world, queue, batch_size=1)
    await send(world, queue, "a", "b", "c")
    stopping = asyncio.ensure_future(poller.stop())
    await world.settled()
    assert not stopping.done()
    assert queue.counts() == (2, 1, 0)
    functions.runs[0].end()
    await stopping
    await world.settled()
    assert queue.counts() == (2, 0, 0)
    await send(world, queue, "d")
    assert len(functions.runs) == 1
    await closed(world)


async def test_a_stop_does_not_wait_for_a_window(opened: Any, functions: Any) -> None:
    world = await opened()
    queue = await queue_of(world)
    poller = await started(world, queue, batching_window_s=300)
    await send(world, queue, "a")
    stopping = asyncio.ensure_future(poller.stop())
    await world.settled()
    functions.runs[0].end()
    await stopping
    await world.settled()
    assert queue.counts() == (0, 0, 0)
    await closed(world)


async def test_a_queue_that_is_made_anew_is_read(opened: Any, functions: Any, clock: Any) -> None:
    world = await opened()
    queue = await queue_of(world)
    poller = await started(world, queue)
    await world.queues.delete(queue)
    await clock.advance(10_000)
    again = await queue_of(world)
    await send(world, again, "a")
    await clock.advance(2_000)
    assert functions.runs[0].bodies == ["a"]
    await closed(world, poller)


async def test_a_loop_through_a_queue_ends(opened: Any, functions: Any, clock: Any) -> None:
    world = await opened()
    dead = await queue_of(world, "dead")
    queue = await queue_of(
        world,
        VisibilityTimeout="5",
        RedrivePolicy=json.dumps({"deadLetterTargetArn": dead.arn, "maxReceiveCount": 2}),
    )
    poller = await started(world, queue)
    await send(world, queue, "start")
    for _ in range(100):
        if not functions.running:
            break
        run = functions.running[0]
        await send(world, queue, "again", lineage=run.trace)
        run.end()
        await world.settled()
    assert len(functions.runs) == 16
    for _ in range(4):
        await clock.advance(5_000)
        await world.settled()
    assert len(functions.runs) == 16
    assert dead.counts() == (1, 0, 0)
    await closed(world, poller)


async def test_messages_that_nothing_hides_are_hidden_while_they_are_processed(
    opened: Any, functions: Any, clock: Any
) -> None:
    world = await opened()
    queue = await queue_of(world, VisibilityTimeout="0")
    poller = await started(world, queue)
    await send(world, queue, "a")
    await world.until(lambda: functions.runs)
    await world.settled()
    (run,) = functions.runs
    assert run.event["Records"][0]["attributes"]["ApproximateReceiveCount"] == "1"
    run.end()
    await clock.advance(10_000)
    assert len(functions.runs) == 1
    assert queue.counts() == (0, 0, 0)
    await closed(world, poller)
