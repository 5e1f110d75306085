"""What /opt shows: the trees of several layers as one, each over those before it."""

# Of tens of thousands of files: names as text are several times as fast as paths.
# ruff: noqa: PTH101, PTH102, PTH108, PTH112, PTH114, PTH115, PTH211
from __future__ import annotations

import hashlib
import os
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PREFIX = "opt-"
"""How the names of merged trees begin; those of packages are hashes."""


def merged_name(hashes: Sequence[str]) -> str:
    """The name of the tree that these packages make, in this order."""
    return PREFIX + hashlib.sha256("\n".join(hashes).encode()).hexdigest()


def merge_trees(sources: Sequence[Path], target: Path) -> None:
    """Lay the trees over one another in `target`, an empty folder, and make it read-only. Raises OSError.

    Folders of the same name become one; of files, links and anything against a folder the later counts. Files
    are shared with their source where the file system permits. Links are taken as they are and never followed:
    what one leads to may come from another layer.
    """
    folders = [str(target)]
    for source in sources:
        left = [(str(source), str(target))]
        while left:
            below, place = left.pop()
            with os.scandir(below) as entries:
                for entry in entries:
                    path = f"{place}/{entry.name}"
                    if entry.is_dir(follow_symlinks=False):
                        if _make_folder(path):
                            folders.append(path)
                        left.append((entry.path, path))
                    else:
                        _clear(path)
                        _place(entry, path)
    for folder in folders:
        if os.path.isdir(folder) and not os.path.islink(folder):
            os.chmod(folder, 0o555)  # noqa: S103 - not writable, for nobody


def _make_folder(path: str) -> bool:
    """See that a folder is there. Returns whether it is new."""
    try:
        os.mkdir(path, 0o755)
    except FileExistsError:
        if not os.path.islink(path) and os.path.isdir(path):
            return False
        os.unlink(path)
        os.mkdir(path, 0o755)
    return True


def _clear(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    except (IsADirectoryError, PermissionError):  # the one is Linux's, the other POSIX's
        shutil.rmtree(path)


def _place(entry: os.DirEntry[str], path: str) -> None:
    if entry.is_symlink():
        os.symlink(os.readlink(entry.path), path)
        return
    try:
        os.link(entry.path, path)
    except OSError:
        # Too many links to one file, or a file system that has none.
        shutil.copy2(entry.path, path)
