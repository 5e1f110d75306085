"""The environment of a unit: how its code finds resources under the names that they are deployed by.

QUEUE_URL_<NAME> for who sends to a queue, and LAMBENT_<KIND>_<NAME> for handlers and all other uses, as the framework
reads them (lambent.app.sources.naming).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from lambent.app.sources.naming import variable
from lambent.deploy import names
from lambent.deploy.errors import RenderError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lambent.deploy.manifest import Unit
    from lambent.deploy.render.composition import Composition

HTTP: Final = "http"
"""What authorizers call the HTTP API."""

_NAME: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9_]+")
_LARGEST: Final = 4096
"""Bytes of all variables together: "Lambda quotas"."""
_RESERVED: Final = frozenset(
    (
        "_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_LAMBDA_RUNTIME_API",
        "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
    )
)  # fmt: skip
"""Source: "Defined runtime environment variables" of the Lambda developer guide."""


def variables_of(composition: Composition, unit: Unit) -> dict[str, Any]:
    """All variables of a unit, sorted: what it needs, over it what the project sets, over both what the target sets.

    Raises RenderError for two resources that would share a variable, and for what Lambda does not take.
    """
    found: dict[str, tuple[str, Any]] = {}
    for name, what, value in _needed(composition, unit):
        there = found.setdefault(name, (what, value))
        if there[1] != value:
            raise RenderError(
                f"{there[0]} and {what} are both told to the code by the variable {name}",
                hint="Names have to differ in letters or digits: rename one.",
            )
    variables: dict[str, Any] = {name: value for name, (_, value) in found.items()}
    for name, text in {**unit.environment, **composition.target.environment}.items():
        if name in _RESERVED or not _NAME.fullmatch(name):
            why = (
                "Lambda sets it itself"
                if name in _RESERVED
                else "Lambda wants a letter, then letters, digits, _"
            )
            raise RenderError(
                f"unit {unit.name}: {name} cannot be a variable of its environment: {why}",
                hint="Rename it in environment, and in the code.",
            )
        variables[name] = text
    size = sum(len(name) + len(value.encode()) for name, value in variables.items() if isinstance(value, str))
    if size > _LARGEST:
        raise RenderError(
            f"unit {unit.name}: its environment has {size:,} bytes, and Lambda takes {_LARGEST:,}",
            hint="Put long values into SSM parameters or a file of the project.",
        )
    return dict(sorted(variables.items()))


def _needed(composition: Composition, unit: Unit) -> Iterator[tuple[str, str, Any]]:
    """Each variable, with what it is about, and its value."""
    c, manifest = composition, composition.manifest
    yield "LAMBENT_STAGE", "the stage", c.stage
    if unit.routers is not None:
        yield "LAMBENT_UNIT_ROUTERS", "the unit's routers", ",".join(unit.routers)

    def told(kind: str, name: str, value: Any) -> tuple[str, str, Any]:
        return variable(kind, name), f"the {kind} {name}", value

    for queue in manifest.queue_triggers:
        if queue.unit == unit.name:
            yield told("queue", queue.queue, c.queue_url(queue.queue))
    for stream in manifest.stream_triggers:
        if stream.unit == unit.name:
            value = c.stream_name(stream.name) if stream.kind == "stream" else c.table_name(stream.name)
            yield told(stream.kind, stream.name, value)
    for topic in manifest.topic_triggers:
        if topic.unit == unit.name:
            yield told("topic", topic.topic, c.topic_arn(topic.topic))
    for bucket in manifest.bucket_triggers:
        if bucket.unit == unit.name:
            yield told("bucket", bucket.bucket, c.bucket_name(bucket.bucket))
    for schedule in manifest.schedules:
        if schedule.unit == unit.name:
            yield told("schedule", schedule.name, names.schedule_name(c.app, c.stage, schedule.name))
    for pool in manifest.user_pool_triggers:
        if pool.unit == unit.name and pool.pool is not None and owns_pool(pool.pool):
            yield told("user_pool", pool.pool, {"Ref": names.logical_id("user_pool", pool.pool)})
    for channel in manifest.channels:
        if any(route.unit == unit.name for route in channel.routes):
            yield told("channel", channel.name, c.channel_id(channel.name))
    for authorizer in manifest.authorizers:
        if authorizer.unit != unit.name:
            continue
        if authorizer.api == HTTP:
            yield told("api", HTTP, {"Ref": names.logical_id("api", HTTP)})
        else:
            yield told("api", authorizer.api, c.channel_id(authorizer.api))
    for use in manifest.uses:
        if use.unit == unit.name:
            yield from _of_use(c, use.kind, use.name, use.access)


def _of_use(c: Composition, kind: str, name: str, access: tuple[str, ...]) -> Iterator[tuple[str, str, Any]]:
    what = f"the {kind} {name}"
    if kind == "queue":
        if "send" in access:
            yield "QUEUE_URL_" + re.sub(r"[^A-Za-z0-9]", "_", name).upper(), what, c.queue_url(name)
        yield variable(kind, name), what, c.queue_url(name)
    elif kind == "table":
        yield variable(kind, name), what, c.table_name(name)
    elif kind == "bucket":
        yield variable(kind, name), what, c.bucket_name(name)
    elif kind == "topic":
        yield variable(kind, name), what, c.topic_arn(name)
    elif kind == "stream":
        yield variable(kind, name), what, c.stream_name(name)
    elif kind == "channel":
        yield variable(kind, name), what, c.channel_id(name)
    elif kind == "function":
        yield variable(kind, name), what, c.function_name(name)
    elif kind == "bus":
        yield variable(kind, name), what, name


def owns_pool(pool: str) -> bool:
    """Whether a user pool is the app's: neither an ARN nor an id, which is a region and nine characters."""
    return not pool.startswith("arn:") and not re.fullmatch(r"[a-z]{2}(?:-[a-z]+)+-\d_[A-Za-z0-9]+", pool)
