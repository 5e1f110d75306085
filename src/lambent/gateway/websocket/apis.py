"""WebSocket APIs: from the handshake to $disconnect.

Sources: "WebSocket APIs" of the API Gateway developer guide; recorded events and answers where the modules name them.
"""

from __future__ import annotations

import asyncio
import logging
import re
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from lambent.gateway.call import extended_id
from lambent.gateway.websocket import events, handshakes
from lambent.gateway.websocket.clients import Client, Clients
from lambent.gateway.websocket.connecting import BAD_BODY, FORBIDDEN, INTERNAL, TOO_MANY, Connecting, refuse
from lambent.gateway.websocket.integrations import Integrations, Outcome
from lambent.gateway.websocket.partings import Partings
from lambent.gateway.websocket.stages import ServedStages

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from lambent.gateway.apis.deployed import Deployed
    from lambent.gateway.apis.records import Route
    from lambent.gateway.apis.registry import ApiRegistry
    from lambent.gateway.authorizers import Verdict
    from lambent.gateway.call import Call
    from lambent.gateway.functions import FunctionCaller
    from lambent.gateway.websocket.stages import StageRoute
    from lambent.http import Request

    Authorize: TypeAlias = Callable[
        [Call, Deployed, Route, Callable[[], dict[str, Any]]], "Verdict | Awaitable[Verdict]"
    ]
    """Judges a handshake; the last parameter gives what the event of a Lambda authorizer has besides `type` and
    `methodArn`."""

_MANAGED: Final = re.compile(r"(?:@|%40)connections/([^/]+)/?", re.IGNORECASE)
_UPGRADE: Final = b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
_VERSION: Final = b"Sec-WebSocket-Version: 13\r\n"

_log = logging.getLogger(__name__)


class WebSocketApis:
    """Serves all WebSocket APIs.

    `clients` are those that connect, with what each may do. `manage` answers requests to `@connections`: it is called
    with the request, the API's id, the stage and the connection's id as it was sent. `authorize` judges handshakes of
    routes that are not open to everybody.
    """

    def __init__(
        self,
        registry: ApiRegistry,
        functions: FunctionCaller,
        *,
        clients: Clients | None = None,
        manage: Callable[[Request, str, str, str], None] | None = None,
        authorize: Authorize | None = None,
    ) -> None:
        self.clients = clients if clients is not None else Clients()
        self.limits = self.clients.limits
        self.integrations = Integrations(functions, self.limits.integration_s)
        self._manage = manage
        self._authorize = authorize
        self._stages = ServedStages(registry)
        self._tasks: set[asyncio.Task[None]] = set()
        self._partings = Partings(self.integrations)

    # ------------------------------------------------------------ handshakes

    def handle(
        self, request: Request, api_id: str, host: str, path: str, *, stage: str | None = None
    ) -> None:
        """Answer a request to a WebSocket API. `path` begins with the stage, unless that is given."""
        below = path.lstrip("/")
        own_endpoint = stage is None
        if stage is None:
            stage, _, below = below.partition("/")
            below = below.lstrip("/")
        managed = _MANAGED.fullmatch(below)
        if managed is not None and self._manage is not None:
            self._manage(request, api_id, stage, managed[1])
            return
        if not handshakes.offered(request):
            # Whatever the path is (serverless-offline's tests, which were run against AWS).
            refuse(request, 426, "Upgrade Required", more=_UPGRADE)
            return
        served = self._stages.get(api_id, stage)
        if served is None or below or (own_endpoint and served.deployed.api.disable_execute_api_endpoint):
            refuse(request, 403, FORBIDDEN)
            return
        flaw = handshakes.flaw(request)
        if flaw is not None:
            status, message = flaw
            refuse(request, status, message, more=_VERSION if status == 426 else b"")
            return
        connecting = Connecting(self, request, served, host)
        verdict = connecting.begin(self._authorize)
        if verdict is not None:
            task = asyncio.get_running_loop().create_task(self._judge(connecting, verdict))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _judge(self, connecting: Connecting, verdict: Awaitable[Verdict]) -> None:
        try:
            judged = await verdict
        except Exception:  # noqa: BLE001 - whatever goes wrong there, the client gets an answer
            _log.exception("an authorizer failed")
            connecting.refuse(500, INTERNAL)
        else:
            connecting.judged(judged)

    # ------------------------------------------------------------ messages

    def message(self, client: Client, text: str) -> None:
        """A message of a client."""
        request_id = extended_id()
        served = self._stages.get(client.api_id, client.stage)
        route = None if served is None else served.route_of(text)
        if served is None or route is None:
            client.reply(events.complaint(FORBIDDEN, client.id, request_id))
            return
        if route.bucket is not None and not route.bucket.take():
            client.reply(events.complaint(TOO_MANY, client.id, request_id))
            return
        if route.validation is not None and not route.validation.accepts(text):
            client.reply(events.complaint(BAD_BODY, client.id, request_id))
            return
        client.at_work += 1
        if client.at_work >= self.limits.calls:
            client.socket.hold()
        event = events.message_event(client.context, route.key, request_id, text, served.variables)
        self.integrations.call(route, event, _Message(self, client, route, request_id).finished)

    def ended(self, client: Client, code: int, reason: str) -> None:
        """A client has gone."""
        self.clients.discard(client)
        served = self._stages.get(client.api_id, client.stage)
        route = None if served is None else served.routes.get("$disconnect")
        if served is None or route is None or route.integration is None:
            return
        self._partings.add(
            route, events.disconnect_event(client, extended_id(), code, reason, served.variables)
        )

    # ------------------------------------------------------------ the end

    async def settled(self, seconds: float) -> None:
        """Return when the functions of $disconnect have ended, after `seconds` at the latest."""
        await self._partings.settled(seconds)

    async def close(self) -> None:
        """End what is left: handshakes that wait, connections to other servers."""
        for task in list(self._tasks):
            task.cancel()
        self.integrations.close()


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
            _log.warning("a message to %s: %s", self._route.source_arn, outcome.failure)
            client.reply(events.complaint(INTERNAL, client.id, self._request_id))
        elif self._route.answers and outcome.body:
            client.reply(outcome.body)
        client.at_work -= 1
        if client.at_work < self._apis.limits.calls:
            client.socket.release()
