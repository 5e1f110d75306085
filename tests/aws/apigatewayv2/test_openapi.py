"""HTTP APIs from OpenAPI documents and back, through boto3 and the AWS CLI."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml  # type: ignore[import-untyped]

if TYPE_CHECKING:
    from collections.abc import Callable

    Refused = Callable[..., tuple[int, str, str]]

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:hello"
BAD, LOST = (400, "BadRequestException"), (404, "NotFoundException")

DOCUMENT = """
openapi: 3.0.1
info: {title: Shop, version: 1.0, description: Sells.}
tags:
  - {name: owner, x-amazon-apigateway-tag-value: me}
  - {name: plain}
servers:
  - url: https://shop.example.com/{basePath}
    variables: {basePath: {default: /v1/shop}}
x-amazon-apigateway-cors:
  allowOrigins: ["https://example.com"]
  allowMethods: [GET]
  maxAge: 60
paths:
  /$default:
    x-amazon-apigateway-any-method:
      isDefaultRoute: true
      x-amazon-apigateway-integration: {$ref: "#/components/x-amazon-apigateway-integrations/hello"}
  /pets/{id}:
    get:
      operationId: getPet
      security: [{tokens: [read, write]}]
      x-amazon-apigateway-integration: {$ref: "#/components/x-amazon-apigateway-integrations/hello"}
    post:
      requestBody: {content: {}}
      security: [{checked: []}]
      x-amazon-apigateway-integration:
        type: HTTP_PROXY
        httpMethod: any
        uri: https://example.com/
        payloadFormatVersion: 1.0
        timeoutInMillis: 5000
        requestParameters: {"overwrite:path": "$request.path.id"}
        responseParameters: {"404": {"overwrite:statuscode": "200"}}
  /{proxy+}:
    x-amazon-apigateway-any-method:
      x-amazon-apigateway-auth: {type: AWS_IAM}
