"""REST APIs in templates: each type made, changed, changed back to nothing, and removed."""

from __future__ import annotations

import http.client
import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

import pytest
from tests.platform.conftest import RUNTIME, wait_until

from lambent.neighbours.service_calls import ServiceFailure
from lambent.stacks.errors import ResourceFailure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.stacks.providers.conftest import Resource, World

MOCK = {
    "Type": "MOCK",
    "RequestTemplates": {"application/json": '{"statusCode": 200}'},
    "IntegrationResponses": [
        {"StatusCode": "200", "ResponseParameters": {"method.response.header.X": "'y'"}}
    ],
}
ANSWERS = [{"StatusCode": "200", "ResponseParameters": {"method.response.header.X": False}}]
BODY = {
    "swagger": "2.0",
    "info": {"title": "by body", "version": "1"},
    "paths": {
        "/a": {
            "get": {
                "x-amazon-apigateway-integration": {
                    "type": "mock",
                    "requestTemplates": {"application/json": '{"statusCode": 200}'},
                    "responses": {"default": {"statusCode": "200"}},
                }
            }
        }
    },
}


class Shop:
    """An API with a method, and what is asked of it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.api = world.resource("AWS::ApiGateway::RestApi", "Shop").create(Name="shop")
        self.id = self.api.id
        self.pets = self.part("Resource", ParentId=self.api.attributes["RootResourceId"], PathPart="pets")
        self.method = self.part(
            "Method", ResourceId=self.pets.id, HttpMethod="GET", Integration=MOCK, MethodResponses=ANSWERS
        )

    def part(self, kind: str, **properties: Any) -> Resource:
        made = self.world.resource(f"AWS::ApiGateway::{kind}", kind)
        return made.create(RestApiId=self.id, **properties)

    def ask(self, operation: str, **members: Any) -> dict[str, Any]:
        return self.world.ask("apigateway", operation, restApiId=self.id, **members)


@pytest.fixture
def shop(world: World) -> Iterator[Shop]:
    made = Shop(world)
    yield made
    made.api.delete()


def test_an_api_by_its_members(world: World) -> None:
    policy = {"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]}
    api = world.resource("AWS::ApiGateway::RestApi", "Api", Team="shop").create(
        Name="n",
        Description="d",
        BinaryMediaTypes=["image/png"],
        EndpointConfiguration={"Types": ["REGIONAL"]},
        MinimumCompressionSize=10,
        Policy=policy,
        Tags=[{"Key": "a", "Value": "b"}],
    )
    api.again()
    shown = world.ask("apigateway", "GetRestApi", restApiId=api.id)
    assert (shown["endpointConfiguration"]["types"], shown["minimumCompressionSize"]) == (["REGIONAL"], 10)
    assert shown["tags"]["a"] == "b"
    assert shown["tags"]["Team"] == "shop"
    assert shown["tags"]["aws:cloudformation:logical-id"] == "Api"
    assert "aws:cloudformation:step" not in shown["tags"]
    assert api.attributes["RootResourceId"] == shown["rootResourceId"]
    assert json.loads(json.loads(f'"{shown["policy"]}"')) == policy
    api.update_twice(Name="m", BinaryMediaTypes=["image/gif"], EndpointConfiguration={"Types": ["EDGE"]})
    properties = api.read()
    assert properties is not None
    assert properties["Name"] == "m"
    assert properties["BinaryMediaTypes"] == ["image/gif"]
    assert properties["EndpointConfiguration"] == {"Types": ["EDGE"], "IpAddressType": "ipv4"}
    assert not {"Description", "Policy", "MinimumCompressionSize"} & set(properties)
    assert properties["Tags"] == [{"Key": "Team", "Value": "shop"}]
    api.delete_twice()
    assert api.read() is None


def test_an_api_by_its_document(world: World) -> None:
    api = world.resource("AWS::ApiGateway::RestApi", "Doc").create(
        Body=BODY, Parameters={"endpointConfigurationTypes": "REGIONAL"}, Description="mine"
    )
    shown = world.ask("apigateway", "GetRestApi", restApiId=api.id)
    assert (shown["name"], shown["description"]) == ("by body", "mine")
    assert shown["endpointConfiguration"]["types"] == ["REGIONAL"]
    api.update_twice(Body={**BODY, "paths": {"/b": BODY["paths"]["/a"]}}, Name="own")  # type: ignore[index]
    listed = world.ask("apigateway", "GetResources", restApiId=api.id)["items"]
    assert [one["path"] for one in listed] == ["/", "/b"]
    assert world.ask("apigateway", "GetRestApi", restApiId=api.id)["name"] == "own"
    api.delete()
    with pytest.raises(ResourceFailure, match="Name or Body is required"):
        world.resource("AWS::ApiGateway::RestApi", "None").create()


def test_what_a_restart_finds_again(world: World) -> None:
    """Not even what was initiated is known: the step's own mark leads to it."""
    for kind, properties in (
        ("RestApi", {"Name": "n"}),
        ("ApiKey", {}),
        ("UsagePlan", {}),
    ):
        one = world.resource(f"AWS::ApiGateway::{kind}", "Lost")
        # As it is between the service's answer and what is written of it.
        operation, member = {
            "RestApi": ("CreateRestApi", "id"),
            "ApiKey": ("CreateApiKey", "id"),
            "UsagePlan": ("CreateUsagePlan", "id"),
        }[kind]
        one._next(again=False)
        left = world.ask(
            "apigateway", operation, name="n", tags={"aws:cloudformation:step": f"token-{one._step}"}
        )[member]
        one.create(again=True, **properties)
        assert one.id == left
        one.delete()


