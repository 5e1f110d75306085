"""Whom a request to the one port is for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import boto3
import pytest
from botocore.config import Config

from lambent.dev.addressing import begins_invocations, is_for_platform
from lambent.http.request import Request

if TYPE_CHECKING:
    from botocore.awsrequest import AWSRequest

BROWSER = [(b"host", b"127.0.0.1:3000"), (b"user-agent", b"Mozilla/5.0")]
SCOPE = "AWS4-HMAC-SHA256 Credential=AKIA/20261121/us-east-1/{}/aws4_request, SignedHeaders=host, Signature=0"


def request(
    target: str, headers: list[tuple[bytes, bytes]], body: bytes = b"", method: str = "GET"
) -> Request:
    return Request(cast("Any", None), method.encode(), target.encode(), headers, body, True)


@pytest.mark.parametrize(
    ("target", "headers", "body"),
    [
        ("/", [], b""),
        ("/orders?item=tea&Action=buy", [], b""),
        ("/orders", [(b"authorization", b"Bearer ey.ey.x")], b""),
        ("/iam", [(b"authorization", SCOPE.format("execute-api").encode())], b""),
        ("/form", [(b"content-type", b"application/x-www-form-urlencoded")], b"name=Ada&Action=buy"),
        (
            "/iam?X-Amz-Algorithm=A&X-Amz-Credential=K%2F20261121%2Fus-east-1%2Fexecute-api%2Faws4_request",
            [],
            b"",
        ),
    ],
)
def test_what_is_for_the_app(target: str, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    assert not is_for_platform(request(target, [*BROWSER, *headers], body))


@pytest.mark.parametrize(
    ("target", "headers", "body"),
    [
        ("/_lambent/health", [], b""),
        ("/_aws/execute-api/abc/$default/orders", [], b""),
        ("/2015-03-31/functions/function/invocations", [], b"{}"),
        ("/", [(b"authorization", SCOPE.format("s3").encode())], b""),
        ("/@connections/abc=", [(b"authorization", SCOPE.format("execute-api").encode())], b""),
        ("/", [(b"x-amz-target", b"DynamoDB_20120810.ListTables")], b"{}"),
        (
            "/bucket/key?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=K%2F1%2Fr%2Fs3%2Faws4_request",
            [],
            b"",
        ),
        (
            "/",
            [(b"content-type", b"application/x-www-form-urlencoded")],
            b"Action=GetUser&Version=2010-05-08",
        ),
        ("/bucket/key", [(b"user-agent", b"aws-cli/2.1")], b""),
    ],
)
def test_what_is_for_the_platform(target: str, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    assert is_for_platform(request(target, [*BROWSER, *headers], body))


@pytest.mark.parametrize(
    ("service", "operation", "parameters"),
    [
        ("s3", "list_buckets", {}),
        ("s3", "get_object", {"Bucket": "uploads", "Key": "a b"}),
        ("sqs", "list_queues", {}),
        ("lambda", "invoke", {"FunctionName": "f"}),
        ("dynamodb", "list_tables", {}),
        ("sts", "get_caller_identity", {}),
        ("sns", "list_topics", {}),
        ("apigatewayv2", "get_apis", {}),
        ("cloudformation", "describe_stacks", {}),
    ],
)
def test_whatever_boto3_sends_is_for_the_platform(
    service: str, operation: str, parameters: dict[str, Any]
) -> None:
    client = boto3.client(
        service,
        endpoint_url="http://127.0.0.1:3000",
        region_name="us-east-1",
        aws_access_key_id="k",
        aws_secret_access_key="s",
        config=Config(retries={"total_max_attempts": 1}),
    )
    sent: list[AWSRequest] = []

    def stop(request: AWSRequest, **_: Any) -> None:
        sent.append(request)
        raise ConnectionAbortedError

    client.meta.events.register("before-send", stop)
    with pytest.raises(ConnectionAbortedError):
        getattr(client, operation)(**parameters)
    target = sent[0].url.partition("127.0.0.1:3000")[2]
    # Nothing but the signature: other clients have names of their own.
    headers = [
        (name.lower().encode(), value if isinstance(value, bytes) else str(value).encode())
        for name, value in sent[0].headers.items()
        if name.lower() != "user-agent"
    ]
    assert is_for_platform(request(target, headers, method=sent[0].method))


@pytest.mark.parametrize(
    ("expected", "target", "operation", "body"),
    [
        (True, "/2015-03-31/functions/f/invocations", b"", b"{}"),
        (True, "/", b"AmazonSQS.SendMessage", b"{}"),
        (True, "/", b"AWSEvents.PutEvents", b"{}"),
        (True, "/", b"", b"Action=Publish&Version=2010-03-31&TopicArn=a"),
        (True, "/", b"", b"QueueUrl=a&Action=SendMessageBatch"),
        (False, "/", b"AmazonSQS.ReceiveMessage", b"{}"),
        (False, "/", b"", b"Action=CreateStack&TemplateBody=Action%3DPublish"),
        (False, "/_lambent/health", b"", b""),
    ],
)
def test_what_waits_for_code(expected: bool, target: str, operation: bytes, body: bytes) -> None:
    headers = [(b"x-amz-target", operation)] if operation else []
    assert begins_invocations(request(target, headers, body, "POST")) is expected
