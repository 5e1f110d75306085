"""APIs through boto3: what AWS answers, and what it refuses."""

from __future__ import annotations

import datetime as dt
import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Refused = Callable[..., tuple[int, str, str]]

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:hello"


def test_an_http_api_as_aws_describes_it(api: Any, plane: Any, plain: Any) -> None:
    made = api.create_api(Name="shop", ProtocolType="HTTP")
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    made = plain(made)
    api_id = made.pop("ApiId")
    assert re.fullmatch("[a-z0-9]{10}", api_id)
    created = made.pop("CreatedDate")
    assert abs(dt.datetime.now(dt.UTC) - created) < dt.timedelta(seconds=60)
    assert created.microsecond == 0
    port = plane.url.rpartition(":")[2]
    assert made == {
        "ApiEndpoint": f"http://{api_id}.execute-api.us-east-1.localhost:{port}",
        "ApiKeySelectionExpression": "$request.header.x-api-key",
        "DisableExecuteApiEndpoint": False,
        "IpAddressType": "ipv4",
        "Name": "shop",
        "ProtocolType": "HTTP",
        "RouteSelectionExpression": "$request.method $request.path",
        "Tags": {},
    }
    found = plain(api.get_api(ApiId=api_id))
    assert found == {**made, "ApiId": api_id, "CreatedDate": created}
    assert api.get_apis()["Items"] == [found]


def test_a_websocket_api_as_aws_describes_it(api: Any, plane: Any) -> None:
    made = api.create_api(
        Name="chat", ProtocolType="WEBSOCKET", RouteSelectionExpression="$request.body.action"
    )
    port = plane.url.rpartition(":")[2]
    assert made["ApiEndpoint"] == f"ws://{made['ApiId']}.execute-api.us-east-1.localhost:{port}"
    assert made["RouteSelectionExpression"] == "$request.body.action"
    assert made["ApiKeySelectionExpression"] == "$request.header.x-api-key"


@pytest.mark.parametrize("target", [FUNCTION, "https://example.com/"])
def test_quick_create(api: Any, plain: Any, target: str) -> None:
    api_id = api.create_api(Name="quick", ProtocolType="HTTP", Target=target)["ApiId"]
    (integration,) = api.get_integrations(ApiId=api_id)["Items"]
    (route,) = api.get_routes(ApiId=api_id)["Items"]
    (stage,) = api.get_stages(ApiId=api_id)["Items"]
    integration_id = integration.pop("IntegrationId")
    proxied = {"IntegrationMethod": "ANY", "IntegrationType": "HTTP_PROXY", "PayloadFormatVersion": "1.0"}
    function = {"IntegrationMethod": "POST", "IntegrationType": "AWS_PROXY", "PayloadFormatVersion": "2.0"}
    assert integration == {
        "ApiGatewayManaged": True,
        "ConnectionType": "INTERNET",
        "IntegrationUri": target,
        "TimeoutInMillis": 30000,
        **(function if target == FUNCTION else proxied),
    }
    assert route["RouteKey"] == "$default"
    assert route["Target"] == f"integrations/{integration_id}"
    assert route["ApiGatewayManaged"] is True
    assert (stage["StageName"], stage["AutoDeploy"], stage["ApiGatewayManaged"]) == ("$default", True, True)
    (deployment,) = api.get_deployments(ApiId=api_id)["Items"]
    assert stage["DeploymentId"] == deployment["DeploymentId"]
    assert deployment["AutoDeployed"] is True


def test_quick_create_with_a_route_key_and_credentials(api: Any) -> None:
    role = "arn:aws:iam::000000000000:role/r"
    api_id = api.create_api(
        Name="quick", ProtocolType="HTTP", Target=FUNCTION, RouteKey="GET /pets", CredentialsArn=role
    )["ApiId"]
    assert api.get_routes(ApiId=api_id)["Items"][0]["RouteKey"] == "GET /pets"
    assert api.get_integrations(ApiId=api_id)["Items"][0]["CredentialsArn"] == role
    api.update_api(ApiId=api_id, Target="https://example.com/", RouteKey="GET /cats")
    (integration,) = api.get_integrations(ApiId=api_id)["Items"]
    assert integration["IntegrationUri"] == "https://example.com/"
    assert integration["IntegrationType"] == "HTTP_PROXY"
    assert api.get_routes(ApiId=api_id)["Items"][0]["RouteKey"] == "GET /cats"