components:
  securitySchemes:
    tokens:
      type: oauth2
      x-amazon-apigateway-authorizer:
        type: jwt
        identitySource: $request.header.Authorization
        jwtConfiguration: {issuer: https://issuer.example.com, audience: [shop]}
    checked:
      type: apiKey
      name: unused
      in: header
      x-amazon-apigateway-authorizer:
        type: request
        identitySource: $request.header.one, $request.header.two
        authorizerUri: arn:aws:lambda:us-east-1:000000000000:function:check
        authorizerPayloadFormatVersion: 2.0
        authorizerResultTtlInSeconds: 30
        enableSimpleResponses: true
  x-amazon-apigateway-integrations:
    hello:
      type: aws_proxy
      httpMethod: POST
      uri: arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:hello
      payloadFormatVersion: 2.0
"""


def minimal(**paths: Any) -> str:
    return json.dumps({"openapi": "3.0.1", "info": {"title": "t", "version": "1"}, "paths": paths})


def operation(**members: Any) -> dict[str, Any]:
    return {"get": {"x-amazon-apigateway-integration": members}}


def test_everything_that_a_document_says(api: Any) -> None:
    made = api.import_api(Body=DOCUMENT)
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert (made["Name"], made["Version"], made["Description"]) == ("Shop", "1.0", "Sells.")
    assert made["Tags"] == {"owner": "me"}
    assert made["CorsConfiguration"] == {
        "AllowCredentials": False,
        "AllowMethods": ["GET"],
        "AllowOrigins": ["https://example.com"],
        "MaxAge": 60,
    }
    assert made["ImportInfo"] == [
        "requestBody is not supported for HTTP APIs and is ignored: POST /pets/{id}"
    ]
    assert "Warnings" not in made
    api_id = made["ApiId"]
    authorizers = {one["Name"]: one for one in api.get_authorizers(ApiId=api_id)["Items"]}
    assert authorizers["tokens"]["JwtConfiguration"] == {
        "Audience": ["shop"],
        "Issuer": "https://issuer.example.com",
    }
    assert authorizers["checked"]["IdentitySource"] == ["$request.header.one", "$request.header.two"]
    assert authorizers["checked"]["AuthorizerResultTtlInSeconds"] == 30
    assert authorizers["checked"]["EnableSimpleResponses"] is True
    integrations = {one["IntegrationId"]: one for one in api.get_integrations(ApiId=api_id)["Items"]}
    assert len(integrations) == 2
    routes = {one["RouteKey"]: one for one in api.get_routes(ApiId=api_id)["Items"]}
    assert set(routes) == {"$default", "GET /pets/{id}", "POST /pets/{id}", "ANY /{proxy+}"}
    get, post = routes["GET /pets/{id}"], routes["POST /pets/{id}"]
    assert get["OperationName"] == "getPet"
    assert get["AuthorizationType"] == "JWT"
    assert get["AuthorizationScopes"] == ["read", "write"]
    assert get["AuthorizerId"] == authorizers["tokens"]["AuthorizerId"]
    assert get["Target"] == routes["$default"]["Target"]
    assert (post["AuthorizationType"], post["AuthorizerId"]) == (
        "CUSTOM",
        authorizers["checked"]["AuthorizerId"],
    )
    assert routes["ANY /{proxy+}"]["AuthorizationType"] == "AWS_IAM"
    function = integrations[get["Target"].removeprefix("integrations/")]
    assert (function["IntegrationUri"], function["PayloadFormatVersion"]) == (FUNCTION, "2.0")
    proxy = integrations[post["Target"].removeprefix("integrations/")]
    assert {key: value for key, value in proxy.items() if key != "IntegrationId"} == {
        "ConnectionType": "INTERNET",
        "IntegrationMethod": "ANY",
        "IntegrationType": "HTTP_PROXY",
        "IntegrationUri": "https://example.com/",
        "PayloadFormatVersion": "1.0",
        "RequestParameters": {"overwrite:path": "$request.path.id"},
        "ResponseParameters": {"404": {"overwrite:statuscode": "200"}},
        "TimeoutInMillis": 5000,
    }


@pytest.mark.parametrize(
    ("base_path", "key"),
    [("ignore", "GET /pets/{id}"), ("prepend", "GET /v1/shop/pets/{id}"), ("split", "GET /shop/pets/{id}")],
)
def test_base_paths(api: Any, base_path: str, key: str) -> None:
    api_id = api.import_api(Body=DOCUMENT, Basepath=base_path)["ApiId"]
    assert key in {route["RouteKey"] for route in api.get_routes(ApiId=api_id)["Items"]}


@pytest.mark.parametrize(
    ("body", "warning"),
    [
        (
            minimal(**{"$default": {"x-amazon-apigateway-any-method": {"isDefaultRoute": True}}}),
            "Parse issue: attribute paths. Resource $default should start with /",
        ),
        (
            minimal(**{"/": operation(type="mock")}),
            "Integration type MOCK is not supported for HTTP APIs. Ignoring the integration at path /",
        ),
        (
            json.dumps({**json.loads(minimal()), "x-amazon-apigateway-cors": {"allow_methods": ["delete"]}}),
            "CORS Scheme is malformed, ignoring.",
        ),
        (
            json.dumps(
                {
                    **json.loads(minimal()),
                    "components": {"securitySchemes": {"b": {"type": "http", "scheme": "bearer"}}},
                }
            ),
            "Unsupported security definition type 'http' for 'b'. Ignoring.",
        ),
    ],
)
def test_warnings_are_told_or_refuse(api: Any, refused: Refused, body: str, warning: str) -> None:
    made = api.import_api(Body=body)
    assert made["Warnings"] == [warning]
    assert refused(api.import_api, Body=body, FailOnWarnings=True) == (
        *BAD,
        f"Warnings found during import:\n\t{warning}",
    )
    assert len(api.get_apis()["Items"]) == 1


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("{", "Invalid OpenAPI input."),
        ("[1]", "Invalid OpenAPI input."),
        ("a: [", "Invalid OpenAPI input."),
        ("\u0000", "Invalid OpenAPI input."),
        ("[" * 50_000, "Invalid OpenAPI input."),
        ('{"swagger": "2.0", "info": {"title": "t"}}', "Errors found during import:\n\tUnsupported OpenAPI"),
        (
            '{"openapi": "3.0.1", "info": {}}',
            "Errors found during import:\n\tattribute info.title is missing",
        ),
        (
            '{"openapi": "3.0.1", "info": {"title": "t"}, "paths": "/"}',
            "Errors found during import:\n\tattribute paths is not of type `object`",
        ),
        (
            minimal(**{"/x": {"get": {"x-amazon-apigateway-integration": "none"}}}),
            (
                "Errors found during import:\n\tUnable to parse API definition because of a malformed integration at "
                "path /x."
            ),
        ),
        (
            minimal(**{"/x": {"get": {"security": [{"missing": []}]}}}),
            "Errors found during import:\n\tSecurity scheme missing is not defined",
        ),
        (
            minimal(**{"/{a+}/b": {"get": {}}}),
            "Errors found during import:\n\tInvalid path /{a+}/b",
        ),
    ],
    ids=[
        "cut off",
        "a list",
        "cut off yaml",
        "binary",
        "deep",
        "swagger",
        "untitled",
        "paths",
        "integration",
        "scheme",
        "path",
    ],
)
def test_documents_that_are_refused(api: Any, refused: Refused, body: str, message: str) -> None:
    status, code, said = refused(api.import_api, Body=body)
    assert (status, code) == BAD
    assert said.startswith(message)
    assert api.get_apis()["Items"] == []


def test_routes_for_nobody_in_particular_have_no_authorizer(api: Any) -> None:
    # As SAM's transform writes `Auth: {Authorizer: NONE}`.
    made = api.import_api(Body=minimal(**{"/x": {"get": {"security": [{"NONE": []}]}}}))
    assert [route["AuthorizationType"] for route in api.get_routes(ApiId=made["ApiId"])["Items"]] == ["NONE"]


def test_routes_for_iam_as_the_sam_transform_writes_them(api: Any) -> None:
    scheme = {
        "type": "apiKey",
        "name": "Authorization",
        "in": "header",
        "x-amazon-apigateway-authtype": "awsSigv4",
    }
    document = json.loads(minimal(**{"/x": {"get": {"security": [{"AWS_IAM": []}]}}}))
    document["components"] = {"securitySchemes": {"AWS_IAM": scheme}}
    made = api.import_api(Body=json.dumps(document), FailOnWarnings=True)
    routes = api.get_routes(ApiId=made["ApiId"])["Items"]
    assert [route["AuthorizationType"] for route in routes] == ["AWS_IAM"]


def test_a_document_takes_the_place_of_what_was_there(api: Any, http_api: str, refused: Refused) -> None:
    api.create_stage(ApiId=http_api, StageName="$default", AutoDeploy=True)
    api.create_route(ApiId=http_api, RouteKey="GET /old")
    before = api.get_stage(ApiId=http_api, StageName="$default")["DeploymentId"]
    made = api.reimport_api(ApiId=http_api, Body=DOCUMENT)
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert (made["ApiId"], made["Name"]) == (http_api, "Shop")
    keys = {route["RouteKey"] for route in api.get_routes(ApiId=http_api)["Items"]}
    assert "GET /old" not in keys
    assert api.get_stage(ApiId=http_api, StageName="$default")["DeploymentId"] != before
    refused(api.reimport_api, ApiId=http_api, Body="{")
    assert {route["RouteKey"] for route in api.get_routes(ApiId=http_api)["Items"]} == keys
    assert refused(api.reimport_api, ApiId="missing", Body=DOCUMENT)[:2] == LOST


def test_an_exported_document_says_the_same(api: Any, plane: Any) -> None:
    api_id = api.import_api(Body=DOCUMENT)["ApiId"]
    answer = api.export_api(ApiId=api_id, OutputType="JSON", Specification="OAS30")
    document = json.loads(answer["body"].read())
    port = plane.url.rpartition(":")[2]
    assert document["openapi"] == "3.0.1"
    assert document["info"] == {"title": "Shop", "description": "Sells.", "version": "1.0"}
    assert document["servers"] == [
        {
            "url": f"http://{api_id}.execute-api.us-east-1.localhost:{port}/{{basePath}}",
            "variables": {"basePath": {"default": ""}},
        }
    ]
    assert document["paths"]["/pets/{id}"]["parameters"][0]["name"] == "id"
    assert document["x-amazon-apigateway-importexport-version"] == "1.0"
    yaml_answer = api.export_api(ApiId=api_id, OutputType="YAML", Specification="OAS30")
    assert yaml.safe_load(yaml_answer["body"].read()) == document

    again = api.import_api(Body=json.dumps(document))["ApiId"]

    def told(which: str) -> list[dict[str, Any]]:
        routes = []
        integrations = {one["IntegrationId"]: one for one in api.get_integrations(ApiId=which)["Items"]}
        for route in api.get_routes(ApiId=which)["Items"]:
            integration = integrations.get(route.pop("Target", "").removeprefix("integrations/"), {})
            ids = {"RouteId", "AuthorizerId"}
            routes.append(
                {
                    **{key: value for key, value in route.items() if key not in ids},
                    "integration": {k: v for k, v in integration.items() if k != "IntegrationId"},
                }
            )
        return sorted(routes, key=lambda route: str(route["RouteKey"]))

    assert told(again) == told(api_id)
    plain = api.export_api(ApiId=api_id, OutputType="JSON", Specification="OAS30", IncludeExtensions=False)[
        "body"
    ].read()
    assert b"x-amazon" not in plain


def test_a_stage_exports_what_it_serves(api: Any, http_api: str, refused: Refused) -> None:
    api.create_route(ApiId=http_api, RouteKey="GET /one")
    api.create_stage(ApiId=http_api, StageName="prod")
    how = {"ApiId": http_api, "OutputType": "JSON", "Specification": "OAS30", "StageName": "prod"}
    assert refused(api.export_api, **how)[:2] == LOST
    api.create_deployment(ApiId=http_api, StageName="prod")
    api.create_route(ApiId=http_api, RouteKey="GET /two")
    document = json.loads(api.export_api(**how)["body"].read())
    assert list(document["paths"]) == ["/one"]
    assert document["servers"][0]["variables"] == {"basePath": {"default": "prod"}}
    for bad in ({"OutputType": "XML"}, {"Specification": "OAS31"}, {"ExportVersion": "2.0"}):
        assert refused(api.export_api, **{**how, **bad})[:2] == BAD


def test_ten_thousand_routes_are_imported_at_once(api: Any) -> None:
    shared = {"$ref": "#/components/x-amazon-apigateway-integrations/hello"}
    document = {
        "openapi": "3.0.1",
        "info": {"title": "large"},
        "paths": {
            f"/things/{number}/{{id}}": {"get": {"x-amazon-apigateway-integration": shared}}
            for number in range(10_000)
        },
        "components": {"x-amazon-apigateway-integrations": {"hello": {"type": "AWS_PROXY", "uri": FUNCTION}}},
    }
    api_id = api.import_api(Body=json.dumps(document))["ApiId"]
    api.create_stage(ApiId=api_id, StageName="$default", AutoDeploy=True)
    pages = api.get_paginator("get_routes").paginate(ApiId=api_id)
    assert sum(len(page["Items"]) for page in pages) == 10_000


def test_the_command_line(plane: Any, tmp_path: Path) -> None:
    """AWS CLI, as its own examples are written."""

    def aws(*words: str) -> str:
        environment = {
            **os.environ,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_CONFIG_FILE": str(tmp_path / "none"),
            "AWS_MAX_ATTEMPTS": "1",
        }
        ran = subprocess.run(
            [Path(sys.executable).parent / "aws", "--endpoint-url", plane.url, "apigatewayv2", *words],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert not ran.returncode, ran.stderr
        return ran.stdout

    source = tmp_path / "api-definition.yaml"
    source.write_text(DOCUMENT)
    api_id = json.loads(aws("import-api", "--body", f"file://{source}"))["ApiId"]
    aws("create-stage", "--api-id", api_id, "--stage-name", "prod", "--auto-deploy")
    target = tmp_path / "stage-definition.yaml"
    export = ["export-api", "--api-id", api_id, "--output-type", "YAML", "--specification", "OAS30"]
    aws(*export, "--stage-name", "prod", str(target))
    assert yaml.safe_load(target.read_text())["info"]["title"] == "Shop"
    aws("delete-api", "--api-id", api_id)
    assert json.loads(aws("get-apis")) == {"Items": []}
