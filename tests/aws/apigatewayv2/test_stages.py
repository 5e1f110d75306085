"""Stages and deployments through boto3."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Refused = Callable[..., tuple[int, str, str]]

BAD, LOST, TAKEN = (400, "BadRequestException"), (404, "NotFoundException"), (409, "ConflictException")
LOGS = "arn:aws:logs:us-east-1:000000000000:log-group:/apis/shop"


@pytest.fixture
def routed(api: Any, http_api: str) -> str:
    """The id of an HTTP API with a route."""
    api.create_route(ApiId=http_api, RouteKey="GET /pets")
    return http_api


def test_a_stage_as_aws_describes_it(
    api: Any, http_api: str, websocket_api: str, plain: Any, refused: Refused
) -> None:
    made = plain(api.create_stage(ApiId=http_api, StageName="prod"))
    times = (made.pop("CreatedDate"), made.pop("LastUpdatedDate"))
    assert times[0] == times[1]
    assert made == {
        "DefaultRouteSettings": {"DetailedMetricsEnabled": False},
        "RouteSettings": {},
        "StageName": "prod",
        "StageVariables": {},
        "Tags": {},
    }
    made = api.create_stage(ApiId=websocket_api, StageName="prod")
    assert made["DefaultRouteSettings"] == {
        "DataTraceEnabled": False,
        "DetailedMetricsEnabled": False,
        "LoggingLevel": "OFF",
    }
    assert refused(api.create_stage, ApiId=http_api, StageName="prod") == (*TAKEN, "Stage already exists")
    assert refused(api.get_stage, ApiId=http_api, StageName="none") == (
        *LOST,
        "Invalid stage identifier specified none",
    )
    assert refused(api.create_stage, ApiId=http_api, StageName="bad stage") == (
        *BAD,
        "Stage name only allows a-zA-Z0-9_",
    )


def test_deployments(api: Any, routed: str, plain: Any, refused: Refused) -> None:
    api.create_stage(ApiId=routed, StageName="prod")
    made = plain(api.create_deployment(ApiId=routed, StageName="prod", Description="first"))
    where = {"ApiId": routed, "DeploymentId": made["DeploymentId"]}
    assert re.fullmatch("[a-z0-9]{6}", made["DeploymentId"])
    assert {key: value for key, value in made.items() if key not in ("DeploymentId", "CreatedDate")} == {
        "AutoDeployed": False,
        "DeploymentStatus": "DEPLOYED",
        "Description": "first",
    }
    assert plain(api.get_deployment(**where)) == made
    assert api.get_stage(ApiId=routed, StageName="prod")["DeploymentId"] == made["DeploymentId"]
    second = api.create_deployment(ApiId=routed)["DeploymentId"]
    listed = [one["DeploymentId"] for one in api.get_deployments(ApiId=routed)["Items"]]
    assert listed == [second, made["DeploymentId"]]
    assert refused(api.delete_deployment, **where) == (
        *BAD,
        "Active stages pointing to this deployment must be moved or deleted",
    )
    api.update_stage(ApiId=routed, StageName="prod", DeploymentId=second)
    api.delete_deployment(**where)
    assert refused(api.get_deployment, **where)[:2] == LOST
    assert api.update_deployment(ApiId=routed, DeploymentId=second, Description="d")["Description"] == "d"
    assert refused(api.create_deployment, ApiId=routed, StageName="none")[:2] == LOST
    assert refused(api.update_stage, ApiId=routed, StageName="prod", DeploymentId="none")[:2] == LOST


def test_an_api_without_routes_cannot_be_deployed(
    api: Any, http_api: str, websocket_api: str, refused: Refused
) -> None:
    message = "Unable to deploy API because no routes exist in this API"
    assert refused(api.create_deployment, ApiId=http_api) == (*BAD, message)
    assert refused(api.create_deployment, ApiId=websocket_api) == (
        *BAD,
        "At least one route is required before deploying the Api",
    )
    stage = api.create_stage(ApiId=http_api, StageName="$default", AutoDeploy=True)
    assert stage["LastDeploymentStatusMessage"] == f"Deployment attempt failed: {message}"
    assert "DeploymentId" not in stage


def test_stages_deploy_by_themselves(api: Any, http_api: str) -> None:
    def current() -> tuple[str, str]:
        stage = api.get_stage(ApiId=http_api, StageName="$default")
        return stage["DeploymentId"], stage["LastDeploymentStatusMessage"]

    api.create_stage(ApiId=http_api, StageName="$default", AutoDeploy=True)
    api.create_route(ApiId=http_api, RouteKey="GET /pets")
    first, message = current()
    assert message == f"Successfully deployed stage with deployment ID '{first}'"
    deployment = api.get_deployment(ApiId=http_api, DeploymentId=first)
    assert deployment["AutoDeployed"] is True
    assert deployment["Description"] == "Automatic deployment triggered by changes to the Api configuration"
    api.update_api(ApiId=http_api, CorsConfiguration={"AllowOrigins": ["*"]})
    second, _ = current()
    assert second != first
    api.tag_resource(ResourceArn=f"arn:aws:apigateway:us-east-1::/apis/{http_api}", Tags={"a": "b"})
    assert current()[0] == second
    api.update_stage(ApiId=http_api, StageName="$default", AutoDeploy=False)
    api.create_route(ApiId=http_api, RouteKey="GET /cats")
    assert current()[0] == second
    api.update_stage(ApiId=http_api, StageName="$default", AutoDeploy=True)
    assert current()[0] != second


def test_variables_and_settings_are_laid_over_those_that_are_there(api: Any, routed: str) -> None:
    where = {"ApiId": routed, "StageName": "prod"}
    api.create_stage(
        **where,
        Description="d",
        StageVariables={"a": "1", "b": "2"},
        DefaultRouteSettings={"ThrottlingBurstLimit": 10, "ThrottlingRateLimit": 2.5},
        RouteSettings={"GET /pets": {"ThrottlingBurstLimit": 1}},
        AccessLogSettings={"DestinationArn": LOGS, "Format": "$context.requestId"},
    )
    stage = api.update_stage(
        **where,
        Description="",
        StageVariables={"a": "", "c": "3"},
        DefaultRouteSettings={"DetailedMetricsEnabled": True},
    )
    assert stage["StageVariables"] == {"b": "2", "c": "3"}
    assert stage["DefaultRouteSettings"] == {
        "DetailedMetricsEnabled": True,
        "ThrottlingBurstLimit": 10,
        "ThrottlingRateLimit": 2.5,
    }
    assert stage["RouteSettings"] == {"GET /pets": {"ThrottlingBurstLimit": 1}}
    stage = api.update_stage(**where, RouteSettings={"GET /pets": {"ThrottlingRateLimit": 2000}})
    assert stage["RouteSettings"] == {"GET /pets": {"ThrottlingBurstLimit": 1, "ThrottlingRateLimit": 2000.0}}
    assert "Description" not in stage
    api.delete_route_settings(**where, RouteKey="GET /pets")
    api.delete_access_log_settings(**where)
    stage = api.get_stage(**where)
    assert stage["RouteSettings"] == {}
    assert "AccessLogSettings" not in stage


@pytest.mark.parametrize(
    ("members", "answer"),
    [
        (
            {"RouteSettings": {"GET /some-route": {}}},
            (*LOST, "Unable to find Route by key GET /some-route within the provided RouteSettings"),
        ),
        (
            {"DefaultRouteSettings": {"LoggingLevel": "INFO"}},
            (*BAD, "Execution logs are not supported on protocolType HTTP"),
        ),
        (
            {"StageVariables": {"a": "<b>"}},
            (
                *BAD,
                (
                    "Invalid stage variable value of key a.  Please use values with alphanumeric characters and the "
                    "symbols ' ', -', '.', '_', ':', '/', '?', '&', '=', and ','."
                ),
            ),
        ),
        (
            {"AccessLogSettings": {"DestinationArn": LOGS, "Format": "$context.path"}},
            (*BAD, "Access Log format must include either $context.requestId or $context.extendedRequestId"),
        ),
        (
            {"AccessLogSettings": {"DestinationArn": LOGS, "Format": "$context.requestId\nb"}},
            (
                *BAD,
                "Access Log format must be single line, new line character is allowed only at end of the format",
            ),
        ),
    ],
)
def test_refused_stages(
    api: Any, routed: str, refused: Refused, members: dict[str, Any], answer: tuple[int, str, str]
) -> None:
    assert refused(api.create_stage, ApiId=routed, StageName="prod", **members) == answer
    api.create_stage(ApiId=routed, StageName="prod")
    assert refused(api.update_stage, ApiId=routed, StageName="prod", **members) == answer


def test_resetting_authorizers_tells_who_caches(api: Any, plane: Any, routed: str, refused: Refused) -> None:
    told: list[tuple[str, str]] = []
    plane.registry.on_authorizers_reset = lambda api_id, stage: told.append((api_id, stage))
    api.create_stage(ApiId=routed, StageName="prod")
    api.reset_authorizers_cache(ApiId=routed, StageName="prod")
    assert told == [(routed, "prod")]
    assert refused(api.reset_authorizers_cache, ApiId=routed, StageName="none")[:2] == LOST


def test_deleted_stages_leave_their_deployments(api: Any, routed: str) -> None:
    api.create_stage(ApiId=routed, StageName="$default", AutoDeploy=True)
    answer = api.delete_stage(ApiId=routed, StageName="$default")
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    (deployment,) = api.get_deployments(ApiId=routed)["Items"]
    api.create_stage(ApiId=routed, StageName="prod", DeploymentId=deployment["DeploymentId"])


def test_a_stage_that_deploys_by_itself_takes_no_deployment(api: Any, routed: str, refused: Refused) -> None:
    deployment = api.create_deployment(ApiId=routed)["DeploymentId"]
    message = "DeploymentId cannot be set on a stage with AutoDeploy enabled"
    given = {"ApiId": routed, "StageName": "prod", "DeploymentId": deployment}
    assert refused(api.create_stage, **given, AutoDeploy=True) == (*BAD, message)
    api.create_stage(ApiId=routed, StageName="prod", AutoDeploy=True)
    assert refused(api.update_stage, **given) == (*BAD, message)
    assert refused(api.create_deployment, ApiId=routed, StageName="prod")[:2] == BAD
    api.update_stage(**given, AutoDeploy=False)
    assert api.get_stage(ApiId=routed, StageName="prod")["DeploymentId"] == deployment
