"""HTTP and WebSocket APIs in templates: each type made, changed, changed back to nothing, and removed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.stacks.providers.conftest import Resource, World

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f"


class Shop:
    """An API, and what is asked of it."""

    def __init__(self, world: World, protocol: str, **members: Any) -> None:
        self.world = world
        self.api = world.resource("AWS::ApiGatewayV2::Api", "Shop").create(
            Name="shop", ProtocolType=protocol, **members
        )
        self.id = self.api.id

    def part(self, kind: str, **properties: Any) -> Resource:
        made = self.world.resource(f"AWS::ApiGatewayV2::{kind}", kind)
        return made.create(ApiId=self.id, **properties)

    def route(self) -> None:
        """A route, as nothing is deployed without one."""
        target = self.part(
            "Integration",
            IntegrationType="HTTP_PROXY",
            IntegrationUri="http://a.b/",
            IntegrationMethod="GET",
            PayloadFormatVersion="1.0",
        )
        self.part("Route", RouteKey="$default", Target=f"integrations/{target.id}")

    def ask(self, operation: str, **members: Any) -> dict[str, Any]:
        return self.world.ask("apigatewayv2", operation, ApiId=self.id, **members)


@pytest.fixture
def shop(world: World) -> Iterator[Shop]:
    made = Shop(world, "HTTP")
    yield made
    made.api.delete()


def test_an_api_by_its_members(world: World) -> None:
    api = world.resource("AWS::ApiGatewayV2::Api", "Api", Team="shop").create(
        Name="n",
        ProtocolType="HTTP",
        Description="d",
        CorsConfiguration={"AllowOrigins": ["*"]},
        Tags={"a": "b"},
    )
    api.again()
    shown = world.ask("apigatewayv2", "GetApi", ApiId=api.id)
    assert (shown["Tags"]["a"], shown["Tags"]["Team"]) == ("b", "shop")
    assert "aws:cloudformation:step" not in shown["Tags"]
    assert api.attributes["ApiEndpoint"] == shown["ApiEndpoint"]
    assert api.attributes["ExecuteApiArn"].endswith(f":execute-api:us-east-1:000000000000:{api.id}")
    api.update_twice(Name="m", ProtocolType="HTTP", DisableExecuteApiEndpoint=True)
    read = api.read()
    assert read is not None
    assert (read["Name"], read["DisableExecuteApiEndpoint"]) == ("m", True)
    assert not {"Description", "CorsConfiguration"} & set(read)
    assert read["Tags"] == {"Team": "shop"}
    api.delete_twice()
    assert api.read() is None


def test_an_api_by_its_document(world: World) -> None:
    body = {
        "openapi": "3.0.1",
        "info": {"title": "doc", "version": "1"},
        "paths": {
            "/a": {
                "get": {
                    "x-amazon-apigateway-integration": {
                        "type": "aws_proxy",
                        "httpMethod": "POST",
                        "uri": FUNCTION,
                        "payloadFormatVersion": "2.0",
                    }
                }
            }
        },
    }
    api = world.resource("AWS::ApiGatewayV2::Api", "Doc").create(Body=body, Description="mine")
    shown = world.ask("apigatewayv2", "GetApi", ApiId=api.id)
    assert (shown["Name"], shown["Description"]) == ("doc", "mine")
    assert shown["Tags"]["aws:cloudformation:logical-id"] == "Doc"
    api.update_twice(Body={**body, "paths": {"/b": body["paths"]["/a"]}})  # type: ignore[index]
    routes = world.ask("apigatewayv2", "GetRoutes", ApiId=api.id)["Items"]
    assert [one["RouteKey"] for one in routes] == ["GET /b"]
    api.delete_twice()


def test_a_restart_finds_an_api_again(world: World) -> None:
    api = world.resource("AWS::ApiGatewayV2::Api", "Lost")
    api._next(again=False)
    tags = {"aws:cloudformation:step": f"token-{api._step}"}
    left = world.ask("apigatewayv2", "CreateApi", Name="n", ProtocolType="HTTP", Tags=tags)["ApiId"]
    api.create(again=True, Name="n", ProtocolType="HTTP")
    assert api.id == left
    api.delete()


def test_routes_integrations_and_authorizers(shop: Shop) -> None:
    integration = shop.part(
        "Integration",
        IntegrationType="AWS_PROXY",
        IntegrationUri=FUNCTION,
        IntegrationMethod="POST",
        PayloadFormatVersion="2.0",
        Description="d",
        RequestParameters={"append:header.a": "b", "append:header.c": "d"},
        ResponseParameters={
            "200": {"ResponseParameters": [{"Destination": "append:header.x", "Source": "y"}]}
        },
    )
    integration.again()
    integration.lost()
    assert shop.ask("GetIntegration", IntegrationId=integration.id)["ResponseParameters"] == {
        "200": {"append:header.x": "y"}
    }
    changed = {
        "ApiId": shop.id,
        "IntegrationType": "AWS_PROXY",
        "IntegrationUri": FUNCTION,
        "IntegrationMethod": "POST",
        "PayloadFormatVersion": "1.0",
        "RequestParameters": {"append:header.a": "z"},
    }
    integration.update_twice(**changed)
    read = integration.read()
    assert read is not None
    assert {name: read[name] for name in changed} == changed
    assert not {"Description", "ResponseParameters"} & set(read)
    authorizer = shop.part(
        "Authorizer",
        AuthorizerType="JWT",
        Name="a",
        IdentitySource=["$request.header.Authorization"],
        JwtConfiguration={"Audience": ["x"], "Issuer": "https://example.com"},
    )
    authorizer.lost()
    route = shop.part(
        "Route",
        RouteKey="GET /a",
        Target=f"integrations/{integration.id}",
        AuthorizationType="JWT",
        AuthorizerId=authorizer.id,
        AuthorizationScopes=["a", "b"],
        OperationName="o",
    )
    route.again()
    route.lost()
    route.update_twice(ApiId=shop.id, RouteKey="GET /b", Target=f"integrations/{integration.id}")
    read = route.read()
    assert read is not None
    assert (read["RouteKey"], read["AuthorizationType"]) == ("GET /b", "NONE")
    assert not {"AuthorizationScopes", "OperationName"} & {name for name, value in read.items() if value}
    authorizer.update_twice(
        ApiId=shop.id,
        AuthorizerType="JWT",
        Name="b",
        IdentitySource=["$request.header.Authorization"],
        JwtConfiguration={"Audience": ["y"], "Issuer": "https://example.com"},
    )
    for one in (route, authorizer, integration):
        one.delete_twice()
        assert one.read() is None, one.type


def test_stages_and_deployments(shop: Shop) -> None:
    target = shop.part(
        "Integration",
        IntegrationType="HTTP_PROXY",
        IntegrationUri="http://a.b/",
        IntegrationMethod="GET",
        PayloadFormatVersion="1.0",
    )
    shop.part("Route", RouteKey="$default", Target=f"integrations/{target.id}")
    deployment = shop.part("Deployment", Description="one")
    deployment.lost()
    stage = shop.part(
        "Stage",
        StageName="live",
        DeploymentId=deployment.id,
        StageVariables={"a": "1", "b": "2"},
        DefaultRouteSettings={"ThrottlingBurstLimit": 5, "ThrottlingRateLimit": 2},
        RouteSettings={"$default": {"ThrottlingBurstLimit": 1}},
        AccessLogSettings={
            "DestinationArn": "arn:aws:logs:us-east-1:000000000000:log-group:g",
            "Format": "$context.requestId",
        },
        Tags={"x": "y"},
    )
    stage.again()
    stage.update_twice(
        ApiId=shop.id,
        StageName="live",
        DeploymentId=deployment.id,
        StageVariables={"a": "3"},
        Description="d",
    )
    shown = shop.ask("GetStage", StageName="live")
    assert (shown["StageVariables"], shown["Description"]) == ({"a": "3"}, "d")
    assert not {"AccessLogSettings", "RouteSettings"} & {name for name, value in shown.items() if value}
    assert "x" not in shown["Tags"]
    stage.delete_twice()
    assert stage.read() is None
    deployment.delete_twice()
    automatic = shop.part("Stage", StageName="$default", AutoDeploy=True)
    assert shop.ask("GetStage", StageName="$default")["DeploymentId"]
    automatic.delete()


def test_parts_of_websocket_apis(world: World) -> None:
    shop = Shop(world, "WEBSOCKET", RouteSelectionExpression="$request.body.action")
    integration = shop.part(
        "Integration", IntegrationType="MOCK", RequestTemplates={"200": '{"statusCode": 200}'}
    )
    route = shop.part("Route", RouteKey="say", Target=f"integrations/{integration.id}")
    response = shop.part("RouteResponse", RouteId=route.id, RouteResponseKey="$default")
    response.lost()
    answer = shop.part("IntegrationResponse", IntegrationId=integration.id, IntegrationResponseKey="$default")
    answer.lost()
    answer.update_twice(
        ApiId=shop.id,
        IntegrationId=integration.id,
        IntegrationResponseKey="$default",
        ResponseTemplates={"$default": "hi"},
    )
    model = shop.part("Model", Name="M", Schema={"type": "object"})
    model.lost()
    model.update_twice(ApiId=shop.id, Name="M", Schema={"type": "string"})
    for one in (answer, response, model, route, integration):
        assert one.read() is not None, one.type
        one.delete_twice()
        assert one.read() is None, one.type
    shop.api.delete()


def test_domain_names_mappings_and_links(world: World, shop: Shop) -> None:
    target = shop.part(
        "Integration",
        IntegrationType="HTTP_PROXY",
        IntegrationUri="http://a.b/",
        IntegrationMethod="GET",
        PayloadFormatVersion="1.0",
    )
    shop.part("Route", RouteKey="$default", Target=f"integrations/{target.id}")
    stage = shop.part("Stage", StageName="live", AutoDeploy=True)
    certificate = "arn:aws:acm:us-east-1:000000000000:certificate/"
    domain = world.resource("AWS::ApiGatewayV2::DomainName", "Domain").create(
        DomainName="http.example.com", DomainNameConfigurations=[{"CertificateArn": f"{certificate}a"}]
    )
    domain.again()
    assert domain.attributes["RegionalHostedZoneId"] == "Z1UJRXOUMOOFQ8"
    domain.update_twice(
        DomainName="http.example.com", DomainNameConfigurations=[{"CertificateArn": f"{certificate}b"}]
    )
    mapping = world.resource("AWS::ApiGatewayV2::ApiMapping", "Mapping").create(
        DomainName=domain.id, ApiId=shop.id, Stage="live"
    )
    mapping.lost()
    mapping.update_twice(DomainName=domain.id, ApiId=shop.id, Stage="live", ApiMappingKey="v1")
    read = mapping.read()
    assert read is not None
    assert read["ApiMappingKey"] == "v1"
    link = world.resource("AWS::ApiGatewayV2::VpcLink", "Link").create(Name="l", SubnetIds=["subnet-1"])
    link.update_twice(Name="m", SubnetIds=["subnet-1"])
    for one in (mapping, domain, link, stage):
        one.delete_twice()
        assert one.read() is None, one.type
