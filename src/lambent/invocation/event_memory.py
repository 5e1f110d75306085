"""Which events are kept whole in memory: so many, and so many bytes. Of all others there are ids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from lambent.invocation.async_event import Event

MAX_EVENTS: Final = 20_000
MAX_BYTES: Final = 64_000_000


class EventMemory:
    """Counts them."""

    def __init__(self, max_events: int = MAX_EVENTS, max_bytes: int = MAX_BYTES) -> None:
        self._events_left = max_events
        self._bytes_left = max_bytes

    def hold(self, event: Event) -> bool:
        """Keep an event, and its payload while there is room for it. False when there are too many already."""
        if self._events_left <= 0:
            return False
        self._events_left -= 1
        event.held = True
        size = len(event.payload or b"")
        if size > self._bytes_left:
            event.payload = None
        else:
            self._bytes_left -= size
        return True

    def let_go(self, event: Event) -> None:
        """An event is not waiting any more. Harmless for one that was not kept."""
        if event.held:
            event.held = False
            self._events_left += 1
            self._bytes_left += len(event.payload or b"")
            event.payload = None
