"""A client that wants to connect: who it is, whether it may, and what $connect says."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final

from lambent.gateway.call import Call, extended_id
from lambent.gateway.websocket import events, handshakes
from lambent.gateway.websocket.clients import Client
from lambent.http.request import encode_headers
from lambent.http.status import STATUS_LINES
from lambent.invocation.request_id import new_request_id

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from lambent.gateway.authorizers import Verdict
    from lambent.gateway.websocket.apis import Authorize, WebSocketApis
    from lambent.gateway.websocket.integrations import Outcome
    from lambent.gateway.websocket.stages import ServedStage, StageRoute
    from lambent.http import Request

INTERNAL: Final = "Internal server error"
FORBIDDEN: Final = "Forbidden"
TOO_MANY: Final = "Too Many Requests"
BAD_BODY: Final = "Bad request body"

_ERROR_TYPES: Final = {
    400: "BadRequestException",
    401: "UnauthorizedException",
    403: "ForbiddenException",
    429: "TooManyRequestsException",
    500: "InternalServerErrorException",
    502: "InternalServerErrorException",
}

_log = logging.getLogger(__name__)


class Connecting:
    """One handshake. `begin` starts it; it ends with an answer to the request."""

    __slots__ = ("_apis", "_client", "_request", "_request_id", "_served")

    def __init__(self, apis: WebSocketApis, request: Request, served: ServedStage, host: str) -> None:
        api, stage = served.deployed.api, served.deployed.stage
        agent = request.header(b"user-agent")
        self._apis = apis
        self._request = request
        self._served = served
        self._request_id = extended_id()
        self._client = Client(
            apis,
            extended_id(),
            account=api.account,
            api_id=api.api_id,
            stage=stage.stage_name,
            host=host,
            source_ip=request.peer[0],
            user_agent=None if agent is None else agent.decode("latin-1"),
            connected_ms=events.now_ms(),
            limits=apis.limits,
        )

    def begin(self, authorize: Authorize | None) -> Awaitable[Verdict] | None:
        """Go as far as possible at once. What is given back has to be awaited, and its result given to `judged`."""
        route = self._served.routes.get("$connect")
        if route is None:
            self._introduce(None)
            self._accept(None)
            return None
        if route.bucket is not None and not route.bucket.take():
            self.refuse(429, TOO_MANY)
            return None
        if route.route.authorization_type == "NONE":
            self._introduce(None)
            self._ask(route)
            return None
        if authorize is None:
            _log.warning("%s cannot be authorized here", route.source_arn)
            self.refuse(500, INTERNAL)
            return None
        call = Call(self._request, self._client.host, f"/{self._client.stage}", self._request_id)
        verdict = authorize(call, self._served.deployed, route.route, self._authorizer_event)
        if asyncio.iscoroutine(verdict) or asyncio.isfuture(verdict) or hasattr(verdict, "__await__"):
            return verdict
        self.judged(verdict)
        return None

    def judged(self, verdict: Verdict) -> None:
        """What the authorizer says."""
        if not verdict.allowed:
            if verdict.error:
                _log.info("a handshake was refused: %s", verdict.error)
            self.refuse(verdict.status, verdict.message)
            return
        self._introduce(verdict)
        self._ask(self._served.routes["$connect"])

    # ------------------------------------------------------------ the client's events

    def _introduce(self, verdict: Verdict | None) -> None:
        """Find the words that all events of the client share."""
        authorizer: dict[str, Any] | None = None
        identity: dict[str, Any] = {}
        if verdict is not None:
            if verdict.context_v1 is not None:
                authorizer = {**verdict.context_v1, "integrationLatency": verdict.latency_ms}
            if verdict.caller is not None:
                facts = verdict.caller.facts()
                identity = {
                    "accessKey": facts["accessKey"],
                    "accountId": facts["accountId"],
                    "caller": facts["callerId"],
                    "user": facts["userId"],
                    "userArn": facts["userArn"],
                }
        client = self._client
        client.context = events.shared_context(client, identity, authorizer)

    def _authorizer_event(self) -> dict[str, Any]:
        self._introduce(None)
        facts = events.authorizer_facts(self._client, self._request, self._request_id)
        return {**facts, "stageVariables": dict(self._served.deployed.stage.stage_variables)}

    # ------------------------------------------------------------ $connect

    def _ask(self, route: StageRoute) -> None:
        if route.integration is None:
            self._accept(None)
            return
        event = events.connect_event(self._request, self._client, self._request_id, self._served.variables)
        self._apis.integrations.call(route, event, self._answered)

    def _answered(self, outcome: Outcome) -> None:
        if outcome.failure is not None:
            _log.warning("$connect: %s", outcome.failure)
            self.refuse(502, INTERNAL)
        elif outcome.status is None:
            _log.warning("$connect: what the function returned has no statusCode")
            self.refuse(502, INTERNAL)
        elif 200 <= outcome.status < 300:
            self._accept(outcome.subprotocol)
        else:
            self.refuse(outcome.status, FORBIDDEN if outcome.status < 500 else INTERNAL)

    def _accept(self, subprotocol: str | None) -> None:
        client = self._client
        self._apis.clients.add(client)
        if not self._request.switch(handshakes.accepting(self._request, subprotocol), client.socket):
            # It has left while its $connect was at work, which may have noted it down.
            client.socket.connection_lost(None)

    def refuse(self, status: int, message: str) -> None:
        """Answer that it may not connect."""
        refuse(self._request, status, message, client_id=self._client.id, request_id=self._request_id)


def refuse(
    request: Request,
    status: int,
    message: str,
    *,
    client_id: str | None = None,
    request_id: str | None = None,
    more: bytes = b"",
) -> None:
    """Answer a request that becomes no connection. `more` are header lines.

    The headers are those of API Gateway's refusals; the id of a connection is in the body where it would have been one.
    """
    request_id = request_id or extended_id()
    if client_id is None:
        body = b'{"message":"%s"}' % message.encode()
    else:
        body = events.complaint(message, client_id, request_id)
    kind = _ERROR_TYPES.get(status)
    headers = [
        ("Content-Type", "application/json"),
        ("x-amzn-RequestId", new_request_id()),
        *([("x-amzn-ErrorType", kind)] if kind is not None else []),
        ("x-amz-apigw-id", request_id),
    ]
    request.send(STATUS_LINES[status] + more + encode_headers(headers), body, status)