def test_an_update_replaces_what_is_given_and_an_empty_text_clears(
    api: Any, http_api: str, plain: Any
) -> None:
    before = plain(api.get_api(ApiId=http_api))
    changed = api.update_api(
        ApiId=http_api, Description="d", Version="v1", DisableExecuteApiEndpoint=True, Name="new"
    )
    assert plain(changed) == {
        **before,
        "Description": "d",
        "Version": "v1",
        "DisableExecuteApiEndpoint": True,
        "Name": "new",
    }
    back = api.update_api(
        ApiId=http_api, Description="", Version="", DisableExecuteApiEndpoint=False, Name="shop"
    )
    assert plain(back) == before


def test_cors(api: Any, http_api: str) -> None:
    changed = api.update_api(
        ApiId=http_api,
        CorsConfiguration={
            "AllowHeaders": ["Authorization"],
            "AllowMethods": ["GET", "put"],
            "AllowOrigins": ["https://www.Example.com"],
            "MaxAge": 500,
        },
    )
    assert changed["CorsConfiguration"] == {
        "AllowCredentials": False,
        "AllowHeaders": ["authorization"],
        "AllowMethods": ["GET", "PUT"],
        "AllowOrigins": ["https://www.example.com"],
        "MaxAge": 500,
    }
    # What is not given stays, as in AWS CLI's example; what is given empty goes.
    changed = api.update_api(
        ApiId=http_api, CorsConfiguration={"AllowOrigins": ["https://other.example.com"], "AllowHeaders": []}
    )
    assert changed["CorsConfiguration"] == {
        "AllowCredentials": False,
        "AllowMethods": ["GET", "PUT"],
        "AllowOrigins": ["https://other.example.com"],
        "MaxAge": 500,
    }
    api.delete_cors_configuration(ApiId=http_api)
    assert "CorsConfiguration" not in api.get_api(ApiId=http_api)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (
            {"CorsConfiguration": {"AllowCredentials": True, "AllowOrigins": ["*"]}},
            "allow-credentials is not supported if 'allow-origin' is *",
        ),
        (
            {"CorsConfiguration": {"AllowOrigins": ["example.com"]}},
            "Invalid format for origin example.com: it must be * or begin with a scheme",
        ),
        (
            {"CorsConfiguration": {"AllowMethods": ["FETCH"]}},
            "Invalid method in allow-methods: FETCH",
        ),
        (
            {"RouteSelectionExpression": "$request.body.action"},
            'Route selection expression is currently limited to "${request.method} ${request.path}"',
        ),
        (
            {"ApiKeySelectionExpression": "$request.body.key"},
            "Invalid API key selection expression specified: $request.body.key",
        ),
        ({"Name": ""}, "Invalid API name specified"),
        ({"Name": "n" * 129}, "Name must be between 1 and 128 characters in length"),
        ({"Tags": {"aws:x": "1"}}, "Tag keys starting with 'aws:' are reserved for system use: aws:x"),
        ({"RouteKey": "GET /"}, "Target is required when RouteKey or CredentialsArn is specified"),
    ],
)
def test_refused_http_apis(
    api: Any, plane: Any, refused: Refused, members: dict[str, Any], message: str
) -> None:
    answer = refused(api.create_api, **{"Name": "n", "ProtocolType": "HTTP", **members})
    assert answer == (400, "BadRequestException", message)
    assert api.get_apis()["Items"] == []


def test_refused_websocket_apis(api: Any, refused: Refused) -> None:
    assert refused(api.create_api, Name="n", ProtocolType="WEBSOCKET") == (
        400,
        "BadRequestException",
        "Invalid routeSelectionExpression",
    )
    assert refused(
        api.create_api,
        Name="n",
        ProtocolType="WEBSOCKET",
        RouteSelectionExpression="$request.body.action",
        CorsConfiguration={"AllowOrigins": ["*"]},
    ) == (400, "BadRequestException", "Cors is not supported for WEBSOCKET protocolType")


