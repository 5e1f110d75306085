"""What destinations and dead-letter targets are sent, beside what AWS was recorded to send."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from lambent.events.deliveries import Deliveries, Parcel
from lambent.events.destinations import Destinations
from lambent.events.queues import Queues
from lambent.invocation.outcome import Answer, Outcome
from lambent.neighbours.service_calls import ServiceAnswer, ServiceCall
from lambent.store import Staged

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from tests.events.destinations.conftest import World

    Opened = Callable[[], Awaitable[World]]

ARN = "arn:aws:lambda:us-east-1:000000000000:function:one:$LATEST"
QUEUE = "arn:aws:sqs:us-east-1:000000000000:failed"
TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0;Lineage=1:ca978112:0"
ERROR = Answer(b'{"errorMessage": "intentional failure", "errorType": "Exception"}', "$LATEST", failed=True)


def outcome(**members: Any) -> Outcome:
    return Outcome(
        **{
            "request_id": "e4b46cbf-b738-4880-8880-a18cdf61200e",
            "account": "000000000000",
            "region": "us-east-1",
            "name": "one",
            "function_arn": ARN,
            "role": "arn:aws:iam::000000000000:role/any",
            "condition": "RetriesExhausted",
            "invoke_count": 3,
            "payload": b'{"message": "hello"}',
            "answer": ERROR,
            "trace": TRACE,
            "destination": QUEUE,
            **members,
        }
    )


class Sent:
    """Keeps the parcels that it is given."""

    def __init__(self) -> None:
        self.parcels: list[Parcel] = []

    def stage(self, parcels: Iterable[Parcel]) -> Staged:
        self.parcels += parcels
        return Staged((), lambda _error: None)


def sent(clock: Any, told: Outcome) -> list[Parcel]:
    deliveries = Sent()
    Destinations(deliveries, clock).stage(told)  # type: ignore[arg-type]
    return deliveries.parcels


def test_the_record_of_a_failure(clock: Any) -> None:
    """Recorded: `test_retries`."""
    (parcel,) = sent(clock, outcome())
    assert json.loads(parcel.body) == {
        "version": "1.0",
        "timestamp": "2023-11-14T22:13:20.000Z",
        "requestContext": {
            "requestId": "e4b46cbf-b738-4880-8880-a18cdf61200e",
            "functionArn": ARN,
            "condition": "RetriesExhausted",
            "approximateInvokeCount": 3,
        },
        "requestPayload": {"message": "hello"},
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "responsePayload": {"errorMessage": "intentional failure", "errorType": "Exception"},
    }
    assert list(json.loads(parcel.body)) == [
        "version",
        "timestamp",
        "requestContext",
        "requestPayload",
        "responseContext",
        "responsePayload",
    ]
    assert (parcel.target_arn, parcel.principal, parcel.trace) == (QUEUE, "lambda.amazonaws.com", TRACE)
    assert (parcel.role_arn, parcel.options) == ("arn:aws:iam::000000000000:role/any", {})


def test_the_record_of_a_success(clock: Any) -> None:
    """Recorded: `test_assess_lambda_destination_invocation`."""
    told = outcome(condition="Success", invoke_count=1, answer=Answer(b"[1]", "7", failed=False))
    body = json.loads(sent(clock, told)[0].body)
    assert body["responseContext"] == {"statusCode": 200, "executedVersion": "7"}
    assert body["responsePayload"] == [1]


def test_the_record_of_what_never_ran(clock: Any) -> None:
    """Recorded: `test_reserved_concurrency`."""
    told = outcome(condition="ZeroReservedConcurrency", invoke_count=0, answer=None, payload=b"{}")
    body = json.loads(sent(clock, told)[0].body)
    assert list(body) == ["version", "timestamp", "requestContext", "requestPayload"]
    assert body["requestContext"]["condition"] == "ZeroReservedConcurrency"
    assert (body["requestContext"]["approximateInvokeCount"], body["requestPayload"]) == (0, {})


def test_what_a_streaming_function_wrote_is_text_unless_it_is_json(clock: Any) -> None:
    told = outcome(condition="Success", answer=Answer(b"plain \xff", "$LATEST", failed=False))
    assert json.loads(sent(clock, told)[0].body)["responsePayload"] == "plain \ufffd"


@pytest.mark.parametrize("ending", ["Success", "Failure"])
def test_a_bus_gets_an_event_of_lambda(clock: Any, ending: str) -> None:
    bus = "arn:aws:events:us-east-1:000000000000:event-bus/default"
    condition = "Success" if ending == "Success" else "EventAgeExceeded"
    (parcel,) = sent(clock, outcome(condition=condition, destination=bus))
    assert parcel.options == {
        "Source": "lambda",
        "DetailType": f"Lambda Function Invocation Result - {ending}",
        "Resources": [bus, ARN],
    }


def test_the_name_of_an_object(clock: Any) -> None:
    (parcel,) = sent(clock, outcome(destination="arn:aws:s3:::records"))
    assert re.fullmatch(
        r"aws/lambda/async/one/2023/11/14/2023-11-14T22\.13\.20-[0-9a-f]{8}-[0-9a-f-]{27}",
        parcel.options["Key"],
    )


@pytest.mark.parametrize(
    ("destination", "size", "kept"),
    [
        ("arn:aws:sns:us-east-1:000000000000:topic", 250_000, True),
        ("arn:aws:sns:us-east-1:000000000000:topic", 262_144, False),
        (QUEUE, 262_144, True),
        (QUEUE, 1_048_576, False),
        ("arn:aws:s3:::records", 1_048_576, True),
    ],
)
def test_payloads_are_left_out_where_there_is_no_room(
    clock: Any, destination: str, size: int, kept: bool
) -> None:
    (parcel,) = sent(clock, outcome(destination=destination, payload=b'"' + b"x" * (size - 2) + b'"'))
    body = json.loads(parcel.body)
    assert ("requestPayload" in body, "responsePayload" in body) == (kept, kept)
    assert body["requestContext"]["condition"] == "RetriesExhausted"


def test_a_dead_letter_is_the_event_itself(clock: Any) -> None:
    """Recorded: `test_dead_letter_queue`."""
    record, letter = sent(clock, outcome(dead_letter_arn=QUEUE + "2"))
    assert record.target_arn == QUEUE
    assert (letter.target_arn, letter.body) == (QUEUE + "2", '{"message": "hello"}')
    assert letter.options["MessageAttributes"] == {
        "RequestID": {"DataType": "String", "StringValue": "e4b46cbf-b738-4880-8880-a18cdf61200e"},
        "ErrorCode": {"DataType": "Number", "StringValue": "200"},
        "ErrorMessage": {"DataType": "String", "StringValue": "intentional failure"},
    }


@pytest.mark.parametrize(
    ("members", "code", "message"),
    [
        ({"answer": Answer(b'{"errorMessage": "%s"}' % (b"\xc3\xa9" * 600), "1", True)}, "200", "\xe9" * 512),
        ({"answer": Answer(b'{"errorMessage": "a\\u0000b"}', "1", True)}, "200", "a\ufffdb"),
        ({"answer": Answer(b'"other"', "1", True)}, "200", '"other"'),
        ({"answer": None, "condition": "ZeroReservedConcurrency"}, "429", "Rate Exceeded."),
        ({"answer": Answer(b'{"errorMessage": ""}', "1", True)}, "200", None),
    ],
)
def test_the_error_of_a_dead_letter(
    clock: Any, members: dict[str, Any], code: str, message: str | None
) -> None:
    (letter,) = sent(clock, outcome(destination=None, dead_letter_arn=QUEUE, **members))
    attributes = letter.options["MessageAttributes"]
    assert attributes["ErrorCode"]["StringValue"] == code
    assert attributes.get("ErrorMessage", {}).get("StringValue") == message


def test_queues_and_topics_that_keep_an_order_get_nothing(
    clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    assert sent(clock, outcome(destination=QUEUE + ".fifo", dead_letter_arn=QUEUE + ".fifo")) == []
    assert "standard queues and topics only" in caplog.text


class Everything:
    """What is really there: queues, and the outbox, which calls what is not ours."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.calls: list[ServiceCall] = []
        self.queues: Queues

    async def open(self) -> Everything:
        world = self.world
        self.queues = await Queues.open(world.database, world.clock)
        deliveries = await Deliveries.open(
            world.database,
            world.clock,
            queues=self.queues,
            events=world.queue,
            invoker=world,  # type: ignore[arg-type]
            call_service=self._call,
        )
        world.queue.outcomes = Destinations(deliveries, world.clock).stage
        deliveries.start()
        return self

    async def _call(self, call: ServiceCall) -> ServiceAnswer:
        self.calls.append(call)
        return ServiceAnswer(200, [], b"{}")


