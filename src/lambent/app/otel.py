"""Spans through OpenTelemetry's API: what tracing.py imports when there is something to trace.

Importing this module needs opentelemetry-api, which is no dependency of Lambent: its modules are imported by name, so
that types are checked the same with and without it.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

import msgspec

from . import current
from .tracing import Span, TraceHeader, current_header, parse_header

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Mapping
    from types import TracebackType
    from typing import Self

trace: Any = import_module("opentelemetry.trace")
contexts: Any = import_module("opentelemetry.context")

# Until an SDK is set up this is a proxy, which becomes the real tracer then.
_tracer = trace.get_tracer("lambent")
_encoder = msgspec.json.Encoder(enc_hook=str)

# Flags of code objects, as in inspect, which costs too much to import for them.
_GENERATOR, _COROUTINE, _ASYNC_GENERATOR = 0x20, 0x80, 0x200


class OpenSpan(Span):
    """A span of OpenTelemetry, begun by __enter__ or start(), and current from __enter__ to __exit__.

    `flush`: what is recorded is sent when it ends. Options are those of OpenTelemetry's Tracer.start_span.
    """

    __slots__ = ("_capture_error", "_current", "_flush", "_options", "_span")

    def __init__(self, flush: bool = False, capture_error: bool = True, **options: Any) -> None:
        self._flush = flush
        self._capture_error = capture_error
        self._options = options

    def start(self) -> None:
        self._span = _tracer.start_span(**self._options)

    def use(self) -> _Current:
        """For a `with` block in which the span is the current one."""
        return _Current(self._span)

    def end(self, error: BaseException | None) -> None:
        # A generator's consumer may stop when it likes.
        if error is not None and not isinstance(error, GeneratorExit):
            record_failure(error, self._capture_error, self._span)
        self._span.end()
        if self._flush:
            _flush()

    def __enter__(self) -> Self:
        self.start()
        self._current = self.use()
        self._current.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._current.__exit__()
        self.end(error)

    def put_annotation(self, key: str, value: str | float | bool) -> None:
        put_annotation(key, value, self._span)

    def put_metadata(self, key: str, value: Any, namespace: str | None = None) -> None:
        put_metadata(key, value, namespace, self._span)

    def record_exception(self, error: BaseException) -> None:
        self._span.record_exception(error)


class _Current:
    """A span as the current one, of this task or thread."""

    __slots__ = ("_span", "_token")

    def __init__(self, span: Any) -> None:
        self._span = span

    def __enter__(self) -> None:
        self._token = contexts.attach(trace.set_span_in_context(self._span))

    def __exit__(self, *_: object) -> None:
        contexts.detach(self._token)


def rename(name: str) -> None:
    """The current span's name."""
    trace.get_current_span().update_name(name)


def put_annotation(key: str, value: Any, span: Any = None) -> None:
    """An attribute of the span, or of the current one."""
    span = trace.get_current_span() if span is None else span
    span.set_attribute(key, value if isinstance(value, str | int | float) else str(value))


def put_metadata(key: str, value: Any, namespace: str | None, span: Any = None) -> None:
    """An attribute too: what attributes cannot hold, as JSON or text."""
    span = trace.get_current_span() if span is None else span
    if not span.is_recording():
        return
    if not isinstance(value, str | int | float):
        try:
            value = _encoder.encode(value).decode()
        except (TypeError, ValueError):
            value = str(value)
    span.set_attribute(f"{namespace}.{key}" if namespace else key, value)


def record_failure(error: BaseException, capture_error: bool, span: Any = None) -> None:
    """Makes the span, or the current one, an error."""
    span = trace.get_current_span() if span is None else span
    description = type(error).__name__
    if capture_error:
        description = f"{description}: {error}"
        span.record_exception(error)
    span.set_status(trace.Status(trace.StatusCode.ERROR, description))


def _flush() -> None:
    """Sends what is recorded before the environment is frozen: afterwards it may never run again.

    OTEL_INSTRUMENTATION_AWS_LAMBDA_FLUSH_TIMEOUT, in milliseconds (30,000), is that of OpenTelemetry's own
    instrumentation for AWS Lambda.
    """
    flush = getattr(trace.get_tracer_provider(), "force_flush", None)  # the SDK has one, the API has not
    if flush is not None:
        text = os.environ.get("OTEL_INSTRUMENTATION_AWS_LAMBDA_FLUSH_TIMEOUT", "")
        flush(int(text) if text.isdecimal() else 30_000)


