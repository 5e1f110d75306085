"""Events of asynchronous invocations: when they are tried again, and that each has one end."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from lambent.functions.attachments import Options
from lambent.invocation.event_memory import EventMemory
from lambent.store import Statement, StorageFull, StoreError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from tests.events.destinations.conftest import World

    Opened = Callable[[], Awaitable[World]]

MINUTE, HOUR = 60_000, 3_600_000


async def test_errors_are_tried_again_after_one_and_two_minutes(opened: Opened) -> None:
    world = await opened()
    world.add()
    request_id = await world.send({"a": 1})
    for _ in range(3):
        world.runs[-1].fail()
        await world.clock.advance(130_000)
    assert [run.at_ms - world.runs[0].at_ms for run in world.runs] == [0, MINUTE, 130_000 + 2 * MINUTE]
    outcome = await world.ended()
    assert (outcome.condition, outcome.invoke_count) == ("RetriesExhausted", 3)
    assert (outcome.request_id, outcome.payload) == (request_id, b'{"a":1}')
    assert outcome.answer is not None
    assert outcome.answer.failed
    assert outcome.function_arn == "arn:aws:lambda:us-east-1:000000000000:function:one:$LATEST"
    assert await world.rows() == 0


async def test_a_retry_that_works_is_a_success(opened: Opened) -> None:
    world = await opened()
    world.add(on_success="arn:aws:sqs:us-east-1:000000000000:done")
    await world.send()
    world.runs[0].fail()
    await world.clock.advance(MINUTE)
    world.runs[1].succeed(b"[1]")
    outcome = await world.ended()
    assert (outcome.condition, outcome.invoke_count) == ("Success", 2)
    assert outcome.answer is not None
    assert (outcome.answer.payload, outcome.answer.failed) == (b"[1]", False)
    assert outcome.destination == "arn:aws:sqs:us-east-1:000000000000:done"


@pytest.mark.parametrize(
    ("age", "runs"),
    [(60, 1), (61, 2), (181, 3)],
)
async def test_what_would_be_too_late_is_not_waited_for(opened: Opened, age: int, runs: int) -> None:
    """Recorded: `test_maxeventage`."""
    world = await opened()
    world.add(maximum_age_s=age)
    await world.send()
    for number in range(runs):
        world.runs[number].fail()
        if number + 1 < runs:
            await world.clock.advance((1 + number) * MINUTE)
    outcome = await world.ended()
    assert outcome.condition == ("EventAgeExceeded" if runs < 3 else "RetriesExhausted")
    assert outcome.invoke_count == runs
    assert outcome.answer is not None


@pytest.mark.parametrize(("attempts", "runs"), [(0, 1), (1, 2), (2, 3)])
async def test_attempts_are_those_of_the_qualifier(opened: Opened, attempts: int, runs: int) -> None:
    world = await opened()
    world.add(maximum_attempts=attempts, qualifier="1")
    await world.send(qualifier="1")
    for _ in range(runs):
        world.runs[-1].fail()
        await world.clock.advance(2 * MINUTE)
    outcome = await world.ended()
    assert (outcome.condition, outcome.invoke_count) == ("RetriesExhausted", runs)
    assert outcome.function_arn.endswith(":one:1")
    assert outcome.answer is not None
    assert outcome.answer.executed_version == "1"


async def test_throttled_events_back_off_for_six_hours(opened: Opened) -> None:
    world = await opened()
    world.add()
    world.concurrency["one"] = 1
    await world.send("runs")
    began = world.clock.steady_ms()
    await world.send("waits")
    await world.clock.advance(6 * HOUR - 1)
    seconds = [(at - began) / 1000 for at in world.throttles]
    assert seconds[:10] == [0, 1, 3, 7, 15, 31, 63, 127, 255, 511]
    assert seconds[10:12] == [811, 1111]
    assert world.outcomes == []
    await world.clock.advance(1)
    outcome = await world.ended()
    assert (outcome.condition, outcome.invoke_count, outcome.answer) == ("EventAgeExceeded", 0, None)
    assert outcome.payload == b'"waits"'
    assert len(world.runs) == 1


async def test_throttling_is_no_attempt_and_ends_when_there_is_room(opened: Opened) -> None:
    world = await opened()
    world.add()
    world.concurrency["one"] = 1
    await world.send("first")
    await world.send("second")
    await world.clock.advance(10 * MINUTE)
    world.runs[0].succeed()  # its place is free: the next is not kept waiting
    await world.until(lambda: len(world.runs) == 2)
    world.concurrency.clear()
    for _ in range(3):
        world.runs[-1].fail()
        await world.clock.advance(2 * MINUTE)
    assert (await world.ended()).invoke_count == 3


async def test_what_a_run_has_answered_is_known_when_the_event_grows_old(opened: Opened) -> None:
    world = await opened()
    world.add()
    await world.send("old")
    world.runs[0].fail(b'{"errorMessage": "first"}')
    world.concurrency["one"] = 1
    await world.send("runs")
    await world.clock.advance(HOUR)
    await world.queue.drain(0)  # with a restart between
    throttles = len(world.throttles)
    await world.open().open()
    await world.until(lambda: len(world.throttles) >= throttles + 2)
    await world.clock.advance(5 * HOUR)
    await world.ended(2)
    outcome = world.outcomes[0]
    assert outcome.payload == b'"old"'
    assert (outcome.condition, outcome.invoke_count) == ("EventAgeExceeded", 1)
    assert outcome.answer is not None
    assert (outcome.answer.payload, outcome.answer.executed_version) == (
        b'{"errorMessage": "first"}',
        "$LATEST",
    )


async def test_a_function_without_concurrency_gives_its_events_up(opened: Opened) -> None:
    """Recorded: `test_reserved_concurrency`."""
    world = await opened()
    world.add()
    world.concurrency["one"] = 0
    await world.send()
    outcome = await world.ended()
    assert (outcome.condition, outcome.invoke_count, outcome.answer) == ("ZeroReservedConcurrency", 0, None)


async def test_a_throttled_function_slows_its_own_events_only(opened: Opened) -> None:
    world = await opened()
    world.add()
    world.add("two")
    world.concurrency["one"] = 1
    for number in range(50):
        await world.send(number)
    for number in range(20):
        await world.send(number, "two")
    assert [run.name for run in world.runs] == ["one"] + ["two"] * 20


async def test_an_event_that_cannot_be_run_keeps_no_other_waiting(opened: Opened) -> None:
    world = await opened()
    world.add(on_success="arn:aws:sqs:us-east-1:000000000000:done")
    await world.send("broken")
    for wait in (1, 2, 4, 8):
        runs = len(world.runs)
        world.runs[-1].break_down()
        await world.send("well")
        world.runs[-1].succeed()
        await world.clock.advance(wait * 1000 - 1)
        assert len(world.runs) == runs + 1
        await world.clock.advance(1)
        assert world.runs[-1].payload == b'"broken"'
    for _ in range(3):
        world.runs[-1].fail()
        await world.clock.advance(2 * MINUTE)
    outcome = await world.ended(5)
    assert (outcome.condition, outcome.invoke_count) == ("RetriesExhausted", 3)


async def test_a_version_that_cannot_run_keeps_no_other_waiting(opened: Opened) -> None:
    world = await opened()
    record = world.add(maximum_age_s=100)
    failed = replace(record.versions["1"], state="Failed")
    world.functions["one"] = replace(
        record, versions={"1": failed}, event_invoke={"1": record.event_invoke["$LATEST"]}
    )
    await world.send("version", qualifier="1")
    await world.send("latest")
    assert [run.payload for run in world.runs] == [b'"latest"']
    await world.clock.advance(3 * MINUTE)  # tried after 1, 2, 4, … seconds
    outcome = await world.ended()
    assert (outcome.payload, outcome.condition) == (b'"version"', "EventAgeExceeded")


async def test_the_walls_clock_moves_nothing(opened: Opened) -> None:
    world = await opened()
    world.add()
    await world.send()
    world.runs[0].fail()
    world.clock.jump(-10 * HOUR)
    await world.clock.advance(MINUTE)
    assert len(world.runs) == 2
    world.runs[1].fail()
    world.clock.jump(100 * HOUR)
    await world.clock.advance(MINUTE)
    assert len(world.runs) == 2
    await world.clock.advance(MINUTE)
    world.runs[2].fail()
    assert (await world.ended()).condition == "RetriesExhausted"


async def test_what_was_received_later_than_now_waits_no_longer_than_it_had_to(opened: Opened) -> None:
    world = await opened()
    world.add()
    await world.send()
    world.runs[0].fail()
    await world.until(lambda: True)
    await world.queue.drain(0)
    await world.database.write()
    world.clock._steady_ms -= 20 * HOUR  # set back while nothing ran
    await world.open().open()
    await world.clock.advance(MINUTE - 1)
    assert len(world.runs) == 1
    await world.clock.advance(1)
    assert len(world.runs) == 2


async def test_a_trace_that_no_header_can_carry(opened: Opened) -> None:
    world = await opened()
    world.add()
    await world.send(trace="Root=\u2603")
    assert world.runs[0].trace.startswith("Root=?;Lineage=")


async def test_nothing_of_a_transaction_that_failed_is_run(opened: Opened) -> None:
    world = await opened()
    world.add()
    await world.database.close()
    with pytest.raises(StoreError):
        await world.send()
    await world.clock.advance(MINUTE)
    assert (world.runs, len(world.queue)) == ([], 0)


async def test_what_is_accepted_while_the_queue_opens_runs_once(opened: Opened) -> None:
    world = await opened()
    world.add(on_success="arn:aws:sqs:us-east-1:000000000000:done")
    await world.queue.drain(0)
    queue = world.open()
    await world.send("before")
    target = world.resolve("", "", "one")
    committed = queue.stage(target, None, b'"committed"', "c" * 36, "", b"")
    await world.database.write(*committed.statements)
    late = queue.stage(target, None, b'"late"', "l" * 36, "", b"")
    assert world.runs == []
    await queue.open()
    committed.settled(None)  # its writer hears of it after `open` has read it
    await world.database.write(*late.statements)
    late.settled(None)
    await world.until(lambda: len(world.runs) == 3)
    for run in list(world.runs):
        run.succeed()
    await world.ended(3)
    assert sorted(run.payload for run in world.runs) == [b'"before"', b'"committed"', b'"late"']
    assert (len(queue), await world.rows()) == (0, 0)


async def test_what_is_accepted_while_a_long_backlog_is_taken_up_runs_once(opened: Opened) -> None:
    world = await opened()
    world.add()
    await world.queue.drain(0)
    target = world.resolve("", "", "one")
    staged = [world.queue.stage(target, None, b"1", f"{n:036}", "", b"") for n in range(1000, 1600)]
    await world.database.write(*(statement for one in staged for statement in one.statements))
    queue = world.open()
    opening = queue.open()
    opening.send(None)  # a page has been read, and the loop may go on
    early = queue.stage(target, None, b"2", "0" * 36, "", b"")
    await world.database.write(*early.statements)
    early.settled(None)
    with contextlib.suppress(StopIteration):
        while True:
            opening.send(None)

    def ended() -> bool:
        for run in list(world.running):
            run.succeed()
        return len(queue) == 0

    await world.until(ended)
    assert len(world.runs) == len({run.request_id for run in world.runs}) == 601
    assert await world.rows() == 0


async def test_of_a_long_backlog_only_ids_are_in_memory(opened: Opened) -> None:
    world = await opened()
    world.add(on_success="arn:aws:sqs:us-east-1:000000000000:done")
    world.queue._memory = EventMemory(max_events=3, max_bytes=10)
    world.concurrency["one"] = 1
    for number in range(12):
        await world.send(number)
    (lane,) = world.queue._lanes.values()
    assert sum(isinstance(waiting, str) for waiting in lane.ready) == 9
    await world.clock.advance(20 * MINUTE)
    world.concurrency.clear()
    await world.clock.advance(5 * MINUTE)
    for _ in range(3):  # each is tried three times, read anew for each
        await world.until(lambda: len(world.running) == 12)
        for run in list(world.running):
            run.fail(b'{"errorMessage": "%s"}' % run.payload)
        await world.until(lambda: len(world.queue._agenda) == len(world.queue))
        await world.clock.advance(2 * MINUTE)
    await world.ended(12)
    assert {outcome.invoke_count for outcome in world.outcomes} == {3}
    assert sorted(int(outcome.payload) for outcome in world.outcomes) == list(range(12))
    memory = world.queue._memory
    assert (memory._events_left, memory._bytes_left) == (3, 10)


class Full:
    """A store whose disk is full for a while."""

    def __init__(self, database: Any) -> None:
        self._database = database
        self.full = False
        self.refused = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._database, name)

    def submit(self, statements: Any, done: Any) -> None:
        if self.full:
            self.refused += 1
            asyncio.get_running_loop().call_soon(done, None, StorageFull("no space"))
        else:
            self._database.submit(statements, done)


async def test_an_end_that_cannot_be_written_is_written_later_and_once(opened: Opened) -> None:
    world = await opened()
    world.add(on_success="arn:aws:sqs:us-east-1:000000000000:done")
    world.database = full = Full(world.database)
    await world.queue.drain(0)
    await world.open().open()
    await world.send()
    full.full = True
    world.runs[0].succeed()
    await world.clock.advance(10_000)
    await world.until(lambda: full.refused >= 3, moving=True)
    assert (world.outcomes, len(world.queue), await world.rows()) == ([], 1, 1)
    full.full = False
    await world.until(lambda: world.outcomes, moving=True)
    assert len(world.runs) == 1  # it has run, and does not run again for that
    assert (len(world.queue), await world.rows()) == (0, 0)


async def test_a_stop_does_not_wait_for_a_store_that_is_full(opened: Opened) -> None:
    world = await opened()
    world.add(on_success="arn:aws:sqs:us-east-1:000000000000:done")
    world.database = full = Full(world.database)
    await world.queue.drain(0)
    await world.open().open()
    await world.send()
    full.full = True
    world.runs[0].succeed()
    await world.until(lambda: full.refused)
    await asyncio.wait_for(world.queue.drain(60), 5)
    full.full = False
    await world.open().open()
    await world.until(lambda: len(world.runs) == 2)
    world.runs[1].succeed()
    assert (await world.ended()).condition == "Success"


async def test_an_event_that_has_ended_does_not_end_again(opened: Opened) -> None:
    world = await opened()
    world.add(on_success="arn:aws:sqs:us-east-1:000000000000:done")
    await world.send()
    await world.database.write(Statement("DELETE FROM async_events"))  # as if it had ended elsewhere
    world.runs[0].succeed()
    await world.until(lambda: not len(world.queue), moving=True)
    assert world.outcomes == []


async def test_function_events_in_a_loop_are_ended(opened: Opened) -> None:
    """ "Use Lambda recursive loop detection": 16 runs in one chain, the next is not made."""
    world = await opened()
    record = world.add()
    trace = ""
    for _ in range(16):
        await world.send(trace=trace)
        trace = world.runs[-1].trace
        world.runs[-1].succeed()
    await world.send("one too many", trace=trace)
    outcome = await world.ended()
    assert (outcome.condition, outcome.invoke_count) == ("RecursiveInvocationException", 0)
    assert len(world.runs) == 16
    world.functions["one"] = replace(record, options={"": Options(recursive_loop="Allow")})
    await world.send(trace=trace)
    assert len(world.runs) == 17


async def test_a_loop_of_several_functions_is_ended_too(opened: Opened) -> None:
    world = await opened()
    world.add()
    world.add("two")
    trace = ""
    for _ in range(16):
        for name in ("one", "two"):
            await world.send(name=name, trace=trace)
            trace = world.runs[-1].trace
            world.runs[-1].succeed()
    await world.send(trace=trace)
    assert (await world.ended()).condition == "RecursiveInvocationException"
