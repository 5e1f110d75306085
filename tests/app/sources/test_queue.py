"""Batches of SQS: parameters, failures, order; Powertools' batch processors say what is to be reported."""

from __future__ import annotations

import asyncio
import dataclasses
import io
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypedDict

import attrs
import msgspec
import pydantic
import pytest
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, SqsFifoPartialProcessor
from aws_lambda_powertools.utilities.batch.exceptions import BatchProcessingError
from hypothesis import given
from hypothesis import strategies as st

from lambent import App, AppError, Header, UnknownEvent
from lambent.app import current
from lambent.app.logger import Logger
from lambent.app.sources.batch import BatchFailed
from lambent.app.sources.queue import Attribute, Message
from lambent.testing.events import LambdaContext, SQSMessage, eventbridge, s3, s3_test, sns_envelope, sqs

CONTEXT = LambdaContext()


def new_app() -> tuple[App, io.StringIO]:
    log = io.StringIO()
    return App("shop", logger=Logger("shop", stream=log)), log


def lines(log: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


def reported(result: dict[str, Any], event: dict[str, Any]) -> list[int]:
    """The places of the messages that were reported."""
    ids = [record["messageId"] for record in event["Records"]]
    return [ids.index(one["itemIdentifier"]) for one in result["batchItemFailures"]]


class Receipt(msgspec.Struct):
    number: int


@dataclasses.dataclass
class ReceiptData:
    number: int


@attrs.define
class ReceiptAttrs:
    number: int


class ReceiptDict(TypedDict):
    number: int


class ReceiptModel(pydantic.BaseModel):
    number: int


# ------------------------------------------------------------ parameters


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        (str, '{"number":1}'),
        (bytes, b'{"number":1}'),
        (Receipt, Receipt(1)),
        (ReceiptData, ReceiptData(1)),
        (ReceiptAttrs, ReceiptAttrs(1)),
        (ReceiptDict, {"number": 1}),
        (ReceiptModel, ReceiptModel(number=1)),
        (dict, {"number": 1}),
        (dict[str, int], {"number": 1}),
        (Any, {"number": 1}),
    ],
)
@pytest.mark.parametrize("layered", [False, True])
def test_bodies_are_what_is_declared(declared: Any, expected: Any, layered: bool) -> None:
    app, _ = new_app()
    got = []

    def handle(receipt: Any) -> None:
        got.append(receipt)

    handle.__annotations__["receipt"] = declared
    app.queue("receipts")(handle)
    if layered:
        app.middleware(lambda message, call_next: call_next(message))
    assert app(sqs(['{"number":1}'], queue="receipts"), CONTEXT) == {"batchItemFailures": []}
    assert got == [expected]


def test_a_message_knows_its_envelope() -> None:
    app, _ = new_app()
    got: list[Message] = []

    @app.queue("orders.fifo")
    def handle(message: Message, context: Any, event: dict[str, Any]) -> None:
        got.append(message)
        assert context is CONTEXT
        assert event["Records"][0] is message.record

    sent = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
    one = SQSMessage(
        {"number": 1},
        message_id="id-1",
        attributes={"tenant": "a", "count": 3, "ratio": 0.5, "raw": b"\x00"},
        group="g",
        deduplication_id="d",
        receive_count=2,
        sent=sent,
        system_attributes={"AWSTraceHeader": "Root=1-5e6722a7-cc56aa0000000000ae02d4da"},
    )
    app(sqs([one], queue="orders.fifo"), CONTEXT)
    (message,) = got
    assert message.message_id == message.identifier == "id-1"
    assert message.json() == {"number": 1}
    assert message.message_attributes == {
        "tenant": "a",
        "count": 3,
        "ratio": pytest.approx(0.5),
        "raw": b"\x00",
    }
    assert (message.group_id, message.deduplication_id, message.receive_count) == ("g", "d", 2)
    assert message.sequence_number is not None
    assert message.sent_at == sent
    assert message.first_received_at == sent
    assert message.queue == "orders.fifo"
    assert message.arn.endswith(":orders.fifo")
    assert message.trace == "Root=1-5e6722a7-cc56aa0000000000ae02d4da"
    assert message.attributes["SenderId"]
    assert message.receipt_handle
    assert message.kind == "sqs"


