"""Which message comes next: any for standard queues, by message group for FIFO queues.

An order holds the messages of a queue that nobody has in hand, those that are delayed among them.
"""

from __future__ import annotations

import heapq
from collections import deque
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from lambent.events.queues.message import Message


_NO_LIMIT: Final = float("inf")


class Order(Protocol):
    """What standard and FIFO queues have in common. `now` is on the steady clock."""

    def __len__(self) -> int:
        """How many messages there are."""

    def delayed(self) -> int:
        """How many of them are delayed."""

    def available(self) -> int:
        """How many can be received now, more or less."""

    def add(self, message: Message, now: int) -> None:
        """A message that was sent or loaded."""

    def hold(self, message: Message) -> None:
        """A message that was loaded and is in somebody's hands."""

    def pop(self, now: int) -> Message | None:
        """Hand out the next message."""

    def turn(self, now: int) -> None:
        """A receive has ended: the next one is somebody else's."""

    def give_back(self, message: Message, now: int) -> None:
        """A message is in nobody's hands any more."""

    def ended(self, message: Message, now: int) -> None:
        """A message that was handed out is gone for good."""

    def withdraw(self, row: int) -> Message | None:
        """Take out a message that was given back; None when there is no such one, or its queue is FIFO."""

    def extract(self, row: int) -> Message | None:
        """Take out a message that waits and was not received, slowly; None when there is no such one."""

    def expire(self, before: int) -> list[Message]:
        """Take out messages that were due before a time; some may be overlooked."""

    def forget(self, last: int, now: int) -> list[Message]:
        """Take out the messages with rows up to `last`, those in somebody's hands as well. Gives the others of them."""

    def wake(self, now: int) -> None:
        """Delays may have ended."""

    def next_due(self) -> int | None:
        """When the next delay ends."""


class StandardOrder:
    """As sent, also what was given back: it was sent before what waits (recorded: `test_inflight_message_requeue`)."""

    def __init__(self) -> None:
        self._ready: deque[Message] = deque()
        self._later: list[tuple[int, int, Message]] = []
        self._again: dict[int, Message] = {}
        self._again_rows: list[int] = []

    def __len__(self) -> int:
        return len(self._ready) + len(self._again) + len(self._later)

    def delayed(self) -> int:
        return len(self._later)

    def available(self) -> int:
        return len(self._ready) + len(self._again)

    def add(self, message: Message, now: int) -> None:
        if message.due_ms > now:
            heapq.heappush(self._later, (message.due_ms, message.row, message))
        elif message.count:
            self.give_back(message, now)
        else:
            self._ready.append(message)

    def hold(self, message: Message) -> None:
        """Nothing: who has one message in hand is in nobody's way."""

    def pop(self, now: int) -> Message | None:
        ready, rows = self._ready, self._again_rows
        while rows and not (ready and ready[0].row < rows[0]):
            message = self._again.pop(heapq.heappop(rows), None)
            if message is not None:
                return message
        return ready.popleft() if ready else None

    def turn(self, now: int) -> None:
        """Nothing: there are no turns."""

    def give_back(self, message: Message, now: int) -> None:
        self._again[message.row] = message
        heapq.heappush(self._again_rows, message.row)

    def ended(self, message: Message, now: int) -> None:
        """Nothing: nobody waits for it."""

    def withdraw(self, row: int) -> Message | None:
        return self._again.pop(row, None)

    def extract(self, row: int) -> Message | None:
        for at, message in enumerate(self._ready):
            if message.row == row:
                del self._ready[at]
                return message
        return None

    def expire(self, before: int) -> list[Message]:
        expired = [message for message in self._again.values() if message.due_ms < before]
        for message in expired:
            del self._again[message.row]
        ready = self._ready
        while ready and ready[0].due_ms < before:
            expired.append(ready.popleft())
        return expired

    def forget(self, last: int, now: int) -> list[Message]:
        messages = [*self._ready, *self._again.values(), *(message for _, _, message in self._later)]
        self.__init__()  # type: ignore[misc]
        for message in messages:
            if message.row > last:
                self.add(message, now)
        return [message for message in messages if message.row <= last]

    def wake(self, now: int) -> None:
        later = self._later
        while later and later[0][0] <= now:
            self._ready.append(heapq.heappop(later)[2])

    def next_due(self) -> int | None:
        return self._later[0][0] if self._later else None


class _Group:
    """A message group. `held`: the rows that are in somebody's hands. What was sent after one of these has to wait."""

    __slots__ = ("asleep", "held", "in_line", "name", "waiting")

    def __init__(self, name: str) -> None:
        self.name = name
        self.waiting: deque[Message] = deque()
        self.held: set[int] = set()
        self.in_line = False
        self.asleep = False