def test_resources_methods_and_their_answers(shop: Shop) -> None:
    shown = shop.ask("GetMethod", resourceId=shop.pets.id, httpMethod="GET")
    assert shown["methodIntegration"]["integrationResponses"]["200"]["responseParameters"] == {
        "method.response.header.X": "'y'"
    }
    changed = {
        "RestApiId": shop.id,
        "ResourceId": shop.pets.id,
        "HttpMethod": "GET",
        "ApiKeyRequired": True,
        "Integration": {"Type": "MOCK"},
    }
    shop.method.update_twice(**changed)
    shown = shop.ask("GetMethod", resourceId=shop.pets.id, httpMethod="GET")
    assert shown["apiKeyRequired"] is True
    assert "methodResponses" not in shown
    read = shop.method.read()
    assert read is not None
    assert (read["AuthorizationType"], read["Integration"]["Type"]) == ("NONE", "MOCK")
    shop.method.delete_twice()
    shop.pets.again()
    shop.pets.delete_twice()
    # What cannot be made whole is not there at all.
    with pytest.raises(ServiceFailure, match="Invalid mapping expression"):
        shop.part(
            "Method",
            ResourceId=shop.api.attributes["RootResourceId"],
            HttpMethod="GET",
            Integration=MOCK,
        )
    with pytest.raises(ServiceFailure, match="Invalid Method identifier"):
        shop.ask("GetMethod", resourceId=shop.api.attributes["RootResourceId"], httpMethod="GET")


def test_deployments_and_stages(shop: Shop) -> None:
    deployment = shop.part(
        "Deployment", Description="one", StageName="Stage", StageDescription={"Variables": {"a": "b"}}
    )
    deployment.again()
    deployment.lost()
    assert shop.ask("GetStage", stageName="Stage")["variables"] == {"a": "b"}
    stage = shop.part(
        "Stage",
        StageName="Prod",
        DeploymentId=deployment.id,
        Variables={"x": "1", "y": "2"},
        TracingEnabled=True,
        MethodSettings=[
            {"ResourcePath": "/*", "HttpMethod": "*", "ThrottlingBurstLimit": 5, "ThrottlingRateLimit": 2.5}
        ],
        AccessLogSetting={
            "DestinationArn": "arn:aws:logs:us-east-1:000000000000:log-group:g",
            "Format": "$context.requestId",
        },
        Tags=[{"Key": "a", "Value": "b"}],
    )
    stage.again()
    shown = shop.ask("GetStage", stageName="Prod")
    assert shown["methodSettings"]["*/*"]["throttlingRateLimit"] == 2.5
    assert shown["accessLogSettings"]["format"] == "$context.requestId"
    second = shop.part("Deployment", Description="two", StageName="Stage")
    stage.update_twice(
        RestApiId=shop.id,
        StageName="Prod",
        DeploymentId=second.id,
        Variables={"x": "3"},
        MethodSettings=[{"ResourcePath": "/pets", "HttpMethod": "GET", "MetricsEnabled": True}],
    )
    read = stage.read()
    assert read is not None
    assert (read["DeploymentId"], read["Variables"], read["TracingEnabled"]) == (second.id, {"x": "3"}, False)
    (setting,) = read["MethodSettings"]
    assert (setting["ResourcePath"], setting["HttpMethod"], setting["MetricsEnabled"]) == (
        "/pets",
        "GET",
        True,
    )
    assert not {"AccessLogSetting", "Tags"} & set(read)
    deployment.delete_twice()  # the stage "Stage" serves the second one by now
    stage.delete_twice()
    second.delete_twice()
    assert not shop.ask("GetStages").get("item")
    with pytest.raises(ResourceFailure, match="CanarySetting is not served"):
        shop.part("Stage", StageName="c", DeploymentId="x", CanarySetting={"PercentTraffic": 1})


