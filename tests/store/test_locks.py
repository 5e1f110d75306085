from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lambent.store import DirectoryInUse
from lambent.store.locks import FileLock

if TYPE_CHECKING:
    from pathlib import Path


def test_a_lock_is_held_until_it_is_released(tmp_path: Path) -> None:
    lock = FileLock(tmp_path / "lock")
    with pytest.raises(DirectoryInUse):
        FileLock(tmp_path / "lock")
    lock.release()
    lock.release()
    FileLock(tmp_path / "lock").release()


def test_locks_of_other_files_are_independent(tmp_path: Path) -> None:
    first, second = FileLock(tmp_path / "first"), FileLock(tmp_path / "second")
    first.release()
    second.release()