def test_attributes_of_the_message() -> None:
    app, log = new_app()
    got = []

    @app.queue("orders")
    def handle(
        body: str,
        tenant: Annotated[str, Attribute()],
        tries: Annotated[int, Attribute("try-count")] = 1,
        raw: Annotated[bytes, Attribute()] = b"",
    ) -> None:
        got.append((body, tenant, tries, raw))

    event = sqs(
        [
            SQSMessage("a", attributes={"tenant": "t"}),
            SQSMessage("b", attributes={"tenant": "t", "try-count": 2, "raw": b"x"}),
            SQSMessage("c"),
            SQSMessage("d", attributes={"tenant": "t", "try-count": "many"}),
        ],
        queue="orders",
    )
    assert reported(app(event, CONTEXT), event) == [2, 3]
    assert got == [("a", "t", 1, b""), ("b", "t", 2, b"x")]
    assert "tenant: It is missing" in log.getvalue()
    assert "try-count: Expected `int`, got `str`" in log.getvalue()


def test_services_are_the_records_own_and_closed() -> None:
    app, _ = new_app()
    happened: list[str] = []

    class Session:
        pass

    def session() -> Iterator[Session]:
        happened.append("open")
        try:
            yield Session()
            happened.append("commit")
        except ValueError:
            happened.append("roll back")
            raise

    app.provide(session, lifetime="invocation")

    @app.queue("orders")
    def handle(number: int, session: Session) -> None:
        if number < 0:
            raise ValueError(number)

    event = sqs(["1", "-1"], queue="orders")
    assert reported(app(event, CONTEXT), event) == [1]
    assert happened == ["open", "commit", "open", "roll back"]


def test_a_service_that_cannot_be_closed_fails_its_record() -> None:
    app, log = new_app()

    class Session:
        pass

    def session() -> Iterator[Session]:
        yield Session()
        raise OSError("no commit")

    app.provide(session, lifetime="invocation")

    @app.queue("orders")
    def handle(number: int, session: Session) -> None:
        if number < 0:
            raise ValueError(number)

    event = sqs(["1", "-1"], queue="orders")
    assert reported(app(event, CONTEXT), event) == [0, 1]
    assert "no commit" in log.getvalue()


@pytest.mark.parametrize(
    ("declare", "text"),
    [
        (
            lambda app: [app.queue("a")(lambda x: None), app.queue("a")(lambda x: None)],
            "one handler has to do",
        ),
        (lambda app: app.queue("a")(lambda one, two: None), "both 'one' and 'two' would be the body"),
        (lambda app: app.queue("a", fifo_failure="go on")(lambda x: None), "'stop' or 'skip_group'"),
        (lambda app: app.queue("a", unwrap="sqs")(lambda x: None), "'sns' or 's3' or 'eventbridge'"),
        (lambda app: app.queue("a", concurrency=0)(lambda x: None), "1 or more"),
    ],
)
def test_what_is_wrong_is_said_at_import(declare: Callable[[App], Any], text: str) -> None:
    with pytest.raises(AppError, match=text):
        declare(App())


def test_concurrency_is_one_or_more() -> None:
    async def handle(body: str) -> None: ...

    with pytest.raises(AppError, match="1 or more"):
        App().queue("a", concurrency=0)(handle)


def test_markers_of_requests_are_refused() -> None:
    def handle(agent: Annotated[str, Header()]) -> None: ...

    with pytest.raises(AppError, match="no request here"):
        App().queue("a")(handle)


def test_types_that_are_no_json_are_refused() -> None:
    def handle(body: Receipt | ReceiptData) -> None: ...

    with pytest.raises(AppError, match="cannot be made from JSON"):
        App().queue("a")(handle)


def test_parameters_with_defaults_are_left_alone() -> None:
    app, _ = new_app()
    got = []

    @app.queue("a")
    def handle(body: str, tries: int = 3, *, loud: bool = False) -> None:
        got.append((body, tries, loud))

    app(sqs(["x"], queue="a"), CONTEXT)
    assert got == [("x", 3, False)]


# ------------------------------------------------------------ which queue


def test_queues_are_found_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    app, _ = new_app()
    got = []
    for name in ("orders", "receipts", "new-orders.fifo"):
        app.queue(name)(lambda body, name=name: got.append(name))
    monkeypatch.setenv("LAMBENT_QUEUE_RECEIPTS", "shop-prod-receipts")
    monkeypatch.setenv(
        "LAMBENT_QUEUE_NEW_ORDERS_FIFO", "arn:aws:sqs:us-east-1:123456789012:shop-prod-new.fifo"
    )
    for queue in ("orders", "receipts", "shop-prod-receipts", "shop-prod-new.fifo"):
        app(sqs([{}], queue=queue), CONTEXT)
    assert got == ["orders", "receipts", "receipts", "new-orders.fifo"]
    with pytest.raises(
        UnknownEvent, match=r":other: there are handlers for 'orders', .*LAMBENT_QUEUE_<NAME>"
    ):
        app(sqs(["x"], queue="other"), CONTEXT)


