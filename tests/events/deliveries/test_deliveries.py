"""What is handed over arrives once, or ends in its dead-letter queue with the reason."""

from __future__ import annotations

import json
import sqlite3
from typing import TYPE_CHECKING

import msgspec
import pytest

from lambent.events.deliveries import Retry
from lambent.neighbours.service_calls import ServiceAnswer, ServiceMissing

from .conftest import ACCOUNT, OPEN, REGION, RULE, TOPIC, parcel, taken

if TYPE_CHECKING:
    from pathlib import Path

    from lambent.events.queues import Received

    from .conftest import Opened

FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:missing"


def attributes_of(message: Received) -> dict[str, str]:
    found = json.loads(message.attributes)
    return {name: value["StringValue"] for name, value in found.items()}


async def test_a_queue_of_ours_has_it_in_the_same_transaction(outbox: Opened) -> None:
    async with outbox() as box:
        queue = await box.queue("orders")
        await box.hand_over(parcel(queue.arn, trace="Root=1-2-3"))
        (message,) = taken(queue)
        assert (message.body, message.trace, message.attributes) == ('{"order":1}', "Root=1-2-3", b"")
        assert await box.rows() == 0


async def test_attributes_go_with_their_digest(outbox: Opened) -> None:
    async with outbox() as box:
        queue = await box.queue("orders")
        given = {"RequestID": {"DataType": "String", "StringValue": "1"}}
        await box.hand_over(parcel(queue.arn, options={"MessageAttributes": given}))
        (message,) = taken(queue)
        assert json.loads(message.attributes) == given
        # Computed once by moto's implementation of SQS.
        assert message.md5_attributes == "bac9382776593a11cdf59a162b9c2824"


