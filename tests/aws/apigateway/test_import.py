"""Importing documents: as the SAM transform writes them, in YAML, with what API Gateway adds to OpenAPI."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from tests.aws.apigateway.conftest import ACCOUNT, REGION

from lambent.gateway.rest_api import apis
from lambent.gateway.rest_api.patches import Operation

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.aws.apigateway.conftest import ControlPlane

    from lambent.gateway.rest_api.definition import Definition

    Refused = Callable[..., tuple[int, str, str]]

FUNCTION = (
    "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/"
    "arn:aws:lambda:us-east-1:000000000000:function:f/invocations"
)
EMPTY = {"x-amazon-apigateway-integration": {"type": "mock"}}
PROXY = {"type": "aws_proxy", "httpMethod": "POST", "uri": FUNCTION}
SWAGGER = {
    "swagger": "2.0",
    "info": {"title": "shop", "version": "1.0", "description": "d"},
    "basePath": "/base/v1",
    "x-amazon-apigateway-binary-media-types": ["image/png"],
    "x-amazon-apigateway-request-validators": {
        "all": {"validateRequestBody": True, "validateRequestParameters": True}
    },
    "x-amazon-apigateway-gateway-responses": {
        "DEFAULT_4XX": {"responseParameters": {"gatewayresponse.header.X": "'y'"}}
    },
    "securityDefinitions": {
        "key": {"type": "apiKey", "name": "x-api-key", "in": "header"},
        "iam": {
            "type": "apiKey",
            "name": "Authorization",
            "in": "header",
            "x-amazon-apigateway-authtype": "awsSigv4",
        },
        "mine": {
            "type": "apiKey",
            "name": "Token",
            "in": "header",
            "x-amazon-apigateway-authtype": "custom",
            "x-amazon-apigateway-authorizer": {
                "type": "token",
                "authorizerUri": FUNCTION,
                "authorizerResultTtlInSeconds": 0,
            },
        },
        "pool": {
            "type": "apiKey",
            "name": "Authorization",
            "in": "header",
            "x-amazon-apigateway-authtype": "cognito_user_pools",
            "x-amazon-apigateway-authorizer": {
                "type": "cognito_user_pools",
                "providerARNs": ["arn:aws:cognito-idp:us-east-1:000000000000:userpool/us-east-1_abc"],
            },
        },
    },
    "definitions": {
        "Pet": {"type": "object", "properties": {"kind": {"$ref": "#/definitions/Kind"}}},
        "Kind": {"type": "string"},
    },
    "paths": {
        "/pets/{id}": {
            "parameters": [{"name": "id", "in": "path", "required": True, "type": "string"}],
            "get": {"security": [{"key": []}], "x-amazon-apigateway-integration": PROXY, "responses": {}},
            "put": {"security": [{"iam": []}], "x-amazon-apigateway-integration": PROXY},
            "post": {
                "security": [{"mine": []}],
                "x-amazon-apigateway-request-validator": "all",
                "parameters": [{"name": "body", "in": "body", "schema": {"$ref": "#/definitions/Pet"}}],
                "x-amazon-apigateway-integration": PROXY,
            },
            "x-amazon-apigateway-any-method": {
                "security": [{"pool": ["a/b"]}],
                "x-amazon-apigateway-integration": PROXY,
            },
        }
    },
}


def methods(api: Any, api_id: str, path: str) -> dict[str, Any]:
    listed = api.get_resources(restApiId=api_id, embed=["methods"])["items"]
    found: dict[str, Any] = next(one for one in listed if one["path"] == path)["resourceMethods"]
    return found


def test_swagger(api: Any) -> None:
    made = api.import_rest_api(body=json.dumps(SWAGGER))
    assert (made["name"], made["description"], made["binaryMediaTypes"]) == ("shop", "d", ["image/png"])
    found = methods(api, made["id"], "/pets/{id}")
    assert found["GET"]["apiKeyRequired"] is True
    assert found["GET"]["requestParameters"] == {"method.request.path.id": True}
    assert found["PUT"]["authorizationType"] == "AWS_IAM"
    assert found["POST"]["authorizationType"] == "CUSTOM"
    assert found["POST"]["requestModels"] == {"application/json": "Pet"}
    assert found["ANY"]["authorizationScopes"] == ["a/b"]
    assert found["ANY"]["methodIntegration"]["type"] == "AWS_PROXY"
    kinds = {one["name"]: one for one in api.get_authorizers(restApiId=made["id"])["items"]}
    assert kinds["mine"]["identitySource"] == "method.request.header.Token"
    assert kinds["mine"]["id"] == found["POST"]["authorizerId"]
    schema = json.loads(api.get_model(restApiId=made["id"], modelName="Pet")["schema"])
    assert schema["properties"]["kind"]["$ref"].endswith(f"/restapis/{made['id']}/models/Kind")
    kept = api.get_gateway_response(restApiId=made["id"], responseType="DEFAULT_4XX")
    assert kept["responseParameters"] == {"gatewayresponse.header.X": "'y'"}
    api.delete_rest_api(restApiId=made["id"])


def test_overwriting_keeps_ids_and_merging_keeps_paths(api: Any) -> None:
    made = api.import_rest_api(body=json.dumps(SWAGGER))["id"]
    before = {one["path"]: one["id"] for one in api.get_resources(restApiId=made)["items"]}
    more = {
        "openapi": "3.0.1",
        "info": {"title": "other", "version": "2"},
        "paths": {"/pets/{id}": {"get": {"x-amazon-apigateway-integration": PROXY}}, "/new": {}},
    }
    merged = api.put_rest_api(restApiId=made, mode="merge", body=json.dumps(more))
    assert merged["name"] == "other"
    assert set(methods(api, made, "/pets/{id}")) == {"GET", "PUT", "POST", "ANY"}
    api.put_rest_api(restApiId=made, mode="overwrite", body=json.dumps(more))
    after = {one["path"]: one["id"] for one in api.get_resources(restApiId=made)["items"]}
    assert set(after) == {"/", "/pets", "/pets/{id}", "/new"}
    assert after["/pets/{id}"] == before["/pets/{id}"]
    assert set(methods(api, made, "/pets/{id}")) == {"GET"}
    api.delete_rest_api(restApiId=made)


def test_base_paths_and_yaml(api: Any) -> None:
    text = """
