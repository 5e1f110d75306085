"""Blobs by content: a file named by the SHA-256 of what it holds."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import secrets
import time
from typing import TYPE_CHECKING

from lambent.store.errors import NO_SPACE, BlobMissing, StorageFull, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_HASH = re.compile(r"[0-9a-f]{64}")


class BlobStore:
    """Immutable blobs under `root`, spread over 256 folders. Files are written whole or not at all."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)

    async def put(self, data: bytes) -> str:
        """Store `data`; returns its SHA-256 in hex, once it is durable. Raises StorageFull, StoreError."""
        return await asyncio.to_thread(self._put, data)

    async def get(self, sha256: str) -> bytes:
        """The blob's bytes. Raises BlobMissing."""
        try:
            return await asyncio.to_thread(self.path(sha256).read_bytes)
        except FileNotFoundError:
            raise BlobMissing(f"no blob {sha256}") from None

    def path(self, sha256: str) -> Path:
        """Where the blob is, whether or not it exists. Raises BlobMissing for what is no SHA-256 in hex."""
        if _HASH.fullmatch(sha256) is None:
            raise BlobMissing(f"{sha256!r} is not the name of a blob")
        return self.root / sha256[:2] / sha256

    async def keep(self, sha256: str) -> None:
        """Make the blob as new: those who collect old ones leave it for a while. Raises BlobMissing."""
        try:
            await asyncio.to_thread(_touch, self.path(sha256))
        except FileNotFoundError:
            raise BlobMissing(f"no blob {sha256}") from None

    async def delete(self, sha256: str) -> None:
        """Remove the blob if it is there."""
        await asyncio.to_thread(self.path(sha256).unlink, missing_ok=True)

    def names(self) -> Iterator[str]:
        """The hashes of all blobs."""
        for folder in self.root.iterdir():
            if len(folder.name) == 2 and folder.is_dir():
                for file in folder.iterdir():
                    if _HASH.fullmatch(file.name):
                        yield file.name

    def _put(self, data: bytes) -> str:
        name = hashlib.sha256(data).hexdigest()
        path = self.path(name)
        try:
            if path.exists():
                # Renamed into place after it was synced: a file of this name is complete and durable,
                # but for the folder entry of a write that is still on its way. The new time keeps it from
                # being collected before whoever puts it has referred to it.
                _touch(path)
                _sync_directory(path.parent)
                return name
            if not path.parent.exists():
                path.parent.mkdir(exist_ok=True)
                _sync_directory(self.root)
            temporary = self.root / f"tmp-{secrets.token_hex(8)}"
            try:
                with temporary.open("xb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                _touch(temporary)
                temporary.rename(path)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
            _sync_directory(path.parent)
        except OSError as error:
            if error.errno in NO_SPACE:
                raise StorageFull(f"no space left for a blob of {len(data)} bytes") from error
            raise StoreError(f"a blob could not be stored: {error}") from error
        return name

    def discard_temporary(self) -> None:
        """Remove what a process that was killed while writing has left. Only when no one else writes."""
        for file in self.root.glob("tmp-*"):
            file.unlink(missing_ok=True)


def _touch(path: Path) -> None:
    # The time of this moment, not the kernel's, which lags behind by a tick: collectors compare it with theirs.
    now = time.time_ns()
    os.utime(path, ns=(now, now))


def _sync_directory(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
