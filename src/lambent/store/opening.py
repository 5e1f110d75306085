"""From a URL or path to an open database."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from lambent.store import schema
from lambent.store.errors import StoreError

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

    from lambent.store.database import Database

Durability: TypeAlias = Literal["full", "normal"]
"""`full`: what was acknowledged survives a power cut. `normal`: it survives the end of the process."""


async def open_database(
    url_or_path: str | Path, durability: Durability = "full", *, migrations: Traversable | None = None
) -> Database:
    """Open, lock and migrate the database at a path (SQLite; the file is made when it is missing).

    `migrations`: the folder with the schema's files; without one, those of the platform's own database.

    Raises DirectoryInUse when another process has it, MigrationError when it is of a newer version, and
    StoreError for a URL of a kind that is not supported.
    """
    text = str(url_or_path)
    scheme, separator, rest = text.partition("://")
    if separator and scheme != "sqlite":
        raise StoreError(f"{scheme}:// databases are not supported; give a path or sqlite:///path")
    from lambent.store.sqlite import SqliteDatabase

    steps = schema.bundled() if migrations is None else schema.in_folder(migrations)
    return await SqliteDatabase.open(Path(rest if separator else text), durability, steps)