class FifoOrder:
    """By message group: the next of a group only when nobody has one in hand that was sent before it.

    A receive takes from one group what it can before it goes on to the next ("FIFO queue delivery logic" in SQS's
    developer guide; recorded: `test_fifo_group_visibility_extends_with_change_message_visibility`).
    """

    def __init__(self) -> None:
        self._groups: dict[str, _Group] = {}
        self._line: deque[_Group] = deque()
        self._asleep: list[tuple[int, int, _Group]] = []
        self._current: _Group | None = None
        self._limit: float = 0
        self._count = 0
        self._open = 0

    def __len__(self) -> int:
        return self._count

    def delayed(self) -> int:
        return sum(len(group.waiting) for _, _, group in self._asleep)

    def available(self) -> int:
        return self._open

    def add(self, message: Message, now: int) -> None:
        group = self._group(message)
        waiting = group.waiting
        self._count += 1
        if not waiting or waiting[-1].row < message.row:
            waiting.append(message)
        else:
            _insert(waiting, message)
        if group.in_line:
            self._open += 1
        else:
            self._arrange(group, now)

    def hold(self, message: Message) -> None:
        self._group(message).held.add(message.row)

    def pop(self, now: int) -> Message | None:
        line = self._line
        while True:
            group = self._current
            if group is None:
                if not line:
                    return None
                group = self._current = line.popleft()
                group.in_line = False
                self._open -= len(group.waiting)
                self._limit = min(group.held, default=_NO_LIMIT)
            waiting = group.waiting
            if waiting and waiting[0].due_ms <= now and waiting[0].row < self._limit:
                message = waiting.popleft()
                group.held.add(message.row)
                self._count -= 1
                return message
            self.turn(now)

    def turn(self, now: int) -> None:
        group, self._current = self._current, None
        if group is not None:
            self._arrange(group, now)

    def give_back(self, message: Message, now: int) -> None:
        group = self._group(message)
        group.held.discard(message.row)
        self._count += 1
        self._open += group.in_line
        _insert(group.waiting, message)
        self._arrange(group, now)

    def ended(self, message: Message, now: int) -> None:
        group = self._group(message)
        group.held.discard(message.row)
        self._arrange(group, now)

    def withdraw(self, row: int) -> Message | None:
        return None

    def extract(self, row: int) -> Message | None:
        return None

    def expire(self, before: int) -> list[Message]:
        expired: list[Message] = []
        for group in self._groups.values():
            waiting = group.waiting
            while waiting and waiting[0].due_ms < before:
                expired.append(waiting.popleft())
                self._count -= 1
                self._open -= group.in_line
        return expired

    def forget(self, last: int, now: int) -> list[Message]:
        groups = list(self._groups.values())
        self.__init__()  # type: ignore[misc]
        forgotten: list[Message] = []
        for group in groups:
            held = {row for row in group.held if row > last}
            if held:
                self._groups.setdefault(group.name, _Group(group.name)).held = held
            for message in group.waiting:
                if message.row > last:
                    self.add(message, now)
                else:
                    forgotten.append(message)
        return forgotten

    def wake(self, now: int) -> None:
        asleep = self._asleep
        while asleep and asleep[0][0] <= now:
            group = heapq.heappop(asleep)[2]
            group.asleep = False
            self._arrange(group, now)

    def next_due(self) -> int | None:
        return self._asleep[0][0] if self._asleep else None

    def _group(self, message: Message) -> _Group:
        name = message.group or ""
        group = self._groups.get(name)
        if group is None:
            group = self._groups[name] = _Group(name)
        return group

    def _arrange(self, group: _Group, now: int) -> None:
        """Put a group in line if it can give something, to sleep if its first message is delayed."""
        if group.in_line or group.asleep or group is self._current:
            return
        if not group.waiting:
            if not group.held and self._groups.get(group.name) is group:
                del self._groups[group.name]
            return
        if group.held and min(group.held) < group.waiting[0].row:
            return
        due = group.waiting[0].due_ms
        if due <= now:
            group.in_line = True
            self._open += len(group.waiting)
            self._line.append(group)
        else:
            group.asleep = True
            heapq.heappush(self._asleep, (due, group.waiting[0].row, group))


def _insert(waiting: deque[Message], message: Message) -> None:
    """Put a message where it was: it is one of the first."""
    at = 0
    for other in waiting:
        if other.row > message.row:
            break
        at += 1
    waiting.insert(at, message)