swagger: '2.0'
info: {title: yaml, version: 1.0}
basePath: /base/v1
paths:
  /pets:
    get:
      x-amazon-apigateway-integration:
        type: mock
        timeoutInMillis: 1000
        requestTemplates: {application/json: '{"statusCode": 200}'}
        responses:
          default: {statusCode: 200}
"""
    for how, path in (("ignore", "/pets"), ("prepend", "/base/v1/pets"), ("split", "/v1/pets")):
        made = api.import_rest_api(
            body=text, parameters={"basepath": how, "endpointConfigurationTypes": "REGIONAL"}
        )
        found = methods(api, made["id"], path)["GET"]["methodIntegration"]
        assert (found["timeoutInMillis"], found["integrationResponses"]["200"]) == (
            1000,
            {"statusCode": "200"},
        )
        assert made["endpointConfiguration"]["types"] == ["REGIONAL"]
        api.delete_rest_api(restApiId=made["id"])


def test_documents_are_refused(api: Any, refused: Refused) -> None:
    for body, message in (
        ("nothing", "Invalid OpenAPI input"),
        ('{"swagger": "1.2"}', "Invalid OpenAPI input"),
        ('{"swagger": "2.0", "paths": []}', "Invalid OpenAPI input"),
        (
            json.dumps(
                {**SWAGGER, "paths": {"/a": {"get": {"x-amazon-apigateway-integration": {"type": "odd"}}}}}
            ),
            "Errors found during import:\n\tUnable to put integration on 'GET' for resource at path '/a': ",
        ),
        (
            json.dumps({**SWAGGER, "paths": {"/{a}": {}, "/{b}": {}}}),
            "Errors found during import:\n\tUnable to create",
        ),
        ("[" * 100_000, "Invalid OpenAPI input"),
    ):
        status, code, said = refused(api.import_rest_api, body=body)
        assert (status, code) == (400, "BadRequestException")
        assert said.startswith(message)


def test_no_change_is_lost_while_a_document_is_read(plane: ControlPlane) -> None:
    registry = plane.registry

    async def together() -> Definition:
        made = await registry.create_api(ACCOUNT, REGION, {"name": "shop"})
        place = (ACCOUNT, REGION, made.api.id)
        texts = [
            json.dumps({"swagger": "2.0", "paths": {f"/{number}": {"get": EMPTY}}}) for number in range(5)
        ]
        await asyncio.gather(
            *(
                registry.put_api(*place, text, mode="merge", fail_on_warnings=False, parameters={})
                for text in texts
            ),
            registry.change(
                *place,
                lambda one: apis.update(one, [Operation("replace", "/description", "changed")]),
            ),
        )
        return registry.definition(*place)

    definition = plane.call(together)
    assert {one.path for one in definition.resources.values()} == {"/", "/0", "/1", "/2", "/3", "/4"}
    assert (definition.api.description, definition.version) == ("changed", 7)
