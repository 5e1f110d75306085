"""Functions that decide who may call: TOKEN and REQUEST authorizers.

"Use API Gateway Lambda authorizers", "Input to" and "Output from an API Gateway Lambda authorizer" of the developer
guide: a token that is missing, or not what the validation expression wants, is answered 401 and the function is not
called; one that it refuses 403; a function that fails with "Unauthorized" 401 and otherwise 500.
"""

from __future__ import annotations

import logging
import re
import time
from typing import TYPE_CHECKING, Final

import msgspec

from lambent.functions.names import partition_of
from lambent.gateway.authorizers.callees import SaysUnauthorized, Undecided
from lambent.gateway.authorizers.decisions import read_policy
from lambent.gateway.authorizers.kept import KeptDecisions
from lambent.gateway.errors import BadAnswer
from lambent.gateway.rest_api.authorizers import DEFAULT_TTL_S
from lambent.gateway.rest_api.event import last, query_lists, request_context
from lambent.gateway.rest_api.refusals import (
    ACCESS_DENIED,
    AUTHORIZER_CONFIGURATION,
    AUTHORIZER_FAILURE,
    EXPLICITLY_DENIED,
    UNAUTHORIZED,
)
from lambent.gateway.rest_api.responding import value_of
from lambent.gateway.rest_api.time_limit import matches

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from lambent.gateway.authorizers.callees import Callees
    from lambent.gateway.authorizers.decisions import Decision
    from lambent.gateway.rest_api.exchange import RestExchange
    from lambent.gateway.rest_api.records import Authorizer, RestApi
    from lambent.gateway.rest_api.refusals import Refusal

DECIDE_S: Final = 30.0
"""Seconds that a function may take to decide, as an integration may."""

_encode: Final = msgspec.json.Encoder().encode
_log = logging.getLogger(__name__)


class FunctionAuthorizer:
    """Asks a function about the requests of one API's stage, and keeps what it has decided."""

    def __init__(
        self,
        record: Authorizer,
        api: RestApi,
        callees: Callees,
        ticks: Callable[[], float],
        decide_s: float,
    ) -> None:
        self.record = record
        self._callees = callees
        self._decide_s = decide_s
        self._own_arn = (
            f"arn:{partition_of(api.region)}:execute-api:{api.region}:{api.account}:{api.id}"
            f"/authorizers/{record.id}"
        )
        self._token = record.type == "TOKEN"
        self._sources = [one.strip() for one in (record.identity_source or "").split(",") if one.strip()]
        expression = record.identity_validation_expression
        self._expression = re.compile(expression) if expression and self._token else None
        seconds = record.authorizer_result_ttl_in_seconds
        seconds = DEFAULT_TTL_S if seconds is None else seconds
        self._kept = KeptDecisions(seconds, ticks) if seconds > 0 and self._sources else None

    def forget(self) -> None:
        """Forget what was decided."""
        if self._kept is not None:
            self._kept.clear()

    def authorize(self, exchange: RestExchange) -> Refusal | Awaitable[Refusal | None] | None:
        """Judge a request; later, when the function has to be called."""
        who = tuple([value_of(exchange, source) or "" for source in self._sources])
        if not all(who) or (self._token and not who):
            exchange.authorizer_error = "the request does not have all identity sources"
            return UNAUTHORIZED
        if self._expression is not None and not matches(self._expression, who[0]):
            exchange.authorizer_error = "the token is not what the validation expression wants"
            return UNAUTHORIZED
        arn = f"{exchange.stage.arn}/{exchange.call.method}/{exchange.path.lstrip('/')}"
        decision = self._kept.get(who) if self._kept is not None else None
        if decision is not None:
            return self._judged(exchange, decision, arn, 0)
        return self._ask(exchange, who, arn)

    async def _ask(self, exchange: RestExchange, who: tuple[str, ...], arn: str) -> Refusal | None:
        began = time.monotonic()
        event = self._token_event(who[0], arn) if self._token else self._request_event(exchange, arn)
        try:
            decision = await self._decision(exchange, event)
        except SaysUnauthorized:
            exchange.authorizer_error = "the function says Unauthorized"
            return UNAUTHORIZED
        except Undecided as error:
            _log.warning("the authorizer %s: %s", self.record.name, error)
            exchange.authorizer_error = str(error)
            return AUTHORIZER_FAILURE
        except BadAnswer as error:
            _log.warning("the authorizer %s returned what is no decision: %s", self.record.name, error)
            exchange.authorizer_error = str(error)
            return AUTHORIZER_CONFIGURATION
        if self._kept is not None:
            self._kept.put(who, decision)
        return self._judged(exchange, decision, arn, round((time.monotonic() - began) * 1000))

    async def _decision(self, exchange: RestExchange, event: bytes) -> Decision:
        """Raises Undecided, SaysUnauthorized, BadAnswer."""
        record = self.record
        result = await self._callees.ask(
            record.authorizer_uri,
            event,
            exchange.call.headers.get("x-amzn-trace-id"),
            own_arn=self._own_arn,
            in_role=record.authorizer_credentials is not None,
            variables=exchange.stage.variables,
            seconds=self._decide_s,
        )
        return read_policy(result, flat=True)

    def _judged(
        self, exchange: RestExchange, decision: Decision, arn: str, latency_ms: int
    ) -> Refusal | None:
        if not decision.allows(arn, exchange.call):
            exchange.authorizer_error = "the function does not allow it"
            return EXPLICITLY_DENIED if decision.denies(arn, exchange.call) else ACCESS_DENIED
        exchange.authorizer = {
            **(decision.context or {}),
            "principalId": decision.principal_id,
            "integrationLatency": latency_ms,
        }
        exchange.usage_key = decision.usage_key
        return None

    @staticmethod
    def _token_event(token: str, arn: str) -> bytes:
        return _encode({"type": "TOKEN", "methodArn": arn, "authorizationToken": token})

    @staticmethod
    def _request_event(exchange: RestExchange, arn: str) -> bytes:
        call = exchange.call
        query = query_lists(call.query) if call.query else {}
        return _encode(
            {
                "type": "REQUEST",
                "methodArn": arn,
                "resource": exchange.method.resource.path,
                "path": exchange.event_path,
                "httpMethod": call.method,
                "headers": last(call.spelled),
                "multiValueHeaders": call.spelled,
                "queryStringParameters": last(query),
                "multiValueQueryStringParameters": query,
                "pathParameters": exchange.parameters,
                "stageVariables": exchange.stage.variables,
                "requestContext": request_context(exchange),
            }
        )
