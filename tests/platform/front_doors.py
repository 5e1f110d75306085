"""Ways into functions by HTTP: function URLs, HTTP APIs and WebSocket APIs of a running platform, made with boto3."""

from __future__ import annotations

import functools
import json
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from tests.platform.conftest import Answer, Platform

ECHO = "def handler(event, context):\n    return event\n"


@dataclass(frozen=True)
class Door:
    """Where a function is reached, and a way to ask there.

    `host` is its Host with the port, `prefix` what paths begin with: a stage that is not `$default`.
    """

    platform: Platform
    host: str
    id: str
    function: str
    prefix: str = ""

    @property
    def url(self) -> str:
        """For clients that resolve names below localhost themselves: browsers and curl do."""
        return f"http://{self.host}{self.prefix}"

    @property
    def by_path(self) -> str:
        """For clients that do not."""
        kind = "execute-api" if ".execute-api." in self.host else "lambda-url"
        return f"{self.platform.url}/_aws/{kind}/{self.id}{self.prefix}"

    def __call__(
        self,
        method: str = "GET",
        path: str = "/",
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        return self.platform.request(method, self.prefix + path, body, {"Host": self.host, **(headers or {})})


def function_url(platform: Platform, function: str, *, public: bool = True, **members: Any) -> Door:
    """The URL of a function; everybody may use it if it is `public`, and who signs for it otherwise."""
    auth_type = "NONE" if public else "AWS_IAM"
    made = platform.aws.create_function_url_config(FunctionName=function, AuthType=auth_type, **members)
    if public:
        platform.aws.add_permission(
            FunctionName=function,
            StatementId="public",
            Action="lambda:InvokeFunctionUrl",
            Principal="*",
            FunctionUrlAuthType=auth_type,
        )
    host = urlsplit(made["FunctionUrl"]).netloc
    return Door(platform, host, host.partition(".")[0], function)


def http_api(
    platform: Platform,
    function: str,
    *,
    payload: str = "2.0",
    keys: Iterable[str] = ("$default",),
    stage: str = "$default",
    variables: Mapping[str, str] | None = None,
    route: Mapping[str, Any] | None = None,
    **members: Any,
) -> Door:
    """An HTTP API whose routes all lead to one function.

    `route` are more members of each route, `members` those of the API.
    """
    client = apis(platform)
    api = client.create_api(Name="test", ProtocolType="HTTP", **members)
    integration = integrate(platform, api["ApiId"], function, PayloadFormatVersion=payload)
    for key in keys:
        client.create_route(ApiId=api["ApiId"], RouteKey=key, Target=integration, **(route or {}))
    client.create_stage(
        ApiId=api["ApiId"], StageName=stage, AutoDeploy=True, StageVariables=dict(variables or {})
    )
    prefix = "" if stage == "$default" else f"/{stage}"
    return Door(platform, urlsplit(api["ApiEndpoint"]).netloc, api["ApiId"], function, prefix)


def websocket_api(
    platform: Platform,
    function: str,
    *,
    keys: Iterable[str] = ("$connect", "$disconnect", "$default"),
    answering: Iterable[str] = (),
    stage: str = "live",
    route: Mapping[str, Mapping[str, Any]] | None = None,
) -> Door:
    """A WebSocket API whose routes all lead to one function.

    `answering` are keys whose function's result goes to the client, `route` more members of the route of a key.
    """
    client = apis(platform)
    api = client.create_api(
        Name="test", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.action"
    )
    integration = integrate(platform, api["ApiId"], function)
    for key in keys:
        more = dict((route or {}).get(key, {}))
        if key in answering:
            more["RouteResponseSelectionExpression"] = "$default"
        made = client.create_route(ApiId=api["ApiId"], RouteKey=key, Target=integration, **more)
        if key in answering:
            client.create_route_response(
                ApiId=api["ApiId"], RouteId=made["RouteId"], RouteResponseKey="$default"
            )
    client.create_stage(ApiId=api["ApiId"], StageName=stage, AutoDeploy=True)
    return Door(platform, urlsplit(api["ApiEndpoint"]).netloc, api["ApiId"], function, f"/{stage}")


def integrate(platform: Platform, api_id: str, function: str, **members: Any) -> str:
    """The target of routes that lead to a function, which is permitted to the API."""
    arn = permit(platform, api_id, function)
    made = apis(platform).create_integration(
        ApiId=api_id, IntegrationType="AWS_PROXY", IntegrationUri=arn, IntegrationMethod="POST", **members
    )
    return f"integrations/{made['IntegrationId']}"


def permit(platform: Platform, api_id: str, function: str) -> str:
    """Let an API call a function, whatever of it; the function's ARN."""
    arn = f"arn:aws:lambda:us-east-1:000000000000:function:{function}"
    platform.aws.add_permission(
        FunctionName=function,
        StatementId=uuid.uuid4().hex,
        Action="lambda:InvokeFunction",
        Principal="apigateway.amazonaws.com",
        SourceArn=f"arn:aws:execute-api:us-east-1:000000000000:{api_id}/*",
    )
    return arn


def invocation_uri(arn: str) -> str:
    """How authorizers name a function."""
    return f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations"


@functools.cache
def apis(platform: Platform) -> Any:
    """A client of API Gateway V2."""
    return platform.client("apigatewayv2")


def event_of(answer: Answer) -> dict[str, Any]:
    """What an ECHO function got."""
    assert answer.status == 200, answer
    event: dict[str, Any] = json.loads(answer.body)
    return event
