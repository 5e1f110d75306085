from __future__ import annotations

import contextlib
import hashlib
import os
import platform
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest
from tests.deploy.build.conftest import environment

from lambent.deploy.build import link
from lambent.deploy.errors import BuildError
from lambent.deploy.project import Project

if TYPE_CHECKING:
    from pathlib import Path

    from tests.deploy.build.conftest import Code, Wheels


def test_folders_are_the_source_as_it_is_now(code: Code, tmp_path: Path) -> None:
    into = tmp_path / "lïnked code"
    code.write("app.py", "A = 1")
    code.write("shop/__init__.py", "B = 1")
    code.write("run.sh", "x").chmod(0o755)
    manifest = code.manifest(
        code.unit("app", "app.py", "shop/__init__.py", include=("run.sh",)),
        code.unit("b", "shop/__init__.py"),
    )
    first = link(code.project, manifest, into).folders
    assert (first["app"] / "shop/__init__.py").read_text() == "B = 1"
    assert sorted(path.name for path in first["b"].iterdir()) == ["shop"]
    assert os.access(first["app"] / "run.sh", os.X_OK)
    assert not (first["app"] / "app.py").stat().st_mode & 0o222
    assert link(code.project, manifest, into).folders == first

    # A change: of the same size, in the same tick of the clock, as it may be.
    code.write("app.py", "A = 2")
    second = link(code.project, manifest, into).folders
    assert second["app"] != first["app"]
    assert second["b"] == first["b"]  # whose files have not changed
    assert (second["app"] / "app.py").read_text() == "A = 2"
    assert (first["app"] / "app.py").read_text() == "A = 1"  # code that serves stays as it is
    unchanged = "shop/__init__.py"
    assert (second["app"] / unchanged).stat().st_ino == (first["app"] / unchanged).stat().st_ino

    code.write("app.py", "A = 1")
    assert link(code.project, manifest, into).folders == first


def test_what_ran_until_now_stays_however_old_it_is(code: Code, tmp_path: Path) -> None:
    into = tmp_path / "linked"
    manifest = code.manifest(code.unit("app", "app.py"))
    code.write("app.py", "before lunch")
    running = link(code.project, manifest, into).folders["app"]
    past = time.time() - 3600
    os.utime(running, (past, past))
    code.write("app.py", "after lunch")
    link(code.project, manifest, into)
    assert (running / "app.py").read_text() == "before lunch"


def test_old_snapshots_go_when_nobody_can_run_them_any_more(code: Code, tmp_path: Path) -> None:
    into = tmp_path / "linked"
    manifest = code.manifest(code.unit("app", "app.py"))
    code.write("app.py", "old")
    old = link(code.project, manifest, into).folders["app"]
    code.write("app.py", "new")
    new = link(code.project, manifest, into).folders["app"]
    assert old.is_dir()
    past = time.time() - 3600
    for folder in (old, new):
        os.utime(folder, (past, past))
    link(code.project, manifest, into)
    assert not old.exists()
    assert [path.read_text() for path in (into / "blobs").rglob("*") if path.is_file()] == ["new"]
    assert (new / "app.py").read_text() == "new"


def test_the_search_path_has_what_the_interpreter_has(code: Code, tmp_path: Path) -> None:
    code.write("app.py")
    path = link(code.project, code.manifest(code.unit("app", "app.py")), tmp_path / "linked").search_path
    assert any((os.path.exists(os.path.join(folder, "msgspec"))) for folder in path)  # noqa: PTH110, PTH118
    assert not any(folder.endswith("lib-dynload") for folder in path)


def test_nothing_half_made_stays_where_a_file_cannot_be_read(code: Code, tmp_path: Path) -> None:
    into = tmp_path / "linked"
    code.write("app.py")
    code.write("shop/__init__.py")
    (code.root / "shop" / "data").symlink_to("/proc/self/mem")
    with pytest.raises(BuildError, match="cannot be read"):
        link(code.project, code.manifest(code.unit("app", "app.py", "shop/__init__.py")), into)
    assert [path for path in into.iterdir() if path.name != "blobs"] == []


def test_a_file_that_is_being_written_is_never_kept_as_something_else(code: Code, tmp_path: Path) -> None:
    into = tmp_path / "linked"
    path = code.write("app.py", "x" * 200_000)
    manifest = code.manifest(code.unit("app", "app.py"))
    over = threading.Event()

    def write() -> None:
        number = 0
        while not over.is_set():
            number += 1
            path.write_bytes(b"%d " % number * 50_000)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(20):
            with contextlib.suppress(BuildError):  # it has not stood still for long enough: that is said
                link(code.project, manifest, into)
    finally:
        over.set()
        writer.join()
    for blob in (into / "blobs" / "-").iterdir():
        assert hashlib.sha256(blob.read_bytes()).hexdigest() == blob.name
    code.write("app.py", "in the end")
    assert (link(code.project, manifest, into).folders["app"] / "app.py").read_text() == "in the end"


def test_a_project_that_is_installed_as_editable_is_not_found_beside_its_snapshot(
    code: Code, tmp_path: Path
) -> None:
    code.write("src/app.py")
    python = environment(code.root / ".venv")
    site = next(python.parent.parent.glob("lib/python*/site-packages"))
    (site / "editable.pth").write_text(f"{code.root / 'src'}\n{tmp_path}\n")
    project = Project(root=code.root, python=python)
    linked = link(project, code.manifest(code.unit("app", "app.py", source="src")), tmp_path / "linked")
    assert linked.search_path == (str(site), str(tmp_path))


def test_units_of_another_python_have_their_packages_in_their_folder(
    code: Code, wheels: Wheels, tmp_path: Path
) -> None:
    other = "3.12" if sys.version_info[:2] == (3, 13) else "3.13"
    tag = f"cp{other.replace('.', '')}"
    machine = platform.machine()
    native = {"alpha/__init__.py": b"", "alpha/core.so": b"native" * 1000}
    wheels.add("alpha", tag=f"{tag}-{tag}-manylinux_2_17_{machine}", files=native)
    code.write("requirements.txt", f"{wheels.lines}alpha\n")
    code.write("app.py", "import alpha")
    manifest = code.manifest(
        code.unit(
            "here", "app.py", imports=("alpha",), runtime=f"python{sys.version_info[0]}.{sys.version_info[1]}"
        ),
        code.unit("there", "app.py", imports=("alpha",), runtime=f"python{other}", architecture="arm64"),
    )
    folders = link(code.project, manifest, tmp_path / "linked").folders
    assert [path.name for path in folders["here"].iterdir()] == ["app.py"]
    assert (folders["there"] / "alpha/core.so").read_bytes() == native["alpha/core.so"]
    assert link(code.project, manifest, tmp_path / "linked").folders == folders
