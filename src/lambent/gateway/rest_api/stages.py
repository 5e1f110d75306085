"""Stages of an API: what serves a deployment, and how.

Messages are API Gateway's own, recorded in localstack/localstack (test_apigateway_common.snapshot.json: TestStages,
TestDeployments) and by badmintoncryer/cdk-preflight (rules/apigateway, for variables and access logs).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from lambent.gateway.apis import tags
from lambent.gateway.apis.clock import now
from lambent.gateway.apis.errors import ApiConflict, ApiNotFound, BadApiRequest
from lambent.gateway.rest_api.patches import numeric
from lambent.gateway.rest_api.records import AccessLogSettings, MethodSettings, Stage

if TYPE_CHECKING:
    from lambent.gateway.rest_api.definition import Definition
    from lambent.gateway.rest_api.patches import Operation

_NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,128}")
_VARIABLE: Final = re.compile(r"[a-zA-Z0-9_]+")
_VALUE: Final = re.compile(r"[A-Za-z0-9 \-._~:/?#&=,]+")
_DESTINATION: Final = re.compile(r"arn:[a-z-]+:(logs|firehose):[^:]*:\d{12}:(log-group:|deliverystream/)\S+")
_MOST_RATE: Final = 1_000_000
_CACHE: Final = "Cache clusters of stages are not served here"
_CANARY: Final = "Canary releases are not served here"
_PATHS: Final = (
    "[/deploymentId, /description, /cacheClusterEnabled, /cacheClusterSize, /clientCertificateId, /accessLogSettings, "
    "/accessLogSettings/destinationArn, /accessLogSettings/format, /{resourcePath}/{httpMethod}/metrics/enabled, "
    "/{resourcePath}/{httpMethod}/logging/dataTrace, /{resourcePath}/{httpMethod}/logging/loglevel, "
    "/{resourcePath}/{httpMethod}/throttling/burstLimit/{resourcePath}/{httpMethod}/throttling/rateLimit"
    "/{resourcePath}/{httpMethod}/caching/ttlInSeconds, /{resourcePath}/{httpMethod}/caching/enabled, "
    "/{resourcePath}/{httpMethod}/caching/dataEncrypted, "
    "/{resourcePath}/{httpMethod}/caching/requireAuthorizationForCacheControl, "
    "/{resourcePath}/{httpMethod}/caching/unauthorizedCacheControlHeaderStrategy, /*/*/metrics/enabled, "
    "/*/*/logging/dataTrace, /*/*/logging/loglevel, /*/*/throttling/burstLimit /*/*/throttling/rateLimit "
    "/*/*/caching/ttlInSeconds, /*/*/caching/enabled, /*/*/caching/dataEncrypted, "
    "/*/*/caching/requireAuthorizationForCacheControl, /*/*/caching/unauthorizedCacheControlHeaderStrategy, "
    "/variables/{variable_name}, /tracingEnabled]"
)
_SETTINGS: Final[dict[str, tuple[str, str]]] = {
    "metrics/enabled": ("metrics_enabled", "flag"),
    "logging/dataTrace": ("data_trace_enabled", "flag"),
    "logging/loglevel": ("logging_level", "level"),
    "throttling/burstLimit": ("throttling_burst_limit", "count"),
    "throttling/rateLimit": ("throttling_rate_limit", "rate"),
    "caching/ttlInSeconds": ("cache_ttl_in_seconds", "ttl"),
    "caching/enabled": ("caching_enabled", "flag"),
    "caching/dataEncrypted": ("cache_data_encrypted", "flag"),
    "caching/requireAuthorizationForCacheControl": ("require_authorization_for_cache_control", "flag"),
    "caching/unauthorizedCacheControlHeaderStrategy": ("unauthorized_cache_control_header_strategy", "text"),
}


def get(definition: Definition, stage_name: str) -> Stage:
    """One stage. Raises ApiNotFound."""
    stage = definition.stages.get(stage_name)
    if stage is None:
        raise ApiNotFound("Invalid stage identifier specified")
    return stage


def create(definition: Definition, members: dict[str, Any]) -> tuple[Definition, Stage]:
    """Add a stage. Raises ApiConflict, ApiNotFound, BadApiRequest."""
    given = {key: value for key, value in members.items() if value not in (None, "")}
    name = given.pop("stage_name", "")
    if not _NAME.fullmatch(name):
        raise BadApiRequest("Stage name only allows a-zA-Z0-9_-")
    if name in definition.stages:
        raise ApiConflict("Stage already exists")
    if given.pop("canary_settings", None):
        raise BadApiRequest(_CANARY)
    given.setdefault("cache_cluster_enabled", False)
    given.setdefault("tracing_enabled", False)
    given.setdefault("deployment_id", "")
    moment = now()
    stage = Stage(
        stage_name=name,
        created_date=moment,
        last_updated_date=moment,
        cache_cluster_status="NOT_AVAILABLE",
        method_settings={},
        **given,
    )
    return _put(definition, stage)


def served(definition: Definition, name: str, deployment_id: str, members: dict[str, Any]) -> Definition:
    """A stage that serves a deployment, made with `members` if it is not there. Raises BadApiRequest."""
    old = definition.stages.get(name)
    if old is None:
        return create(definition, {**members, "stage_name": name, "deployment_id": deployment_id})[0]
    given = {key: value for key, value in members.items() if value is not None}
    if "variables" in given:
        given["variables"] = {**(old.variables or {}), **given["variables"]}
    return _put(definition, replace(old, deployment_id=deployment_id, last_updated_date=now(), **given))[0]


def update(definition: Definition, stage_name: str, operations: list[Operation]) -> tuple[Definition, Stage]:
    """Change a stage. Raises ApiNotFound, BadApiRequest."""
    stage = get(definition, stage_name)
    for operation in operations:
        stage = _changed(stage, operation)
    return _put(definition, replace(stage, last_updated_date=now()))


def delete(definition: Definition, stage_name: str) -> tuple[Definition, None]:
    """Remove a stage; its deployment stays. Raises ApiNotFound."""
    get(definition, stage_name)
    rest = {key: one for key, one in definition.stages.items() if key != stage_name}
    return replace(definition, stages=rest), None


def retagged(definition: Definition, stage_name: str, new: dict[str, str]) -> tuple[Definition, None]:
    """A stage with these tags in place of its own. Raises ApiNotFound, BadApiRequest."""
    stage = replace(get(definition, stage_name), tags=tags.check(new))
    return replace(definition, stages={**definition.stages, stage_name: stage}), None


def settings_of(stage: Stage, path: str, method: str) -> MethodSettings | None:
    """The settings of a method: its own, its resource's, its method's of all resources, or all methods'."""
    escaped = path.removeprefix("/").replace("/", "~1")
    rooted = path.replace("/", "~1")
    for place in (
        f"{rooted}/{method}",
        f"{escaped}/{method}",
        f"{rooted}/*",
        f"{escaped}/*",
        f"*/{method}",
        "*/*",
    ):
        found = stage.method_settings.get(place)
        if found is not None:
            return found
    return None


