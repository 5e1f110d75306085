"""Stages of an API.

Refusals are worded as API Gateway does where that is known: recorded by badmintoncryer/cdk-preflight
(rules/apigatewayv2 and, for variables, rules/apigateway), unless another source is named.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from lambent.gateway.apis import deployments, tags
from lambent.gateway.apis.clock import now
from lambent.gateway.apis.errors import ApiConflict, ApiManaged, ApiNotFound, BadApiRequest
from lambent.gateway.apis.merging import cleared, merged
from lambent.gateway.apis.records import AccessLogSettings, RouteSettings, Stage
from lambent.gateway.apis.route_keys import DEFAULT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lambent.gateway.apis.definition import Definition

_NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_VARIABLE: Final = re.compile(r"[a-zA-Z0-9_]+")
_VALUE: Final = re.compile(r"[A-Za-z0-9 \-._~:/?#&=,]+")
_LOG_GROUP: Final = re.compile(r"arn:[a-z-]+:logs:[^:]*:[^:]*:log-group:[a-zA-Z0-9_\-/.#]+(?::\*)?")
_SETTINGS: Final = {
    "HTTP": RouteSettings(detailed_metrics_enabled=False),
    "WEBSOCKET": RouteSettings(data_trace_enabled=False, detailed_metrics_enabled=False, logging_level="OFF"),
}


def get(definition: Definition, stage_name: str) -> Stage:
    """One stage. Raises ApiNotFound."""
    stage = definition.stages.get(stage_name)
    if stage is None:
        raise ApiNotFound(f"Invalid stage identifier specified {stage_name}")
    return stage


def create(definition: Definition, members: dict[str, Any]) -> tuple[Definition, Stage]:
    """Add a stage; one that deploys by itself is deployed at once. Raises ApiConflict, ApiNotFound, BadApiRequest."""
    moment = now()
    given = {key: value for key, value in cleared(members).items() if value is not None}
    name = given.get("stage_name", "")
    if name != DEFAULT and not _NAME.fullmatch(name):
        raise BadApiRequest("Stage name only allows a-zA-Z0-9_")
    if name in definition.stages:
        raise ApiConflict("Stage already exists")
    base = _SETTINGS[definition.api.protocol_type]
    given["default_route_settings"] = _over(base, given.get("default_route_settings"))
    _check_route_keys(definition, given.get("route_settings", {}))
    tags.check(given.get("tags", {}))
    if given.get("access_log_settings") == AccessLogSettings():
        del given["access_log_settings"]
    stage = Stage(created_date=moment, last_updated_date=moment, **given)
    if stage.auto_deploy and stage.deployment_id is not None:
        raise BadApiRequest("DeploymentId cannot be set on a stage with AutoDeploy enabled")
    return _put(definition, stage)


def update(definition: Definition, stage_name: str, members: dict[str, Any]) -> tuple[Definition, Stage]:
    """Change a stage; settings and variables are laid over those that are there. Raises ApiNotFound, BadApiRequest."""
    old = get(definition, stage_name)
    given = cleared(members)
    base = _SETTINGS[definition.api.protocol_type]
    if "default_route_settings" in given:
        given["default_route_settings"] = _over(
            old.default_route_settings or base, given["default_route_settings"]
        )
    if "route_settings" in given:
        changed: Mapping[str, RouteSettings] = given["route_settings"] or {}
        _check_route_keys(definition, changed)
        given["route_settings"] = {
            **old.route_settings,
            **{
                key: _over(old.route_settings.get(key, RouteSettings()), value)
                for key, value in changed.items()
            },
        }
    if "stage_variables" in given:
        given["stage_variables"] = merged(old.stage_variables, given["stage_variables"] or {})
    if given.get("access_log_settings") == AccessLogSettings():
        given["access_log_settings"] = None
    stage = replace(old, last_updated_date=now(), **given)
    if stage.auto_deploy and given.get("deployment_id") is not None:
        # Even the one that it has: aws-controllers-k8s/apigatewayv2-controller#15.
        raise BadApiRequest("DeploymentId cannot be set on a stage with AutoDeploy enabled")
    return _put(definition, stage)


def delete(definition: Definition, stage_name: str) -> tuple[Definition, None]:
    """Remove a stage; its deployments stay. Raises ApiNotFound, ApiManaged."""
    if get(definition, stage_name).api_gateway_managed:
        raise ApiManaged("Stage")
    rest = {key: value for key, value in definition.stages.items() if key != stage_name}
    return replace(definition, stages=rest), None


def without_access_logs(definition: Definition, stage_name: str) -> tuple[Definition, None]:
    """Stop writing access logs. Raises ApiNotFound."""
    stage = replace(get(definition, stage_name), access_log_settings=None, last_updated_date=now())
    return _put(definition, stage)[0], None


def without_route_settings(
    definition: Definition, stage_name: str, route_key: str
) -> tuple[Definition, None]:
    """Remove the settings of a route. Raises ApiNotFound."""
    stage = get(definition, stage_name)
    if route_key not in stage.route_settings:
        raise ApiNotFound(f"Unable to find Route by key {route_key} within the provided RouteSettings")
    rest = {key: value for key, value in stage.route_settings.items() if key != route_key}
    return _put(definition, replace(stage, route_settings=rest, last_updated_date=now()))[0], None


def retagged(definition: Definition, stage_name: str, new: dict[str, str]) -> tuple[Definition, None]:
    """A stage with these tags in place of its own. Raises ApiNotFound, BadApiRequest."""
    stage = replace(get(definition, stage_name), tags=tags.check(new))
    return replace(definition, stages={**definition.stages, stage_name: stage}), None


def _put(definition: Definition, stage: Stage) -> tuple[Definition, Stage]:
    before = definition.stages.get(stage.stage_name)
    _check(definition, stage)
    definition = replace(definition, stages={**definition.stages, stage.stage_name: stage})
    if stage.auto_deploy and (before is None or not before.auto_deploy):
        definition = deployments.auto_deployed(definition, [stage.stage_name])
    return definition, definition.stages[stage.stage_name]


def _check(definition: Definition, stage: Stage) -> None:
    if stage.deployment_id is not None:
        deployments.get(definition, stage.deployment_id)
    if len(stage.description or "") > 1024:
        raise BadApiRequest("Description must be at most 1024 characters in length")
    for name, value in stage.stage_variables.items():
        if not _VARIABLE.fullmatch(name):
            raise BadApiRequest(
                f"Invalid stage variable name: {name}. Please use names with only word characters."
            )
        if not _VALUE.fullmatch(value):
            raise BadApiRequest(
                f"Invalid stage variable value of key {name}.  Please use values with alphanumeric characters and "
                "the symbols ' ', -', '.', '_', ':', '/', '?', '&', '=', and ','."
            )
    if definition.api.protocol_type == "HTTP":
        for settings in (stage.default_route_settings, *stage.route_settings.values()):
            if settings is not None and (
                settings.data_trace_enabled or settings.logging_level not in (None, "OFF")
            ):
                raise BadApiRequest("Execution logs are not supported on protocolType HTTP")
    logs = stage.access_log_settings
    if logs is not None:
        destination, form = logs.destination_arn or "", logs.format or ""
        if not _LOG_GROUP.fullmatch(destination):
            raise BadApiRequest(
                "Access log destination must only contain characters a-z, A-Z, 0-9, '_', '-', '/', '.': "
                f"'{destination.rpartition(':')[2]}'"
            )
        if "$context.requestId" not in form and "$context.extendedRequestId" not in form:
            raise BadApiRequest(
                "Access Log format must include either $context.requestId or $context.extendedRequestId"
            )
        if "\n" in form.rstrip("\n"):
            raise BadApiRequest(
                "Access Log format must be single line, new line character is allowed only at end of the format"
            )


def _check_route_keys(definition: Definition, settings: Mapping[str, RouteSettings]) -> None:
    """Worded as in terraform-aws-modules/terraform-aws-apigateway-v2#80."""
    known = {route.route_key for route in definition.content.routes.values()}
    for key in settings:
        if key not in known:
            raise ApiNotFound(f"Unable to find Route by key {key} within the provided RouteSettings")


def _over(base: RouteSettings, given: RouteSettings | None) -> RouteSettings:
    """`given` laid over `base`."""
    if given is None:
        return base
    members = {name: getattr(given, name) for name in given.__struct_fields__}
    return replace(base, **{name: value for name, value in members.items() if value is not None})
