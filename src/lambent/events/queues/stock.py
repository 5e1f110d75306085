"""The messages of one queue as far as they are in memory: waiting, delayed, in flight; and the way in from the
database for the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lambent.events.queues import rows
from lambent.events.queues.backlog import Backlog
from lambent.events.queues.flight import Flight
from lambent.events.queues.orders import FifoOrder, Order, StandardOrder

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from lambent.events.queues.limits import Limits
    from lambent.events.queues.message import Budget, Message
    from lambent.store import Database

IN_FLIGHT_LIMIT: Final = 120_000
"""So many messages of a queue may be in flight ("Quotas" in SQS's developer guide)."""

LONGEST_MS: Final = 43_200_000
"""A message may be in flight for twelve hours."""


class Stock:
    """Of one queue. `floor`: rows up to it were purged. Times on the steady clock."""

    def __init__(
        self,
        database: Database,
        budget: Budget,
        limits: Limits,
        *,
        base: int,
        floor: int,
        top: int,
        fifo: bool,
    ) -> None:
        """`base` is below the first row of the queue, `top` its last row in the database, `floor` what was purged."""
        self.floor = max(base, floor)
        self.backlog = Backlog(database, limits, self.floor, max(top, self.floor))
        self.order: Order = FifoOrder() if fifo else StandardOrder()
        self.flight = Flight()
        self._old = top
        self.budget = budget
        self._database = database
        self._limits = limits

    def counts(self) -> tuple[int, int, int]:
        """How many messages are visible, in flight, and delayed."""
        delayed = self.order.delayed()
        return len(self.order) - delayed + self.backlog.spilled, len(self.flight), delayed

    def arrive(self, messages: Sequence[Message], now: int) -> None:
        """Messages have become durable: they are kept as far as there is room, or counted."""
        backlog, keep, add = self.backlog, self.budget.keep, self.order.add
        room = self._limits.window - len(self.order)
        for message in messages:
            row = message.row
            if row <= self.floor:
                continue
            if row > backlog.tail:
                if backlog.tail < backlog.top or room <= 0:
                    backlog.spill(message)
                    continue
                backlog.tail = backlog.top = row
            room -= 1
            keep(message)
            add(message, now)

    def refill(self, now: int) -> bool:
        """Load more when little is left. Whether one should look further a little later, because all that was loaded is
        delayed or in flight. Raises StoreError."""
        backlog, order = self.backlog, self.order
        for _ in range(2):
            if not backlog.behind or order.available() >= self._limits.low or len(order) >= IN_FLIGHT_LIMIT:
                return False
            self._load(now)
        return not order.available()

    def _load(self, now: int) -> None:
        order, flight, budget = self.order, self.flight, self.budget
        for message in self.backlog.load(budget):
            if len(order) < self._limits.window:
                budget.keep(message)
            else:
                message.body = None  # what waits behind groups in flight may wait for long
            message.visible_ms = min(message.visible_ms, now + LONGEST_MS)
            if message.visible_ms > now:
                order.hold(message)
                flight.begin(message)
            else:
                order.add(message, now)

    def in_flight(self, row: int, now: int) -> Message | None:
        """A message in flight; one that an earlier run has left is loaded, with all that come before it.

        Raises StoreError.
        """
        if self.backlog.tail < row <= self._old:
            found = rows.load(self._database, row - 1, row, 1, bodies=False, received=True)
            if found and found[0].visible_ms > now:
                while self.backlog.tail < row:
                    self._load(now)
        return self.flight.get(row)

    def load_again(self, missed: Iterable[int], now: int) -> None:
        """Rows that were passed over because they were being deleted, and are not. Raises StoreError."""
        for row in missed:
            if row <= self.backlog.tail:
                for message in rows.load(self._database, row - 1, row, 1, bodies=False, received=True):
                    self.order.add(message, now)

    def give_back(self, message: Message, now: int) -> None:
        """A message in flight waits again."""
        self.flight.end(message.row)
        self.order.give_back(message, now)

    def pass_time(self, now: int) -> None:
        """Visibility timeouts and delays may have ended."""
        for message in self.flight.over(now):
            self.order.give_back(message, now)
        self.order.wake(now)

    def next_ms(self) -> int | None:
        """When the next visibility timeout or delay ends, or earlier."""
        ends, due = self.flight.next_end(), self.order.next_due()
        return due if ends is None else ends if due is None else min(ends, due)

    def forget(self, last: int, now: int) -> list[Message]:
        """Rows up to `last` are no more. Gives those that were in memory."""
        self.floor = max(self.floor, last)
        forgotten = [*self.order.forget(last, now), *self.flight.forget(last)]
        for message in forgotten:
            self.budget.let_go(message)
        self.backlog.drop(last)
        return forgotten
