"""CloudWatch metrics, written to the log in the embedded metric format (EMF).

A blob is one line of JSON: what CloudWatch has to extract (`_aws`), then dimensions, metadata and values by name.
Layout, order of members, environment variables and names are those of Powertools for AWS Lambda, so that dashboards and
parsers made for it stay as they are. Limits: 100 metrics in a blob, 100 values of a metric, 30 dimensions.
"""

from __future__ import annotations

import functools
import os
import sys
from time import time_ns
from typing import TYPE_CHECKING, Any, TypeVar, overload

import msgspec

from . import current
from .emf import (
    FUTURE_MS,
    MAX_DIMENSIONS,
    MAX_METRICS,
    MAX_VALUE,
    PAST_MS,
    MetricResolution,
    MetricsError,
    MetricUnit,
    MetricValueError,
    SchemaValidationError,
    define,
    encode,
    fits,
    misfit,
    number,
)
from .emf import definitions as known_definitions

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping
    from types import TracebackType
    from typing import TextIO

    Handler = TypeVar("Handler", bound=Callable[..., Any])

_COROUTINE_FLAG = 0x80  # inspect.CO_COROUTINE, without the cost of importing inspect


def _flag(variable: str) -> bool:
    return os.environ.get(variable, "").strip().lower() in ("1", "true", "yes", "on", "y", "t")


def _disabled() -> bool:
    """POWERTOOLS_METRICS_DISABLED; without it, POWERTOOLS_DEV means the same."""
    if os.environ.get("POWERTOOLS_METRICS_DISABLED") is None:
        return _flag("POWERTOOLS_DEV")
    return _flag("POWERTOOLS_METRICS_DISABLED")


def _warn(text: str) -> None:
    import warnings

    warnings.warn(text, UserWarning, stacklevel=3)


# (namespace, names of dimensions ...) -> what a blob has between its timestamp and its metrics' definitions.
_frames: dict[tuple[str, ...], str] = {}


def _frame(namespace: str, dimensions: list[list[str]]) -> str:
    return f'"CloudWatchMetrics":[{{"Namespace":{encode(namespace)},"Dimensions":{encode(dimensions)},"Metrics":['


def _remember(key: tuple[str, ...], frame: str) -> str:
    if len(_frames) >= 1000:  # names made of data: they must not fill the memory
        _frames.clear()
    _frames[key] = frame
    return frame


class _Set:
    """What was added and not yet written. Metrics of one namespace and service share one."""

    __slots__ = (
        "blobs",
        "cold_start",
        "defaults",
        "definitions",
        "dimensions",
        "metadata",
        "sets",
        "timestamp",
        "values",
    )

    def __init__(self) -> None:
        self.values: dict[str, list[float]] = {}
        self.definitions: dict[str, str] = {}
        self.dimensions: dict[str, str] = {}
        self.defaults: dict[str, str] = {}
        self.sets: list[dict[str, str]] = []
        self.metadata: dict[str, Any] = {}
        self.timestamp: int | None = None
        self.blobs = 0
        self.cold_start: object = _NEVER
        """The context of the invocation whose cold start was counted."""


_NEVER = object()


