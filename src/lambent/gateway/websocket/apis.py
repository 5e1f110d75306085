"""WebSocket APIs: from the handshake to $disconnect.

Sources: "WebSocket APIs" of the API Gateway developer guide; recorded events and answers where the modules name them.
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

import msgspec

from lambent.gateway.call import extended_id
from lambent.gateway.websocket import events, handshakes
from lambent.gateway.websocket.clients import Client, Clients
from lambent.gateway.websocket.integrations import Integrations, Outcome
from lambent.gateway.websocket.limits import Limits
from lambent.gateway.websocket.stages import ServedStages
from lambent.http.status import STATUS_LINES

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.gateway.apis.registry import ApiRegistry
    from lambent.gateway.functions import FunctionCaller
    from lambent.gateway.websocket.stages import ServedStage, StageRoute
    from lambent.http import Request

_log = logging.getLogger(__name__)
_decode = msgspec.json.Decoder().decode

_MANAGED = re.compile(r"(?:@|%40)connections/([^/]+)/?", re.IGNORECASE)
_INTERNAL = "Internal server error"
_FORBIDDEN = "Forbidden"


class WebSocketApis:
    """Serves all WebSocket APIs.

    `manage` answers requests to `@connections` below a stage: it is called with the request and the connection's id as
    it was sent.
    """

    def __init__(
        self,
        registry: ApiRegistry,
        functions: FunctionCaller,
        *,
        clients: Clients | None = None,
        manage: Callable[[Request, str, str, str], None] | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self.clients = clients if clients is not None else Clients(self.limits)
        self._manage = manage
        self._stages = ServedStages(registry)
        self._integrations = Integrations(functions, self.limits.integration_s)

    # ------------------------------------------------------------ handshakes

    def handle(
        self, request: Request, api_id: str, host: str, path: str, *, stage: str | None = None
    ) -> None:
        """Answer a request to a WebSocket API. `path` begins with the stage, unless that is given."""
        rest = path
        if stage is None:
            stage, _, rest = path.lstrip("/").partition("/")
        below = rest.lstrip("/")
        managed = _MANAGED.fullmatch(below)
        if managed is not None and self._manage is not None:
            self._manage(request, api_id, stage, managed[1])
            return
        if not handshakes.offered(request):
            # Whatever the path is (serverless-offline's tests, which were run against AWS).
            _refuse(request, 426, b'{"message":"Upgrade Required"}')
            return
        served = self._stages.get(api_id, stage)
        if served is None or below:
            _refuse(request, 403, b'{"message":"Forbidden"}')
            return
        found = handshakes.flaw(request)
        if found is not None:
            _refuse(request, found[0], b'{"message":"%s"}' % found[1].encode())
            return
        _Handshake(self, request, served, host).begin(self._integrations)

    # ------------------------------------------------------------ messages

    def message(self, client: Client, text: str) -> None:
        """A message of a client."""
        request_id = extended_id()
        served = self._stages.get(client.api_id, client.stage)
        route = None if served is None else served.route_of(text)
        if served is None or route is None:
            client.send(events.complaint(_FORBIDDEN, client.id, request_id))
            return
        client.at_work += 1
        if client.at_work >= self.limits.calls:
            client.socket.hold()
        event = events.message_event(
            client.context, route.key, request_id, text, served.variables, events.now_ms()
        )
        self._integrations.call(route, event, _Message(self, client, route, request_id).finished)

    def ended(self, client: Client, code: int, reason: str) -> None:
        """A client has gone."""
        self.clients.discard(client)
        served = self._stages.get(client.api_id, client.stage)
        route = None if served is None else served.routes.get("$disconnect")
        if served is None or route is None:
            return
        if not reason and code == 1005:
            reason = "Client-side close frame status not set"  # recorded
        event = events.disconnect_event(
            client.context, extended_id(), client.host, code, reason, served.variables, events.now_ms()
        )
        self._integrations.call(route, event, _disconnected)


def _disconnected(outcome: Outcome) -> None:
    if outcome.failure is not None:
        _log.warning("$disconnect: %s", outcome.failure)


class _Message:
    """A message at work."""

    __slots__ = ("_apis", "_client", "_request_id", "_route")

    def __init__(self, apis: WebSocketApis, client: Client, route: StageRoute, request_id: str) -> None:
        self._apis = apis
        self._client = client
        self._route = route
        self._request_id = request_id

    def finished(self, outcome: Outcome) -> None:
        """Send back what is to be sent back."""
        client = self._client
        if outcome.failure is not None:
            _log.warning("a message to %s: %s", self._route.route.route_key, outcome.failure)
            client.send(events.complaint(_INTERNAL, client.id, self._request_id))
        elif self._route.answers:
            body = _body(outcome.result)
            if body:
                client.send(body)
        client.at_work -= 1
        if client.at_work < self._apis.limits.calls:
            client.socket.release()


def _body(result: bytes) -> bytes:
    try:
        value = _decode(result)
    except (msgspec.DecodeError, RecursionError):
        return b""
    body = value.get("body") if isinstance(value, dict) else None
    return body.encode() if isinstance(body, str) else b""


class _Handshake:
    """A client that wants to connect."""

    __slots__ = ("_apis", "_client", "_request", "_request_id", "_served")

    def __init__(self, apis: WebSocketApis, request: Request, served: ServedStage, host: str) -> None:
        self._apis = apis
        self._request = request
        self._served = served
        self._request_id = extended_id()
        agent = request.header(b"user-agent")
        self._client = Client(
            apis,
            extended_id(),
            account=served.deployed.api.account,
            api_id=served.deployed.api.api_id,
            stage=served.deployed.stage.stage_name,
            host=host,
            source_ip=request.peer[0],
            user_agent=None if agent is None else agent.decode("latin-1"),
            connected_ms=events.now_ms(),
            limits=apis.limits,
        )

    def begin(self, integrations: Integrations) -> None:
        """Ask the function of $connect, if there is one."""
        client, served = self._client, self._served
        client.context = events.shared_context(
            api_id=client.api_id,
            stage=client.stage,
            connection_id=client.id,
            connected_ms=client.connected_ms,
            host=client.host,
            source_ip=client.source_ip,
            user_agent=client.user_agent,
            authorizer=None,
        )
        route = served.routes.get("$connect")
        if route is None or route.integration is None:
            self._accept(None)
            return
        event = events.connect_event(
            client.context,
            self._request_id,
            events.headers_of(self._request, client.host, client.connected_ms),
            events.query_of(self._request),
            served.variables,
            client.connected_ms,
        )
        integrations.call(route, event, self._decided)

    def _decided(self, outcome: Outcome) -> None:
        if outcome.failure is not None:
            _log.warning("$connect: %s", outcome.failure)
            self._refuse(502, _INTERNAL)
            return
        status, subprotocol = _decision(outcome.result)
        if status is None:
            _log.warning("what $connect returned has no statusCode")
            self._refuse(502, _INTERNAL)
        elif 200 <= status < 300:
            self._accept(subprotocol)
        else:
            self._refuse(status, _FORBIDDEN)

    def _accept(self, subprotocol: str | None) -> None:
        head = handshakes.accepting(self._request, subprotocol)
        client = self._client
        self._apis.clients.add(client)
        if not self._request.switch(head, client.socket):
            self._apis.ended(client, 1006, "")

    def _refuse(self, status: int, message: str) -> None:
        _refuse(self._request, status, events.complaint(message, self._client.id, self._request_id))


def _decision(result: bytes) -> tuple[int | None, str | None]:
    """The status and the subprotocol in what a $connect function returned."""
    try:
        value = _decode(result)
    except (msgspec.DecodeError, RecursionError):
        return None, None
    if not isinstance(value, dict):
        return None, None
    status = value.get("statusCode")
    if isinstance(status, str) and status.isdigit():
        status = int(status)
    if status.__class__ is not int or not 200 <= status <= 599:
        return None, None
    headers = value.get("headers")
    subprotocol = None
    if isinstance(headers, dict):
        for name, text in headers.items():
            if name.lower() == "sec-websocket-protocol" and isinstance(text, str):
                subprotocol = text
    return status, subprotocol


def _refuse(request: Request, status: int, body: bytes) -> None:
    request.send(b"%sContent-Type: application/json\r\n" % STATUS_LINES[status], body, status)
