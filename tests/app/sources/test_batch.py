"""What batches of queues, streams and table streams have in common: threads, whole batches, records that are none."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
import pytest
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent import App, AppError, Header, UnknownEvent
from lambent.app import current
from lambent.app.logger import Logger
from lambent.app.sources.batch import BatchFailed
from lambent.app.sources.queue import Attribute, Message
from lambent.app.sources.stream import StreamRecord
from lambent.app.sources.table_stream import Change
from lambent.app.sources.window import Window
from lambent.testing.events import (
    KinesisRecord,
    LambdaContext,
    SQSMessage,
    dynamodb_stream,
    kinesis,
    sqs,
)
from lambent.testing.events import Window as EventWindow

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
CONTEXT = LambdaContext()


class Order(msgspec.Struct):
    number: int


def new_app() -> tuple[App, io.StringIO]:
    log = io.StringIO()
    return App("shop", logger=Logger("shop", stream=log)), log


def identifiers(event: dict[str, Any]) -> list[str]:
    return [
        one["messageId"]
        if "messageId" in one
        else (one.get("kinesis") or {}).get("sequenceNumber") or one["dynamodb"]["SequenceNumber"]
        for one in event["Records"]
    ]


def reported(result: dict[str, Any], event: dict[str, Any]) -> list[int]:
    """The places of the records that were reported."""
    known = identifiers(event)
    return [known.index(one["itemIdentifier"]) for one in result["batchItemFailures"]]


def orders(*numbers: Any, group: str | None = None) -> dict[str, Any]:
    queue = "orders.fifo" if group else "orders"
    return sqs(
        [SQSMessage({"number": one}, group=group and group[place]) for place, one in enumerate(numbers)],
        queue=queue,
    )


# ------------------------------------------------------------ after a failure in a shard


@given(st.lists(st.booleans(), min_size=1, max_size=8), st.booleans())
def test_streams_that_go_on_report_what_powertools_reports(fails: list[bool], of_table: bool) -> None:
    if of_table:
        event = dynamodb_stream([(None, {"id": place}) for place in range(len(fails))], table="orders")
    else:
        event = kinesis([{"number": place} for place in range(len(fails))], stream="orders")
    app, _ = new_app()
    seen = []

    def handle(place: int) -> None:
        seen.append(place)
        if fails[place]:
            raise ValueError(place)

    @app.stream("orders", after_failure="continue")
    def on_record(order: Order) -> None:
        handle(order.number)

    @app.table_stream("orders", after_failure="continue")
    def on_change(keys: dict[str, Any]) -> None:
        handle(keys["id"])

    known = identifiers(event)
    result = app(event, CONTEXT)
    assert seen == list(range(len(fails)))

    def oracle(record: Any) -> None:
        number = record.kinesis.sequence_number if not of_table else record.dynamodb.sequence_number
        if fails[known.index(number)]:
            raise ValueError(number)

    kind = EventType.DynamoDBStreams if of_table else EventType.KinesisDataStreams
    processor: Any = BatchProcessor(kind, raise_on_entire_batch_failure=False)
    with processor(event["Records"], oracle):
        processor.process()
    assert result == processor.response()


def test_what_comes_after_a_failure_is_one_of_two() -> None:
    with pytest.raises(AppError, match="'stop' or 'continue'"):
        App().stream("clicks", after_failure="go on")(lambda data: None)  # type: ignore[arg-type]


def test_windows_count_nothing_twice() -> None:
    with pytest.raises(AppError, match="counted twice"):
        App().stream("clicks", after_failure="continue", tumbling_window=60)(lambda data: None)


# ------------------------------------------------------------ threads


def test_handlers_on_threads_work_at_the_same_time() -> None:
    app, _ = new_app()
    together = threading.Barrier(3, timeout=5)
    threads = set()

    @app.queue("orders", concurrency=3)
    def handle(order: Order) -> None:
        together.wait()
        threads.add(threading.get_ident())

    for _ in range(2):
        assert app(orders(1, 2, 3), CONTEXT) == {"batchItemFailures": []}
    app.loop.close()
    assert 2 <= len(threads) <= 3
    assert threading.get_ident() not in threads


def test_threads_report_failures_and_know_whose_message_it_is() -> None:
    app, log = new_app()
    seen = {}

    @app.queue("orders", concurrency=4)
    def handle(order: Order, message: Message, context: Any) -> None:
        assert context is CONTEXT
        seen[order.number] = current.correlation_id.get()
        if order.number % 2:
            raise ValueError(order.number)

    event = sqs(
        [SQSMessage({"number": one}, attributes={"correlation-id": f"c-{one}"}) for one in range(6)],
        queue="orders",
    )
    event["Records"][4]["body"] = "{}"
    assert reported(app(event, CONTEXT), event) == [1, 3, 4, 5]
    app.loop.close()
    assert seen == {one: f"c-{one}" for one in (0, 1, 2, 3, 5)}
    assert log.getvalue().count("ValueError: ") == 3


def test_threads_keep_the_order_of_groups() -> None:
    app, _ = new_app()
    seen: list[int] = []

    @app.queue("orders.fifo", concurrency=2, fifo_failure="skip_group")
    def handle(order: Order) -> None:
        time.sleep(0.001 * (order.number % 3))
        if order.number == 2:
            raise ValueError
        seen.append(order.number)

    event = orders(0, 1, 2, 3, 4, 5, group="ababab")
    assert reported(app(event, CONTEXT), event) == [2, 4]
    app.loop.close()
    assert [one for one in seen if one % 2 == 0] == [0]
    assert [one for one in seen if one % 2] == [1, 3, 5]


@settings(max_examples=30)
@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from("abc")), min_size=1, max_size=9),
    st.sampled_from(["standard", "stop", "skip_group"]),
    st.integers(2, 4),
)
def test_threads_report_all_that_was_not_handled(
    batch: list[tuple[bool, str]], kind: str, concurrency: int
) -> None:
    app, _ = new_app()
    handled: list[int] = []

    def handle(order: Order) -> None:
        time.sleep(0.0001 * (order.number % 3))
        if batch[order.number][0]:
            raise ValueError(order.number)
        handled.append(order.number)

    for queue in ("orders", "orders.fifo"):
        app.queue(
            queue, concurrency=concurrency, fifo_failure="skip_group" if kind == "skip_group" else "stop"
        )(handle)
    groups = "".join(group for _, group in batch)
    event = orders(*range(len(batch)), group=None if kind == "standard" else groups)
    failed = reported(app(event, CONTEXT), event)
    app.loop.close()
    bad = {place for place, (fails, _) in enumerate(batch) if fails}
    if kind == "stop":
        # What was handled while something before it failed is reported only if it had not begun.
        assert set(failed) | set(handled) == set(range(len(batch)))
        assert not bad or min(failed) == min(bad)
    elif kind == "standard":
        assert set(failed) == bad
    else:
        after = {
            place
            for place, group in enumerate(groups)
            if any(groups[one] == group for one in bad if one <= place)
        }
        assert set(failed) == after
        assert set(handled) == set(range(len(batch))) - after
    for group in set(groups):
        if kind != "standard":
            of_group = [place for place in handled if groups[place] == group]
            assert of_group == sorted(of_group)


def test_threads_build_what_is_the_environments_once() -> None:
    app, _ = new_app()
    built: list[str] = []

    class Pool: ...

    class Session: ...

    @app.provide
    def pool() -> Pool:
        time.sleep(0.002)
        built.append("pool")
        return Pool()

    def session(pool: Pool) -> Iterator[Session]:
        built.append("session")
        yield Session()
        built.append("closed")

    app.provide(session, lifetime="invocation")

    @app.queue("orders", concurrency=4)
    def handle(order: Order, session: Session) -> None: ...

    assert app(orders(1, 2, 3, 4), CONTEXT) == {"batchItemFailures": []}
    app.loop.close()
    assert [built.count(one) for one in ("pool", "session", "closed")] == [1, 4, 4]


def test_what_ends_the_program_ends_it_from_threads() -> None:
    app, _ = new_app()

    @app.queue("orders", concurrency=2)
    def handle(order: Order) -> None:
        if order.number == 2:
            raise SystemExit

    with pytest.raises(SystemExit):
        app(orders(1, 2, 3), CONTEXT)
    assert app(orders(1), CONTEXT) == {"batchItemFailures": []}
    app.loop.close()


# ------------------------------------------------------------ whole batches


def test_a_handler_of_whole_batches_gets_lists() -> None:
    app, _ = new_app()
    got: list[Any] = []

    class Table: ...

    app.provide(Table)

    @app.queue("orders")
    def store(
        messages: list[Message], table: Table, orders: list[Order], texts: list[str], context: Any
    ) -> None:
        got.extend((messages, orders, texts))
        assert isinstance(table, Table)
        assert context is CONTEXT

    event = orders(1, 2)
    assert app(event, CONTEXT) == {"batchItemFailures": []}
    messages, numbers, texts = got
    assert [one.record for one in messages] == event["Records"]
    assert numbers == [Order(1), Order(2)]
    assert texts == [one["body"] for one in event["Records"]]


@pytest.mark.parametrize("is_async", [False, True])
def test_parts_of_whole_batches_fail(is_async: bool) -> None:
    app, log = new_app()

    def store(messages: list[Message], orders: list[Order]) -> None:
        for message, order in zip(messages, orders, strict=True):
            if order.number == 3:
                message.fail(ValueError("three"))
            if order.number == 4:
                message.fail("four")

    if is_async:

        @app.queue("orders")
        async def store_later(messages: list[Message], orders: list[Order]) -> None:
            store(messages, orders)

    else:
        app.queue("orders")(store)

    event = orders(1, "x", 3, 4, 5)
    assert reported(app(event, CONTEXT), event) == [1, 2, 3]
    assert "number: Expected `int`" in log.getvalue()
    assert "ValueError: three" in log.getvalue()
    assert "RuntimeError: four" in log.getvalue()
    event = orders("x")
    assert reported(app(event, CONTEXT), event) == [0]
    app.loop.close()


def test_an_exception_fails_the_whole_batch() -> None:
    app, log = new_app()

    @app.queue("orders")
    def store(messages: list[Message], orders: list[Order]) -> None:
        raise ValueError(len(messages))

    event = orders(1, "x", 3)
    assert reported(app(event, CONTEXT), event) == [0, 1, 2]
    assert "queue orders: a batch of 2 failed" in log.getvalue()
    app, _ = new_app()
    app.queue("orders", raise_on_entire_batch_failure=True)(store)
    with pytest.raises(BatchFailed):
        app(event, CONTEXT)
    app, _ = new_app()
    app.queue("orders", report_failures=False)(store)
    with pytest.raises(ValueError, match="2"):
        app(orders(1, 2), CONTEXT)


@pytest.mark.parametrize(
    ("kind", "handled", "failed"), [("stop", [0, 1], [2, 3, 4]), ("skip_group", [0, 1, 3], [2, 4])]
)
def test_whole_batches_of_fifo_queues_end_before_what_is_not_valid(
    kind: Any, handled: list[int], failed: list[int]
) -> None:
    app, _ = new_app()
    got: list[Order] = []

    @app.queue("orders.fifo", fifo_failure=kind)
    def store(messages: list[Message], orders: list[Order]) -> None:
        got.extend(orders)

    event = orders(0, 1, "x", 3, 4, group="ababa")
    assert reported(app(event, CONTEXT), event) == failed
    assert [one.number for one in got] == handled


def test_whole_batches_of_streams() -> None:
    app, _ = new_app()
    got: list[Any] = []

    @app.stream("clicks")
    def count(records: list[StreamRecord], orders: list[Order], window: Window) -> None:
        got.extend(orders)
        window.state["count"] = len(records)
        records[-1].fail("late")

    event = kinesis(
        [KinesisRecord({"number": 1}), KinesisRecord({"number": 2}), KinesisRecord(b"no JSON")],
        stream="clicks",
        window=EventWindow(NOON, NOON),
    )
    answer = app(event, CONTEXT)
    assert reported(answer, event) == [1]
    assert answer["state"] == {"count": 2}
    assert got == [Order(1), Order(2)]


def test_whole_batches_of_tables() -> None:
    app, _ = new_app()
    got: list[Order | None] = []

    @app.table_stream("orders", after_failure="continue")
    def copy(changes: list[Change[Order]]) -> None:
        got.extend(change.new for change in changes)

    event = dynamodb_stream([(None, {"id": 1, "number": one}) for one in (1, "x", 3)], table="orders")
    assert reported(app(event, CONTEXT), event) == [1]
    assert got == [Order(1), Order(3)]


def test_middleware_is_once_around_a_whole_batch() -> None:
    app, _ = new_app()
    seen: list[Any] = []

    @app.middleware
    def around(batch: Any, call_next: Any) -> Any:
        seen.append((batch.kind, len(batch.rows)))
        return call_next(batch)

    @app.queue("orders")
    def store(messages: list[Message]) -> None: ...

    app(orders(1, 2), CONTEXT)
    assert seen == [("sqs", 2)]


def test_lists_of_other_things_are_bodies() -> None:
    app, _ = new_app()
    got: list[list[int]] = []

    @app.queue("orders")
    def handle(numbers: list[int]) -> None:
        got.append(numbers)

    app(sqs([[1, 2], [3]], queue="orders"), CONTEXT)
    assert got == [[1, 2], [3]]


def _bare(messages: list[Message], order: Order) -> None: ...
def _marked(messages: list[Message], agent: Annotated[list[str], Attribute()]) -> None: ...
def _undecodable(messages: list[Message], orders: list[Order | Window]) -> None: ...
def _images(changes: list[Change[Order]], new: list[Order]) -> None: ...
def _headers(messages: list[Message], agent: Annotated[str, Header()]) -> None: ...
def _whole(messages: list[Message]) -> None: ...


@pytest.mark.parametrize(
    ("declare", "text"),
    [
        (lambda app: app.queue("a")(_bare), "'order' is no list"),
        (lambda app: app.queue("a")(_marked), "'agent' is no list"),
        (lambda app: app.queue("a")(_headers), "'agent' is no list"),
        (lambda app: app.queue("a")(_undecodable), "cannot be made from JSON"),
        (lambda app: app.table_stream("a")(_images), "'new' could be a list of"),
        (lambda app: app.queue("a", concurrency=2)(_whole), "without concurrency"),
    ],
)
def test_what_is_wrong_with_whole_batches_is_said_at_import(declare: Callable[[App], Any], text: str) -> None:
    with pytest.raises(AppError, match=text):
        declare(App())


# ------------------------------------------------------------ records that are none


def test_a_batch_without_records_has_no_failures() -> None:
    app, _ = new_app()
    app.queue("orders")(lambda body: None)
    assert app({"Records": []}, CONTEXT) == {"batchItemFailures": []}
    with pytest.raises(UnknownEvent):
        App()({"Records": []}, CONTEXT)


def _declared(app: App, **options: Any) -> None:
    app.queue("orders", **options)(lambda body: None)
    app.stream("orders", **options)(lambda data: None)
    app.table_stream("orders", **options)(lambda keys: None)


FIRST = {
    "sqs": sqs([{}], queue="orders"),
    "kinesis": kinesis([{}], stream="orders"),
    "dynamodb": dynamodb_stream([(None, {"id": 1})], table="orders"),
}


@pytest.mark.parametrize("concurrency", [None, 2])
@pytest.mark.parametrize("kind", FIRST)
@pytest.mark.parametrize("second", [None, 7, "x", [], {}, {"eventSource": "aws:sns", "body": 1}])
def test_what_is_no_record_of_the_source_is_said(kind: str, second: Any, concurrency: int | None) -> None:
    app, log = new_app()
    _declared(app, concurrency=concurrency)
    event = {**FIRST[kind], "Records": [*FIRST[kind]["Records"], second]}
    with pytest.raises(BatchFailed, match="record at 1 has failed, and cannot be reported") as caught:
        app(event, CONTEXT)
    app.loop.close()
    assert "It is no record of a " in str(caught.value.exceptions[0])
    assert "It is no record of a " in log.getvalue()


def test_records_of_another_kind_fail_by_themselves() -> None:
    app, log = new_app()
    _declared(app)
    event = {"Records": [*FIRST["sqs"]["Records"], {**FIRST["kinesis"]["Records"][0], "messageId": "m-2"}]}
    assert app(event, CONTEXT) == {"batchItemFailures": [{"itemIdentifier": "m-2"}]}
    assert "It is no record of a queue" in log.getvalue()


def test_messages_without_ids_are_handled_and_failures_fail_the_batch() -> None:
    app, _ = new_app()
    got = []

    @app.queue("orders")
    def handle(order: Order) -> None:
        got.append(order.number)
        if order.number == 2:
            raise ValueError(2)

    event = orders(1, 3)
    for record in event["Records"]:
        del record["messageId"]
    assert app(event, CONTEXT) == {"batchItemFailures": []}
    event = orders(1, 2)
    del event["Records"][1]["messageId"]
    with pytest.raises(BatchFailed, match="no identifier") as caught:
        app(event, CONTEXT)
    assert repr(caught.value.exceptions[0]) == "ValueError(2)"
    assert got == [1, 3, 1, 2]


def test_bodies_that_are_no_text_fail() -> None:
    app, _ = new_app()
    app.queue("orders")(lambda body: None)
    event = orders(1, 2)
    event["Records"][1]["body"] = {"poison": "pill"}
    assert reported(app(event, CONTEXT), event) == [1]


def test_fifo_is_also_what_has_a_sequence() -> None:
    app, _ = new_app()

    @app.queue("orders")
    def handle(order: Order) -> None:
        if order.number == 1:
            raise ValueError

    event = orders(1, 2, group="ab")
    for record in event["Records"]:
        record["eventSourceARN"] = "arn:aws:sqs:us-east-1:123456789012:orders"
    assert reported(app(event, CONTEXT), event) == [0, 1]
    for record in event["Records"]:  # a fair queue
        del record["attributes"]["SequenceNumber"]
    assert reported(app(event, CONTEXT), event) == [0]


def test_a_record_may_fail_without_an_exception() -> None:
    app, log = new_app()

    @app.queue("orders")
    def handle(order: Order, message: Message) -> None:
        if order.number == 2:
            message.fail("not yet")

    event = orders(1, 2, 3)
    assert reported(app(event, CONTEXT), event) == [1]
    assert "not yet" in log.getvalue()
