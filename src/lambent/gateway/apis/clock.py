"""Dates as the records hold them."""

from __future__ import annotations

import datetime as dt


def now() -> dt.datetime:
    """This moment in whole seconds of UTC."""
    return dt.datetime.now(dt.UTC).replace(microsecond=0)
