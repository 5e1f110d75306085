from __future__ import annotations

import pytest

from lambent.store import StoreError
from lambent.store.schema import bundled, collect, outstanding

_FIRST = (
    "0001_first.sql",
    "-- a note; with a semicolon\nCREATE TABLE a (x TEXT);\nINSERT INTO a VALUES ('1;2');\n",
)
_SECOND = ("0002_second.sql", "CREATE TABLE b (x TEXT)")


def test_files_are_put_in_order_and_taken_apart() -> None:
    first, second = collect([_SECOND, _FIRST])
    assert (first.number, first.name) == (1, "first")
    assert first.statements == ("CREATE TABLE a (x TEXT)", "INSERT INTO a VALUES ('1;2')")
    assert second.statements == ("CREATE TABLE b (x TEXT)",)


def test_only_what_is_not_recorded_is_outstanding() -> None:
    known = collect([_FIRST, _SECOND])
    assert outstanding(known, []) == known
    assert outstanding(known, [(1, known[0].checksum)]) == known[1:]
    assert outstanding(known, [(migration.number, migration.checksum) for migration in known]) == []


@pytest.mark.parametrize("name", ["1_first.sql", "0001-first.sql", "0001_First.sql"])
def test_a_badly_named_file_is_refused(name: str) -> None:
    with pytest.raises(StoreError, match="the name must be like"):
        collect([(name, "")])


def test_a_repeated_number_is_refused() -> None:
    with pytest.raises(StoreError, match="number 1 is also first"):
        collect([_FIRST, ("0001_other.sql", "")])


def test_a_released_migration_that_has_changed_is_refused() -> None:
    with pytest.raises(StoreError, match=r"migration 1 \(first\) is not the one"):
        outstanding(collect([_FIRST]), [(1, "another checksum")])


def test_the_bundled_migrations_are_well_formed() -> None:
    migrations = bundled()
    assert [migration.number for migration in migrations] == list(range(1, len(migrations) + 1))
    assert all(migration.statements for migration in migrations)
