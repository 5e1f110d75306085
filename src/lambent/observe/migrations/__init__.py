"""The schema of the log database: numbered SQL files beside this module, applied in order.

May import lambent.store, whose file format and checks it uses.
"""

from __future__ import annotations

import time
from importlib import resources
from typing import TYPE_CHECKING

from lambent.store import Statement, schema

if TYPE_CHECKING:
    from lambent.store import Database

_RECORD = """
CREATE TABLE IF NOT EXISTS log_schema_migrations (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    checksum TEXT NOT NULL,
    applied_ms BIGINT NOT NULL
)
"""


async def migrate(database: Database) -> None:
    """Brings a log database to this version's schema.

    Raises MigrationError when a newer version wrote it.
    """
    await database.write(Statement(_RECORD))
    rows = await database.read("SELECT number, checksum FROM log_schema_migrations")
    recorded = [(int(str(number)), str(checksum)) for number, checksum in rows]
    for migration in schema.outstanding(_bundled(), recorded):
        await database.write(
            *(Statement(statement) for statement in migration.statements),
            Statement(
                "INSERT INTO log_schema_migrations (number, name, checksum, applied_ms) VALUES (?, ?, ?, ?)",
                (migration.number, migration.name, migration.checksum, time.time_ns() // 1_000_000),
            ),
        )


def _bundled() -> list[schema.Migration]:
    entries = resources.files(__name__).iterdir()
    return schema.collect(
        [(entry.name, entry.read_text("utf-8")) for entry in entries if entry.name.endswith(".sql")]
    )