@pytest.mark.parametrize("policy", ["", OPEN.replace("events.amazonaws.com", "sns.amazonaws.com")])
async def test_a_queue_that_does_not_let_the_deliverer_in(
    outbox: Opened, policy: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with outbox() as box:
        queue = await box.queue("closed", policy)
        letters = await box.queue("letters")
        await box.hand_over(
            parcel(
                queue.arn,
                dead_letter_arn=letters.arn,
                dead_letter_attributes={"RULE_ARN": RULE, "TARGET_ARN": queue.arn},
                dead_letter_body='{"the":"event"}',
            )
        )
        assert taken(queue) == []
        (letter,) = taken(letters)
        attributes = attributes_of(letter)
        assert letter.body == '{"the":"event"}'
        assert attributes.pop("ERROR_MESSAGE").startswith("the policy of the queue closed does not let")
        assert attributes == {
            "RULE_ARN": RULE,
            "TARGET_ARN": queue.arn,
            "ERROR_CODE": "NO_PERMISSIONS",
            "RETRY_ATTEMPTS": "0",
        }
        assert '{"Service": "events.amazonaws.com"}' in caplog.text


async def test_policies_that_are_not_enforced(outbox: Opened, caplog: pytest.LogCaptureFixture) -> None:
    async with outbox(enforce=False) as box:
        without = await box.queue("without", "")
        closed = await box.queue("closed", OPEN.replace("events.amazonaws.com", "sns.amazonaws.com"))
        await box.hand_over(parcel(without.arn), parcel(closed.arn))
        assert (len(taken(without)), len(taken(closed))) == (1, 0)
        assert "delivered, where AWS would not: the policy of the queue without does not let" in caplog.text
        caplog.clear()
        await box.hand_over(msgspec.structs.replace(parcel(without.arn), account="111111111111"))
        assert taken(without) == []


async def test_with_a_role_no_policy_is_asked(outbox: Opened) -> None:
    async with outbox() as box:
        queue = await box.queue("closed", "")
        await box.hand_over(parcel(queue.arn, role_arn="arn:aws:iam::000000000000:role/any"))
        assert len(taken(queue)) == 1


async def test_a_role_opens_nothing_in_another_account(
    outbox: Opened, caplog: pytest.LogCaptureFixture
) -> None:
    granted = OPEN.replace('{"Service":"events.amazonaws.com"}', '{"AWS":"arn:aws:iam::111111111111:root"}')
    stranger = {"account": "111111111111", "role_arn": "arn:aws:iam::111111111111:role/any"}
    async with outbox(enforce=False) as box:
        closed, opened = await box.queue("closed", ""), await box.queue("opened", granted)
        theirs = [msgspec.structs.replace(parcel(queue.arn), **stranger) for queue in (closed, opened)]
        await box.hand_over(*theirs)
        assert (len(taken(closed)), len(taken(opened))) == (0, 1)
        assert 'for the principal {"AWS": "111111111111"}' in caplog.text
        assert "assumed-role/any/lambent send messages" in caplog.text
        group = parcel(f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:theirs")
        await box.hand_over(msgspec.structs.replace(group, account="111111111111"))
        await box.empty()
        assert box.services.calls == []
        assert "is a log group of another account" in caplog.text


@pytest.mark.parametrize(
    ("target", "code"),
    [
        (f"arn:aws:sqs:{REGION}:{ACCOUNT}:missing", "NO_RESOURCE"),
        (FUNCTION, "NO_RESOURCE"),
        ("nothing", "INVALID_PARAMETER"),
        (f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/one", "SDK_CLIENT_ERROR"),
    ],
)
async def test_targets_that_there_are_not(outbox: Opened, target: str, code: str) -> None:
    async with outbox() as box:
        letters = await box.queue("letters")
        await box.hand_over(parcel(target, dead_letter_arn=letters.arn))
        await box.empty()
        (letter,) = taken(letters)
        assert attributes_of(letter)["ERROR_CODE"] == code


@pytest.mark.parametrize(
    ("target", "answer", "code"),
    [
        (f"arn:aws:sqs:{REGION}:{ACCOUNT}:missing", None, "AWS.SimpleQueueService.NonExistentQueue"),
        (FUNCTION, None, "ResourceNotFoundException"),
        (TOPIC, ServiceAnswer(400, [], b'{"__type":"a#NotFoundException"}'), "NotFoundException"),
    ],
)
async def test_scheduler_tells_the_codes_of_services(
    outbox: Opened, target: str, answer: ServiceAnswer | None, code: str
) -> None:
    async with outbox() as box:
        letters = await box.queue("letters")
        if answer is not None:
            box.services.answers = [answer]
        role = "arn:aws:iam::000000000000:role/any"
        one = parcel(target, role_arn=role, dead_letter_arn=letters.arn)
        await box.hand_over(msgspec.structs.replace(one, principal="scheduler.amazonaws.com"))
        await box.empty()
        assert attributes_of(taken(letters)[0])["ERROR_CODE"] == code


async def test_what_nobody_takes_is_said(outbox: Opened, caplog: pytest.LogCaptureFixture) -> None:
    async with outbox() as box:
        letters = await box.queue("letters", "")
        await box.hand_over(parcel(FUNCTION), parcel(FUNCTION, dead_letter_arn=letters.arn))
        await box.hand_over(parcel("nowhere"))
        # Once a minute for each target, not once for each event.
        assert caplog.text.count("nothing was delivered to") == 2
        assert "lost, as its dead-letter queue" in caplog.text
        assert await box.rows() == 0


async def test_more_than_a_message_may_have(outbox: Opened) -> None:
    async with outbox() as box:
        queue = await box.queue("small", MaximumMessageSize="1024")
        letters = await box.queue("letters")
        await box.hand_over(parcel(queue.arn, "x" * 1025, dead_letter_arn=letters.arn))
        assert taken(queue) == []
        assert attributes_of(taken(letters)[0])["ERROR_CODE"] == "INVALID_PARAMETER"


async def test_a_service_is_called_until_it_takes_it(outbox: Opened) -> None:
    async with outbox() as box:
        box.services.answers = [503, ConnectionRefusedError("nobody there")]
        await box.hand_over(parcel(TOPIC))
        await box.empty(passing_ms=100)
        assert len(box.services.calls) == 3
        call = box.services.calls[-1]
        assert (call.service, call.operation) == ("sns", "Publish")
        assert call.parameters == {"TopicArn": TOPIC, "Message": '{"order":1}'}


async def test_retries_end_with_their_number(outbox: Opened) -> None:
    async with outbox() as box:
        letters = await box.queue("letters")
        throttled = ServiceAnswer(400, [("x-amzn-errortype", "ThrottlingException")], b'{"message":"slow"}')
        box.services.answers = [throttled] * 3
        await box.hand_over(parcel(TOPIC, retry=Retry(86_400, 2), dead_letter_arn=letters.arn))
        await box.empty(passing_ms=100)
        assert len(box.services.calls) == 3
        attributes = attributes_of(taken(letters)[0])
        assert attributes == {
            "ERROR_CODE": "THROTTLING",
            "ERROR_MESSAGE": "ThrottlingException: slow",
            "RETRY_ATTEMPTS": "2",
            "EXHAUSTED_RETRY_CONDITION": "MaximumRetryAttempts",
        }


async def test_retries_end_with_age(outbox: Opened) -> None:
    async with outbox() as box:
        letters = await box.queue("letters")
        box.services.answers = [503] * 100
        await box.hand_over(parcel(TOPIC, retry=Retry(60, 185), dead_letter_arn=letters.arn))
        begin_ms = box.clock.steady_ms()
        await box.empty(passing_ms=100)
        assert 60_000 <= box.clock.steady_ms() - begin_ms < 65_000
        attributes = attributes_of(taken(letters)[0])
        assert attributes["EXHAUSTED_RETRY_CONDITION"] == "MaximumEventAgeInSeconds"
        assert 5 <= int(attributes["RETRY_ATTEMPTS"]) == len(box.services.calls) - 1


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (
            ServiceAnswer(403, [], b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>"),
            "NO_PERMISSIONS",
        ),
        (ServiceAnswer(404, [], b'{"__type":"com.amazonaws#ResourceNotFoundException"}'), "NO_RESOURCE"),
        (ServiceAnswer(501, [], b'{"__type":"NotImplementedException"}'), "SDK_CLIENT_ERROR"),
        (ServiceAnswer(400, [], b"what?"), "ERROR_FROM_TARGET"),
        (ServiceMissing("there is no service"), "SDK_CLIENT_ERROR"),
        (ValueError("Missing required parameter"), "INVALID_PARAMETER"),
    ],
)
async def test_refusals_are_not_repeated(
    outbox: Opened, answer: ServiceAnswer | Exception, code: str
) -> None:
    async with outbox() as box:
        letters = await box.queue("letters")
        box.services.answers = [answer]
        await box.hand_over(parcel(TOPIC, dead_letter_arn=letters.arn))
        await box.empty()
        attributes = attributes_of(taken(letters)[0])
        assert (attributes["ERROR_CODE"], attributes["RETRY_ATTEMPTS"]) == (code, "0")
        assert "EXHAUSTED_RETRY_CONDITION" not in attributes
        assert len(box.services.calls) == 1


async def test_who_does_not_answer_is_asked_again(outbox: Opened) -> None:
    async with outbox() as box:
        box.services.silent = True
        await box.hand_over(parcel(TOPIC))
        await box.until(lambda: len(box.services.calls) == 1)
        await box.clock.advance(30_000)
        box.services.silent = False
        await box.empty(passing_ms=100)
        assert len(box.services.calls) == 2


async def test_what_waits_is_there_after_a_restart(outbox: Opened) -> None:
    async with outbox() as box:
        box.services.answers = [503]
        await box.hand_over(parcel(TOPIC, '{"kept":1}'))
        await box.called(1)
    async with outbox() as box:
        await box.empty(passing_ms=100)
        assert [call.parameters["Message"] for call in box.services.calls] == ['{"kept":1}']


async def test_a_target_that_is_silent_keeps_nobody_waiting(outbox: Opened) -> None:
    async with outbox() as box:
        box.services.silent = True
        await box.hand_over(parcel(TOPIC))
        await box.until(lambda: len(box.services.calls) == 1)
        box.services.silent = False
        await box.hand_over(*(parcel(TOPIC + "-2") for _ in range(40)))
        await box.until(lambda: len(box.services.calls) == 41)


async def test_many_targets_that_are_silent_keep_nobody_waiting(outbox: Opened) -> None:
    async with outbox() as box:
        box.services.silent = True
        await box.hand_over(*(parcel(f"{TOPIC}-{n}") for n in range(8) for _ in range(16)))
        await box.until(lambda: len(box.services.calls) == 8 * 4)
        await box.clock.advance(30_000)
        await box.until(lambda: len(box.services.calls) == 8 * 5)
        box.services.silent = False
        await box.hand_over(*(parcel(TOPIC) for _ in range(40)))
        await box.until(
            lambda: sum(call.parameters["TopicArn"] == TOPIC for call in box.services.calls) == 40
        )


async def test_sqs_elsewhere_is_called(outbox: Opened) -> None:
    async with outbox(elsewhere=frozenset({"sqs"})) as box:
        await box.hand_over(parcel(f"arn:aws:sqs:{REGION}:{ACCOUNT}:theirs", options={"MessageGroupId": "a"}))
        await box.empty()
        assert box.services.calls[0].parameters == {
            "QueueUrl": f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/theirs",
            "MessageBody": '{"order":1}',
            "MessageGroupId": "a",
        }


@pytest.mark.parametrize(
    ("entry", "code"),
    [
        (b'{"EventId":"1"}', None),
        (b'{"ErrorCode":"NotAuthorizedForSourceException","ErrorMessage":"no"}', "NO_PERMISSIONS"),
    ],
)
async def test_a_bus_elsewhere_says_in_its_answer_what_it_has_not_taken(
    outbox: Opened, entry: bytes, code: str | None
) -> None:
    async with outbox(elsewhere=frozenset({"events"})) as box:
        letters = await box.queue("letters")
        bus = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default"
        box.services.answers = [ServiceAnswer(200, [], b'{"Entries":[%s]}' % entry)]
        options = {"Source": "lambda", "DetailType": "Result", "Resources": ["a"]}
        await box.hand_over(parcel(bus, options=options, dead_letter_arn=letters.arn))
        await box.empty()
        assert box.services.calls[0].parameters == {
            "Entries": [{**options, "EventBusName": bus, "Detail": '{"order":1}'}]
        }
        assert [attributes_of(letter)["ERROR_CODE"] for letter in taken(letters)] == ([code] if code else [])


@pytest.mark.parametrize(
    ("target", "options", "operations"),
    [
        (f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/s", {"PartitionKey": "p"}, ["PutRecord"]),
        (f"arn:aws:firehose:{REGION}:{ACCOUNT}:deliverystream/s", {}, ["PutRecord"]),
        (f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:m", {}, ["StartExecution"]),
        ("arn:aws:s3:::bucket", {"Key": "k"}, ["PutObject"]),
        (f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/g:*", {}, ["CreateLogStream", "PutLogEvents"]),
        ("arn:aws:scheduler:::aws-sdk:sqs:purgeQueue", {}, ["PurgeQueue"]),
    ],
)
async def test_kinds_of_targets(
    outbox: Opened, target: str, options: dict[str, str], operations: list[str]
) -> None:
    async with outbox() as box:
        await box.hand_over(parcel(target, options=options))
        await box.empty()
        assert [call.operation for call in box.services.calls] == operations


async def test_an_execution_that_has_begun_is_not_begun_again(outbox: Opened) -> None:
    async with outbox() as box:
        letters = await box.queue("letters")
        there = ServiceAnswer(400, [], b'{"__type":"ExecutionAlreadyExists"}')
        box.services.answers = [503, there]
        machine = f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:m"
        await box.hand_over(parcel(machine, options={"ExecutionName": "a"}, dead_letter_arn=letters.arn))
        await box.empty(passing_ms=100)
        assert [call.parameters["name"] for call in box.services.calls] == ["a", "a"]
        assert taken(letters) == []


async def test_clear_forgets_what_waits(outbox: Opened) -> None:
    async with outbox() as box:
        box.services.answers = [503]
        await box.hand_over(parcel(TOPIC))
        await box.until(lambda: len(box.services.calls) == 1)
        await box.deliveries.clear()
        await box.clock.advance(1_000_000)
        assert len(box.services.calls) == 1
        assert await box.rows() == 0


async def test_a_store_that_fails_delays_and_loses_nothing(outbox: Opened, tmp_path: Path) -> None:
    async with outbox() as box:
        with sqlite3.connect(tmp_path / "lambent.db") as other:
            other.execute(
                "CREATE TRIGGER full BEFORE DELETE ON deliveries BEGIN SELECT RAISE(ABORT, 'no'); END"
            )
        await box.hand_over(parcel(TOPIC))
        await box.called(2)
        assert await box.rows() == 1
        with sqlite3.connect(tmp_path / "lambent.db") as other:
            other.execute("DROP TRIGGER full")
        await box.empty(passing_ms=100)
