"""Units: functions with their log groups, roles, URLs, aliases, and what happens to asynchronous invocations."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any, Final

from lambent.deploy import names
from lambent.deploy.errors import RenderError
from lambent.deploy.render.composition import ALIAS, get, ref
from lambent.deploy.render.limits import check_unit, is_fifo
from lambent.deploy.render.roles import add_role, destination_arn, service_of
from lambent.deploy.render.variables import variables_of

if TYPE_CHECKING:
    from lambent.deploy.manifest import Destination, Unit
    from lambent.deploy.render.composition import Composition
    from lambent.deploy.render.target import CodeLocation

_MOST_LAYERS: Final = 5


def add_functions(composition: Composition) -> None:
    """All units and layers. Raises RenderError."""
    for name, code in sorted(composition.target.layers.items()):
        _add_layer(composition, name, code)
    for unit in composition.manifest.units:
        check_unit(unit)
        add_log_group(composition, unit)
        if composition.target.roles == "own":
            add_role(composition, unit)
        _add_function(composition, unit)
        _add_alias(composition, unit)
        _add_url(composition, unit)
        _add_invoke_config(composition, unit)


def code_of(composition: Composition, unit: str) -> CodeLocation:
    """Where a unit's package is. Raises RenderError."""
    code = composition.target.code.get(unit)
    if code is None:
        raise RenderError(f"unit {unit} has no package", hint="Build the app first: lambent build.")
    return code


def layers_of(composition: Composition, unit: Unit) -> list[Any]:
    """The layers of a unit: the project's dependencies, then those that the user names. Raises RenderError."""
    own = composition.target.unit_layers.get(unit.name, ())
    for name in own:
        if name not in composition.target.layers:
            raise RenderError(f"unit {unit.name} needs the layer {name}, which has no package")
    found = [*(ref(names.logical_id("layer", name)) for name in own), *unit.layers]
    if len(found) > _MOST_LAYERS:
        raise RenderError(
            f"unit {unit.name} would have {len(found)} layers, and Lambda takes {_MOST_LAYERS}",
            hint="Leave out some of layers; one may be the app's own, with its dependencies.",
        )
    return found


def _add_layer(c: Composition, name: str, code: CodeLocation) -> None:
    units = [unit for unit in c.manifest.units if name in c.target.unit_layers.get(unit.name, ())]
    c.add(
        "layer",
        name,
        "AWS::Lambda::LayerVersion",
        {
            "LayerName": names.layer_name(c.app, c.stage, name),
            "Content": _content(code),
            "CompatibleRuntimes": sorted({unit.runtime for unit in units}) or None,
            "CompatibleArchitectures": sorted({unit.architecture for unit in units}) or None,
        },
    )


def _content(code: CodeLocation) -> Any:
    # A path is no location for Lambda: `aws cloudformation package` puts one there.
    return {"S3Bucket": code.bucket, "S3Key": code.key} if code.bucket else code.key


def add_log_group(c: Composition, unit: Unit) -> None:
    """A unit's log group, so that it goes with the stack, and keeps logs as long as is told."""
    c.add(
        "log_group",
        unit.name,
        "AWS::Logs::LogGroup",
        {
            "LogGroupName": names.log_group_name(c.app, c.stage, unit.name),
            "RetentionInDays": unit.log_retention_days,
        },
        DeletionPolicy="Delete",
        UpdateReplacePolicy="Delete",
    )


def settings_of(c: Composition, unit: Unit) -> dict[str, Any]:
    """What SAM and CloudFormation call alike."""
    variables = variables_of(c, unit)
    return {
        "FunctionName": names.function_name(c.app, c.stage, unit.name),
        "Description": unit.description or None,
        "Runtime": unit.runtime,
        "Handler": unit.handler,
        "Architectures": [unit.architecture],
        "MemorySize": unit.memory_mb,
        "Timeout": c.timeout_of(unit),
        "EphemeralStorage": {"Size": unit.storage_mb} if unit.storage_mb != 512 else None,
        "Environment": {"Variables": variables} if variables else None,
        "Layers": layers_of(c, unit) or None,
        "ReservedConcurrentExecutions": unit.reserved_concurrency,
        # Not only by its name: the group is there before Lambda would make one that keeps everything for ever.
        "LoggingConfig": {"LogGroup": ref(names.logical_id("log_group", unit.name))},
    }


def _add_function(c: Composition, unit: Unit) -> None:
    settings = settings_of(c, unit)
    first = {key: settings.pop(key) for key in ("FunctionName", "Description", "Runtime", "Handler")}
    c.add(
        "function",
        unit.name,
        "AWS::Lambda::Function",
        {
            **first,
            "Code": _content(code_of(c, unit.name)),
            "Role": c.role_arn(unit.name),
            **settings,
            "TracingConfig": {"Mode": "Active"} if unit.tracing else None,
        },
    )


