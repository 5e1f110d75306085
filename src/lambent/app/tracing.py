"""Tracing: spans through OpenTelemetry when it is installed, nothing when it is not; and X-Ray's header, either way.

OpenTelemetry is imported when a Tracer that is not disabled is first used. Whoever sets up its SDK (a layer, or the
function itself) decides where spans go; without an SDK they go nowhere.

Switched off by POWERTOOLS_TRACE_DISABLED, or OTEL_SDK_DISABLED ("true" and nothing else, as the OpenTelemetry
specification has it: "General SDK Configuration").

The header `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1` (X-Ray Developer Guide, "Tracing
header") comes with each invocation in the variable _X_AMZN_TRACE_ID. Its root without version and hyphens is a W3C
trace id, its parent a span id. Which of it and the event's own headers is the parent of an invocation's span follows
OpenTelemetry's semantic conventions for AWS Lambda ("xray-lambda" propagator).
"""

from __future__ import annotations

import functools
import os
import sys
from typing import TYPE_CHECKING, Any, TypeVar, overload

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import TracebackType
    from typing import Literal, Self

    Function = TypeVar("Function", bound=Callable[..., Any])

HEADER = "X-Amzn-Trace-Id"
_VARIABLE = "_X_AMZN_TRACE_ID"


class TraceHeader(msgspec.Struct, frozen=True):
    """X-Ray's tracing header.

    `root` is "1-<8 hex digits: seconds since 1970>-<24 hex digits>", `parent` 16 hex digits or None, `sampled` "1",
    "0", "?" (the callee is to decide) or None; `others` are fields such as Self and Lineage, in their order.
    """

    root: str
    parent: str | None = None
    sampled: str | None = None
    others: tuple[tuple[str, str], ...] = ()

    @property
    def trace_id(self) -> str:
        """The W3C trace id: 32 hex digits."""
        return self.root[2:10] + self.root[11:]

    @property
    def traceparent(self) -> str | None:
        """The W3C header of the same meaning; None without a parent."""
        if self.parent is None:
            return None
        return f"00-{self.trace_id}-{self.parent}-{'01' if self.sampled == '1' else '00'}"

    def __str__(self) -> str:
        fields = [f"Root={self.root}"]
        if self.parent is not None:
            fields.append(f"Parent={self.parent}")
        if self.sampled is not None:
            fields.append(f"Sampled={self.sampled}")
        fields.extend(f"{name}={value}" for name, value in self.others)
        return ";".join(fields)


def parse_header(text: str) -> TraceHeader | None:
    """The header, or None when it has no valid root. A parent or sampling decision that is invalid counts as absent."""
    root = parent = sampled = None
    others = []
    for field in text.split(";"):
        name, equals, value = field.partition("=")
        name, value = name.strip(), value.strip()
        if not equals:
            continue
        if name == "Root":
            root = value
        elif name == "Parent":
            parent = value.lower() if _is_hex(value, 16) else None
        elif name == "Sampled":
            sampled = value if value in ("0", "1", "?") else None
        else:
            others.append((name, value))
    if root is None or len(root) != 35 or root[:2] != "1-" or root[10] != "-":
        return None
    if not _is_hex(root[2:10] + root[11:], 32):
        return None
    return TraceHeader(root.lower(), parent, sampled, tuple(others))


def _is_hex(text: str, digits: int) -> bool:
    """Whether it is an id: that many hex digits, not all of them 0."""
    return len(text) == digits and not text.strip("0123456789abcdefABCDEF") and text.strip("0") != ""


def root_of(trace_id: str) -> str:
    """X-Ray's root for a W3C trace id of 32 hex digits."""
    return f"1-{trace_id[:8]}-{trace_id[8:]}"


def current_header() -> str | None:
    """X-Ray's header of the invocation as it came; None without one."""
    return os.environ.get(_VARIABLE) or None


def outgoing_header() -> str | None:
    """X-Ray's header for what this work calls or sends, as messages carry it; None where there is no trace.

    With a span of OpenTelemetry going on it names that span, otherwise it is the invocation's header.
    """
    header = os.environ.get(_VARIABLE)
    span = _span_context() if "opentelemetry.trace" in sys.modules else None
    if span is None:
        return header or None
    came = parse_header(header) if header else None
    # In Lineage Lambda counts how often a chain of events came by, to end loops: whatever the trace, it stays.
    others = tuple(field for field in came.others if field[0] == "Lineage") if came is not None else ()
    sampled = "1" if span.trace_flags & 1 else "0"
    return str(TraceHeader(root_of(f"{span.trace_id:032x}"), f"{span.span_id:016x}", sampled, others))


