"""Who may call a method: AWS_IAM, functions that decide (TOKEN, REQUEST), Cognito user pools.

"Control and manage access to REST APIs in API Gateway" of the developer guide.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

from lambent.gateway.authorizers.callees import Callees
from lambent.gateway.authorizers.keys import Issuers
from lambent.gateway.rest_api.authorizing_function import DECIDE_S, FunctionAuthorizer
from lambent.gateway.rest_api.authorizing_pool import PoolAuthorizer
from lambent.gateway.rest_api.refusals import (
    AUTHORIZER_CONFIGURATION,
    INVALID_SIGNATURE,
    MISSING_TOKEN,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from lambent.gateway.authorizers.fetch import Fetch
    from lambent.gateway.callers import Identify
    from lambent.gateway.functions import FunctionCaller
    from lambent.gateway.rest_api.exchange import RestExchange
    from lambent.gateway.rest_api.records import Authorizer
    from lambent.gateway.rest_api.refusals import Refusal

_KEPT: Final = 20_000


class RestAuthorizers:
    """Judges requests by the authorization type of their method.

    `fetch` gets the keys of user pools, `identify` finds out who has signed a request for execute-api. `clock` gives
    epoch seconds, `ticks` seconds that only grow; a function may take `decide_s` to decide.
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
        self._callees = Callees(functions)
        self._identify = identify
        self._issuers = Issuers(fetch, ticks)
        self._clock = clock
        self._ticks = ticks
        self._decide_s = decide_s
        self._kept: dict[tuple[str, str, str], FunctionAuthorizer | PoolAuthorizer] = {}

    def authorize(self, exchange: RestExchange) -> Refusal | Awaitable[Refusal | None] | None:
        """Why a request may not go on, or None: at once, unless keys are to be fetched or a function is to be called.

        What is found out of its sender is set in the exchange.
        """
        kind = exchange.method.method.authorization_type
        if kind == "NONE":
            return None
        if kind == "AWS_IAM":
            return self._signed(exchange)
        authorizer = exchange.method.authorizer
        if authorizer is None:
            exchange.authorizer_error = "the method has no authorizer"
            return AUTHORIZER_CONFIGURATION
        return self._of(exchange, authorizer).authorize(exchange)

    def _signed(self, exchange: RestExchange) -> Refusal | None:
        caller = self._identify(exchange.call.request)
        if caller is None:
            signed = (
                exchange.call.header("authorization") is not None or "X-Amz-Signature=" in exchange.call.query
            )
            return INVALID_SIGNATURE if signed else MISSING_TOKEN
        exchange.caller = caller
        if caller.account != exchange.stage.api.account and exchange.stage.policy is None:
            arn = f"{exchange.stage.arn}/{exchange.call.method}{exchange.path}"
            message = (
                f"User: {caller.arn} is not authorized to perform: execute-api:Invoke on resource: {arn}"
            )
            return AUTHORIZER_DENIED.saying(message)
        return None

    def reset_cache(self, api_id: str, stage_name: str) -> None:
        """Forget what functions have decided for a stage (FlushStageAuthorizersCache)."""
        for place, kept in self._kept.items():
            if place[:2] == (api_id, stage_name):
                kept.forget()

    def clear(self) -> None:
        """Forget everything: decisions, keys, tokens."""
        self._kept.clear()
        self._issuers.clear()

    def _of(self, exchange: RestExchange, record: Authorizer) -> FunctionAuthorizer | PoolAuthorizer:
        """What judges for an authorizer, kept with its decisions until the authorizer itself is changed."""
        place = (exchange.stage.api.id, exchange.stage.name, record.id)
        kept = self._kept.get(place)
        if kept is not None and (kept.record is record or kept.record == record):
            return kept
        if len(self._kept) >= _KEPT:
            self._kept.clear()
        made: FunctionAuthorizer | PoolAuthorizer
        if record.type == "COGNITO_USER_POOLS":
            made = PoolAuthorizer(record, self._issuers, self._clock)
        else:
            made = FunctionAuthorizer(record, exchange.stage.api, self._callees, self._ticks, self._decide_s)
        self._kept[place] = made
        return made


AUTHORIZER_DENIED: Final = MISSING_TOKEN._replace(
    type="ACCESS_DENIED", error_type="AccessDeniedException", member="Message"
)
