"""SQS on a whole platform: AWS CLI, signatures, functions that send, kill -9 and stops."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from tests.platform.conftest import Background, Platform, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

AWS = Path(sys.executable).with_name("aws")
KEYS = {"aws_access_key_id": "AKIAIOSFODNN7EXAMPLE", "aws_secret_access_key": "wJalrXUtnFEMI"}


def named() -> str:
    return f"q-{uuid.uuid4().hex[:8]}"


def bodies(client: Any, url: str, **members: Any) -> list[str]:
    found = client.receive_message(QueueUrl=url, MaxNumberOfMessages=10, **members).get("Messages", [])
    return [one["Body"] for one in found]


@pytest.fixture
def cli(platform: Platform, tmp_path: Path) -> Callable[..., Any]:
    """Runs AWS CLI; what it prints as JSON, or its complaint."""

    def run(*arguments: str) -> Any:
        done = subprocess.run(
            [str(AWS), "sqs", *arguments, "--endpoint-url", platform.url, "--output", "json"],
            env={
                "AWS_ACCESS_KEY_ID": "test",
                "AWS_SECRET_ACCESS_KEY": "test",
                "AWS_DEFAULT_REGION": "us-east-1",
                "AWS_MAX_ATTEMPTS": "1",
                "HOME": str(tmp_path),
                "PATH": os.environ["PATH"],
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        if done.returncode:
            return done.stderr.strip()
        return json.loads(done.stdout) if done.stdout.strip() else None

    return run


@pytest.mark.skipif(not AWS.exists(), reason="AWS CLI is not installed")
def test_aws_cli(cli: Callable[..., Any], platform: Platform) -> None:
    name = f"{named()}.fifo"
    url = cli("create-queue", "--queue-name", name, "--attributes", "FifoQueue=true")["QueueUrl"]
    assert url == f"{platform.url}/000000000000/{name}"
    members = ["--queue-url", url, "--message-group-id", "g", "--message-deduplication-id", "d"]
    attributes = '{"n": {"DataType": "Number", "StringValue": "1"}}'
    sent = cli("send-message", *members, "--message-body", "hello", "--message-attributes", attributes)
    received = cli(
        "receive-message",
        *("--queue-url", url, "--attribute-names", "All", "--message-attribute-names", "All"),
    )
    (message,) = received["Messages"]
    assert (message["Body"], message["MessageId"]) == ("hello", sent["MessageId"])
    assert message["Attributes"]["MessageGroupId"] == "g"
    handle = message["ReceiptHandle"]
    assert cli("delete-message", "--queue-url", url, "--receipt-handle", handle) is None
    assert "AWS.SimpleQueueService.NonExistentQueue" in cli("purge-queue", "--queue-url", f"{url}x")


def test_signatures_are_checked(tmp_path: Path) -> None:
    credentials = f"{KEYS['aws_access_key_id']}:{KEYS['aws_secret_access_key']}"
    platform = Platform(tmp_path, credentials=credentials).start()
    try:
        client = platform.client("sqs", **KEYS)
        url = client.create_queue(QueueName="q")["QueueUrl"]
        large = "x" * 1_000_000  # hashed in a thread
        for body in ("small", large):
            client.send_message(QueueUrl=url, MessageBody=body)
        assert sorted(map(len, bodies(client, url))) == [5, 1_000_000]
        stranger = platform.client("sqs", **{**KEYS, "aws_secret_access_key": "wrong"})
        for body in ("small", large):
            with pytest.raises(ClientError) as refusal:
                stranger.send_message(QueueUrl=url, MessageBody=body)
            assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
        assert (
            platform.request("POST", "/", b"{}", {"X-Amz-Target": "AmazonSQS.ReceiveMessage"}).status == 403
        )
    finally:
        platform.stop()


def test_functions_send_in_their_role(platform: Platform) -> None:
    client = platform.client("sqs")
    url = client.create_queue(QueueName=named())["QueueUrl"]
    source = f"""
import boto3

def handler(event, context):
    client = boto3.client("sqs")
    client.send_message(QueueUrl="{url}", MessageBody="from a function")
    return client.meta.endpoint_url
"""
    name = platform.create(source)
    answer = platform.invoke(name, {})
    if b"ModuleNotFoundError" in answer.body:
        pytest.skip("functions have no boto3 here")
    assert answer.json == platform.url
    (message,) = client.receive_message(QueueUrl=url, AttributeNames=["All"])["Messages"]
    sender = message["Attributes"]["SenderId"]
    assert sender.startswith("AROA")
    assert sender.endswith(f":{name}")
    assert "Lineage=1:" in message["Attributes"]["AWSTraceHeader"]


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Platform]:
    """A platform that a test may kill."""
    running = Platform(tmp_path).start()
    yield running
    if running.process.poll() is None:
        running.stop()


def test_what_was_accepted_outlives_kill_9(own: Platform) -> None:
    client = own.client("sqs")
    url = client.create_queue(QueueName="q", Attributes={"VisibilityTimeout": "0"}, tags={"a": "b"})[
        "QueueUrl"
    ]
    binary = {"b": {"DataType": "Binary", "BinaryValue": b"\x00\xff"}}
    sent = client.send_message(QueueUrl=url, MessageBody="kept", MessageAttributes=binary)
    client.send_message(QueueUrl=url, MessageBody="deleted")
    found = client.receive_message(QueueUrl=url, MaxNumberOfMessages=10)["Messages"]
    handles = {one["Body"]: one["ReceiptHandle"] for one in found}
    client.delete_message(QueueUrl=url, ReceiptHandle=handles["deleted"])
    own.kill()
    own.start()
    client = own.client("sqs")
    assert client.list_queue_tags(QueueUrl="q")["Tags"] == {"a": "b"}
    (message,) = client.receive_message(QueueUrl="q", MessageAttributeNames=["All"])["Messages"]
    assert (message["Body"], message["MessageId"]) == ("kept", sent["MessageId"])
    assert message["MessageAttributes"] == binary
    assert message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    client.delete_message(QueueUrl="q", ReceiptHandle=handles["kept"])
    assert bodies(client, "q") == []


def test_a_stop_waits_for_no_long_poll(own: Platform) -> None:
    client = own.client("sqs")
    url = client.create_queue(QueueName="q")["QueueUrl"]
    waiting = Background(lambda: bodies(client, url, WaitTimeSeconds=20))
    began = time.monotonic()
    wait_until(lambda: time.monotonic() - began > 0.3 or waiting.done)
    assert own.stop() == 0
    assert waiting.result() == []
    assert time.monotonic() - began < 10
