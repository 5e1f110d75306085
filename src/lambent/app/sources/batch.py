"""What queues, streams and table streams have in common: records in batches, each handled by itself.

Which handler an event is for. `@app.queue("receipts")` is for the queue of exactly that name, as it is in the event's
ARN. In deployments queues often have longer names; then the environment variable LAMBENT_QUEUE_RECEIPTS tells the name,
ARN or URL (`naming` has the rule; streams have LAMBENT_STREAM_<NAME>, tables LAMBENT_TABLE_<NAME>). UnknownEvent is
raised for others.

What failures are. Each exception of a handler, of its middleware or of its services is a failure of its record, and so
is a record that is not what the handler declares. Failures are logged and reported to Lambda as `batchItemFailures`,
for which the event source mapping needs ReportBatchItemFailures among its FunctionResponseTypes: without it Lambda
takes any answer for success. SystemExit and its like are no failures: they end the function.

Source: "Handling errors for an SQS event source" and "Configuring partial batch response" for Kinesis and DynamoDB
in the Lambda developer guide.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

from lambent.app import current
from lambent.app.conversion import Invalid, NotDecodable, from_json
from lambent.app.endpoint import Endpoint, InvalidParameter
from lambent.app.errors import AppError, UnknownEvent, ValidationFailed
from lambent.app.request import Invocation
from lambent.app.signature import described, is_coroutine_function
from lambent.app.sources.chain import Chain, PayloadResolver, explained
from lambent.app.sources.naming import name_in, variable

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.app.app import App
    from lambent.app.endpoint import Getter, Resolver
    from lambent.app.onion import Middleware
    from lambent.app.services import Provider
    from lambent.app.signature import Parameter

    Halt = Literal["batch", "lane"] | None
    Make = Callable[[dict[str, Any], Any, Any], "Record"]
    """Makes what the handler is called with of a record, the event and the context."""
    Failures = dict[int, Exception | None]
    """By place in the batch: what a record failed with, None when it was not handled because of another's failure."""


class Lanes(Protocol):
    """Puts the records of a batch, as their places in it, into lanes."""

    def __call__(self, records: list[dict[str, Any]], /) -> list[list[int]]: ...


_correlated, _correlate = current.correlation_id.get, current.correlation_id.set


class Record(Invocation):
    """One record of a batch. `record` is as Lambda delivered it, `event` the whole batch."""

    correlation_id: str | None = None

    def __init__(self, record: dict[str, Any], event: Any, context: Any) -> None:
        self.record = record
        self.event = event
        self.context = context

    @property
    def identifier(self) -> str:
        """What Lambda knows the record by."""
        raise NotImplementedError

    @property
    def arn(self) -> str:
        """The ARN of the source."""
        return self.record["eventSourceARN"]  # type: ignore[no-any-return]


class BatchFailed(ExceptionGroup[Exception]):
    """All records of a batch have failed, or were not handled because others had. `exceptions` are the failures."""


