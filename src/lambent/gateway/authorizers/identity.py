"""Identity sources: where in a request it says who sends it.

HTTP APIs write `$request.header.Name`, `$request.querystring.name`, `$context.name` and `$stageVariables.name`, or
`${request.header.Name}` and so on;
WebSocket APIs `route.request.header.Name`, `route.request.querystring.name`, `context.name` and
`stageVariables.name` (IdentitySource of CreateAuthorizer, API Gateway V2 API reference).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

from lambent.gateway.event_v2 import query_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.gateway.apis.deployed import Deployed
    from lambent.gateway.apis.records import Route
    from lambent.gateway.call import Call

Reader: TypeAlias = "Callable[[Call, Deployed, Route], str]"
"""What a request has at one identity source; empty when it has nothing there."""

_VARIABLES: Final[dict[str, Reader]] = {
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


def reader(source: str) -> Reader:
    """What reads an identity source; of one that is not known, nothing."""
    if source.startswith("${") and source.endswith("}"):
        source = source[2:-1]
    kind, _, name = source.removeprefix("$").removeprefix("route.").partition(".")
    if kind == "request":
        kind, _, name = name.partition(".")
    make = _KINDS.get(kind)
    return make(name) if make is not None else _nothing


def _nothing(call: Call, deployed: Deployed, route: Route) -> str:
    return ""


def _header(name: str) -> Reader:
    name = name.lower()
    if name == "cookie":
        return _cookies
    return lambda call, deployed, route: call.headers.get(name, "")


def _cookies(call: Call, deployed: Deployed, route: Route) -> str:
    _ = call.headers  # which finds the cookies
    return "; ".join(call.cookies)


def _query(name: str) -> Reader:
    return lambda call, deployed, route: query_of(call.query).get(name, "") if call.query else ""


def _stage_variable(name: str) -> Reader:
    return lambda call, deployed, route: deployed.stage.stage_variables.get(name, "")


def _context_variable(name: str) -> Reader:
    return _VARIABLES.get(name, _nothing)


_KINDS: Final[dict[str, Callable[[str], Reader]]] = {
    "header": _header,
    "querystring": _query,
    "context": _context_variable,
    "stageVariables": _stage_variable,
}
