"""REST APIs, composed: what is kept of them, who may call them, and what serves them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambent.gateway.rest_api import RestApiRegistry, RestApis
from lambent.gateway.rest_api.authorizing import RestAuthorizers
from lambent.gateway.rest_api.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AsyncExitStack

    from lambent.gateway.apis import ApiRegistry
    from lambent.gateway.authorizers import Fetcher
    from lambent.gateway.callers import Caller
    from lambent.gateway.functions import FunctionCaller
    from lambent.http import Request
    from lambent.observe import LogStore
    from lambent.store import Database


class RestParts:
    """A registry with what counts the use of keys, and `apis` that serve what is in it."""

    def __init__(
        self, registry: RestApiRegistry, usage: Usage, authorizers: RestAuthorizers, apis: RestApis
    ) -> None:
        self.registry = registry
        self.usage = usage
        self.apis = apis
        self._authorizers = authorizers

    @classmethod
    async def open(
        cls,
        database: Database,
        apis: ApiRegistry,
        functions: FunctionCaller,
        fetcher: Fetcher,
        callers: Callable[[Request], Caller | None],
        logs: LogStore,
        closing: AsyncExitStack,
    ) -> RestParts:
        """As an earlier run has left it; `closing` gets what closes it. `apis` has the domain names.

        Raises StoreError.
        """
        registry = await RestApiRegistry.open(database, apis)
        usage = await Usage.open(registry, database)
        closing.push_async_callback(usage.close)
        authorizers = RestAuthorizers(functions, fetcher, callers)
        registry.on_authorizers_reset = authorizers.reset_cache
        serving = RestApis(registry, functions, authorizers=authorizers, usage=usage, logs=logs)
        closing.callback(serving.close)
        return cls(registry, usage, authorizers, serving)

    async def clear(self) -> None:
        """Forget all of it."""
        await self.registry.clear()
        await self.usage.clear()
        self._authorizers.clear()