def _changed(stage: Stage, operation: Operation) -> Stage:
    steps = operation.steps
    first = steps[0] if steps else ""
    if first == "variables" and len(steps) == 2:
        return _with_variable(stage, operation, steps[1])
    if first == "canarySettings":
        raise BadApiRequest(_CANARY)
    if first == "accessLogSettings" and len(steps) <= 2:
        return _with_access_log(stage, operation, steps[1:])
    if len(steps) == 1:
        return _with_member(stage, operation, first)
    raw = operation.path.split("/")[1:]
    key = f"{raw[0]}/{raw[1]}"
    setting = "/".join(raw[2:])
    settings = dict(stage.method_settings)
    if not setting and operation.op == "remove":
        settings.pop(key, None)
        return replace(stage, method_settings=settings)
    known = _SETTINGS.get(setting)
    if known is None:
        raise _no_such(operation)
    if operation.op == "remove":
        value: Any = getattr(MethodSettings(), known[0])
    elif operation.op == "replace":
        value = _setting(known[1], operation)
    else:
        raise _bad_operation(operation)
    settings[key] = replace(settings.get(key, MethodSettings()), **{known[0]: value})
    return replace(stage, method_settings=settings)


def _setting(kind: str, operation: Operation) -> Any:
    value = operation.value or ""
    if kind == "flag":
        return value.lower() == "true"
    if kind == "level":
        if value not in ("OFF", "ERROR", "INFO"):
            raise BadApiRequest(f"Invalid log level specified: {value}. Must be one of: OFF, ERROR, INFO")
        return value
    if kind == "count":
        return numeric(value, 0, _MOST_RATE, f"Invalid throttling burst limit specified: {value}")
    if kind == "rate":
        return numeric(value, 0, _MOST_RATE, f"Invalid throttling rate limit specified: {value}", whole=False)
    if kind == "ttl":
        return numeric(value, 0, 3600, "Cache ttl must be between 0 and 3600 seconds")
    return value


