"""What queues, streams and table streams have in common: records in batches, each handled by itself.

Which handler an event is for. `@app.queue("receipts")` is for the queue of exactly that name, as it is in the event's
ARN. In deployments queues often have longer names; then the environment variable LAMBENT_QUEUE_RECEIPTS tells the name,
ARN or URL (`naming` has the rule; streams have LAMBENT_STREAM_<NAME>, tables LAMBENT_TABLE_<NAME>). UnknownEvent is
raised for others.

What failures are. Each exception of a handler, of its middleware or of its services is a failure of its record, and so
is a record that is not what the handler declares, or whose `fail` it calls. Failures are logged and reported to Lambda
as `batchItemFailures`, for which the event source mapping needs ReportBatchItemFailures among its
FunctionResponseTypes: without it Lambda takes any answer for success. SystemExit and its like are no failures: they end
the function.

Source: "Handling errors for an SQS event source" and "Configuring partial batch response" for Kinesis and DynamoDB
in the Lambda developer guide.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from lambent.app import current
from lambent.app.endpoint import Endpoint, InvalidParameter
from lambent.app.errors import AppError, UnknownEvent, ValidationFailed
from lambent.app.request import Invocation
from lambent.app.signature import described
from lambent.app.sources.chain import Chain, PayloadResolver, explained
from lambent.app.sources.content import content
from lambent.app.sources.naming import name_in, variable
from lambent.app.sources.whole import WholeBatch, WholeResolver, is_whole

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.app.app import App
    from lambent.app.endpoint import Getter, Resolver
    from lambent.app.onion import Middleware
    from lambent.app.signature import Parameter
    from lambent.app.sources.lanes import Lanes
    from lambent.app.sources.workers import Workers

    Halt = Literal["batch", "lane"] | None
    Make = Callable[[dict[str, Any], Any, Any], "Record"]
    """Makes what the handler is called with of a record, the event and the context."""
    Failures = dict[int, Exception | None]
    """By place in the batch: what a record failed with, None when it was not handled because of another's failure."""


_correlated, _correlate = current.correlation_id.get, current.correlation_id.set


class Record(Invocation):
    """One record of a batch. `record` is as Lambda delivered it, `event` the whole batch."""

    correlation_id: str | None = None
    window: Any = None
    failure: Exception | None = None
    """What `fail` was told."""

    def __init__(self, record: dict[str, Any], event: Any, context: Any) -> None:
        self.record = record
        self.event = event
        self.context = context

    @property
    def identifier(self) -> str:
        """What Lambda knows the record by. Raises KeyError for records that no source has sent."""
        raise NotImplementedError

    def fail(self, error: Exception | str = "The handler reported it") -> None:
        """Have the record reported as a failure, while the handler goes on: for handlers of whole batches."""
        self.failure = error if isinstance(error, Exception) else RuntimeError(error)

    @property
    def arn(self) -> str:
        """The ARN of the source."""
        return self.record["eventSourceARN"]  # type: ignore[no-any-return]


class BatchFailed(ExceptionGroup[Exception]):
    """All records of a batch have failed, or were not handled because others had. `exceptions` are the failures."""


