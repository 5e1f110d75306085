from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambent.events.mapping import Mapping, Settings
from lambent.invocation.errors import PlatformFailure

if TYPE_CHECKING:
    from lambent.events.pollers.calls import Called

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:worker"


def mapping(name: str = "m") -> Mapping:
    return Mapping(
        id=name,
        account="000000000000",
        region="us-east-1",
        source_kind="sqs",
        source_arn="arn:aws:sqs:us-east-1:000000000000:orders",
        function_arn=FUNCTION,
        settings=Settings(),
        state="Enabled",
        target="Enabled",
        modified_ms=0,
    )


def invoke(world: Any, payload: bytes, ended: list[Called], name: str = "m", **options: Any) -> Any:
    return world.calls.invoke(mapping(name), payload, "", ended.append, **options)


async def test_results(opened: Any, functions: Any) -> None:
    world = await opened()
    ended: list[Called] = []
    for payload in (b"1", b"2"):
        invoke(world, payload, ended)
    assert not ended
    functions.runs[1].end({"errorMessage": "no"}, error=True)
    functions.runs[0].end("yes")
    failed, done = ended
    assert (failed.condition, failed.result) == ("FunctionError", b'{"errorMessage": "no"}')
    assert failed.problem == "PROBLEM: Function call failed"
    assert (done.condition, done.result, done.problem) == ("Success", b'"yes"', "OK")
    assert (done.executed_version, done.function_arn) == ("$LATEST", FUNCTION)
    assert len(done.request_id) == 36
    assert ";Lineage=1:" in functions.runs[0].trace
    await world.database.close()


async def test_a_throttled_function_holds_its_own_calls_in_order(
    opened: Any, functions: Any, clock: Any
) -> None:
    world = await opened()
    functions.concurrency = 1
    ended: list[Called] = []
    for payload in (b"1", b"2", b"3"):
        invoke(world, payload, ended)
    assert [run.payload for run in functions.runs] == [b"1"]
    assert world.calls.holds(mapping())
    assert world.calls.problem(mapping()) == "PROBLEM: Function call was throttled"
    assert not world.calls.holds(mapping("other"))
    await clock.advance(60_000)
    assert len(functions.runs) == 1
    functions.runs[0].end()  # the next begins at once, without a pause
    functions.runs[1].end()
    functions.runs[2].end()
    assert [run.payload for run in functions.runs] == [b"1", b"2", b"3"]
    assert len(ended) == 3
    assert not world.calls.holds(mapping())
    await world.database.close()


async def test_the_pause_doubles(opened: Any, functions: Any, clock: Any) -> None:
    world = await opened()
    functions.concurrency = 0
    attempts = 0
    original = functions.invoke

    def invoke_(*arguments: Any) -> None:
        nonlocal attempts
        attempts += 1
        original(*arguments)

    functions.invoke = invoke_
    invoke(world, b"1", [])
    counts = []
    for _ in range(4):
        await clock.advance(1_000)
        counts.append(attempts)
    assert counts == [4, 5, 5, 6]  # at 0, 100, 300, 700, 1,500 and 3,100 ms
    await clock.advance(60_000)
    assert 11 <= attempts <= 14  # never more than ten seconds apart
    await world.database.close()


async def test_what_is_refused_too_long_is_given_up(opened: Any, functions: Any, clock: Any) -> None:
    world = await opened()
    functions.concurrency = 0
    ended: list[Called] = []
    invoke(world, b"1", ended, until_ms=clock.steady_ms() + 2_000)
    await clock.advance(1_900)
    assert not ended
    await clock.advance(20_000)
    (refused,) = ended
    assert (refused.condition, refused.problem) == ("Refused", "PROBLEM: Function call was throttled")
    functions.concurrency = 1
    await clock.advance(60_000)
    assert not functions.runs
    await world.database.close()


async def test_a_function_that_comes_is_called_at_once(opened: Any, functions: Any, clock: Any) -> None:
    world = await opened()
    functions.there = False
    invoke(world, b"1", [])
    await clock.advance(9_000)
    assert not functions.runs
    assert world.calls.problem(mapping()) == "PROBLEM: Function not found"
    functions.change(there=True)
    await clock.advance(0)
    assert len(functions.runs) == 1
    await world.database.close()


async def test_what_the_platform_could_not_run_is_run_again(opened: Any, functions: Any, clock: Any) -> None:
    world = await opened()
    ended: list[Called] = []
    invoke(world, b"1", ended)
    functions.runs[0].end(failure=PlatformFailure("no interpreter"))
    invoke(world, b"2", ended)
    assert not ended
    await clock.advance(1_000)
    assert [run.payload for run in functions.runs] == [b"1", b"1", b"2"]
    await world.database.close()


async def test_what_waits_can_be_called_off(opened: Any, functions: Any, clock: Any) -> None:
    world = await opened()
    functions.concurrency = 1
    ended: list[Called] = []
    running = invoke(world, b"1", ended)
    waiting = invoke(world, b"2", ended)
    assert waiting.cancel()
    assert not waiting.cancel()
    assert not running.cancel()
    functions.runs[0].end()
    await clock.advance(60_000)
    assert len(ended) == 1
    assert len(functions.runs) == 1
    await world.database.close()


async def test_after_the_end_nothing_begins(opened: Any, functions: Any, clock: Any) -> None:
    world = await opened()
    functions.concurrency = 1
    ended: list[Called] = []
    invoke(world, b"1", ended)
    invoke(world, b"2", ended)
    world.calls.close()
    functions.runs[0].end()
    await clock.advance(60_000)
    assert len(functions.runs) == 1
    assert len(ended) == 1
    await world.database.close()


async def test_chains_of_invocations_go_on(opened: Any, functions: Any) -> None:
    world = await opened()
    world.calls.invoke(mapping(), b"1", "Root=1-1-1", lambda _called: None)
    first = functions.runs[0].trace
    assert first.startswith("Root=1-1-1;Lineage=1:")
    trace = first
    for _ in range(15):
        assert not world.calls.loops(mapping(), trace)
        world.calls.invoke(mapping(), b"1", trace, lambda _called: None)
        trace = functions.runs[-1].trace
    assert world.calls.loops(mapping(), trace)
    assert world.calls.farthest(mapping(), [first, trace, ""]) == trace
    functions.change(recursive_loop="Allow")
    assert not world.calls.loops(mapping(), trace)
    await world.database.close()


async def test_what_was_to_be_cancelled_is_not_tried_again(opened: Any, functions: Any, clock: Any) -> None:
    world = await opened()
    ended: list[Called] = []
    call = invoke(world, b"1", ended)
    assert not call.cancel()  # it seems to run
    functions.runs[0].end(failure=PlatformFailure("no environment"))
    assert [called.condition for called in ended] == ["Refused"]
    assert not world.calls.holds(mapping())
    await clock.advance(60_000)
    assert len(functions.runs) == 1
    await world.database.close()