def propagation_headers() -> dict[str, str]:
    """What a call to AWS has to carry, so that the trace goes on and recursion is detected: {"X-Amzn-Trace-Id": ...}.

    It is `outgoing_header()`, as AWS's SDKs encode it; empty where there is none.
    """
    header = outgoing_header()
    return {HEADER: _quoted(header)} if header else {}


def _span_context() -> Any:
    context = sys.modules["opentelemetry.trace"].get_current_span().get_span_context()
    return context if context.is_valid else None


_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.~-=;:+&[]{}\"',")


def _quoted(header: str) -> str:
    """As AWS's SDKs send it: what could end the header is percent-encoded."""
    if _PLAIN.issuperset(header):
        return header
    from urllib.parse import quote

    return quote(header, safe="-=;:+&[]{}\"',")


class Span:
    """A span. This one is of no tracing: all spans of a disabled Tracer are one, and it does nothing."""

    __slots__ = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def put_annotation(self, key: str, value: str | float | bool) -> None:
        """Something to search traces by."""

    def put_metadata(self, key: str, value: Any, namespace: str | None = None) -> None:
        """Something to read in a trace: any value; what OpenTelemetry cannot hold becomes JSON."""

    def record_exception(self, error: BaseException) -> None:
        """An exception that was handled. Those that leave the span are recorded by themselves."""


_NOTHING = Span()
_UNKNOWN: Any = object()


def _flag(variable: str, default: bool) -> bool:
    text = os.environ.get(variable, "").strip().lower()
    return text in ("1", "true", "yes", "on", "y", "t") if text else default


def _is_true(variable: str) -> bool:
    return os.environ.get(variable, "").strip().lower() == "true"


