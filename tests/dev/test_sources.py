"""What counts as a change of the project."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from tests.dev.running import save

from lambent.dev.sources import Sources, is_source

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.mark.parametrize(
    ("change", "changed"),
    [
        (lambda root: save(root / "app.py", "a = 2\n"), ["app.py"]),
        (lambda root: (root / "app.py").write_text("a = 3\n"), ["app.py"]),
        (lambda root: (root / "new ö.py").touch(), ["new ö.py"]),
        (lambda root: (root / "pages" / "deep" / "x.html").touch(), ["pages/deep/x.html"]),
        (lambda root: (root / "app.py").unlink(), ["app.py"]),
        (lambda root: (root / "app.py").rename(root / "main.py"), ["app.py", "main.py"]),
        (lambda root: os.utime(root / "app.py", ns=(5, 5)), ["app.py"]),
    ],
)
def test_a_change_is_seen_once(tmp_path: Path, change: Callable[[Path], object], changed: list[str]) -> None:
    (tmp_path / "app.py").write_text("a = 1\n")
    (tmp_path / "pages" / "deep").mkdir(parents=True)
    sources = Sources(tmp_path)
    assert not sources.changed()
    change(tmp_path)
    assert sources.changed()
    assert sources.changed()  # as long as it is not taken
    assert sources.take() == changed
    assert not sources.changed()


@pytest.mark.parametrize(
    "name",
    [
        ".git/index",
        "__pycache__/app.pyc",
        "node_modules/a/x.js",
        ".lambent/a",
        "app.log",
        "x.py~",
        "env/a.py",
    ],
)
def test_what_programs_write_is_no_change(tmp_path: Path, name: str) -> None:
    (tmp_path / "env").mkdir()
    (tmp_path / "env" / "pyvenv.cfg").touch()
    sources = Sources(tmp_path)
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).touch()
    assert not sources.changed()
    assert sources.take() == []


def test_notices_are_heard_by_the_same_rule() -> None:
    assert is_source("shop/orders.py")
    assert not is_source(".git/index")
    assert not is_source("shop/__pycache__/orders.cpython-311.pyc")