def span(name: str, attributes: Mapping[str, Any] | None, kind: str, links: Iterable[str]) -> OpenSpan:
    """See Tracer.span."""
    headers = [
        header for header in map(parse_header, links) if header is not None and header.parent is not None
    ]
    return OpenSpan(
        name=name,
        kind=trace.SpanKind[kind],
        attributes=attributes,
        links=[trace.Link(_remote(header)) for header in headers],
    )


def invocation(
    event: Any, context: Any, name: str | None, service: str | None, capture_error: bool
) -> OpenSpan:
    """See Tracer.invocation."""
    inside = trace.get_current_span().get_span_context().is_valid
    arn = getattr(context, "invoked_function_arn", None)
    attributes = {
        "faas.invocation_id": getattr(context, "aws_request_id", None),
        "faas.coldstart": current.cold,
        "aws.lambda.invoked_arn": arn,
        "cloud.account.id": arn.split(":")[4] if isinstance(arn, str) and arn.count(":") >= 5 else None,
        "service.name": service,
    }
    function = getattr(context, "function_name", None) or os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
    return OpenSpan(
        flush=not inside,
        capture_error=capture_error,
        name=name or function or "handler",
        context=None if inside else _parent(event, context),
        kind=trace.SpanKind.INTERNAL if inside else trace.SpanKind.SERVER,
        attributes={key: value for key, value in attributes.items() if value is not None},
    )


class Invocation:
    """The span of a decorated handler; begins the invocation itself where nothing around it has."""

    __slots__ = ("_begun", "_capture_error", "_context", "_event", "_service", "_span")

    def __init__(
        self, service: str | None, capture_error: bool, event: Any, context: Any, *_: Any, **__: Any
    ) -> None:
        self._event = event
        self._context = context
        self._service = service
        self._capture_error = capture_error

    def __enter__(self) -> OpenSpan:
        self._begun = current.context is None
        if self._begun:
            current.begin(self._context)
        self._span = invocation(self._event, self._context, None, self._service, self._capture_error)
        return self._span.__enter__()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        try:
            self._span.__exit__(kind, error, traceback)
        finally:
            if self._begun:
                current.end()


def _remote(header: TraceHeader) -> Any:
    """OpenTelemetry's SpanContext of an X-Ray header that has a parent."""
    return trace.SpanContext(
        trace_id=int(header.trace_id, 16),
        span_id=int(header.parent or "", 16),
        is_remote=True,
        trace_flags=trace.TraceFlags(1 if header.sampled == "1" else 0),
    )


def _parent(event: Any, context: Any) -> Any:
    """OpenTelemetry's Context that the span of an invocation continues; None for a trace of its own."""
    text = current_header()
    header = parse_header(text) if text else None
    if header is not None and header.parent is not None:
        # Without active tracing the header says Sampled=0, of a segment that is recorded nowhere: to follow it would
        # be to record nothing, and to lose the caller's own context. Hence only where X-Ray is what is used.
        propagators = os.environ.get("OTEL_PROPAGATORS")
        if "xray-lambda" in propagators if propagators else header.sampled == "1":
            return trace.set_span_in_context(trace.NonRecordingSpan(_remote(header)))
    carrier: dict[str, str] = {}
    headers = event.get("headers") if isinstance(event, dict) else None
    if isinstance(headers, dict):
        carrier = {str(name).lower(): str(value) for name, value in headers.items()}
    elif callable(w3c := getattr(context, "w3c", None)):
        carrier = w3c()
    if not carrier:
        return None
    try:
        propagate: Any = import_module("opentelemetry.propagate")
    except ValueError:  # OTEL_PROPAGATORS names one that is not installed
        return None
    return propagate.extract(carrier, getter=_getter())


