"""Requests of the platform's own parts: signed so that its verifier accepts them, in every protocol and size."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest

from lambent.aws.credentials import Credentials
from lambent.aws.service_calls import ServiceCalls
from lambent.aws.sigv4 import Verifier, read_signature
from lambent.http import HttpServer
from lambent.neighbours.service_calls import ServiceCall, ServiceFailure, ServiceMissing

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.http import Request

ACCOUNT = "111122223333"


def called(
    *calls: tuple[str, str, dict[str, Any]],
    answer: Callable[[Request], tuple[int, bytes]] = lambda _: (200, b"{}"),
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What a server that verifies signatures is asked for, and what the callers get."""
    credentials = Credentials()
    verifier = Verifier(credentials)
    asked: list[dict[str, Any]] = []

    def handle(request: Request) -> None:
        signature = read_signature(request)
        assert signature is not None
        account = verifier.verify(request, signature)
        session = verifier.session(signature)
        assert session is not None
        asked.append(
            {
                "account": account,
                "principal": session.principal,
                "token": signature.token,
                "method": request.method.decode(),
                "target": request.target.decode(),
                "body": request.body,
                "headers": dict(request.headers),
            }
        )
        status, body = answer(request)
        request.respond(status, [("content-type", "application/json")], body)

    async def run() -> list[dict[str, Any]]:
        server = HttpServer(handle)
        await server.start("127.0.0.1", 0)
        ask = ServiceCalls(credentials, lambda: f"http://127.0.0.1:{server.address[1]}", "Part")
        try:
            return [
                await ask.ask(
                    ServiceCall(
                        service, operation, parameters, "eu-west-1", ACCOUNT, "arn:aws:iam::1:role/r"
                    ),
                    {"X-More": "m"},
                )
                for service, operation, parameters in calls
            ]
        finally:
            ask.close()
            server.stop_accepting()
            await server.drain(0)

    return asked, asyncio.run(run())


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "method", "target", "holds"),
    [
        ("sqs", "GetQueueUrl", {"QueueName": "é q"}, "POST", "/", b'{"QueueName": "\\u00e9 q"}'),
        ("iam", "GetRole", {"RoleName": "a b"}, "POST", "/", b"RoleName=a+b"),
        ("lambda", "GetFunction", {"FunctionName": "a:b", "Qualifier": "x/y z"}, "GET",
         "/2015-03-31/functions/a%3Ab?Qualifier=x%2Fy%20z", b""),
        ("lambda", "TagResource", {"Resource": "arn:aws:lambda:r:1:function:f", "Tags": {"k  k": " v "}}, "POST",
         "/2017-03-31/tags/arn%3Aaws%3Alambda%3Ar%3A1%3Afunction%3Af", b'{"Tags": {"k  k": " v "}}'),
        ("s3", "PutObject", {"Bucket": "b", "Key": "a b/../c%20+~", "Body": b"\x00\xff", "Metadata": {"a": "x  y"}},
         "PUT", "/b/a%20b/../c%2520%2B~", b"\x00\xff"),
        ("s3", "GetBucketPolicy", {"Bucket": "b"}, "GET", "/b?policy", b""),
        ("stepfunctions", "StartSyncExecution", {"stateMachineArn": "arn:a"}, "POST", "/", b'"stateMachineArn"'),
        ("kinesis", "PutRecord", {"StreamName": "s", "Data": bytes(100_000), "PartitionKey": "k"}, "POST", "/", b"AAA"),
    ],
)  # fmt: skip
def test_requests_are_signed_and_told_as_clients_tell_them(
    service: str, operation: str, parameters: dict[str, Any], method: str, target: str, holds: bytes
) -> None:
    empty = b"<A><GetRoleResult></GetRoleResult></A>" if service in ("iam", "s3") else b"{}"
    call = (service, operation, parameters)
    asked, _ = called(call, call, answer=lambda _: (200, empty))
    for one in asked:
        assert (one["account"], one["principal"]) == (ACCOUNT, "assumed-role/r/Part")
        assert (one["method"], one["target"]) == (method, target)
        assert holds in one["body"]
        assert one["headers"][b"x-more"] == b"m"
    # The second one is prepared in another way, and says the same in the same name.
    assert asked[0]["body"] == asked[1]["body"]
    assert asked[0]["token"] == asked[1]["token"]


def test_what_cannot_be_asked_and_what_is_refused() -> None:
    with pytest.raises(ServiceMissing, match="no service nowhere"):
        called(("nowhere", "Do", {}))
    for _ in range(2):
        with pytest.raises(ServiceMissing, match="sqs has no operation Do"):
            called(("sqs", "Do", {}))
        with pytest.raises(ValueError, match="QueueName"):
            called(("sqs", "GetQueueUrl", {}))
    refusal = json.dumps({"__type": "x#ResourceNotFoundException", "message": "gone"}).encode()
    with pytest.raises(ServiceFailure) as failed:
        called(("dynamodb", "DescribeTable", {"TableName": "tab"}), answer=lambda _: (400, refusal))
    assert (failed.value.code, failed.value.message) == ("ResourceNotFoundException", "gone")


def test_large_answers() -> None:
    values = [f"t{at:05}" for at in range(20_000)]
    body = json.dumps({"TableNames": values}).encode()
    _, (answer,) = called(("dynamodb", "ListTables", {}), answer=lambda _: (200, body))
    assert answer["TableNames"] == values
