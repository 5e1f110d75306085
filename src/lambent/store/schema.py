"""Migrations: numbered SQL files, applied in order, each once, recorded with a checksum.

A file `NNNN_name.sql` holds statements separated by semicolons at line ends. A file that has been released
is never edited: a later number changes what it made.
"""

from __future__ import annotations

import hashlib
import re
from importlib import resources
from typing import TYPE_CHECKING, NamedTuple

from lambent.store.errors import MigrationError

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

RECORD = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    checksum TEXT NOT NULL,
    applied_ms BIGINT NOT NULL
)
"""

_FILE_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
_STATEMENT_END = re.compile(r";[ \t]*(?:--[^\n]*)?(?:\n|$)")


class Migration(NamedTuple):
    """One step of the schema."""

    number: int
    name: str
    checksum: str
    statements: tuple[str, ...]


def bundled() -> list[Migration]:
    """The migrations of the platform's own database that ship with this version, in order."""
    return in_folder(resources.files("lambent.store").joinpath("migrations"))


def in_folder(folder: Traversable) -> list[Migration]:
    """The migrations of a folder, in order. Raises MigrationError for a bad number."""
    files = list(folder.iterdir())
    return collect([(entry.name, entry.read_text("utf-8")) for entry in files if entry.name.endswith(".sql")])


def collect(files: list[tuple[str, str]]) -> list[Migration]:
    """Migrations from (file name, text) pairs, in order. Raises MigrationError for a bad number."""
    migrations: dict[int, Migration] = {}
    for file_name, text in files:
        match = _FILE_NAME.fullmatch(file_name)
        if match is None:
            raise MigrationError(f"migration {file_name}: the name must be like 0001_functions.sql")
        number = int(match[1])
        if number in migrations:
            raise MigrationError(f"migration {file_name}: number {number} is also {migrations[number].name}")
        checksum = hashlib.sha256(text.encode()).hexdigest()
        migrations[number] = Migration(number, match[2], checksum, _statements(text))
    return [migrations[number] for number in sorted(migrations)]


def _statements(text: str) -> tuple[str, ...]:
    pieces = (
        "\n".join(line for line in piece.splitlines() if not line.lstrip().startswith("--")).strip()
        for piece in _STATEMENT_END.split(text)
    )
    return tuple(piece for piece in pieces if piece)


def outstanding(known: list[Migration], recorded: list[tuple[int, str]]) -> list[Migration]:
    """Those of `known` still to be applied, given the (number, checksum) pairs that the database records.

    Raises MigrationError when the database was written by a newer version, or a released file has changed.
    """
    by_number = {migration.number: migration for migration in known}
    for number, checksum in recorded:
        migration = by_number.get(number)
        if migration is None:
            raise MigrationError(
                f"the database has migration {number}, which this version does not know: "
                "it was written by a newer one"
            )
        if migration.checksum != checksum:
            raise MigrationError(
                f"migration {number} ({migration.name}) is not the one that was applied to this database"
            )
    applied = {number for number, _ in recorded}
    return [migration for migration in known if migration.number not in applied]
