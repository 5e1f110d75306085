"""The embedded metric format (EMF): its units, its limits, and what is wrong with what does not fit them.

From the CloudWatch User Guide, "Specification: Embedded metric format", and the CloudWatch API Reference, MetricDatum
and Dimension. Names are those of Powertools for AWS Lambda.

MetricsError
├── MetricNameError         a name that is empty, or longer than 255 characters
├── MetricUnitError         a unit that CloudWatch does not know
├── MetricResolutionError   neither 60 nor 1
├── MetricValueError        no number, or one that CloudWatch does not take
└── SchemaValidationError   a blob that CloudWatch would not take
"""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Any

import msgspec

MAX_METRICS = 100
"""Metrics in a blob, and values of a metric."""

MAX_DIMENSIONS = 30
"""The service's among them, for which one is always kept free."""

MAX_NAME = 255
MAX_DIMENSION_VALUE = 1024
# API_MetricDatum: "Values must be in the range of -2^360 to 2^360", and NaN and the infinities are not taken.
MIN_VALUE, MAX_VALUE = -(2.0**360), 2.0**360
PAST_MS = 14 * 24 * 3600 * 1000
FUTURE_MS = 2 * 3600 * 1000

_MAX_REMEMBERED = 10_000


class MetricUnit(StrEnum):
    """CloudWatch's units (API_MetricDatum). A name or a value may also be given as plain text."""

    Seconds = "Seconds"
    Microseconds = "Microseconds"
    Milliseconds = "Milliseconds"
    Bytes = "Bytes"
    Kilobytes = "Kilobytes"
    Megabytes = "Megabytes"
    Gigabytes = "Gigabytes"
    Terabytes = "Terabytes"
    Bits = "Bits"
    Kilobits = "Kilobits"
    Megabits = "Megabits"
    Gigabits = "Gigabits"
    Terabits = "Terabits"
    Percent = "Percent"
    Count = "Count"
    BytesPerSecond = "Bytes/Second"
    KilobytesPerSecond = "Kilobytes/Second"
    MegabytesPerSecond = "Megabytes/Second"
    GigabytesPerSecond = "Gigabytes/Second"
    TerabytesPerSecond = "Terabytes/Second"
    BitsPerSecond = "Bits/Second"
    KilobitsPerSecond = "Kilobits/Second"
    MegabitsPerSecond = "Megabits/Second"
    GigabitsPerSecond = "Gigabits/Second"
    TerabitsPerSecond = "Terabits/Second"
    CountPerSecond = "Count/Second"
    NoUnit = "None"

    # Enum hashes the member's name, in Python: four times slower, and unlike the text that the member equals.
    __hash__ = str.__hash__


class MetricResolution(IntEnum):
    """How finely CloudWatch stores a metric, in seconds."""

    Standard = 60
    High = 1

    __hash__ = int.__hash__


class MetricsError(Exception):
    """Something that CloudWatch would not take."""


class MetricNameError(MetricsError):
    pass


class MetricUnitError(MetricsError):
    pass


class MetricResolutionError(MetricsError):
    pass


class MetricValueError(MetricsError):
    pass


class SchemaValidationError(MetricsError):
    pass


_UNITS: dict[str, str] = {text: unit.value for unit in MetricUnit for text in (unit.name, unit.value)}
_encoder = msgspec.json.Encoder(enc_hook=str)


def encode(value: Any) -> str:
    """JSON on one line. What JSON cannot hold is written as its text."""
    try:
        return _encoder.encode(value).decode()
    except (TypeError, ValueError):  # keys that are no text, unpaired surrogates, integers beyond 64 bits
        import json

        return json.dumps(value, separators=(",", ":"), default=str, skipkeys=True)


# Checked and written once: what `add_metric` was given -> the metric's name, and its definition in the blob.
definitions: dict[tuple[Any, Any, Any], tuple[str, str]] = {}


def define(name: Any, unit: Any, resolution: Any) -> tuple[str, str]:
    """A metric's name without white space around it, and its definition in the blob.

    Raises MetricNameError, MetricUnitError or MetricResolutionError.
    """
    if not isinstance(name, str):
        raise MetricNameError(f"The metric name should be text: {name!r}")
    stripped = name.strip()
    if not 1 <= len(stripped) <= MAX_NAME:
        raise MetricNameError(
            f"The metric name should be between 1 and {MAX_NAME} characters: this one has {len(stripped)}"
        )
    if stripped == "_aws":
        raise MetricNameError("The metric name should not be '_aws': that is what CloudWatch reads")
    value = getattr(unit, "value", unit)  # also of somebody else's enum, such as Powertools'
    text = _UNITS.get(value) if isinstance(value, str) else None
    if text is None:
        raise MetricUnitError(f"Invalid metric unit {unit!r} of {stripped!r}: one of {', '.join(MetricUnit)}")
    seconds = getattr(resolution, "value", resolution)
    if not isinstance(seconds, int) or seconds not in (60, 1):
        raise MetricResolutionError(
            f"Invalid metric resolution {resolution!r} of {stripped!r}: 60 (standard) or 1 (high), in seconds"
        )
    members: dict[str, Any] = {"Name": stripped, "Unit": text}
    if seconds == 1:  # 60 is what CloudWatch takes without being told
        members["StorageResolution"] = 1
    definition = stripped, encode(members)
    if len(definitions) >= _MAX_REMEMBERED:  # names made of data: they must not fill the memory
        definitions.clear()
    definitions[name, unit, resolution] = definition
    return definition


def number(name: str, value: Any) -> float:
    """Whatever calls itself a number: bool, Decimal, Fraction, numpy's scalars. Raises MetricValueError."""
    from numbers import Number

    if isinstance(value, Number) and not isinstance(value, complex):
        try:
            return float(value)  # type: ignore[arg-type] # Number promises no methods, but these have __float__
        except OverflowError:
            pass
    raise MetricValueError(f"{value!r} is not a valid number: it was given as the metric {name!r}")


def fits(name: str, text: str) -> bool:
    """Whether CloudWatch takes it as a dimension (API_Dimension)."""
    return (
        0 < len(name) <= MAX_NAME
        and name != "_aws"
        and not name.isspace()
        and 0 < len(text) <= MAX_DIMENSION_VALUE
        and not text.isspace()
    )


def misfit(name: str) -> str:
    """The warning about a dimension that does not fit."""
    return (
        f"The dimension {name} doesn't meet the requirements and won't be added: "
        "it has empty name or value, or only white space, "
        f"or more than {MAX_NAME} characters in its name or {MAX_DIMENSION_VALUE} in its value, "
        "or it is named _aws"
    )
