"""What happens next, durably: whoever has things to do at a time puts them here and is called.

A row for each; an index orders them by time. Memory holds the nearest of them only, so that a hundred thousand cost no
more than a thousand. What is due together is done in one transaction: what those who are called stage, and the next
times.

By the wall's clock. Set forward, what was passed over happens once, like what was missed while nothing ran. Set back by
less than three hours, nothing happens twice (as cron does it); by more, the clock was wrong before, and times are found
out anew.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from msgspec.structs import replace

from lambent.events.schedules import entry as entries
from lambent.events.schedules import rows
from lambent.events.schedules.near import Near
from lambent.events.schedules.set_back import SET_BACK_MS, find_out_anew
from lambent.store import Conflict, Database, Statement, StoreClosed, StoreError
from lambent.store.staged import Staged, nothing, together

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence

    from lambent.clock import Clock, Timer
    from lambent.events.schedules.entry import Entry
    from lambent.events.schedules.expressions import When
    from lambent.events.schedules.near import Name

    Fire: TypeAlias = Callable[[str, int], Staged | None]
    Finished: TypeAlias = Callable[[str], Staged | None]
    Prepare: TypeAlias = Callable[[Sequence[str]], Awaitable[None]]

_CHUNK: Final = 500
"""How many are read at once."""
_AT_ONCE: Final = 128
"""How many are done at once: nothing else happens on the loop meanwhile, for some milliseconds."""
_FEW: Final = 250
"""With fewer than that in memory more are read."""
_PAUSE_MS: Final = 100
"""Between two looks at what is due: what comes one after the other is done together."""
_RETRY_MS: Final = 1_000
_WATCH_MS: Final = 60_000

_log = logging.getLogger(__name__)


class Timetable:
    """Use `open`, then `on` for every kind, then `start`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._kinds: dict[str, tuple[Fire, Finished | None, Prepare | None]] = {}
        self._near = Near()
        # What changes of it are not durable yet: it does not happen meanwhile.
        self._changing: dict[Name, int] = {}
        self._touched: set[Name] | None = None  # what has changed while entries are being read
        self._timer: Timer | None = None
        self._timer_ms = 0
        self._looked_ms = -_PAUSE_MS
        self._watching: Timer | None = None
        self._latest_ms = 0
        self._looking: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._started = False

    @classmethod
    async def open(cls, database: Database, clock: Clock) -> Timetable:
        """The timetable of `database`. Nothing of it happens before `start`."""
        return cls(database, clock)

    def on(
        self, kind: str, fire: Fire, *, finished: Finished | None = None, prepare: Prepare | None = None
    ) -> None:
        """Who is called for the entries of a kind.

        `fire(key, due_ms)` is called once for each time that comes, on the loop; `due_ms` is that time as the
        expression says it. What it returns is written in one transaction with the entry's next time. It is called again
        when that fails. `finished(key)` is called besides when it was the last time: the entry is gone then.
        `prepare(keys)` is awaited before, with all that are due together: whoever reads what it needs reads it for all
        of them at once.
        """
        self._kinds[kind] = (fire, finished, prepare)

    def start(self) -> None:
        """Begin. What was missed while nothing ran happens once."""
        self._started = True
        self._latest_ms = self._clock.wall_ms()
        self._run(self._set_right())
        self._watch()

    async def close(self) -> None:
        """End; what is due stays so until the next start."""
        self._started = False
        for timer in (self._timer, self._watching):
            if timer is not None:
                timer.cancel()
        self._timer = None
        if self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def clear(self) -> None:
        """Forget every entry."""
        await self._database.write(Statement("DELETE FROM timetable"))
        self._forget()

    # ------------------------------------------------------------ changes

    async def pending(self, kind: str, key: str) -> tuple[int, Staged] | None:
        """The time that has come of an entry that has not happened for it yet: it does so later in its window.

        With what conflicts if it has happened before that is written. Raises StoreError.
        """
        found = await self._database.read(rows.PENDING, (kind, key, self._clock.wall_ms()))
        if not found:
            return None
        due_ms = int(found[0][0] or 0)
        return due_ms, Staged((rows.still(kind, key, due_ms),), nothing)

    def stage_put(
        self,
        kind: str,
        key: str,
        when: When,
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
        window_s: int = 0,
        since_ms: int | None = None,
    ) -> Staged:
        """Add an entry, or replace it. Nothing of it happens before `start_ms` or after `end_ms`.

        A rate is counted from `start_ms`, which is its first time if it is not past; without, from now, and its first
        time is once its length later. With a window it happens at any time within `window_s` seconds after its time.
        What has no time to come is not kept; with `since_ms`, a time that is past but later than that is still to come.
        """
        entry = entries.first(
            kind,
            key,
            when,
            self._clock.wall_ms(),
            start_ms=start_ms,
            end_ms=end_ms,
            window_ms=window_s * 1000,
            since_ms=since_ms,
        )
        if entry is None:
            return self.stage_remove(kind, key)
        return self._change(kind, key, rows.put(entry, self._clock.wall_ms()), entry)

    def stage_remove(self, kind: str, key: str) -> Staged:
        """Take an entry away, if it is there."""
        return self._change(kind, key, rows.remove(kind, key), None)

    def stage_remove_all(self, kind: str, prefix: str) -> Staged:
        """Take away every entry of a kind whose key begins so."""
        self._near.remove_all(lambda name: name[0] == kind and name[1].startswith(prefix))
        statement = Statement(
            "DELETE FROM timetable WHERE kind = ? AND key >= ? AND key < ?",
            (kind, prefix, prefix + "\U0010ffff"),
        )

        def settled(error: StoreError | None) -> None:
            if error is not None:
                self._forget()

        return Staged((statement,), settled)

    def _change(self, kind: str, key: str, statement: Statement, entry: Entry | None) -> Staged:
        name = (kind, key)
        self._near.remove(name)
        self._begin(name)

        def settled(error: StoreError | None) -> None:
            self._end(name, entry, error)

        return Staged((statement,), settled)

    def _begin(self, name: Name) -> None:
        self._changing[name] = self._changing.get(name, 0) + 1

    def _end(self, name: Name, entry: Entry | None, error: StoreError | None) -> None:
        if self._touched is not None:
            self._touched.add(name)
        left = self._changing[name] - 1
        if left:
            self._changing[name] = left
            return
        del self._changing[name]
        if error is not None:
            self._forget()  # what is durable is what counts
        elif entry is not None and (self._touched is not None or self._near.covers(entry)):
            self._near.add(entry)
            self._arm()

    # ------------------------------------------------------------ memory

    def _forget(self) -> None:
        """Read everything anew."""
        self._near.forget()
        self._arm()

    async def _load(self) -> None:
        """Read the next entries beyond the horizon."""
        near = self._near
        horizon = near.horizon
        if horizon is None:
            return
        touched = self._touched = set()
        try:
            found = await self._database.read(rows.LATER, (*horizon, _CHUNK))
        finally:
            self._touched = None
        if near.horizon != horizon:
            return  # forgotten meanwhile
        read = [entry for _, entry in rows.readable(row for row in found if row[0] in self._kinds)]
        near.extend(
            [
                entry
                for entry in read
                if entry.name not in near and entry.name not in touched and entry.name not in self._changing
            ],
            None if len(found) < _CHUNK else rows.position_of(found[-1]),
        )

    def _wants_more(self) -> bool:
        """Whether there are too few in memory, or what is due may be elsewhere."""
        horizon = self._near.horizon
        return horizon is not None and (len(self._near) < _FEW or horizon[0] <= self._clock.wall_ms())

    def _first_ms(self) -> int | None:
        """When something is to be done next: what is in memory, or reading what is not."""
        first_ms, horizon = self._near.first_ms(), self._near.horizon
        if horizon is None:
            return first_ms
        return max(0, horizon[0]) if first_ms is None else max(0, min(first_ms, horizon[0]))

    # ------------------------------------------------------------ time

    def _arm(self) -> None:
        """Have `_look` called when something is due."""
        if not self._started or self._looking is not None:
            return  # it arms when it ends
        due_ms = self._first_ms()
        if self._timer is not None:
            if due_ms is not None and self._timer_ms <= due_ms:
                return  # it looks early enough, and again
            self._timer.cancel()
            self._timer = None
        if due_ms is None:
            return
        self._timer_ms = due_ms
        pause_ms = self._looked_ms + _PAUSE_MS
        if due_ms - self._clock.wall_ms() < pause_ms - self._clock.steady_ms():
            self._timer = self._clock.at_steady(pause_ms, self._look)
        else:
            self._timer = self._clock.at_wall(due_ms, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._started and self._looking is None:
            self._looked_ms = self._clock.steady_ms()
            self._looking = self._run(self._happen())
            self._looking.add_done_callback(self._looked)

    def _looked(self, _task: asyncio.Task[None]) -> None:
        self._looking = None
        self._arm()

    async def _happen(self) -> None:
        """Do all that is due."""
        # While some are being written, the next are called.
        writing: tuple[list[Entry], asyncio.Future[StoreError | None]] | None = None
        try:
            while self._started:
                if self._wants_more():
                    await self._load()
                due = [
                    entry
                    for entry in self._near.due(self._clock.wall_ms(), _AT_ONCE)
                    if entry.name not in self._changing
                ]
                next_one = await self._begin_writing(due)
                if writing is not None:
                    await self._end_writing(*writing)
                elif next_one is None and not self._wants_more():
                    return
                writing = next_one
                await asyncio.sleep(0)
        except StoreClosed:
            self._started = False
        except Exception as error:  # noqa: BLE001 - whatever it was, time goes on
            known = isinstance(error, StoreError)
            _log.warning("what is due is tried again: %s", error, exc_info=None if known else error)
            if writing is not None:
                await writing[1]
            self._looked_ms = self._clock.steady_ms() + _RETRY_MS - _PAUSE_MS
            self._forget()

    def _is_current(self, entry: Entry) -> bool:
        return self._near.holds(entry) and entry.name not in self._changing

    async def _begin_writing(
        self, due: list[Entry]
    ) -> tuple[list[Entry], asyncio.Future[StoreError | None]] | None:
        """Call those whose time it is; what they have to do is written with their next times."""
        await self._prepare(due)
        # What has been changed while that was read is not due any more.
        due = [entry for entry in due if self._is_current(entry)]
        return (due, self._write(due)) if due else None

    async def _end_writing(self, due: list[Entry], written: asyncio.Future[StoreError | None]) -> None:
        error = await written
        if isinstance(error, Conflict) and len(due) == 1:
            self._delay(due[0], error)
        elif isinstance(error, Conflict):
            # One of them cannot be written: the others do not wait for it.
            for entry in due:
                if self._is_current(entry):
                    await self._prepare([entry])
                    error = await self._write([entry])
                    if isinstance(error, Conflict):
                        self._delay(entry, error)
                    elif error is not None:
                        raise error
        elif error is not None:
            raise error

    async def _prepare(self, due: list[Entry]) -> None:
        by_kind: dict[str, list[str]] = {}
        for entry in due:
            by_kind.setdefault(entry.kind, []).append(entry.key)
        for kind, keys in by_kind.items():
            prepare = self._kinds[kind][2]
            if prepare is not None:
                await prepare(keys)

    def _delay(self, entry: Entry, error: Conflict) -> None:
        """Try again a little later."""
        if self._is_current(entry):
            _log.warning("%s %s is tried again: %s", entry.kind, entry.key, error)
            self._near.add(replace(entry, next_ms=self._clock.wall_ms() + _RETRY_MS))

    def _write(self, due: list[Entry]) -> asyncio.Future[StoreError | None]:
        now_ms = self._clock.wall_ms()
        parts = [part for entry in due for part in self._parts(entry, now_ms)]
        staged = together(parts)
        done: asyncio.Future[StoreError | None] = asyncio.get_running_loop().create_future()

        def settled(_results: Any, error: StoreError | None) -> None:
            staged.settled(error)
            if not done.done():
                done.set_result(error)

        self._database.submit(staged.statements, settled)
        return done

    def _parts(self, entry: Entry, now_ms: int) -> Iterable[Staged]:
        """What is to be written when the time of an entry has come."""
        fire, finished, _ = self._kinds[entry.kind]
        then = entries.following(entry, now_ms)
        yield from self._called(entry, lambda: fire(entry.key, entry.due_ms))
        name = entry.name
        if then is None and finished is not None:
            yield from self._called(entry, lambda: finished(entry.key))
        self._begin(name)

        def settled(error: StoreError | None) -> None:
            if error is None:
                if self._near.holds(entry):
                    self._near.remove(name)
                self._end(name, then, None)
                return
            # It is tried again.
            left = self._changing.pop(name) - 1
            if left:
                self._changing[name] = left

        yield Staged((rows.move(entry, then, now_ms),), settled)

    def _called(self, entry: Entry, call: Callable[[], Staged | None]) -> Iterable[Staged]:
        try:
            staged = call()
        except Exception:  # noqa: BLE001
            # It would fail again at once: its next time comes all the same.
            _log.exception("%s %s failed at its time", entry.kind, entry.key)
            return ()
        return () if staged is None else (staged,)

    # ------------------------------------------------------------ clocks that are set

    def _watch(self) -> None:
        """Look now and then whether the clock has been set back."""
        if not self._started:
            return
        now_ms = self._clock.wall_ms()
        if now_ms < self._latest_ms - SET_BACK_MS:
            self._latest_ms = now_ms
            self._run(self._set_right())
        self._latest_ms = max(self._latest_ms, now_ms)
        self._watching = self._clock.at_steady(self._clock.steady_ms() + _WATCH_MS, self._watch)

    async def _set_right(self) -> None:
        """Find out anew what was found out by a clock that was far ahead."""
        try:
            changed = await find_out_anew(self._database, self._clock.wall_ms())
        except StoreError as error:
            _log.warning("times could not be found out anew after the clock was set back: %s", error)
        else:
            if changed:
                _log.warning("the clock was set back: times of schedules have been found out anew")
                self._near.forget()
        self._arm()

    def _run(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
