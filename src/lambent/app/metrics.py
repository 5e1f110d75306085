"""CloudWatch metrics, written to the log in the embedded metric format (EMF).

A blob is one line of JSON: what CloudWatch has to extract (`_aws`), then dimensions, metadata and values by name.
Layout, order of members, environment variables and names are those of Powertools for AWS Lambda, so that dashboards and
parsers made for it stay as they are. Limits: 100 metrics in a blob, 100 values of a metric, 30 dimensions.
"""

from __future__ import annotations

import functools
import os
import sys
from _thread import _count as _count_threads
from typing import TYPE_CHECKING, Any, TypeVar, overload

import msgspec

from . import current
from .emf import (
    MAX_METRICS,
    MAX_VALUE,
    MIN_VALUE,
    MetricResolution,
    MetricsError,
    MetricUnit,
    MetricValueError,
    SchemaValidationError,
    define,
    number,
)
from .emf import definitions as known_definitions
from .metric_set import MetricSet, disabled, warn
from .metrics_handler import decorated, warn_of_none

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Mapping
    from types import TracebackType
    from typing import TextIO

    Handler = TypeVar("Handler", bound=Callable[..., Any])


class Metrics:
    """Metrics of a function: `metrics = Metrics("Shop", "orders")`, `metrics.add_metric("Sold", MetricUnit.Count, 1)`.

    All Metrics of one namespace and service are one: a module makes its own, and what they add is written together.
    Those without a namespace are one with the first that has one, unless that is another service's.
    `namespace` defaults to POWERTOOLS_METRICS_NAMESPACE, `service` (a dimension) to POWERTOOLS_SERVICE_NAME,
    `stream` to standard output as it is when a blob is written. `function_name` is the cold-start metric's dimension;
    it defaults to POWERTOOLS_METRICS_FUNCTION_NAME, then to the function's name. POWERTOOLS_METRICS_DISABLED, read when
    the object is made: what is added is checked, and nothing is written.
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
        self.disabled = disabled()
        self._set = _shared_set(self) if self._shares else MetricSet(self)
        self._values = self._set.values
        self._definitions = self._set.definitions
        self._turn = self._set.turn
        self._set.owner.capture_cold_start_metric |= capture_cold_start_metric

    @property
    def metric_set(self) -> dict[str, dict[str, Any]]:
        """Metrics that are not written yet: `{name: {"Unit": "Count", "StorageResolution": 60, "Value": [1.0]}}`."""
        return self._set.metrics()

    @property
    def dimension_set(self) -> dict[str, str]:
        """The dimensions of the next blob; the service is added when it is written."""
        return self._set.dimensions

    @property
    def dimension_sets(self) -> list[dict[str, str]]:
        """What add_dimensions() has added."""
        return self._set.sets

    @property
    def default_dimensions(self) -> dict[str, str]:
        """What set_default_dimensions() has set."""
        return self._set.defaults

    @property
    def metadata_set(self) -> dict[str, Any]:
        """The metadata of the next blob."""
        return self._set.metadata

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
        if not MIN_VALUE <= value <= MAX_VALUE:  # NaN is neither
            raise MetricValueError(f"{value!r} is not a valid number for CloudWatch: the metric {name!r}")
        # Handlers of a batch may be on threads; without any, a lock would cost a third of all this.
        turn = self._turn if _count_threads() else None
        if turn is not None:
            turn.acquire()
        line = None
        try:
            definitions = self._definitions
            values = self._values.get(name)
            if values is None:
                self._values[name] = values = [value]
            else:
                values.append(value)
            definitions[name] = definition
            if len(values) >= MAX_METRICS or len(definitions) >= MAX_METRICS:
                line = self._full()
        finally:
            if turn is not None:
                turn.release()
        if line is not None:
            self._write(line)

    def _full(self) -> str | None:
        """The blob, because nothing more goes into it: dimensions and metadata stay for the ones to come."""
        try:
            return self._line()
        finally:
            self._values.clear()
            self._definitions.clear()

    def add_dimension(self, name: str, value: Any) -> None:
        """A dimension of everything written until the next flush; its value is taken as text.

        Warns of what CloudWatch would not take (nothing in it, or too much) and leaves it out. Raises
        SchemaValidationError when there are too many: 29 besides the service.
        """
        self._set.add_dimension(name, value)

    def add_dimensions(self, **dimensions: Any) -> None:
        """One more set of dimensions: CloudWatch aggregates the metrics by each set.

        Default dimensions belong to every set. Warns of dimensions that CloudWatch would not take and leaves them out.
        Raises SchemaValidationError when all sets together have more than 29 dimensions.
        """
        self._set.add_dimensions(dimensions)

    def set_default_dimensions(self, **dimensions: Any) -> None:
        """Dimensions that stay from one invocation to the next. Warns and raises like add_dimension."""
        for name, value in dimensions.items():
            self._set.add_dimension(name, value)
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
        self._set.set_timestamp(timestamp)

    def serialize_metric_set(self) -> dict[str, Any]:
        """The blob as it would be written now. Raises SchemaValidationError like flush()."""
        with self._turn:
            named = self if self.namespace else self._set.owner
            line = self._set.line(named.namespace, self.service or named.service)
        document: dict[str, Any] = msgspec.json.decode(line)
        return document

    def _line(self) -> str | None:
        """The blob to be written. Raises SchemaValidationError."""
        if self.disabled:  # where nothing is written, names may be missing too: in tests, say
            return None
        named = self if self.namespace else self._set.owner
        line = self._set.line(named.namespace, self.service or named.service)
        self._set.blobs += 1
        return line

    def _write(self, line: str) -> None:
        # One call, so that nothing gets between a blob and the end of its line: CloudWatch would not see it.
        (self.stream or sys.stdout).write(line)

    def flush(self, raise_on_empty_metrics: bool = False) -> None:
        """Writes the blob and forgets everything but the default dimensions. Without metrics it only forgets.

        Raises SchemaValidationError when the blob would be invalid (it is forgotten all the same), or when
        there is none and `raise_on_empty_metrics` says so.
        """
        line = None
        with self._turn:
            try:
                if self._values or raise_on_empty_metrics:
                    line = self._line()
            finally:
                self._set.clear()
        if line is not None:
            self._write(line)

    def flush_metrics(self, raise_on_empty_metrics: bool = False) -> None:
        """flush(), with a warning when there are no metrics."""
        if not self._values and not raise_on_empty_metrics:
            warn_of_none()
        self.flush(raise_on_empty_metrics)

    def clear_metrics(self) -> None:
        """Forgets everything but the default dimensions."""
        with self._turn:
            self._set.clear()

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
            self._set.clear_leftovers()

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
        return decorated(self, lambda_handler, capture, raise_on_empty_metrics)


class EphemeralMetrics(Metrics):
    """Metrics that share nothing with any other, which their maker flushes."""

    _shares = False


# Of each namespace and service, the instance that was made first; the others share its set.
_first: dict[tuple[str | None, str | None], Metrics] = {}


def _shared_set(metrics: Metrics) -> MetricSet:
    """The set of all that have the same names: of the first, a new one."""
    key = metrics.namespace, metrics.service
    if key in _first:
        return _first[key]._set
    for (namespace, service), other in _first.items():
        if None not in (metrics.namespace, namespace) or (
            metrics.service != service and None not in (metrics.service, service)
        ):
            continue
        if metrics.namespace is not None:  # that one had no name yet
            del _first[namespace, service]
            _first[key] = other._set.owner = metrics
            metrics.capture_cold_start_metric |= other.capture_cold_start_metric
        return other._set
    _first[key] = metrics
    return MetricSet(metrics)


def end_invocation() -> None:
    """Metrics.end_invocation() of all Metrics that there are (ephemeral ones are their makers' own).

    Raises the first SchemaValidationError after all have ended.
    """
    wrong = None
    for metrics in _first.values():
        try:
            metrics.end_invocation()
        except MetricsError as problem:
            wrong = wrong or problem
    if wrong is not None:
        raise wrong


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
            warn(f"single_metric has one metric already: {name!r} is not added")
            return
        super().add_metric(name, unit, value, resolution)
