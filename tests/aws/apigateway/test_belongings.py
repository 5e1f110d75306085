"""Authorizers, models, validators, gateway responses, documentation: recorded in localstack/localstack."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.aws.apigateway.conftest import Made, operation, plain

if TYPE_CHECKING:
    from collections.abc import Callable

    Refused = Callable[..., tuple[int, str, str]]

FUNCTION = (
    "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/"
    "arn:aws:lambda:us-east-1:000000000000:function:f/invocations"
)


def test_models(api: Any, made: Made, refused: Refused) -> None:
    assert sorted(one["name"] for one in api.get_models(restApiId=made.id)["items"]) == ["Empty", "Error"]
    model = {"restApiId": made.id, "name": "Pet", "contentType": "application/json"}
    api.create_model(**model, schema=json.dumps({"type": "object", "title": "Pet"}))
    for change, expected in (
        ({}, ("ConflictException", "Model name already exists for this REST API")),
        ({"name": ""}, ("BadRequestException", "Model name must be non-empty")),
        (
            {"name": "Other", "schema": "{}"},
            ("BadRequestException", "Model schema must have at least 1 property or array items defined"),
        ),
    ):
        assert (
            refused(api.create_model, **{**model, "schema": '{"type": "object"}', **change})[1:] == expected
        )
    named = {"restApiId": made.id, "modelName": "Pet"}
    api.update_model(**named, patchOperations=operation("replace", "/description", "d"))
    assert refused(api.update_model, **named, patchOperations=operation("replace", "/name", "x"))[2] == (
        "Invalid patch path  '/name' specified for op 'replace'. Must be one of: [/description, /schema]"
    )
    api.update_method(
        **made.method, patchOperations=operation("add", "/requestModels/application~1json", "Pet")
    )
    assert refused(api.delete_model, **named) == (
        409,
        "ConflictException",
        "Cannot delete model 'Pet', is referenced in method request: /pets/GET",
    )
    api.update_method(**made.method, patchOperations=operation("remove", "/requestModels/application~1json"))
    api.put_method_response(**made.method, statusCode="200", responseModels={"application/json": "Pet"})
    assert refused(api.delete_model, **named)[2] == (
        "Cannot delete model 'Pet', is referenced in method response: /pets/GET"
    )
    api.delete_method_response(**made.method, statusCode="200")
    api.delete_model(**named)
    assert refused(api.get_model, **named)[0] == 404
    assert (
        refused(api.get_model, restApiId=made.id, modelName="Nope")[2] == "Invalid model name specified: Nope"
    )


def test_request_validators(api: Any, made: Made, refused: Refused) -> None:
    answer = api.create_request_validator(restApiId=made.id, name="v")
    named = {"restApiId": made.id, "requestValidatorId": answer["id"]}
    assert plain(answer) == {
        "id": answer["id"],
        "name": "v",
        "validateRequestBody": False,
        "validateRequestParameters": False,
    }
    changed = api.update_request_validator(
        **named, patchOperations=operation("replace", "/validateRequestBody", "true")
    )
    assert changed["validateRequestBody"] is True
    assert refused(api.update_request_validator, **named, patchOperations=operation("replace", "/name", ""))[
        2
    ] == ("Request Validator name cannot be blank")
    api.delete_request_validator(**named)
    assert refused(api.get_request_validator, **named) == (
        404,
        "NotFoundException",
        "Invalid Request Validator identifier specified",
    )


def test_authorizers(api: Any, made: Made, refused: Refused) -> None:
    request = {"restApiId": made.id, "name": "a", "type": "TOKEN", "authorizerUri": FUNCTION}
    answer = api.create_authorizer(**request, authorizerResultTtlInSeconds=60)
    assert answer["identitySource"] == "method.request.header.Authorization"
    named = {"restApiId": made.id, "authorizerId": answer["id"]}
    changed = api.update_authorizer(
        **named, patchOperations=operation("replace", "/authorizerResultTtlInSeconds", "0")
    )
    assert changed["authorizerResultTtlInSeconds"] == 0
    for given, message in (
        (request, "Authorizer name must be unique. Authorizer a already exists in this RestApi."),
        (
            {**request, "name": "b", "authorizerResultTtlInSeconds": 9999},
            "Authorizer result TTL outside allowable range. TTL must be between 0 and 3600 seconds.",
        ),
        ({"restApiId": made.id, "name": "c", "type": "TOKEN"}, "Invalid Authorizer URI: None"),
    ):
        assert refused(api.create_authorizer, **given)[2] == message
    api.update_method(
        **made.method,
        patchOperations=[
            {"op": "replace", "path": "/authorizationType", "value": "CUSTOM"},
            {"op": "replace", "path": "/authorizerId", "value": answer["id"]},
        ],
    )
    assert refused(api.delete_authorizer, **named)[1] == "ConflictException"


def test_gateway_responses(api: Any, made: Made, refused: Refused) -> None:
    named = {"restApiId": made.id, "responseType": "MISSING_AUTHENTICATION_TOKEN"}
    default = {
        "defaultResponse": True,
        "responseParameters": {},
        "responseTemplates": {"application/json": '{"message":$context.error.messageString}'},
        "responseType": "MISSING_AUTHENTICATION_TOKEN",
        "statusCode": "403",
    }
    assert plain(api.get_gateway_response(**named)) == default
    api.put_gateway_response(**named, statusCode="404")
    assert plain(api.get_gateway_response(**named)) == {
        **default,
        "defaultResponse": False,
        "statusCode": "404",
    }
    assert len(api.get_gateway_responses(restApiId=made.id)["items"]) == 21
    changed = api.update_gateway_response(
        **{**named, "responseType": "DEFAULT_5XX"},
        patchOperations=[
            {"op": "add", "path": "/responseParameters/gatewayresponse.header.X", "value": "'y'"}
        ],
    )
    assert changed["responseParameters"] == {"gatewayresponse.header.X": "'y'"}
    inherited = api.get_gateway_response(restApiId=made.id, responseType="AUTHORIZER_FAILURE")
    assert (inherited["defaultResponse"], inherited["responseParameters"]) == (
        True,
        {"gatewayresponse.header.X": "'y'"},
    )
    assert refused(
        api.update_gateway_response,
        **named,
        patchOperations=operation("replace", "/responseTemplates/application~1json"),
    )[1:] == ("NotFoundException", "Invalid parameter name specified")
    api.delete_gateway_response(**named)
    assert plain(api.get_gateway_response(**named)) == default
    assert refused(api.delete_gateway_response, **named)[2] == "Gateway response type not defined on api"


def test_documentation(api: Any, made: Made) -> None:
    part = api.create_documentation_part(restApiId=made.id, location={"type": "API"}, properties='{"a": "b"}')
    assert api.get_documentation_parts(restApiId=made.id)["items"][0]["location"] == {"type": "API"}
    version = {"restApiId": made.id, "documentationVersion": "v1"}
    api.create_documentation_version(**version)
    changed = api.update_documentation_version(
        **version, patchOperations=operation("replace", "/description", "d")
    )
    assert changed["description"] == "d"
    api.delete_documentation_version(**version)
    api.delete_documentation_part(restApiId=made.id, documentationPartId=part["id"])
    assert api.get_documentation_parts(restApiId=made.id)["items"] == []


def test_keys_and_plans(api: Any, made: Made, refused: Refused) -> None:
    key = api.create_api_key(name="k", enabled=True)
    assert len(key["value"]) == 40
    assert "value" not in api.get_api_key(apiKey=key["id"])
    assert api.get_api_key(apiKey=key["id"], includeValue=True)["value"] == key["value"]
    assert (
        plain(
            api.update_api_key(apiKey=key["id"], patchOperations=operation("replace", "/enabled", "false"))
        )["tags"]
        == {}
    )
    assert refused(api.create_api_key, name="x", value="short")[1] == "BadRequestException"
    assert refused(api.create_api_key, name="x", value=key["value"])[1] == "ConflictException"
    api.create_deployment(restApiId=made.id, stageName="dev")
    stage = {"apiId": made.id, "stage": "dev"}
    plan = api.create_usage_plan(name="p", apiStages=[stage], quota={"limit": 10, "period": "DAY"})
    assert plan["quota"] == {"limit": 10, "offset": 0, "period": "DAY"}
    named = {"usagePlanId": plan["id"]}
    changed = api.update_usage_plan(
        **named,
        patchOperations=[
            {"op": "replace", "path": "/throttle/burstLimit", "value": "100"},
            {"op": "replace", "path": "/throttle/rateLimit", "value": "200"},
            {
                "op": "replace",
                "path": f"/apiStages/{made.id}:dev/throttle/~1pets/GET/rateLimit",
                "value": "5",
            },
            {"op": "remove", "path": "/quota"},
        ],
    )
    assert changed["throttle"] == {"burstLimit": 100, "rateLimit": 200.0}
    assert changed["apiStages"][0]["throttle"] == {"/pets/GET": {"rateLimit": 5.0}}
    assert "quota" not in changed
    api.create_usage_plan_key(**named, keyId=key["id"], keyType="API_KEY")
    assert [one["id"] for one in api.get_usage_plan_keys(**named)["items"]] == [key["id"]]
    assert [one["id"] for one in api.get_usage_plans(keyId=key["id"])["items"]] == [plan["id"]]
    assert refused(api.delete_usage_plan, **named)[2].startswith(f"Cannot delete Usage Plan {plan['id']}")
    assert refused(api.delete_stage, restApiId=made.id, stageName="dev")[1] == "BadRequestException"
    api.update_usage_plan(**named, patchOperations=operation("remove", "/apiStages", f"{made.id}:dev"))
    api.delete_api_key(apiKey=key["id"])
    assert api.get_usage_plan_keys(**named)["items"] == []
    api.delete_usage_plan(**named)


def test_domain_names_and_base_paths(api: Any, made: Made, refused: Refused) -> None:
    certificate = "arn:aws:acm:us-east-1:000000000000:certificate/x"
    regional = api.create_domain_name(
        domainName="api.example.com",
        regionalCertificateArn=certificate,
        endpointConfiguration={"types": ["REGIONAL"]},
    )
    assert regional["regionalDomainName"].startswith("d-")
    assert regional["regionalHostedZoneId"] == "Z1UJRXOUMOOFQ8"
    edge = api.create_domain_name(domainName="edge.example.com", certificateArn=certificate)
    assert edge["distributionDomainName"].endswith(".cloudfront.net")
    api.create_deployment(restApiId=made.id, stageName="live")
    named = {"domainName": "api.example.com"}
    api.create_base_path_mapping(**named, restApiId=made.id, stage="live")
    api.create_base_path_mapping(**named, restApiId=made.id, basePath="v1")
    assert [one["basePath"] for one in api.get_base_path_mappings(**named)["items"]] == ["(none)", "v1"]
    changed = api.update_base_path_mapping(
        **named, basePath="v1", patchOperations=operation("replace", "/stage", "live")
    )
    assert changed["stage"] == "live"
    assert refused(api.create_base_path_mapping, **named, restApiId=made.id, basePath="v1")[1:] == (
        "ConflictException",
        "Base path already exists for this domain name",
    )
    assert refused(api.create_base_path_mapping, **named, restApiId="nope", basePath="v2")[2] == (
        "Invalid REST API identifier specified"
    )
    assert refused(api.delete_rest_api, restApiId=made.id)[2].startswith("Deleting API failed.")
    api.delete_base_path_mapping(**named, basePath="(none)")
    for name in ("api.example.com", "edge.example.com"):
        api.delete_domain_name(domainName=name)
    assert refused(api.get_domain_name, **named)[2] == "Invalid domain name identifier specified"