async def test_the_end_and_what_is_told_of_it_are_one_transaction(opened: Opened) -> None:
    world = await opened()
    everything = await Everything(world).open()
    failed = await everything.queues.create("000000000000", "us-east-1", "failed", {}, {})
    dead = await everything.queues.create("000000000000", "us-east-1", "dead", {}, {})
    world.add(maximum_attempts=0, dead_letter=dead.arn)
    ids = [await world.send({"n": number}) for number in range(30)]
    for run in list(world.runs):
        run.fail()
    await world.until(lambda: not len(world.queue))
    assert await world.rows() == 0
    records = []
    while taken := failed.take(10):
        records += [json.loads(message.body) for message in taken]
        assert {message.lineage.rpartition("Lineage=")[2][:2] for message in taken} == {"1:"}
    assert sorted(one["requestContext"]["requestId"] for one in records) == sorted(ids)
    assert [one["requestPayload"]["n"] for one in records] == list(range(30))
    letters = []
    while taken := dead.take(10):
        letters += taken
    assert [json.loads(message.body)["n"] for message in letters] == list(range(30))
    attributes = json.loads(letters[0].attributes)
    assert attributes["RequestID"]["StringValue"] == ids[0]
    assert letters[0].md5_body == hashlib.md5(letters[0].body.encode(), usedforsecurity=False).hexdigest()


