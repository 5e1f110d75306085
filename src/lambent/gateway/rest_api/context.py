"""Context variables: `$context.…` in templates, parameter mappings and access logs.

"API Gateway mapping template and access logging variable reference" of the developer guide. What a request has not got
is None; access logs write "-" for it.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any, Final

from lambent.gateway.event_v2 import clock_time
from lambent.gateway.rest_api.event import identity

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.gateway.rest_api.exchange import RestExchange


def context_value(exchange: RestExchange, name: str) -> Any:
    """The value of `$context.{name}`."""
    read = _VARIABLES.get(name)
    if read is not None:
        return read(exchange)
    kind, _, rest = name.partition(".")
    if kind == "identity":
        if rest.startswith("clientCert"):
            return None
        return identity(exchange).get(rest)
    if kind == "authorizer" and exchange.authorizer is not None:
        found: Any = exchange.authorizer
        for step in rest.split("."):
            found = found.get(step) if isinstance(found, dict) else None
        return found
    return None


def _matched(read: Callable[[RestExchange], Any]) -> Callable[[RestExchange], Any]:
    return lambda exchange: read(exchange) if exchange.matched else None


def _message_string(exchange: RestExchange) -> str | None:
    refusal = exchange.refusal
    if refusal is None:
        return None
    return json.dumps(refusal.message, ensure_ascii=False)


_VARIABLES: Final[dict[str, Callable[[RestExchange], Any]]] = {
    "accountId": lambda exchange: exchange.stage.api.account,
    "apiId": lambda exchange: exchange.stage.api.id,
    "authorizer.error": lambda exchange: exchange.authorizer_error or None,
    "authorizer.principalId": lambda exchange: (exchange.authorizer or {}).get("principalId"),
    "deploymentId": lambda exchange: exchange.stage.stage.deployment_id,
    "domainName": lambda exchange: exchange.call.host,
    "domainPrefix": lambda exchange: exchange.call.host.partition(".")[0],
    "error.message": lambda exchange: exchange.error or None,
    "error.messageString": _message_string,
    "error.responseType": lambda exchange: exchange.refusal.type if exchange.refusal else None,
    "error.validationErrorString": lambda exchange: (
        exchange.reason
        if exchange.refusal is not None and exchange.refusal.type == "BAD_REQUEST_BODY"
        else None
    ),
    "extendedRequestId": lambda exchange: exchange.call.extended_id,
    "httpMethod": lambda exchange: exchange.call.method,
    "integration.error": lambda exchange: exchange.reason or None,
    "integration.latency": lambda exchange: exchange.integration_latency_ms,
    "integration.requestId": lambda exchange: exchange.integration_request_id or None,
    "integration.status": lambda exchange: exchange.integration_status,
    "integrationErrorMessage": lambda exchange: exchange.reason or None,
    "integrationLatency": lambda exchange: exchange.integration_latency_ms,
    "integrationStatus": lambda exchange: exchange.integration_status,
    "path": lambda exchange: exchange.context_path,
    "protocol": lambda exchange: exchange.call.protocol,
    "requestId": lambda exchange: exchange.call.request_id,
    "requestTime": lambda exchange: clock_time(exchange.call.time_ms),
    "requestTimeEpoch": lambda exchange: exchange.call.time_ms,
    "resourceId": _matched(lambda exchange: exchange.method.resource.id),
    "resourcePath": _matched(lambda exchange: exchange.method.resource.path),
    "operationName": _matched(lambda exchange: exchange.method.method.operation_name),
    "responseLatency": lambda exchange: int(time.time() * 1000) - exchange.call.time_ms,
    "responseLength": lambda exchange: exchange.response_length,
    "stage": lambda exchange: exchange.stage.name,
    "status": lambda exchange: exchange.response_status,
    "xrayTraceId": lambda exchange: (
        exchange.call.headers["x-amzn-trace-id"].partition(";")[0].removeprefix("Root=")
    ),
}
