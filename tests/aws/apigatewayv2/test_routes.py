"""Routes, integrations, authorizers and models through boto3."""

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
MISFORMED = (
    "The provided route key is not formatted properly for HTTP protocol. "
    'Format should be "[HTTP METHOD] /[RESOURCE PATH]" or "$default"'
)


def lambda_proxy(api: Any, api_id: str, **members: Any) -> str:
    made = api.create_integration(
        ApiId=api_id,
        **{
            "IntegrationType": "AWS_PROXY",
            "IntegrationUri": FUNCTION,
            "PayloadFormatVersion": "2.0",
            **members,
        },
    )
    return str(made["IntegrationId"])


# Routes


def test_a_route_as_aws_describes_it(api: Any, http_api: str, plain: Any) -> None:
    integration_id = lambda_proxy(api, http_api)
    made = api.create_route(
        ApiId=http_api, RouteKey="GET /pets/{id}", Target=f"integrations/{integration_id}"
    )
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    made = plain(made)
    assert re.fullmatch("[a-z0-9]{7}", made["RouteId"])
    assert {key: value for key, value in made.items() if key != "RouteId"} == {
        "ApiKeyRequired": False,
        "AuthorizationType": "NONE",
        "RouteKey": "GET /pets/{id}",
        "Target": f"integrations/{integration_id}",
    }
    assert plain(api.get_route(ApiId=http_api, RouteId=made["RouteId"])) == made
    assert api.get_routes(ApiId=http_api)["Items"] == [made]
    changed = api.update_route(ApiId=http_api, RouteId=made["RouteId"], RouteKey="ANY /{proxy+}", Target="")
    assert changed["RouteKey"] == "ANY /{proxy+}"
    assert "Target" not in changed
    assert (
        api.delete_route(ApiId=http_api, RouteId=made["RouteId"])["ResponseMetadata"]["HTTPStatusCode"] == 204
    )
    assert api.get_routes(ApiId=http_api)["Items"] == []


@pytest.mark.parametrize(
    "key", ["$default", "ANY /", "GET /a/{b}/c", "DELETE /{proxy+}", "POST /a/{rest+}", "GET /a.b~c/%20/-_"]
)
def test_keys_that_http_apis_take(api: Any, http_api: str, key: str) -> None:
    assert api.create_route(ApiId=http_api, RouteKey=key)["RouteKey"] == key


@pytest.mark.parametrize(
    "key", ["GET", "/items", "FETCH /items", "GET items", "$connect", "get /items", "GET  /items", "GET /a b"]
)
def test_keys_that_http_apis_do_not_take(api: Any, http_api: str, refused: Refused, key: str) -> None:
    assert refused(api.create_route, ApiId=http_api, RouteKey=key) == (*BAD, MISFORMED)


@pytest.mark.parametrize("key", ["GET /{a+}/b", "GET /{a}/{a}", "GET /x{a}", "GET /{}", "GET /{a"])
def test_parameters_that_paths_do_not_take(api: Any, http_api: str, refused: Refused, key: str) -> None:
    status, code, message = refused(api.create_route, ApiId=http_api, RouteKey=key)
    assert (status, code) == BAD
    assert message.startswith("Invalid path ")