def _getter() -> Any:
    default: Any = import_module("opentelemetry.propagators.textmap").default_getter

    class LowerCase:
        """Propagators ask for X-Amzn-Trace-Id and traceparent; gateways spell headers as they like."""

        def get(self, carrier: dict[str, str], key: str) -> Any:
            return default.get(carrier, key.lower())

        def keys(self, carrier: dict[str, str]) -> list[str]:
            return list(carrier)

    return LowerCase()


def _flags(function: Any) -> int:
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    return code.co_flags if code is not None else 0


def capture_call(function: Any, open_span: Callable[..., Any], response: bool) -> Any:
    """A function or coroutine function in the span that `open_span` makes of the call's arguments.

    With `response`, what it returns is written into the span.
    """

    def traced(*args: Any, **kwargs: Any) -> Any:
        with open_span(*args, **kwargs) as span:
            answer = function(*args, **kwargs)
            if response:
                span.put_metadata("response", answer)
            return answer

    async def traced_async(*args: Any, **kwargs: Any) -> Any:
        with open_span(*args, **kwargs) as span:
            answer = await function(*args, **kwargs)
            if response:
                span.put_metadata("response", answer)
            return answer

    return traced_async if _flags(function) & _COROUTINE else traced


def capture(method: Any, open_span: Callable[[], OpenSpan], response: bool) -> Any:
    """The method in a span, as fits its kind; with `response`, what it returns is written into the span."""
    flags = _flags(method)
    if flags & _ASYNC_GENERATOR:
        return _capture_async_generator(method, open_span)
    if flags & _GENERATOR:
        return _capture_generator(method, open_span, response)
    # What contextlib's decorators made. Other decorators around a generator function give generators.
    if getattr(method, "__globals__", {}).get("__name__") == "contextlib":
        inner = _flags(getattr(method, "__wrapped__", None))
        if inner & _ASYNC_GENERATOR:
            return _capture_async_context_manager(method, open_span)
        if inner & _GENERATOR:
            return _capture_context_manager(method, open_span)
    return capture_call(method, lambda *args, **kwargs: open_span(), response)


# Generators: between two steps their consumer runs, in the same context; its spans are not children of theirs.


def _capture_generator(method: Any, open_span: Callable[[], OpenSpan], response: bool) -> Any:
    def traced(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        span = open_span()
        span.start()
        failure: BaseException | None = None
        try:
            generator = method(*args, **kwargs)
            step, argument = generator.send, None
            while True:
                try:
                    with span.use():
                        item = step(argument)
                except StopIteration as stop:
                    if response:
                        span.put_metadata("response", stop.value)
                    return stop.value
                try:
                    step, argument = generator.send, (yield item)
                except GeneratorExit:
                    with span.use():
                        generator.close()
                    raise
                except BaseException as error:  # noqa: BLE001 # whatever is thrown in is for the generator
                    step, argument = generator.throw, error
        except BaseException as error:
            failure = error
            raise
        finally:
            span.end(failure)

    return traced


def _capture_async_generator(method: Any, open_span: Callable[[], OpenSpan]) -> Any:
    async def traced(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        span = open_span()
        span.start()
        failure: BaseException | None = None
        try:
            generator = method(*args, **kwargs)
            step, argument = generator.asend, None
            while True:
                try:
                    with span.use():
                        item = await step(argument)
                except StopAsyncIteration:
                    return
                try:
                    step, argument = generator.asend, (yield item)
                except GeneratorExit:
                    with span.use():
                        await generator.aclose()
                    raise
                except BaseException as error:  # noqa: BLE001 # whatever is thrown in is for the generator
                    step, argument = generator.athrow, error
        except BaseException as error:
            failure = error
            raise
        finally:
            span.end(failure)

    return traced


def _capture_context_manager(method: Any, open_span: Callable[[], OpenSpan]) -> Any:
    from contextlib import contextmanager

    @contextmanager
    def traced(*args: Any, **kwargs: Any) -> Generator[Any, None, None]:
        with open_span(), method(*args, **kwargs) as value:
            yield value

    return traced


def _capture_async_context_manager(method: Any, open_span: Callable[[], OpenSpan]) -> Any:
    from contextlib import asynccontextmanager

    @asynccontextmanager
    async def traced(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, None]:
        with open_span():
            async with method(*args, **kwargs) as value:
                yield value

    return traced
