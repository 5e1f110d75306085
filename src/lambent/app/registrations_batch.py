"""The decorators of queues, streams, table streams and direct invocations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Literal

    from lambent.app.onion import Middleware

    Handler = TypeVar("Handler", bound=Callable[..., Any])


class BatchRegistrations:
    """What Registrar has for events that carry data and no request."""

    def _adding(
        self, kind: str, middleware: Iterable[Middleware], options: dict[str, Any]
    ) -> Callable[[Handler], Handler]:
        raise NotImplementedError

    def queue(
        self,
        name: str,
        batch_size: int = 10,
        *,
        batch_window: float = 0,
        maximum_concurrency: int | None = None,
        filters: Iterable[dict[str, Any]] = (),
        fifo_failure: Literal["stop", "skip_group"] = "stop",
        report_failures: bool = True,
        raise_on_entire_batch_failure: bool = False,
        concurrency: int | None = None,
        unwrap: Literal["sns", "s3", "eventbridge"] | None = None,
        middleware: Iterable[Middleware] = (),
    ) -> Callable[[Handler], Handler]:
        """A handler for each message of an SQS queue: `def send_receipt(receipt: Receipt)`.

        The first parameter that is nothing else is the body: str and bytes as they are, other types from JSON. A
        Message, `context` and services are given by type, attributes of the message with `Attribute`.

        `batch_size`, `batch_window` (seconds), `maximum_concurrency` (of functions) and `filters` are for the event
        source mapping. An exception is a failure of its message, which is reported, while the others go on. After a
        failure in a FIFO queue, all that come after it are returned unhandled with "stop", and those of its group
        with "skip_group". With `report_failures` off, the first failure is raised and Lambda retries the whole batch;
        with `raise_on_entire_batch_failure`, BatchFailed is raised when no message was handled.

        An async handler is called for all messages at the same time, or for as many as `concurrency` says; another
        one for as many as that on threads, by default one by one. Messages of one group of a FIFO queue keep their
        order. A handler that asks for a `list[Message]` is called once for the batch, with lists of all that it asks
        for: `message.fail(error)` reports one, an exception all.

        `unwrap` takes the body out of what it came in: "sns" the message of a notification, "s3" the list of a
        notification's records, also through a topic (keys are encoded as S3 does it, and its test message is an empty
        list), "eventbridge" an event's detail. Other bodies are given as they are.
        """
        options = {
            "name": name,
            "batch_size": batch_size,
            "batch_window": batch_window,
            "maximum_concurrency": maximum_concurrency,
            "filters": tuple(filters),
            "fifo_failure": fifo_failure,
            "report_failures": report_failures,
            "raise_on_entire_batch_failure": raise_on_entire_batch_failure,
            "concurrency": concurrency,
            "unwrap": unwrap,
        }
        return self._adding("queue", middleware, options)

    def stream(
        self,
        name: str,
        batch_size: int = 100,
        *,
        batch_window: float = 0,
        starting_position: Literal["LATEST", "TRIM_HORIZON"] = "LATEST",
        parallelization: int = 1,
        maximum_retries: int | None = None,
        maximum_age: float | None = None,
        bisect: bool = False,
        tumbling_window: float | None = None,
        filters: Iterable[dict[str, Any]] = (),
        report_failures: bool = True,
        after_failure: Literal["stop", "continue"] = "stop",
        concurrency: int | None = None,
        at_window_end: Callable[..., Any] | None = None,
        middleware: Iterable[Middleware] = (),
    ) -> Callable[[Handler], Handler]:
        """A handler for each record of a Kinesis stream: `def count(click: Click)`.

        The first parameter that is nothing else is the data: bytes and str as they are, other types from JSON. A
        StreamRecord, the Window, `context` and services are given by type.

        Records are handled in order up to the first failure, which is reported: Lambda delivers it and all after it
        again. `after_failure="continue"` handles what comes after it nevertheless, twice then. With `report_failures`
        off it is raised, and the whole batch comes again. Async handlers too have one record at a time, unless
        `concurrency` lets them have several of different partition keys; others have them on threads then. A handler
        that asks for a `list[StreamRecord]` is called once for the batch, as with `queue`.

        `tumbling_window` (seconds) has Lambda keep a `Window`'s state from batch to batch; `at_window_end` is called
        with the window when it ends. It, `batch_size`, `batch_window` (seconds), `starting_position`,
        `parallelization` (batches of a shard at the same time), `maximum_retries`, `maximum_age` (seconds), `bisect`
        (failing batches) and `filters` are for the event source mapping.
        """
        options = {
            "name": name,
            "batch_size": batch_size,
            "batch_window": batch_window,
            "starting_position": starting_position,
            "parallelization": parallelization,
            "maximum_retries": maximum_retries,
            "maximum_age": maximum_age,
            "bisect": bisect,
            "tumbling_window": tumbling_window,
            "filters": tuple(filters),
            "report_failures": report_failures,
            "after_failure": after_failure,
            "concurrency": concurrency,
            "at_window_end": at_window_end,
        }
        return self._adding("stream", middleware, options)

    def table_stream(
        self,
        name: str,
        batch_size: int = 100,
        *,
        events: Iterable[Literal["INSERT", "MODIFY", "REMOVE"]] = ("INSERT", "MODIFY", "REMOVE"),
        batch_window: float = 0,
        starting_position: Literal["LATEST", "TRIM_HORIZON"] = "LATEST",
        parallelization: int = 1,
        maximum_retries: int | None = None,
        maximum_age: float | None = None,
        bisect: bool = False,
        tumbling_window: float | None = None,
        filters: Iterable[dict[str, Any]] = (),
        report_failures: bool = True,
        after_failure: Literal["stop", "continue"] = "stop",
        concurrency: int | None = None,
        at_window_end: Callable[..., Any] | None = None,
        middleware: Iterable[Middleware] = (),
    ) -> Callable[[Handler], Handler]:
        """A handler for each change of a DynamoDB table: `def on_change(change: Change[Order])`.

        Or for parts of it: `def on_change(new: Order | None, old: Order | None, keys: dict)`. Items are dicts of plain
        Python values, or what they are declared as. Changes other than `events` are passed over.

        What is reported, `concurrency` (for different items), whole batches (`list[Change[Order]]`) and all else is as
        with `stream`.
        """
        options = {
            "name": name,
            "batch_size": batch_size,
            "events": tuple(events),
            "batch_window": batch_window,
            "starting_position": starting_position,
            "parallelization": parallelization,
            "maximum_retries": maximum_retries,
            "maximum_age": maximum_age,
            "bisect": bisect,
            "tumbling_window": tumbling_window,
            "filters": tuple(filters),
            "report_failures": report_failures,
            "after_failure": after_failure,
            "concurrency": concurrency,
            "at_window_end": at_window_end,
        }
        return self._adding("table_stream", middleware, options)

    def invocation(
        self, name: str | None = None, *, member: str = "action", middleware: Iterable[Middleware] = ()
    ) -> Callable[[Handler], Handler]:
        """A handler for direct invocations: `def price(order: Order) -> Price`.

        With a name it is for events in which `member` has that value, without for all that nothing else is for. The
        first parameter that is nothing else is the whole event, and the result is sent as JSON: Structs, dataclasses,
        models, dates. Raises ValidationFailed for events that are not as declared, and exceptions reach the caller.
        """
        return self._adding("direct", middleware, {"name": name, "member": member})
