"""Deployment packages: stored once by content, unpacked once into read-only trees."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import os
import secrets
import shutil
import stat
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from lambent.functions.archive import unpack_archive
from lambent.functions.errors import CodeRejected
from lambent.functions.layer_tree import PREFIX, merge_trees, merged_name
from lambent.functions.limits import Limits
from lambent.functions.linked import LinkedCode, linked_code
from lambent.functions.turns import Turns
from lambent.store import NO_SPACE, BlobMissing, BlobStore, StorageFull, StoreError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
    from collections.abc import Set as AbstractSet

_BOOT = "boot"


class Code(NamedTuple):
    """A stored package: its hash in hex and in base64, and its size in bytes.

    Linked code has a name in place of the hash (`functions.linked`), and no size.
    """

    hash: str
    sha256: str
    size: int


class CodeStore:
    """Packages in a BlobStore, trees under `root`.

    A tree is unpacked beside its place and renamed into it, so one that is there is whole. Trees are not
    synced to disk, as they can be unpacked again: those made in another boot of the machine are dropped.
    """

    def __init__(self, root: Path, blobs: BlobStore, limits: Limits | None = None) -> None:
        self._root = root
        self._blobs = blobs
        self._limits = limits or Limits()
        self._present: set[str] = set()
        self._sizes: dict[str, int] = {}
        self._turns: Turns[str] = Turns()
        self._pinned: Counter[str] = Counter()
        self._open()

    @contextlib.asynccontextmanager
    async def added(self, package: bytes | LinkedCode) -> AsyncIterator[Code]:
        """Unpack and store a package durably; it cannot be collected while this is entered.

        Refer to it before leaving. Linked code stays where it is. Raises CodeRejected, StoreError.
        """
        if isinstance(package, LinkedCode):
            await self.ensure(package.name)
            yield Code(package.name, package.sha256, 0)
            return
        digest = await asyncio.to_thread(hashlib.sha256, package)
        name = digest.hexdigest()
        with self._pin([name]):
            await self.unpack(name, package)
            async with self._turns.take(name):
                await self._blobs.put(package)
            yield Code(name, base64.b64encode(digest.digest()).decode("ascii"), len(package))

    @contextlib.asynccontextmanager
    async def held(self, hashes: Sequence[str]) -> AsyncIterator[None]:
        """Stored packages cannot be collected while this is entered, nor soon after on other nodes.

        Refer to them before leaving. Raises BlobMissing.
        """
        with self._pin(hashes):
            for code_hash in hashes:
                if linked_code(code_hash) is None:
                    async with self._turns.take(code_hash):
                        await self._blobs.keep(code_hash)
            yield

    @contextlib.contextmanager
    def _pin(self, names: Sequence[str]) -> Iterator[None]:
        self._pinned.update(names)
        try:
            yield
        finally:
            self._pinned.subtract(names)
            for name in names:
                if not self._pinned[name]:
                    del self._pinned[name]

    async def unpack(self, code_hash: str, package: bytes | Path) -> Path:
        """The tree of a package, unpacked unless it is there. Raises CodeRejected, StorageFull."""
        if code_hash not in self._present:
            async with self._turns.take(code_hash):
                if code_hash not in self._present:
                    await asyncio.to_thread(self._unpack, code_hash, package)
                    self._present.add(code_hash)
        return self.tree(code_hash)

    async def ensure(self, code_hash: str) -> Path:
        """The tree of a stored package, unpacked again if it is gone. Raises BlobMissing; CodeRejected where the folder
        of linked code is not there.
        """
        linked = linked_code(code_hash)
        if linked is not None:
            if not linked.folder.is_dir():
                raise CodeRejected(f"The code is linked to {linked.folder}, and no folder is there.")
            return linked.folder
        if code_hash not in self._present:
            path = self._blobs.path(code_hash)
            if not path.exists():
                raise BlobMissing(f"no deployment package {code_hash}")
            return await self.unpack(code_hash, path)
        return self.tree(code_hash)

    async def merged(self, hashes: Sequence[str]) -> Path | None:
        """The tree of these packages laid over one another, made unless it is there; None for no packages.

        Raises BlobMissing, StorageFull, StoreError.
        """
        if len(hashes) < 2:
            return await self.ensure(hashes[0]) if hashes else None
        name = merged_name(hashes)
        if name not in self._present:
            sources = [await self.ensure(code_hash) for code_hash in hashes]
            async with self._turns.take(name):
                if name not in self._present:
                    await asyncio.to_thread(self._make, name, lambda target: merge_trees(sources, target))
                    self._present.add(name)
        return self.tree(name)

    async def unpacked_size(self, code_hash: str) -> int:
        """The bytes of a stored package's files, once unpacked; none of linked code. Raises BlobMissing."""
        if linked_code(code_hash) is not None:
            return 0  # it is about to change, and what is deployed of it in the end is not all that is there
        size = self._sizes.get(code_hash)
        if size is None:
            tree = await self.ensure(code_hash)
            size = self._sizes[code_hash] = await asyncio.to_thread(_size, tree)
        return size

    def tree(self, code_hash: str) -> Path:
        """Where the tree is, or will be once it is unpacked."""
        return self._root / code_hash

    def has_tree(self, code_hash: str) -> bool:
        """Whether the tree is unpacked."""
        return code_hash in self._present

    async def package(self, code_hash: str) -> bytes:
        """The stored package. Raises BlobMissing."""
        return await self._blobs.get(code_hash)

    async def collect(
        self, read_referred: Callable[[], Awaitable[AbstractSet[str]]], older_than_s: float
    ) -> int:
        """Remove packages and trees that nothing refers to. Returns how many packages went.

        `read_referred` reads the hashes that are referred to, and the names of merged trees. Packages stored,
        or stored again, in the last `older_than_s` seconds stay: on another node someone may be about to refer
        to them.
        """
        unused_since = time.time() - older_than_s
        # Pinned now, a package may be referred to by a row written after the rows have been read.
        kept = set(self._pinned) | await read_referred()
        gone = 0
        for name in await asyncio.to_thread(lambda: list(self._blobs.names())):
            if name in kept:
                continue
            async with self._turns.take(name):
                # Looked at within the turn: one who stores the package again waits for it, or has been before.
                if name in self._pinned or self._blobs.path(name).stat().st_mtime > unused_since:
                    continue
                await self._discard(name)
                await self._blobs.delete(name)
                gone += 1
        for name in [name for name in self._present if name.startswith(PREFIX) and name not in kept]:
            async with self._turns.take(name):
                if self.tree(name).stat().st_mtime <= unused_since:
                    await self._discard(name)
        return gone

    async def _discard(self, name: str) -> None:
        if name in self._present:
            self._present.remove(name)
            self._sizes.pop(name, None)
            # Out of its place first: half a tree must not be found there after a crash.
            removed = self._root / f"tmp-{secrets.token_hex(8)}"
            await asyncio.to_thread(self.tree(name).rename, removed)
            await asyncio.to_thread(remove_tree, removed)

    def _open(self) -> None:
        self._root.mkdir(parents=True, exist_ok=True)
        self._blobs.discard_temporary()
        boot = self._root / _BOOT
        same_boot = boot.exists() and boot.read_text() == _boot_id()
        for entry in list(self._root.iterdir()):
            if entry.name == _BOOT:
                continue
            if same_boot and not entry.name.startswith("tmp-"):
                self._present.add(entry.name)
            else:
                remove_tree(entry)
        if not same_boot:
            boot.write_text(_boot_id())

    def _unpack(self, code_hash: str, package: bytes | Path) -> None:
        self._make(code_hash, lambda target: unpack_archive(package, target, self._limits))

    def _make(self, name: str, fill: Callable[[Path], object]) -> None:
        """All or nothing: `fill` works in a temporary folder that is renamed when it is done."""
        temporary = self._root / f"tmp-{secrets.token_hex(8)}"
        temporary.mkdir()
        try:
            fill(temporary)
            # Renaming a folder needs write permission on it where its parent's entry changes.
            temporary.chmod(0o755)
            temporary.rename(self.tree(name))
            self.tree(name).chmod(0o555)
        except BaseException as error:
            remove_tree(temporary)
            if not isinstance(error, OSError):
                raise
            if error.errno in NO_SPACE:
                raise StorageFull("no space left for the files of functions") from error
            raise StoreError(f"the files of a function could not be arranged: {error}") from error


def _size(tree: Path) -> int:
    return sum(
        os.lstat(os.path.join(folder, name)).st_size  # noqa: PTH118 - os.walk gives text
        for folder, _, files in os.walk(tree)
        for name in files
    )


def remove_tree(tree: Path) -> None:
    """Remove a folder with everything in it, read-only folders too; one that is not there is no error."""
    for folder, _, _ in os.walk(tree):
        os.chmod(folder, stat.S_IRWXU)  # noqa: PTH101 - os.walk gives text
    shutil.rmtree(tree, ignore_errors=True)


def _boot_id() -> str:
    """What changes when the machine starts anew."""
    linux = Path("/proc/sys/kernel/random/boot_id")
    if linux.exists():
        return linux.read_text().strip()
    return str(round(time.time() - time.monotonic(), -2))
