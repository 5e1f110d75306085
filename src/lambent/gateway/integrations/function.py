"""Functions behind HTTP APIs: payload formats 1.0 and 2.0.

"Create AWS Lambda proxy integrations for HTTP APIs" of the developer guide. What goes wrong is answered with 500 and
`{"message":"Internal Server Error"}`, and the reason is in the log: "Troubleshooting issues with HTTP API Lambda
integrations" (REST APIs answer 502 instead).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, urlencode

from lambent.gateway.answers import answer_v1, answer_v2
from lambent.gateway.errors import BadAnswer, NoFunction, NotPermitted
from lambent.gateway.event_v1 import event_v1
from lambent.gateway.event_v2 import event_v2
from lambent.gateway.functions import MAX_EVENT
from lambent.gateway.http_api.mapping import RequestMapping
from lambent.gateway.integrations.variables import with_variables
from lambent.invocation.errors import FunctionNotReady, Throttled
from lambent.invocation.request_id import new_request_id

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lambent.execution.invocation import Invocation
    from lambent.gateway.answers import Answer
    from lambent.gateway.apis.records import Integration
    from lambent.gateway.functions import Callee, FunctionCaller
    from lambent.gateway.http_api.exchange import Exchange


PLAIN: Final = "text/plain; charset=utf-8"
"""What a body is of which the function does not say it (fujiwara/ridge#9; aws/aws-lambda-dotnet, LambdaTestTool-v2)."""

_NOT_PERMITTED: Final = (
    "The IAM role configured on the integration or API Gateway doesn't have permissions to call the integration. "
    "Check the permissions and try again."
)

_FUNCTION_ERROR: Final = "The Lambda function returned the following error: the function has failed"
_NO_ANSWER: Final = (
    "The response from the Lambda function doesn't match the format that API Gateway expects. Lambda body contains the "
    "wrong type or is no answer"
)

_log = logging.getLogger(__name__)


class FunctionIntegration:
    """Calls one function. Nothing is waited for: the answer is given when the function's result comes."""

    def __init__(
        self, integration: Integration, variables: Mapping[str, str], functions: FunctionCaller
    ) -> None:
        self._uri = with_variables(integration.integration_uri or "", variables)
        self._functions = functions
        self._assumes = integration.credentials_arn is not None
        parameters = integration.request_parameters
        self._mapping = RequestMapping(parameters) if parameters else None
        self._read = answer_v1 if integration.payload_format_version == "1.0" else answer_v2
        self._event = _first if integration.payload_format_version == "1.0" else _second

    def _callee(self, exchange: Exchange) -> Callee:
        """The function. Raises NoFunction, NotPermitted."""
        functions = self._functions
        if not self._assumes:
            return functions.permitted(self._uri, exchange.route.source_arn(exchange.call.method))
        return functions.assumed(self._uri)

    def _map(self, exchange: Exchange) -> None:
        assert self._mapping is not None
        call = exchange.call
        pairs = parse_qsl(call.query, keep_blank_values=True)
        headers, query, path = self._mapping.apply(exchange, list(call.headers.items()), list(pairs))
        call.headers.clear()
        for name, value in headers:
            key = name.lower()
            call.headers[key] = f"{call.headers[key]},{value}" if key in call.headers else value
        if query != pairs:
            call.query = urlencode(query)
        if path is not None:
            exchange.raw_path = exchange.mapping_path = path

    def __call__(self, exchange: Exchange) -> None:
        """Have the function answer."""
        call = exchange.call
        try:
            callee = self._callee(exchange)
        except NotPermitted as error:
            _log.warning("%s", error)
            exchange.fail(500, "Internal Server Error", _NOT_PERMITTED)
            return
        except NoFunction as error:
            _log.warning("route %s of API %s: %s", exchange.route.key, exchange.stage.api_id, error)
            exchange.fail(500, "Internal Server Error", str(error))
            return
        if self._mapping is not None:
            self._map(exchange)
        payload = self._event(exchange)
        if len(payload) > MAX_EVENT:
            exchange.fail(413, "Request Entity Too Large", "The event for the function is larger than 6 MB")
            return
        exchange.integration_request_id = request_id = new_request_id()
        exchange.begin()
        running = _Running(exchange, self._read, callee.target.invoked_arn)
        try:
            self._functions.call(
                callee, payload, call.headers.get("x-amzn-trace-id"), running.finished, request_id=request_id
            )
        except Throttled as error:
            exchange.integration_status = 429
            exchange.break_off(503, "Service Unavailable", f"Rate Exceeded: {error}")
        except FunctionNotReady as error:
            _log.warning("%s", error)
            exchange.break_off(500, "Internal Server Error", str(error))


class _Running:
    """A function that works on an answer; one that comes too late is dropped."""

    __slots__ = ("_arn", "_exchange", "_read")

    def __init__(self, exchange: Exchange, read: Callable[[bytes, str], Answer], arn: str) -> None:
        self._exchange = exchange
        self._read = read
        self._arn = arn

    def finished(self, invocation: Invocation) -> None:
        """Give the answer."""
        exchange = self._exchange
        if not exchange.end():
            return
        if invocation.failure is not None:
            _log.warning("%s was not run: %s", self._arn, invocation.failure)
            exchange.fail(500, "Internal Server Error", str(invocation.failure))
            return
        exchange.integration_status = 200
        if invocation.function_error:
            exchange.fail(500, "Internal Server Error", _FUNCTION_ERROR)
            return
        try:
            exchange.integrated(*self._read(invocation.result, PLAIN))
        except BadAnswer as error:
            _log.warning("%s returned what is no answer: %s", self._arn, error)
            exchange.fail(500, "Internal Server Error", _NO_ANSWER)
        except Exception:  # noqa: BLE001 - logged, and answered
            _log.exception("what %s returned could not be sent", self._arn)
            if not exchange.call.answered:
                exchange.fail(500, "Internal Server Error", _NO_ANSWER)


def _first(exchange: Exchange) -> bytes:
    return event_v1(exchange)


def _second(exchange: Exchange) -> bytes:
    stage, verdict = exchange.stage, exchange.verdict
    return event_v2(
        exchange.call,
        api_id=stage.api_id,
        account_id=stage.account,
        raw_path=exchange.raw_path,
        route_key=exchange.route.key,
        stage=stage.name,
        authorizer=None if verdict is None else verdict.context,
        path_parameters=exchange.parameters,
        stage_variables=stage.variables,
    )
