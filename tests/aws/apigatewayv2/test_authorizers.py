"""Authorizers and models through boto3."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Refused = Callable[..., tuple[int, str, str]]

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:hello"
INVOKE_ARN = f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{FUNCTION}/invocations"
BAD, LOST, TAKEN = (400, "BadRequestException"), (404, "NotFoundException"), (409, "ConflictException")


def jwt_authorizer(api: Any, api_id: str, name: str = "jwt") -> str:
    made = api.create_authorizer(
        ApiId=api_id,
        AuthorizerType="JWT",
        Name=name,
        IdentitySource=["$request.header.Authorization"],
        JwtConfiguration={"Audience": ["a"], "Issuer": "https://issuer.example.com"},
    )
    return str(made["AuthorizerId"])


def test_authorizers_as_aws_describes_them(api: Any, http_api: str, plain: Any) -> None:
    authorizer_id = jwt_authorizer(api, http_api)
    assert re.fullmatch("[a-z0-9]{6}", authorizer_id)
    described = {
        "AuthorizerId": authorizer_id,
        "AuthorizerType": "JWT",
        "IdentitySource": ["$request.header.Authorization"],
        "JwtConfiguration": {"Audience": ["a"], "Issuer": "https://issuer.example.com"},
        "Name": "jwt",
    }
    assert plain(api.get_authorizer(ApiId=http_api, AuthorizerId=authorizer_id)) == described
    assert api.get_authorizers(ApiId=http_api)["Items"] == [described]
    members = {
        "AuthorizerType": "REQUEST",
        "Name": "function",
        "AuthorizerUri": INVOKE_ARN,
        "AuthorizerPayloadFormatVersion": "2.0",
        "EnableSimpleResponses": True,
        "IdentitySource": ["$request.header.Auth"],
        "AuthorizerResultTtlInSeconds": 300,
    }
    made = plain(api.create_authorizer(ApiId=http_api, **members))
    assert made == {**members, "AuthorizerId": made["AuthorizerId"]}
    changed = api.update_authorizer(
        ApiId=http_api, AuthorizerId=made["AuthorizerId"], AuthorizerResultTtlInSeconds=0
    )
    assert changed["AuthorizerResultTtlInSeconds"] == 0


def test_refused_authorizers(api: Any, http_api: str, websocket_api: str, refused: Refused) -> None:
    request = {"AuthorizerType": "REQUEST", "Name": "n", "IdentitySource": [], "AuthorizerUri": INVOKE_ARN}
    assert refused(api.create_authorizer, ApiId=http_api, **request) == (
        *BAD,
        "AuthorizerPayloadFormatVersion is a required parameter for REQUEST authorizer",
    )
    assert api.create_authorizer(ApiId=websocket_api, **request)["Name"] == "n"
    jwt = {
        "AuthorizerType": "JWT",
        "Name": "j",
        "IdentitySource": ["$request.header.Authorization"],
        "JwtConfiguration": {"Audience": ["a"], "Issuer": "https://issuer.example.com"},
    }
    request = {**request, "AuthorizerPayloadFormatVersion": "2.0"}
    told: list[tuple[str, dict[str, Any], str]] = [
        (websocket_api, jwt, "Only REQUEST authorizer type is supported on WEBSOCKET protocol Apis."),
        (
            http_api,
            {**jwt, "JwtConfiguration": {"Audience": ["a"], "Issuer": "http://example.com"}},
            "Invalid issuer: Issuer is not a valid URL for JWT Authorizer",
        ),
        (
            http_api,
            {**jwt, "JwtConfiguration": {"Issuer": "https://example.com"}},
            "Audience list must have at least 1 item for JWT Authorizer",
        ),
        (
            http_api,
            {**request, "IdentitySource": ["header.Authorization"]},
            "Invalid identity source expression: header.Authorization",
        ),
        (
            http_api,
            {**request, "AuthorizerResultTtlInSeconds": 1},
            "Identity source must be set if authorizer caching is enabled (TTL is greater than 0)",
        ),
        (
            http_api,
            {**request, "AuthorizerPayloadFormatVersion": "1.0", "EnableSimpleResponses": True},
            'EnableSimpleResponses can only be set for AuthorizerPayloadFormatVersion "2.0".',
        ),
        (http_api, {**request, "AuthorizerUri": ""}, "AuthorizerUri is a required field in an Authorizer"),
    ]
    for api_id, members, message in told:
        assert refused(api.create_authorizer, ApiId=api_id, **members) == (*BAD, message)
    jwt_authorizer(api, http_api, "twice")
    with pytest.raises(api.exceptions.BadRequestException, match="Authorizer twice already exists"):
        jwt_authorizer(api, http_api, "twice")
    assert refused(api.get_authorizer, ApiId=http_api, AuthorizerId="missing")[:2] == LOST


def test_an_authorizer_that_a_route_uses_stays(api: Any, http_api: str, refused: Refused) -> None:
    authorizer_id = jwt_authorizer(api, http_api)
    route_id = api.create_route(
        ApiId=http_api,
        RouteKey="POST /pdf",
        AuthorizationType="JWT",
        AuthorizerId=authorizer_id,
        AuthorizationScopes=["read"],
    )["RouteId"]
    where = {"ApiId": http_api, "AuthorizerId": authorizer_id}
    assert refused(api.delete_authorizer, **where) == (
        *TAKEN,
        "Cannot delete authorizer 'jwt', is referenced in route: POST /pdf",
    )
    changed = api.update_route(ApiId=http_api, RouteId=route_id, AuthorizationType="NONE")
    assert "AuthorizerId" not in changed
    assert "AuthorizationScopes" not in changed
    api.delete_authorizer(**where)


def test_http_apis_have_no_models_and_responses(api: Any, http_api: str, refused: Refused) -> None:
    assert refused(api.create_model, ApiId=http_api, Name="Pet", Schema="{}") == (
        *BAD,
        "Currently, Models are not permitted for APIs with a protocol type of HTTP",
    )
    route_id = api.create_route(ApiId=http_api, RouteKey="GET /x")["RouteId"]
    status, code, message = refused(
        api.create_route_response, ApiId=http_api, RouteId=route_id, RouteResponseKey="$default"
    )
    assert (status, code) == BAD
    assert message.startswith("RouteResponses are currently not supported for this API protocol type.")


def test_models(api: Any, websocket_api: str, refused: Refused, plain: Any) -> None:
    schema = '{"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}}}'
    made = plain(api.create_model(ApiId=websocket_api, Name="Pet", Schema=schema))
    where = {"ApiId": websocket_api, "ModelId": made["ModelId"]}
    assert made == {
        "ContentType": "application/json",
        "ModelId": made["ModelId"],
        "Name": "Pet",
        "Schema": schema,
    }
    assert plain(api.get_model(**where)) == made
    assert api.get_models(ApiId=websocket_api)["Items"] == [made]
    template = '#set($inputRoot = $input.path(\'$\'))\n{\n  "name" : "foo",\n  "age" : 42\n}'
    assert api.get_model_template(**where)["Value"] == template
    assert refused(api.create_model, ApiId=websocket_api, Name="Pet", Schema="{}")[:2] == TAKEN
    assert refused(api.create_model, ApiId=websocket_api, Name="no-name", Schema="{}")[:2] == BAD
    assert refused(api.update_model, **where, Schema="nonsense")[:2] == BAD
    route_id = api.create_route(
        ApiId=websocket_api, RouteKey="$default", RequestModels={"application/json": "Pet"}
    )["RouteId"]
    assert refused(api.delete_model, **where)[:2] == TAKEN
    api.delete_route(ApiId=websocket_api, RouteId=route_id)
    api.delete_model(**where)
    assert refused(api.get_model, **where)[:2] == LOST