# ------------------------------------------------------------ failures


def test_failures_are_reported_and_logged() -> None:
    app, log = new_app()

    @app.queue("receipts")
    def handle(receipt: Receipt) -> None:
        if receipt.number == 2:
            raise ValueError("two")

    event = sqs([{"number": 1}, {"number": 2}, {"number": "x"}, "no JSON", {"number": 3}], queue="receipts")
    assert reported(app(event, CONTEXT), event) == [1, 2, 3]
    logged = lines(log)
    ids = [record["messageId"] for record in event["Records"]]
    assert [one["message_id"] for one in logged] == ids[1:4]
    assert [one["exception_name"] for one in logged] == ["ValueError", "ValidationFailed", "ValidationFailed"]
    assert logged[0]["message"] == f"queue receipts: message {ids[1]} failed"
    assert "number: Expected `int`, got `str`" in logged[1]["exception"]
    assert "It is not JSON" in logged[2]["exception"]


@pytest.mark.parametrize("fifo", [False, True])
def test_all_failed(fifo: bool) -> None:
    queue = "orders.fifo" if fifo else "orders"
    event = sqs(["1", "2"], queue=queue)

    def handle(body: int) -> None:
        raise ValueError(body)

    app, _ = new_app()
    app.queue(queue)(handle)
    assert reported(app(event, CONTEXT), event) == [0, 1]
    app, _ = new_app()
    app.queue(queue, raise_on_entire_batch_failure=True)(handle)
    with pytest.raises(BatchFailed, match=f"queue {queue}: all messages of the batch failed") as caught:
        app(event, CONTEXT)
    assert [str(one) for one in caught.value.exceptions] == (["1"] if fifo else ["1", "2"])


def test_without_reports_the_first_failure_is_raised() -> None:
    app, _ = new_app()
    seen = []

    @app.queue("orders", report_failures=False)
    def handle(body: int) -> None:
        seen.append(body)
        if body == 2:
            raise ValueError(body)

    with pytest.raises(ValueError, match="2"):
        app(sqs(["1", "2", "3"], queue="orders"), CONTEXT)
    assert seen == [1, 2]
    assert app(sqs(["1", "3"], queue="orders"), CONTEXT) == {"batchItemFailures": []}


@pytest.mark.parametrize(("is_async", "concurrency"), [(False, None), (True, None), (True, 1)])
@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
def test_what_ends_the_program_is_no_failure(
    error: type[BaseException], is_async: bool, concurrency: int | None
) -> None:
    app, _ = new_app()
    if is_async:

        @app.queue("orders", concurrency=concurrency)
        async def handle_later(body: int) -> None:
            if body == 2:
                raise error
            await asyncio.sleep(0)

    else:

        @app.queue("orders")
        def handle(body: int) -> None:
            if body == 2:
                raise error

    with pytest.raises(error):
        app(sqs(["1", "2", "3"], queue="orders"), CONTEXT)
    assert app(sqs(["1"], queue="orders"), CONTEXT) == {"batchItemFailures": []}
    app.loop.close()


class Number(msgspec.Struct):
    number: int
    fails: bool


batches = st.lists(st.tuples(st.booleans(), st.sampled_from("abc")), min_size=1, max_size=12)


def _event(batch: list[tuple[bool, str]], queue: str) -> dict[str, Any]:
    return sqs(
        [
            SQSMessage(Number(place, fails), group=group if queue.endswith(".fifo") else None)
            for place, (fails, group) in enumerate(batch)
        ],
        queue=queue,
    )


