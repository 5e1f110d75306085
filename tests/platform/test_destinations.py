"""The ends of asynchronous invocations: records, dead letters, loops, kills; with boto3 as users call it."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import re
import threading
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.platform.conftest import Platform

HANDLER = """
import json

def handler(event, context):
    if event.get("raise_error"):
        raise Exception("Test exception (this is intentional)")
    return {"event": event, "arn": context.invoked_function_arn}
"""


class Mailbox:
    """A queue of a test's own, and what has come into it."""

    def __init__(self, platform: Platform, name: str, client: Any = None) -> None:
        self.client = client or platform.client("sqs")
        self.url = self.client.create_queue(QueueName=name)["QueueUrl"]
        attributes = self.client.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])
        self.arn: str = attributes["Attributes"]["QueueArn"]
        self.came: list[dict[str, Any]] = []

    def take(self, seconds: int = 0) -> int:
        """Take what is there; how many messages have come so far."""
        answer = self.client.receive_message(
            QueueUrl=self.url,
            MaxNumberOfMessages=10,
            WaitTimeSeconds=seconds,
            AttributeNames=["All"],
            MessageAttributeNames=["All"],
        )
        messages = answer.get("Messages", [])
        if messages:
            self.came += messages
            self.client.delete_message_batch(
                QueueUrl=self.url,
                Entries=[
                    {"Id": str(number), "ReceiptHandle": message["ReceiptHandle"]}
                    for number, message in enumerate(messages)
                ],
            )
        return len(self.came)

    def one(self) -> dict[str, Any]:
        """The next message."""
        before = len(self.came)
        for _ in range(3):
            if self.take(10) > before:
                break
        return self.came[before]


@pytest.fixture
def mailbox(platform: Platform, request: pytest.FixtureRequest) -> Mailbox:
    name = re.sub("[^A-Za-z0-9]", "-", request.node.name)[:60]
    return Mailbox(platform, f"{name}-{id(request)}")


def send(platform: Platform, name: str, event: Any, **options: Any) -> str:
    """Invoke with an event; its request id."""
    answer = platform.invoke(name, event, kind="Event", **options)
    assert (answer.status, answer.body) == (202, b"")
    return str(answer.headers["x-amzn-RequestId"])