class Tracer:
    """`tracer = Tracer()`, `@tracer.capture_method`, `with tracer.span("charge") as span`.

    `service` defaults to POWERTOOLS_SERVICE_NAME; `disabled` to what the environment says when the object is made.
    `capture_response` writes what captured functions answer into their spans (POWERTOOLS_TRACER_CAPTURE_RESPONSE;
    not by default: answers may be secret), `capture_error` the text and traceback of what they raise
    (POWERTOOLS_TRACER_CAPTURE_ERROR; by default).

    Disabled, or without OpenTelemetry, the decorators give back the function itself and every span is one that does
    nothing. A span needs no `async with`: the current span is the task's own.
    """

    __slots__ = ("_capture_error", "_capture_response", "_otel", "service")

    def __init__(
        self,
        service: str | None = None,
        *,
        disabled: bool | None = None,
        capture_response: bool | None = None,
        capture_error: bool | None = None,
    ) -> None:
        self.service = service or os.environ.get("POWERTOOLS_SERVICE_NAME") or None
        if capture_response is None:
            capture_response = _flag("POWERTOOLS_TRACER_CAPTURE_RESPONSE", False)
        if capture_error is None:
            capture_error = _flag("POWERTOOLS_TRACER_CAPTURE_ERROR", True)
        self._capture_response = capture_response
        self._capture_error = capture_error
        if disabled is None:
            disabled = _flag("POWERTOOLS_TRACE_DISABLED", False) or _is_true("OTEL_SDK_DISABLED")
        # The module otel; None when there is nothing to do; _UNKNOWN until that is asked for the first time.
        self._otel: Any = None if disabled else _UNKNOWN

    @property
    def disabled(self) -> bool:
        """Whether it does nothing. Asking imports OpenTelemetry if it is there."""
        return self._resolve() is None

    def _resolve(self) -> Any:
        if self._otel is _UNKNOWN:
            try:
                from . import otel
            except ImportError:
                self._otel = None
            else:
                self._otel = otel
        return self._otel

    def span(
        self,
        name: str,
        *,
        attributes: Mapping[str, Any] | None = None,
        kind: Literal["INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER"] = "INTERNAL",
        links: Iterable[str] = (),
    ) -> Span:
        """A span for a `with` block. An exception that leaves the block is recorded and makes it an error.

        `links` are X-Ray headers of what else caused this: the system attribute AWSTraceHeader of SQS messages.
        """
        if self._otel is None or (otel := self._resolve()) is None:
            return _NOTHING
        span: Span = otel.span(name, attributes, kind, links)
        return span

    def invocation(self, event: Any, context: Any, name: str | None = None) -> Span:
        """The span of an invocation, for the `with` block around all of it; sends what is recorded when it ends.

        `name` is a route such as "/orders/{id}"; without it, the function's name. Its parent is: the span that another
        instrumentation has begun; or X-Ray's, if active tracing is on (Sampled=1), or OTEL_PROPAGATORS, if that is set,
        has "xray-lambda"; or the one in the event's HTTP headers; or that of the client context (`context.w3c()`).
        """
        if self._otel is None or (otel := self._resolve()) is None:
            return _NOTHING
        span: Span = otel.invocation(event, context, name, self.service, self._capture_error)
        return span

    def rename(self, name: str) -> None:
        """Names the current span, for what is found out only after it has begun: a route, say."""
        if self._otel is not None and (otel := self._resolve()) is not None:
            otel.rename(name)

    def put_annotation(self, key: str, value: str | float | bool) -> None:
        """Something to search traces by, on the current span."""
        if self._otel is not None and (otel := self._resolve()) is not None:
            otel.put_annotation(key, value)

    def put_metadata(self, key: str, value: Any, namespace: str | None = None) -> None:
        """Something to read in a trace, on the current span: any value; what OpenTelemetry cannot hold becomes JSON."""
        if self._otel is not None and (otel := self._resolve()) is not None:
            otel.put_metadata(key, value, namespace)

    def record_failure(self, error: BaseException) -> None:
        """Makes the current span an error, for an exception that does not leave it: that is answered, or reported."""
        if self._otel is not None and (otel := self._resolve()) is not None:
            otel.record_failure(error, self._capture_error)

    @overload
    def capture_lambda_handler(self, lambda_handler: Function) -> Function: ...
    @overload
    def capture_lambda_handler(
        self,
        lambda_handler: None = None,
        capture_response: bool | None = None,
        capture_error: bool | None = None,
    ) -> Callable[[Function], Function]: ...
    def capture_lambda_handler(
        self,
        lambda_handler: Any = None,
        capture_response: bool | None = None,
        capture_error: bool | None = None,
    ) -> Any:
        """Decorates a handler, `def` or `async def`: `invocation()` around it."""
        if lambda_handler is None:
            return functools.partial(
                self.capture_lambda_handler, capture_response=capture_response, capture_error=capture_error
            )
        otel = self._resolve()
        if otel is None:
            return lambda_handler
        response = self._capture_response if capture_response is None else capture_response
        error = self._capture_error if capture_error is None else capture_error

        open_span = functools.partial(otel.Invocation, self.service, error)
        return functools.wraps(lambda_handler)(otel.capture_call(lambda_handler, open_span, response))

    @overload
    def capture_method(self, method: Function) -> Function: ...
    @overload
    def capture_method(
        self, method: None = None, capture_response: bool | None = None, capture_error: bool | None = None
    ) -> Callable[[Function], Function]: ...
    def capture_method(
        self, method: Any = None, capture_response: bool | None = None, capture_error: bool | None = None
    ) -> Any:
        """Decorates a function, method, coroutine function, generator or context manager: a span for each call.

        The span of a generator lasts until it is exhausted or closed, and is current only while it runs; that of a
        context manager lasts, and is current, for the `with` block.
        """
        if method is None:
            return functools.partial(
                self.capture_method, capture_response=capture_response, capture_error=capture_error
            )
        otel = self._resolve()
        if otel is None:
            return method
        if isinstance(method, staticmethod | classmethod):
            inner = self.capture_method(method.__func__, capture_response, capture_error)  # type: ignore[call-overload] # the overloads are for decorators
            return type(method)(inner)
        response = self._capture_response if capture_response is None else capture_response
        error = self._capture_error if capture_error is None else capture_error
        name = f"{getattr(method, '__module__', '')}.{getattr(method, '__qualname__', type(method).__qualname__)}"
        open_span = functools.partial(otel.OpenSpan, capture_error=error, name=name)
        return functools.wraps(method)(otel.capture(method, open_span, response))
