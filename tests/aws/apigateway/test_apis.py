"""REST APIs: what is recorded of AWS in localstack/localstack, test_apigateway_api.snapshot.json."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.aws.apigateway.conftest import ControlPlane, Made, operation, plain

if TYPE_CHECKING:
    from collections.abc import Callable

    Refused = Callable[..., tuple[int, str, str]]

COMPRESSION = "Invalid minimum compression size, must be between 0 and 10485760"
REPLACE = "Invalid patch operation specified. Must be one of: [replace]"


def test_an_api_has_the_defaults_of_aws(api: Any) -> None:
    answer = api.create_rest_api(name="shop", description="pets")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 201
    shown = plain(answer)
    made = shown.pop("id"), shown.pop("rootResourceId"), shown.pop("createdDate")
    assert len(made[0]) == len(made[1]) == 10
    assert shown == {
        "name": "shop",
        "description": "pets",
        "apiKeySource": "HEADER",
        "disableExecuteApiEndpoint": False,
        "endpointConfiguration": {"types": ["EDGE"], "ipAddressType": "ipv4"},
    }
    assert api.get_rest_api(restApiId=made[0])["name"] == "shop"
    assert made[0] in [one["id"] for one in api.get_rest_apis(limit=500)["items"]]
    assert api.delete_rest_api(restApiId=made[0])["ResponseMetadata"]["HTTPStatusCode"] == 202


def test_an_api_is_there_after_a_restart(plane: ControlPlane, made: Made) -> None:
    made.client.create_deployment(restApiId=made.id, stageName="live")
    plane.restart()
    again = plane.client()
    assert again.get_rest_api(restApiId=made.id)["rootResourceId"] == made.root
    assert [one["stageName"] for one in again.get_stages(restApiId=made.id)["item"]] == ["live"]
    again.delete_rest_api(restApiId=made.id)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"description": ""}, "Description cannot be an empty string"),
        ({"minimumCompressionSize": -1}, COMPRESSION),
        (
            {"endpointConfiguration": {"types": []}},
            "REGIONAL Configuration and EDGE Configuration cannot be both DISABLED.",
        ),
        (
            {"endpointConfiguration": {"types": ["EDGE", "REGIONAL"]}},
            "Cannot create an api with multiple Endpoint Types.",
        ),
        (
            {"endpointConfiguration": {"types": ["PRIVATE"], "ipAddressType": "ipv4"}},
            "Only dualstack ipAddressType is supported for Private APIs.",
        ),
        ({"tags": {"aws:x": "y"}}, "Tag keys starting with 'aws:' are reserved for system use: aws:x"),
        (
            {"tags": {"aws:cloudformation:x": "y"}},
            "Tag keys starting with 'aws:' are reserved for system use: aws:cloudformation:x",
        ),
    ],
)
def test_creations_are_refused(api: Any, refused: Refused, members: dict[str, Any], message: str) -> None:
    assert refused(api.create_rest_api, name="shop", **members) == (400, "BadRequestException", message)


def test_an_api_that_is_not_there(api: Any, refused: Refused) -> None:
    assert refused(api.get_rest_api, restApiId="nope") == (
        404,
        "NotFoundException",
        "Invalid API identifier specified 000000000000:nope",
    )


def test_patches_of_an_api(api: Any, made: Made) -> None:
    changed = api.update_rest_api(
        restApiId=made.id,
        patchOperations=[
            {"op": "add", "path": "/binaryMediaTypes/image~1png"},
            {"op": "add", "path": "/binaryMediaTypes/image~1jpeg"},
            {"op": "replace", "path": "/name", "value": "store"},
            {"op": "replace", "path": "/disableExecuteApiEndpoint", "value": "true"},
            {"op": "replace", "path": "/minimumCompressionSize", "value": "10"},
            {"op": "replace", "path": "/policy", "value": json.dumps({"Statement": []})},
        ],
    )
    assert changed["binaryMediaTypes"] == ["image/png", "image/jpeg"]
    assert (changed["name"], changed["minimumCompressionSize"], changed["tags"]) == ("store", 10, {})
    assert changed["disableExecuteApiEndpoint"] is True
    # As AWS answers it: a text within a text.
    assert json.loads(f'"{changed["policy"]}"') == '{"Statement": []}'
    changed = api.update_rest_api(
        restApiId=made.id,
        patchOperations=[
            {"op": "replace", "path": "/binaryMediaTypes/image~1png", "value": "image/gif"},
            {"op": "remove", "path": "/binaryMediaTypes/image~1jpeg"},
            {"op": "replace", "path": "/minimumCompressionSize"},
            {"op": "replace", "path": "/endpointConfiguration/types/EDGE", "value": "PRIVATE"},
        ],
    )
    assert changed["binaryMediaTypes"] == ["image/gif"]
    assert "minimumCompressionSize" not in changed
    assert changed["endpointConfiguration"] == {"types": ["PRIVATE"], "ipAddressType": "dualstack"}


@pytest.mark.parametrize(
    ("op", "path", "value", "message"),
    [
        ("add", "/binaryMediaTypes", "x/y", "Invalid patch path /binaryMediaTypes"),
        ("add", "/minimumCompressionSize", "10", REPLACE),
        ("replace", "/minimumCompressionSize", "ten", COMPRESSION),
        (
            "replace",
            "/endpointConfiguration/ipAddressType",
            "v6",
            "ipAddressType must be either ipv4 or dualstack.",
        ),
        (
            "replace",
            "/endpointConfiguration/types/0",
            "WIDE",
            "Invalid EndpointTypes specified. Valid options are REGIONAL,EDGE,PRIVATE",
        ),
        ("replace", "/nothing", "x", "Invalid patch path /nothing"),
    ],
)
def test_patches_are_refused(
    api: Any, refused: Refused, made: Made, op: str, path: str, value: str, message: str
) -> None:
    given = operation(op, path, value)
    assert refused(api.update_rest_api, restApiId=made.id, patchOperations=given)[1:] == (
        "BadRequestException",
        message,
    )


def test_tags(api: Any, made: Made) -> None:
    arn = f"arn:aws:apigateway:us-east-1::/restapis/{made.id}"
    api.create_deployment(restApiId=made.id, stageName="live")
    key = api.create_api_key(name="k")["id"]
    plan = api.create_usage_plan(name="p")["id"]
    for one in (
        arn,
        f"{arn}/stages/live",
        *(f"arn:aws:apigateway:us-east-1::/{of}" for of in (f"apikeys/{key}", f"usageplans/{plan}")),
    ):
        api.tag_resource(resourceArn=one, tags={"a": "b", "c": "d"})
        api.untag_resource(resourceArn=one, tagKeys=["a", "x"])
        assert api.get_tags(resourceArn=one)["tags"] == {"c": "d"}


def test_settings_certificates_and_links(api: Any, refused: Refused) -> None:
    account = api.update_account(
        patchOperations=operation("replace", "/cloudwatchRoleArn", "arn:aws:iam::000000000000:role/x")
    )
    assert account["cloudwatchRoleArn"].endswith("role/x")
    assert api.get_account()["throttleSettings"] == {"burstLimit": 5000, "rateLimit": 10_000.0}
    made = api.generate_client_certificate(description="d")
    assert made["pemEncodedCertificate"].startswith("-----BEGIN CERTIFICATE-----")
    named = {"clientCertificateId": made["clientCertificateId"]}
    assert (
        api.update_client_certificate(**named, patchOperations=operation("replace", "/description", "e"))[
            "description"
        ]
        == "e"
    )
    api.delete_client_certificate(**named)
    assert refused(api.get_client_certificate, **named)[1] == "NotFoundException"
    link = api.create_vpc_link(
        name="l", targetArns=["arn:aws:elasticloadbalancing:us-east-1:000000000000:loadbalancer/net/x/y"]
    )
    assert link["status"] == "AVAILABLE"
    assert api.get_vpc_links()["items"][0]["name"] == "l"
    api.delete_vpc_link(vpcLinkId=link["id"])


def test_both_services_are_told_apart_by_path(plane: ControlPlane, api: Any, made: Made) -> None:
    second = plane.client("apigatewayv2")
    http = second.create_api(Name="h", ProtocolType="HTTP")["ApiId"]
    assert http not in [one["id"] for one in api.get_rest_apis(limit=500)["items"]]
    assert made.id not in [one["ApiId"] for one in second.get_apis()["Items"]]
    second.close()
