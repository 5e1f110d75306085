"""The authorizers of all APIs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from lambent.gateway.authorizers.jwt import JwtAuthorizer
from lambent.gateway.authorizers.keys import Issuers
from lambent.gateway.authorizers.signed import authorize_signed
from lambent.gateway.authorizers.verdict import OPEN, Verdict, broken

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from lambent.gateway.apis.deployed import Deployed
    from lambent.gateway.apis.records import Route
    from lambent.gateway.authorizers.fetch import Fetch
    from lambent.gateway.call import Call
    from lambent.gateway.callers import Identify
    from lambent.gateway.functions import FunctionCaller

_KEPT: Final = 20_000


class Authorizers:
    """Judges requests by the authorization of their route.

    `fetch` gets documents of token issuers, `identify` finds out who has signed a request for execute-api. `clock`
    gives epoch seconds, `ticks` seconds that only grow.
    """

    def __init__(
        self,
        functions: FunctionCaller,
        fetch: Fetch,
        identify: Identify,
        *,
        clock: Callable[[], float] = time.time,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._functions = functions
        self._identify = identify
        self._clock = clock
        self._issuers = Issuers(fetch, ticks)
        self._compiled: dict[tuple[str, str, str], tuple[Deployed, JwtAuthorizer]] = {}

    def authorize(
        self,
        call: Call,
        deployed: Deployed,
        route: Route,
        *,
        path: str = "",
        path_parameters: Mapping[str, str] | None = None,
    ) -> Verdict | Awaitable[Verdict]:
        """Whether a request may go on to `route`: at once, unless keys are to be fetched or a function is to be called.

        `path` is the request's as functions get it (rawPath of payload 2.0), `path_parameters` what it has for the
        route's variables.
        """
        kind = route.authorization_type
        if kind == "NONE":
            return OPEN
        if kind == "AWS_IAM":
            return authorize_signed(call, deployed.api, self._identify)
        compiled = self._compile(deployed, route)
        if compiled is None:
            return broken(f"{route.route_key} has no authorizer")
        return compiled.authorize(call, deployed)

    def _compile(self, deployed: Deployed, route: Route) -> JwtAuthorizer | None:
        """What judges a route's requests, kept for as long as the stage serves the same."""
        place = (deployed.api.api_id, deployed.stage.stage_name, route.route_id)
        kept = self._compiled.get(place)
        if kept is not None and kept[0] is deployed:
            return kept[1]
        authorizer = deployed.authorizers.get(route.authorizer_id or "")
        if authorizer is None:
            return None
        compiled = JwtAuthorizer(authorizer, route, self._issuers, self._clock)
        if len(self._compiled) >= _KEPT:
            self._compiled.clear()
        self._compiled[place] = (deployed, compiled)
        return compiled
