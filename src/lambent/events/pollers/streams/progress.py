"""How far a mapping has read, durably: one row a shard.

Rows go with their mapping. They are written behind the function: after a crash what was not written yet is read again,
nothing is left out.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

import msgspec

from lambent.store import Statement

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lambent.store import Database
    from lambent.store.database import Row

_ROWS: Final = 500
_COLUMNS: Final = 'shard_id, stream, sequence, since_ms, "window", finished'


class OpenWindow(msgspec.Struct, frozen=True):
    """A tumbling window between its first record and its end. `state` is JSON, as the function has returned it."""

    start_ms: int
    state: msgspec.Raw


class ShardProgress(msgspec.Struct, frozen=True, kw_only=True):
    """How far one shard has been read. `stream` is the one of its name that was read (see Listing)."""

    shard_id: str
    stream: str
    sequence: str | None = None
    since_ms: int | None = None
    window: OpenWindow | None = None
    finished: bool = False


_encode = msgspec.json.Encoder().encode
_decode_window = msgspec.json.Decoder(OpenWindow).decode


class Progress:
    """The rows of one mapping."""

    def __init__(self, database: Database, mapping_id: str) -> None:
        self._database = database
        self._mapping_id = mapping_id

    async def read(self) -> dict[str, ShardProgress]:
        """What is known, by shard. Raises StoreError."""
        found: dict[str, ShardProgress] = {}
        last = ""
        while rows := await self._database.read(
            f"SELECT {_COLUMNS} FROM stream_progress WHERE mapping_id = ? AND shard_id > ?"  # noqa: S608 - constants
            " ORDER BY shard_id LIMIT ?",
            (self._mapping_id, last, _ROWS),
        ):
            last = str(rows[-1][0])
            found |= _read(rows)
            if len(rows) < _ROWS:
                break
            await asyncio.sleep(0)  # a stream may have thousands of shards
        return found

    async def begin(self, shards: Iterable[ShardProgress], forget: Iterable[str]) -> None:
        """Add shards and drop others, all at once. Raises StoreError."""
        statements = [
            Statement(
                "DELETE FROM stream_progress WHERE mapping_id = ? AND shard_id = ?", (self._mapping_id, gone)
            )
            for gone in forget
        ]
        statements += [
            Statement(
                f"INSERT INTO stream_progress (mapping_id, {_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
                (
                    self._mapping_id,
                    one.shard_id,
                    one.stream,
                    one.sequence,
                    one.since_ms,
                    _window(one.window),
                    one.finished,
                ),
            )
            for one in shards
        ]
        if statements:
            await self._database.write(*statements)

    def statement(self, shard: ShardProgress) -> Statement:
        """What writes how far a shard has been read."""
        return Statement(
            'UPDATE stream_progress SET sequence = ?, "window" = ?, finished = ?'
            " WHERE mapping_id = ? AND shard_id = ? AND stream = ?",
            (
                shard.sequence,
                _window(shard.window),
                shard.finished,
                self._mapping_id,
                shard.shard_id,
                shard.stream,
            ),
        )


def _read(rows: list[Row]) -> dict[str, ShardProgress]:
    found = {}
    for shard_id, stream, sequence, since_ms, window, finished in rows:
        found[str(shard_id)] = ShardProgress(
            shard_id=str(shard_id),
            stream=str(stream),
            sequence=None if sequence is None else str(sequence),
            since_ms=None if since_ms is None else int(since_ms),
            window=None if window is None else _decode_window(str(window)),
            finished=bool(finished),
        )
    return found


def _window(window: OpenWindow | None) -> str | None:
    return None if window is None else _encode(window).decode()