def _add_alias(c: Composition, unit: Unit) -> None:
    if unit.provisioned_concurrency is None:
        return
    function = names.logical_id("function", unit.name)
    # A version is a picture of the function: another one when the function is another, under another id, so that
    # CloudFormation makes it before it removes the former. Layers are in the picture; reserved concurrency and the
    # bucket that the code came from are not, and Lambda refuses a second version of what has not changed.
    properties = {**c.resources[function]["Properties"], "Code": code_of(c, unit.name).key}
    properties.pop("ReservedConcurrentExecutions", None)
    properties["layers"] = [c.target.layers[name].key for name in c.target.unit_layers.get(unit.name, ())]
    state = hashlib.sha256(json.dumps(properties, sort_keys=True).encode()).hexdigest()[:12]
    version = c.add("version", (unit.name, state), "AWS::Lambda::Version", {"FunctionName": ref(function)})
    c.add(
        "alias",
        unit.name,
        "AWS::Lambda::Alias",
        {
            "FunctionName": ref(function),
            "FunctionVersion": get(version, "Version"),
            "Name": ALIAS,
            "ProvisionedConcurrencyConfig": {"ProvisionedConcurrentExecutions": unit.provisioned_concurrency},
        },
    )


def _add_url(c: Composition, unit: Unit) -> None:
    if unit.url is None:
        return
    function = names.logical_id("function", unit.name)
    auth = "NONE" if unit.url == "none" else "AWS_IAM"
    alias = [names.logical_id("alias", unit.name)] if c.qualified(unit.name) else []
    url = c.add(
        "url",
        unit.name,
        "AWS::Lambda::Url",
        {
            "TargetFunctionArn": get(function),
            "Qualifier": ALIAS if alias else None,
            "AuthType": auth,
        },
        after=alias,
    )
    if unit.url == "none":
        # Both are asked for: "Control access to Lambda function URLs" in the Lambda developer guide.
        anybody = {"FunctionName": c.function_arn(unit.name), "Principal": "*"}
        c.add(
            "url_permission",
            unit.name,
            "AWS::Lambda::Permission",
            {**anybody, "Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "NONE"},
        )
        c.add(
            "url_call_permission",
            unit.name,
            "AWS::Lambda::Permission",
            {**anybody, "Action": "lambda:InvokeFunction", "InvokedViaFunctionUrl": True},
        )
    c.output(url, get(url, "FunctionUrl"), f"URL of {unit.name}")


def destinations_of(c: Composition, unit: Unit) -> dict[str, Any] | None:
    """Where records of a unit's asynchronous invocations go. Raises RenderError where they cannot.

    What takes them: "Capturing records of Lambda asynchronous invocations" in the Lambda developer guide.
    """
    for destination in (unit.on_success, unit.on_failure):
        if destination is None:
            continue
        if (destination.kind, destination.name) == ("function", unit.name):
            raise RenderError(
                f"unit {unit.name} would be called with the records of its own invocations, without an end",
                hint="Send them to another function, or to a queue.",
            )
        if _is_fifo(c, destination):
            raise RenderError(
                f"unit {unit.name}: records of its invocations cannot go to the FIFO {destination.name}: Lambda sends "
                "them to standard queues and topics alone",
                hint="Name a queue or topic that is none of FIFO kind in on_success and on_failure.",
            )
    if unit.on_success is not None and service_of(unit.on_success) == "s3":
        raise RenderError(
            f"unit {unit.name}: a bucket takes the records of invocations that failed, not of others",
            hint="Let on_success be a queue, a topic, a function or a bus.",
        )
    ends = {
        name: {"Destination": destination_arn(c, destination)}
        for name, destination in (("OnSuccess", unit.on_success), ("OnFailure", unit.on_failure))
        if destination is not None
    }
    return ends or None


def _is_fifo(c: Composition, destination: Destination) -> bool:
    if destination.kind == "queue":
        return is_fifo(c.queue(destination.name))
    if destination.kind == "topic":
        topic = c.topic(destination.name)
        return topic.fifo or (topic.external or topic.name).endswith(".fifo")
    return service_of(destination) in ("sqs", "sns") and destination.name.endswith(".fifo")


def _add_invoke_config(c: Composition, unit: Unit) -> None:
    ends = destinations_of(c, unit)
    if ends is None and unit.retries is None and unit.maximum_age_s is None:
        return
    alias = [names.logical_id("alias", unit.name)] if c.qualified(unit.name) else []
    c.add(
        "invoke_config",
        unit.name,
        "AWS::Lambda::EventInvokeConfig",
        {
            "FunctionName": ref(names.logical_id("function", unit.name)),
            "Qualifier": ALIAS if alias else "$LATEST",
            "DestinationConfig": ends,
            "MaximumRetryAttempts": unit.retries,
            "MaximumEventAgeInSeconds": unit.maximum_age_s,
        },
        after=alias,
    )
