"""`@connections`: a path of its own through this floor, as broadcasts are thousands of requests.

Reached below a stage of an API, by host or by path, and on the platform's own URL: connection ids are unique, so the
API need not be named.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

import msgspec

from lambent.aws.apigatewaymanagementapi import operations
from lambent.aws.errors import ServiceError
from lambent.aws.router import Router
from lambent.http.status import STATUS_LINES
from lambent.invocation.request_id import new_request_id

if TYPE_CHECKING:
    from lambent.aws.dispatcher import AwsDispatcher
    from lambent.gateway.websocket import Client, Clients
    from lambent.http import Request

_SERVICE: Final = "apigatewaymanagementapi"
_SIGNING_NAME: Final = "execute-api"
_PATH: Final = re.compile(rb"(/[A-Za-z0-9_$-]+)?/(?:@|%40)connections/([^/?]+)")
_OPERATIONS: Final = {b"POST": "PostToConnection", b"GET": "GetConnection", b"DELETE": "DeleteConnection"}
_FORBIDDEN: Final = b'{"message":"Forbidden"}'
_MISSING: Final = b'{"message":"Missing Authentication Token"}'


class ConnectionsEndpoint:
    """Answers requests to `@connections`. Who sends them is for `dispatcher` to find out."""

    def __init__(self, dispatcher: AwsDispatcher, clients: Clients) -> None:
        self._dispatcher = dispatcher
        self._clients = clients

    def handle_path(self, request: Request) -> bool:
        """Take a request to the platform's own URL, with a stage in its path or without. False for any other."""
        found = _PATH.fullmatch(request.path)
        if found is None or request.method not in _OPERATIONS:
            return False
        signed_for = Router.claimed_service(request)
        if signed_for != _SIGNING_NAME and (signed_for is not None or found[1] is not None):
            return False  # an object of S3 may have such a name
        self._answer(request, None, found[2].decode("latin-1"))
        return True

    def handle(self, request: Request, api_id: str, stage: str, connection_id: str) -> None:
        """Answer a request below a stage. `connection_id` is as it was sent."""
        self._answer(request, (api_id, stage), connection_id)

    def _answer(self, request: Request, place: tuple[str, str] | None, quoted_id: str) -> None:
        operation = _OPERATIONS.get(request.method)
        request_id = new_request_id()
        if operation is None:
            _send(
                request,
                request_id,
                403,
                _MISSING,
                b"x-amzn-ErrorType: MissingAuthenticationTokenException\r\n",
            )
            return
        try:
            client = self._client(request, place, unquote(quoted_id))
            if operation == "PostToConnection":
                operations.post(client, request.body)
                _send(request, request_id, 200)
            elif operation == "GetConnection":
                _send(request, request_id, 200, _facts(client))
            else:
                operations.close(client)
                _send(request, request_id, 204)
        except ServiceError as error:
            if error.code == "GoneException":
                _send(request, request_id, 410, b"", b"x-amzn-ErrorType: GoneException\r\n")
            else:
                self._dispatcher.refuse(request, _SERVICE, operation, request_id, error)
        except Exception as fault:  # noqa: BLE001 - whatever goes wrong here, the client gets an answer
            self._dispatcher.fail(request, _SERVICE, operation, request_id, fault)

    def _client(self, request: Request, place: tuple[str, str] | None, connection_id: str) -> Client:
        identity = self._dispatcher.authenticate(request)
        if identity.service not in (_SIGNING_NAME, None):
            raise ServiceError(
                "InvalidSignatureException",
                f"Credential should be scoped to correct service: '{_SIGNING_NAME}'. ",
                status=403,
            )
        client = operations.find(self._clients, connection_id, identity.account)
        if place is not None and place != (client.api_id, client.stage):
            raise ServiceError("GoneException", "", status=410)
        return client


def _facts(client: Client) -> bytes:
    found = operations.describe(client)
    identity: dict[str, Any] = found["Identity"]
    return msgspec.json.encode(
        {
            "connectedAt": _written(found["ConnectedAt"]),
            "identity": {"sourceIp": identity["SourceIp"], "userAgent": identity["UserAgent"]},
            "lastActiveAt": _written(found["LastActiveAt"]),
        }
    )


def _written(moment: Any) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _send(request: Request, request_id: str, status: int, body: bytes = b"", more: bytes = b"") -> None:
    head = STATUS_LINES[status] + more
    if body:
        head += b"Content-Type: application/json\r\n"
    request.send(b"%sx-amzn-RequestId: %s\r\n" % (head, request_id.encode()), body, status)
