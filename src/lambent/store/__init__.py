"""Durable state: a small SQL interface over SQLite, numbered migrations, and content-addressed blobs.

A bottom floor: it imports nothing else of lambent and knows nothing of functions or AWS.
"""

from lambent.store.blobs import BlobStore
from lambent.store.database import Database, Done, Statement
from lambent.store.errors import (
    NO_SPACE,
    BlobMissing,
    Conflict,
    DirectoryInUse,
    StorageFull,
    StoreClosed,
    StoreError,
)
from lambent.store.opening import Durability, open_database
from lambent.store.staged import Staged

__all__ = [
    "NO_SPACE",
    "BlobMissing",
    "BlobStore",
    "Conflict",
    "Database",
    "DirectoryInUse",
    "Done",
    "Durability",
    "Staged",
    "Statement",
    "StorageFull",
    "StoreClosed",
    "StoreError",
    "open_database",
]