def test_refused_routes(api: Any, http_api: str, refused: Refused) -> None:
    api.create_route(ApiId=http_api, RouteKey="GET /pets")
    other = api.create_route(ApiId=http_api, RouteKey="GET /cats")["RouteId"]
    taken = (*TAKEN, "Route with key GET /pets already exists for this API")
    assert refused(api.create_route, ApiId=http_api, RouteKey="GET /pets") == taken
    assert refused(api.update_route, ApiId=http_api, RouteId=other, RouteKey="GET /pets") == taken
    assert refused(api.create_route, ApiId=http_api, RouteKey="") == (*BAD, "Route key is required")
    assert (
        refused(api.create_route, ApiId=http_api, RouteKey="GET /x", Target="integrations/missing")[:2]
        == LOST
    )
    assert refused(api.create_route, ApiId=http_api, RouteKey="GET /x", Target="missing") == (
        *BAD,
        "Unexpected or malformed target in route. Correct format should be integrations/<integration_id>.",
    )
    assert refused(api.create_route, ApiId=http_api, RouteKey="GET /x", ApiKeyRequired=True) == (
        *BAD,
        "ApiKeyRequired is not currently supported for HTTP APIs.",
    )
    assert refused(api.create_route, ApiId=http_api, RouteKey="GET /x", AuthorizationScopes=["read"]) == (
        *BAD,
        "Authorization Scopes are only valid for COGNITO_USER_POOLS and JWT authorization type",
    )
    assert refused(api.get_route, ApiId=http_api, RouteId="missing") == (
        *LOST,
        "Invalid Route identifier specified missing",
    )
    assert refused(api.delete_route, ApiId=http_api, RouteId="missing")[:2] == LOST
    wanted = "Invalid authorizer ID specified. Setting the authorization type to JWT requires a valid JWT authorizer."
    assert refused(
        api.create_route, ApiId=http_api, RouteKey="GET /x", AuthorizationType="JWT", AuthorizerId="missing"
    ) == (*BAD, wanted)


def test_routes_of_websocket_apis(api: Any, websocket_api: str, refused: Refused) -> None:
    for key in ("$connect", "$disconnect", "$default", "send message"):
        api.create_route(ApiId=websocket_api, RouteKey=key, RouteResponseSelectionExpression="$default")
    assert refused(api.create_route, ApiId=websocket_api, RouteKey="other", AuthorizationType="AWS_IAM") == (
        *BAD,
        "Currently, authorization is restricted to the $connect route only",
    )
    route_id = api.create_route(
        ApiId=websocket_api,
        RouteKey="checked",
        ApiKeyRequired=True,
        RequestParameters={"route.request.querystring.q": {"Required": True}},
        ModelSelectionExpression="$request.body.kind",
    )["RouteId"]
    api.delete_route_request_parameter(
        ApiId=websocket_api, RouteId=route_id, RequestParameterKey="route.request.querystring.q"
    )
    assert "RequestParameters" not in api.get_route(ApiId=websocket_api, RouteId=route_id)
    assert (
        refused(
            api.delete_route_request_parameter, ApiId=websocket_api, RouteId=route_id, RequestParameterKey="q"
        )[:2]
        == LOST
    )


def test_route_responses(api: Any, websocket_api: str, refused: Refused, plain: Any) -> None:
    route_id = api.create_route(ApiId=websocket_api, RouteKey="$default")["RouteId"]
    where = {"ApiId": websocket_api, "RouteId": route_id}
    made = plain(api.create_route_response(**where, RouteResponseKey="$default"))
    one = {**where, "RouteResponseId": made["RouteResponseId"]}
    assert made == {"RouteResponseId": made["RouteResponseId"], "RouteResponseKey": "$default"}
    assert plain(api.get_route_response(**one)) == made
    assert api.get_route_responses(**where)["Items"] == [made]
    assert refused(api.create_route_response, **where, RouteResponseKey="$default")[:2] == TAKEN
    changed = api.update_route_response(**one, ResponseModels={"application/json": "Model"})
    assert changed["ResponseModels"] == {"application/json": "Model"}
    api.delete_route_response(**one)
    assert refused(api.get_route_response, **one)[:2] == LOST
    api.create_route_response(**where, RouteResponseKey="$default")
    api.delete_route(**where)
    assert refused(api.get_route_responses, **where)[:2] == LOST


# Integrations


