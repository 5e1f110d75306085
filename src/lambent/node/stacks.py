"""The floor of stacks, composed: templates' transforms, response URLs, macros, and the stacks themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambent.stacks.providers.catalogue import Catalogue
from lambent.stacks.providers.codedeploy.register import Deployments
from lambent.stacks.providers.macros import Macros
from lambent.stacks.responses import Responses
from lambent.stacks.restoring import Restoring
from lambent.stacks.stacks import Stacks
from lambent.stacks.transforms import Fetcher, Macro, Transforms

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from contextlib import AsyncExitStack

    from lambent.clock import Clock
    from lambent.http import Request
    from lambent.neighbours.neighbours import Neighbours
    from lambent.neighbours.service_calls import AskService, ServiceCall
    from lambent.store import Database


class StackParts:
    """Stacks and what they are made of. Use `open`, then `start` when the platform listens."""

    def __init__(
        self,
        stacks: Stacks,
        transforms: Transforms,
        fetcher: Fetcher,
        catalogue: Catalogue,
        responses: Responses,
        macros: Macros,
        deployments: Deployments,
    ) -> None:
        self.stacks = stacks
        self.transforms = transforms
        self.fetcher = fetcher
        self.catalogue = catalogue
        self._responses = responses
        self._macros = macros
        self.deployments = deployments

    @classmethod
    async def open(
        cls,
        database: Database,
        clock: Clock,
        ask: AskService,
        closing: AsyncExitStack,
        *,
        inside_url: Callable[[], str],
        public_url: Callable[[], str],
        ignore_unsupported: bool,
        shifting_minute_s: float,
        neighbours: Neighbours,
        ask_with: Callable[[ServiceCall, Mapping[str, str]], Awaitable[dict[str, Any]]],
    ) -> StackParts:
        """Everything as an earlier run has left it; `closing` gets what closes it. Raises StoreError.

        `inside_url()`, `public_url()`: the platform's addresses, for functions and for everybody else. What
        `neighbours` forget is made again when they are started, with requests by `ask_with`: with headers.
        """
        responses = await Responses.open(database, clock, inside_url, public_url)
        macros = await Macros.open(database)
        deployments = await Deployments.open(database, clock, shifting_minute_s)
        fetcher = Fetcher(ask, lambda: [public_url(), inside_url()])
        transforms = Transforms(ask, fetcher, clock)

        def find_macro(account: str, region: str, name: str) -> Macro | None:
            found = macros.find(account, region, name)
            return None if found is None else Macro(found.name, found.function)

        transforms.find_macro = find_macro
        closing.callback(transforms.close)
        catalogue = Catalogue({"responses": responses, "macros": macros, "deployments": deployments})
        stacks = await Stacks.open(
            database,
            clock,
            ask,
            catalogue=catalogue,
            transforms=transforms,
            fetcher=fetcher,
            ignore_unsupported=ignore_unsupported,
        )
        restoring = Restoring(
            stacks.ledger,
            catalogue,
            ask_with,
            forgets=lambda service: not neighbours.is_real(service),
            headers=neighbours.restoring,
        )
        neighbours.on_started(restoring.restore)
        return cls(stacks, transforms, fetcher, catalogue, responses, macros, deployments)

    async def start(self) -> None:
        """Go on with what was interrupted. The platform listens: services are asked over its own port."""
        await self.stacks.start()

    async def drain(self, seconds: float) -> None:
        """Begin no more steps, and wait for those that run, at most `seconds`. The rest is done at the next start."""
        await self.stacks.drain(seconds)

    async def clear(self) -> None:
        """Forget all of it; resources are left to their services."""
        await self.stacks.clear()
        await self._responses.clear()
        await self._macros.clear()
        await self.deployments.clear()

    def handle(self, request: Request) -> bool:
        """Take a request to a response URL. False for any other."""
        return self._responses.handle(request)
