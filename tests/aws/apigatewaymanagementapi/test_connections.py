"""PostToConnection, GetConnection and DeleteConnection, by boto3 and by hand."""

from __future__ import annotations

import http.client
import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from websockets.exceptions import ConnectionClosed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.aws.apigatewaymanagementapi.conftest import Gateway


def refusal(call: Callable[..., Any], **members: Any) -> tuple[int, str, str]:
    """The status, code and message of an error."""
    with pytest.raises(ClientError) as error:
        call(**members)
    answer: Any = error.value.response
    return (
        answer["ResponseMetadata"]["HTTPStatusCode"],
        answer["Error"]["Code"],
        answer["Error"].get("Message", ""),
    )


def request(
    gateway: Gateway, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b""
) -> tuple[int, bytes, http.client.HTTPMessage]:
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=20)
    connection.request(method, path, body, dict(headers or {}))
    answer = connection.getresponse()
    found = answer.status, answer.read(), answer.headers
    connection.close()
    return found


def test_messages_arrive_in_order(gateway: Gateway) -> None:
    with gateway.connected() as (client, connection_id):
        boto = gateway.boto()
        for number in range(3):
            answer = boto.post_to_connection(ConnectionId=connection_id, Data=b"%d" % number)
            assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
        assert [client.recv(10) for _ in range(3)] == ["0", "1", "2"]


def test_every_way_to_a_connection(gateway: Gateway) -> None:
    host = f"{gateway.api_id}.execute-api.us-east-1.localhost:{gateway.port}"
    with gateway.connected() as (client, connection_id):
        gateway.boto(gateway.url).post_to_connection(ConnectionId=connection_id, Data=b"the platform's URL")
        assert client.recv(10) == "the platform's URL"
        gateway.boto(f"{gateway.url}/dev").post_to_connection(
            ConnectionId=connection_id, Data=b"with a stage"
        )
        assert client.recv(10) == "with a stage"
        quoted = connection_id.replace("=", "%3D")
        for number, (path, headers) in enumerate(
            [
                (f"/dev/@connections/{quoted}", {"Host": host}),
                (f"/dev/%40connections/{connection_id}", {"Host": host}),
                (f"/_aws/execute-api/{gateway.api_id}/dev/@connections/{quoted}", {}),
                (f"/@connections/{quoted}", {}),
            ]
        ):
            status, body, answered = request(gateway, "POST", path, headers, b"%d" % number)
            assert (status, body) == (200, b"")
            assert answered["x-amzn-RequestId"]
            assert client.recv(10) == str(number)


def test_what_is_not_text_is_sent_as_binary(gateway: Gateway) -> None:
    with gateway.connected() as (client, connection_id):
        boto = gateway.boto()
        boto.post_to_connection(ConnectionId=connection_id, Data="ü".encode())
        boto.post_to_connection(ConnectionId=connection_id, Data=b"\xff\x00")
        assert client.recv(10) == "ü"
        assert client.recv(10) == b"\xff\x00"


def test_messages_of_128_kb_and_more(gateway: Gateway) -> None:
    with gateway.connected() as (client, connection_id):
        boto = gateway.boto()
        boto.post_to_connection(ConnectionId=connection_id, Data=b"a" * 131_072)
        assert client.recv(10) == "a" * 131_072
        found = refusal(boto.post_to_connection, ConnectionId=connection_id, Data=b"a" * 131_073)
        assert found == (413, "PayloadTooLargeException", "Message too long")


def test_what_is_known_of_a_connection(gateway: Gateway) -> None:
    with gateway.connected() as (client, connection_id):
        boto = gateway.boto()
        first = boto.get_connection(ConnectionId=connection_id)
        assert first["Identity"] == {"SourceIp": "127.0.0.1", "UserAgent": "tests/1"}
        assert abs(first["ConnectedAt"].timestamp() - time.time()) < 20
        assert first["ConnectedAt"] <= first["LastActiveAt"]
        client.ping().wait(10)
        assert boto.get_connection(ConnectionId=connection_id)["LastActiveAt"] >= first["LastActiveAt"]
        _, body, _ = request(gateway, "GET", f"/@connections/{connection_id}")
        assert body.startswith(b'{"connectedAt":"20')


