"""Functions that decide who may call: TOKEN and REQUEST authorizers.

"Use API Gateway Lambda authorizers", "Input to" and "Output from an API Gateway Lambda authorizer" of the developer
guide: a token that is missing, or not what the validation expression wants, is answered 401 and the function is not
called; one that it refuses 403; a function that fails with "Unauthorized" 401 and otherwise 500.
"""

from __future__ import annotations

import logging
import re
import time
from typing import TYPE_CHECKING, Any, Final

import msgspec

from lambent.functions.names import partition_of
from lambent.gateway.authorizers.decisions import read_policy
from lambent.gateway.authorizers.kept import KeptDecisions
from lambent.gateway.errors import BadAnswer, GatewayError
from lambent.gateway.integrations.variables import with_variables
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
from lambent.invocation.errors import FunctionNotReady, Throttled

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from lambent.gateway.authorizers.decisions import Decision
    from lambent.gateway.functions import FunctionCaller
    from lambent.gateway.rest_api.exchange import RestExchange
    from lambent.gateway.rest_api.records import Authorizer, RestApi
    from lambent.gateway.rest_api.refusals import Refusal

DECIDE_S: Final = 30.0
"""Seconds that a function may take to decide, as an integration may."""

_encode: Final = msgspec.json.Encoder().encode
_log = logging.getLogger(__name__)


class _Failed(Exception):
    """The function did not decide; the text says why."""


class _Unauthorized(Exception):
    """The function says that it does not know the caller."""


class FunctionAuthorizer:
    """Asks a function about the requests of one API's stage, and keeps what it has decided."""

    def __init__(
        self,
        record: Authorizer,
        api: RestApi,
        functions: FunctionCaller,
        ticks: Callable[[], float],
        decide_s: float,
    ) -> None:
        self.record = record
        self._functions = functions
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
        except _Unauthorized:
            exchange.authorizer_error = "the function says Unauthorized"
            return UNAUTHORIZED
        except _Failed as error:
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
        """Raises _Failed, _Unauthorized, BadAnswer."""
        record = self.record
        uri = with_variables(record.authorizer_uri or "", exchange.stage.variables)
        try:
            callee = (
                self._functions.permitted(uri, self._own_arn)
                if record.authorizer_credentials is None
                else self._functions.assumed(uri)
            )
            trace = exchange.call.headers.get("x-amzn-trace-id")
            invocation = await self._functions.acall(callee, event, trace, self._decide_s)
        except GatewayError as error:
            raise _Failed(str(error)) from None
        except (Throttled, FunctionNotReady) as error:
            raise _Failed(f"its function was not run: {error}") from None
        except TimeoutError:
            raise _Failed(f"its function took longer than {self._decide_s:g} seconds") from None
        if invocation.failure is not None:
            raise _Failed(f"its function was not run: {invocation.failure}")
        if invocation.function_error:
            if _message(invocation.result) == "Unauthorized":
                raise _Unauthorized
            raise _Failed("its function failed")
        return read_policy(invocation.result, flat=True)

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


def _message(result: bytes) -> str | None:
    """The message of a function's error."""
    try:
        error: Any = msgspec.json.decode(result)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    message = error.get("errorMessage") if isinstance(error, dict) else None
    return message if isinstance(message, str) else None