@given(batches, st.sampled_from(["standard", "stop", "skip_group"]))
def test_reports_what_powertools_reports(batch: list[tuple[bool, str]], kind: str) -> None:
    queue = "orders" if kind == "standard" else "orders.fifo"
    event = _event(batch, queue)
    ours, theirs = [], []
    app, _ = new_app()

    @app.queue(queue, fifo_failure="skip_group" if kind == "skip_group" else "stop")
    def handle(body: Number) -> None:
        ours.append(body.number)
        if body.fails:
            raise ValueError(body.number)

    def oracle(record: Any) -> None:
        theirs.append(record.json_body["number"])
        if record.json_body["fails"]:
            raise ValueError(record.body)

    processor: Any = (
        BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
        if kind == "standard"
        else SqsFifoPartialProcessor(skip_group_on_error=kind == "skip_group")
    )
    try:
        with processor(event["Records"], oracle):
            processor.process()
        expected = processor.response()
    except BatchProcessingError:
        expected = {"batchItemFailures": [{"itemIdentifier": one["messageId"]} for one in event["Records"]]}
    assert app(event, CONTEXT) == expected
    assert ours == theirs


# ------------------------------------------------------------ async


@given(batches, st.sampled_from(["standard", "stop", "skip_group"]), st.sampled_from([None, 1, 2]))
def test_async_handlers_keep_the_order_of_groups(
    batch: list[tuple[bool, str]], kind: str, concurrency: int | None
) -> None:
    queue = "orders" if kind == "standard" else "orders.fifo"
    event = _event(batch, queue)
    ended: list[int] = []
    app, _ = new_app()

    @app.queue(queue, fifo_failure="skip_group" if kind == "skip_group" else "stop", concurrency=concurrency)
    async def handle(body: Number) -> None:
        for _ in range(body.number % 3):
            await asyncio.sleep(0)
        if body.fails:
            raise ValueError(body.number)
        ended.append(body.number)

    failed = reported(app(event, CONTEXT), event)
    app.loop.close()
    groups = [group for _, group in batch]
    # Whatever was not reported has been handled; and nothing that failed was not reported.
    assert set(range(len(batch))) - set(failed) == set(ended)
    if kind == "standard":
        assert failed == [place for place, (fails, _) in enumerate(batch) if fails]
        return
    for group in set(groups):
        of_group = [place for place in ended if groups[place] == group]
        assert of_group == [place for place, one in enumerate(groups) if one == group][: len(of_group)]
    if kind == "skip_group":
        bad = {group for fails, group in batch if fails}
        for place, (_, group) in enumerate(batch):
            before = [fails for fails, one in batch[: place + 1] if one == group]
            assert (place in failed) == (group in bad and any(before))
    elif failed:
        # All before the first failure has been handled.
        assert failed[0] == min(place for place, (fails, _) in enumerate(batch) if fails)


def test_async_records_are_handled_at_the_same_time_within_bounds() -> None:
    app, _ = new_app()
    running, most = 0, 0

    @app.queue("orders", concurrency=3)
    async def handle(body: str) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0.001)
        running -= 1

    app(sqs(["x"] * 10, queue="orders"), CONTEXT)
    loop = asyncio.get_event_loop_policy().get_event_loop()
    app(sqs(["x"], queue="orders"), CONTEXT)
    assert asyncio.get_event_loop_policy().get_event_loop() is loop
    app.loop.close()
    assert most == 3


@pytest.mark.parametrize("kinds", ["a", "as", "asa"])
@pytest.mark.parametrize("lifetime", ["environment", "invocation"])
def test_a_handler_that_is_not_async_has_one_record_at_a_time_whatever_is_around_it(
    kinds: str, lifetime: Literal["environment", "invocation"]
) -> None:
    app, _ = new_app()
    running, most = 0, 0

    class Pool: ...

    async def waiting(record: Any, call_next: Any) -> Any:
        return await call_next(record)

    for kind in kinds:
        app.middleware(waiting if kind == "a" else lambda record, call_next: call_next(record))

    @app.provide(lifetime=lifetime)
    async def pool() -> Pool:
        return Pool()

    @app.queue("orders")
    def handle(body: str, pool: Pool) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        time.sleep(0.002)
        running -= 1

    assert app(sqs(["x"] * 10, queue="orders"), CONTEXT) == {"batchItemFailures": []}
    app.loop.close()
    assert most == 1


