"""Exceptions in log lines, in the keys of Powertools' formatter."""

from __future__ import annotations

import sys
from typing import Any


def exception_fields(exc_info: Any, *, frames: bool) -> dict[str, Any]:
    """`exception` (the traceback as text), `exception_name`, `exception_notes`, `stack_trace` (if `frames`).

    `exc_info` is what `logging` takes: True for the exception being handled, an exception, or a tuple of type,
    exception and traceback. Without an exception there are no fields.
    """
    kind: Any
    error: Any
    trace: Any
    if isinstance(exc_info, BaseException):
        kind, error, trace = type(exc_info), exc_info, exc_info.__traceback__
    else:
        if not (isinstance(exc_info, tuple) and len(exc_info) == 3):
            exc_info = sys.exc_info()
        kind, error, trace = exc_info
    if not isinstance(kind, type):
        return {}

    import traceback

    # One walk over the frames serves both keys.
    walked = traceback.TracebackException(kind, error, trace, compact=True)
    fields: dict[str, Any] = {
        "exception": "".join(walked.format()).removesuffix("\n"),
        "exception_name": kind.__name__,
        "exception_notes": getattr(error, "__notes__", None),
    }
    if frames:
        fields["stack_trace"] = {
            "type": kind.__name__,
            "value": error,
            "module": type(error).__module__,
            "frames": [
                {
                    "file": frame.filename,
                    "line": frame.lineno,
                    "function": frame.name,
                    "statement": frame.line,
                }
                for frame in walked.stack
            ],
        }
    return fields
