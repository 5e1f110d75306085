"""The three timestamp formats of AWS's protocols: epoch seconds, ISO 8601 and the HTTP date (`rfc822`)."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime

from lambent.aws.errors import SerializationError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_timestamp(value: object) -> datetime:
    """An aware datetime in UTC from epoch seconds (a number or its text), ISO 8601 or an HTTP date.

    The format that the model names is what clients send, but AWS reads the others too. SerializationError
    otherwise.
    """
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return EPOCH + timedelta(seconds=value)
        if isinstance(value, str):
            return _parse_text(value.strip())
    except (ValueError, OverflowError, TypeError):
        pass
    raise SerializationError(f"Unable to parse timestamp: {value!r}"[:200])


def _parse_text(text: str) -> datetime:
    if text[:1].isalpha():
        parsed = parsedate_to_datetime(text)
    else:
        try:
            return EPOCH + timedelta(seconds=float(text))
        except ValueError:
            parsed = datetime.fromisoformat(text)
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def _aware(value: datetime | float) -> datetime:
    if not isinstance(value, datetime):
        return EPOCH + timedelta(seconds=value)
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def format_epoch(value: datetime | float) -> float | int:
    """Epoch seconds, to the millisecond as AWS gives them; whole seconds as an integer."""
    seconds = (_aware(value) - EPOCH).total_seconds() if isinstance(value, datetime) else value
    rounded = math.floor(seconds * 1000 + 0.5) / 1000
    return int(rounded) if rounded.is_integer() else rounded


def format_iso8601(value: datetime | float) -> str:
    """`2024-05-01T12:00:00Z`, with milliseconds where there are any."""
    moment = _aware(value)
    text = moment.strftime("%Y-%m-%dT%H:%M:%S").rjust(19, "0")
    return f"{text}.{moment.microsecond // 1000:03d}Z" if moment.microsecond >= 1000 else f"{text}Z"


def format_http_date(value: datetime | float) -> str:
    """`Wed, 01 May 2024 12:00:00 GMT`."""
    return format_datetime(_aware(value).replace(microsecond=0), usegmt=True)


FORMATS = {
    "iso8601": format_iso8601,
    "rfc822": format_http_date,
    "unixtimestamp": format_epoch,
}
