"""PostToConnection, GetConnection and DeleteConnection on the clients that are connected.

Errors are those of the service's model. That ids of another form get a BadRequestException was reported
(dherault/serverless-offline#749), as was that a GoneException has no body (georgeboot/laravel-echo-api-gateway#9).
"""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any, Final

from lambent.aws.errors import ServiceError
from lambent.gateway.websocket.clients import CLOSED

if TYPE_CHECKING:
    from lambent.gateway.websocket import Client, Clients

MAX_DATA: Final = 131_072
"""Bytes of the largest message."""

_ID: Final = re.compile(r"[A-Za-z0-9_-]{15}=")


def post(client: Client, data: bytes) -> None:
    """Send a message. ServiceError when it is too long, or the client does not take what it is sent."""
    if len(data) > MAX_DATA:
        raise ServiceError("PayloadTooLargeException", "Message too long", status=413)
    if not client.send(data):
        raise ServiceError("LimitExceededException", "", status=429)


def describe(client: Client) -> dict[str, Any]:
    """What GetConnection answers."""
    return {
        "ConnectedAt": _moment(client.connected_ms),
        "Identity": {"SourceIp": client.source_ip, "UserAgent": client.user_agent or ""},
        "LastActiveAt": _moment(client.active_ms),
    }


def close(client: Client) -> None:
    """Close the connection."""
    client.socket.close(*CLOSED)


def find(clients: Clients, connection_id: str, account: str) -> Client:
    """A client of an account's APIs. ServiceError without one."""
    client = clients.get(connection_id)
    if client is None:
        if _ID.fullmatch(connection_id) is None:
            raise ServiceError("BadRequestException", f"Invalid connectionId: {connection_id}", status=400)
        raise ServiceError("GoneException", "", status=410)
    if client.account != account:
        raise ServiceError("ForbiddenException", "Forbidden", status=403)
    return client


def _moment(time_ms: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(time_ms / 1000, dt.UTC)
