"""Documents that are not what they should be are refused, whatever is wrong with them."""

from __future__ import annotations

import contextlib
import copy
import datetime as dt
import json
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from lambent.gateway.apis import BadApiRequest
from lambent.gateway.apis.openapi_export import exported
from lambent.gateway.apis.openapi_import import imported
from lambent.gateway.apis.records import Api

API = Api(
    api_id="a1b2c3d4e5",
    account="000000000000",
    region="us-east-1",
    name="n",
    protocol_type="HTTP",
    created_date=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
    route_selection_expression="$request.method $request.path",
)
DOCUMENT: dict[str, Any] = {
    "openapi": "3.0.1",
    "info": {"title": "t", "version": "1", "description": "d"},
    "tags": [{"name": "a", "x-amazon-apigateway-tag-value": "b"}],
    "servers": [
        {
            "url": "https://h/{basePath}",
            "variables": {"basePath": {"default": "v1"}},
            "x-amazon-apigateway-endpoint-configuration": {"disableExecuteApiEndpoint": True},
        }
    ],
    "security": [{"jwt": ["s"]}],
    "x-amazon-apigateway-cors": {"allowOrigins": ["*"], "maxAge": 1, "allowCredentials": False},
    "paths": {
        "/{a}": {
            "parameters": [],
            "get": {
                "operationId": "o",
                "security": [{"request": []}],
                "x-amazon-apigateway-integration": {
                    "type": "AWS_PROXY",
                    "uri": "arn:aws:lambda:us-east-1:000000000000:function:f",
                    "payloadFormatVersion": 2.0,
                    "timeoutInMillis": 100,
                    "requestParameters": {"append:header.a": "b"},
                    "responseParameters": {"200": {"append:header.a": "b"}},
                    "tlsConfig": {"serverNameToVerify": "h"},
                },
            },
            "post": {
                "x-amazon-apigateway-auth": {"type": "AWS_IAM"},
                "x-amazon-apigateway-integration": {
                    "$ref": "#/components/x-amazon-apigateway-integrations/i"
                },
            },
        },
        "/$default": {"x-amazon-apigateway-any-method": {"isDefaultRoute": True}},
    },
    "components": {
        "schemas": {"S": {}},
        "x-amazon-apigateway-integrations": {
            "i": {"type": "HTTP_PROXY", "httpMethod": "GET", "uri": "https://h"}
        },
        "securitySchemes": {
            "jwt": {
                "type": "openIdConnect",
                "openIdConnectUrl": "https://h/.well-known/openid-configuration",
                "x-amazon-apigateway-authorizer": {
                    "type": "jwt",
                    "identitySource": "$request.header.A",
                    "jwtConfiguration": {"audience": ["a"]},
                },
            },
            "request": {
                "type": "apiKey",
                "x-amazon-apigateway-authorizer": {
                    "type": "request",
                    "identitySource": "$request.header.A, $context.path",
                    "authorizerUri": "arn:aws:lambda:us-east-1:000000000000:function:f",
                    "authorizerPayloadFormatVersion": "2.0",
                    "authorizerResultTtlInSeconds": 1,
                    "enableSimpleResponses": True,
                },
            },
        },
    },
}


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all values within `value`."""
    found = [path] if path else []
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        found += places(item, (*path, key))
    return found


junk = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
    st.sampled_from(
        ["$default", "/{a+}/{b}", "https://[", "999999999999999999999", "-1", "1e400", "HTTP_PROXY"]
    ),
    st.just([]),
    st.just({}),
    st.just([[]]),
    st.just([{"a": 1}]),
    st.just({"": None}),
    st.just({"$ref": 1}),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow], database=None)
@given(
    st.lists(st.tuples(st.sampled_from(places(DOCUMENT)), junk), min_size=1, max_size=3),
    st.sampled_from(["ignore", "prepend", "split"]),
)
@example([(("components", "securitySchemes", "jwt", "openIdConnectUrl"), "https://[")], "ignore")
@example([(("servers", 0, "url"), "https://[")], "prepend")
@example([(("paths", "/{a}", "post", "x-amazon-apigateway-integration", "$ref"), [])], "ignore")
def test_only_refusals(changes: list[tuple[tuple[Any, ...], Any]], base_path: str) -> None:
    document = copy.deepcopy(DOCUMENT)
    for path, value in changes:
        holder: Any = document
        with contextlib.suppress(KeyError, IndexError, TypeError):
            for step in path[:-1]:
                holder = holder[step]
            holder[path[-1]] = copy.deepcopy(value)  # what is drawn may be drawn again
    try:
        found = imported(API, json.dumps(document), base_path=base_path)
    except BadApiRequest as refusal:
        assert str(refusal)  # noqa: PT017 - either outcome is right
    else:
        json.dumps(exported(found.content, "https://h", None, extensions=True))


def test_the_document_itself_is_taken() -> None:
    found = imported(API, json.dumps(DOCUMENT), fail_on_warnings=True)
    assert {route.route_key for route in found.content.routes.values()} == {
        "GET /{a}",
        "POST /{a}",
        "$default",
    }
    assert found.content.api.disable_execute_api_endpoint is True
    assert found.info == ("components.schemas is not supported for HTTP APIs and is ignored",)
    issuers = {
        one.jwt_configuration.issuer for one in found.content.authorizers.values() if one.jwt_configuration
    }
    assert issuers == {"https://h"}


def test_the_same_holder_in_many_places_is_read_once_per_place() -> None:
    """Aliases of YAML that hold each other a billion times over cost nothing that is not read."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    text = "\n".join([*lines, "openapi: 3.0.1", "info: {title: t}", "paths: {/x: {get: {security: *a9}}}"])
    try:
        imported(API, text)
    except BadApiRequest as refusal:
        assert "security" in str(refusal)  # noqa: PT017 - the point is that it ends