@pytest.mark.parametrize("fails", [False, True])
def test_records_in_a_queue(platform: Platform, mailbox: Mailbox, fails: bool) -> None:
    """Recorded: `test_assess_lambda_destination_invocation`."""
    name = platform.create(HANDLER)
    destination = {"Destination": mailbox.arn}
    platform.aws.put_function_event_invoke_config(
        FunctionName=name,
        MaximumRetryAttempts=0,
        DestinationConfig={"OnSuccess": destination, "OnFailure": destination},
    )
    event = {"raise_error": 1} if fails else {}
    request_id = send(platform, name, event)
    message = mailbox.one()
    body = json.loads(message["Body"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", body.pop("timestamp"))
    answered = body.pop("responsePayload")
    assert body == {
        "version": "1.0",
        "requestContext": {
            "requestId": request_id,
            "functionArn": f"arn:aws:lambda:us-east-1:000000000000:function:{name}:$LATEST",
            "condition": "RetriesExhausted" if fails else "Success",
            "approximateInvokeCount": 1,
        },
        "requestPayload": event,
        "responseContext": {
            "statusCode": 200,
            "executedVersion": "$LATEST",
            **({"functionError": "Unhandled"} if fails else {}),
        },
    }
    if fails:
        assert answered["errorMessage"] == "Test exception (this is intentional)"
        assert (answered["errorType"], answered["requestId"]) == ("Exception", request_id)
    else:
        assert answered["event"] == {}
    # Recorded: `test_retries`.
    assert sorted(message["Attributes"]) == [
        "ApproximateFirstReceiveTimestamp",
        "ApproximateReceiveCount",
        "SenderId",
        "SentTimestamp",
    ]


def test_dead_letters(platform: Platform, mailbox: Mailbox) -> None:
    """Recorded: `test_dead_letter_queue`."""
    name = platform.create(HANDLER, DeadLetterConfig={"TargetArn": mailbox.arn})
    request_id = send(platform, name, {"raise_error": 1})
    message = mailbox.one()  # after two retries: 0.2 and 0.4 seconds here
    assert json.loads(message["Body"]) == {"raise_error": 1}
    assert message["MessageAttributes"] == {
        "RequestID": {"StringValue": request_id, "DataType": "String"},
        "ErrorCode": {"StringValue": "200", "DataType": "Number"},
        "ErrorMessage": {"StringValue": "Test exception (this is intentional)", "DataType": "String"},
    }


def test_a_function_without_concurrency(platform: Platform, mailbox: Mailbox) -> None:
    """Recorded: `test_reserved_concurrency`."""
    name = platform.create(HANDLER)
    platform.aws.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    platform.aws.put_function_event_invoke_config(
        FunctionName=name,
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": mailbox.arn}},
    )
    request_id = send(platform, name, {})
    body = json.loads(mailbox.one()["Body"])
    del body["timestamp"]
    assert body == {
        "version": "1.0",
        "requestContext": {
            "requestId": request_id,
            "functionArn": f"arn:aws:lambda:us-east-1:000000000000:function:{name}:$LATEST",
            "condition": "ZeroReservedConcurrency",
            "approximateInvokeCount": 0,
        },
        "requestPayload": {},
    }


def test_a_function_is_told_of_the_end_of_another(platform: Platform, mailbox: Mailbox) -> None:
    second = platform.create(HANDLER)
    platform.aws.publish_version(FunctionName=second)
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{second}:1"
    platform.aws.put_function_event_invoke_config(
        FunctionName=second, Qualifier="1", DestinationConfig={"OnSuccess": {"Destination": mailbox.arn}}
    )
    first = platform.create(HANDLER)
    platform.aws.put_function_event_invoke_config(
        FunctionName=first, DestinationConfig={"OnSuccess": {"Destination": arn}}
    )
    request_id = send(platform, first, {"n": 1})
    record = json.loads(mailbox.one()["Body"])
    assert record["requestContext"]["functionArn"] == arn
    assert record["responsePayload"]["arn"] == arn
    assert record["responseContext"]["executedVersion"] == "1"
    inner = record["requestPayload"]
    assert inner["requestContext"]["requestId"] == request_id
    assert inner["requestPayload"] == {"n": 1}


AGAIN = """
import boto3, os, json

def handler(event, context):
    print("RUN")
    %s
"""


@pytest.mark.parametrize(
    ("loop", "ends"),
    [("Terminate", True), ("Allow", False)],
)
def test_a_function_that_invokes_itself(
    platform: Platform, mailbox: Mailbox, poll: Callable[..., Any], loop: str, ends: bool
) -> None:
    code = AGAIN % (
        "if event['n'] < 20:\n"
        "        boto3.client('lambda').invoke(FunctionName=context.function_name,"
        " InvocationType='Event', Payload=json.dumps({'n': event['n'] + 1}))"
    )
    name = platform.create(code, DeadLetterConfig={"TargetArn": mailbox.arn})
    platform.aws.put_function_recursion_config(FunctionName=name, RecursiveLoop=loop)
    platform.aws.put_function_event_invoke_config(
        FunctionName=name, DestinationConfig={"OnFailure": {"Destination": mailbox.arn}}
    )
    send(platform, name, {"n": 1})
    if not ends:
        poll(lambda: sum(line.startswith("RUN") for line in platform.logs(name)) == 20)
        return
    poll(lambda: mailbox.take(1) == 2)
    bodies = [json.loads(message["Body"]) for message in mailbox.came]
    (record,) = (body for body in bodies if "version" in body)
    assert {"n": 17} in bodies  # the event itself, as a dead letter
    assert record["requestPayload"] == {"n": 17}
    assert record["requestContext"]["condition"] == "RecursiveInvocationException"
    assert record["requestContext"]["approximateInvokeCount"] == 0
    assert sum(line.startswith("RUN") for line in platform.logs(name)) == 16


def test_a_chain_of_calls_that_wait_for_each_other(platform: Platform) -> None:
    name = platform.create("""
import os, urllib.error, urllib.request

def handler(event, context):
    print("RUN")
    url = f"{os.environ['AWS_ENDPOINT_URL']}/2015-03-31/functions/{context.function_name}/invocations"
    call = urllib.request.Request(url, b"{}", {"X-Amzn-Trace-Id": os.environ["_X_AMZN_TRACE_ID"]})
    try:
        with urllib.request.urlopen(call) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        return [error.code, error.headers["X-Amzn-ErrorType"], error.read().decode()]

import json
""")
    status, kind, body = platform.invoke(name, {}).json
    assert (status, kind) == (400, "RecursiveInvocationException")
    assert "recursive loop" in json.loads(body)["Message"]
    assert sum(line.startswith("RUN") for line in platform.logs(name)) == 16


def test_a_loop_through_a_queue(platform: Platform, mailbox: Mailbox, poll: Callable[..., Any]) -> None:
    """As AWS's announcement of the feature shows it: the message ends in the queue's own dead-letter queue."""
    source = Mailbox(platform, f"source-{id(mailbox)}", mailbox.client)
    mailbox.client.set_queue_attributes(
        QueueUrl=source.url,
        Attributes={
            "RedrivePolicy": json.dumps({"deadLetterTargetArn": mailbox.arn, "maxReceiveCount": 1}),
            "VisibilityTimeout": "3",
        },
    )
    code = AGAIN % (
        "sqs.send_message(QueueUrl=os.environ['URL'], MessageBody=event['Records'][0]['body'])\n"
        "\nsqs = boto3.client('sqs')\n"
    )
    name = platform.create(code, Timeout=3, Environment={"Variables": {"URL": source.url}})
    mapping = platform.aws.create_event_source_mapping(
        EventSourceArn=source.arn, FunctionName=name, BatchSize=1
    )
    mailbox.client.send_message(QueueUrl=source.url, MessageBody="round and round")
    assert mailbox.one()["Body"] == "round and round"
    assert sum(line.startswith("RUN") for line in platform.logs(name)) == 16
    platform.aws.delete_event_source_mapping(UUID=mapping["UUID"])


def test_records_in_a_bucket(platform: Platform, poll: Callable[..., Any]) -> None:
    s3 = platform.client("s3")
    s3.create_bucket(Bucket="async-records")
    name = platform.create(HANDLER)
    platform.aws.put_function_event_invoke_config(
        FunctionName=name,
        MaximumRetryAttempts=0,
        DestinationConfig={"OnFailure": {"Destination": "arn:aws:s3:::async-records"}},
    )
    request_id = send(platform, name, {"raise_error": 1})
    (found,) = poll(
        lambda: s3.list_objects_v2(Bucket="async-records", Prefix=f"aws/lambda/async/{name}/").get("Contents")
    )
    assert re.fullmatch(
        rf"aws/lambda/async/{name}/(\d{{4}})/(\d\d)/(\d\d)/\1-\2-\3T\d\d\.\d\d\.\d\d-[0-9a-f-]{{36}}",
        found["Key"],
    )
    record = json.load(s3.get_object(Bucket="async-records", Key=found["Key"])["Body"])
    assert record["requestContext"]["requestId"] == request_id


@pytest.mark.parametrize("fails", [False, True])
def test_records_on_a_bus(platform: Platform, mailbox: Mailbox, fails: bool) -> None:
    """The envelope as it was seen on AWS: source `lambda`, the bus and the function as its resources."""
    events = platform.client("events")
    name = platform.create(HANDLER)
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{name}:$LATEST"
    bus = events.create_event_bus(Name=f"bus-{name}")["EventBusArn"]
    pattern = {"source": ["lambda"], "detail": {"requestContext": {"functionArn": [arn]}}}
    rule = events.put_rule(Name="results", EventBusName=bus, EventPattern=json.dumps(pattern))["RuleArn"]
    events.put_targets(Rule="results", EventBusName=bus, Targets=[{"Id": "1", "Arn": mailbox.arn}])
    policy = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "events.amazonaws.com"},
                "Action": "sqs:SendMessage",
                "Resource": mailbox.arn,
                "Condition": {"ArnEquals": {"aws:SourceArn": rule}},
            }
        ],
    }
    mailbox.client.set_queue_attributes(QueueUrl=mailbox.url, Attributes={"Policy": json.dumps(policy)})
    platform.aws.put_function_event_invoke_config(
        FunctionName=name,
        MaximumRetryAttempts=0,
        DestinationConfig={"OnSuccess": {"Destination": bus}, "OnFailure": {"Destination": bus}},
    )
    request_id = send(platform, name, {"raise_error": 1} if fails else {})
    event = json.loads(mailbox.one()["Body"])
    assert event.pop("detail")["requestContext"]["requestId"] == request_id
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", event.pop("time"))
    assert event.pop("id")
    assert event == {
        "version": "0",
        "detail-type": f"Lambda Function Invocation Result - {'Failure' if fails else 'Success'}",
        "source": "lambda",
        "account": "000000000000",
        "region": "us-east-1",
        "resources": [bus, arn],
    }


