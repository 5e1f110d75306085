"""Resource policies of logs: kept and shown. Nobody needs one here to put events."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from lambent.store import Statement

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.store import Database


class LogPolicy(NamedTuple):
    """A policy of an account in a region; `updated_ms` in milliseconds since the epoch."""

    name: str
    document: str
    updated_ms: int


class LogPolicies:
    """All of them, in the database."""

    def __init__(self, database: Database, now_ms: Callable[[], int]) -> None:
        self._database = database
        self._now_ms = now_ms

    async def all(self, account: str, region: str) -> list[LogPolicy]:
        """Those of an account in a region, by name. Raises StoreError."""
        rows = await self._database.read(
            "SELECT name, document, updated_ms FROM log_policies WHERE account = ? AND region = ? ORDER BY name",
            (account, region),
        )
        return [LogPolicy(str(name), str(document), int(updated or 0)) for name, document, updated in rows]

    async def put(self, account: str, region: str, name: str, document: str) -> LogPolicy:
        """Add a policy, or replace the one of that name. Raises StoreError."""
        policy = LogPolicy(name, document, self._now_ms())
        await self._database.write(
            Statement(
                "INSERT INTO log_policies VALUES (?, ?, ?, ?, ?) ON CONFLICT (account, region, name)"
                " DO UPDATE SET document = excluded.document, updated_ms = excluded.updated_ms",
                (account, region, *policy),
            )
        )
        return policy

    async def delete(self, account: str, region: str, name: str) -> bool:
        """Whether there was one. Raises StoreError."""
        (rows,) = await self._database.write(
            Statement(
                "DELETE FROM log_policies WHERE account = ? AND region = ? AND name = ? RETURNING name",
                (account, region, name),
            )
        )
        return bool(rows)

    async def clear(self) -> None:
        """Delete all of them. Raises StoreError."""
        await self._database.write(Statement("DELETE FROM log_policies"))
