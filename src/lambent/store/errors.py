"""What can go wrong with stored state.

StoreError
├── Conflict        an expectation on affected rows failed, or a key exists already
├── StorageFull     no space left: nothing of the transaction is kept
├── StoreClosed     the store has been closed
├── DirectoryInUse  another process holds the data directory
├── BlobMissing     no blob of that name
└── MigrationError  the schema on disk is not one that this version can use
"""

from __future__ import annotations

import errno
from typing import Final

NO_SPACE: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""The operating system's ways to say that a file cannot grow: disk, quota, limit of the process."""


class StoreError(Exception):
    """Any failure of the store. The transaction it belongs to has left no trace."""


class Conflict(StoreError):
    """A transaction found other rows than it expected: someone else has changed them first."""


class StorageFull(StoreError):
    """The disk is full. Nothing was written, and the store goes on: a later write may succeed."""


class StoreClosed(StoreError):
    """The store has been closed, or the write was not begun before it was."""


class DirectoryInUse(StoreError):
    """Another process has opened this data directory."""


class BlobMissing(StoreError):
    """No blob with this hash is stored."""


class MigrationError(StoreError):
    """The migrations recorded in the database and those of this version do not agree."""
