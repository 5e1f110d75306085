from __future__ import annotations

import asyncio
import hashlib
import stat
from typing import TYPE_CHECKING

import pytest

from lambent.functions import CodeRejected, CodeStore, Limits
from lambent.store import BlobMissing, BlobStore

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path
    from typing import Protocol

    class Package(Protocol):
        def __call__(self, content: str = "", **files: str) -> bytes: ...


def store(root: Path, limits: Limits | None = None) -> CodeStore:
    return CodeStore(root / "code", BlobStore(root / "blobs"), limits)


def referring(*names: str) -> Callable[[], Awaitable[set[str]]]:
    async def read() -> set[str]:
        return set(names)

    return read


async def test_a_package_is_unpacked_and_kept(tmp_path: Path, package: Package) -> None:
    code = store(tmp_path)
    async with code.added(package()) as added:
        assert added.hash == hashlib.sha256(package()).hexdigest()
        assert added.size == len(package())
    assert code.has_tree(added.hash)
    assert "def handler" in (code.tree(added.hash) / "app.py").read_text()
    assert stat.S_IMODE(code.tree(added.hash).stat().st_mode) == 0o555
    assert await code.package(added.hash) == package()


async def test_a_package_is_unpacked_once_however_often_it_comes(tmp_path: Path, package: Package) -> None:
    code = store(tmp_path)

    async def add() -> int:
        async with code.added(package()) as added:
            return (code.tree(added.hash) / "app.py").stat().st_ino

    assert len(set(await asyncio.gather(*(add() for _ in range(20))))) == 1
    assert sorted(entry.name for entry in (tmp_path / "code").iterdir()) == sorted(
        ["boot", hashlib.sha256(package()).hexdigest()]
    )


async def test_a_refused_package_leaves_nothing(tmp_path: Path, package: Package) -> None:
    code = store(tmp_path, Limits(unzipped=50))
    for wrong in (b"no zip", package("#" * 100)):
        with pytest.raises(CodeRejected):
            async with code.added(wrong):
                raise AssertionError
    assert [entry.name for entry in (tmp_path / "code").iterdir()] == ["boot"]
    assert list(BlobStore(tmp_path / "blobs").names()) == []


async def test_trees_are_found_again(tmp_path: Path, package: Package) -> None:
    async with store(tmp_path).added(package()) as added:
        pass
    again = store(tmp_path)
    assert again.has_tree(added.hash)
    assert await again.ensure(added.hash) == again.tree(added.hash)


async def test_trees_of_another_boot_are_unpacked_again(tmp_path: Path, package: Package) -> None:
    async with store(tmp_path).added(package()) as added:
        pass
    (tmp_path / "code" / "boot").write_text("another")
    again = store(tmp_path)
    assert not again.has_tree(added.hash)
    assert not again.tree(added.hash).exists()
    tree = await again.ensure(added.hash)
    assert (tree / "app.py").is_file()
    assert store(tmp_path).has_tree(added.hash)


async def test_half_a_tree_is_not_mistaken_for_a_whole_one(tmp_path: Path) -> None:
    store(tmp_path)
    half = tmp_path / "code" / "tmp-0123"
    half.mkdir()
    (half / "app.py").write_text("def hand")
    half.chmod(0o555)
    store(tmp_path)
    assert not half.exists()


async def test_a_package_that_is_not_stored_cannot_be_unpacked(tmp_path: Path) -> None:
    with pytest.raises(BlobMissing):
        await store(tmp_path).ensure("0" * 64)


async def test_collecting_keeps_what_is_referred_to_in_use_or_new(tmp_path: Path, package: Package) -> None:
    code = store(tmp_path)
    names = []
    for content in ("referred", "in use", "gone"):
        async with code.added(package(content)) as added:
            names.append(added.hash)
    async with code.added(package("in use")):
        assert await code.collect(referring(names[0]), 3600) == 0
        assert await code.collect(referring(names[0]), 0) == 1
    assert [code.has_tree(name) for name in names] == [True, True, False]
    assert not code.tree(names[2]).exists()
    with pytest.raises(BlobMissing):
        await code.package(names[2])
    assert await code.collect(referring(), 0) == 2
