"""What things are called where an app is deployed.

The code says "receipts"; stage dev of the app "shop" has a queue shop-dev-receipts, whose logical id in the stack is
ReceiptsQueue. Both follow from the names alone, so whoever looks for a resource finds it without asking.

Lengths and characters are those of the resources' documentation: CreateFunction, CreateQueue, CreateTable, CreateTopic,
CreateStream, CreateSchedule, PutRule, CreateStack and "Bucket naming rules" of the S3 user guide.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

from lambent.deploy.errors import RenderError

SUFFIXES: Final[dict[str, str]] = {
    "function": "Function",
    "role": "Role",
    "caller_role": "CallerRole",
    "log_group": "LogGroup",
    "version": "Version",
    "alias": "Alias",
    "url": "Url",
    "url_permission": "UrlPermission",
    "url_call_permission": "UrlCallPermission",
    "invoke_config": "InvokeConfig",
    "layer": "Layer",
    "queue": "Queue",
    "dead_letters": "DeadLetters",
    "table": "Table",
    "bucket": "Bucket",
    "topic": "Topic",
    "stream": "Stream",
    "user_pool": "UserPool",
    "api": "Api",
    "stage": "Stage",
    "channel": "Channel",
    "channel_stage": "ChannelStage",
    "route": "Route",
    "route_response": "RouteResponse",
    "integration": "Integration",
    "authorizer": "Authorizer",
    "permission": "Permission",
    "mapping": "Mapping",
    "schedule": "Schedule",
    "rule": "Rule",
    "subscription": "Subscription",
    "log_filter": "LogFilter",
}
"""What the logical ids of each kind end with."""

_LOGICAL_ID: Final = 200
"""Characters; CloudFormation takes 255 (its quotas)."""
_PART: Final = re.compile(r"[A-Za-z](?:[A-Za-z0-9_-]*[A-Za-z0-9])?")
_NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?")
_ACCOUNT: Final = 12
_REGION: Final = 14
"""The longest common name of a region, ap-southeast-1."""


def logical_id(kind: str, *names: str) -> str:
    """The id of a resource in the stack: `logical_id("queue", "receipts")` is ReceiptsQueue.

    `kind` is one of SUFFIXES. A resource with one name has an id that people can guess; one that joins several (a route
    has its API, a method and a path) has a hash of them too, so that none is taken for another.
    """
    words = [word for name in names for word in re.split(r"[^A-Za-z0-9]+", name) if word]
    camel = "".join(word[0].upper() + word[1:] for word in words)[:_LOGICAL_ID]
    if len(names) > 1 or not camel:
        camel += hashlib.sha256("\0".join(names).encode()).hexdigest()[:8]
    return f"{camel}{SUFFIXES[kind]}"


def stack_name(app: str, stage: str) -> str:
    """Stacks have letters, digits and hyphens alone: an app `my_shop` has the stack my-shop-dev. Raises RenderError."""
    _check_parts(app, stage)
    return _fitting("stack", f"{app}-{stage}".replace("_", "-"), 128)


def function_name(app: str, stage: str, unit: str) -> str:
    """`shop-dev-app`. Raises RenderError."""
    return _name("function", app, stage, unit, 64)


def queue_name(app: str, stage: str, queue: str, *, fifo: bool = False) -> str:
    """`shop-dev-receipts`; those of FIFO kind end with `.fifo`, as the code may say or not. Raises RenderError."""
    ending = ".fifo" if fifo else ""
    return _name("queue", app, stage, queue.removesuffix(".fifo") if fifo else queue, 80, ending)


def dead_letters_name(app: str, stage: str, queue: str, *, fifo: bool = False) -> str:
    """`shop-dev-receipts-dlq`: where a queue's messages go that fail. Raises RenderError."""
    ending = "-dlq.fifo" if fifo else "-dlq"
    return _name("queue", app, stage, queue.removesuffix(".fifo") if fifo else queue, 80, ending)


def table_name(app: str, stage: str, table: str) -> str:
    """`shop-dev-orders`. Raises RenderError."""
    return _name("table", app, stage, table, 255)


def topic_name(app: str, stage: str, topic: str, *, fifo: bool = False) -> str:
    """`shop-dev-alerts`, with `.fifo` like queues. Raises RenderError."""
    return _name(
        "topic", app, stage, topic.removesuffix(".fifo") if fifo else topic, 256, ".fifo" if fifo else ""
    )


