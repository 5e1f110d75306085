"""Deployments and stages: recorded in localstack/localstack, test_apigateway_common.snapshot.json."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.aws.apigateway.conftest import Made, operation

if TYPE_CHECKING:
    from collections.abc import Callable

    Refused = Callable[..., tuple[int, str, str]]


def test_deployments_freeze_what_the_api_is(api: Any, made: Made, refused: Refused) -> None:
    first = api.create_deployment(
        restApiId=made.id, stageName="live", description="one", stageDescription="s"
    )
    assert first["description"] == "one"
    stage = api.get_stage(restApiId=made.id, stageName="live")
    assert (stage["deploymentId"], stage["description"]) == (first["id"], "s")
    assert refused(api.delete_deployment, restApiId=made.id, deploymentId=first["id"]) == (
        400,
        "BadRequestException",
        "Active stages pointing to this deployment must be moved or deleted",
    )
    second = api.create_deployment(restApiId=made.id, stageName="live", variables={"a": "b"})
    assert api.get_stage(restApiId=made.id, stageName="live")["variables"] == {"a": "b"}
    api.delete_deployment(restApiId=made.id, deploymentId=first["id"])
    assert [one["id"] for one in api.get_deployments(restApiId=made.id)["items"]] == [second["id"]]
    summary = api.get_deployment(restApiId=made.id, deploymentId=second["id"], embed=["apisummary"])
    assert summary["apiSummary"] == {"/pets": {"GET": {"authorizationType": "NONE", "apiKeyRequired": False}}}
    assert refused(api.get_deployment, restApiId=made.id, deploymentId="nope")[2] == (
        "Invalid Deployment identifier specified"
    )


def test_an_api_without_methods_is_not_deployed(api: Any, refused: Refused) -> None:
    empty = api.create_rest_api(name="empty")["id"]
    assert refused(api.create_deployment, restApiId=empty)[2] == "The REST API doesn't contain any methods"


def test_patches_of_a_stage(api: Any, made: Made, refused: Refused) -> None:
    deployment = api.create_deployment(restApiId=made.id)["id"]
    named = {"restApiId": made.id, "stageName": "s1"}
    made_stage = api.create_stage(**named, deploymentId=deployment, documentationVersion="v123")
    assert (made_stage["methodSettings"], made_stage["cacheClusterStatus"]) == ({}, "NOT_AVAILABLE")
    assert refused(api.create_stage, **named, deploymentId=deployment)[1] == "ConflictException"
    changed = api.update_stage(
        **named,
        patchOperations=[
            {"op": "replace", "path": "/description", "value": "new"},
            {"op": "replace", "path": "/tracingEnabled", "value": "true"},
            {"op": "replace", "path": "/variables/var1", "value": "test"},
            {"op": "replace", "path": "/*/*/throttling/burstLimit", "value": "123"},
            {"op": "replace", "path": "/~1pets/GET/logging/loglevel", "value": "INFO"},
            {
                "op": "replace",
                "path": "/accessLogSettings/destinationArn",
                "value": "arn:aws:logs:us-east-1:000000000000:log-group:api",
            },
            {"op": "replace", "path": "/accessLogSettings/format", "value": "$context.requestId"},
        ],
    )
    assert changed["methodSettings"]["*/*"] == {
        "metricsEnabled": False,
        "dataTraceEnabled": False,
        "throttlingBurstLimit": 123,
        "cachingEnabled": False,
        "cacheTtlInSeconds": 300,
        "cacheDataEncrypted": False,
        "requireAuthorizationForCacheControl": True,
        "unauthorizedCacheControlHeaderStrategy": "SUCCEED_WITH_RESPONSE_HEADER",
    }
    assert changed["methodSettings"]["~1pets/GET"]["loggingLevel"] == "INFO"
    assert (changed["variables"], changed["tracingEnabled"]) == ({"var1": "test"}, True)
    assert changed["accessLogSettings"]["format"] == "$context.requestId"
    changed = api.update_stage(
        **named,
        patchOperations=[
            {"op": "remove", "path": "/~1pets/GET"},
            {"op": "remove", "path": "/variables/var1"},
            {"op": "remove", "path": "/accessLogSettings"},
        ],
    )
    assert list(changed["methodSettings"]) == ["*/*"]
    assert "variables" not in changed
    assert "accessLogSettings" not in changed
    for change, message in (
        (
            operation("replace", "/documentation_version", "x"),
            "Invalid method setting path: /documentation_version.",
        ),
        (operation("add", "/tags/tag1", "x"), "Invalid method setting path: /tags/tag1."),
        (
            operation("replace", "/cacheClusterEnabled", "true"),
            "Cache clusters of stages are not served here",
        ),
        (operation("replace", "/canarySettings/percentTraffic", "5"), "Canary releases are not served here"),
    ):
        assert refused(api.update_stage, **named, patchOperations=change)[2].startswith(message)
    api.delete_stage(**named)
    assert refused(api.get_stage, **named) == (404, "NotFoundException", "Invalid stage identifier specified")
