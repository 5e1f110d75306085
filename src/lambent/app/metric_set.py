"""What was added to metrics and is not written yet, and the blob that it makes."""

from __future__ import annotations

import os
from _thread import RLock
from time import time_ns
from typing import TYPE_CHECKING, Any

import msgspec

from .emf import FUTURE_MS, MAX_DIMENSIONS, PAST_MS, SchemaValidationError, encode, fits, misfit

if TYPE_CHECKING:
    import datetime as dt

_NEVER = object()

# (namespace, names of dimensions ..., None, definitions of metrics ...) -> what a blob has after its timestamp.
frames: dict[tuple[str | None, ...], str] = {}
MAX_FRAMES = 200


def _flag(variable: str) -> bool:
    return os.environ.get(variable, "").strip().lower() in ("1", "true", "yes", "on", "y", "t")


def disabled() -> bool:
    """POWERTOOLS_METRICS_DISABLED; without it, POWERTOOLS_DEV means the same."""
    if os.environ.get("POWERTOOLS_METRICS_DISABLED") is None:
        return _flag("POWERTOOLS_DEV")
    return _flag("POWERTOOLS_METRICS_DISABLED")


def warn(text: str) -> None:
    """A UserWarning of whoever called the public method."""
    import warnings

    warnings.warn(text, UserWarning, stacklevel=4)