class BatchSource:
    """Finds the handler of a batch and handles the records, one after the other or at the same time."""

    noun: ClassVar[str]
    kind: ClassVar[str]
    """As in LAMBENT_<KIND>_<NAME>."""
    record: ClassVar[type[Record]]
    called: ClassVar[tuple[str, str]]
    """What logs call one record, and the key that its identifier has there."""
    delivered: ClassVar[Any] = None
    """A function: what a record carries, as Lambda delivers it."""

    def __init__(self, app: App) -> None:
        self._app = app
        self.handlers: dict[str, Chain] = {}
        self._found: dict[str, Chain] = {}
        self._workers: Workers | None = None

    def add(
        self, handler: Callable[..., Any], layers: tuple[Middleware, ...], options: dict[str, Any]
    ) -> None:
        """Add a handler. Raises AppError."""
        name, concurrency = options["name"], options.get("concurrency")
        there = self.handlers.get(name)
        if there is not None:
            raise AppError(
                f"The {self.noun} {name!r}: both {described(there.endpoint.handler)} and {described(handler)} are for "
                "it: one handler has to do"
            )
        if concurrency is not None and concurrency < 1:
            raise AppError(
                f"{described(handler)}: concurrency is {concurrency!r}: it is how many records are handled at a time, "
                "1 or more"
            )
        if is_whole(handler, self._record_of):
            if concurrency is not None:
                raise AppError(f"{described(handler)}: it is called for whole batches, without concurrency")
            whole = WholeResolver(handler, (self._record_of, self._payload_of), self._others)
            chain = Chain(Endpoint(handler, self._app.services, whole, ()), layers, options)
            chain.columns = whole.columns
        else:
            chain = self._chain(handler, layers, options)
        self.handlers[name] = chain
        self._found.clear()

    def _chain(
        self, handler: Callable[..., Any], layers: tuple[Middleware, ...], options: dict[str, Any]
    ) -> Chain:
        resolver = self._resolver(handler, options)
        endpoint = Endpoint(handler, self._app.services, resolver, (self.record,))
        payload = None
        if isinstance(resolver, PayloadResolver) and options.get("unwrap") is None:
            parameters = endpoint.signature.parameters
            if parameters == [resolver.parameter] and not parameters[0].keyword_only:
                payload = content(parameters[0].type, self.delivered)
        return Chain(endpoint, layers, options, payload)

    def _resolver(self, handler: Callable[..., Any], options: dict[str, Any]) -> Resolver:
        """For parameters of handlers that are called for one record."""
        raise NotImplementedError

    def _record_of(self, declared: Any) -> Getter | None:
        """For handlers of whole batches: what gives the record, if that is declared."""
        return _itself if declared is self.record else None

    def _payload_of(self, declared: Any) -> Getter | None:
        """For handlers of whole batches: what gives the payload as the declared type. Raises TypeError."""
        raise NotImplementedError

    def _others(self, parameter: Parameter) -> Getter | None:
        """For handlers of whole batches: parameters that are no lists."""
        return None

    def _handler(self, arn: str) -> Chain:
        """The handler for an ARN. Raises UnknownEvent."""
        found = self._found.get(arn)
        if found is None:
            found = self._found[arn] = self._find(arn)
        return found.ready(self._app)

    def _find(self, arn: str) -> Chain:
        name = name_in(arn)
        found = self.handlers.get(name) or self.handlers.get(arn)
        if found is not None:
            return found
        for logical, handler in self.handlers.items():
            told = os.environ.get(variable(self.kind, logical))
            if told and (told == arn or name_in(told) == name):
                return handler
        raise UnknownEvent(
            f"{self._app.name}: no handler is for the {self.noun} {arn}: there are handlers for "
            f"{', '.join(map(repr, self.handlers))}. {variable(self.kind, 'name')[:-4]}<NAME> can tell what one of "
            "them is called here"
        )

    # ------------------------------------------------------------ at work

    def _run(
        self,
        handler: Chain,
        make: Make,
        records: list[dict[str, Any]],
        event: Any,
        context: Any,
        halt: Halt,
        lanes: Lanes,
    ) -> Failures:
        """Handle records; what failed, in no order.

        `halt` is what a failure ends: "batch", all records that come after the failed one; "lane", those of its lane.
        In a lane records are handled in order; async handlers, and those with `concurrency`, work on several lanes at
        a time.
        """
        if handler.columns is not None:
            return self._run_whole(
                handler, [self._made(make, one, event, context) for one in records], halt, lanes
            )
        if handler.is_async or (handler.options.get("concurrency") or 1) > 1:
            made = [self._made(make, record, event, context) for record in records]
            if self._workers is None:
                from lambent.app.sources.workers import Workers

                self._workers = Workers(self._app, self._explained)
            return self._workers.run(handler, made, halt, lanes(records))
        failed: Failures = {}
        call, straight, function = handler.call, handler.straight, handler.endpoint.handler
        skipped: set[int] = set()
        for place, delivered in enumerate(records):
            if failed and (halt == "batch" or place in skipped):
                failed[place] = None
                continue
            if _correlated() is not None:
                _correlate(None)
            record = None
            try:
                if straight is not None and not delivered.get("messageAttributes"):
                    result = function(straight(delivered))
                    if result is not None:
                        self._settle(result)
                    continue
                record = make(delivered, event, context)
                if record.correlation_id is not None:
                    _correlate(record.correlation_id)
                result = call(record)
                if result is not None:
                    self._settle(result)
                if record.failure is not None:
                    raise record.failure
                if record.scope is not None:
                    self._app.services.close(record.scope.closing, None)
            except Exception as error:  # noqa: BLE001 - each failure is reported
                if record is None:
                    record = self._made(make, delivered, event, context)
                failed[place] = self._failed(handler, record, error)
                if halt == "lane":
                    skipped.update(next(lane for lane in lanes(records) if place in lane))
        return failed

    def _settle(self, result: Any) -> None:
        """Of results nothing is made; but a coroutine that a decorator hands on is the handler itself."""
        if hasattr(result, "__await__"):
            self._app.loop.run(result)

    def _made(self, make: Make, delivered: Any, event: Any, context: Any) -> Record:
        """What the handler is called with; also of what is no record at all, and will fail."""
        if isinstance(delivered, dict):
            return make(delivered, event, context)
        record = self.record.__new__(self.record)
        Record.__init__(record, delivered, event, context)
        return record

    def _run_whole(self, handler: Chain, records: list[Record], halt: Halt, lanes: Lanes) -> Failures:
        """Call the handler once, with what is as declared and does not come after something that is not."""
        failed: Failures = {}
        rows: dict[int, list[Any]] = {}
        lane_of: dict[int, list[int]] = {}
        if halt == "lane":
            lane_of = {place: lane for lane in lanes([one.record for one in records]) for place in lane}
        for place, record in enumerate(records):
            if failed and (halt == "batch" or place in failed):
                failed[place] = None
                continue
            try:
                rows[place] = [get(record) for get in handler.columns or ()]
            except Exception as error:  # noqa: BLE001 - each failure is reported
                failed[place] = self._explained(handler, record, error)
                if halt == "lane":
                    failed.update((after, None) for after in lane_of[place] if after > place)
        if not rows:
            return failed
        first = records[0]
        batch = WholeBatch(first.kind, first.event, first.context, list(rows.values()), first.window)
        try:
            handler.once(self._app, batch)
        except Exception as error:  # noqa: BLE001 - reported, and Lambda is told
            explained(error)
            self._app.report(
                error,
                f"{self.noun} {handler.options['name']}: a batch of {len(rows)} failed",
                seen=_seen(error),
            )
            return failed | dict.fromkeys(rows, error)
        for place in rows:
            failure = records[place].failure
            if failure is not None:
                failed[place] = self._explained(handler, records[place], failure)
        return failed

    def _failed(self, handler: Chain, record: Record, error: Exception) -> Exception:
        if record.scope is not None:
            try:
                self._app.services.close(record.scope.closing, error)
            except Exception as another:
                self._app.logger.error("A service could not be closed", exc_info=another)
        return self._explained(handler, record, error)

    def _explained(self, handler: Chain, record: Record, error: Exception) -> Exception:
        """Log a failure; what it is to Lambda."""
        if isinstance(error, InvalidParameter):
            error = ValidationFailed(details=error.details())
        elif not self._is_own(record.record):
            error = TypeError(f"It is no record of a {self.noun}: {record.record!r:.200}")
        self._log(handler, record, error)
        return error

    def _is_own(self, record: Any) -> bool:
        """Whether a record is one of this source; Lambda delivers no others, but tests do."""
        raise NotImplementedError

    def _items(self, records: list[dict[str, Any]], failed: Failures) -> list[dict[str, str]]:
        """What Lambda is told of the failures. Raises BatchFailed if it knows one of them by nothing."""
        items = []
        for place in sorted(failed):
            try:
                items.append({"itemIdentifier": self.record(records[place], None, None).identifier})
            except (KeyError, TypeError, AttributeError):
                raise BatchFailed(
                    f"{self.noun}: the record at {place} has failed, and cannot be reported as it has no identifier",
                    [error or RuntimeError("not handled") for error in failed.values()],
                ) from None
        return items

    def _log(self, handler: Chain, record: Record, error: Exception) -> None:
        explained(error)
        word, key = self.called
        try:
            identifier = record.identifier
        except (KeyError, TypeError, AttributeError):
            identifier = "without identifier"
        self._app.report(
            error,
            f"{self.noun} {handler.options['name']}: {word} {identifier} failed",
            seen=_seen(error),
            extra={key: identifier},
        )


def _seen(error: Exception) -> tuple[Any, Any, Any]:
    """An exception for logs. Its traceback begins where the framework has called: that says nothing and costs 40 µs."""
    trace = error.__traceback__
    if trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return (type(error), error, trace)


def _itself(record: Any) -> Any:
    return record
