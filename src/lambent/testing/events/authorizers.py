"""What API Gateway asks of a Lambda authorizer.

Shapes: "Input to an API Gateway Lambda authorizer" (REST), "Control access to HTTP APIs with AWS Lambda authorizers"
(formats 1.0 and 2.0), "Control access to WebSocket APIs with REQUEST authorizers". They are the request's own events
without its body, with the ARN of what is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from lambent.testing.events.http import http_v1, http_v2
from lambent.testing.events.values import ACCOUNT, REGION
from lambent.testing.events.websocket import websocket_connect

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lambent.testing.events.fields import Cookies, Headers, Query

_API = "a1b2c3d4e5"


def authorizer_token(
    token: str,
    method: str = "GET",
    path: str = "/",
    *,
    stage: str = "prod",
    api_id: str = _API,
) -> dict[str, Any]:
    """A REST API's TOKEN authorizer: the header it is told to read, such as `Bearer …`, and nothing else."""
    return {
        "type": "TOKEN",
        "methodArn": _arn(api_id, stage, method, path),
        "authorizationToken": token,
    }


def authorizer_request(
    method: str = "GET",
    path: str = "/",
    *,
    query: Query | None = None,
    headers: Headers | None = None,
    cookies: Cookies | None = None,
    stage: str = "prod",
    resource: str | None = None,
    path_parameters: Mapping[str, str] | None = None,
    stage_variables: Mapping[str, str] | None = None,
    api_id: str = _API,
) -> dict[str, Any]:
    """A REST API's REQUEST authorizer. What a request lacks is empty here, and null in the request's own event."""
    event = http_v1(
        method,
        path,
        query=query,
        headers=headers,
        cookies=cookies,
        stage=stage,
        resource=resource,
        path_parameters=path_parameters,
        stage_variables=stage_variables,
        api_id=api_id,
    )
    del event["body"], event["isBase64Encoded"]
    maps = ("queryStringParameters", "multiValueQueryStringParameters", "pathParameters", "stageVariables")
    return {
        "type": "REQUEST",
        "methodArn": _arn(api_id, stage, method, event["path"]),
        **event,
        **{name: event[name] or {} for name in maps},
    }


def authorizer_http(
    method: str = "GET",
    path: str = "/",
    *,
    version: Literal["1.0", "2.0"] = "2.0",
    identity_sources: Sequence[str] = ("authorization",),
    query: Query | None = None,
    headers: Headers | None = None,
    cookies: Cookies | None = None,
    stage: str = "$default",
    route: str | None = None,
    path_parameters: Mapping[str, str] | None = None,
    stage_variables: Mapping[str, str] | None = None,
    api_id: str = _API,
) -> dict[str, Any]:
    """An HTTP API's authorizer, in the format that it is configured for.

    `identity_sources` names the headers whose values are the caller's identity; null in the event if one is missing, as
    with authorizers that have none (others are not called then).
    """
    if version == "1.0":
        event = authorizer_request(
            method,
            path,
            query=query,
            headers=headers,
            cookies=cookies,
            stage=stage,
            resource=route.rpartition(" ")[2] if route else None,
            path_parameters=path_parameters,
            stage_variables=stage_variables,
            api_id=api_id,
        )
        sent = {name.lower(): value for name, value in event["headers"].items()}
        found = [sent.get(name.lower()) for name in identity_sources]
        identity = ",".join(value for value in found if value) if all(found) else None
        return {"version": "1.0", "identitySource": identity, "authorizationToken": identity, **event}
    event = http_v2(
        method,
        path,
        query=query,
        headers=headers,
        cookies=cookies,
        stage=stage,
        route=route,
        path_parameters=path_parameters,
        stage_variables=stage_variables,
        api_id=api_id,
    )
    del event["isBase64Encoded"]
    found = [event["headers"].get(name.lower()) for name in identity_sources]
    return {
        "version": "2.0",
        "type": "REQUEST",
        "routeArn": _arn(api_id, stage, method, path.partition("?")[0]),
        "identitySource": found if found and all(found) else None,
        **event,
    }


def authorizer_websocket(
    *,
    connection_id: str | None = None,
    query: Query | None = None,
    headers: Headers | None = None,
    cookies: Cookies | None = None,
    stage: str = "prod",
    stage_variables: Mapping[str, str] | None = None,
    api_id: str = _API,
) -> dict[str, Any]:
    """A WebSocket API's REQUEST authorizer, which is asked at $connect only."""
    event = websocket_connect(
        connection_id=connection_id,
        query=query,
        headers=headers,
        cookies=cookies,
        stage=stage,
        stage_variables=stage_variables,
        api_id=api_id,
    )
    del event["isBase64Encoded"]
    maps = ("queryStringParameters", "multiValueQueryStringParameters", "stageVariables")
    return {
        "type": "REQUEST",
        "methodArn": f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api_id}/{stage}/$connect",
        **event,
        **{name: event.get(name) or {} for name in maps},
    }


def _arn(api_id: str, stage: str, method: str, path: str) -> str:
    return f"arn:aws:execute-api:{REGION}:{ACCOUNT}:{api_id}/{stage}/{method}/{path.lstrip('/')}"