def stream_name(app: str, stage: str, stream: str) -> str:
    """`shop-dev-clicks`. Raises RenderError."""
    return _name("stream", app, stage, stream, 128)


def bucket_name(app: str, stage: str, bucket: str) -> str:
    """`shop-dev-uploads-${AWS::AccountId}-${AWS::Region}`, for Fn::Sub: all the world's buckets share their names.

    Small letters and hyphens, as S3 wants them. Raises RenderError.
    """
    _check_parts(app, stage)
    name = re.sub(r"[^a-z0-9.-]", "-", f"{app}-{stage}-{bucket}".lower())
    _check_name("bucket", bucket)
    longest = 63 - _ACCOUNT - _REGION - 2
    if len(name) > longest:
        raise RenderError(
            f"the bucket {bucket} would be called {name}-<account>-<region>, and S3 takes {longest} characters before "
            f"these: it has {len(name)}",
            hint="Give the app, the stage or the bucket a shorter name.",
        )
    if ".." in name or ".-" in name or "-." in name:
        raise RenderError(
            f"the bucket {bucket} would be called {name}: S3 wants letters or digits on both sides of a dot",
            hint="Give the bucket another name.",
        )
    return f"{name}-${{AWS::AccountId}}-${{AWS::Region}}"


def schedule_name(app: str, stage: str, schedule: str) -> str:
    """`shop-dev-clean_up`. Raises RenderError."""
    return _name("schedule", app, stage, schedule, 64)


def rule_name(app: str, stage: str, rule: str) -> str:
    """`shop-dev-on_order`. Raises RenderError."""
    return _name("rule", app, stage, rule, 64)


def api_name(app: str, stage: str) -> str:
    """Of the HTTP API: `shop-dev`. Raises RenderError."""
    _check_parts(app, stage)
    return _fitting("API", f"{app}-{stage}", 128)


def channel_name(app: str, stage: str, channel: str) -> str:
    """Of a WebSocket API: `shop-dev-counter`. Raises RenderError."""
    _check_parts(app, stage)
    # A channel may be called "rooms/chat": names of APIs are for people, and free.
    return _fitting("API", f"{app}-{stage}-{channel}", 128)


def user_pool_name(app: str, stage: str, pool: str) -> str:
    """`shop-dev-customers`. Raises RenderError."""
    return _name("user pool", app, stage, pool, 128)


def layer_name(app: str, stage: str, layer: str) -> str:
    """`shop-dev-dependencies`. Raises RenderError."""
    return _name("layer", app, stage, layer, 140)


def log_group_name(app: str, stage: str, unit: str) -> str:
    """`/aws/lambda/shop-dev-app`. Raises RenderError."""
    return f"/aws/lambda/{function_name(app, stage, unit)}"


def _name(kind: str, app: str, stage: str, name: str, longest: int, ending: str = "") -> str:
    _check_parts(app, stage)
    _check_name(kind, name)
    if kind not in ("table", "stream", "schedule", "rule", "user pool") and "." in name:
        raise RenderError(
            f"the {kind} {name} cannot have a dot in its name",
            hint="Names have letters, digits, - and _.",
        )
    return _fitting(f"{kind} {name}", f"{app}-{stage}-{name}{ending}", longest)


def _check_parts(app: str, stage: str) -> None:
    for what, name in (("app", app), ("stage", stage)):
        if not _PART.fullmatch(name):
            raise RenderError(
                f"{name!r} cannot be the name of {'an app' if what == 'app' else 'a stage'}",
                hint="It begins with a letter, and has letters, digits, - and _: everything that is deployed is called "
                f"by it.{' Set name in [app].' if what == 'app' else ''}",
            )


def _check_name(kind: str, name: str) -> None:
    if not _NAME.fullmatch(name):
        raise RenderError(
            f"{name!r} cannot be the name of a {kind}", hint="Names have letters, digits, - and _."
        )


def _fitting(what: str, name: str, longest: int) -> str:
    if len(name) > longest:
        raise RenderError(
            f"the {what} would be called {name}: {len(name)} characters, and AWS takes {longest}",
            hint="Give the app, the stage or the thing itself a shorter name.",
        )
    return name
