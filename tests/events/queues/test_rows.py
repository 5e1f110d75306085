"""Statements that write many rows: each row once, in few statements, none of them too large."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lambent.events.queues import rows
from lambent.events.queues.message import Message

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lambent.store.database import Statement


def message(row: int, size: int, details: bytes | None = None) -> Message:
    return Message(row, f"id-{row}", size, 0, 0, "", None, None, details, "x" * size)


def width(statement: Statement) -> int:
    return statement.sql.partition(")")[0].count(",") + 1


def written(statements: Sequence[Statement]) -> list[list[object]]:
    return [list(statement.params[:: width(statement)]) for statement in statements]


@pytest.mark.parametrize("count", [1, 10, 64, 65, 69, 160, 250, 251, 777])
def test_every_row_is_written_once_and_in_order(count: int) -> None:
    parts = written(list(rows.insert_messages([message(row, 10) for row in range(count)])))

    assert [row for part in parts for row in part] == list(range(count))
    assert max(map(len, parts)) <= 250


def test_there_are_few_lengths_of_long_statements() -> None:
    lengths = {
        len(statement.params) // width(statement)
        for count in range(1, 600)
        for statement in rows.insert_messages([message(row, 10) for row in range(count)])
    }

    assert len(lengths) < 100


@pytest.mark.parametrize("details", [None, b"d" * 150_000])
def test_a_statement_holds_one_large_message_or_small_ones(details: bytes | None) -> None:
    sizes = [100, 300_000, 900_000, 900_000, 100, 100, 300_000, 200_000, 100]
    statements = list(rows.insert_messages([message(row, size, details) for row, size in enumerate(sizes)]))

    assert [row for part in written(statements) for row in part] == list(range(len(sizes)))
    for statement in statements:
        size = sum(len(value) for value in statement.params if isinstance(value, (str, bytes)))
        assert len(statement.params) == width(statement) or size < 500_000


def test_nothing_takes_no_statement() -> None:
    assert list(rows.insert_messages([])) == []
    assert list(rows.delete_messages([])) == []


def test_a_large_message_stands_alone() -> None:
    statements = list(rows.insert_messages([message(0, 10), message(1, 1_000_000), message(2, 10)]))

    assert written(statements) == [[0], [1], [2]]


def test_columns_that_no_message_has_are_left_out() -> None:
    with_details = message(1, 10, b"d")
    (plain,) = rows.insert_messages([message(0, 10)])
    (both,) = rows.insert_messages([message(0, 10), with_details])

    assert (width(plain), width(both)) == (7, 10)
    assert both.params[8::10] == (None, b"d")