def test_each_event_has_one_end_whenever_the_platform_is_killed(
    own: Callable[..., Platform], poll: Callable[..., Any]
) -> None:
    platform = own()
    client = platform.client()
    name = platform.create(
        "import time\n"
        "def handler(event, context):\n"
        "    time.sleep(event['n'] % 5 / 100)\n"
        "    if event['n'] % 3 == 0:\n"
        "        raise ValueError('a multiple of three')\n",
        client=client,
    )
    done, failed, dead = (Mailbox(platform, each) for each in ("done", "failed", "dead"))
    client.update_function_configuration(FunctionName=name, DeadLetterConfig={"TargetArn": dead.arn})
    platform.settle(name, client)
    client.put_function_event_invoke_config(
        FunctionName=name,
        MaximumRetryAttempts=0,
        DestinationConfig={
            "OnSuccess": {"Destination": done.arn},
            "OnFailure": {"Destination": failed.arn},
        },
    )
    accepted: dict[str, int] = {}
    numbers = itertools.count(1)
    for seconds in (0.1, 0.2, None):
        # While events are accepted, run and end; and when all are accepted and some have ended.
        killer = threading.Timer(seconds or 0, platform.kill)
        sqs = platform.client("sqs")
        ended = counted(sqs, done, failed)
        if seconds is not None:
            killer.start()
        with contextlib.suppress(OSError, http.client.HTTPException):
            for _ in range(10_000 if seconds else 60):
                number = next(numbers)
                accepted[send(platform, name, {"n": number})] = number
        if seconds is None:
            poll(lambda sqs=sqs, ended=ended: counted(sqs, done, failed) > ended + 10)
            platform.kill()
        else:
            killer.join()
        platform.start()
    sqs = platform.client("sqs")
    for mailbox in (done, failed, dead):
        mailbox.client = sqs
        mailbox.url = sqs.get_queue_url(QueueName=mailbox.arn.rpartition(":")[2])["QueueUrl"]

    def told() -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for mailbox in (done, failed):
            for message in mailbox.came:
                context = json.loads(message["Body"])["requestContext"]
                found.setdefault(context["requestId"], []).append(context["condition"])
        return found

    def all_told() -> bool:
        before = len(done.came) + len(failed.came)
        return done.take() + failed.take() == before and told().keys() >= accepted.keys()

    poll(all_told)
    while dead.take() < dead.take():
        pass
    ends = told()
    for request_id, n in accepted.items():
        assert ends.pop(request_id) == ["Success" if n % 3 else "RetriesExhausted"]
    assert len(ends) <= 2  # accepted, but the answer was cut off by a kill
    assert all(len(conditions) == 1 for conditions in ends.values())
    letters = [message["MessageAttributes"]["RequestID"]["StringValue"] for message in dead.came]
    assert len(letters) == len(set(letters))
    assert {request_id for request_id, n in accepted.items() if n % 3 == 0} == set(letters) - ends.keys()


def counted(sqs: Any, *mailboxes: Mailbox) -> int:
    """Messages that are in queues."""
    found = 0
    for mailbox in mailboxes:
        url = sqs.get_queue_url(QueueName=mailbox.arn.rpartition(":")[2])["QueueUrl"]
        answer = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"])
        found += int(answer["Attributes"]["ApproximateNumberOfMessages"])
    return found
