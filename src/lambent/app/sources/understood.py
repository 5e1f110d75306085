"""Events that are not as AWS sends them, which tests and people write, get an error that says so."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any

from lambent.app.errors import UnknownEvent

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    Handle = Callable[[Any, Any, Any], Any]

_READING = (
    "lambent.app.sources.",
    "lambent.app.conversion",
    "lambent.app.queues",
    "lambent.app.attribute_values",
)
_WRITING = ("as_json", "result")
"""Functions of those modules that are about results: what they raise is no fault of the event."""


class MalformedEvent(UnknownEvent):
    """An event that looks like one of a source, and lacks what that always sends, or has something else there."""


def understood(handle: Handle) -> Handle:
    """For `Source.handle`: what reading an event raises becomes MalformedEvent; what handlers raise stays as it is."""

    @wraps(handle)
    def handled(self: Any, event: Any, context: Any) -> Any:
        try:
            return handle(self, event, context)
        except (KeyError, IndexError, TypeError, AttributeError) as error:
            where = _reading(error.__traceback__)
            if where is None:
                raise
            raise MalformedEvent(
                f"The event is not as AWS sends it: {type(error).__name__}: {error} in {where}"
            ) from error

    return handled


def _reading(trace: TracebackType | None) -> str | None:
    """The place where an event is read, if that has raised, and nothing that it has called."""
    found = None
    while trace is not None:
        code, module = trace.tb_frame.f_code, trace.tb_frame.f_globals.get("__name__", "")
        if module.startswith(_READING):
            found = None if code.co_name in _WRITING else f"{module}.{code.co_qualname}"
        elif module.startswith("lambent."):
            found = None
        elif module != "urllib.parse":
            return None
        trace = trace.tb_next
    return found
