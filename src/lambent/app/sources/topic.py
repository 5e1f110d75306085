"""Topics of SNS.

SNS calls a function asynchronously, with one message at a time. A handler's exception fails the invocation, and Lambda
repeats it; messages after the failed one wait for that, should there ever be several.

Source: "Using Lambda with Amazon SNS" in the Lambda developer guide, "Message attributes" in that of SNS.
"""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING, Any

import msgspec

from lambent.app import current
from lambent.app.errors import UnknownEvent
from lambent.app.request import Invocation
from lambent.app.sources.chain import PayloadResolver
from lambent.app.sources.content import content
from lambent.app.sources.naming import name_in
from lambent.app.sources.record import Named, called, chain_of, members, moment
from lambent.app.sources.understood import understood

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from lambent.app.app import App
    from lambent.app.onion import Middleware
    from lambent.app.sources.chain import Chain

_CORRELATION = "correlation-id"


class Notification(Invocation):
    """A message of a topic. `record` is as Lambda delivered it."""

    kind = "sns"

    def __init__(self, record: dict[str, Any], event: Any, context: Any) -> None:
        self.record = record
        self.event = event
        self.context = context

    @property
    def message(self) -> str:
        """The text."""
        return self.record["Sns"]["Message"]  # type: ignore[no-any-return]

    @property
    def subject(self) -> str | None:
        """The subject, if it has one."""
        return self.record["Sns"].get("Subject")  # type: ignore[no-any-return]

    @property
    def attributes(self) -> dict[str, Any]:
        """The message attributes: texts, numbers, bytes, and lists for String.Array."""
        given = self.record["Sns"].get("MessageAttributes") or {}
        return {name: _attribute(attribute) for name, attribute in given.items()}

    @property
    def timestamp(self) -> datetime:
        """When it was published."""
        return moment(self.record["Sns"]["Timestamp"])

    @property
    def message_id(self) -> str:
        """SNS's id of the message."""
        return self.record["Sns"]["MessageId"]  # type: ignore[no-any-return]

    @property
    def topic(self) -> str:
        """The name of the topic."""
        return name_in(self.topic_arn)

    @property
    def topic_arn(self) -> str:
        """The ARN of the topic."""
        return self.record["Sns"]["TopicArn"]  # type: ignore[no-any-return]


_MEMBERS: dict[str, Any] = {"subject": str, "attributes": dict[str, Any], "message_id": str, "topic": str}


def _attribute(attribute: dict[str, Any]) -> Any:
    kind, value = attribute.get("Type", "String"), attribute.get("Value")
    if kind == "Binary":
        return binascii.a2b_base64(value or "")
    if kind in ("Number", "String.Array"):
        try:
            return msgspec.json.decode(value or "")
        except msgspec.DecodeError:
            return value
    return value


class Topics:
    """The handlers of topics."""

    def __init__(self, app: App) -> None:
        self._app = app
        self.handlers = Named("topic")

    def add(
        self, handler: Callable[..., Any], layers: tuple[Middleware, ...], options: dict[str, Any]
    ) -> None:
        """Add a handler. Raises AppError."""
        resolve = PayloadResolver(
            handler, lambda parameter: content(parameter.type, _text), members(_MEMBERS)
        )
        chain = chain_of(self._app, handler, layers, options, resolve, Notification)
        self.handlers.add(options["name"], chain)

    @understood
    def handle(self, event: Any, context: Any) -> None:
        """Handle each message. Raises UnknownEvent before, and what handlers raise."""
        records = event["Records"]
        chains = [self._find(record["Sns"]["TopicArn"]) for record in records]
        for chain, record in zip(chains, records, strict=True):
            notification = Notification(record, event, context)
            attribute = (record["Sns"].get("MessageAttributes") or {}).get(_CORRELATION)
            current.correlation_id.set(attribute["Value"] if attribute else notification.message_id)
            called(self._app, chain, notification)

    def _find(self, arn: str) -> Chain:
        chain = self.handlers.find(name_in(arn))
        if chain is None:
            raise UnknownEvent(
                f"{self._app.name}: no handler is for the topic {arn}: there are handlers for "
                f"{self.handlers.told()}. LAMBENT_TOPIC_<NAME> can tell what one of them is called here"
            )
        return chain


def _text(notification: Notification) -> str:
    return notification.message
