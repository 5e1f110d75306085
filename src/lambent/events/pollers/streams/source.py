"""What all shards of one mapping share."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from lambent.events.complaints import Complaints

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from lambent.clock import Clock
    from lambent.events.mapping import Mapping, Settings
    from lambent.events.pollers.calls import FunctionCalls
    from lambent.events.pollers.filters import Filters
    from lambent.events.pollers.poller import Parts
    from lambent.events.pollers.streams.progress import Progress
    from lambent.events.pollers.streams.service import StreamService


_log = logging.getLogger(__name__)


class Cadence(NamedTuple):
    """How often a shard is read, in milliseconds."""

    apart: int
    """Between two reads at least."""
    first: int
    """After a read that has found nothing for the first time; the pause doubles as long as nothing comes."""
    last: int
    """The longest pause."""


@dataclass(slots=True)
class Source:
    """The mapping, its stream, and what records go through."""

    mapping: Mapping
    parts: Parts
    service: StreamService
    progress: Progress
    filters: Filters | None
    view: Callable[[bytes], dict[str, Any]]
    """A record as filters see it."""
    role: Callable[[], str]
    """The ARN of the function's role."""
    cadence: Cadence
    refresh: Callable[[], None]
    """Look for shards again, soon."""
    _said: str = ""
    _given_up: int = 0
    _complaints: Complaints = field(init=False)

    def __post_init__(self) -> None:
        self._complaints = Complaints(self.clock, _log)

    @property
    def settings(self) -> Settings:
        """How the mapping reads and calls."""
        return self.mapping.settings

    @property
    def clock(self) -> Clock:
        """Time."""
        return self.parts.clock

    @property
    def calls(self) -> FunctionCalls:
        """What calls the function."""
        return self.parts.calls

    def processed(self, result: str) -> None:
        """The mapping's last processing result."""
        if result != self._said:
            self._said = result
            self.parts.processed(self.mapping, result)

    def give_up(self, count: int, shard_id: str, sequence: str, reason: str) -> None:
        """Say that records are given up, from one on: once a minute, as a function may take none of thousands."""
        self._given_up += count
        if self._complaints.due("given up"):
            _log.warning(
                "%s: %d records are given up, the last ones from %s of %s on: %s",
                self.mapping.arn,
                self._given_up,
                sequence,
                shard_id,
                reason,
            )
            self._given_up = 0


class Pause:
    """A wait that others can end."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: asyncio.Future[None] | None = None
        self._woken = False

    async def until(self, steady_ms: int | None) -> bool:
        """Wait; None: until woken. Whether it was woken, also if that was before the wait."""
        if not self._woken:
            waiting = self._waiting = asyncio.get_running_loop().create_future()
            timer = None if steady_ms is None else self._clock.at_steady(steady_ms, _end, waiting)
            try:
                await waiting
            finally:
                self._waiting = None
                if timer is not None:
                    timer.cancel()
        woken, self._woken = self._woken, False
        return woken

    def wake(self) -> None:
        """End the wait, or the next one."""
        self._woken = True
        if self._waiting is not None:
            _end(self._waiting)


def _end(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)
