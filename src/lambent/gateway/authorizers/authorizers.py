"""The authorizers of all APIs."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from lambent.gateway.authorizers.callees import Callees
from lambent.gateway.authorizers.jwt import JwtAuthorizer
from lambent.gateway.authorizers.keys import Issuers
from lambent.gateway.authorizers.request import DECIDE_S, RequestAuthorizer
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

_Place: TypeAlias = tuple[str, str, str]
"""The ids of an API, a stage, and a route or authorizer."""

_KEPT: Final = 20_000


class Authorizers:
    """Judges requests by the authorization of their route.

    `fetch` gets documents of token issuers, `identify` finds out who has signed a request for execute-api. `clock`
    gives epoch seconds, `ticks` seconds that only grow; a function may take `decide_s` to decide.
    """

    def __init__(
        self,
        functions: FunctionCaller,
        fetch: Fetch,
        identify: Identify,
        *,
        clock: Callable[[], float] = time.time,
        ticks: Callable[[], float] = time.monotonic,
        decide_s: float = DECIDE_S,
    ) -> None:
        self._identify = identify
        self._clock = clock
        self._issuers = Issuers(fetch, ticks)
        self._ticks = ticks
        self._decide_s = decide_s
        self._callees = Callees(functions)
        self._tokens: dict[_Place, tuple[Deployed, JwtAuthorizer]] = {}
        self._requests: dict[_Place, RequestAuthorizer] = {}

    def authorize(
        self,
        call: Call,
        deployed: Deployed,
        route: Route,
        *,
        path: str = "",
        raw_path: str = "",
        path_parameters: Mapping[str, str] | None = None,
    ) -> Verdict | Awaitable[Verdict]:
        """Whether a request to an HTTP API may go on to `route`: at once, unless keys are to be fetched or a function
        is to be called.

        `path` is the decoded one that was matched with the routes, without the stage, and `path_parameters` what it
        has for the route's variables; `raw_path` is how events show it.
        """
        kind = route.authorization_type
        if kind == "NONE":
            return OPEN
        if kind == "AWS_IAM":
            return authorize_signed(call, deployed.api, self._identify)
        if kind == "JWT":
            tokens = self._token_authorizer(deployed, route)
            return tokens.authorize(call, deployed) if tokens is not None else _lacking(route)
        requests = self._request_authorizer(deployed, route)
        if requests is None:
            return _lacking(route)
        return requests.authorize(call, deployed, route, path, raw_path or path, path_parameters)

    def authorize_connect(
        self, call: Call, deployed: Deployed, route: Route, facts: Callable[[], dict[str, Any]]
    ) -> Verdict | Awaitable[Verdict]:
        """Whether a handshake may go on to the route $connect of a WebSocket API.

        `facts` gives a new dict with what the event of a REQUEST authorizer has besides `type` and `methodArn`.
        """
        kind = route.authorization_type
        if kind == "NONE":
            return OPEN
        if kind == "AWS_IAM":
            return authorize_signed(call, deployed.api, self._identify)
        requests = self._request_authorizer(deployed, route)
        if requests is None:
            return _lacking(route)
        return requests.authorize_connect(call, deployed, route, facts)

    def reset_cache(self, api_id: str, stage_name: str) -> None:
        """Forget what functions have decided for a stage (ResetAuthorizersCache)."""
        for place, requests in self._requests.items():
            if place[:2] == (api_id, stage_name):
                requests.forget()

    def clear(self) -> None:
        """Forget everything: decisions, keys, tokens."""
        self._tokens.clear()
        self._requests.clear()
        self._issuers.clear()

    def _token_authorizer(self, deployed: Deployed, route: Route) -> JwtAuthorizer | None:
        """What judges a route's tokens, kept for as long as the stage serves the same."""
        place = (deployed.api.api_id, deployed.stage.stage_name, route.route_id)
        kept = self._tokens.get(place)
        if kept is not None and kept[0] is deployed:
            return kept[1]
        authorizer = deployed.authorizers.get(route.authorizer_id or "")
        if authorizer is None or authorizer.authorizer_type != "JWT":
            return None
        tokens = JwtAuthorizer(authorizer, route, self._issuers, self._clock)
        if len(self._tokens) >= _KEPT:
            self._tokens.clear()
        self._tokens[place] = (deployed, tokens)
        return tokens

    def _request_authorizer(self, deployed: Deployed, route: Route) -> RequestAuthorizer | None:
        """What asks a function, kept with its decisions until the authorizer itself is changed."""
        authorizer = deployed.authorizers.get(route.authorizer_id or "")
        if authorizer is None or authorizer.authorizer_type != "REQUEST":
            return None
        place = (deployed.api.api_id, deployed.stage.stage_name, authorizer.authorizer_id)
        kept = self._requests.get(place)
        if kept is not None and (kept.record is authorizer or kept.record == authorizer):
            return kept
        requests = RequestAuthorizer(authorizer, deployed.api, self._callees, self._ticks, self._decide_s)
        if len(self._requests) >= _KEPT:
            self._requests.clear()
        self._requests[place] = requests
        return requests


def _lacking(route: Route) -> Verdict:
    return broken(f"{route.route_key} has no authorizer of its kind")
