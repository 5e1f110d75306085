"""The floor of the gateway, composed: function URLs, APIs of all kinds, authorizers, and the door before them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambent.aws.callers import caller_finder
from lambent.gateway.apis import ApiRegistry
from lambent.gateway.authorizers import Authorizers, Fetcher
from lambent.gateway.door import FrontDoor
from lambent.gateway.functions import FunctionCaller
from lambent.gateway.http_api import Domains, HttpApis
from lambent.gateway.rest_api import RestApiRegistry, RestApis
from lambent.gateway.rest_api.authorizing import RestAuthorizers
from lambent.gateway.rest_api.usage import Usage
from lambent.gateway.urls import FunctionUrls
from lambent.gateway.websocket import Clients, ConnectionLimits, WebSocketApis

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AsyncExitStack

    from lambent.aws.apigatewaymanagementapi import ConnectionsEndpoint
    from lambent.aws.authentication import Identity
    from lambent.http import Request
    from lambent.invocation.invoker import Invoker
    from lambent.neighbours.neighbours import Neighbours
    from lambent.neighbours.service_calls import CallService
    from lambent.observe import LogStore
    from lambent.store import Database


class Gateway:
    """What is kept of APIs, and the door that serves them. `open` reads it, `build` makes the door: in between the
    floor above is made, as who signs a request is for that one to say.
    """

    def __init__(self, apis: ApiRegistry, rest_apis: RestApiRegistry, usage: Usage) -> None:
        self.apis = apis
        self.rest_apis = rest_apis
        self.usage = usage
        self.clients = Clients(ConnectionLimits())
        self.door: FrontDoor
        self.authorizers: Authorizers
        self._rest_authorizers: RestAuthorizers

    @classmethod
    async def open(cls, database: Database, closing: AsyncExitStack) -> Gateway:
        """As an earlier run has left it; `closing` gets what closes it. Raises StoreError."""
        apis = await ApiRegistry.open(database)
        rest_apis = await RestApiRegistry.open(database, apis)
        usage = await Usage.open(rest_apis, database)
        closing.push_async_callback(usage.close)
        return cls(apis, rest_apis, usage)

    def build(
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
    ) -> None:
        """Make the door; `closing` gets what closes what is behind it, where handshakes have `drain_s` to end."""
        functions = FunctionCaller(invoker)
        fetcher, callers = Fetcher(neighbours), caller_finder(authenticate, "execute-api")
        self.authorizers = Authorizers(functions, fetcher, callers)
        self.apis.on_authorizers_reset = self.authorizers.reset_cache
        self._rest_authorizers = RestAuthorizers(functions, fetcher, callers)
        self.rest_apis.on_authorizers_reset = self._rest_authorizers.reset_cache
        rest_apis = RestApis(
            self.rest_apis, functions, authorizers=self._rest_authorizers, usage=self.usage, logs=logs
        )
        closing.callback(rest_apis.close)
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
            rest_apis,
        )

    async def clear(self) -> None:
        """Forget all of it."""
        self.clients.close_all()
        await self.apis.clear()
        await self.rest_apis.clear()
        await self.usage.clear()
        self.authorizers.clear()
        self._rest_authorizers.clear()