async def test_functions_topics_and_buckets(opened: Opened) -> None:
    world = await opened()
    everything = await Everything(world).open()
    world.add(
        maximum_attempts=0,
        on_success=world.add("two", on_failure="arn:aws:s3:::records").arn,
        on_failure="arn:aws:sns:us-east-1:000000000000:topic",
    )
    request_id = await world.send({"n": 1})
    world.runs[0].succeed(b'"fine"')
    await world.until(lambda: len(world.runs) == 2)
    handed = world.runs[1]
    assert handed.name == "two"
    record = json.loads(handed.payload)
    assert record["requestContext"]["requestId"] == request_id != handed.request_id
    assert record["responsePayload"] == "fine"
    assert handed.trace.partition("Lineage=")[0] == world.runs[0].trace.partition("Lineage=")[0]
    assert handed.trace.partition("Lineage=")[2].startswith("2:")  # one hop further
    await world.send({"n": 2})
    world.runs[2].fail()
    await world.until(lambda: everything.calls)
    ((service, operation, parameters, *_),) = everything.calls
    assert (service, operation) == ("sns", "Publish")
    assert json.loads(parameters["Message"])["requestPayload"] == {"n": 2}
    for _ in range(3):
        world.runs[1 if len(world.runs) == 3 else -1].fail()
        await world.clock.advance(120_000)
    await world.until(lambda: len(everything.calls) == 2)
    put = everything.calls[1]
    assert (put.service, put.operation, put.parameters["Bucket"]) == ("s3", "PutObject", "records")
    assert put.parameters["Key"].startswith("aws/lambda/async/two/2023/11/14/")