def test_an_api_that_is_not_there(api: Any, plane: Any, http_api: str, refused: Refused) -> None:
    missing = (404, "NotFoundException", "Invalid API identifier specified 000000000000:missing")
    for operation in (
        api.get_api,
        api.delete_api,
        api.get_routes,
        api.get_stages,
        api.delete_cors_configuration,
    ):
        assert refused(operation, ApiId="missing") == missing
    assert refused(plane.client("eu-west-1").get_api, ApiId=http_api)[:2] == (404, "NotFoundException")
    assert api.delete_api(ApiId=http_api)["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert refused(api.get_api, ApiId=http_api)[1] == "NotFoundException"


def test_listings_come_in_pages(api: Any, refused: Refused) -> None:
    made = sorted(api.create_api(Name=f"n{number}", ProtocolType="HTTP")["ApiId"] for number in range(5))
    pages = list(api.get_paginator("get_apis").paginate(PaginationConfig={"PageSize": 2}))
    assert [len(page["Items"]) for page in pages] == [2, 2, 1]
    assert [one["ApiId"] for page in pages for one in page["Items"]] == made
    assert "NextToken" not in pages[-1]
    for bad in ({"MaxResults": "many"}, {"MaxResults": "0"}, {"NextToken": "\u00e9"}):
        assert refused(api.get_apis, **bad)[:2] == (400, "BadRequestException")


def test_tags_of_apis_and_stages(api: Any, http_api: str, refused: Refused) -> None:
    api.create_stage(ApiId=http_api, StageName="prod", Tags={"a": "1"})
    arn = f"arn:aws:apigateway:us-east-1::/apis/{http_api}"
    for resource in (arn, f"{arn}/stages/prod"):
        api.tag_resource(ResourceArn=resource, Tags={"a": "2", "b": "3"})
        assert api.get_tags(ResourceArn=resource)["Tags"] == {"a": "2", "b": "3"}
        api.untag_resource(ResourceArn=resource, TagKeys=["a", "missing"])
        assert api.get_tags(ResourceArn=resource)["Tags"] == {"b": "3"}
    assert api.get_api(ApiId=http_api)["Tags"] == {"b": "3"}
    assert api.get_stage(ApiId=http_api, StageName="prod")["Tags"] == {"b": "3"}
    assert refused(api.get_tags, ResourceArn=f"{arn}/stages/none")[:2] == (404, "NotFoundException")
    assert refused(api.get_tags, ResourceArn="arn:aws:s3:::b")[:2] == (400, "BadRequestException")


def test_operations_without_a_method_say_so(api: Any, refused: Refused) -> None:
    status, code, message = refused(api.list_routing_rules, DomainName="example.com")
    assert (status, code) == (501, "NotImplementedException")
    assert "ListRoutingRules" in message


def test_everything_survives_a_restart(api: Any, plane: Any, plain: Any) -> None:
    api_id = api.create_api(Name="quick", ProtocolType="HTTP", Target=FUNCTION, Tags={"a": "1"})["ApiId"]
    reads = (api.get_routes, api.get_integrations, api.get_stages, api.get_deployments, api.get_api)
    before = [plain(read(ApiId=api_id)) for read in reads]
    before[-1].pop("ApiEndpoint")
    plane.restart()
    again = plane.client()
    reads = (again.get_routes, again.get_integrations, again.get_stages, again.get_deployments, again.get_api)
    after = [plain(read(ApiId=api_id)) for read in reads]
    after[-1].pop("ApiEndpoint")
    assert after == before
    again.close()


def test_what_quick_create_made_is_not_deleted_by_itself(api: Any, refused: Refused) -> None:
    api_id = api.create_api(Name="quick", ProtocolType="HTTP", Target=FUNCTION)["ApiId"]
    route_id = api.get_routes(ApiId=api_id)["Items"][0]["RouteId"]
    for operation, members in (
        (api.delete_route, {"RouteId": route_id}),
        (api.delete_stage, {"StageName": "$default"}),
    ):
        status, code, message = refused(operation, ApiId=api_id, **members)
        assert (status, code) == (400, "BadRequestException")
        assert "is managed by API Gateway" in message
    api.delete_api(ApiId=api_id)


def test_changes_at_the_same_time_are_all_there(plane: Any, http_api: str) -> None:
    clients = [plane.client() for _ in range(4)]

    def work(number: int) -> None:
        for each in range(10):
            clients[number].create_route(ApiId=http_api, RouteKey=f"GET /{number}/{each}")

    with ThreadPoolExecutor(len(clients)) as pool:
        list(pool.map(work, range(len(clients))))
    assert len(clients[0].get_routes(ApiId=http_api)["Items"]) == 40
    for client in clients:
        client.close()
