"""The SQL that writes logs: groups, streams and chunks, in the dialect that every Database speaks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from lambent.store import Statement

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .chunk import Piece
    from .log_stream import LogGroup

_STREAMS_PER_STATEMENT: Final = 1000


class SealedChunk(NamedTuple):
    """A chunk on its way to the database."""

    id: int
    group: LogGroup
    ingested_ms: int
    piece: Piece


def insert_group(group: LogGroup) -> Statement:
    """The row of a new group."""
    return Statement(
        "INSERT INTO log_groups"
        " (id, account, region, name, created_ms, retention_days, tags, log_class, kms_key)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            group.id,
            group.account,
            group.region,
            group.name,
            group.created_ms,
            group.retention_days,
            msgspec.json.encode(group.tags).decode(),
            group.log_class,
            group.kms_key,
        ),
    )


def delete_group(group_id: int) -> list[Statement]:
    """A group's row, its streams, its events and its filters."""
    return [
        Statement("DELETE FROM log_groups WHERE id = ?", (group_id,)),
        Statement("DELETE FROM log_chunks WHERE group_id = ?", (group_id,)),
        Statement("DELETE FROM log_streams WHERE group_id = ?", (group_id,)),
        Statement("DELETE FROM log_stream_deletions WHERE group_id = ?", (group_id,)),
        Statement("DELETE FROM log_subscriptions WHERE group_id = ?", (group_id,)),
    ]


def insert_chunk(sealed: SealedChunk) -> Statement:
    """The row of a chunk."""
    piece = sealed.piece
    names = msgspec.json.encode([name for name, _, _ in piece.streams]).decode()
    return Statement(
        "INSERT INTO log_chunks (id, group_id, first_ms, last_ms, ingested_ms, size, streams, records)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            sealed.id,
            sealed.group.id,
            piece.first_ms,
            piece.last_ms,
            sealed.ingested_ms,
            len(piece.data),
            names,
            bytes(piece.data),
        ),
    )


def upsert_streams(batch: Iterable[SealedChunk]) -> list[Statement]:
    """Notes the newest events of the streams that chunks hold; makes streams that are new."""
    rows: dict[tuple[int, str], list[int]] = {}
    for sealed in batch:
        for name, first_ms, last_ms in sealed.piece.streams:
            row = rows.setdefault((sealed.group.id, name), [first_ms, last_ms, sealed.ingested_ms])
            row[0], row[1], row[2] = min(row[0], first_ms), max(row[1], last_ms), sealed.ingested_ms
    items = list(rows.items())
    statements: list[Statement] = []
    for start in range(0, len(items), _STREAMS_PER_STATEMENT):
        part = items[start : start + _STREAMS_PER_STATEMENT]
        params: list[Any] = []
        for (group_id, name), (first_ms, last_ms, ingested_ms) in part:
            params += (group_id, name, first_ms, first_ms, last_ms, ingested_ms)
        values = ", ".join(["(?, ?, ?, ?, ?, ?)"] * len(part))
        statements.append(
            Statement(
                "INSERT INTO log_streams (group_id, name, created_ms, first_ms, last_ms,"  # noqa: S608
                f" ingested_ms) VALUES {values} ON CONFLICT (group_id, name) DO UPDATE SET"
                " first_ms = CASE WHEN log_streams.first_ms <= excluded.first_ms"
                " THEN log_streams.first_ms ELSE excluded.first_ms END,"
                " last_ms = CASE WHEN log_streams.last_ms >= excluded.last_ms"
                " THEN log_streams.last_ms ELSE excluded.last_ms END,"
                " ingested_ms = excluded.ingested_ms",
                tuple(params),
            )
        )
    return statements