class Metrics:
    """Metrics of a function: `metrics = Metrics("Shop", "orders")`, `metrics.add_metric("Sold", MetricUnit.Count, 1)`.

    All Metrics of one namespace and service are one: a module makes its own, and what they add is written together.
    `namespace` defaults to POWERTOOLS_METRICS_NAMESPACE, `service` (a dimension) to POWERTOOLS_SERVICE_NAME,
    `stream` to standard output as it is when a blob is written. `function_name` is the cold-start metric's dimension;
    it defaults to POWERTOOLS_METRICS_FUNCTION_NAME, then to the function's name. POWERTOOLS_METRICS_DISABLED, read when
    the object is made, checks everything and writes nothing.
    """

    _shares = True

    def __init__(
        self,
        namespace: str | None = None,
        service: str | None = None,
        stream: TextIO | None = None,
        *,
        function_name: str | None = None,
        capture_cold_start_metric: bool = False,
    ) -> None:
        self.namespace = namespace or os.environ.get("POWERTOOLS_METRICS_NAMESPACE") or None
        self.service = service or os.environ.get("POWERTOOLS_SERVICE_NAME") or None
        self.stream = stream
        self.function_name = function_name or os.environ.get("POWERTOOLS_METRICS_FUNCTION_NAME") or None
        self.capture_cold_start_metric = capture_cold_start_metric
        self.disabled = _disabled()
        first = _first.setdefault((self.namespace, self.service), self) if self._shares else self
        self._set: _Set = _Set() if first is self else first._set
        self._values = self._set.values
        self._definitions = self._set.definitions
        first.capture_cold_start_metric |= capture_cold_start_metric

    def add_metric(
        self, name: str, unit: MetricUnit | str, value: float, resolution: MetricResolution | int = 60
    ) -> None:
        """One more value of a metric; further ones of the same name become a list.

        `unit` is a MetricUnit, its name or its value; `resolution` 60 or 1, in seconds. When there are 100 metrics, or
        100 values of this one, they are written at once. Raises MetricNameError, MetricUnitError,
        MetricResolutionError or MetricValueError, and what flush() raises.
        """
        try:
            name, definition = known_definitions[name, unit, resolution]
        except (KeyError, TypeError):
            name, definition = define(name, unit, resolution)
        if type(value) is not float:
            try:
                value = float(value) if type(value) is int else number(name, value)
            except OverflowError:
                value = number(name, value)
        if not -MAX_VALUE <= value <= MAX_VALUE:  # NaN is neither
            raise MetricValueError(f"{value!r} is not a valid number for CloudWatch: the metric {name!r}")
        definitions = self._definitions
        values = self._values.get(name)
        if values is None:
            self._values[name] = [value]
            definitions[name] = definition
            if len(definitions) >= MAX_METRICS:
                self._write_metrics()
        else:
            values.append(value)
            definitions[name] = definition
            if len(values) >= MAX_METRICS:
                self._write_metrics()

    def _write_metrics(self) -> None:
        """Because the blob is full: dimensions and metadata stay for the ones to come."""
        try:
            self._write()
        finally:
            self._values.clear()
            self._definitions.clear()

    def add_dimension(self, name: str, value: Any) -> None:
        """A dimension of everything written until the next flush; its value is taken as text.

        Warns of what CloudWatch would not take (nothing in it, or too much) and leaves it out. Raises
        SchemaValidationError when there are too many: 29 besides the service.
        """
        dimensions = self._set.dimensions
        text = value if type(value) is str else str(value)
        if not fits(name, text):
            _warn(misfit(name))
            return
        if name in dimensions:
            if dimensions[name] != text:
                _warn(
                    f"Dimension {name!r} has already been added: {dimensions[name]!r} is overwritten by {text!r}"
                )
        elif len(dimensions) - ("service" in dimensions) >= MAX_DIMENSIONS - 1 and name != "service":
            raise SchemaValidationError(
                f"Maximum number of dimensions exceeded ({MAX_DIMENSIONS - 1}, besides the service): "
                f"Unable to add dimension {name}."
            )
        dimensions[name] = text

    def add_dimensions(self, **dimensions: Any) -> None:
        """One more set of dimensions: CloudWatch aggregates the metrics by each set.

        Default dimensions belong to every set. Warns of dimensions that CloudWatch would not take and leaves them out.
        Raises SchemaValidationError when all sets together have more than 29 dimensions.
        """
        if not dimensions:
            _warn("Empty dimensions: add_dimensions(name=value, ...) was given none")
            return
        taken = {}
        for name, value in dimensions.items():
            text = str(value)
            if fits(name, text):
                taken[name] = text
            else:
                _warn(misfit(name))
        if not taken:
            return
        names = set(self._set.dimensions).union(taken, *self._set.sets)
        names.discard("service")
        if len(names) > MAX_DIMENSIONS - 1:
            raise SchemaValidationError(
                f"Maximum dimensions ({MAX_DIMENSIONS - 1}) exceeded: all sets together have {len(names)}"
            )
        self._set.sets.append({**self._set.defaults, **taken})

    def set_default_dimensions(self, **dimensions: Any) -> None:
        """Dimensions that stay from one invocation to the next. Warns and raises like add_dimension."""
        for name, value in dimensions.items():
            self.add_dimension(name, value)
            if name in self._set.dimensions:
                self._set.defaults[name] = self._set.dimensions[name]

    def clear_default_dimensions(self) -> None:
        """From the next flush on there are none."""
        self._set.defaults.clear()

    def add_metadata(self, key: str, value: Any) -> None:
        """Something to find the blob by in the logs; no metric and no dimension.

        Any value: what JSON cannot hold is written as its text. Raises SchemaValidationError for the name `_aws`.
        """
        if key == "_aws":
            raise SchemaValidationError("Metadata cannot be named '_aws': that is what CloudWatch reads")
        self._set.metadata[key if type(key) is str else str(key)] = value

    def set_timestamp(self, timestamp: int | dt.datetime) -> None:
        """When the metrics were measured: milliseconds since 1970, or a datetime. Without it: when they are written.

        Warns of what CloudWatch would skip: older than 14 days, or more than two hours ahead.
        """
        milliseconds: Any = timestamp
        moment = getattr(timestamp, "timestamp", None)
        if moment is not None:
            milliseconds = round(moment() * 1000)
        if type(milliseconds) is not int:
            _warn(
                f"The metrics' timestamp {timestamp!r} is neither milliseconds nor a datetime: "
                "the time of writing is used"
            )
            milliseconds = None
        else:
            ahead = milliseconds - time_ns() // 1_000_000
            if not -PAST_MS <= ahead <= FUTURE_MS:
                _warn(
                    "The metrics' timestamp doesn't meet the requirements of Amazon CloudWatch, which will skip them: "
                    f"within 14 days past and 2 hours future, not {timestamp!r}"
                )
        self._set.timestamp = milliseconds

    def _line(self) -> str:
        """The blob. Raises SchemaValidationError when there is no metric or no namespace, or names collide."""
        state = self._set
        values = state.values
        if not values:
            raise SchemaValidationError("Must contain at least one metric.")
        if not self.namespace:
            raise SchemaValidationError(
                "Must contain a metric namespace: Metrics(namespace=...), or POWERTOOLS_METRICS_NAMESPACE"
            )
        dimensions = state.dimensions
        if self.service and "service" not in dimensions:
            dimensions = dimensions.copy()
            dimensions["service"] = self.service
        if state.sets:
            names = [list(each) for each in (dimensions, *state.sets)]
            for further in state.sets:
                dimensions = {**dimensions, **further}
            frame = _frame(self.namespace, names)
        else:
            key = (self.namespace, *dimensions)
            frame = _frames.get(key) or _remember(key, _frame(self.namespace, [list(dimensions)]))
        members = {**dimensions, **state.metadata, **values}
        if len(members) < len(dimensions) + len(state.metadata) + len(values) and (
            not dimensions.keys().isdisjoint(values)
        ):
            both = ", ".join(repr(name) for name in dimensions if name in values)
            raise SchemaValidationError(f"{both} is both a metric and a dimension: rename one of them")
        # What stays the same is JSON already: putting the line together costs half of encoding it as one document.
        return (
            f'{{"_aws":{{"Timestamp":{state.timestamp or time_ns() // 1_000_000},{frame}'
            f"{','.join(state.definitions.values())}]}}]}},{encode(members)[1:]}\n"
        )

    def serialize_metric_set(self) -> dict[str, Any]:
        """The blob as it would be written now. Raises SchemaValidationError like flush()."""
        document: dict[str, Any] = msgspec.json.decode(self._line())
        return document

    def _write(self) -> None:
        line = self._line()
        self._set.blobs += 1
        if not self.disabled:
            # One call, so that nothing gets between a blob and the end of its line: CloudWatch would not see it.
            (self.stream or sys.stdout).write(line)

    def flush(self, raise_on_empty_metrics: bool = False) -> None:
        """Writes the blob and forgets everything but the default dimensions. Without metrics it only forgets.

        Raises SchemaValidationError when the blob would be invalid (it is forgotten all the same), or when
        there is none and `raise_on_empty_metrics` says so.
        """
        try:
            if self._values or raise_on_empty_metrics:
                line = self._line()
                self._set.blobs += 1
                if not self.disabled:
                    (self.stream or sys.stdout).write(line)
        finally:
            self.clear_metrics()

    flush_metrics = flush

    def clear_metrics(self) -> None:
        """Forgets everything but the default dimensions."""
        state = self._set
        state.values.clear()
        state.definitions.clear()
        state.dimensions.clear()
        if state.defaults:
            state.dimensions.update(state.defaults)
        if state.sets:
            state.sets.clear()
        if state.metadata:
            state.metadata.clear()
        state.timestamp = None

    def end_invocation(self) -> None:
        """What an app calls when an invocation ends, well or badly, before `current.end()`.

        Counts the cold start if that was asked for, writes what there is, and leaves nothing for the next
        invocation. Raises SchemaValidationError like flush().
        """
        if self.capture_cold_start_metric and current.cold:
            self.add_cold_start_metric(current.context)
        if self._values:
            self.flush()
        else:
            state = self._set
            if state.dimensions != state.defaults or state.metadata or state.sets or state.timestamp:
                self.clear_metrics()

    def add_cold_start_metric(self, context: Any) -> None:
        """Writes the metric ColdStart with the function's name, in a blob of its own, once for an invocation.

        The caller sees to it that the invocation is the environment's first (`current.cold`). An
        environment that was initialized before its first request came (provisioned concurrency) has none.
        """
        context = getattr(context, "lambda_context", context)  # a durable execution's wraps Lambda's own
        if self._set.cold_start is context:  # counted by another decorator around the same handler
            return
        if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "provisioned-concurrency":
            return
        self._set.cold_start = context
        name = (
            self.function_name
            or getattr(context, "function_name", None)
            or os.environ.get("AWS_LAMBDA_FUNCTION_NAME")
        )
        blob = EphemeralMetrics(self.namespace, self.service, self.stream)
        blob.disabled = self.disabled
        if name:
            blob.add_dimension("function_name", name)
        blob.add_metric("ColdStart", MetricUnit.Count, 1.0)
        blob.flush()

    @overload
    def log_metrics(
        self,
        lambda_handler: Handler,
        capture_cold_start_metric: bool = False,
        raise_on_empty_metrics: bool = False,
        default_dimensions: Mapping[str, Any] | None = None,
    ) -> Handler: ...

    @overload
    def log_metrics(
        self,
        lambda_handler: None = None,
        capture_cold_start_metric: bool = False,
        raise_on_empty_metrics: bool = False,
        default_dimensions: Mapping[str, Any] | None = None,
    ) -> Callable[[Handler], Handler]: ...

    def log_metrics(
        self,
        lambda_handler: Any = None,
        capture_cold_start_metric: bool = False,
        raise_on_empty_metrics: bool = False,
        default_dimensions: Mapping[str, Any] | None = None,
    ) -> Any:
        """Decorates a handler, `def` or `async def`: metrics are written when it ends, also when it raises.

        Warns when there were none, or raises SchemaValidationError with `raise_on_empty_metrics`. What the handler
        raised is never hidden by what is wrong with its metrics: that becomes a note of it.
        """
        if default_dimensions:
            self.set_default_dimensions(**default_dimensions)
        if lambda_handler is None:
            return functools.partial(
                self.log_metrics,
                capture_cold_start_metric=capture_cold_start_metric,
                raise_on_empty_metrics=raise_on_empty_metrics,
            )
        capture = capture_cold_start_metric or self.capture_cold_start_metric

        def decorated(event: Any, context: Any, *args: Any, **kwargs: Any) -> Any:
            begun = self._begin(context)
            try:
                answer = lambda_handler(event, context, *args, **kwargs)
            except BaseException as error:
                self._end(begun, context, capture, False, error)
                raise
            self._end(begun, context, capture, raise_on_empty_metrics, None)
            return answer

        async def decorated_async(event: Any, context: Any, *args: Any, **kwargs: Any) -> Any:
            begun = self._begin(context)
            try:
                answer = await lambda_handler(event, context, *args, **kwargs)
            except BaseException as error:
                self._end(begun, context, capture, False, error)
                raise
            self._end(begun, context, capture, raise_on_empty_metrics, None)
            return answer

        code = getattr(lambda_handler, "__code__", None)
        asynchronous = code is not None and code.co_flags & _COROUTINE_FLAG
        return functools.wraps(lambda_handler)(decorated_async if asynchronous else decorated)

    def _begin(self, context: Any) -> tuple[bool, int]:
        """Before a decorated handler: whether an invocation began with it, and how many blobs there had been."""
        begun = current.context is None
        if begun:
            current.begin(context)
        return begun, self._set.blobs

    def _end(
        self,
        begun: tuple[bool, int],
        context: Any,
        capture_cold_start_metric: bool,
        raise_on_empty_metrics: bool,
        error: BaseException | None,
    ) -> None:
        """After it."""
        try:
            if capture_cold_start_metric and current.cold:
                self.add_cold_start_metric(context)
            # An app inside the decorator, or the hundredth metric, may have written everything before.
            if self._values or self._set.blobs != begun[1]:
                self.flush()
            else:
                self.flush(raise_on_empty_metrics)
                if error is None:
                    _warn(
                        "No application metrics to publish: the handler added none. If that is an error, "
                        "use raise_on_empty_metrics"
                    )
        except MetricsError as problem:
            self.clear_metrics()
            if error is None:
                raise
            error.add_note(f"Its metrics were lost: {problem}")
        finally:
            if begun[0]:
                current.end()


