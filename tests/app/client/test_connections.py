"""WebSocket connections: the API Gateway Management API, on a server that remembers what it was asked."""

from __future__ import annotations

import asyncio
import pickle
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from lambent.app import connections
from lambent.app.client.errors import AWSError, PayloadTooLarge
from lambent.app.connections import ConnectionGone, ConnectionInfo, Identity

if TYPE_CHECKING:
    from tests.app.client.conftest import Backend

ENDPOINT = "https://abc123.execute-api.us-west-2.amazonaws.com/prod"

CONTEXTS = [
    # domain name, stage, endpoint
    ("abc123.execute-api.us-west-2.amazonaws.com", "prod", ENDPOINT),
    ("chat.example.com", "prod", "https://chat.example.com"),
    ("abc.execute-api.localhost:4566", "$default", "https://abc.execute-api.localhost:4566/$default"),
]


@pytest.mark.parametrize(("domain", "stage", "endpoint"), CONTEXTS)
def test_the_endpoint_is_in_the_event(domain: str, stage: str, endpoint: str) -> None:
    context = {"domainName": domain, "stage": stage, "connectionId": "c=", "apiId": "abc123"}
    assert connections.endpoint_of(context) == endpoint


@pytest.mark.parametrize("connection_id", ["Ma1kXeGwPHcCJyA=", "a/b"])
def test_requests_are_botocores(backend: Backend, connection_id: str) -> None:
    theirs = boto3.client(
        "apigatewaymanagementapi", region_name="us-west-2", endpoint_url=f"{backend.url}/prod"
    )
    backend.answers = [backend.say({})]
    theirs.post_to_connection(ConnectionId=connection_id, Data=b"hello")
    theirs.get_connection(ConnectionId=connection_id)
    theirs.delete_connection(ConnectionId=connection_id)
    theirs.close()
    connections.post_to_connection(ENDPOINT, connection_id, "hello")
    connections.get_connection(ENDPOINT, connection_id)
    connections.delete_connection(ENDPOINT, connection_id)
    half = len(backend.asked) // 2
    for boto, ours in zip(backend.asked[:half], backend.asked[half:], strict=True):
        assert (ours.method, ours.target.replace("@", "%40"), ours.body) == (
            boto.method,
            boto.target.replace("@", "%40"),
            boto.body,
        )
        assert "/us-west-2/execute-api/aws4_request" in ours.headers["authorization"]


DATA = [
    ("text ü", "text ü".encode()),
    (b"\x00\xff", b"\x00\xff"),
    ({"a": [1]}, b'{"a":[1]}'),
    (bytearray(b"x"), b"x"),
]


@pytest.mark.parametrize(("data", "body"), DATA)
def test_what_is_sent(backend: Backend, data: Any, body: bytes) -> None:
    connections.post_to_connection(ENDPOINT, "c", data)
    assert backend.asked[0].body == body


def test_sizes_are_checked(backend: Backend) -> None:
    connections.post_to_connection(ENDPOINT, "c", "x" * 131_072)
    with pytest.raises(PayloadTooLarge, match="131,073 bytes"):
        connections.post_to_connection(ENDPOINT, "c", "x" * 131_073)
    assert len(backend.asked) == 1


def test_what_is_known_of_a_connection(backend: Backend) -> None:
    backend.answers = [
        backend.say(
            {
                "connectedAt": "2026-11-21T10:11:12.345Z",
                "lastActiveAt": "2026-11-21T10:12:00Z",
                "identity": {"sourceIp": "192.0.2.1", "userAgent": "browser"},
            }
        )
    ]
    assert connections.get_connection(ENDPOINT, "c") == ConnectionInfo(
        datetime(2026, 11, 21, 10, 11, 12, 345000, UTC),
        datetime(2026, 11, 21, 10, 12, tzinfo=UTC),
        Identity("192.0.2.1", "browser"),
    )


def test_the_client_has_gone(backend: Backend) -> None:
    backend.answers = [backend.say(b"", 410, {"x-amzn-ErrorType": "GoneException"})]
    for call in (connections.get_connection, connections.delete_connection):
        with pytest.raises(ConnectionGone, match="c= is no longer connected") as raised:
            call(ENDPOINT, "c=")
        assert raised.value.connection_id == "c="
        assert str(pickle.loads(pickle.dumps(raised.value))) == str(raised.value)  # noqa: S301 - our own
    with pytest.raises(ConnectionGone):
        connections.post_to_connection(ENDPOINT, "c=", "x")


def test_other_refusals(backend: Backend) -> None:
    backend.answers = [backend.say({"message": "Forbidden"}, 403, {"x-amzn-ErrorType": "ForbiddenException"})]
    with pytest.raises(AWSError, match="ForbiddenException: Forbidden"):
        connections.post_to_connection(ENDPOINT, "c", "x")


def test_where_requests_go(backend: Backend, variables: pytest.MonkeyPatch) -> None:
    """The general variable is a door to all services, the own one is this API's endpoint."""
    connections.get_connection(ENDPOINT, "c")
    variables.setenv("AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI", f"{backend.url}/own/path")
    connections.get_connection(ENDPOINT, "c")
    variables.setenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
    connections.get_connection(f"{backend.url}/given", "c")
    assert [(one.headers["host"], one.target) for one in backend.asked] == [
        ("abc123.execute-api.us-west-2.amazonaws.com", "/prod/@connections/c"),
        (f"127.0.0.1:{backend.port}", "/own/path/@connections/c"),
        (f"127.0.0.1:{backend.port}", "/given/@connections/c"),
    ]


def test_from_async_handlers(backend: Backend) -> None:
    async def all_of_them() -> None:
        await connections.apost_to_connection(ENDPOINT, "c", "x")
        await connections.aget_connection(ENDPOINT, "c")
        await connections.adelete_connection(ENDPOINT, "c")

    asyncio.run(all_of_them())
    assert [one.method for one in backend.asked] == ["POST", "GET", "DELETE"]