class _Ended(Exception):
    """Instead of SystemExit, which would leave its loop with tasks that never end."""


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
        if concurrency is not None and (concurrency < 1 or not is_coroutine_function(handler)):
            raise AppError(
                f"{described(handler)}: concurrency is {concurrency!r}: it is how many records an async handler works "
                "on at a time, 1 or more"
            )
        resolver = self._resolver(handler, options)
        endpoint = Endpoint(handler, self._app.services, resolver, (self.record,))
        payload = None
        if isinstance(resolver, PayloadResolver) and options.get("unwrap") is None:
            parameters = endpoint.signature.parameters
            if parameters == [resolver.parameter] and not parameters[0].keyword_only:
                payload = content(parameters[0], self.delivered)
        self.handlers[name] = Chain(endpoint, layers, options, payload)
        self._found.clear()

    def _resolver(self, handler: Callable[..., Any], options: dict[str, Any]) -> Resolver:
        raise NotImplementedError

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
        In a lane records are handled in order; async handlers work on several lanes at a time.
        """
        if handler.is_async:
            made = [make(record, event, context) for record in records]
            return self._run_async(handler, made, halt, lanes(records))
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
                    function(straight(delivered))
                    continue
                record = make(delivered, event, context)
                if record.correlation_id is not None:
                    _correlate(record.correlation_id)
                handler.endpoint.prepare(record)
                call(record)
                if record.scope is not None:
                    self._app.services.close(record.scope.closing, None)
            except Exception as error:  # noqa: BLE001 - each failure is reported
                if record is None:
                    record = make(delivered, event, context)
                failed[place] = self._failed(handler, record, error)
                if halt == "lane":
                    skipped.update(next(lane for lane in lanes(records) if place in lane))
        return failed

    def _run_async(
        self, handler: Chain, records: list[Record], halt: Halt, lanes: list[list[int]]
    ) -> Failures:
        failed: Failures = {}
        # Services that need the loop are built while it is free: those of the environment with the first record. What
        # each record has its own of is built by a thread when it is its turn, so that no more are open than are used.
        first = records[0]
        try:
            handler.endpoint.prepare(first)
        except BaseException as error:
            if first.scope is not None:
                self._app.services.close(first.scope.closing, error)
            raise
        prepares = first.scope is not None and bool(first.scope.built)
        workers = min(handler.options.get("concurrency") or len(lanes), len(lanes))
        remaining = iter(lanes)
        ended: list[BaseException] = []

        async def work() -> None:
            for lane in remaining:
                for at, place in enumerate(lane):
                    if failed and halt == "batch" and place > min(failed):
                        failed[place] = None
                        continue
                    try:
                        error = await self._attempt(handler, records[place], prepares and place != 0)
                    except (SystemExit, KeyboardInterrupt) as end:
                        ended.append(end)
                        raise _Ended from None
                    if error is not None:
                        failed[place] = error
                        if halt == "lane":
                            failed.update(dict.fromkeys(lane[at + 1 :]))
                            break

        async def work_together() -> None:
            import asyncio

            async with asyncio.TaskGroup() as group:
                for _ in range(workers):
                    group.create_task(work())

        try:
            self._app.loop.run(work() if workers == 1 else work_together())
        except (_Ended, ExceptionGroup):
            if not ended:
                raise
        if ended:
            raise ended[0]
        return failed

    async def _attempt(self, handler: Chain, record: Record, prepare: bool) -> Exception | None:
        """Handle one record on the loop; what it failed with."""
        import asyncio

        _correlate(record.correlation_id)
        try:
            if prepare:
                await asyncio.to_thread(handler.endpoint.prepare, record)
            await handler.call(record)
            if record.scope is not None:
                await _close(self._app, record.scope.closing, None)
        except Exception as error:  # noqa: BLE001 - each failure is reported
            return await self._failed_later(handler, record, error)
        except BaseException as end:
            task = asyncio.current_task()
            if not isinstance(end, asyncio.CancelledError) or task is None or task.cancelling():
                await self._close_failed(record, end)
                raise  # The batch is given up. Otherwise it is what the handler waited for that was cancelled.
            failure = RuntimeError("What the handler waited for was cancelled")
            failure.__cause__ = end
            return await self._failed_later(handler, record, failure)
        return None

    async def _failed_later(self, handler: Chain, record: Record, error: Exception) -> Exception:
        await self._close_failed(record, error)
        self._log(handler, record, error)
        return error

    async def _close_failed(self, record: Record, error: BaseException) -> None:
        if record.scope is not None:
            try:
                await _close(self._app, record.scope.closing, error)
            except Exception as another:
                self._app.logger.error("A service could not be closed", exc_info=another)

    def _failed(self, handler: Chain, record: Record, error: Exception) -> Exception:
        if record.scope is not None:
            try:
                self._app.services.close(record.scope.closing, error)
            except Exception as another:
                self._app.logger.error("A service could not be closed", exc_info=another)
        if isinstance(error, InvalidParameter):
            error = ValidationFailed(details=error.details())
        self._log(handler, record, error)
        return error

    def _log(self, handler: Chain, record: Record, error: Exception) -> None:
        explained(error)
        word, key = self.called
        identifier = record.identifier
        trace = error.__traceback__
        if trace is not None and trace.tb_next is not None:
            trace = (
                trace.tb_next
            )  # It begins where the framework has called, which says nothing and costs 40 µs.
        self._app.logger.error(
            f"{self.noun} {handler.options['name']}: {word} {identifier} failed",
            exc_info=(type(error), error, trace),
            extra={key: identifier},
        )


async def _close(app: App, closing: list[Any], error: BaseException | None) -> None:
    """Close services as `Services.close` does, on the loop. Raises the first failure."""
    failure: BaseException | None = None
    while closing:
        provider, generator = closing.pop()
        try:
            if provider.is_async:
                await _end(provider, generator, error)
            else:
                app.services.close([(provider, generator)], error)
        except BaseException as raised:  # noqa: BLE001 - the others are to be closed nevertheless
            if raised is not error and failure is None:
                failure = raised
    if failure is not None:
        raise failure


async def _end(provider: Provider, generator: Any, error: BaseException | None) -> None:
    try:
        if error is None:
            await anext(generator)
        else:
            await generator.athrow(error)
    except StopAsyncIteration:
        return
    raise AppError(f"{described(provider.factory)} has to yield once")


def lane_each(records: list[dict[str, Any]]) -> list[list[int]]:
    """Each record in a lane of its own."""
    return [[place] for place in range(len(records))]


def lane_of_all(records: list[dict[str, Any]]) -> list[list[int]]:
    """All records in one lane: one after the other."""
    return [list(range(len(records)))]


class LanesBy:
    """A lane for each value of `key`."""

    def __init__(self, key: Callable[[dict[str, Any]], Any]) -> None:
        self._key = key

    def __call__(self, records: list[dict[str, Any]], /) -> list[list[int]]:
        found: dict[Any, list[int]] = {}
        for place, record in enumerate(records):
            found.setdefault(self._key(record), []).append(place)
        return list(found.values())


def content(parameter: Parameter, of: Callable[[Any], Any]) -> Getter:
    """A parameter from what a record carries, which `of` gives as text or bytes.

    str and bytes are given as they are, everything else is decoded from JSON. Raises TypeError.
    """
    declared = parameter.type
    if declared is str or declared is bytes:

        def raw(record: Any) -> Any:
            value = of(record)
            if isinstance(value, declared):
                return value
            if declared is bytes:
                return value.encode()
            try:
                return value.decode()
            except UnicodeDecodeError:
                raise InvalidParameter("body", "", [("", "It is not UTF-8")]) from None

        return raw
    decode = from_json(declared)

    def decoded(record: Any) -> Any:
        try:
            return decode(of(record))
        except Invalid as invalid:
            raise InvalidParameter("body", "", invalid.errors) from None
        except NotDecodable as error:
            raise InvalidParameter("body", "", [("", f"It is not JSON: {error}")]) from None

    return decoded
