"""REQUEST authorizers: functions that are shown a request, of HTTP APIs and of $connect of WebSocket APIs.

As "Control access to HTTP APIs with AWS Lambda authorizers" and "Control access to WebSocket APIs with AWS Lambda
REQUEST authorizers" of the API Gateway developer guide say: a request without all identity sources is answered 401
and the function is not called; one that it refuses 403; a function that fails, may not be called, says what is no
answer, or takes longer than 10 seconds ("Quotas for configuring and running an HTTP API") 500. Of WebSocket APIs, as
of REST APIs, one that fails with "Unauthorized" is answered 401; their decisions are never kept.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, Final

import msgspec

from lambent.functions.names import partition_of
from lambent.gateway.authorizers.callees import SaysUnauthorized, Undecided
from lambent.gateway.authorizers.decisions import Decision, read_policy, read_simple
from lambent.gateway.authorizers.events import Place, request_v1, request_v2
from lambent.gateway.authorizers.identity import reader
from lambent.gateway.authorizers.kept import DEFAULT_S, KeptDecisions
from lambent.gateway.authorizers.verdict import Verdict, broken, forbidden, unauthorized
from lambent.gateway.errors import BadAnswer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from lambent.gateway.apis.deployed import Deployed
    from lambent.gateway.apis.records import Api, Authorizer, Route
    from lambent.gateway.authorizers.callees import Callees
    from lambent.gateway.call import Call

DECIDE_S: Final = 10.0
"""Seconds that a function may take to decide."""

_MISSING: Final = unauthorized("the request does not have all identity sources")
_UNAUTHORIZED: Final = unauthorized("the function says Unauthorized")
_DENIED: Final = "the function does not allow it"

_encode = msgspec.json.Encoder().encode
_log = logging.getLogger(__name__)


def kept_seconds(api: Api, authorizer: Authorizer) -> int:
    """For how long decisions of an authorizer are kept; 0 for not at all."""
    if api.protocol_type == "WEBSOCKET" or not authorizer.identity_source:
        return 0
    seconds = authorizer.authorizer_result_ttl_in_seconds
    return DEFAULT_S if seconds is None else seconds


class RequestAuthorizer:
    """Asks a function about the requests of one API's stage, and keeps what it has decided.

    `ticks` gives seconds; the function may take `decide_s`.
    """

    def __init__(
        self,
        authorizer: Authorizer,
        api: Api,
        callees: Callees,
        ticks: Callable[[], float],
        decide_s: float,
    ) -> None:
        self.record = authorizer
        self._callees = callees
        self._decide_s = decide_s
        self._sources = tuple(map(reader, authorizer.identity_source or ()))
        self._own_arn = (
            f"arn:{partition_of(api.region)}:execute-api:{api.region}:{api.account}:{api.api_id}"
            f"/authorizers/{authorizer.authorizer_id}"
        )
        self._simple = bool(authorizer.enable_simple_responses)
        self._flat = api.protocol_type == "WEBSOCKET"
        self._event = request_v1 if authorizer.authorizer_payload_format_version == "1.0" else request_v2
        seconds = kept_seconds(api, authorizer)
        self._kept = KeptDecisions(seconds, ticks) if seconds > 0 else None

    def forget(self) -> None:
        """Forget what was decided."""
        if self._kept is not None:
            self._kept.clear()

    def authorize(
        self,
        call: Call,
        deployed: Deployed,
        route: Route,
        path: str,
        raw_path: str,
        parameters: Mapping[str, str] | None,
    ) -> Verdict | Awaitable[Verdict]:
        """Judge a request to a route of an HTTP API; later, when the function has to be called."""
        who = self._identity(call, deployed, route)
        if who is None:
            return _MISSING
        arn = f"{_stage_arn(deployed)}/{call.method}/{path.removeprefix('/')}"
        decision = self._kept.get(who) if self._kept is not None else None
        if decision is not None:
            return self._verdict(decision, arn, call, 0)
        place = Place(arn, path, raw_path, parameters)
        event = self._event(call, deployed, route, place, who or None)
        return self._ask(who, event, arn, call, deployed.stage.stage_variables)

    def authorize_connect(
        self, call: Call, deployed: Deployed, route: Route, facts: Callable[[], dict[str, Any]]
    ) -> Verdict | Awaitable[Verdict]:
        """Judge a handshake. `facts` gives what the event has besides its type and ARN."""
        who = self._identity(call, deployed, route)
        if who is None:
            return _MISSING
        arn = f"{_stage_arn(deployed)}/{route.route_key}"
        event = _encode({"type": "REQUEST", "methodArn": arn, **facts()})
        return self._ask(who, event, arn, call, deployed.stage.stage_variables)

    def _identity(self, call: Call, deployed: Deployed, route: Route) -> tuple[str, ...] | None:
        """What the identity sources hold; None when one of them holds nothing."""
        who = tuple([source(call, deployed, route) for source in self._sources])
        return who if all(who) else None

    async def _ask(
        self, who: tuple[str, ...], event: bytes, arn: str, call: Call, variables: Mapping[str, str]
    ) -> Verdict:
        began = time.monotonic()
        try:
            decision = await self._decision(event, call.headers.get("x-amzn-trace-id"), variables)
        except SaysUnauthorized:
            return _UNAUTHORIZED
        except Undecided as error:
            _log.warning("the authorizer %s: %s", self.record.name, error)
            return broken(str(error))
        if self._kept is not None:
            self._kept.put(who, decision)
        return self._verdict(decision, arn, call, round((time.monotonic() - began) * 1000))

    async def _decision(self, event: bytes, trace: str | None, variables: Mapping[str, str]) -> Decision:
        record = self.record
        try:
            result = await self._callees.ask(
                record.authorizer_uri,
                event,
                trace,
                own_arn=self._own_arn,
                in_role=record.authorizer_credentials_arn is not None,
                variables=variables,
                seconds=self._decide_s,
            )
        except SaysUnauthorized as error:
            if self._flat:
                raise
            raise Undecided(str(error)) from None
        try:
            if self._simple:
                return read_simple(result)
            return read_policy(result, flat=self._flat)
        except BadAnswer as error:
            raise Undecided(f"its function returned what is no decision: {error}") from None

    def _verdict(self, decision: Decision, arn: str, call: Call, latency_ms: int) -> Verdict:
        if not decision.allows(arn, call):
            return msgspec.structs.replace(
                forbidden(_DENIED), variables=decision.variables, latency_ms=latency_ms, function_status=200
            )
        context = decision.context
        flat = dict(context) if context is not None else {}
        if not self._simple:
            flat["principalId"] = decision.principal_id
        return Verdict(
            allowed=True,
            context={"lambda": context},
            context_v1=flat,
            principal_id=decision.principal_id,
            variables=decision.variables,
            latency_ms=latency_ms,
            function_status=200,
        )


def _stage_arn(deployed: Deployed) -> str:
    api = deployed.api
    where = f"arn:{partition_of(api.region)}:execute-api:{api.region}:{api.account}:{api.api_id}"
    return f"{where}/{deployed.stage.stage_name}"
