"""Identity sources: where in a request it says who sends it.

HTTP APIs write `$request.header.Name`, `$request.querystring.name`, `$context.name` and `$stageVariables.name`;
WebSocket APIs `route.request.header.Name`, `route.request.querystring.name`, `context.name` and
`stageVariables.name` (IdentitySource of CreateAuthorizer, API Gateway V2 API reference).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lambent.gateway.event_v2 import query_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.gateway.apis.deployed import Deployed
    from lambent.gateway.apis.records import Route
    from lambent.gateway.call import Call

_HEADER: Final = ("$request.header.", "route.request.header.")
_QUERY: Final = ("$request.querystring.", "route.request.querystring.")
_CONTEXT: Final = ("$context.", "context.")
_VARIABLE: Final = ("$stageVariables.", "stageVariables.")

_VARIABLES: Final[dict[str, Callable[[Call, Deployed, Route], str]]] = {
    "accountId": lambda call, deployed, route: deployed.api.account,
    "apiId": lambda call, deployed, route: deployed.api.api_id,
    "domainName": lambda call, deployed, route: call.host,
    "domainPrefix": lambda call, deployed, route: call.host.partition(".")[0],
    "httpMethod": lambda call, deployed, route: call.method,
    "http.method": lambda call, deployed, route: call.method,
    "identity.sourceIp": lambda call, deployed, route: call.source_ip,
    "identity.userAgent": lambda call, deployed, route: call.user_agent,
    "path": lambda call, deployed, route: call.raw_path,
    "protocol": lambda call, deployed, route: call.protocol,
    "requestId": lambda call, deployed, route: call.request_id,
    "routeKey": lambda call, deployed, route: route.route_key,
    "stage": lambda call, deployed, route: deployed.stage.stage_name,
}


def identity(source: str, call: Call, deployed: Deployed, route: Route) -> str:
    """What a request has at one identity source; empty when it has nothing there."""
    for prefixes, read in (
        (_HEADER, _header),
        (_QUERY, _query),
        (_VARIABLE, _stage_variable),
        (_CONTEXT, _context_variable),
    ):
        for prefix in prefixes:
            if source.startswith(prefix):
                return read(source[len(prefix) :], call, deployed, route)
    return ""


def _header(name: str, call: Call, deployed: Deployed, route: Route) -> str:
    name = name.lower()
    if name == "cookie":
        _ = call.headers  # which finds the cookies
        return "; ".join(call.cookies)
    return call.headers.get(name, "")


def _query(name: str, call: Call, deployed: Deployed, route: Route) -> str:
    return query_of(call.query).get(name, "") if call.query else ""


def _stage_variable(name: str, call: Call, deployed: Deployed, route: Route) -> str:
    return deployed.stage.stage_variables.get(name, "")


def _context_variable(name: str, call: Call, deployed: Deployed, route: Route) -> str:
    read = _VARIABLES.get(name)
    return "" if read is None else read(call, deployed, route)