class EphemeralMetrics(Metrics):
    """Metrics that share nothing with any other, which their maker flushes."""

    _shares = False


# Of each namespace and service, the instance that was made first; the others share its set.
_first: dict[tuple[str | None, str | None], Metrics] = {}


def end_invocation() -> None:
    """Metrics.end_invocation() of all Metrics that there are (ephemeral ones are their makers' own)."""
    for metrics in _first.values():
        metrics.end_invocation()


current.endings.append(lambda failed: end_invocation())


class single_metric:  # noqa: N801 # a context manager that reads as a function, by Powertools' name
    """One metric in a blob of its own, with dimensions of its own, written when the block ends, also when it raises.

    `with single_metric("Sold", MetricUnit.Count, 1, namespace="Shop") as metric: metric.add_dimension("shop", "7")`
    Raises what Metrics.add_metric, add_dimension and flush raise.
    """

    def __init__(
        self,
        name: str,
        unit: MetricUnit | str,
        value: float,
        resolution: MetricResolution | int = 60,
        namespace: str | None = None,
        default_dimensions: Mapping[str, Any] | None = None,
        *,
        service: str | None = None,
        stream: TextIO | None = None,
    ) -> None:
        self._metrics = _SingleMetric(namespace, service, stream)
        self._metrics.add_metric(name, unit, value, resolution)
        for dimension, text in (default_dimensions or {}).items():
            self._metrics.add_dimension(dimension, text)

    def __enter__(self) -> Metrics:
        return self._metrics

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._metrics.flush()
        except MetricsError as problem:
            if error is None:
                raise
            error.add_note(f"Its metrics were lost: {problem}")


class _SingleMetric(EphemeralMetrics):
    def add_metric(
        self, name: str, unit: MetricUnit | str, value: float, resolution: MetricResolution | int = 60
    ) -> None:
        if self._values:
            _warn(f"single_metric has one metric already: {name!r} is not added")
            return
        super().add_metric(name, unit, value, resolution)
