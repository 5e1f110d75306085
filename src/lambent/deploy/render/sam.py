"""The same app as a SAM template.

SAM's own types stand where they say the same: functions with their events, layers, and the HTTP API. Everything else
is what CloudFormation gets, because SAM's would say less: roles allow no more than their unit needs, where SAM's may
write all logs; an API with an authorizer of the app is told to it, which in SAM's form would go in a circle.

Source: the SAM specification (AWS::Serverless::Function, HttpApi and LayerVersion, and the types of events).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lambent.deploy import names
from lambent.deploy.render.buckets import add_buckets
from lambent.deploy.render.channels import add_channels
from lambent.deploy.render.composition import ALIAS, Composition, get, ref, sub
from lambent.deploy.render.functions import add_log_group, code_of, destinations_of, settings_of
from lambent.deploy.render.http_api import add_http_api, authorizer_of, check_route, cors_of
from lambent.deploy.render.limits import check_unit
from lambent.deploy.render.mappings import (
    queue_settings,
    queue_triggers,
    stream_settings,
    stream_triggers,
)
from lambent.deploy.render.patterns import joined_rules
from lambent.deploy.render.resources import add_resources
from lambent.deploy.render.roles import add_role
from lambent.deploy.render.template import document_of
from lambent.deploy.render.text import yaml_text
from lambent.deploy.render.triggers import (
    add_log_filters,
    bus_name,
    permit_alarms,
    permit_user_pools,
    schedules_role,
    topic_triggers,
)
from lambent.deploy.render.variables import HTTP

if TYPE_CHECKING:
    from lambent.deploy.manifest import Manifest, Unit
    from lambent.deploy.render.target import CodeLocation, Target

_TRANSFORM: Final = "AWS::Serverless-2016-10-31"


class Sam:
    """A template for the SAM CLI: `sam deploy` packages what lies beside it."""

    name = "sam"

    def render(self, manifest: Manifest, target: Target) -> dict[str, bytes]:
        """`template.yaml`. Raises RenderError."""
        return {"template.yaml": yaml_text(sam_template_of(manifest, target)).encode()}


class _Composition(Composition):
    """SAM makes aliases, under ids that it alone knows."""

    def function_arn(self, unit: str) -> Any:
        function = names.logical_id("function", unit)
        return ref(f"{function}.Alias") if self.qualified(unit) else get(function)


def sam_template_of(manifest: Manifest, target: Target) -> dict[str, Any]:
    """The template. Raises RenderError, as `template_of` does."""
    names.stack_name(manifest.app, target.stage.name)
    c = _Composition(manifest, target)
    for name, code in sorted(target.layers.items()):
        _add_layer(c, name, code)
    role = schedules_role(c) if manifest.schedules else None
    events = _events(c, role)
    for unit in manifest.units:
        check_unit(unit)
        add_log_group(c, unit)
        if target.roles == "own":
            add_role(c, unit)
        _add_function(c, unit, events.get(unit.name, {}))
    add_resources(c)
    add_buckets(c)
    if _has_own_api(c):
        _add_api(c)
    else:
        add_http_api(c)
    add_channels(c)
    add_log_filters(c)
    permit_alarms(c)
    permit_user_pools(c)
    return document_of(c, Transform=_TRANSFORM)


def _uri(code: CodeLocation) -> Any:
    return {"Bucket": code.bucket, "Key": code.key} if code.bucket else code.key


def _add_layer(c: Composition, name: str, code: CodeLocation) -> None:
    units = [unit for unit in c.manifest.units if name in c.target.unit_layers.get(unit.name, ())]
    c.add(
        "layer",
        name,
        "AWS::Serverless::LayerVersion",
        {
            "LayerName": names.layer_name(c.app, c.stage, name),
            "ContentUri": _uri(code),
            "CompatibleRuntimes": sorted({unit.runtime for unit in units}) or None,
            "CompatibleArchitectures": sorted({unit.architecture for unit in units}) or None,
            "RetentionPolicy": "Delete",
        },
    )


def _add_function(c: Composition, unit: Unit, events: dict[str, Any]) -> None:
    settings = settings_of(c, unit)
    first = {key: settings.pop(key) for key in ("FunctionName", "Description", "Runtime", "Handler")}
    provisioned = unit.provisioned_concurrency
    ends = destinations_of(c, unit)
    later: dict[str, Any] = {
        "MaximumRetryAttempts": unit.retries,
        "MaximumEventAgeInSeconds": unit.maximum_age_s,
        "DestinationConfig": ends
        and {name: {"Type": _type_of(unit, name), **end} for name, end in ends.items()},
    }
    later = {key: value for key, value in later.items() if value is not None}
    function = c.add(
        "function",
        unit.name,
        "AWS::Serverless::Function",
        {
            **first,
            "CodeUri": _uri(code_of(c, unit.name)),
            "Role": c.role_arn(unit.name),
            **settings,
            "Tracing": "Active" if unit.tracing else None,
            "AutoPublishAlias": ALIAS if provisioned is not None else None,
            "AutoPublishAliasAllProperties": True if provisioned is not None else None,
            "ProvisionedConcurrencyConfig": None
            if provisioned is None
            else {"ProvisionedConcurrentExecutions": provisioned},
            "FunctionUrlConfig": None
            if unit.url is None
            else {"AuthType": "NONE" if unit.url == "none" else "AWS_IAM"},
            "EventInvokeConfig": later or None,
            "Events": events or None,
        },
    )
    if unit.url is not None:
        c.output(
            names.logical_id("url", unit.name), get(f"{function}Url", "FunctionUrl"), f"URL of {unit.name}"
        )


def _type_of(unit: Unit, end: str) -> str:
    destination = unit.on_success if end == "OnSuccess" else unit.on_failure
    assert destination is not None
    kind: str = destination.kind
    if kind == "arn":
        service = destination.name.split(":")[2]
        kind = {"sqs": "queue", "sns": "topic", "events": "bus", "s3": "bucket"}.get(service, "function")
    return {
        "queue": "SQS",
        "topic": "SNS",
        "function": "Lambda",
        "bus": "EventBridge",
        "bucket": "S3Bucket",
    }[kind]


def _event(kind: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "Type": kind,
        "Properties": {key: value for key, value in properties.items() if value is not None},
    }


def _events(c: Composition, role: Any) -> dict[str, dict[str, Any]]:
    """What calls units, by unit and the event's name. Raises RenderError."""
    found: dict[str, dict[str, Any]] = {unit.name: {} for unit in c.manifest.units}

    def add(unit: str, kind: str, parts: tuple[str, ...], event: dict[str, Any]) -> None:
        found[c.unit(unit).name][names.logical_id(kind, *parts)] = event

    if _has_own_api(c):
        for route in c.manifest.routes:
            check_route(c, route)
            everything = route.path == "$default"
            properties = {
                "ApiId": ref(names.logical_id("api", HTTP)),
                "Method": None if everything else route.method,
                "Path": None if everything else route.path,
                "Auth": _auth_of(c, route.auth),
            }
            add(route.unit, "route", (route.method.lower(), route.path), _event("HttpApi", properties))
    for queue in queue_triggers(c):
        event = _event("SQS", {"Queue": c.queue_arn(queue.queue), **queue_settings(queue)})
        add(queue.unit, "queue", (queue.queue,), event)
    for stream in stream_triggers(c):
        if stream.kind == "stream":
            event = _event("Kinesis", {"Stream": c.stream_arn(stream.name), **stream_settings(stream)})
        else:
            event = _event("DynamoDB", {"Stream": c.table_stream_arn(stream.name), **stream_settings(stream)})
        add(stream.unit, stream.kind, (stream.name,), event)
    for schedule in c.manifest.schedules:
        properties = {
            "Name": names.schedule_name(c.app, c.stage, schedule.name),
            "ScheduleExpression": schedule.expression,
            "ScheduleExpressionTimezone": schedule.timezone,
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "RoleArn": role,
        }
        add(schedule.unit, "schedule", (schedule.name,), _event("ScheduleV2", properties))
    for rule in joined_rules(c.manifest.events):
        properties = {
            "RuleName": names.rule_name(c.app, c.stage, rule.name),
            "EventBusName": bus_name(rule),
            "Pattern": rule.pattern,
        }
        add(rule.unit, "rule", (rule.name,), _event("EventBridgeRule", properties))
    for topic in topic_triggers(c):
        external = c.topic(topic.topic).external
        properties = {
            "Topic": c.topic_arn(topic.topic),
            "FilterPolicy": topic.filter,
            "Region": external.split(":")[3] if external is not None else None,
        }
        add(topic.unit, "topic", (topic.topic,), _event("SNS", properties))
    return found


