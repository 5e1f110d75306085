"""Batches of Kinesis: what records are given as, checkpoints, order, windows."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from aws_lambda_powertools.utilities.data_classes.kinesis_stream_event import KinesisStreamEvent
from hypothesis import given
from hypothesis import strategies as st

from lambent import App, AppError, UnknownEvent
from lambent.app.logger import Logger
from lambent.app.sources.stream import StreamRecord
from lambent.app.sources.window import Window, WindowEnd
from lambent.testing.events import KinesisRecord, LambdaContext, kinesis
from lambent.testing.events import Window as EventWindow

CONTEXT = LambdaContext()
NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
ONE_PAST = datetime(2026, 1, 2, 12, 1, tzinfo=UTC)


def new_app() -> tuple[App, io.StringIO]:
    log = io.StringIO()
    return App("shop", logger=Logger("shop", stream=log)), log


def reported(result: dict[str, Any], event: dict[str, Any]) -> list[int]:
    """The places of the records that were reported."""
    numbers = [record["kinesis"]["sequenceNumber"] for record in event["Records"]]
    return [numbers.index(one["itemIdentifier"]) for one in result["batchItemFailures"]]


class Click(msgspec.Struct):
    page: str


@pytest.mark.parametrize("layered", [False, True])
@pytest.mark.parametrize(
    ("declared", "data", "expected"),
    [
        (bytes, b"\xff", b"\xff"),
        (str, "ü", "ü"),
        (Click, {"page": "/"}, Click("/")),
        (dict, {"page": "/"}, {"page": "/"}),
        (Any, [1], [1]),
    ],
)
def test_data_is_what_is_declared(declared: Any, data: Any, expected: Any, layered: bool) -> None:
    app, _ = new_app()
    got = []

    def handle(click: Any) -> None:
        got.append(click)

    handle.__annotations__["click"] = declared
    app.stream("clicks")(handle)
    if layered:
        app.middleware(lambda record, call_next: call_next(record))
    assert app(kinesis([data], stream="clicks"), CONTEXT) == {"batchItemFailures": []}
    assert got == [expected]


def test_a_record_knows_its_envelope() -> None:
    app, _ = new_app()
    got: list[StreamRecord] = []
    app.stream("clicks")(_keeping(got))
    event = kinesis([KinesisRecord({"page": "/"}, partition_key="k", time=NOON)], stream="clicks", shard=6)
    app(event, CONTEXT)
    (record,) = got
    (theirs,) = KinesisStreamEvent(event).records
    assert record.data == theirs.kinesis.data_as_bytes()
    assert record.json() == {"page": "/"}
    assert record.partition_key == theirs.kinesis.partition_key == "k"
    assert record.sequence_number == record.identifier == theirs.kinesis.sequence_number
    assert record.arrived_at == NOON
    assert record.event_id == theirs.event_id
    assert record.shard == "shardId-000000000006"
    assert record.stream == "clicks"
    assert record.arn == theirs.event_source_arn
    assert record.event is event
    assert record.window is None


def _keeping(got: list[StreamRecord]) -> Any:
    def handle(record: StreamRecord) -> None:
        got.append(record)

    return handle


def test_streams_are_found_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    app, _ = new_app()
    got: list[StreamRecord] = []
    app.stream("clicks")(_keeping(got))
    monkeypatch.setenv("LAMBENT_STREAM_CLICKS", "arn:aws:kinesis:us-east-1:123456789012:stream/prod-clicks")
    consumer = kinesis(["x"], stream="prod-clicks")
    consumer["Records"][0]["eventSourceARN"] += "/consumer/lambda:1540591608"
    for event in (kinesis(["x"], stream="clicks"), kinesis(["x"], stream="prod-clicks"), consumer):
        app(event, CONTEXT)
    assert len(got) == 3
    with pytest.raises(UnknownEvent, match="stream/other: there are handlers for 'clicks'"):
        app(kinesis(["x"], stream="other"), CONTEXT)


# ------------------------------------------------------------ failures


@given(st.lists(st.booleans(), min_size=1, max_size=8), st.booleans())
def test_the_first_failure_is_reported_and_nothing_after_it_begun(fails: list[bool], is_async: bool) -> None:
    app, log = new_app()
    seen = []

    def handle(number: int) -> None:
        seen.append(number)
        if fails[number]:
            raise ValueError(number)

    async def handle_later(number: int) -> None:
        await asyncio.sleep(0)
        handle(number)

    app.stream("clicks")(handle_later if is_async else handle)
    event = kinesis(range(len(fails)), stream="clicks")
    found = reported(app(event, CONTEXT), event)
    app.loop.close()
    expected = [fails.index(True)] if True in fails else []
    assert found == expected
    assert seen == list(range((expected or [len(fails) - 1])[0] + 1))
    logged = [json.loads(line)["sequence_number"] for line in log.getvalue().splitlines()]
    assert logged == [
        one["kinesis"]["sequenceNumber"] for place, one in enumerate(event["Records"]) if place in found
    ]


@given(st.lists(st.tuples(st.booleans(), st.sampled_from("abc")), min_size=1, max_size=10), st.integers(1, 3))
def test_concurrency_keeps_the_order_of_keys_and_the_checkpoint(
    batch: list[tuple[bool, str]], concurrency: int
) -> None:
    app, _ = new_app()
    ended: list[int] = []

    @app.stream("clicks", concurrency=concurrency)
    async def handle(number: int) -> None:
        for _ in range(number % 3):
            await asyncio.sleep(0)
        if batch[number][0]:
            raise ValueError(number)
        ended.append(number)

    event = kinesis(
        [KinesisRecord(place, partition_key=key) for place, (_, key) in enumerate(batch)], stream="clicks"
    )
    found = reported(app(event, CONTEXT), event)
    app.loop.close()
    first = next((place for place, (fails, _) in enumerate(batch) if fails), None)
    assert found == ([] if first is None else [first])
    # All before the checkpoint is done, and each key's records in their order.
    assert set(range(len(batch) if first is None else first)) <= set(ended)
    for key in "abc":
        of_key = [place for place in ended if batch[place][1] == key]
        assert of_key == sorted(of_key)


def test_without_reports_the_failure_is_raised() -> None:
    app, _ = new_app()

    @app.stream("clicks", report_failures=False)
    def handle(number: int) -> None:
        if number:
            raise ValueError("one")

    with pytest.raises(ValueError, match="one"):
        app(kinesis([0, 1], stream="clicks"), CONTEXT)


def test_data_that_is_not_as_declared_is_a_failure() -> None:
    app, log = new_app()

    @app.stream("text")
    def text(data: str) -> None: ...

    @app.stream("clicks")
    def click(data: Click) -> None: ...

    assert len(app(kinesis([b"\xff"], stream="text"), CONTEXT)["batchItemFailures"]) == 1
    assert len(app(kinesis([b""], stream="clicks"), CONTEXT)["batchItemFailures"]) == 1
    assert "It is not UTF-8" in log.getvalue()
    assert "It is not JSON" in log.getvalue()


# ------------------------------------------------------------ windows


def window(final: bool = False, **state: Any) -> EventWindow:
    return EventWindow(NOON, ONE_PAST, state=state, final=final)


def test_a_window_adds_up() -> None:
    app, _ = new_app()
    stored: list[tuple[Any, ...]] = []

    class Database:
        pass

    def database() -> Iterator[Database]:
        yield Database()
        stored.append("closed")  # type: ignore[arg-type]

    app.provide(database, lifetime="invocation")

    def store(window: Window, end: WindowEnd, database: Database) -> None:
        assert end.window is window
        stored.append((window.state, window.start, window.end, window.shard, window.is_terminated_early))

    @app.stream("clicks", tumbling_window=60, at_window_end=store)
    def count(number: int, window: Window) -> None:
        window.state["sum"] = window.state.get("sum", 0) + number
        if number < 0:
            raise ValueError(number)

    assert app(kinesis([1, 2], stream="clicks", window=window()), CONTEXT) == {
        "batchItemFailures": [],
        "state": {"sum": 3},
    }
    assert not stored
    assert app(kinesis([4], stream="clicks", window=window(final=True, sum=3)), CONTEXT)["state"] == {
        "sum": 7
    }
    assert stored == [({"sum": 7}, NOON, ONE_PAST, "shardId-000000000000", False), "closed"]
    stored.clear()
    assert app(kinesis([], stream="clicks", window=window(final=True, sum=7)), CONTEXT) == {
        "batchItemFailures": [],
        "state": {"sum": 7},
    }
    assert stored[0][0] == {"sum": 7}
    stored.clear()
    event = kinesis([1, -1, 5], stream="clicks", window=window(final=True))
    result = app(event, CONTEXT)
    assert reported(result, event) == [1]
    assert result["state"] == {"sum": 0}
    assert not stored


def test_state_goes_back_as_json() -> None:
    app, _ = new_app()

    @app.stream("clicks")
    def count(click: Click, window: Window) -> None:
        window.state[click.page] = [click, NOON]

    assert app(kinesis([{"page": "/"}], stream="clicks", window=window()), CONTEXT)["state"] == {
        "/": [{"page": "/"}, "2026-01-02T12:00:00Z"]
    }


def test_handlers_that_know_of_no_window_leave_the_state_alone() -> None:
    app, _ = new_app()
    app.stream("clicks")(lambda data: None)
    assert app(kinesis([1], stream="clicks", window=window(sum=1)), CONTEXT) == {
        "batchItemFailures": [],
        "state": {"sum": 1},
    }


def test_a_mapping_without_windows_is_an_error_for_who_wants_one() -> None:
    app, _ = new_app()

    @app.stream("clicks")
    def count(number: int, window: Window) -> None: ...

    with pytest.raises(AppError, match=r"count .* asks for a window.*TumblingWindowInSeconds"):
        app(kinesis([1], stream="clicks"), CONTEXT)