def test_async_services_are_the_records_own() -> None:
    app, _ = new_app()
    open_now, most, happened = 0, 0, []

    class Pool:
        pass

    class Session:
        pass

    @app.provide
    async def pool() -> Pool:
        await asyncio.sleep(0)
        happened.append("pool")
        return Pool()

    async def session(pool: Pool) -> AsyncIterator[Session]:
        nonlocal open_now, most
        open_now += 1
        most = max(most, open_now)
        try:
            await asyncio.sleep(0)
            yield Session()
            happened.append("commit")
        except ValueError:
            happened.append("roll back")
        finally:
            open_now -= 1

    app.provide(session, lifetime="invocation")
    sessions = set()

    @app.queue("orders", concurrency=2)
    async def handle(body: int, session: Session) -> None:
        await asyncio.sleep(0.001)
        sessions.add(session)
        if body == 3:
            raise ValueError(body)

    event = sqs(["1", "2", "3", "4", "5"], queue="orders")
    assert reported(app(event, CONTEXT), event) == [2]
    app.loop.close()
    assert happened.count("pool") == 1
    assert (happened.count("commit"), happened.count("roll back")) == (4, 1)
    assert (len(sessions), open_now) == (5, 0)
    assert most == 2


def test_a_cancelled_wait_is_a_failure() -> None:
    app, log = new_app()

    @app.queue("orders")
    async def handle(body: int) -> None:
        if body == 1:
            task = asyncio.ensure_future(asyncio.sleep(1))
            task.cancel()
            await task

    event = sqs(["0", "1", "2"], queue="orders")
    assert reported(app(event, CONTEXT), event) == [1]
    app.loop.close()
    assert "was cancelled" in log.getvalue()


# ------------------------------------------------------------ around a record


def test_middleware_is_around_each_record() -> None:
    app, _ = new_app()
    seen = []

    @app.middleware
    def outer(message: Any, call_next: Any) -> Any:
        seen.append(f"outer {message.body}")
        return call_next(message)

    def inner(message: Any, call_next: Any) -> Any:
        seen.append(f"inner {message.body}")
        if message.body == "drop":
            return None
        return call_next(message)

    @app.queue("orders", middleware=[inner])
    def handle(body: str) -> None:
        seen.append(body)

    assert app(sqs(["a", "drop"], queue="orders"), CONTEXT) == {"batchItemFailures": []}
    assert seen == ["outer a", "inner a", "a", "outer drop", "inner drop"]

    @app.middleware
    async def later(message: Any, call_next: Any) -> Any:
        seen.append("later")
        return await call_next(message)

    seen.clear()
    app(sqs(["a"], queue="orders"), CONTEXT)
    app.loop.close()
    assert seen == ["outer a", "later", "inner a", "a"]


@pytest.mark.parametrize("is_async", [False, True])
def test_correlation_ids_are_the_senders(is_async: bool) -> None:
    app, _ = new_app()
    seen = []
    if is_async:

        @app.queue("orders")
        async def handle_later(body: str) -> None:
            await asyncio.sleep(0)
            seen.append((body, current.correlation_id.get()))

    else:

        @app.queue("orders")
        def handle(body: str) -> None:
            seen.append((body, current.correlation_id.get()))

    current.correlation_id.set("of another invocation")
    app(
        sqs(
            [
                "a",
                SQSMessage("b", attributes={"correlation-id": "c-1"}),
                "c",
                SQSMessage("d", attributes={"correlation-id": "c-2"}),
                SQSMessage("e", attributes={"other": "x"}),
            ],
            queue="orders",
        ),
        CONTEXT,
    )
    app.loop.close()
    assert sorted(seen) == [("a", None), ("b", "c-1"), ("c", None), ("d", "c-2"), ("e", None)]


# ------------------------------------------------------------ what other services put into messages


@pytest.mark.parametrize(
    ("unwrap", "body", "expected"),
    [
        ("sns", sns_envelope({"number": 1}, topic="alerts"), {"number": 1}),
        ("sns", {"number": 1}, {"number": 1}),
        ("s3", s3_test("uploads"), []),
        ("eventbridge", eventbridge({"number": 1}, source="shop", detail_type="Sold"), {"number": 1}),
        ("eventbridge", {"number": 1}, {"number": 1}),
        (None, {"Type": "Notification"}, {"Type": "Notification"}),
    ],
)
def test_unwrapping(unwrap: Any, body: Any, expected: Any) -> None:
    app, _ = new_app()
    got = []
    app.queue("orders", unwrap=unwrap)(lambda body: got.append(body))
    assert app(sqs([body], queue="orders"), CONTEXT) == {"batchItemFailures": []}
    assert got == [expected]


def test_notifications_of_buckets_also_through_topics() -> None:
    app, _ = new_app()
    got = []
    app.queue("uploads", unwrap="s3")(lambda body: got.append(body))
    notification = s3("uploads", "a b.txt")
    app(sqs([notification, sns_envelope(notification, topic="uploads")], queue="uploads"), CONTEXT)
    assert got == [notification["Records"]] * 2
