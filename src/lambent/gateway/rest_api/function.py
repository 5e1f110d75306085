"""Functions behind REST APIs: AWS_PROXY.

"Set up Lambda proxy integrations in API Gateway" of the developer guide. What functions may return, and what is
answered when that is something else, is validated against AWS by localstack/localstack
(test_apigateway_lambda.py: test_aws_proxy_response_payload_format_validation, test_lambda_aws_proxy_response_format).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any, Final

import msgspec

from lambent.gateway.answers import JSON, read_v1
from lambent.gateway.errors import BadAnswer, NoFunction, NotPermitted
from lambent.gateway.functions import MAX_EVENT
from lambent.gateway.integrations.variables import with_variables
from lambent.gateway.rest_api.event import proxy_event
from lambent.gateway.rest_api.refusals import BAD_GATEWAY, INTERNAL, TOO_LARGE
from lambent.invocation.errors import FunctionNotReady, Throttled
from lambent.invocation.request_id import new_request_id

if TYPE_CHECKING:
    from lambent.execution.invocation import Invocation
    from lambent.gateway.answers import Answer
    from lambent.gateway.functions import Callee, FunctionCaller
    from lambent.gateway.rest_api.exchange import RestExchange
    from lambent.gateway.rest_api.records import Integration
    from lambent.gateway.rest_api.served import ServedStage

_MEMBERS: Final = frozenset({"statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded"})
# "Amazon API Gateway important notes": names that an integration's answer cannot set.
_REMAPPED: Final = frozenset(
    {
        "authorization",
        "connection",
        "content-md5",
        "date",
        "expect",
        "host",
        "server",
        "user-agent",
        "www-authenticate",
    }
)

_log = logging.getLogger(__name__)
_decode: Final = msgspec.json.Decoder().decode


class FunctionIntegration:
    """Calls one function. Nothing is waited for: the answer is given when the function's result comes."""

    def __init__(self, stage: ServedStage, integration: Integration, functions: FunctionCaller) -> None:
        # Some write two slashes, which AWS takes: recorded in test_apigateway_common.snapshot.json.
        uri = with_variables(integration.uri or "", stage.variables).replace(
            ":lambda:path//", ":lambda:path/"
        )
        self._uri = uri
        self._functions = functions
        self._assumes = integration.credentials is not None
        self._posts = (integration.http_method or "").upper() == "POST"

    def _callee(self, exchange: RestExchange) -> Callee:
        """The function. Raises NoFunction, NotPermitted."""
        if not self._assumes:
            return self._functions.permitted(self._uri, exchange.method.source_arn(exchange.call.method))
        return self._functions.assumed(self._uri)

    def __call__(self, exchange: RestExchange) -> None:
        """Have the function answer."""
        if not self._posts:
            # Lambda's Invoke is a POST; recorded: test_lambda_aws_proxy_integration_non_post_method.
            exchange.refuse(
                INTERNAL, "Lambda functions are invoked with POST, as integrationHttpMethod has to say"
            )
            return
        try:
            callee = self._callee(exchange)
        except (NotPermitted, NoFunction) as error:
            _log.warning("%s of API %s: %s", exchange.method.key, exchange.stage.api.id, error)
            exchange.refuse(INTERNAL, str(error))
            return
        payload = proxy_event(exchange)
        if len(payload) > MAX_EVENT:
            exchange.refuse(TOO_LARGE, "The event for the function is larger than 6 MB")
            return
        exchange.integration_request_id = request_id = new_request_id()
        exchange.begin()
        running = _Running(exchange, callee.target.invoked_arn)
        try:
            self._functions.call(
                callee,
                payload,
                exchange.call.headers.get("x-amzn-trace-id"),
                running.finished,
                request_id=request_id,
            )
        except Throttled as error:
            exchange.integration_status = 429
            exchange.break_off(INTERNAL, f"Rate Exceeded: {error}")
        except FunctionNotReady as error:
            _log.warning("%s", error)
            exchange.break_off(INTERNAL, str(error))


class _Running:
    """A function that works on an answer; one that comes too late is dropped."""

    __slots__ = ("_arn", "_exchange")

    def __init__(self, exchange: RestExchange, arn: str) -> None:
        self._exchange = exchange
        self._arn = arn

    def finished(self, invocation: Invocation) -> None:
        """Give the answer."""
        exchange = self._exchange
        if not exchange.end():
            return
        if invocation.failure is not None:
            _log.warning("%s was not run: %s", self._arn, invocation.failure)
            exchange.refuse(INTERNAL, str(invocation.failure))
            return
        exchange.integration_status = 200
        if invocation.function_error:
            exchange.refuse(BAD_GATEWAY, "The function has failed: Malformed Lambda proxy response")
            return
        try:
            status, headers, body = _answer(exchange, invocation.result)
        except BadAnswer as error:
            _log.warning("%s returned what is no answer: %s", self._arn, error)
            exchange.refuse(BAD_GATEWAY, f"Malformed Lambda proxy response: {error}")
        else:
            exchange.answer(status, headers, body)


def _answer(exchange: RestExchange, result: bytes) -> Answer:
    """What a function has returned, as an answer. Raises BadAnswer."""
    try:
        value: Any = _decode(result)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadAnswer(f"it is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise BadAnswer("it is no object")
    unknown = value.keys() - _MEMBERS
    if unknown:
        raise BadAnswer(f"it has members that answers have not: {', '.join(sorted(unknown))}")
    if value.get("statusCode") is None:
        value["statusCode"] = 200
    if value.get("isBase64Encoded") is True and not exchange.stage.is_binary(
        exchange.call.header("accept") or "application/json"
    ):
        # Only what the client asks for as one of the API's binary media types is decoded.
        value["isBase64Encoded"] = False
    answer = read_v1(value, JSON)
    if any(name.lower() in _REMAPPED for name, _ in answer.headers):
        headers = [
            (f"x-amzn-Remapped-{name}" if name.lower() in _REMAPPED else name, text)
            for name, text in answer.headers
        ]
        return answer._replace(headers=headers)
    return answer
