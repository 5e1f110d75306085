"""Trees laid over one another: what counts, what is shared, what is left behind."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest

from lambent.functions import CodeStore
from lambent.functions.layer_tree import merge_trees, merged_name
from lambent.store import BlobMissing, BlobStore, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Tree: TypeAlias = "dict[str, str | Tree]"
"""Text of a file, `-> target` of a link, or a folder."""


def plant(folder: Path, tree: Tree) -> Path:
    folder.mkdir()
    for name, content in tree.items():
        path = folder / name
        if isinstance(content, dict):
            plant(path, content)
        elif content.startswith("-> "):
            path.symlink_to(content.removeprefix("-> "))
        else:
            path.write_text(content)
            path.chmod(0o555 if content.startswith("#!") else 0o444)
    folder.chmod(0o555)
    return folder


def seen(folder: Path) -> Tree:
    found: Tree = {}
    for path in sorted(folder.iterdir()):
        if path.is_symlink():
            found[path.name] = f"-> {path.readlink()}"
        else:
            found[path.name] = seen(path) if path.is_dir() else path.read_text()
    return found


@pytest.mark.parametrize(
    ("layers", "merged"),
    [
        ([{}, {}], {}),
        ([{"a": "1"}, {"b": "2"}], {"a": "1", "b": "2"}),
        ([{"a": "1"}, {"a": "2"}, {"a": "3"}], {"a": "3"}),
        ([{"d": {"a": "1", "b": "1"}}, {"d": {"b": "2", "e": {}}}], {"d": {"a": "1", "b": "2", "e": {}}}),
        ([{"a": {"b": {"c": "1"}}}, {"a": "2"}], {"a": "2"}),
        ([{"a": "1"}, {"a": {"b": "2"}}], {"a": {"b": "2"}}),
        ([{"a": {"b": "1"}}, {"a": "2"}, {"a": {"c": "3"}}], {"a": {"c": "3"}}),
        ([{"a": "-> b", "b": {"x": "1"}}, {"a": {"y": "2"}}], {"a": {"y": "2"}, "b": {"x": "1"}}),
        ([{"a": {"x": "1"}}, {"a": "-> b"}], {"a": "-> b"}),
        ([{"a": "-> b"}, {"a": "2"}], {"a": "2"}),
        # A file is never written through a link, wherever it leads.
        ([{"a": "-> ../../outside"}, {"a": {"x": "2"}}], {"a": {"x": "2"}}),
        ([{"lib": {"a": "-> b", "b": "1"}}, {"lib": {"b": "2"}}], {"lib": {"a": "-> b", "b": "2"}}),
    ],
)
def test_the_later_counts(tmp_path: Path, layers: list[Tree], merged: Tree) -> None:
    sources = [plant(tmp_path / str(number), tree) for number, tree in enumerate(layers)]
    before = [seen(source) for source in sources]
    target = tmp_path / "merged"
    target.mkdir()
    merge_trees(sources, target)
    assert seen(target) == merged
    assert [seen(source) for source in sources] == before


def test_files_are_shared_and_folders_read_only(tmp_path: Path) -> None:
    sources = [plant(tmp_path / "1", {"bin": {"run": "#!1"}}), plant(tmp_path / "2", {"bin": {"x": "2"}})]
    target = tmp_path / "merged"
    target.mkdir()
    merge_trees(sources, target)
    assert (target / "bin" / "run").samefile(tmp_path / "1" / "bin" / "run")
    assert os.access(target / "bin" / "run", os.X_OK)
    assert [oct(path.stat().st_mode & 0o777) for path in (target, target / "bin")] == ["0o555"] * 2


def test_deep_trees(tmp_path: Path) -> None:
    tree: Tree = {"file": "deep"}
    for _ in range(500):
        tree = {"d": tree}
    source, target = plant(tmp_path / "1", tree), tmp_path / "merged"
    target.mkdir()
    merge_trees([source, source], target)
    assert (target / "/".join("d" * 500) / "file").read_text() == "deep"


@pytest.fixture
def store(tmp_path: Path) -> Callable[[], CodeStore]:
    """Opens the code store of a data directory, as a platform that starts does."""
    return lambda: CodeStore(tmp_path / "code", BlobStore(tmp_path / "blobs"))


async def put(store: CodeStore, package: bytes) -> str:
    async with store.added(package) as code:
        return code.hash


async def test_a_merged_tree_is_made_once(
    store: Callable[[], CodeStore], package: Callable[..., bytes]
) -> None:
    opened = store()
    one, two = await put(opened, package("1", a="1")), await put(opened, package("2", b="2"))
    assert await opened.merged([]) is None
    assert await opened.merged([one]) == opened.tree(one)
    trees = await asyncio.gather(*(opened.merged([one, two]) for _ in range(10)))
    assert set(trees) == {opened.tree(merged_name([one, two]))}
    other = await opened.merged([two, one])
    assert other is not None
    assert other not in trees
    made = other.stat().st_ino
    again = store()
    assert await again.merged([two, one]) == other
    assert other.stat().st_ino == made


async def test_a_tree_that_was_not_finished_does_not_count(
    store: Callable[[], CodeStore], package: Callable[..., bytes], tmp_path: Path
) -> None:
    opened = store()
    one, two = await put(opened, package("1")), await put(opened, package("2"))
    (tmp_path / "code" / "tmp-killed").mkdir()
    merged = await opened.merged([one, two])
    assert merged is not None
    # The machine has started anew: trees are not synced, so nothing unpacked is trusted.
    (tmp_path / "code" / "boot").write_text("another boot")
    restarted = store()
    assert not merged.exists()
    assert not (tmp_path / "code" / "tmp-killed").exists()
    assert await restarted.merged([one, two]) == merged
    assert (merged / "app.py").read_text().endswith("2")


async def test_what_cannot_be_merged_leaves_nothing(
    store: Callable[[], CodeStore], package: Callable[..., bytes], tmp_path: Path
) -> None:
    opened = store()
    one, two = await put(opened, package("1")), await put(opened, package("2"))
    (opened.tree(two)).rename(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match="could not be arranged"):
        await opened.merged([one, two])
    assert not [path.name for path in (tmp_path / "code").iterdir() if path.name.startswith(("tmp-", "opt-"))]
    (tmp_path / "elsewhere").rename(opened.tree(two))
    assert await opened.merged([one, two]) is not None
    with pytest.raises(BlobMissing):
        await opened.merged([one, "0" * 64])


async def test_unused_merged_trees_are_collected(
    store: Callable[[], CodeStore], package: Callable[..., bytes]
) -> None:
    opened = store()
    one, two = await put(opened, package("1")), await put(opened, package("2"))
    kept, unused = await opened.merged([one, two]), await opened.merged([two, one])
    assert kept is not None
    assert unused is not None

    async def referred() -> set[str]:
        return {one, two, kept.name}

    assert await opened.collect(referred, 3600) == 0
    assert unused.exists()
    assert await opened.collect(referred, -1) == 0
    assert not unused.exists()
    assert kept.exists()
    assert await opened.merged([two, one]) == unused
    assert unused.exists()


async def test_sizes_are_those_of_the_files(
    store: Callable[[], CodeStore], package: Callable[..., bytes]
) -> None:
    opened = store()
    code = await put(opened, package("", a="12345", b="123"))
    handler = len("def handler(event, context):\n    return event\n")
    assert await opened.unpacked_size(code) == await opened.unpacked_size(code) == handler + 8
    with pytest.raises(BlobMissing):
        await opened.unpacked_size("0" * 64)


async def test_packages_that_are_held_stay(home: Any, package: Callable[..., bytes]) -> None:
    registry = await home.open()
    with pytest.raises(BlobMissing):
        async with registry.code.held(["0" * 64]):
            pass
    await home.close()