def test_belongings(shop: Shop) -> None:
    uri = (
        "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/"
        "arn:aws:lambda:us-east-1:000000000000:function:f/invocations"
    )
    authorizer = shop.part(
        "Authorizer", Name="a", Type="TOKEN", AuthorizerUri=uri, IdentitySource="method.request.header.X"
    )
    authorizer.again()
    authorizer.lost()
    authorizer.update_twice(
        RestApiId=shop.id, Name="b", Type="TOKEN", AuthorizerUri=uri, IdentitySource="method.request.header.Y"
    )
    shown = shop.ask("GetAuthorizer", authorizerId=authorizer.id)
    assert (shown["name"], shown["identitySource"]) == ("b", "method.request.header.Y")
    pool = "arn:aws:cognito-idp:us-east-1:000000000000:userpool/us-east-1_"
    pools = shop.part("Authorizer", Name="p", Type="COGNITO_USER_POOLS", ProviderARNs=[f"{pool}a"])
    pools.update_twice(RestApiId=shop.id, Name="p", Type="COGNITO_USER_POOLS", ProviderARNs=[f"{pool}b"])
    assert shop.ask("GetAuthorizer", authorizerId=pools.id)["providerARNs"] == [f"{pool}b"]
    model = shop.part("Model", Schema={"type": "object"})
    model.again()
    model.update_twice(RestApiId=shop.id, Schema={"type": "string"}, Description="d")
    assert json.loads(shop.ask("GetModel", modelName=model.id)["schema"]) == {"type": "string"}
    validator = shop.part("RequestValidator", Name="v", ValidateRequestBody=True)
    validator.lost()
    validator.update_twice(RestApiId=shop.id, Name="v", ValidateRequestParameters=True)
    shown = shop.ask("GetRequestValidator", requestValidatorId=validator.id)
    assert (shown["validateRequestBody"], shown["validateRequestParameters"]) == (False, True)
    response = shop.part("GatewayResponse", ResponseType="DEFAULT_4XX", StatusCode="418")
    response.update_twice(
        RestApiId=shop.id, ResponseType="DEFAULT_4XX", ResponseParameters={"gatewayresponse.header.X": "'y'"}
    )
    shown = shop.ask("GetGatewayResponse", responseType="DEFAULT_4XX")
    assert "statusCode" not in shown
    part = shop.part("DocumentationPart", Location={"Type": "API"}, Properties='{"a": 1}')
    part.lost()
    part.update_twice(RestApiId=shop.id, Location={"Type": "API"}, Properties='{"a": 2}')
    version = shop.part("DocumentationVersion", DocumentationVersion="v1")
    version.update_twice(RestApiId=shop.id, DocumentationVersion="v1", Description="d")
    for one in (version, part, response, validator, model, pools, authorizer):
        assert one.read() is not None, one.type
        one.delete_twice()
        assert one.read() is None, one.type


def test_keys_and_plans(world: World, shop: Shop) -> None:
    deployment = shop.part("Deployment", StageName="s")
    stage = {"ApiId": shop.id, "Stage": "s"}
    key = world.resource("AWS::ApiGateway::ApiKey", "Key").create(Enabled=True, Description="d")
    key.again()
    key.update_twice(Enabled=False)
    assert world.ask("apigateway", "GetApiKey", apiKey=key.id)["enabled"] is False
    plan = world.resource("AWS::ApiGateway::UsagePlan", "Plan").create(
        ApiStages=[{**stage, "Throttle": {"/pets/GET": {"RateLimit": 1}}}],
        Quota={"Limit": 5, "Period": "DAY"},
        Throttle={"BurstLimit": 3, "RateLimit": 2},
    )
    plan.again()
    plan.update_twice(ApiStages=[stage], Throttle={"RateLimit": 4}, UsagePlanName="named")
    shown = world.ask("apigateway", "GetUsagePlan", usagePlanId=plan.id)
    assert (shown["name"], shown["throttle"], "quota" in shown) == ("named", {"rateLimit": 4.0}, False)
    assert "throttle" not in shown["apiStages"][0]
    member = world.resource("AWS::ApiGateway::UsagePlanKey", "Member").create(
        KeyId=key.id, KeyType="API_KEY", UsagePlanId=plan.id
    )
    member.again()
    assert member.id == f"{key.id}:{plan.id}"
    for one in (member, plan, key):
        assert one.read() is not None
        one.delete_twice()
        assert one.read() is None
    deployment.delete()


