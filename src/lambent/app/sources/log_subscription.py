"""Log lines that a subscription filter of CloudWatch Logs sends.

Now and then CloudWatch asks whether the function can be reached (CONTROL_MESSAGE): that calls nothing.

Source: "Log group-level subscription filters" of the CloudWatch Logs user guide.
"""

from __future__ import annotations

import binascii
from typing import TYPE_CHECKING, Any

import msgspec

from lambent.app.errors import UnknownEvent
from lambent.app.request import Invocation
from lambent.app.sources.record import Named, answered, chain_of, first_known, itself, members
from lambent.app.sources.understood import understood

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from lambent.app.app import App
    from lambent.app.onion import Middleware


_LARGEST = 64 << 20
"""Bytes of log data at most, unpacked; what is packed has 6 MB at most."""


class LogEvent(msgspec.Struct, frozen=True, rename="camel"):
    """A line. `timestamp` is in milliseconds since 1970; `extracted_fields` are those that the filter names."""

    id: str
    timestamp: int
    message: str
    extracted_fields: dict[str, str] = {}

    @property
    def time(self) -> datetime:
        """When it was logged."""
        from datetime import UTC, datetime, timedelta

        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=self.timestamp)

    def json(self) -> Any:
        """The message, decoded from JSON. Raises msgspec.DecodeError."""
        return msgspec.json.decode(self.message)


class _Data(msgspec.Struct, rename="camel"):
    message_type: str
    owner: str = ""
    log_group: str = ""
    log_stream: str = ""
    subscription_filters: list[str] = []
    log_events: list[LogEvent] = []


_decode = msgspec.json.Decoder(_Data).decode


class LogBatch(Invocation):
    """Lines of one stream. `filters` are the subscription filters that they matched, `owner` is the account."""

    kind = "logs"

    def __init__(self, data: _Data, event: Any, context: Any) -> None:
        self.event = event
        self.context = context
        self.owner = data.owner
        self.group = data.log_group
        self.stream = data.log_stream
        self.filters = data.subscription_filters
        self.events = data.log_events


_MEMBERS: dict[str, Any] = {
    "owner": str,
    "group": str,
    "stream": str,
    "filters": list[str],
    "events": list[LogEvent],
}


class LogSubscriptions:
    """The handlers of log groups."""

    def __init__(self, app: App) -> None:
        self._app = app
        self.handlers = Named("log_group")

    def add(
        self, handler: Callable[..., Any], layers: tuple[Middleware, ...], options: dict[str, Any]
    ) -> None:
        """Add a handler. Raises AppError."""
        resolve = first_known(members(_MEMBERS), itself)
        self.handlers.add(options["group"], chain_of(self._app, handler, layers, options, resolve, LogBatch))

    @understood
    def handle(self, event: Any, context: Any) -> Any:
        """The handler's result. Raises UnknownEvent, ValueError for data that are none, and what handlers raise."""
        import zlib

        try:
            unpacking = zlib.decompressobj(31)
            unpacked = unpacking.decompress(binascii.a2b_base64(event["awslogs"]["data"]), _LARGEST)
            if not unpacking.eof:
                raise zlib.error("it is cut, or larger than anything that CloudWatch Logs sends")
            data = _decode(unpacked)
        except (binascii.Error, zlib.error, msgspec.DecodeError, KeyError, TypeError) as error:
            raise ValueError(
                f"This is no log data, which is JSON, packed with gzip and in base64: {error}"
            ) from None
        if data.message_type == "CONTROL_MESSAGE":
            return None
        chain = self.handlers.find(data.log_group)
        if chain is None:
            raise UnknownEvent(
                f"{self._app.name}: no handler is for the log group {data.log_group!r}: there are handlers for "
                f"{self.handlers.told()}. LAMBENT_LOG_GROUP_<NAME> can tell what one of them is called here"
            )
        return answered(self._app, chain, LogBatch(data, event, context))
