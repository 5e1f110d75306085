"""Resources, methods, integrations: recorded in localstack/localstack, test_apigateway_api.snapshot.json."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.aws.apigateway.conftest import Made, operation, plain

if TYPE_CHECKING:
    from collections.abc import Callable

    Refused = Callable[..., tuple[int, str, str]]

FUNCTION = (
    "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/"
    "arn:aws:lambda:us-east-1:000000000000:function:f/invocations"
)
NO_RESOURCE = (404, "NotFoundException", "Invalid Resource identifier specified")
NO_AUTHORIZER = (
    "Invalid authorizer ID specified. Setting the authorization type to CUSTOM or COGNITO_USER_POOLS requires a valid "
    "authorizer."
)
NO_METHOD = (404, "NotFoundException", "Invalid Method identifier specified")


def test_the_life_of_resources(api: Any, made: Made, refused: Refused) -> None:
    def add(parent: str, part: str) -> str:
        return str(api.create_resource(restApiId=made.id, parentId=parent, pathPart=part)["id"])

    sub = add(made.pets, "{id}")
    add(sub, "toys")
    api.update_resource(
        restApiId=made.id, resourceId=made.pets, patchOperations=operation("replace", "/pathPart", "dogs")
    )
    listed = api.get_resources(restApiId=made.id)["items"]
    assert [one["path"] for one in listed] == ["/", "/dogs", "/dogs/{id}", "/dogs/{id}/toys"]
    assert listed[1]["resourceMethods"] == {"GET": {}}
    embedded = api.get_resource(restApiId=made.id, resourceId=made.pets, embed=["methods"])
    assert embedded["resourceMethods"]["GET"]["methodIntegration"]["type"] == "MOCK"
    for change, expected in (
        (
            operation("replace", "/parentId", sub),
            (400, "BadRequestException", "Resources cannot be cyclical."),
        ),
        (operation("replace", "/parentId", "nope"), NO_RESOURCE),
        (
            operation("replace", "/x", "y"),
            (
                400,
                "BadRequestException",
                "Invalid patch path  '/x' specified for op 'replace'. Must be one of: [/parentId, /pathPart]",
            ),
        ),
        (
            operation("remove", "/pathPart"),
            (
                400,
                "BadRequestException",
                "Invalid patch path  '/pathPart' specified for op 'remove'. Please choose supported operations",
            ),
        ),
    ):
        named = {"restApiId": made.id, "resourceId": made.pets}
        assert refused(api.update_resource, **named, patchOperations=change) == expected
    assert (
        refused(
            api.update_resource,
            restApiId=made.id,
            resourceId=made.root,
            patchOperations=operation("replace", "/pathPart", "x"),
        )[2]
        == "Root resource cannot update its pathPart."
    )
    api.delete_resource(restApiId=made.id, resourceId=made.pets)
    assert [one["path"] for one in api.get_resources(restApiId=made.id)["items"]] == ["/"]


def test_resources_are_refused(api: Any, made: Made, refused: Refused) -> None:
    greedy = api.create_resource(restApiId=made.id, parentId=made.root, pathPart="{proxy+}")["id"]
    for parent, part, expected in (
        (
            made.root,
            "{other}",
            "A sibling ({proxy+}) of this resource already has a variable path part -- only one is allowed",
        ),
        (greedy, "x", "Cannot create a child of a resource with a greedy path variable: {proxy+}"),
        (made.root, "pets", "Another resource with the same parent already has this name: pets"),
        ("nope", "x", "Invalid Resource identifier specified"),
    ):
        request = {"restApiId": made.id, "parentId": parent, "pathPart": part}
        assert refused(api.create_resource, **request)[2] == expected
    request = {"restApiId": made.id, "parentId": made.root, "pathPart": "a/b"}
    assert refused(api.create_resource, **request)[2].startswith("Resource's path part only allow")


def test_methods_and_their_patches(api: Any, made: Made, refused: Refused) -> None:
    named = {**made.method, "httpMethod": "ANY"}
    answer = api.put_method(**named, authorizationType="NONE")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert plain(answer) == {"apiKeyRequired": False, "authorizationType": "NONE", "httpMethod": "ANY"}
    changed = api.update_method(
        **named,
        patchOperations=[
            {"op": "add", "path": "/requestParameters/method.request.querystring.q", "value": "true"},
            {"op": "add", "path": "/requestModels/application~1json", "value": "Empty"},
            {"op": "replace", "path": "/apiKeyRequired", "value": "true"},
            {"op": "replace", "path": "/authorizationType", "value": "AWS_IAM"},
            {"op": "replace", "path": "/operationName", "value": "Op"},
        ],
    )
    assert plain(changed) == {
        "apiKeyRequired": True,
        "authorizationType": "AWS_IAM",
        "httpMethod": "ANY",
        "operationName": "Op",
        "requestModels": {"application/json": "Empty"},
        "requestParameters": {"method.request.querystring.q": True},
    }
    changed = api.update_method(
        **named,
        patchOperations=[
            {"op": "remove", "path": "/requestParameters/method.request.querystring.q"},
            {"op": "remove", "path": "/requestModels/application~1json"},
        ],
    )
    assert "requestParameters" not in changed
    for change, message in (
        (
            operation("add", "/apiKeyRequired", "true"),
            "Invalid patch operation specified. Must be one of: [replace]",
        ),
        (operation("replace", "/httpMethod", "GET"), "Invalid patch path /httpMethod"),
        (operation("add", "/requestParameters", "x"), "Invalid patch path /requestParameters"),
        (
            operation("add", "/requestModels/application/json", "Empty"),
            "Invalid patch path /requestModels/application/json",
        ),
        (
            operation("replace", "/authorizationType", "CUSTOM"),
            NO_AUTHORIZER,
        ),
        (
            operation("replace", "/requestValidatorId", "nope"),
            "Invalid Request Validator identifier specified",
        ),
    ):
        assert refused(api.update_method, **named, patchOperations=change)[1:] == (
            "BadRequestException",
            message,
        )
    api.delete_method(**named)
    assert refused(api.get_method, **named) == NO_METHOD
    assert refused(api.get_method, **{**named, "restApiId": "nope"}) == NO_RESOURCE


@pytest.mark.parametrize(
    ("members", "message"),
    [
        (
            {"httpMethod": "FETCH"},
            "Invalid HttpMethod specified. Valid options are GET,PUT,POST,DELETE,PATCH,OPTIONS,HEAD,ANY",
        ),
        ({"requestModels": {"application/json": "petModel"}}, "Invalid model identifier specified: petModel"),
        ({"requestValidatorId": "nope"}, "Invalid Request Validator identifier specified"),
        (
            {"requestParameters": {"method.request.header.a": True, "method.request.path.a": True}},
            "Parameter names must be unique across querystring, header and path",
        ),
    ],
)
def test_methods_are_refused(
    api: Any, made: Made, refused: Refused, members: dict[str, Any], message: str
) -> None:
    request = {**made.method, "httpMethod": "PUT", "authorizationType": "NONE", **members}
    assert refused(api.put_method, **request)[1:] == ("BadRequestException", message)


def test_integrations(api: Any, made: Made, refused: Refused) -> None:
    answer = api.put_integration(
        **made.method,
        type="AWS_PROXY",
        integrationHttpMethod="POST",
        uri=FUNCTION,
        credentials="arn:aws:iam::000000000000:role/x",
    )
    assert plain(answer) == {
        "type": "AWS_PROXY",
        "httpMethod": "POST",
        "uri": FUNCTION,
        "credentials": "arn:aws:iam::000000000000:role/x",
        "passthroughBehavior": "WHEN_NO_MATCH",
        "timeoutInMillis": 29_000,
        "cacheNamespace": made.pets,
        "cacheKeyParameters": [],
    }
    changed = api.update_integration(
        **made.method,
        patchOperations=[
            {"op": "replace", "path": "/timeoutInMillis", "value": "5000"},
            {"op": "remove", "path": "/credentials"},
            {"op": "add", "path": "/requestTemplates/application~1json", "value": "{}"},
        ],
    )
    assert (changed["timeoutInMillis"], changed["requestTemplates"]) == (5000, {"application/json": "{}"})
    assert "credentials" not in changed
    api.put_method_response(
        **made.method, statusCode="200", responseParameters={"method.response.header.X": False}
    )
    api.put_integration_response(
        **made.method,
        statusCode="200",
        selectionPattern="",
        responseParameters={"method.response.header.X": "'y'"},
    )
    shown = api.get_method(**made.method)
    assert shown["methodIntegration"]["integrationResponses"]["200"] == {
        "statusCode": "200",
        "selectionPattern": "",
        "responseParameters": {"method.response.header.X": "'y'"},
    }
    assert refused(
        api.put_integration_response,
        **made.method,
        statusCode="400",
        responseParameters={"method.response.header.Z": "'y'"},
    )[2].endswith("errors : [Invalid mapping expression parameter specified: method.response.header.Z]")
    assert refused(api.put_method_response, **made.method, statusCode="200")[1:] == (
        "ConflictException",
        "Response already exists for this resource",
    )
    assert refused(api.get_integration_response, **made.method, statusCode="404")[2] == (
        "Invalid Response status code specified"
    )
    api.delete_integration(**made.method)
    assert refused(api.get_integration, **made.method)[2] == "Invalid Integration identifier specified"
    assert refused(api.create_deployment, restApiId=made.id) == (
        400,
        "BadRequestException",
        "No integration defined for method",
    )


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"type": "HTTP", "uri": "http://a.b/"}, "Enumeration value for HttpMethod must be non-empty"),
        (
            {"type": "HTTP", "integrationHttpMethod": "GET", "uri": "nowhere"},
            "Invalid HTTP endpoint specified for URI",
        ),
        (
            {"type": "AWS", "integrationHttpMethod": "POST", "uri": "x"},
            "Invalid ARN specified in the request",
        ),
        (
            {"type": "AWS", "integrationHttpMethod": "POST", "uri": "arn:aws:lambda:us-east-1:0:function:f"},
            "AWS ARN for integration must contain path or action",
        ),
        (
            {
                "type": "AWS_PROXY",
                "integrationHttpMethod": "POST",
                "uri": "arn:aws:apigateway:us-east-1:sqs:action/SendMessage",
            },
            "Integrations of type 'AWS_PROXY' currently only supports Lambda function and Firehose stream invocations.",
        ),
        ({"type": "MOCK", "timeoutInMillis": 10}, "Timeout should be between 50 ms and 29000 ms"),
    ],
)
def test_integrations_are_refused(
    api: Any, made: Made, refused: Refused, members: dict[str, Any], message: str
) -> None:
    assert refused(api.put_integration, **made.method, **members)[1:] == ("BadRequestException", message)


def test_patches_of_method_responses(api: Any, made: Made, refused: Refused) -> None:
    for name in ("integration.x", "method.response.header.", "method.response.header.X\r\nY"):
        assert refused(
            api.put_method_response, **made.method, statusCode="200", responseParameters={name: True}
        )[:2] == (400, "BadRequestException")
    api.put_method_response(**made.method, statusCode="200")
    named = {**made.method, "statusCode": "200"}
    changed = api.update_method_response(
        **named,
        patchOperations=[
            {"op": "add", "path": "/responseParameters/method.response.header.my-header", "value": "true"},
            {"op": "add", "path": "/responseModels/application~1json", "value": "Empty"},
        ],
    )
    assert changed["responseParameters"] == {"method.response.header.my-header": True}
    for path, expected in (
        (
            "/responseParameters/method.response.header.x",
            (404, "NotFoundException", "Invalid parameter name specified"),
        ),
        ("/responseModels/text~1plain", (404, "NotFoundException", "Content-Type specified was not found")),
        ("/wrong/x", (400, "BadRequestException", "Invalid patch path /wrong/x")),
    ):
        request = {**named, "patchOperations": operation("replace", path, "true")}
        assert refused(api.update_method_response, **request) == expected
