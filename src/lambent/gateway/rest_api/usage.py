"""Usage plans at work: whose API key a request has, and whether its plan lets it go on.

"Create and use usage plans with API keys" of the developer guide: throttling by key and plan, quotas by day, week or
month of UTC. How often a key was used is written every second; AWS promises no more of its counting either ("best
effort").
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import time
from typing import TYPE_CHECKING, Final

from lambent.gateway.rest_api.refusals import FORBIDDEN, OVER_QUOTA, THROTTLED
from lambent.gateway.throttling import limited
from lambent.store import Statement, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.gateway.rest_api.exchange import RestExchange
    from lambent.gateway.rest_api.records import ApiKey, Quota, Throttle, UsagePlan
    from lambent.gateway.rest_api.refusals import Refusal
    from lambent.gateway.rest_api.registry import RestApiRegistry
    from lambent.gateway.throttling import Bucket
    from lambent.store import Database

_WRITE_S: Final = 1.0
_KEPT_DAYS: Final = 90

_log = logging.getLogger(__name__)


class Usage:
    """How often keys were used, by plan and day. Open it with `open`; `clock` gives epoch seconds."""

    def __init__(
        self, registry: RestApiRegistry, database: Database, clock: Callable[[], float] = time.time
    ) -> None:
        self._registry = registry
        self._database = database
        self._clock = clock
        self._used: dict[tuple[str, str, str], int] = {}
        self._dirty: set[tuple[str, str, str]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._writing: asyncio.Task[None] | None = None
        self._generation = -1
        self._keys: dict[tuple[str, str, str], ApiKey] = {}
        self._plans: dict[tuple[str, str, str], UsagePlan] = {}
        self._buckets: dict[tuple[str, str, str], tuple[Throttle, Bucket | None]] = {}

    @classmethod
    async def open(
        cls, registry: RestApiRegistry, database: Database, clock: Callable[[], float] = time.time
    ) -> Usage:
        """Load what was counted. Raises StoreError."""
        usage = cls(registry, database, clock)
        oldest = (
            (dt.datetime.fromtimestamp(clock(), dt.UTC) - dt.timedelta(days=_KEPT_DAYS)).date().isoformat()
        )
        await database.write(Statement("DELETE FROM rest_usage WHERE day < ?", (oldest,)))
        for plan, key, day, used in await database.read("SELECT plan_id, key_id, day, used FROM rest_usage"):
            usage._used[str(plan), str(key), str(day)] = int(used or 0)
        return usage

    async def close(self) -> None:
        """Write what is left."""
        if self._timer is not None:
            self._timer.cancel()
        if self._writing is not None:
            await self._writing
        await self._write()

    async def clear(self) -> None:
        """Forget everything."""
        self._used.clear()
        self._dirty.clear()
        self._buckets.clear()
        await self._database.write(Statement("DELETE FROM rest_usage"))

    def take(self, exchange: RestExchange, value: str | None) -> Refusal | None:
        """Count a request with an API key; why it may not go on, or None."""
        api = exchange.stage.api
        self._look()
        key = self._keys.get((api.account, api.region, value or ""))
        if key is None or not key.enabled:
            return FORBIDDEN
        plan = self._plans.get((key.id, api.id, exchange.stage.name))
        if plan is None:
            legacy = f"{api.id}/{exchange.stage.name}" in key.stage_keys
            exchange.api_key = key
            return None if legacy else FORBIDDEN
        exchange.api_key = key
        if not self._passes(exchange, key, plan):
            return THROTTLED
        today = self._today()
        if plan.quota is not None and self.used_of(plan, key.id) >= plan.quota.limit:
            return OVER_QUOTA
        place = (plan.id, key.id, today.isoformat())
        self._used[place] = self._used.get(place, 0) + 1
        self._mark(place)
        return None

    def used_of(self, plan: UsagePlan, key_id: str) -> int:
        """How often a key was used in the period that is going on, with what was taken off its first one."""
        assert plan.quota is not None
        first = _first_day(self._today(), plan.quota)
        return sum(
            used
            for (plan_id, key, day), used in self._used.items()
            if plan_id == plan.id and key == key_id and day >= first.isoformat()
        )

    def days(self, plan_id: str, key_id: str, first: dt.date, last: dt.date) -> list[int]:
        """How often a key was used on each day."""
        days = (first + dt.timedelta(days=after) for after in range((last - first).days + 1))
        return [self._used.get((plan_id, key_id, day.isoformat()), 0) for day in days]

    def grant(self, plan: UsagePlan, key_id: str, remaining: int) -> None:
        """Let a key have so many requests more in this period (UpdateUsage)."""
        assert plan.quota is not None
        place = (plan.id, key_id, self._today().isoformat())
        excess = plan.quota.limit - remaining - self.used_of(plan, key_id)
        self._used[place] = self._used.get(place, 0) + excess
        self._mark(place)

    def _today(self) -> dt.date:
        return dt.datetime.fromtimestamp(self._clock(), dt.UTC).date()

    def _look(self) -> None:
        """Read keys and plans anew after a change."""
        registry = self._registry
        if self._generation == registry.generation:
            return
        self._generation = registry.generation
        keys = [kept.record for kept in registry.keys.all.values()]
        self._keys = {(key.account, key.region, key.value): key for key in keys}
        self._plans = {
            (key_id, stage.api_id, stage.stage): definition.plan
            for definition in registry.plans.all.values()
            for key_id in definition.keys
            for stage in definition.plan.api_stages
        }

    def _passes(self, exchange: RestExchange, key: ApiKey, plan: UsagePlan) -> bool:
        method = f"{exchange.method.resource.path}/{exchange.method.method.http_method}"
        for stage in plan.api_stages:
            if (stage.api_id, stage.stage) == (exchange.stage.api.id, exchange.stage.name):
                limits = (stage.throttle or {}).get(method)
                if not self._within((plan.id, key.id, method), limits):
                    return False
        return self._within((plan.id, key.id, ""), plan.throttle)

    def _within(self, place: tuple[str, str, str], limits: Throttle | None) -> bool:
        if limits is None:
            return True
        kept = self._buckets.get(place)
        if kept is None or kept[0] != limits:
            kept = self._buckets[place] = (limits, limited(limits.rate_limit, limits.burst_limit))
        bucket = kept[1]
        return bucket is None or bucket.take()

    def _mark(self, place: tuple[str, str, str]) -> None:
        self._dirty.add(place)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_WRITE_S, self._begin)

    def _begin(self) -> None:
        self._timer = None
        self._writing = asyncio.get_running_loop().create_task(self._write())

    async def _write(self) -> None:
        dirty, self._dirty = self._dirty, set()
        if not dirty:
            return
        try:
            await self._database.write(
                *(
                    Statement(
                        "INSERT INTO rest_usage (plan_id, key_id, day, used) VALUES (?, ?, ?, ?)"
                        " ON CONFLICT (plan_id, key_id, day) DO UPDATE SET used = excluded.used",
                        (*place, self._used.get(place, 0)),
                    )
                    for place in dirty
                )
            )
        except StoreError as error:
            _log.warning("the use of API keys was not written: %s", error)
            self._dirty |= dirty


def _first_day(today: dt.date, quota: Quota) -> dt.date:
    if quota.period == "DAY":
        return today
    if quota.period == "WEEK":
        # From Sunday on, as `offset` counts it.
        return today - dt.timedelta(days=(today.weekday() + 1) % 7)
    return today.replace(day=1)
