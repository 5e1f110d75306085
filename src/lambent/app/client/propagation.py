"""What ties calls and messages to the work that caused them: the correlation id and X-Ray's trace header."""

from __future__ import annotations

from lambent.app import current


def correlation_id() -> str | None:
    """This work's correlation id, or the id of its invocation; None outside of any."""
    found = current.correlation_id.get()
    if found is None and current.context is not None:
        found = getattr(current.context, "aws_request_id", None)
    return found or None


def trace_header() -> str | None:
    """X-Ray's header for what this work calls: `Root=1-…;Parent=…;Sampled=0`."""
    from lambent.app.tracing import outgoing_header

    return outgoing_header()
