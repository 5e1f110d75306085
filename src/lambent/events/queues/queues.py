"""Every queue of the platform: the registry, and what changes queues."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from lambent.events.queues import attributes as named
from lambent.events.queues import rows
from lambent.events.queues.errors import InvalidParameter, PurgeInProgress, QueueNameExists, QueueNotFound
from lambent.events.queues.journal import Journal
from lambent.events.queues.limits import Limits
from lambent.events.queues.message import Budget
from lambent.events.queues.moves import Moves
from lambent.events.queues.queue import Queue
from lambent.events.queues.set_back import make_up, noted
from lambent.events.queues.settings import QueueSettings
from lambent.events.queues.sweeper import Sweeper
from lambent.functions.turns import Turns
from lambent.store.database import Statement
from lambent.store.staged import nothing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lambent.clock import Clock
    from lambent.store import Database

_LIMITS: Final = Limits()
_PURGE_MS: Final = 60_000


class _Record(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is stored of a queue."""

    settings: QueueSettings
    created_ms: int
    modified_ms: int
    tags: dict[str, str] = {}


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Record).decode


class Queues:
    """All queues. Open it with `open`.

    `moves`: the tasks that move messages from queues for dead letters.
    """

    def __init__(self, database: Database, clock: Clock, limits: Limits) -> None:
        self._limits = limits
        self._database = database
        self._clock = clock
        self._journal = Journal(database, clock)
        self._budget = Budget(limits.bodies)
        self._by_arn: dict[str, Queue] = {}
        self._sweeper = Sweeper(database, clock, self._by_arn)
        self._by_name: dict[tuple[str, str, str], Queue] = {}
        self.moves = Moves(database, clock, self)
        self._turns: Turns[str] = Turns()
        self._numbers = 0

    @classmethod
    async def open(cls, database: Database, clock: Clock, limits: Limits = _LIMITS) -> Queues:
        """Load every queue, with the first of its messages. Raises StoreError."""
        queues = cls(database, clock, limits)
        await make_up(database, clock.steady_ms())
        stored: list[Any] = await database.read(
            "SELECT number, account, region, name, document, high, floor FROM queues ORDER BY number"
        )
        for number, account, region, name, document, high, floor in stored:
            if not number:
                queues._numbers = high
                continue
            queue = queues._make(number, account, region, name, _decode(document))
            base = number << rows.SEQUENCE_BITS
            last: list[Any] = await database.read(
                "SELECT MAX(id) FROM messages WHERE id > ? AND id <= ?", (base, base | rows.SEQUENCES)
            )
            queue.resume(high, floor, last[0][0] or base)
        await queues._sweeper.open()
        await queues.moves.open()
        return queues

    def _make(self, number: int, account: str, region: str, name: str, record: _Record) -> Queue:
        queue = Queue(
            self._database,
            self._clock,
            self._journal,
            self._budget,
            self._limits,
            self._by_arn.get,
            number,
            account,
            region,
            name,
        )
        queue.settings, queue.tags = record.settings, record.tags
        queue.created_ms, queue.modified_ms = record.created_ms, record.modified_ms
        self._by_name[account, region, name] = self._by_arn[queue.arn] = queue
        return queue

    # ------------------------------------------------------------ finding

    def queue(self, account: str, region: str, name: str) -> Queue:
        """A queue by its name. Raises QueueNotFound."""
        found = self._by_name.get((account, region, name))
        if found is None:
            raise QueueNotFound
        return found

    def by_arn(self, arn: str) -> Queue:
        """A queue by its ARN. Raises QueueNotFound."""
        found = self._by_arn.get(arn)
        if found is None:
            raise QueueNotFound
        return found

    def queues(self, account: str, region: str) -> list[Queue]:
        """The queues of an account in a region, by name."""
        found = [one for one in self._by_arn.values() if (one.account, one.region) == (account, region)]
        return sorted(found, key=lambda queue: queue.name)

    def sources(self, queue: Queue) -> list[Queue]:
        """The queues whose dead letters go to this one, by name."""
        return [
            one
            for one in self.queues(queue.account, queue.region)
            if one.settings.redrive is not None and one.settings.redrive.dead_letter_arn == queue.arn
        ]

    # ------------------------------------------------------------ changing

    async def create(
        self, account: str, region: str, name: str, attributes: Mapping[str, str], tags: Mapping[str, str]
    ) -> Queue:
        """Make a queue; one with the same attributes is returned as it is. Raises QueueError, StoreError."""
        fifo = named.check_name(name, attributes)
        settings = named.applied(QueueSettings(), attributes, fifo=fifo)
        async with self._turns.take(f"{account}:{region}:{name}"):
            existing = self._by_name.get((account, region, name))
            if existing is not None:
                other = named.difference(existing.settings, settings, attributes, fifo=fifo)
                if other:
                    raise QueueNameExists(other)
                return existing
            self._check_redrive(account, region, name, settings, attributes)
            now = self._clock.wall_ms()
            record = _Record(settings, now, now, dict(tags))
            self._numbers = number = self._numbers + 1
            await self._database.write(
                Statement(
                    "INSERT INTO queues (number, account, region, name, document, high, floor)"
                    " VALUES (?, ?, ?, ?, ?, 0, 0)",
                    (number, account, region, name, _encode(record).decode()),
                ),
                # The last number is kept: it is never given to another queue, whose messages receipt handles of this
                # one might fit.
                Statement(
                    "INSERT INTO queues (number, account, region, name, document, high, floor)"
                    " VALUES (0, '', '', '', '', ?, 0) ON CONFLICT (number) DO UPDATE SET"
                    " high = CASE WHEN excluded.high > queues.high THEN excluded.high ELSE queues.high END",
                    (number,),
                ),
            )
            return self._make(number, account, region, name, record)

    async def set_attributes(self, queue: Queue, attributes: Mapping[str, str]) -> None:
        """Change what is set. Raises QueueError, StoreError."""
        async with self._turns.take(queue.arn):
            settings = named.applied(queue.settings, attributes, fifo=queue.fifo)
            self._check_redrive(queue.account, queue.region, queue.name, settings, attributes)
            await self._save(queue, settings, queue.tags, self._clock.wall_ms())

    async def retag(self, queue: Queue, change: Callable[[dict[str, str]], dict[str, str]]) -> None:
        """Change the tags. Raises QueueNotFound, StoreError and what `change` raises."""
        async with self._turns.take(queue.arn):
            await self._save(queue, queue.settings, change(dict(queue.tags)), queue.modified_ms)

    async def _save(
        self, queue: Queue, settings: QueueSettings, tags: dict[str, str], modified_ms: int
    ) -> None:
        if queue.gone:
            raise QueueNotFound
        record = _Record(settings, queue.created_ms, modified_ms, tags)
        await self._database.write(
            Statement(
                "UPDATE queues SET document = ? WHERE number = ?",
                (_encode(record).decode(), queue.number),
                expect=1,
            )
        )
        queue.settings, queue.tags, queue.modified_ms = settings, tags, modified_ms

    def _check_redrive(
        self, account: str, region: str, name: str, settings: QueueSettings, attributes: Mapping[str, str]
    ) -> None:
        redrive = settings.redrive
        if redrive is None or not attributes.get("RedrivePolicy"):
            return

        def refuse(reason: str) -> InvalidParameter:
            return InvalidParameter(
                f"Value {settings.redrive_text} for parameter RedrivePolicy is invalid. Reason: {reason}"
            )

        _, _, _, its_region, its_account, _ = redrive.dead_letter_arn.split(":")
        if its_account != account:
            raise refuse("Dead-letter target owner should be same as the source.")
        if its_region != region:
            raise refuse("Dead letter target does not exist.")
        target = self._by_arn.get(redrive.dead_letter_arn)
        if target is None:
            raise refuse("Dead letter target does not exist.")
        if target.fifo is not name.endswith(".fifo"):
            raise refuse("Dead-letter queue must be same type of queue as the source.")
        allow = target.settings.redrive_allow
        if allow is not None and not allow.allows(f"{target.arn.rpartition(':')[0]}:{name}"):
            raise refuse("Dead letter target does not allow this source queue.")

    async def delete(self, queue: Queue) -> None:
        """Delete a queue with its messages. Raises StoreError."""
        async with self._turns.take(queue.arn):
            if queue.gone:
                return
            self._journal.flush()
            # Nothing comes from now on, dead letters neither: it would be gone when this is written.
            name = (queue.account, queue.region, queue.name)
            queue.going = True
            del self._by_arn[queue.arn], self._by_name[name]
            try:
                await self._database.write(
                    Statement("DELETE FROM queues WHERE number = ?", (queue.number,)),
                    self.moves.forgotten(queue.arn),
                )
            except BaseException:
                queue.going = False
                self._by_arn[queue.arn] = self._by_name[name] = queue
                raise
            queue.gone = True
            self.moves.forget(queue.arn)
            queue.forget(queue.numbering.last)
            queue.close()
            self._sweeper.sweep(queue.number, queue.numbering.last)

    async def purge(self, queue: Queue) -> None:
        """Delete all messages of a queue. Raises PurgeInProgress, QueueNotFound, StoreError."""
        async with self._turns.take(queue.arn):
            if queue.gone:
                raise QueueNotFound
            await self._purge(queue)

    async def _purge(self, queue: Queue) -> None:
        now = self._clock.steady_ms()
        if queue.purged_ms is not None and now - queue.purged_ms < _PURGE_MS:
            raise PurgeInProgress(queue.name)
        before, queue.purged_ms = queue.purged_ms, now
        self._journal.flush()
        last = queue.numbering.last
        try:
            # One row says that they are gone; they are deleted little by little.
            await self._database.write(
                Statement(
                    "UPDATE queues SET floor = ? WHERE number = ?",
                    (last & rows.SEQUENCES, queue.number),
                    expect=1,
                )
            )
        except BaseException:
            queue.purged_ms = before
            raise
        queue.forget(last)
        self._sweeper.sweep(queue.number, last)

    async def close(self) -> None:
        """Write what is not written yet, answer those who wait, and end what goes on by itself."""
        self._sweeper.close()
        self.moves.close()
        self._journal.flush()
        self._journal.flush_marks()
        self._journal.add(nothing, others=[noted(self._clock.steady_ms())])
        self._journal.flush()
        for queue in self._by_arn.values():
            queue.close()

    async def clear(self) -> None:
        """Delete every queue."""
        for queue in list(self._by_arn.values()):
            await self.delete(queue)
        await self.moves.clear()
