"""What reads the source of one mapping, and what it is given for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.clock import Clock
    from lambent.events.deliveries import Deliveries
    from lambent.events.mapping import Mapping
    from lambent.events.pollers.calls import FunctionCalls
    from lambent.events.queues import Queues
    from lambent.neighbours.service_calls import CallService
    from lambent.store import Database


class Poller(Protocol):
    """Reads one source for one mapping as it is at one moment: a changed mapping gets another poller."""

    mapping: Mapping

    async def start(self) -> None:
        """Begin to read. Comes back soon: what takes its time goes on in the background."""

    def wake(self, *, shards: bool = False) -> None:
        """There may be something new in the source: look at once, if it is not looked all the time anyway.

        `shards`: those of a stream may have changed as well.
        """

    async def stop(self) -> None:
        """Read no more, and come back when what runs has ended. What only waits is given back to its source.

        May be cancelled; it is called again then, or the platform ends.
        """


@dataclass(frozen=True, slots=True)
class Parts:
    """What pollers work with.

    `elsewhere`: the services, by botocore's names, that a real endpoint serves instead of this platform.
    `processed(mapping, text)` sets the LastProcessingResult that is shown of a mapping.
    """

    calls: FunctionCalls
    queues: Queues
    deliveries: Deliveries
    call_service: CallService
    clock: Clock
    database: Database
    elsewhere: frozenset[str]
    processed: Callable[[Mapping, str], None]
