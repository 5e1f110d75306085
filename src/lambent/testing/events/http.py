"""HTTP requests as API Gateway, function URLs and load balancers deliver them.

Shapes: "Lambda proxy integrations in API Gateway" (REST), "Create AWS Lambda proxy integrations for HTTP APIs"
(payload 2.0), "Invoking Lambda function URLs", "Use Lambda functions as targets of an Application Load Balancer".

In every factory `path` is as the client sends it, percent-encoded, and may carry the query after a `?`; `headers` are a
mapping (a value may be a list) or pairs; `query` is a raw string, a mapping (a value may be a list) or pairs; `cookies`
are a mapping or texts such as `a=1`; a `body` of bytes travels in base64, of text as it is, of anything else as JSON
with that content type.

Paths in events: AWS's documents do not say whether they are decoded. Recordings of all sources by one caller
(vokerhttp/testdata/ingress-paths.json of hotsock/voker, of 2026; fastify/aws-lambda-fastify#169, honojs/hono#2156 and
aws-powertools/powertools-lambda-python#1098 for HTTP APIs, localstack/localstack#7728 for REST APIs) have them as they
were sent from REST APIs, function URLs and load balancers. HTTP APIs decode them, what follows a `?` is lost then, and
decode them again; what cannot be decoded again is refused.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from lambent.testing.events.fields import (
    header_fields,
    joined_values,
    last_values,
    match_parameters,
    split_route,
    split_target,
    value_of,
    values_by_name,
)
from lambent.testing.events.values import (
    ACCOUNT,
    REGION,
    SOURCE_IP,
    common_log,
    millis,
    new_hex,
    new_id,
    new_uuid,
    to_wire,
    without_none,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lambent.testing.events.fields import Cookies, Headers, Query
    from lambent.testing.events.values import Moment

_BROKEN = re.compile(r"%(?![0-9A-Fa-f]{2})")
_API = "a1b2c3d4e5"
_URL = "abcdefghijklmnopqrstuvwxyz012345"
_TARGET_GROUP = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}:targetgroup/functions/0123456789abcdef"


def http_v2(
    method: str,
    path: str,
    *,
    query: Query | None = None,
    headers: Headers | None = None,
    cookies: Cookies | None = None,
    body: object = None,
    stage: str = "$default",
    route: str | None = None,
    path_parameters: Mapping[str, str] | None = None,
    stage_variables: Mapping[str, str] | None = None,
    authorizer: Mapping[str, Any] | None = None,
    source_ip: str = SOURCE_IP,
    api_id: str = _API,
    domain: str | None = None,
    request_id: str | None = None,
    time: Moment | None = None,
    decode_path: bool = True,
) -> dict[str, Any]:
    """A request through an HTTP API, payload format 2.0.

    `route` is the route that matched, such as `/orders/{id}` or `GET /orders/{id}`; it gives the path parameters, or
    ValueError if the path does not fit it. Without one the route is `$default`. A stage other than `$default` stands
    before the path in `rawPath`. `authorizer` is what the request context says of it: `{"jwt": {"claims": …, "scopes":
    …}}`, `{"lambda": …}` or `{"iam": …}`.

    The path is decoded, as HTTP APIs do it; ValueError for one that they refuse. Without `decode_path` it stays as it
    was sent, as emulators have it.
    """
    path, pairs, raw_query = split_target(path, query)
    domain = domain or f"{api_id}.execute-api.{REGION}.amazonaws.com"
    text, encoded = to_wire(body)
    fields, jar = header_fields(headers, cookies, body, domain, source_ip)
    route_key, template = split_route(method, route)
    if path_parameters is None and template:
        path_parameters = match_parameters(template, path)
    raw_path = _decoded(path) if decode_path else path
    if stage != "$default":
        raw_path = f"/{stage}{raw_path}"
    joined = joined_values(fields)
    return without_none(
        {
            "version": "2.0",
            "routeKey": route_key,
            "rawPath": raw_path,
            "rawQueryString": raw_query,
            "cookies": jar or None,
            "headers": joined,
            "queryStringParameters": joined_values(pairs, lower=False) or None,
            "pathParameters": dict(path_parameters) if path_parameters else None,
            "requestContext": without_none(
                {
                    "accountId": ACCOUNT,
                    "apiId": api_id,
                    "authorizer": authorizer,
                    "domainName": domain,
                    "domainPrefix": domain.split(".", 1)[0],
                    "http": {
                        "method": method,
                        "path": raw_path,
                        "protocol": "HTTP/1.1",
                        "sourceIp": source_ip,
                        "userAgent": joined["user-agent"],
                    },
                    "requestId": request_id or new_id(),
                    "routeKey": route_key,
                    "stage": stage,
                    "time": common_log(time),
                    "timeEpoch": millis(time),
                }
            ),
            "stageVariables": dict(stage_variables) if stage_variables else None,
            "body": text,
            "isBase64Encoded": encoded,
        }
    )


def function_url(
    method: str,
    path: str,
    *,
    query: Query | None = None,
    headers: Headers | None = None,
    cookies: Cookies | None = None,
    body: object = None,
    authorizer: Mapping[str, Any] | None = None,
    source_ip: str = SOURCE_IP,
    url_id: str = _URL,
    domain: str | None = None,
    request_id: str | None = None,
    time: Moment | None = None,
) -> dict[str, Any]:
    """A request to a function's URL: as from an HTTP API, with the domain of URLs, without routes and stages.

    Its caller is `anonymous`, or with an `authorizer` such as `{"iam": {"accountId": …}}` the account given there.
    """
    event = http_v2(
        method,
        path,
        query=query,
        headers=headers,
        cookies=cookies,
        body=body,
        authorizer=authorizer,
        source_ip=source_ip,
        api_id=url_id,
        domain=domain or f"{url_id}.lambda-url.{REGION}.on.aws",
        request_id=request_id or new_uuid(),
        time=time,
        decode_path=False,
    )
    iam = (authorizer or {}).get("iam") or {}
    event["requestContext"]["accountId"] = iam.get("accountId", "anonymous")
    return event


def http_v1(
    method: str,
    path: str,
    *,
    query: Query | None = None,
    headers: Headers | None = None,
    cookies: Cookies | None = None,
    body: object = None,
    stage: str = "prod",
    resource: str | None = None,
    path_parameters: Mapping[str, str] | None = None,
    stage_variables: Mapping[str, str] | None = None,
    authorizer: Mapping[str, Any] | None = None,
    source_ip: str = SOURCE_IP,
    api_key: str | None = None,
    api_id: str = _API,
    domain: str | None = None,
    request_id: str | None = None,
    time: Moment | None = None,
    http_api: bool = False,
) -> dict[str, Any]:
    """A request through a REST API, or with `http_api` through an HTTP API whose payload format is 1.0.

    `path` in the event is without the stage, `requestContext.path` with it. `resource` is the one that matched, such as
    `/orders/{id}`; without one it is `/{proxy+}`, or `/` for the root. ValueError if the path does not fit it.

    Of an HTTP API the event has a `version`, both paths have the stage unless it is `$default`, and they are decoded.
    """
    path, pairs, _ = split_target(path, query)
    domain = domain or f"{api_id}.execute-api.{REGION}.amazonaws.com"
    text, encoded = to_wire(body)
    fields, jar = header_fields(headers, cookies, body, domain, source_ip)
    if jar:
        fields.append(("cookie", "; ".join(jar)))
    if resource is None:
        resource = "/{proxy+}" if path.strip("/") else "/"
    if path_parameters is None:
        path_parameters = match_parameters(resource, path)
    full_path = f"/{stage}{path}"
    if http_api:
        path = full_path = _decoded(path) if stage == "$default" else f"/{stage}{_decoded(path)}"
    several, values = values_by_name(fields), values_by_name(pairs)
    return {
        **({"version": "1.0"} if http_api else {}),
        "resource": resource,
        "path": path,
        "httpMethod": method,
        "headers": last_values(several),
        "multiValueHeaders": several,
        "queryStringParameters": last_values(values) or None,
        "multiValueQueryStringParameters": values or None,
        "pathParameters": dict(path_parameters) if path_parameters else None,
        "stageVariables": dict(stage_variables) if stage_variables else None,
        "requestContext": {
            "resourceId": new_hex(6),
            "resourcePath": resource,
            "operationName": None,
            "httpMethod": method,
            "extendedRequestId": new_id(),
            "requestTime": common_log(time),
            "path": full_path,
            "accountId": ACCOUNT,
            "protocol": "HTTP/1.1",
            "stage": stage,
            "domainPrefix": domain.split(".", 1)[0],
            "requestTimeEpoch": millis(time),
            "requestId": request_id or new_uuid(),
            "identity": {
                "cognitoIdentityPoolId": None,
                "accountId": None,
                "cognitoIdentityId": None,
                "caller": None,
                "apiKey": api_key,
                "apiKeyId": api_key and "key",
                "accessKey": None,
                "sourceIp": source_ip,
                "principalOrgId": None,
                "cognitoAuthenticationType": None,
                "cognitoAuthenticationProvider": None,
                "userArn": None,
                "userAgent": value_of(fields, "user-agent"),
                "user": None,
            },
            "domainName": domain,
            "apiId": api_id,
            **({"authorizer": dict(authorizer)} if authorizer is not None else {}),
        },
        "body": text,
        "isBase64Encoded": encoded,
    }


def alb(
    method: str,
    path: str,
    *,
    query: Query | None = None,
    headers: Headers | None = None,
    cookies: Cookies | None = None,
    body: object = None,
    multi_value: bool = False,
    source_ip: str = SOURCE_IP,
    domain: str = f"functions-123456789.{REGION}.elb.amazonaws.com",
) -> dict[str, Any]:
    """A request through a load balancer: path and query as they were sent, not decoded.

    With `multi_value`, the target group's attribute, all values of a name arrive, in members of other names; without it
    the last one.
    """
    path, _, raw_query = split_target(path, query)
    text, encoded = to_wire(body)
    fields, jar = header_fields(headers, cookies, body, domain, source_ip, port="80")
    if jar:
        fields.append(("cookie", "; ".join(jar)))
    split = [pair.partition("=") for pair in raw_query.split("&") if pair]
    values = values_by_name([(name, value) for name, _, value in split])
    several = values_by_name([(name.lower(), value) for name, value in fields])
    members: dict[str, Any] = (
        {"multiValueQueryStringParameters": values, "multiValueHeaders": several}
        if multi_value
        else {"queryStringParameters": last_values(values), "headers": last_values(several)}
    )
    return {
        "requestContext": {"elb": {"targetGroupArn": _TARGET_GROUP}},
        "httpMethod": method,
        "path": path,
        **members,
        "body": text or "",
        "isBase64Encoded": encoded,
    }


def _decoded(path: str) -> str:
    """As an HTTP API has it. Raises ValueError for what it answers with 400."""
    once = unquote(path).partition("?")[0]
    if _BROKEN.search(once):
        raise ValueError(f"an HTTP API refuses the path {path!r}: decoded, it has a % without two digits")
    return unquote(once)
