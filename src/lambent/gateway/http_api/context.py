"""Context variables: `$context.…` in access logs and parameter mappings.

"Logging variables for HTTP API access logs" of the developer guide. What a request has not got is None; access logs
write "-" for it.
"""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Final

from lambent.gateway.event_v2 import clock_time

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.gateway.http_api.exchange import Exchange

_AUTHORIZER: Final = "authorizer."


def context_value(exchange: Exchange, name: str) -> str | None:
    """The value of `$context.{name}`."""
    read = _VARIABLES.get(name)
    if read is not None:
        return read(exchange)
    verdict = exchange.verdict
    if verdict is None or not name.startswith(_AUTHORIZER):
        return None
    return verdict.variables.get(name[len(_AUTHORIZER) :])


def _number(value: int | None) -> str | None:
    return None if value is None else str(value)


def _caller(member: str) -> Callable[[Exchange], str | None]:
    def read(exchange: Exchange) -> str | None:
        verdict = exchange.verdict
        if verdict is None or verdict.caller is None:
            return None
        value = verdict.caller.facts()[member]
        return None if value is None else str(value)

    return read


def _verdict(exchange: Exchange, member: str) -> str | None:
    if exchange.verdict is None:
        return None
    return str(getattr(exchange.verdict, member) or "") or None


def _route_key(exchange: Exchange) -> str | None:
    return exchange.route.key if exchange.matched else None


_VARIABLES: Final[dict[str, Callable[[Exchange], str | None]]] = {
    "accountId": lambda exchange: exchange.stage.account,
    "apiId": lambda exchange: exchange.stage.api_id,
    "authorizer.error": lambda exchange: _verdict(exchange, "error"),
    "authorizer.latency": lambda exchange: _verdict(exchange, "latency_ms"),
    "authorizer.principalId": lambda exchange: _verdict(exchange, "principal_id"),
    "authorizer.status": lambda exchange: _verdict(exchange, "function_status"),
    "awsEndpointRequestId": lambda exchange: exchange.integration_request_id or None,
    "customDomain.basePathMatched": lambda exchange: exchange.mapping_key,
    "dataProcessed": lambda exchange: str(len(exchange.call.request.body) + exchange.response_length),
    "domainName": lambda exchange: exchange.call.host,
    "domainPrefix": lambda exchange: exchange.call.host.partition(".")[0],
    "error.message": lambda exchange: exchange.error or None,
    "error.messageString": lambda exchange: json.dumps(exchange.error) if exchange.error else None,
    "extendedRequestId": lambda exchange: exchange.call.request_id,
    "httpMethod": lambda exchange: exchange.call.method,
    "identity.accountId": _caller("accountId"),
    "identity.caller": _caller("callerId"),
    "identity.principalOrgId": _caller("principalOrgId"),
    "identity.sourceIp": lambda exchange: exchange.call.source_ip,
    "identity.user": _caller("userId"),
    "identity.userAgent": lambda exchange: exchange.call.user_agent or None,
    "identity.userArn": _caller("userArn"),
    "integration.error": lambda exchange: exchange.integration_error or None,
    "integration.integrationStatus": lambda exchange: _number(exchange.integration_status),
    "integration.latency": lambda exchange: _number(exchange.integration_latency_ms),
    "integration.requestId": lambda exchange: exchange.integration_request_id or None,
    "integration.status": lambda exchange: _number(exchange.backend_status),
    "integrationErrorMessage": lambda exchange: exchange.integration_error or None,
    "integrationLatency": lambda exchange: _number(exchange.integration_latency_ms),
    "integrationStatus": lambda exchange: _number(exchange.integration_status),
    "path": lambda exchange: exchange.raw_path,
    "protocol": lambda exchange: exchange.call.protocol,
    "requestId": lambda exchange: exchange.call.request_id,
    "requestTime": lambda exchange: clock_time(exchange.call.time_ms),
    "requestTimeEpoch": lambda exchange: str(exchange.call.time_ms),
    "responseLatency": lambda exchange: str(int(time.time() * 1000) - exchange.call.time_ms),
    "responseLength": lambda exchange: str(exchange.response_length),
    "routeKey": _route_key,
    "stage": lambda exchange: exchange.stage.name,
    "status": lambda exchange: _number(exchange.response_status),
}
