"""What calls an app besides HTTP: a module per kind of event, imported when an app has a handler for it.

A source is told of its handlers with `add`, finds the one for an event, gives it what it asks for, and makes of the
results what Lambda wants to hear.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.app.app import App
    from lambent.app.onion import Middleware


class Source(Protocol):
    """One kind of event."""

    def __init__(self, app: App) -> None: ...

    def add(
        self, handler: Callable[..., Any], layers: tuple[Middleware, ...], options: dict[str, Any]
    ) -> None:
        """A handler, with the layers of its routers and its own. Raises AppError."""

    def handle(self, event: Any, context: Any) -> Any:
        """The result for Lambda. Raises UnknownEvent when no handler is for this event, and what handlers raise."""


SOURCES: dict[str, tuple[str, str]] = {
    "alarm": ("lambent.app.sources.alarm", "Alarms"),
    "authorizer": ("lambent.app.sources.authorizer", "Authorizers"),
    "bucket": ("lambent.app.sources.bucket", "Buckets"),
    "channel": ("lambent.app.sources.channel", "Channels"),
    "custom_resource": ("lambent.app.sources.custom_resource", "CustomResources"),
    "direct": ("lambent.app.sources.direct", "Direct"),
    "event": ("lambent.app.sources.bus", "Bus"),
    "logs": ("lambent.app.sources.log_subscription", "LogSubscriptions"),
    "queue": ("lambent.app.sources.queue", "Queues"),
    "schedule": ("lambent.app.sources.bus", "Schedules"),
    "stream": ("lambent.app.sources.stream", "Streams"),
    "table_stream": ("lambent.app.sources.table_stream", "TableStreams"),
    "topic": ("lambent.app.sources.topic", "Topics"),
    "user_pool": ("lambent.app.sources.user_pool", "UserPools"),
}
"""Module and class of each kind of registration."""

KINDS: dict[str, str] = {
    "alarm": "alarm",
    "authorizer.request": "authorizer",
    "authorizer.token": "authorizer",
    "cognito": "user_pool",
    "custom_resource": "custom_resource",
    "direct": "direct",
    "dynamodb": "table_stream",
    "eventbridge": "event",
    "kinesis": "stream",
    "logs": "logs",
    "records.none": "queue",
    "s3": "bucket",
    "s3.test": "bucket",
    "schedule": "event",
    "sns": "topic",
    "sqs": "queue",
    "websocket": "channel",
}
"""Which kind of registration is for a kind of event, as `recognition.kind_of` names them."""
