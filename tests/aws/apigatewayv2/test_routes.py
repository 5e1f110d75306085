"""Routes and their responses through boto3."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Refused = Callable[..., tuple[int, str, str]]

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:hello"
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
