"""WebSocket connections behind API Gateway: send to them, close them, look at them.

Source: the API Gateway Management API (`@connections`) and "Use @connections commands in your backend service" in the
API Gateway Developer Guide.
"""

from __future__ import annotations

import os
import re
from datetime import datetime  # noqa: TC003 - msgspec reads the annotation
from typing import TYPE_CHECKING, Any

import msgspec

from lambent.app.client.errors import AWSError, PayloadTooLarge
from lambent.app.encoding import encode

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lambent.app.client.connection import Answer

LARGEST = 131_072
"""Bytes of a message."""

_VARIABLE = "APIGATEWAYMANAGEMENTAPI"
_OF_REGION = r"https?://[^./]+\.execute-api\.([a-z]+(?:-[a-z]+)+-\d+)\."


class ConnectionGone(Exception):
    """The client is no longer connected; `connection_id` can be forgotten."""

    def __init__(self, connection_id: str) -> None:
        super().__init__(f"{connection_id} is no longer connected")
        self.connection_id = connection_id

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.connection_id,)


class Identity(msgspec.Struct, frozen=True, rename="camel"):
    """Who is connected."""

    source_ip: str = ""
    user_agent: str = ""


class ConnectionInfo(msgspec.Struct, frozen=True, rename="camel"):
    """What API Gateway knows of a connection."""

    connected_at: datetime | None = None
    last_active_at: datetime | None = None
    identity: Identity | None = None


def endpoint_of(request_context: Mapping[str, Any]) -> str:
    """The base URL for the connections of a WebSocket event's API, out of the event's `requestContext`.

    `https://<domain>/<stage>`; custom domains stand for a stage and have none in their path. Where a custom domain
    maps the API below a path, AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI has to say the whole URL: the event does not
    tell the path.
    """
    domain = str(request_context["domainName"])
    if ".execute-api." in domain:
        return f"https://{domain}/{request_context['stage']}"
    return f"https://{domain}"


def post_to_connection(endpoint: str, connection_id: str, data: Any) -> None:
    """Send to a client: `str` and `bytes` as they are, anything else as JSON. `endpoint` is as `endpoint_of` makes it.

    Raises ConnectionGone, PayloadTooLarge above 128 KB, and AWSError.
    """
    if isinstance(data, str):
        body = data.encode()
    elif isinstance(data, (bytes, bytearray, memoryview)):
        body = bytes(data)
    else:
        body = encode(data)
    if len(body) > LARGEST:
        raise PayloadTooLarge(
            f"{connection_id}: the message has {len(body):,} bytes, and WebSocket APIs take {LARGEST:,}"
        )
    _request("POST", endpoint, connection_id, body)


def delete_connection(endpoint: str, connection_id: str) -> None:
    """Close a client's connection. Raises ConnectionGone and AWSError."""
    _request("DELETE", endpoint, connection_id)


def get_connection(endpoint: str, connection_id: str) -> ConnectionInfo:
    """What is known of a connection. Raises ConnectionGone and AWSError."""
    answer = _request("GET", endpoint, connection_id)
    return msgspec.json.decode(answer.body or b"{}", type=ConnectionInfo)


async def apost_to_connection(endpoint: str, connection_id: str, data: Any) -> None:
    """`post_to_connection` for `async` handlers: waits in a thread, and others go on meanwhile."""
    import asyncio

    await asyncio.to_thread(post_to_connection, endpoint, connection_id, data)


async def adelete_connection(endpoint: str, connection_id: str) -> None:
    """`delete_connection` for `async` handlers."""
    import asyncio

    await asyncio.to_thread(delete_connection, endpoint, connection_id)


async def aget_connection(endpoint: str, connection_id: str) -> ConnectionInfo:
    """`get_connection` for `async` handlers."""
    import asyncio

    return await asyncio.to_thread(get_connection, endpoint, connection_id)


def _request(method: str, endpoint: str, connection_id: str, body: bytes = b"") -> Answer:
    from urllib.parse import quote

    from lambent.app.client.service import service

    url, host = _reached(endpoint)
    found = re.match(_OF_REGION, endpoint)
    headers = {} if host is None else {"host": host}
    if body:
        headers["content-type"] = "application/octet-stream"
    try:
        return service("execute-api").request(
            method,
            f"/@connections/{quote(connection_id, safe='-._~')}",
            headers=headers,
            body=body,
            endpoint=url,
            region=None if found is None else found[1],
        )
    except AWSError as error:
        if error.status == 410:
            raise ConnectionGone(connection_id) from None
        raise


def _reached(endpoint: str) -> tuple[str, str | None]:
    """The URL to send to, and the Host header if it is another.

    AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI replaces the whole endpoint. AWS_ENDPOINT_URL is where all services are,
    so the host tells which API is meant: names below `localhost` need not resolve.
    """
    from lambent.app.client import endpoints

    url = endpoints.configured(_VARIABLE)
    if url is None:
        return endpoint, None
    if url == os.environ.get(f"AWS_ENDPOINT_URL_{_VARIABLE}"):
        return url, None
    asked = endpoints.parse(endpoint)
    reached = endpoints.parse(url)
    return f"{reached.scheme}://{reached.authority}{reached.path}{asked.path}", asked.authority
