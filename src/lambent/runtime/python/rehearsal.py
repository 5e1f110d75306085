"""A function that does nothing, for environments to be tried on before they have one."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def handler(event: Any, context: object) -> Any:
    """Return the event."""
    return event