def _has_own_api(c: Composition) -> bool:
    """Whether the HTTP API is SAM's."""
    return bool(c.manifest.routes) and authorizer_of(c, HTTP) is None


def _auth_of(c: Composition, auth: str) -> dict[str, Any] | None:
    if auth == "iam":
        return {"Authorizer": "AWS_IAM"}
    if auth == "jwt" and c.manifest.jwt is not None:
        scopes = list(c.manifest.jwt.scopes)
        return {"Authorizer": "jwt", **({"AuthorizationScopes": scopes} if scopes else {})}
    return None


def _add_api(c: Composition) -> None:
    auth: dict[str, Any] = {}
    if any(route.auth == "iam" for route in c.manifest.routes):
        auth["EnableIamAuthorizer"] = True
    if c.manifest.jwt is not None:
        auth["Authorizers"] = {
            "jwt": {
                "IdentitySource": "$request.header.Authorization",
                "JwtConfiguration": {
                    "issuer": sub(c.manifest.jwt.issuer),
                    "audience": list(c.manifest.jwt.audience),
                },
            }
        }
    api = c.add(
        "api",
        HTTP,
        "AWS::Serverless::HttpApi",
        {
            "Name": names.api_name(c.app, c.stage),
            "CorsConfiguration": cors_of(c.manifest.cors),
            "Auth": auth or None,
        },
    )
    c.output("HttpUrl", get(api, "ApiEndpoint"), "URL of the HTTP API")
