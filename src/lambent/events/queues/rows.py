"""The rows of queues: statements that write many at once, and what is read of them.

A row's key is the queue's number and a sequence number in one integer, so the messages of a queue are a range
of keys in the order of sending.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from lambent.events.queues.message import Message
from lambent.store.database import Statement

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from lambent.store.database import Database, Row

SEQUENCE_BITS: Final = 42
SEQUENCES: Final = (1 << SEQUENCE_BITS) - 1

# Rows a statement. Those of every length up to _FEW stay prepared; longer ones only in steps, since each takes memory.
_FEW: Final = 64
_STEP: Final = 10
_MOST: Final = 250

# Bytes of messages a statement, if it is not a single one: a prepared statement keeps what it was run with last.
_MOST_BYTES: Final = 400_000

_COLUMNS: Final = "id, message_id, size, sent_ms, due_ms, sender, group_id, deduplication_id, details, body"
_PLAIN_COLUMNS: Final = "id, message_id, size, sent_ms, due_ms, sender, body"
_RANGE: Final = " WHERE m.id > ? AND m.id <= ? ORDER BY m.id LIMIT ?"


def _select(*, bodies: bool, received: bool) -> str:
    body = "m.body" if bodies else "NULL"
    columns = (
        "m.id, m.message_id, m.size, m.sent_ms, m.due_ms, m.sender, m.group_id, m.deduplication_id, m.details"
    )
    receives = ", r.receive_count, r.first_ms, r.visible_ms" if received else ""
    join = " LEFT JOIN message_receives r ON r.id = m.id" if received else ""
    return f"SELECT {columns}, {body}{receives} FROM messages m{join}{_RANGE}"  # noqa: S608 - names of ours


_LOADS: Final = {
    (bodies, received): _select(bodies=bodies, received=received)
    for bodies in (True, False)
    for received in (True, False)
}


def insert_messages(messages: Sequence[Message]) -> Iterator[Statement]:
    """New rows."""
    for part in _portions(messages):
        yield _insert_plain(part) or _insert_any(part)


def _insert_plain(messages: Sequence[Message]) -> Statement | None:
    """New rows without the columns that none of them has; None when one of them has one.

    A parameter that is NULL takes as long as ten that are numbers.
    """
    params: list[Any] = []
    for m in messages:
        if m.group is not None or m.deduplication_id is not None or m.details is not None:
            return None
        params += (m.row, m.message_id, m.size, m.sent_ms, m.due_ms, m.sender, m.body)
    return Statement(_insert("messages", _PLAIN_COLUMNS, 7, len(messages)), tuple(params))


def _insert_any(messages: Sequence[Message]) -> Statement:
    params: list[Any] = []
    for m in messages:
        params += (
            m.row, m.message_id, m.size, m.sent_ms, m.due_ms, m.sender, m.group, m.deduplication_id,
            m.details, m.body,
        )  # fmt: skip
    return Statement(_insert("messages", _COLUMNS, 10, len(messages)), tuple(params))


def insert_receives(messages: Sequence[Message]) -> Iterator[Statement]:
    """How often messages were received, and until when they are invisible."""
    for part in _parts(messages):
        params: list[Any] = []
        for m in part:
            params += (m.row, m.count, m.first_ms, m.visible_ms)
        insert = _insert("message_receives", "id, receive_count, first_ms, visible_ms", 4, len(part))
        yield Statement(
            f"{insert} ON CONFLICT (id) DO UPDATE SET receive_count = excluded.receive_count,"
            " first_ms = excluded.first_ms, visible_ms = excluded.visible_ms",
            tuple(params),
        )


def insert_deduplication(rows: Sequence[tuple[int, str, str, str, int, int]]) -> Iterator[Statement]:
    """(queue, scope, deduplication id, message id, row, until): what was sent to FIFO queues."""
    for part in _parts(rows):
        insert = _insert(
            "message_deduplication",
            "queue, scope, deduplication_id, message_id, sequence, until_ms",
            6,
            len(part),
        )
        yield Statement(
            f"{insert} ON CONFLICT (queue, scope, deduplication_id) DO UPDATE SET"
            " message_id = excluded.message_id, sequence = excluded.sequence, until_ms = excluded.until_ms",
            tuple(value for row in part for value in row),
        )


def delete_messages(rows: Sequence[int]) -> Iterator[Statement]:
    """Rows that go."""
    for part in _parts(rows):
        yield Statement(_delete("messages", len(part)), tuple(part))


def delete_receives(rows: Sequence[int]) -> Iterator[Statement]:
    """Receives of messages that go."""
    for part in _parts(rows):
        yield Statement(_delete("message_receives", len(part)), tuple(part))


def load(
    database: Database, after: int, last: int, limit: int, *, bodies: bool, received: bool
) -> list[Message]:
    """The messages with keys above `after` up to `last`, the first `limit` of them.

    `bodies`: with these. `received`: with what is known of their receives.
    """
    found: list[Any] = database.read_now(_LOADS[bodies, received], (after, last, limit))
    return [_received(row) for row in found] if received else [Message(*row) for row in found]


def count(database: Database, after: int, last: int, limit: int) -> tuple[int, int | None]:
    """How many messages `load` would give, and the key of the last one."""
    found: list[Any] = database.read_now(
        "SELECT COUNT(*), MAX(id) FROM (SELECT id FROM messages WHERE id > ? AND id <= ? ORDER BY id LIMIT ?) AS some",
        (after, last, limit),
    )
    counted, key = found[0]
    return counted, key


def sizes(database: Database, after: int, last: int, limit: int) -> list[tuple[int, int]]:
    """Keys and sizes of the messages that `load` would give."""
    rows: list[Any] = database.read_now(
        "SELECT id, size FROM messages WHERE id > ? AND id <= ? ORDER BY id LIMIT ?",
        (after, last, limit),
    )
    return rows


def dues(database: Database, after: int, last: int, limit: int) -> list[tuple[int, int]]:
    """Keys of the messages that `load` would give, and when they could be received first."""
    rows: list[Any] = database.read_now(
        "SELECT id, due_ms FROM messages WHERE id > ? AND id <= ? ORDER BY id LIMIT ?",
        (after, last, limit),
    )
    return rows


def body(database: Database, row: int) -> str | None:
    """The body of a message, None when the row is gone."""
    found = database.read_now("SELECT body FROM messages WHERE id = ?", (row,))
    return str(found[0][0]) if found else None


def message_id(database: Database, row: int) -> str | None:
    """The id of a message, None when the row is gone."""
    found = database.read_now("SELECT message_id FROM messages WHERE id = ?", (row,))
    return str(found[0][0]) if found else None


def _received(row: Row) -> Message:
    members: list[Any] = list(row)
    visible_ms, first_ms, count = members.pop(), members.pop(), members.pop()
    message = Message(*members)
    if count is not None:
        message.count, message.first_ms, message.visible_ms, message.marked = (
            count,
            first_ms,
            visible_ms,
            True,
        )
    return message


def _portions(messages: Sequence[Message]) -> Iterable[Sequence[Message]]:
    """Parts that are not too large either."""
    if sum([m.size if m.details is None else m.size + len(m.details) for m in messages]) <= _MOST_BYTES:
        return _parts(messages)
    return _small_portions(messages)


def _small_portions(messages: Sequence[Message]) -> Iterator[Sequence[Message]]:
    begin = size = 0
    for at, m in enumerate(messages):
        own = m.size + len(m.details or b"")
        size += own
        if size > _MOST_BYTES and at > begin:
            yield from _parts(messages[begin:at])
            begin, size = at, own
    yield from _parts(messages[begin:])


def _parts(items: Sequence[Any]) -> Iterable[Sequence[Any]]:
    if len(items) <= _FEW:
        return (items,) if items else ()
    return _long_parts(items)


def _long_parts(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    at, count = 0, len(items)
    while at < count:
        left = count - at
        length = left if left <= _FEW else min(_MOST, left - left % _STEP)
        yield items[at : at + length]
        at += length


@lru_cache(maxsize=512)
def _insert(table: str, columns: str, width: int, count: int) -> str:
    one = f"({','.join('?' * width)})"
    return f"INSERT INTO {table} ({columns}) VALUES {','.join([one] * count)}"  # noqa: S608 - names of ours


@lru_cache(maxsize=512)
def _delete(table: str, count: int) -> str:
    return f"DELETE FROM {table} WHERE id IN ({','.join('?' * count)})"  # noqa: S608 - names of ours
