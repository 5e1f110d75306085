"""REST APIs at work: from a request to the integration of the method that it matches.

In AWS's order: resource policy, authorization, API key, throttling, validation, integration. What is answered for
stages and APIs that are not there: 403, `{"message":"Forbidden"}`; for paths and methods that are none of a stage's:
403, `{"message":"Missing Authentication Token"}`.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final

from lambent.gateway.call import MAX_BODY
from lambent.gateway.http_api.deadlines import Deadlines
from lambent.gateway.integrations.origins import Origins
from lambent.gateway.rest_api.call import RestCall
from lambent.gateway.rest_api.compression import decompressed
from lambent.gateway.rest_api.exchange import RestExchange
from lambent.gateway.rest_api.function import FunctionIntegration
from lambent.gateway.rest_api.http import HttpIntegration
from lambent.gateway.rest_api.invoking import InvokeIntegration
from lambent.gateway.rest_api.mock import MockIntegration
from lambent.gateway.rest_api.refusals import (
    ACCESS_DENIED,
    BAD_BODY,
    FORBIDDEN,
    INTERNAL,
    MISSING_TOKEN,
    THROTTLED,
    TOO_LARGE,
    Refusal,
)
from lambent.gateway.rest_api.served import ServedStages
from lambent.gateway.rest_api.unserved import UnservedIntegration

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

    from lambent.gateway.functions import FunctionCaller
    from lambent.gateway.rest_api.authorizing import RestAuthorizers
    from lambent.gateway.rest_api.records import Integration
    from lambent.gateway.rest_api.registry import RestApiRegistry
    from lambent.gateway.rest_api.served import ServedStage
    from lambent.gateway.rest_api.usage import Usage
    from lambent.gateway.rest_api.validation import Problem, RequestValidation
    from lambent.http import Request
    from lambent.observe.log_store import LogStore

_FORBIDDEN: Final = b'{"message":"Forbidden"}'
_LAMBDA: Final = ":lambda:path/"

_log = logging.getLogger(__name__)


class RestApis:
    """Serves the REST APIs of a registry; without `logs` there are no access logs."""

    def __init__(
        self,
        registry: RestApiRegistry,
        functions: FunctionCaller,
        *,
        authorizers: RestAuthorizers,
        usage: Usage,
        logs: LogStore | None = None,
    ) -> None:
        self._registry = registry
        self._functions = functions
        self._authorizers = authorizers
        self._usage = usage
        self._stages = ServedStages(registry, self._integration, self._limit, logs)
        self._deadlines: dict[int, Deadlines[RestExchange]] = {}
        self._origins = Origins()
        self._running: set[asyncio.Task[None]] = set()

    def close(self) -> None:
        """End what is still under way, and cut the connections to other servers."""
        for task in list(self._running):
            task.cancel()
        self._origins.close()

    def serves(self, api_id: str) -> bool:
        """Whether there is a REST API with this id."""
        return api_id in self._registry.apis.all

    # ------------------------------------------------------------ requests

    def handle(
        self, request: Request, api_id: str, host: str, path: str, *, stage_name: str | None = None
    ) -> None:
        """Answer a request to an API's own endpoint. `path` is what follows the address, as it was sent.

        With `stage_name` the path does not tell the stage, and an endpoint that is disabled serves nevertheless.
        """
        if stage_name is not None:
            path = f"/{stage_name}{path or '/'}"
        call = RestCall(request, host, path or "/")
        api = self._registry.api(api_id)
        name, slash, rest = (path or "/")[1:].partition("/")
        stage = self._stages.get(api_id, name)
        closed = api is None or (api.disable_execute_api_endpoint and stage_name is None)
        if closed or stage is None:
            _forbid(call)
            return
        call.path = slash + rest or "/"
        led = _led(call.path)
        self._take(RestExchange(call, stage, led, path or "/", led))

    def handle_mapped(
        self, request: Request, api_id: str, stage_name: str, host: str, path: str, whole: str
    ) -> None:
        """Answer a request to a custom domain name: `path` without the mapping's key, `whole` with it."""
        call = RestCall(request, host, path or "/")
        stage = self._stages.get(api_id, stage_name)
        if stage is None:
            _forbid(call)
            return
        whole = whole or "/"
        self._take(RestExchange(call, stage, _led(path or "/"), whole, whole))

    def _take(self, exchange: RestExchange) -> None:
        call, stage = exchange.call, exchange.stage
        if len(call.request.body) > MAX_BODY:
            exchange.refuse(TOO_LARGE)
            return
        if stage.api.minimum_compression_size is not None and not decompressed(call):
            exchange.refuse(BAD_BODY)
            return
        found = stage.routes.match(call.method, exchange.path)
        if found is None:
            exchange.refuse(MISSING_TOKEN)
            return
        exchange.method, exchange.parameters = found
        exchange.matched = True
        policy = stage.policy
        if (
            policy is not None
            and exchange.method.method.authorization_type == "CUSTOM"
            and policy.denies(call, _arn(exchange), None)
        ):
            # No function is asked about what is denied; the rest is judged by both.
            exchange.refuse(_not_authorized(exchange))
            return
        judged = self._authorizers.authorize(exchange)
        if judged is None or isinstance(judged, Refusal):
            self._judged(exchange, judged)
        else:
            self._start(exchange, self._wait_for(exchange, judged))

    async def _wait_for(self, exchange: RestExchange, judged: Awaitable[Refusal | None]) -> None:
        self._judged(exchange, await judged)

    def _judged(self, exchange: RestExchange, refusal: Refusal | None) -> None:
        refusal = refusal or self._not_allowed(exchange) or self._without_key(exchange)
        if refusal is not None:
            exchange.refuse(refusal)
            return
        method = exchange.method
        if method.bucket is not None and not method.bucket.take():
            exchange.refuse(THROTTLED)
            return
        validation = method.validation
        if validation is not None and validation.waits(exchange):
            self._start(exchange, self._validate(exchange, validation))
        else:
            self._validated(exchange, None if validation is None else validation.check(exchange))

    async def _validate(self, exchange: RestExchange, validation: RequestValidation) -> None:
        self._validated(exchange, await validation.acheck(exchange))

    @staticmethod
    def _validated(exchange: RestExchange, problem: Problem | None) -> None:
        method = exchange.method
        if problem is not None:
            exchange.refuse(*problem)
        elif method.integrate is None:
            exchange.refuse(INTERNAL, "No integration defined for method")
        else:
            method.integrate(exchange)

    def _not_allowed(self, exchange: RestExchange) -> Refusal | None:
        """Why the resource policy does not let a request go on."""
        policy = exchange.stage.policy
        if policy is None:
            return None
        if policy.allows(exchange.call, _arn(exchange), exchange.caller):
            return None
        return _not_authorized(exchange)

    def _without_key(self, exchange: RestExchange) -> Refusal | None:
        """Why the request's API key does not let it go on."""
        if not exchange.method.method.api_key_required:
            return None
        if exchange.stage.api.api_key_source == "AUTHORIZER":
            value = exchange.usage_key
        else:
            value = exchange.call.header("x-api-key")
        return FORBIDDEN if value is None else self._usage.take(exchange, value)

    # ------------------------------------------------------------ stages

    def _limit(self, milliseconds: int) -> Deadlines[RestExchange]:
        found = self._deadlines.get(milliseconds)
        if found is None:
            found = self._deadlines[milliseconds] = Deadlines(
                max(milliseconds / 1000, self._functions.patience_s)
            )
        return found

    def _integration(self, stage: ServedStage, integration: Integration) -> Callable[[RestExchange], None]:
        calls_function = _LAMBDA in (integration.uri or "")
        if integration.type == "MOCK":
            return MockIntegration(integration)
        if integration.type == "AWS_PROXY" and calls_function:
            return FunctionIntegration(stage, integration, self._functions)
        if integration.type == "AWS" and calls_function:
            return InvokeIntegration(stage, integration, self._functions)
        if integration.type in ("HTTP", "HTTP_PROXY"):
            return HttpIntegration(stage, integration, self._origins, self._start)
        return UnservedIntegration(integration)

    def _start(self, exchange: RestExchange, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(self._run(exchange, work))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    @staticmethod
    async def _run(exchange: RestExchange, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:  # noqa: BLE001 - whatever goes wrong, the client gets an answer
            _log.error("%s has failed", exchange.method.key, exc_info=error)
            exchange.failed(str(error))


def _led(path: str) -> str:
    """A path with one slash before it: recorded, test_apigateway_lambda.snapshot.json, `/stage//hardcoded`."""
    return "/" + path.lstrip("/")


def _arn(exchange: RestExchange) -> str:
    return f"{exchange.stage.arn}/{exchange.call.method}{exchange.path}"


def _not_authorized(exchange: RestExchange) -> Refusal:
    who = "anonymous" if exchange.caller is None else exchange.caller.arn
    account = exchange.stage.api.account
    hidden = _arn(exchange).replace(f":{account}:", f":{'*' * 8}{account[8:]}:")
    return ACCESS_DENIED.saying(
        f"User: {who} is not authorized to perform: execute-api:Invoke on resource: {hidden}"
    )


def _forbid(call: RestCall) -> None:
    call.send(
        b"HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\nx-amzn-ErrorType: ForbiddenException\r\n",
        _FORBIDDEN,
        403,
    )