def test_integrations_as_aws_describes_them(api: Any, http_api: str, websocket_api: str, plain: Any) -> None:
    def made(api_id: str, **members: Any) -> dict[str, Any]:
        answer = plain(api.create_integration(ApiId=api_id, **members))
        assert re.fullmatch("[a-z0-9]{7}", answer.pop("IntegrationId"))
        return dict(answer)

    function = {"IntegrationType": "AWS_PROXY", "IntegrationUri": INVOKE_ARN}
    assert made(http_api, **function, PayloadFormatVersion="2.0") == {
        **function,
        "ConnectionType": "INTERNET",
        "IntegrationMethod": "POST",
        "PayloadFormatVersion": "2.0",
        "TimeoutInMillis": 30000,
    }
    proxy = {
        "IntegrationType": "HTTP_PROXY",
        "IntegrationUri": "https://example.com",
        "IntegrationMethod": "GET",
    }
    assert made(http_api, **proxy, PayloadFormatVersion="1.0") == {
        **proxy,
        "ConnectionType": "INTERNET",
        "PayloadFormatVersion": "1.0",
        "TimeoutInMillis": 30000,
    }
    assert made(websocket_api, IntegrationType="MOCK") == {
        "ConnectionType": "INTERNET",
        "IntegrationResponseSelectionExpression": "${integration.response.statuscode}",
        "IntegrationType": "MOCK",
        "PassthroughBehavior": "WHEN_NO_MATCH",
        "PayloadFormatVersion": "1.0",
        "TimeoutInMillis": 29000,
    }
    assert made(websocket_api, **function) == {
        **function,
        "ConnectionType": "INTERNET",
        "IntegrationMethod": "POST",
        "PassthroughBehavior": "WHEN_NO_MATCH",
        "PayloadFormatVersion": "1.0",
        "TimeoutInMillis": 29000,
    }


def test_parameters_are_laid_over_those_that_are_there(api: Any, http_api: str) -> None:
    integration_id = api.create_integration(
        ApiId=http_api,
        IntegrationType="HTTP_PROXY",
        IntegrationUri="https://example.com",
        IntegrationMethod="ANY",
        PayloadFormatVersion="1.0",
        Description="d",
        RequestParameters={"append:header.a": "'1'", "remove:querystring.q": "''"},
        ResponseParameters={"500": {"overwrite:statuscode": "403"}, "404": {"append:header.e": "'x'"}},
    )["IntegrationId"]
    changed = api.update_integration(
        ApiId=http_api,
        IntegrationId=integration_id,
        Description="",
        RequestParameters={"append:header.a": "", "append:header.b": "'2'"},
        ResponseParameters={"404": {}},
    )
    assert changed["RequestParameters"] == {"remove:querystring.q": "''", "append:header.b": "'2'"}
    assert changed["ResponseParameters"] == {"500": {"overwrite:statuscode": "403"}}
    assert "Description" not in changed


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({}, "PayloadFormatVersion is a required parameter for integration"),
        (
            {"PayloadFormatVersion": "2.0", "IntegrationMethod": "GET"},
            "HttpMethod must be POST for AWS_PROXY IntegrationType",
        ),
        ({"PayloadFormatVersion": "3.0"}, "Unsupported PayloadFormatVersion: 3.0"),
        (
            {"IntegrationType": "MOCK", "PayloadFormatVersion": "1.0"},
            (
                "Currently, an API with a protocol type of HTTP may only be associated with proxy integrations "
                "(AWS_PROXY, HTTP_PROXY)"
            ),
        ),
        (
            {"IntegrationType": "HTTP_PROXY", "PayloadFormatVersion": "2.0"},
            "PayloadFormatVersion 2.0 is not supported for integration of type HTTP_PROXY",
        ),
        (
            {"IntegrationType": "HTTP_PROXY", "PayloadFormatVersion": "1.0"},
            "HttpMethod parameter method must be specified for integrationType HTTPPROXY",
        ),
        (
            {"IntegrationSubtype": "S3-PutObject", "PayloadFormatVersion": "1.0"},
            "Operation: S3-PutObject is not supported.",
        ),
        (
            {"PayloadFormatVersion": "1.0", "ConnectionType": "VPC_LINK"},
            "ConnectionId must be set to vpcLinkId for ConnectionType VPC_LINK",
        ),
        (
            {"PayloadFormatVersion": "1.0", "RequestParameters": {"badaction:header.x": "1"}},
            (
                "Invalid mapping expression specified: Validation Result: warnings : [], errors : "
                "[Invalid Request Actioned Parameter destination specified: badaction:header.x]"
            ),
        ),
        (
            {"PayloadFormatVersion": "1.0", "ResponseParameters": {"200": {"badaction:header.x": "1"}}},
            (
                "Invalid mapping expression specified: Validation Result: warnings : [], errors : "
                "[Invalid Response Actioned Parameter destination specified: badaction:header.x]"
            ),
        ),
        (
            {"PayloadFormatVersion": "1.0", "ResponseParameters": {"199": {"overwrite:statuscode": "200"}}},
            (
                "Invalid mapping expression specified: Validation Result: warnings : [], errors : "
                "[Status Code 199 is not valid.]"
            ),
        ),
    ],
)
def test_refused_integrations_of_http_apis(
    api: Any, http_api: str, refused: Refused, members: dict[str, Any], message: str
) -> None:
    given = {"IntegrationType": "AWS_PROXY", "IntegrationUri": FUNCTION, **members}
    assert refused(api.create_integration, ApiId=http_api, **given) == (*BAD, message)


