"""Queues at a real endpoint: here a service that answers as the API of SQS does. Real ones are in tests/platform."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from botocore import xform_name

from lambent.events.mapping import Mapping, Settings
from lambent.events.pollers.sqs import SqsPoller
from lambent.neighbours.service_calls import ServiceAnswer

if TYPE_CHECKING:
    import pytest

    from lambent.neighbours.service_calls import ServiceCall

ARN = "arn:aws:sqs:eu-west-1:111111111111:orders"


class Service:
    """Answers with the messages that are put into it; a poll waits until there are some."""

    def __init__(self) -> None:
        self.calls: list[ServiceCall] = []
        self.messages: list[dict[str, Any]] = []
        self.deleted: list[str] = []
        self.given_back: list[str] = []
        self.failing: dict[str, int] = {}
        self.arrived = asyncio.Event()
        self.too_many = 10
        self.visibility = "60"

    def put(self, *bodies: str) -> None:
        for body in bodies:
            number = len(self.calls) + len(self.messages)
            self.messages.append(
                {
                    "MessageId": f"id-{body}",
                    "ReceiptHandle": f"handle-{body}-{number}",
                    "MD5OfBody": "digest",
                    "Body": body,
                    "Attributes": {
                        "SenderId": "AIDA",
                        "ApproximateReceiveCount": "2",
                        "SentTimestamp": "1700000000000",
                        "ApproximateFirstReceiveTimestamp": "1700000000001",
                    },
                    "MessageAttributes": {"Kind": {"DataType": "String", "StringValue": body}},
                    "MD5OfMessageAttributes": "other digest",
                }
            )
        self.arrived.set()

    def operations(self) -> list[str]:
        return [call.operation for call in self.calls]

    async def __call__(self, call: ServiceCall) -> ServiceAnswer:
        self.calls.append(call)
        if self.failing.get(call.operation, 0):
            self.failing[call.operation] -= 1
            return answer({"__type": "com.amazonaws.sqs#OverLimit", "message": "too much"}, 403)
        document = getattr(self, f"_{xform_name(call.operation)}")(call.parameters)
        if call.operation == "ReceiveMessage":
            while not self.messages:
                self.arrived.clear()
                await self.arrived.wait()
            count = call.parameters["MaxNumberOfMessages"]
            if count > self.too_many:
                return ServiceAnswer(200, [], b"")
            document, self.messages = {"Messages": self.messages[:count]}, self.messages[count:]
        return answer(document)

    def _get_queue_url(self, parameters: dict[str, Any]) -> dict[str, Any]:
        assert parameters == {"QueueName": "orders", "QueueOwnerAWSAccountId": "111111111111"}
        return {"QueueUrl": "https://sqs.example/orders"}

    def _get_queue_attributes(self, parameters: dict[str, Any]) -> dict[str, Any]:
        assert parameters["QueueUrl"] == "https://sqs.example/orders"
        return {"Attributes": {"VisibilityTimeout": self.visibility}}

    def _receive_message(self, parameters: dict[str, Any]) -> dict[str, Any]:
        assert parameters["WaitTimeSeconds"] == 20
        return {}

    def _delete_message_batch(self, parameters: dict[str, Any]) -> dict[str, Any]:
        assert len(parameters["Entries"]) <= 10
        first, *others = parameters["Entries"]
        if self.failing.get("first entry", 0):
            self.failing["first entry"] -= 1
            self.deleted += [entry["ReceiptHandle"] for entry in others]
            failed = {
                "Id": first["Id"],
                "Code": "InternalError",
                "SenderFault": False,
                "Message": "try again",
            }
            return {"Failed": [failed], "Successful": [{"Id": entry["Id"]} for entry in others]}
        self.deleted += [entry["ReceiptHandle"] for entry in parameters["Entries"]]
        return {"Successful": [{"Id": entry["Id"]} for entry in parameters["Entries"]]}

    def _change_message_visibility_batch(self, parameters: dict[str, Any]) -> dict[str, Any]:
        assert all(entry["VisibilityTimeout"] == 0 for entry in parameters["Entries"])
        self.given_back += [entry["ReceiptHandle"] for entry in parameters["Entries"]]
        return {}


class Impatient(Service):
    """Has nothing, and answers so at once."""

    async def __call__(self, call: ServiceCall) -> ServiceAnswer:
        if call.operation != "ReceiveMessage":
            return await super().__call__(call)
        self.calls.append(call)
        await asyncio.sleep(0)
        return answer({})


def answer(document: dict[str, Any], status: int = 200) -> ServiceAnswer:
    return ServiceAnswer(status, [], json.dumps(document).encode())


async def started(world: Any, service: Service, **settings: Any) -> SqsPoller:
    mapping = Mapping(
        id="m",
        account="000000000000",
        region="us-east-1",
        source_kind="sqs",
        source_arn=ARN,
        function_arn="arn:aws:lambda:us-east-1:000000000000:function:worker",
        settings=Settings(**{"batch_size": 10, "batching_window_s": 0, **settings}),
        state="Enabled",
        target="Enabled",
        modified_ms=0,
    )
    parts = replace(world.parts, call_service=service, elsewhere=frozenset({"sqs"}))
    poller = SqsPoller(mapping, parts)
    await poller.start()
    return poller


async def closed(world: Any, poller: SqsPoller) -> None:
    for run in world.functions.running:
        run.end()
    await poller.stop()
    await world.database.close()


async def test_messages_are_processed_and_deleted(opened: Any, functions: Any) -> None:
    world, service = await opened(), Service()
    poller = await started(world, service)
    service.put("a", "b")
    await world.until(lambda: functions.runs)
    (run,) = functions.runs
    record = run.event["Records"][0]
    assert record.pop("receiptHandle").startswith("handle-a")
    assert record == {
        "messageId": "id-a",
        "body": "a",
        "attributes": {
            "ApproximateReceiveCount": "2",
            "SentTimestamp": "1700000000000",
            "SenderId": "AIDA",
            "ApproximateFirstReceiveTimestamp": "1700000000001",
        },
        "messageAttributes": {
            "Kind": {
                "stringValue": "a",
                "stringListValues": [],
                "binaryListValues": [],
                "dataType": "String",
            }
        },
        "md5OfMessageAttributes": "other digest",
        "md5OfBody": "digest",
        "eventSource": "aws:sqs",
        "eventSourceARN": ARN,
        "awsRegion": "eu-west-1",
    }
    assert not service.deleted
    run.end()
    await world.until(lambda: len(service.deleted) == 2)
    assert service.calls[0].region == "eu-west-1"
    assert service.operations()[:3] == ["GetQueueUrl", "GetQueueAttributes", "ReceiveMessage"]
    await closed(world, poller)


async def test_one_poll_is_open_while_there_is_nothing(opened: Any, functions: Any) -> None:
    world, service = await opened(), Service()
    poller = await started(world, service, batch_size=1)
    service.put("a", "b", "c", "d", "e", "f", "g")
    await world.until(lambda: len(functions.running) == 5)
    await world.settled()
    assert [run.bodies for run in functions.runs] == [["a"], ["b"], ["c"], ["d"], ["e"]]
    assert len(service.messages) == 2  # no more is read than can be processed
    functions.runs[0].end()
    await world.until(lambda: len(functions.runs) == 6)
    await closed(world, poller)


async def test_what_fails_is_tried_again(opened: Any, functions: Any, clock: Any) -> None:
    world, service = await opened(), Service()
    service.failing = {"GetQueueUrl": 2, "ReceiveMessage": 1, "DeleteMessageBatch": 1, "first entry": 1}
    poller = await started(world, service)
    service.put(*"abcdefghijkl")
    for _ in range(20):
        await clock.advance(1_000)
        await world.settled()
    assert [len(run.bodies) for run in functions.runs] == [10, 2]
    for run in functions.runs:
        run.end()
    for _ in range(20):
        await clock.advance(1_000)
        await world.settled()
    assert len(service.deleted) == 12
    assert len(set(service.deleted)) == 12
    await closed(world, poller)


async def test_a_failing_endpoint_is_asked_less_and_less(opened: Any, clock: Any) -> None:
    world, service = await opened(), Service()
    service.failing = {"GetQueueUrl": 1_000}
    poller = await started(world, service)
    for _ in range(600):
        await clock.advance(1_000)
        await world.settled()
    assert 10 <= len(service.calls) <= 20
    await closed(world, poller)


async def test_answers_that_are_too_long_are_asked_for_in_parts(opened: Any, functions: Any) -> None:
    world, service = await opened(), Service()
    service.too_many = 3
    poller = await started(world, service)
    service.put("a", "b", "c", "d")
    await world.until(lambda: len(functions.runs) == 2)
    assert [run.bodies for run in functions.runs] == [["a", "b"], ["c", "d"]]
    await closed(world, poller)


async def test_a_stop_gives_back_what_has_not_begun(opened: Any, functions: Any, clock: Any) -> None:
    world, service = await opened(), Service()
    functions.concurrency = 1
    poller = await started(world, service, batch_size=1)
    service.put("a", "b")
    await world.until(lambda: world.calls.holds(poller.mapping))
    stopping = asyncio.ensure_future(poller.stop())
    await world.until(lambda: service.given_back)
    assert not stopping.done()
    functions.runs[0].end()
    await stopping
    assert [handle[:8] for handle in service.given_back] == ["handle-b"]
    assert [handle[:8] for handle in service.deleted] == ["handle-a"]
    await clock.advance(120_000)
    assert len(functions.runs) == 1
    await world.database.close()


async def test_an_endpoint_that_does_not_wait_is_asked_now_and_then(opened: Any, clock: Any) -> None:
    world, service = await opened(), Impatient()
    poller = await started(world, service)
    for _ in range(10):
        await clock.advance(1_000)
        await world.settled()
    assert 5 <= service.operations().count("ReceiveMessage") <= 12
    await closed(world, poller)


async def test_answers_that_are_none_do_not_end_the_reading(
    opened: Any, functions: Any, clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    world, service = await opened(), Service()
    poller = await started(world, service)
    service.messages.append({"Body": "no id"})
    service.put("a")
    await world.until(lambda: "its answer is no answer of SQS: KeyError('MessageId')" in caplog.text)
    service.put("b")
    await clock.advance(1_000)
    await world.until(lambda: functions.runs)
    assert functions.runs[0].bodies == ["b"]
    await closed(world, poller)


async def test_messages_that_nothing_hides_are_hidden_while_they_are_processed(
    opened: Any, functions: Any
) -> None:
    world, service = await opened(), Service()
    service.visibility = "0"
    poller = await started(world, service)
    service.put("a")
    await world.until(lambda: functions.runs)
    assert service.calls[2].parameters["VisibilityTimeout"] == 1
    await closed(world, poller)
