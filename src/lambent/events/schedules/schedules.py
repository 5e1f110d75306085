"""Scheduler: schedules in groups, kept in the database, happening by the timetable.

Memory holds the groups; a schedule is read when it is asked for, or due. What it calls is handed to deliveries in the
transaction that notes its next time, so that each time is handed on exactly once.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec
from msgspec.structs import replace

from lambent.events.schedules import schedule as kinds
from lambent.events.schedules.errors import InvalidSchedule, ScheduleConflict, ScheduleNotFound
from lambent.events.schedules.schedule import DEFAULT_GROUP, Group, Schedule, Settings, key_of
from lambent.events.schedules.targets import parcel
from lambent.functions.turns import Turns
from lambent.store import Conflict, Database, Statement
from lambent.store.staged import Staged, nothing, submit, together

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lambent.clock import Clock
    from lambent.events.deliveries import Deliveries
    from lambent.events.schedules.timetable import Timetable
    from lambent.store import StoreError

KIND: Final = "schedule"
"""Of schedules in the timetable."""

_LAST: Final = "\U0010ffff"

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Schedule).decode
_decode_group = msgspec.json.Decoder(Group).decode


class Page(NamedTuple):
    """Some of what was asked for, in order, and whether there is more."""

    schedules: list[Schedule]
    more: bool


class Schedules:
    """Every schedule of the platform. Open it with `open`, before the timetable is started."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        timetable: Timetable,
        deliveries: Deliveries,
        groups: list[Group],
    ) -> None:
        self._database = database
        self._clock = clock
        self._timetable = timetable
        self._deliveries = deliveries
        self._groups = {(group.account, group.region, group.name): group for group in groups}
        self._turns: Turns[str] = Turns()
        self._due: dict[str, str] = {}
        timetable.on(KIND, self._fire, finished=self._finished, prepare=self._prepare)

    @classmethod
    async def open(
        cls, database: Database, clock: Clock, timetable: Timetable, deliveries: Deliveries
    ) -> Schedules:
        """Load the groups. Raises StoreError."""
        rows = await database.read("SELECT document FROM schedule_groups")
        return cls(
            database, clock, timetable, deliveries, [_decode_group(str(document)) for (document,) in rows]
        )

    async def clear(self) -> None:
        """Forget every schedule and group."""
        await self._written(
            self._timetable.stage_remove_all(KIND, ""),
            _only(Statement("DELETE FROM schedules"), Statement("DELETE FROM schedule_groups")),
        )
        self._groups.clear()

    # ------------------------------------------------------------ groups

    def group(self, account: str, region: str, partition: str, name: str) -> Group:
        """One group. Raises ScheduleNotFound."""
        found = self._groups.get((account, region, name))
        if found is not None:
            return found
        if name == DEFAULT_GROUP:
            return Group(account=account, region=region, partition=partition, name=name)
        raise ScheduleNotFound.group(name)

    def groups(self, account: str, region: str, partition: str) -> list[Group]:
        """The groups of an account in a region: the default group, then the newest first."""
        own = [group for group in self._groups.values() if (group.account, group.region) == (account, region)]
        others = [group for group in own if group.name != DEFAULT_GROUP]
        others.sort(key=lambda group: (-(group.created_ms or 0), group.name))
        return [self.group(account, region, partition, DEFAULT_GROUP), *others]

    async def create_group(self, new: Group) -> Group:
        """Add a group, with its times set. Raises ScheduleConflict, StoreError.

        The same request again, by its token, finds what it has made.
        """
        async with self._turns.take(new.key):
            old = self._groups.get((new.account, new.region, new.name))
            if old is not None and new.token and old.token == new.token:
                return old
            if old is not None or new.name == DEFAULT_GROUP:
                raise ScheduleConflict(f"Schedule group {new.name} already exists.")
            now_ms = self._clock.wall_ms()
            group = replace(new, created_ms=now_ms, modified_ms=now_ms)
            await self._put_group(group)
            return group

    async def retag_group(
        self,
        account: str,
        region: str,
        partition: str,
        name: str,
        change: Callable[[dict[str, str]], dict[str, str]],
    ) -> None:
        """Change the tags of a group. Raises ScheduleNotFound, StoreError and what `change` raises."""
        async with self._turns.take(f"{account}:{region}:{name}"):
            group = self.group(account, region, partition, name)
            await self._put_group(replace(group, tags=change(group.tags)))

    async def delete_group(self, account: str, region: str, partition: str, name: str) -> None:
        """Delete a group and every schedule in it. Raises ScheduleNotFound, InvalidSchedule, StoreError."""
        if name == DEFAULT_GROUP:
            raise InvalidSchedule("The default schedule group cannot be deleted.")
        async with self._turns.take(f"{account}:{region}:{name}"):
            group = self.group(account, region, partition, name)
            prefix = key_of(account, region, name)
            await self._written(
                self._timetable.stage_remove_all(KIND, prefix),
                _only(
                    Statement("DELETE FROM schedule_groups WHERE key = ?", (group.key,)),
                    Statement("DELETE FROM schedules WHERE key >= ? AND key < ?", (prefix, prefix + _LAST)),
                ),
            )
            self._groups.pop((account, region, name), None)

    async def _put_group(self, group: Group) -> None:
        await self._database.write(
            Statement(
                "INSERT INTO schedule_groups (key, document) VALUES (?, ?)"
                " ON CONFLICT (key) DO UPDATE SET document = excluded.document",
                (group.key, _encode(group).decode()),
            )
        )
        self._groups[group.account, group.region, group.name] = group

    # ------------------------------------------------------------ schedules

    async def get(self, account: str, region: str, group: str, name: str) -> Schedule:
        """One schedule. Raises ScheduleNotFound, StoreError."""
        found = await self._read(key_of(account, region, group, name))
        if found is None:
            raise ScheduleNotFound.schedule(name)
        return found

    async def _read(self, key: str) -> Schedule | None:
        rows = await self._database.read("SELECT document FROM schedules WHERE key = ?", (key,))
        return _decode(str(rows[0][0])) if rows else None

    async def page(
        self,
        account: str,
        region: str,
        *,
        group: str | None = None,
        name_prefix: str = "",
        state: str | None = None,
        after: str = "",
        size: int,
    ) -> Page:
        """Up to `size` schedules, by group and name, from after the key `after` on. Raises StoreError."""
        prefix = key_of(account, region, group or "")
        sql = "SELECT document FROM schedules WHERE key > ? AND key < ?"
        values: list[Any] = [max(after, prefix), prefix + _LAST]
        if name_prefix:
            sql += " AND name >= ? AND name < ?"
            values += [name_prefix, name_prefix + _LAST]
        if state is not None:
            sql += " AND state = ?"
            values.append(state)
        rows = await self._database.read(f"{sql} ORDER BY key LIMIT ?", (*values, size + 1))
        return Page([_decode(str(document)) for (document,) in rows[:size]], len(rows) > size)

    async def create(
        self,
        settings: Settings,
        *,
        account: str,
        region: str,
        partition: str,
        group: str,
        name: str,
        token: str,
    ) -> Schedule:
        """Add a schedule. Raises InvalidSchedule, ScheduleNotFound (the group), ScheduleConflict, StoreError.

        The same request again, by its token, finds what it has made.
        """
        now_ms = self._clock.wall_ms()
        kinds.check(settings, now_ms)
        self.group(account, region, partition, group)
        schedule = Schedule(
            account=account,
            region=region,
            partition=partition,
            group=group,
            name=name,
            settings=settings,
            created_ms=now_ms,
            modified_ms=now_ms,
            anchor_ms=now_ms,
            token=token,
        )
        try:
            await self._written(
                *self._group_is_there(schedule),
                _only(
                    Statement(
                        "INSERT INTO schedules (key, name, state, revision, document) VALUES (?, ?, ?, ?, ?)",
                        (schedule.key, name, settings.state, 1, _encode(schedule).decode()),
                    )
                ),
                self._times(schedule, fresh=True),
            )
        except Conflict as error:
            self.group(account, region, partition, group)
            old = await self._read(schedule.key)
            if old is not None and token and old.token == token and old.settings == settings:
                return old
            if old is None and group != DEFAULT_GROUP:
                raise ScheduleNotFound.group(group) from error
            raise ScheduleConflict(f"Schedule {name} already exists.") from error
        return schedule

    def _group_is_there(self, schedule: Schedule) -> list[Staged]:
        """Guards against the deletion of the group in this moment."""
        if schedule.group == DEFAULT_GROUP:
            return []
        key = f"{schedule.account}:{schedule.region}:{schedule.group}"
        return [_only(Statement("UPDATE schedule_groups SET key = key WHERE key = ?", (key,), expect=1))]

    async def update(
        self, settings: Settings, *, account: str, region: str, group: str, name: str
    ) -> Schedule:
        """Replace what a schedule is set to. Raises InvalidSchedule, ScheduleNotFound, ScheduleConflict, StoreError.

        A rate that stays as it is goes on in its rhythm; what happened once does not happen again, what waits in its
        window happens still.
        """
        key = key_of(account, region, group, name)
        async with self._turns.take(key):
            old = await self.get(account, region, group, name)
            now_ms = self._clock.wall_ms()
            kinds.check(settings, now_ms, old.settings)
            same = (settings.expression, settings.timezone) == (
                old.settings.expression,
                old.settings.timezone,
            )
            new = replace(
                old,
                settings=settings,
                modified_ms=now_ms,
                anchor_ms=old.anchor_ms if same else now_ms,
                revision=old.revision + 1,
            )
            pending = await self._timetable.pending(KIND, key) if same else None
            try:
                await self._written(
                    *(() if pending is None else (pending[1],)),
                    _only(
                        Statement(
                            "UPDATE schedules SET state = ?, revision = ?, document = ? WHERE key = ? AND revision = ?",
                            (settings.state, new.revision, _encode(new).decode(), key, old.revision),
                            expect=1,
                        )
                    ),
                    self._times(new, fresh=not same, pending_ms=None if pending is None else pending[0]),
                )
            except Conflict as error:
                raise ScheduleConflict(f"Schedule {name} is being changed or deleted.") from error
            return new

    async def delete(self, account: str, region: str, group: str, name: str) -> None:
        """Delete a schedule. Raises ScheduleNotFound, StoreError."""
        key = key_of(account, region, group, name)
        async with self._turns.take(key):
            try:
                await self._written(
                    _only(Statement("DELETE FROM schedules WHERE key = ?", (key,), expect=1)),
                    self._timetable.stage_remove(KIND, key),
                )
            except Conflict as error:
                raise ScheduleNotFound.schedule(name) from error

    # ------------------------------------------------------------ times

    def _times(self, schedule: Schedule, *, fresh: bool, pending_ms: int | None = None) -> Staged:
        """The entry of the timetable, as the schedule is now; `fresh` when its expression is new, `pending_ms` the time
        that has come and that it has not happened for yet.
        """
        settings = schedule.settings
        if settings.state == "DISABLED":
            return self._timetable.stage_remove(KIND, schedule.key)
        when = settings.when
        waiting_ms = None if pending_ms is None else pending_ms - 1
        if settings.happens_once:
            # What came a little too late is not lost: it happens at once, unless it is older than it may be.
            age_s = settings.target.get("RetryPolicy", {}).get("MaximumEventAgeInSeconds", kinds.MAX_AGE_S)
            since_ms = schedule.modified_ms - age_s * 1000 if fresh else waiting_ms
            return self._timetable.stage_put(
                KIND, schedule.key, when, window_s=settings.window_s, since_ms=since_ms
            )
        start_ms, since_ms = settings.start_ms, waiting_ms
        if start_ms is None and settings.expression.startswith("rate("):
            # Without a start the first time of a rate is now: "Rate-based schedules" of the user guide.
            start_ms = schedule.anchor_ms
            since_ms = start_ms - 1 if fresh else waiting_ms
        return self._timetable.stage_put(
            KIND,
            schedule.key,
            when,
            start_ms=start_ms,
            since_ms=since_ms,
            end_ms=settings.end_ms,
            window_s=settings.window_s,
        )

    async def _prepare(self, keys: Sequence[str]) -> None:
        """Read the schedules that are due."""
        marks = ", ".join("?" * len(keys))
        rows = await self._database.read(
            f"SELECT key, document FROM schedules WHERE key IN ({marks})",  # noqa: S608 - question marks
            tuple(keys),
        )
        self._due = {str(key): str(document) for key, document in rows}

    def _fire(self, key: str, due_ms: int) -> Staged | None:
        document = self._due.get(key)
        if document is None:
            return None
        schedule = _decode(document)
        return self._deliveries.stage(
            [
                parcel(
                    schedule.settings.target,
                    account=schedule.account,
                    region=schedule.region,
                    schedule_arn=schedule.arn,
                    due_ms=due_ms,
                )
            ]
        )

    def _finished(self, key: str) -> Staged | None:
        document = self._due.get(key)
        if document is None or _decode(document).settings.after_completion != "DELETE":
            return None
        return _only(Statement("DELETE FROM schedules WHERE key = ?", (key,)))

    async def _written(self, *parts: Staged) -> None:
        """Write parts as one transaction. Raises StoreError."""
        staged = together(parts)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def settled(error: StoreError | None) -> None:
            staged.settled(error)
            if done.done():
                return  # the caller was cancelled; what it asked for has happened all the same
            if error is not None:
                done.set_exception(error)
            else:
                done.set_result(None)

        submit(self._database, Staged(staged.statements, settled))
        await done


def _only(*statements: Statement) -> Staged:
    return Staged(statements, nothing)
