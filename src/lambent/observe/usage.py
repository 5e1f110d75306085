"""What functions used, and what AWS would ask for it.

Prices are AWS's public ones for x86, US East (N. Virginia), first tier, without the free tier:
$0.20 per million requests and $0.0000166667 per GB-second (https://aws.amazon.com/lambda/pricing/, 2025-08;
since 2025-08-01 the init phase of every function is billed as duration). Ephemeral storage above 512 MB,
data transfer and provisioned concurrency are not in the estimate.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, cast

from lambent.store import Statement

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.store import Database

PRICE_PER_REQUEST: Final = 0.20 / 1_000_000
PRICE_PER_GB_SECOND: Final = 0.0000166667

_ROWS_PER_STATEMENT: Final = 500
_COLUMNS: Final = 9
_MB_MS_PER_GB_S: Final = 1024 * 1000


class FunctionUsage:
    """Counters of one function. Every method is O(1) and touches memory only."""

    __slots__ = (
        "_changed",
        "account",
        "billed_mb_ms",
        "billed_ms",
        "errors",
        "name",
        "region",
        "requests",
        "since_ms",
        "throttles",
        "unsaved",
    )

    def __init__(
        self, account: str, region: str, name: str, since_ms: int, changed: Callable[[FunctionUsage], None]
    ) -> None:
        self.account = account
        self.region = region
        self.name = name
        self.since_ms = since_ms
        self.requests = 0
        self.errors = 0
        self.throttles = 0
        self.billed_ms = 0
        self.billed_mb_ms = 0
        self.unsaved = False
        self._changed = changed

    def invoked(self, billed_ms: int, memory_mb: int, *, error: bool) -> None:
        """One invocation ended; `error` when the function failed, timed out or crashed."""
        self.requests += 1
        self.billed_ms += billed_ms
        self.billed_mb_ms += billed_ms * memory_mb
        if error:
            self.errors += 1
        if not self.unsaved:
            self._changed(self)

    def throttled(self) -> None:
        """One invocation was refused with 429: counted, not billed."""
        self.throttles += 1
        if not self.unsaved:
            self._changed(self)

    @property
    def gb_seconds(self) -> float:
        return self.billed_mb_ms / _MB_MS_PER_GB_S

    @property
    def cost_usd(self) -> float:
        """The estimate in US dollars."""
        return self.requests * PRICE_PER_REQUEST + self.gb_seconds * PRICE_PER_GB_SECOND

    def snapshot(self) -> dict[str, Any]:
        """JSON-ready: figures since `since_ms` (epoch milliseconds)."""
        return {
            "name": self.name,
            "account": self.account,
            "region": self.region,
            "since_ms": self.since_ms,
            "requests": self.requests,
            "errors": self.errors,
            "throttles": self.throttles,
            "billed_ms": self.billed_ms,
            "gb_seconds": round(self.gb_seconds, 6),
            "cost_usd": round(self.cost_usd, 9),
        }


class UsageMeter:
    """The usage of every function, kept in memory and saved with the logs."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock
        self._functions: dict[tuple[str, str, str], FunctionUsage] = {}
        self._unsaved: list[FunctionUsage] = []
        self.on_change: Callable[[], None] = lambda: None

    async def load(self) -> None:
        """Reads the counters of earlier runs; before anything is counted."""
        rows = await self._database.read(
            "SELECT account, region, name, since_ms, requests, errors, throttles, billed_ms, billed_mb_ms"
            " FROM function_usage"
        )
        for account, region, name, since_ms, *figures in cast("list[tuple[Any, ...]]", rows):
            usage = FunctionUsage(account, region, name, since_ms, self._note)
            usage.requests, usage.errors, usage.throttles, usage.billed_ms, usage.billed_mb_ms = figures
            self._functions[account, region, name] = usage

    def function(self, account: str, region: str, name: str) -> FunctionUsage:
        """The counters of a function: take the handle once and keep it."""
        key = (account, region, name)
        usage = self._functions.get(key)
        if usage is None:
            usage = FunctionUsage(account, region, name, int(self._clock() * 1000), self._note)
            self._functions[key] = usage
        return usage

    def snapshot(self) -> dict[str, Any]:
        """What `GET /_lambent/usage` answers: functions by name, and their sum."""
        functions = [self._functions[key].snapshot() for key in sorted(self._functions)]
        return {
            "functions": functions,
            "requests": sum(usage.requests for usage in self._functions.values()),
            "cost_usd": round(sum(usage.cost_usd for usage in self._functions.values()), 9),
        }

    @property
    def unsaved(self) -> bool:
        """Something has changed since the last `take_unsaved`."""
        return bool(self._unsaved)

    async def clear(self) -> None:
        """Forget all counters."""
        self._functions.clear()
        self._unsaved.clear()
        await self._database.write(Statement("DELETE FROM function_usage"))

    def take_unsaved(self) -> list[Statement]:
        """The statements that save what changed since the last call."""
        unsaved, self._unsaved = self._unsaved, []
        statements: list[Statement] = []
        for start in range(0, len(unsaved), _ROWS_PER_STATEMENT):
            rows = unsaved[start : start + _ROWS_PER_STATEMENT]
            params: list[Any] = []
            for usage in rows:
                usage.unsaved = False
                params += (usage.account, usage.region, usage.name, usage.since_ms)
                params += (usage.requests, usage.errors, usage.throttles, usage.billed_ms, usage.billed_mb_ms)
            values = ", ".join(["(" + ", ".join("?" * _COLUMNS) + ")"] * len(rows))
            statements.append(
                Statement(
                    "INSERT INTO function_usage (account, region, name, since_ms, requests, errors,"  # noqa: S608
                    f" throttles, billed_ms, billed_mb_ms) VALUES {values}"
                    " ON CONFLICT (account, region, name) DO UPDATE SET requests = excluded.requests,"
                    " errors = excluded.errors, throttles = excluded.throttles,"
                    " billed_ms = excluded.billed_ms, billed_mb_ms = excluded.billed_mb_ms",
                    tuple(params),
                )
            )
        return statements

    def save_again(self) -> None:
        """What `take_unsaved` gave could not be written: everything is due once more."""
        for usage in self._functions.values():
            if not usage.unsaved:
                usage.unsaved = True
                self._unsaved.append(usage)

    def _note(self, usage: FunctionUsage) -> None:
        usage.unsaved = True
        self._unsaved.append(usage)
        self.on_change()