def test_integrations_with_services(api: Any, http_api: str, refused: Refused) -> None:
    members = {
        "IntegrationType": "AWS_PROXY",
        "IntegrationSubtype": "SQS-SendMessage",
        "PayloadFormatVersion": "1.0",
        "CredentialsArn": "arn:aws:iam::000000000000:role/r",
        "RequestParameters": {"QueueUrl": "$request.header.queueUrl", "MessageBody": "$request.body"},
    }
    made = api.create_integration(ApiId=http_api, **members)
    assert made["IntegrationSubtype"] == "SQS-SendMessage"
    assert "IntegrationMethod" not in made
    members["RequestParameters"] = {"QueueUrl": "q"}
    assert refused(api.create_integration, ApiId=http_api, **members) == (
        *BAD,
        (
            "Operation: SQS-SendMessage requires enabling passthrough, or defining all of the following parameters in "
            "the parameter mapping: [QueueUrl, MessageBody]"
        ),
    )
    assert refused(api.create_integration, ApiId=http_api, **{**members, "CredentialsArn": ""}) == (
        *BAD,
        "Role ARN must be specified for AWS integration configuration with Subtype: SQS-SendMessage",
    )


def test_an_integration_that_a_route_leads_to_stays(api: Any, http_api: str, refused: Refused) -> None:
    integration_id = lambda_proxy(api, http_api)
    route_id = api.create_route(ApiId=http_api, RouteKey="GET /", Target=f"integrations/{integration_id}")[
        "RouteId"
    ]
    where = {"ApiId": http_api, "IntegrationId": integration_id}
    assert refused(api.delete_integration, **where) == (
        *TAKEN,
        f"Cannot delete Integration because it is referenced by the following Routes with Ids: [{route_id}]",
    )
    api.delete_route(ApiId=http_api, RouteId=route_id)
    api.delete_integration(**where)
    assert refused(api.get_integration, **where) == (
        *LOST,
        f"Invalid Integration identifier specified {integration_id}",
    )


def test_integration_responses(api: Any, websocket_api: str, refused: Refused, plain: Any) -> None:
    integration_id = api.create_integration(ApiId=websocket_api, IntegrationType="MOCK")["IntegrationId"]
    where = {"ApiId": websocket_api, "IntegrationId": integration_id}
    made = plain(api.create_integration_response(**where, IntegrationResponseKey="/200/"))
    one = {**where, "IntegrationResponseId": made["IntegrationResponseId"]}
    assert plain(api.get_integration_response(**one)) == made
    assert api.get_integration_responses(**where)["Items"] == [made]
    assert refused(api.create_integration_response, **where, IntegrationResponseKey="/200/")[:2] == TAKEN
    changed = api.update_integration_response(
        **one, IntegrationResponseKey="$default", ResponseTemplates={"application/json": "{}"}
    )
    assert changed["ResponseTemplates"] == {"application/json": "{}"}
    assert changed["IntegrationResponseKey"] == "$default"
    api.delete_integration_response(**one)
    assert refused(api.get_integration_response, **one)[:2] == LOST


# Authorizers


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


# Models


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