def _with_variable(stage: Stage, operation: Operation, name: str) -> Stage:
    variables = dict(stage.variables or {})
    if operation.op == "remove":
        variables.pop(name, None)
    elif operation.op in ("add", "replace"):
        variables[name] = operation.value or ""
    elif operation.op == "copy" and operation.origin:
        variables[name] = variables.get(operation.origin.rpartition("/")[2], "")
    else:
        raise _bad_operation(operation)
    return replace(stage, variables=variables or None)


def _with_access_log(stage: Stage, operation: Operation, member: tuple[str, ...]) -> Stage:
    if operation.op == "remove":
        return replace(stage, access_log_settings=None)
    if operation.op not in ("add", "replace") or member not in (("destinationArn",), ("format",)):
        raise _no_such(operation)
    name = "destination_arn" if member == ("destinationArn",) else "format"
    settings = replace(stage.access_log_settings or AccessLogSettings(), **{name: operation.value or None})
    return replace(stage, access_log_settings=settings)


def _with_member(stage: Stage, operation: Operation, name: str) -> Stage:
    removes = operation.op == "remove"
    if operation.op == "copy" and operation.origin in ("/canarySettings/deploymentId", "/deploymentId"):
        raise BadApiRequest(_CANARY)
    if name not in _MEMBERS:
        raise _no_such(operation)
    if operation.op not in ("replace", "add", "remove"):
        raise _bad_operation(operation)
    value: Any = None if removes else operation.value
    if name in ("tracingEnabled", "cacheClusterEnabled"):
        value = (value or "").lower() == "true"
    elif name == "deploymentId":
        value = value or ""
    return replace(stage, **{_MEMBERS[name]: value if value is not None and value != "" else _none_of(name)})


_MEMBERS: Final = {
    "deploymentId": "deployment_id",
    "description": "description",
    "cacheClusterEnabled": "cache_cluster_enabled",
    "cacheClusterSize": "cache_cluster_size",
    "clientCertificateId": "client_certificate_id",
    "documentationVersion": "documentation_version",
    "tracingEnabled": "tracing_enabled",
}


def _none_of(name: str) -> Any:
    return {"deploymentId": "", "tracingEnabled": False, "cacheClusterEnabled": False}.get(name)


def _no_such(operation: Operation) -> BadApiRequest:
    return BadApiRequest(f"Invalid method setting path: {operation.path}. Must be one of: {_PATHS}")


def _bad_operation(operation: Operation) -> BadApiRequest:
    return BadApiRequest(f"Invalid patch operation '{operation.op}' specified for path '{operation.path}'.")


def _put(definition: Definition, stage: Stage) -> tuple[Definition, Stage]:
    if stage.deployment_id not in definition.deploys:
        if not stage.deployment_id:
            raise BadApiRequest("Deployment id cannot be empty")
        raise ApiNotFound("Invalid Deployment identifier specified")
    if stage.cache_cluster_enabled:
        raise BadApiRequest(_CACHE)
    for name, value in (stage.variables or {}).items():
        if not _VARIABLE.fullmatch(name):
            raise BadApiRequest(
                f"Invalid stage variable name: {name}. Please use names with only word characters."
            )
        if not _VALUE.fullmatch(value):
            raise BadApiRequest(
                f"Invalid stage variable value of key {name}.  Please use values with alphanumeric characters and "
                "the symbols ' ', -', '.', '_', ':', '/', '?', '&', '=', and ','."
            )
    logs = stage.access_log_settings
    if (
        logs is not None
        and logs.destination_arn is not None
        and not _DESTINATION.fullmatch(logs.destination_arn)
    ):
        raise BadApiRequest(
            "Access log destination must only contain characters a-z, A-Z, 0-9, '_', '-', '/', '.': "
            f"'{logs.destination_arn.rpartition(':')[2]}'"
        )
    tags.check(stage.tags or {})
    return replace(definition, stages={**definition.stages, stage.stage_name: stage}), stage