class MetricSet:
    """Values and definitions of metrics by name, dimensions, metadata, and when they were measured.

    `sets` are further sets of dimensions, `defaults` the dimensions that clear() keeps. Metrics fills `values` and
    `definitions` itself, which have the same names; only who has the `turn` changes them, or makes a blob of them.
    """

    __slots__ = (
        "blobs",
        "cold_start",
        "defaults",
        "definitions",
        "dimensions",
        "metadata",
        "owner",
        "sets",
        "timestamp",
        "turn",
        "values",
    )

    def __init__(self, owner: Any) -> None:
        self.owner = owner
        """The Metrics whose names are those of the ones that have none."""
        self.values: dict[str, list[float]] = {}
        self.definitions: dict[str, str] = {}
        self.dimensions: dict[str, str] = {}
        self.defaults: dict[str, str] = {}
        self.sets: list[dict[str, str]] = []
        self.metadata: dict[str, Any] = {}
        self.timestamp: int | None = None
        self.blobs = 0
        """How many have been written, ever."""
        self.cold_start: object = _NEVER
        """The context of the invocation whose cold start was counted."""
        self.turn = RLock()

    def metrics(self) -> dict[str, dict[str, Any]]:
        """See Metrics.metric_set."""
        found: dict[str, dict[str, Any]] = {}
        for name, definition in self.definitions.items():
            known = msgspec.json.decode(definition)
            found[name] = {
                "Unit": known["Unit"],
                "StorageResolution": known.get("StorageResolution", 60),
                "Value": self.values[name],
            }
        return found

    def add_dimension(self, name: str, value: Any) -> None:
        """See Metrics.add_dimension."""
        dimensions = self.dimensions
        text = value if type(value) is str else str(value)
        if not fits(name, text):
            warn(misfit(name))
            return
        if name in dimensions:
            if dimensions[name] != text:
                warn(
                    f"Dimension {name!r} has already been added: {dimensions[name]!r} is overwritten by {text!r}"
                )
        elif len(dimensions) - ("service" in dimensions) >= MAX_DIMENSIONS - 1 and name != "service":
            raise SchemaValidationError(
                f"Maximum number of dimensions exceeded ({MAX_DIMENSIONS - 1}, besides the service): "
                f"Unable to add dimension {name}."
            )
        dimensions[name] = text

    def add_dimensions(self, dimensions: dict[str, Any]) -> None:
        """See Metrics.add_dimensions."""
        if not dimensions:
            warn("Empty dimensions dictionary: add_dimensions(name=value, ...) was given none")
            return
        taken = {}
        for name, value in dimensions.items():
            text = str(value)
            if fits(name, text):
                taken[name] = text
            else:
                warn(misfit(name))
        if not taken:
            return
        names = set(self.dimensions).union(taken, *self.sets)
        names.discard("service")
        if len(names) > MAX_DIMENSIONS - 1:
            raise SchemaValidationError(
                f"Maximum dimensions ({MAX_DIMENSIONS - 1}) exceeded: all sets together have {len(names)}"
            )
        self.sets.append({**self.defaults, **taken})

    def set_timestamp(self, timestamp: int | dt.datetime) -> None:
        """See Metrics.set_timestamp."""
        milliseconds: Any = timestamp
        moment = getattr(timestamp, "timestamp", None)
        if moment is not None:
            milliseconds = round(moment() * 1000)
        if type(milliseconds) is not int:
            warn(
                f"The metrics' timestamp {timestamp!r} doesn't meet the requirements and will be skipped: "
                "it is neither milliseconds nor a datetime, the time of writing is used"
            )
            milliseconds = None
        else:
            ahead = milliseconds - time_ns() // 1_000_000
            if not -PAST_MS <= ahead <= FUTURE_MS:
                warn(
                    f"The metrics' timestamp {timestamp!r} doesn't meet the requirements "
                    "and will be skipped by Amazon CloudWatch: it takes 14 days past to 2 hours future"
                )
        self.timestamp = milliseconds

    def line(self, namespace: str | None, service: str | None) -> str:
        """The blob. Raises SchemaValidationError when there is no metric or no namespace, or names collide."""
        values = self.values
        if not values:
            raise SchemaValidationError("Must contain at least one metric.")
        if not namespace:
            raise SchemaValidationError(
                "Must contain a metric namespace: Metrics(namespace=...), or POWERTOOLS_METRICS_NAMESPACE"
            )
        dimensions = self.dimensions
        if service and "service" not in dimensions:
            dimensions = {**dimensions, "service": service}
        if self.sets:
            names = [list(each) for each in (dimensions, *self.sets)]
            for further in self.sets:
                dimensions = {**dimensions, **further}
            frame = self._frame(namespace, names)
        else:
            key = (namespace, *dimensions, None, *self.definitions.values())
            frame = frames.get(key) or self._frame(namespace, [list(dimensions)], key)
        # What stays the same is JSON already: putting the line together costs half of encoding it as one document.
        return (
            f'{{"_aws":{{"Timestamp":{self.timestamp or time_ns() // 1_000_000},{frame}'
            f"{encode({**dimensions, **self.metadata, **dimensions, **values})[1:]}\n"
        )

    def _frame(self, namespace: str, dimensions: list[list[str]], key: Any = None) -> str:
        """What CloudWatch is to extract. Raises SchemaValidationError when names collide."""
        both = {repr(name): None for names in dimensions for name in names if name in self.values}
        if both:
            raise SchemaValidationError(
                f"{', '.join(both)} is both a metric and a dimension: rename one of them"
            )
        frame = (
            f'"CloudWatchMetrics":[{{"Namespace":{encode(namespace)},"Dimensions":{encode(dimensions)},'
            f'"Metrics":[{",".join(self.definitions.values())}]}}]}},'
        )
        if key is not None:
            if len(frames) >= MAX_FRAMES:  # names made of data: they must not fill the memory
                frames.clear()
            frames[key] = frame
        return frame

    def clear(self) -> None:
        """Forgets everything but the default dimensions."""
        self.values.clear()
        self.definitions.clear()
        if self.dimensions:
            self.dimensions.clear()
        if self.defaults:
            self.dimensions.update(self.defaults)
        if self.sets:
            self.sets.clear()
        if self.metadata:
            self.metadata.clear()
        self.timestamp = None

    def clear_leftovers(self) -> None:
        """When there are no metrics: of what an invocation has added beside them, nothing stays for the next."""
        if self.dimensions != self.defaults or self.metadata or self.sets or self.timestamp:
            self.clear()
