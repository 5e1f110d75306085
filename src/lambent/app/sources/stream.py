"""Kinesis: the records of a stream, each as what the handler declares; and what all streams have in common.

Lambda reads a shard in order and keeps one place in it, the checkpoint. It is told the first record that failed, and
delivers that one and all after it again, until they are handled, too old, or have been tried as often as the mapping
says. So nothing after a failed record is begun, as it would be handled twice; unless `after_failure` has it otherwise,
for handlers that do not mind. Then all that failed is reported, of which Lambda takes the first.

Source: "Configuring partial batch response with Kinesis Data Streams and Lambda" of the Lambda developer guide.
"""

from __future__ import annotations

from binascii import a2b_base64
from typing import TYPE_CHECKING, Any, ClassVar

import msgspec

from lambent.app.endpoint import Endpoint
from lambent.app.errors import AppError
from lambent.app.signature import described
from lambent.app.sources.batch import BatchSource, Record
from lambent.app.sources.chain import Chain, PayloadResolver
from lambent.app.sources.content import content
from lambent.app.sources.lanes import LanesBy, lane_of_all
from lambent.app.sources.naming import name_in
from lambent.app.sources.understood import understood
from lambent.app.sources.window import Window, WindowEnd, window_parameter

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from lambent.app.endpoint import Getter, Resolver
    from lambent.app.onion import Middleware
    from lambent.app.signature import Parameter
    from lambent.app.sources.batch import Failures, Halt
    from lambent.app.sources.lanes import Lanes


class ShardRecord(Record):
    """What records of all streams have in common."""

    @property
    def event_id(self) -> str:
        """What Lambda names it."""
        return self.record["eventID"]  # type: ignore[no-any-return]


class StreamRecord(ShardRecord):
    """A record of a Kinesis stream."""

    kind = "kinesis"

    @property
    def data(self) -> bytes:
        """What was put into the stream."""
        return _data(self.record)

    def json(self) -> Any:
        """The data, decoded from JSON. Raises ValueError."""
        return msgspec.json.decode(self.data)

    @property
    def partition_key(self) -> str:
        """The key by which its producer chose the shard."""
        return self.record["kinesis"]["partitionKey"]  # type: ignore[no-any-return]

    @property
    def sequence_number(self) -> str:
        """Its place in the shard."""
        return self.record["kinesis"]["sequenceNumber"]  # type: ignore[no-any-return]

    identifier = sequence_number

    @property
    def arrived_at(self) -> datetime:
        """When it arrived in the stream, approximately."""
        return time_of(self.record["kinesis"]["approximateArrivalTimestamp"])

    @property
    def shard(self) -> str:
        """The shard: "shardId-000000000006"."""
        return self.event_id.partition(":")[0]

    @property
    def stream(self) -> str:
        """The stream's name."""
        return name_in(self.arn)


def _data(record: dict[str, Any]) -> bytes:
    return a2b_base64(record["kinesis"]["data"])


class ShardSource(BatchSource):
    """A source whose records Lambda reads from shards."""

    record: ClassVar[type[ShardRecord]]
    called = ("record", "sequence_number")
    lanes: ClassVar[Lanes]
    """For `concurrency`: records that are to be handled in order."""

    def __init__(self, app: Any) -> None:
        super().__init__(app)
        self._window_ends: dict[str, Chain] = {}

    def add(
        self, handler: Callable[..., Any], layers: tuple[Middleware, ...], options: dict[str, Any]
    ) -> None:
        """Add a handler. Raises AppError."""
        if options["after_failure"] not in ("stop", "continue"):
            raise AppError(
                f"{described(handler)}: after_failure is {options['after_failure']!r}, and may be 'stop' or 'continue'"
            )
        if options["after_failure"] == "continue" and options["tumbling_window"] is not None:
            raise AppError(
                f"{described(handler)}: with a tumbling window nothing can be handled after a failure: it would be "
                "counted twice"
            )
        super().add(handler, layers, options)
        at_end = options["at_window_end"]
        if at_end is not None:
            endpoint = Endpoint(at_end, self._app.services, window_parameter, (WindowEnd,))
            self._window_ends[options["name"]] = Chain(endpoint, layers, options)

    def _others(self, parameter: Parameter) -> Getter | None:
        return window_parameter(parameter)

    def _window_of(self, handler: Chain, event: dict[str, Any]) -> Window | None:
        """The window of a batch. Raises AppError if there is none and the handler wants one."""
        if "window" in event:
            return Window(event)
        if any(parameter.type is Window for parameter in handler.endpoint.signature.parameters):
            raise AppError(
                f"{described(handler.endpoint.handler)} asks for a window, and the {self.noun} has none: give its "
                "event source mapping a TumblingWindowInSeconds"
            )
        return None

    @understood
    def handle(self, event: Any, context: Any) -> dict[str, Any]:
        """Handle a batch; what failed, for Lambda. Raises UnknownEvent, and the failure without `report_failures`."""
        records = event["Records"]
        handler = self._handler(str((records[0] if records else event).get("eventSourceARN")))
        options = handler.options
        window = self._window_of(handler, event)

        def make(record: dict[str, Any], event: Any, context: Any) -> ShardRecord:
            made = self.record(record, event, context)
            made.window = window
            return made

        records = self._wanted(handler, records)
        lanes = lane_of_all if options["concurrency"] is None else self.lanes
        halt: Halt = (
            None if options["after_failure"] == "continue" and options["report_failures"] else "batch"
        )
        failed = self._run(handler, make, records, event, context, halt, lanes) if records else {}
        answer: dict[str, Any] = {"batchItemFailures": self._reported(handler, records, failed)}
        if window is not None:
            at_end = self._window_ends.get(options["name"])
            if window.is_final and not failed and at_end is not None:
                at_end.once(self._app, WindowEnd(event, context, window))
            answer["state"] = window.result()
        return answer

    def _wanted(self, handler: Chain, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return records

    def _reported(
        self, handler: Chain, records: list[dict[str, Any]], failed: Failures
    ) -> list[dict[str, str]]:
        if not failed:
            return []
        first = min(failed)  # What was not handled comes after what failed.
        error = failed[first]
        if not handler.options["report_failures"] and error is not None:
            raise error
        if handler.options["after_failure"] == "continue":
            return self._items(
                records, {place: error for place, error in failed.items() if error is not None}
            )
        return self._items(records, {first: error})


class Streams(ShardSource):
    """The handlers of Kinesis streams."""

    noun = "stream"
    kind = "stream"
    record = StreamRecord
    delivered = staticmethod(_data)
    lanes = LanesBy(lambda record: record["kinesis"]["partitionKey"])

    def _resolver(self, handler: Callable[..., Any], options: dict[str, Any]) -> Resolver:
        return PayloadResolver(handler, lambda parameter: content(parameter.type, _data_of), window_parameter)

    def _payload_of(self, declared: Any) -> Getter:
        return content(declared, _data_of)

    def _is_own(self, record: Any) -> bool:
        return isinstance(record, dict) and isinstance(record.get("kinesis"), dict)


def _data_of(record: StreamRecord) -> bytes:
    return record.data


def time_of(seconds: float) -> datetime:
    """A time of AWS's events, in seconds."""
    from datetime import UTC, datetime

    return datetime.fromtimestamp(seconds, UTC)