def test_domain_names_accounts_and_links(world: World, shop: Shop) -> None:
    deployment = shop.part("Deployment", StageName="s")
    certificate = "arn:aws:acm:us-east-1:000000000000:certificate/"
    domain = world.resource("AWS::ApiGateway::DomainName", "Domain").create(
        DomainName="rest.example.com",
        RegionalCertificateArn=f"{certificate}a",
        EndpointConfiguration={"Types": ["REGIONAL"]},
    )
    domain.again()
    assert domain.attributes["RegionalDomainName"].startswith("d-")
    domain.update_twice(
        DomainName="rest.example.com",
        RegionalCertificateArn=f"{certificate}b",
        EndpointConfiguration={"Types": ["REGIONAL"]},
    )
    mapping = world.resource("AWS::ApiGateway::BasePathMapping", "Mapping").create(
        DomainName=domain.id, BasePath="v1", RestApiId=shop.id
    )
    mapping.again()
    mapping.update_twice(DomainName=domain.id, BasePath="v1", RestApiId=shop.id, Stage="s")
    read = mapping.read()
    assert read is not None
    assert (mapping.id, read["Stage"]) == ("rest.example.com|v1", "s")
    link = world.resource("AWS::ApiGateway::VpcLink", "Link").create(
        Name="l", TargetArns=["arn:aws:elasticloadbalancing:us-east-1:000000000000:loadbalancer/net/x/y"]
    )
    certificate_made = world.resource("AWS::ApiGateway::ClientCertificate", "Certificate").create(
        Description="d"
    )
    certificate_made.update_twice(Description="e")
    for one in (mapping, domain, link, certificate_made):
        one.delete_twice()
        assert one.read() is None
    role = "arn:aws:iam::000000000000:role/logs"
    account = world.resource("AWS::ApiGateway::Account", "Account").create(CloudWatchRoleArn=role)
    assert world.ask("apigateway", "GetAccount")["cloudwatchRoleArn"] == role
    account.update_twice()
    assert "cloudwatchRoleArn" not in world.ask("apigateway", "GetAccount")
    account.delete()
    deployment.delete()


def test_requests_reach_functions(world: World) -> None:
    """What SAM makes of an `Api` event, with a function and a request."""
    code = "import json\ndef handler(event, context):\n    return {'statusCode': 200, 'body': json.dumps(event)}\n"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as package:
        package.writestr("index.py", code)
    arn = world.ask(
        "lambda",
        "CreateFunction",
        FunctionName="behind-rest",
        Runtime=RUNTIME,
        Handler="index.handler",
        Role="arn:aws:iam::000000000000:role/any",
        Code={"ZipFile": packed.getvalue()},
    )["FunctionArn"]
    named = {"FunctionName": "behind-rest"}
    wait_until(lambda: world.ask("lambda", "GetFunctionConfiguration", **named)["State"] == "Active")
    integration = {
        "type": "aws_proxy",
        "httpMethod": "POST",
        "uri": f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{arn}/invocations",
    }
    body = {
        "swagger": "2.0",
        "info": {"title": "sam", "version": "1.0"},
        "paths": {
            "/hello/{name}": {"get": {"x-amazon-apigateway-integration": integration, "responses": {}}}
        },
    }
    api = world.resource("AWS::ApiGateway::RestApi", "ServerlessRestApi").create(Body=body)
    deployment = world.resource("AWS::ApiGateway::Deployment", "D").create(
        RestApiId=api.id, StageName="Stage"
    )
    stage = world.resource("AWS::ApiGateway::Stage", "S").create(
        RestApiId=api.id, StageName="Prod", DeploymentId=deployment.id
    )
    allowed = f"arn:aws:execute-api:us-east-1:000000000000:{api.id}/*/GET/hello/*"

    def request() -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", world.platform.server.address[1], timeout=20)
        host = f"{api.id}.execute-api.us-east-1.amazonaws.com"
        connection.request("GET", "/Prod/hello/ann?q=1", headers={"Host": host})
        answer = connection.getresponse()
        found = answer.status, json.loads(answer.read())
        connection.close()
        return found

    try:
        assert request() == (500, {"message": "Internal server error"})  # nobody lets the API call it
        world.ask(
            "lambda",
            "AddPermission",
            FunctionName="behind-rest",
            StatementId="rest",
            Action="lambda:InvokeFunction",
            Principal="apigateway.amazonaws.com",
            SourceArn=allowed,
        )
        status, event = request()
        assert status == 200
        assert (event["resource"], event["pathParameters"]) == ("/hello/{name}", {"name": "ann"})
        assert event["requestContext"]["stage"] == "Prod"
    finally:
        stage.delete()
        deployment.delete()
        api.delete()
        world.ask("lambda", "DeleteFunction", FunctionName="behind-rest")
    assert request()[0] in (403, 404)