def test_a_deleted_connection_is_closed_and_gone(gateway: Gateway) -> None:
    with gateway.connected() as (client, connection_id):
        boto = gateway.boto()
        answer = boto.delete_connection(ConnectionId=connection_id)
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
        with pytest.raises(ConnectionClosed):
            client.recv(10)
        assert client.close_code == 1000
        assert client.close_reason == "Connection Closed Normally"
        for call in (boto.get_connection, boto.delete_connection):
            assert refusal(call, ConnectionId=connection_id)[:2] == (410, "GoneException")
        found = refusal(boto.post_to_connection, ConnectionId=connection_id, Data=b"late")
        assert found[:2] == (410, "GoneException")
        status, body, _ = request(gateway, "POST", f"/@connections/{connection_id}", {}, b"late")
        assert (status, body) == (410, b"")


def test_ids_that_are_none(gateway: Gateway) -> None:
    boto = gateway.boto()
    found = refusal(boto.post_to_connection, ConnectionId="none", Data=b"x")
    assert found == (400, "BadRequestException", "Invalid connectionId: none")
    assert refusal(boto.post_to_connection, ConnectionId="TXzPWdnOjoECGjA=", Data=b"x")[0] == 410


def test_connections_of_other_stages_and_accounts(gateway: Gateway) -> None:
    with gateway.connected() as (_, connection_id):
        elsewhere = gateway.boto(gateway.by_path.replace("/dev", "/other"))
        assert refusal(elsewhere.get_connection, ConnectionId=connection_id)[0] == 410
        stranger = gateway.boto(aws_access_key_id="111111111111")
        assert refusal(stranger.get_connection, ConnectionId=connection_id)[:2] == (403, "ForbiddenException")


def test_a_client_that_does_not_read_gets_no_more(gateway: Gateway) -> None:
    with gateway.connected() as (client, connection_id):
        boto = gateway.boto()

        def send_more_than_all_buffers_hold() -> None:
            for _ in range(2_000):
                boto.post_to_connection(ConnectionId=connection_id, Data=b"a" * 131_072)

        assert refusal(send_more_than_all_buffers_hold)[:2] == (429, "LimitExceededException")
        assert client.recv(10) == "a" * 131_072
        boto.delete_connection(ConnectionId=connection_id)
        assert set(client) == {"a" * 131_072}  # up to the goodbye


def test_other_methods_and_paths(gateway: Gateway) -> None:
    with gateway.connected() as (_, connection_id):
        status, body, _ = request(
            gateway, "PUT", f"/_aws/execute-api/{gateway.api_id}/dev/@connections/{connection_id}"
        )
        assert (status, body) == (403, b'{"message":"Missing Authentication Token"}')
        status, _, _ = request(gateway, "GET", f"/_aws/execute-api/{gateway.api_id}/dev/@connections/")
        assert status == 426


def test_signatures_are_verified_where_that_is_asked_for(strict: Gateway) -> None:
    with strict.connected() as (client, connection_id):
        for endpoint in (strict.by_path, strict.url, f"{strict.url}/dev"):
            strict.boto(endpoint).post_to_connection(ConnectionId=connection_id, Data=b"signed")
            assert client.recv(10) == "signed"
            wrong = strict.boto(endpoint, aws_secret_access_key="another")
            found = refusal(wrong.post_to_connection, ConnectionId=connection_id, Data=b"x")
            assert found[:2] == (403, "InvalidSignatureException")
        status, body, _ = request(strict, "POST", f"/@connections/{connection_id}", {}, b"x")
        assert status == 403
        assert b"Missing Authentication Token" in body


def test_signatures_for_other_services_are_refused(gateway: Gateway) -> None:
    scope = "AKID/20260101/us-east-1/lambda/aws4_request"
    headers = {"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"}
    with gateway.connected() as (_, connection_id):
        path = f"/_aws/execute-api/{gateway.api_id}/dev/@connections/{connection_id}"
        status, body, _ = request(gateway, "POST", path, headers, b"x")
        assert status == 403
        assert b"Credential should be scoped to correct service: 'execute-api'" in body
