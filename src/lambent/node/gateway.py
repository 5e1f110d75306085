"""The floor of the gateway, composed: function URLs, APIs of all kinds, authorizers, and the door before them."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final

from lambent.aws.callers import caller_finder
from lambent.gateway.apis import ApiRegistry
from lambent.gateway.authorizers import Authorizers, Fetcher
from lambent.gateway.door import FrontDoor
from lambent.gateway.functions import FunctionCaller
from lambent.gateway.http_api import Domains, HttpApis
from lambent.gateway.urls import FunctionUrls
from lambent.gateway.websocket import Clients, ConnectionLimits, WebSocketApis
from lambent.node.later import Later, anything_kept

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.aws.apigatewaymanagementapi import ConnectionsEndpoint
    from lambent.aws.authentication import Identity
    from lambent.http import Request
    from lambent.invocation.invoker import Invoker
    from lambent.neighbours.neighbours import Neighbours
    from lambent.neighbours.service_calls import CallService
    from lambent.node.rest_apis import RestParts
    from lambent.observe import LogStore
    from lambent.store import Database

_NOT_REST: Final = "('api', 'domain', 'vpc_link')"
"""Kinds of what `ApiRegistry` keeps, where REST APIs have theirs too."""


class Gateway:
    """What is kept of APIs, and the door that serves them. `open` reads it, `build` makes the door: in between the
    floor above is made, as who signs a request is for that one to say.

    `rest` is there from the start where an earlier run has left REST APIs, or what belongs to some.
    """

    def __init__(self, database: Database, apis: ApiRegistry) -> None:
        self._database = database
        self.apis = apis
        self.clients = Clients(ConnectionLimits())
        self.door: FrontDoor
        self.authorizers: Authorizers
        self.rest: Later[RestParts]

    @classmethod
    async def open(cls, database: Database) -> Gateway:
        """As an earlier run has left it. Raises StoreError."""
        return cls(database, await ApiRegistry.open(database))

    async def build(
        self,
        closing: AsyncExitStack,
        invoker: Invoker,
        neighbours: Neighbours,
        call_service: CallService,
        logs: LogStore,
        *,
        authenticate: Callable[[Request], Identity],
        connections: ConnectionsEndpoint,
        host_rule: Callable[[str], bool] | None,
        drain_s: float,
        patience_s: float = 0.0,
    ) -> None:
        """Make the door; `closing` gets what closes what is behind it, where handshakes have `drain_s` to end.
        `patience_s` is how long APIs wait for functions at least.

        Raises StoreError.
        """
        functions = FunctionCaller(invoker, patience_s)
        fetcher, callers = Fetcher(neighbours), caller_finder(authenticate, "execute-api")
        self.authorizers = Authorizers(functions, fetcher, callers)
        self.apis.on_authorizers_reset = self.authorizers.reset_cache
        closing_rest = await closing.enter_async_context(AsyncExitStack())

        async def make_rest() -> RestParts:
            from lambent.node.rest_apis import RestParts

            parts = await RestParts.open(
                self._database, self.apis, functions, fetcher, callers, logs, closing_rest
            )
            self.door.rest_apis = parts.apis
            return parts

        self.rest = Later(make_rest)
        http_apis = HttpApis(
            self.apis,
            functions,
            authorize=self.authorizers.authorize,
            call_service=call_service,
            logs=logs,
        )
        closing.callback(http_apis.close)
        websockets = WebSocketApis(
            self.apis,
            functions,
            clients=self.clients,
            manage=connections.handle,
            authorize=self.authorizers.authorize_connect,
        )
        closing.push_async_callback(websockets.close)
        closing.push_async_callback(websockets.settled, drain_s)
        self.door = FrontDoor(
            self.apis,
            FunctionUrls(functions, caller_finder(authenticate, "lambda")),
            http_apis,
            websockets,
            Domains(self.apis),
            host_rule,
        )
        if await anything_kept(self._database, f"gateway_roots WHERE kind NOT IN {_NOT_REST}", "rest_usage"):
            await self.rest.get()

    async def clear(self) -> None:
        """Forget all of it."""
        self.clients.close_all()
        await self.apis.clear()
        self.authorizers.clear()
        rest = await self.rest.settled()
        if rest is not None:
            await rest.clear()
