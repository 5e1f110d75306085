"""Functions behind REST APIs that are no proxies: AWS integrations of Lambda.

"Set up Lambda custom integrations in API Gateway" of the developer guide: the function gets what the request template
makes, and integration responses are chosen by its error's message.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

import msgspec

from lambent.gateway.errors import NoFunction, NotPermitted
from lambent.gateway.functions import MAX_EVENT
from lambent.gateway.integrations.variables import with_variables
from lambent.gateway.rest_api.refusals import INTERNAL, TOO_LARGE, UNSUPPORTED_TYPE
from lambent.gateway.rest_api.templating import (
    NoTemplate,
    Replied,
    RequestMapping,
    ResponseMapping,
)
from lambent.gateway.rest_api.velocity_nodes import TemplateRefused
from lambent.invocation.errors import FunctionNotReady, Throttled
from lambent.invocation.request_id import new_request_id

if TYPE_CHECKING:
    from lambent.execution.invocation import Invocation
    from lambent.gateway.functions import FunctionCaller
    from lambent.gateway.rest_api.exchange import RestExchange
    from lambent.gateway.rest_api.records import Integration
    from lambent.gateway.rest_api.served import ServedStage

_JSON: Final = [("Content-Type", "application/json")]

_log = logging.getLogger(__name__)


class InvokeIntegration:
    """Calls one function with what a template makes of a request."""

    def __init__(self, stage: ServedStage, integration: Integration, functions: FunctionCaller) -> None:
        uri = with_variables(integration.uri or "", stage.variables).replace(
            ":lambda:path//", ":lambda:path/"
        )
        self._uri = uri
        self._functions = functions
        self._assumes = integration.credentials is not None
        self._request = RequestMapping(integration)
        self._response = ResponseMapping(integration)

    def __call__(self, exchange: RestExchange) -> None:
        """Have the function answer."""
        functions = self._functions
        try:
            callee = (
                functions.assumed(self._uri)
                if self._assumes
                else functions.permitted(self._uri, exchange.method.source_arn(exchange.call.method))
            )
            body, _ = self._request.body(exchange)
            msgspec.json.decode(body or b"{}")
        except NoTemplate:
            exchange.refuse(UNSUPPORTED_TYPE)
            return
        except (NotPermitted, NoFunction, TemplateRefused) as error:
            _log.warning("%s of API %s: %s", exchange.method.key, exchange.stage.api.id, error)
            exchange.refuse(INTERNAL, f"Execution failed due to configuration error: {error}")
            return
        except (msgspec.DecodeError, RecursionError) as error:
            # Lambda's own refusal goes through the integration responses, as an error without a message to match.
            self._replied(
                exchange, f'{{"message": "Could not parse request body into json: {error}"}}'.encode(), ""
            )
            return
        if len(body) > MAX_EVENT:
            exchange.refuse(TOO_LARGE, "The event for the function is larger than 6 MB")
            return
        exchange.integration_request_id = request_id = new_request_id()
        exchange.begin()
        try:
            functions.call(
                callee,
                body or b"{}",
                exchange.call.headers.get("x-amzn-trace-id"),
                lambda invocation: self._finished(exchange, invocation),
                request_id=request_id,
            )
        except (Throttled, FunctionNotReady) as error:
            exchange.break_off(INTERNAL, str(error))

    def _finished(self, exchange: RestExchange, invocation: Invocation) -> None:
        if not exchange.end():
            return
        if invocation.failure is not None:
            exchange.refuse(INTERNAL, str(invocation.failure))
            return
        exchange.integration_status = 200
        message = ""
        if invocation.function_error:
            try:
                error = msgspec.json.decode(invocation.result)
                message = str(error.get("errorMessage") or "") if isinstance(error, dict) else ""
            except (msgspec.DecodeError, RecursionError):
                message = ""
        self._replied(exchange, invocation.result, message)

    def _replied(self, exchange: RestExchange, result: bytes, message: str) -> None:
        try:
            answer = self._response.of(exchange, Replied(message, _JSON, result))
        except TemplateRefused as error:
            exchange.refuse(INTERNAL, f"Execution failed due to configuration error: {error}")
            return
        if answer is None:
            exchange.refuse(INTERNAL, "No match for output mapping and no default output mapping configured")
        else:
            exchange.answer(*answer)
