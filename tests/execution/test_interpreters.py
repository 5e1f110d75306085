"""Discovery: which binaries count, which of several wins, and what a missing one is told."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lambent.execution.errors import InterpreterMissing
from lambent.execution.interpreters import NEWEST, OLDEST, Interpreter, Interpreters

OWN = f"python{sys.version_info[0]}.{sys.version_info[1]}"
# A version other than that of the interpreter that runs the tests, which is always found.
MINOR = 12 if sys.version_info[1] != 12 else 13
OTHER = f"python3.{MINOR}"


def install(prefix: Path, version: str = OTHER, *, binary: str | None = None, library: bool = True) -> Path:
    """What an installation looks like from outside."""
    path = prefix / "bin" / (binary or version)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("#!/bin/false\n")
    path.chmod(0o755)
    if library:
        (prefix / "lib" / version).mkdir(parents=True)
        (prefix / "lib" / version / "os.py").touch()
    return path


def look(home: Path, **variables: str) -> Interpreters:
    return Interpreters(home, {"PATH": "", **variables})


def test_own_interpreter_is_always_found(tmp_path: Path) -> None:
    found = look(tmp_path).find(OWN)
    assert found.version[:3] == tuple(sys.version_info[:3])
    assert found.executable.is_relative_to(Path(sys.base_prefix).resolve())
    assert found.runtime == OWN
    assert found.cache_tag == sys.implementation.cache_tag
    code = "import sys; print(sys.base_prefix)"
    prefix = subprocess.check_output([found.executable, "-I", "-S", "-c", code], text=True).strip()
    assert Path(prefix).resolve() == found.prefix


@pytest.mark.parametrize(
    ("folder", "variable", "root"),
    [
        (f".pyenv/versions/3.{MINOR}.4", None, None),
        (f"elsewhere/versions/3.{MINOR}.4", "PYENV_ROOT", "elsewhere"),
        (f".local/share/uv/python/cpython-3.{MINOR}.4-linux-x86_64-gnu", None, None),
        (f"data/uv/python/cpython-3.{MINOR}.4-macos-aarch64-none", "XDG_DATA_HOME", "data"),
        (f"pythons/cpython-3.{MINOR}.4-linux-x86_64-gnu", "UV_PYTHON_INSTALL_DIR", "pythons"),
        (f".asdf/installs/python/3.{MINOR}.4", None, None),
        (f"asdf/installs/python/3.{MINOR}.4", "ASDF_DATA_DIR", "asdf"),
    ],
)
def test_version_managers(tmp_path: Path, folder: str, variable: str | None, root: str | None) -> None:
    binary = install(tmp_path / folder)
    variables = {variable: str(tmp_path / root)} if variable and root else {}
    found = look(tmp_path, **variables).find(OTHER)
    assert found == Interpreter((3, MINOR, 4), binary, tmp_path / folder)


def test_path(tmp_path: Path) -> None:
    binary = install(tmp_path / "usr")
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / OTHER).symlink_to(binary)
    for folder in ("usr/bin", "links"):
        found = look(tmp_path, PATH=f"/nowhere::{tmp_path / folder}").find(OTHER)
        assert found == Interpreter((3, MINOR), binary, tmp_path / "usr")


@pytest.mark.parametrize(
    "folder",
    [
        f".pyenv/versions/pypy3.{MINOR}-7.3",
        f".pyenv/versions/3.{MINOR}.4t",
        f".pyenv/versions/3.{MINOR}.0rc1",
        f".pyenv/versions/my-3.{MINOR}",
        f".local/share/uv/python/cpython-3.{MINOR}.4+freethreaded-linux-x86_64-gnu",
        f".local/share/uv/python/pypy-3.{MINOR}.4-linux-x86_64-gnu",
    ],
)
def test_other_builds_do_not_count(tmp_path: Path, folder: str) -> None:
    install(tmp_path / folder)
    with pytest.raises(InterpreterMissing):
        look(tmp_path).find(OTHER)


def test_shims_and_virtual_environments_do_not_count(tmp_path: Path) -> None:
    install(tmp_path / "shims-root", library=False)  # a script of that name without a library beside it
    install(tmp_path / "bare" / "bin", library=True)
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / OTHER).symlink_to(tmp_path / "nothing")
    not_executable = install(tmp_path / "plain")
    not_executable.chmod(0o644)
    folders = ["shims-root/bin", "broken", "plain/bin", "bare/bin"]
    with pytest.raises(InterpreterMissing):
        look(tmp_path, PATH=":".join(str(tmp_path / folder) for folder in folders)).find(OTHER)


def test_versions_out_of_range_do_not_count(tmp_path: Path) -> None:
    for minor in (OLDEST[1] - 1, NEWEST[1] + 1):
        install(tmp_path / ".pyenv" / "versions" / f"3.{minor}.1", f"python3.{minor}")
        with pytest.raises(InterpreterMissing):
            look(tmp_path).find(f"python3.{minor}")


def test_newest_patch_release_wins(tmp_path: Path) -> None:
    for patch in (3, 10, 9):
        install(tmp_path / ".pyenv" / "versions" / f"3.{MINOR}.{patch}")
    install(tmp_path / "usr")
    found = look(tmp_path, PATH=str(tmp_path / "usr" / "bin")).find(OTHER)
    assert found.version == (3, MINOR, 10)


def test_missing_names_what_there_is(tmp_path: Path) -> None:
    interpreters = look(tmp_path)
    with pytest.raises(InterpreterMissing) as missing:
        interpreters.find("python3.9" if OWN != "python3.9" else "python3.10")
    assert str(missing.value).startswith("no interpreter for python3.")
    assert f"found: {OWN} ({interpreters.find(OWN).executable})" in str(missing.value)


def test_nearest(tmp_path: Path) -> None:
    for minor in (9, 14):
        install(tmp_path / ".pyenv" / "versions" / f"3.{minor}.1", f"python3.{minor}")
    interpreters = look(tmp_path)
    own = sys.version_info[1]
    distances = {minor: {abs(minor - one) for one in (9, own, 14)} for minor in range(9, 15)}
    for minor in range(9, 15):
        nearest = interpreters.nearest(f"python3.{minor}")
        assert abs(nearest.version[1] - minor) == min(distances[minor])
    assert interpreters.nearest("python3.9").version[1] == 9
    # Of two at the same distance, the newer.
    assert interpreters.nearest("python3.20").version[1] == 14
    for runtime in ("nodejs22.x", "python", "provided.al2023"):
        with pytest.raises(InterpreterMissing, match=runtime):
            interpreters.nearest(runtime)


def test_of_two_at_the_same_distance_the_newer(tmp_path: Path) -> None:
    own = sys.version_info[1]
    if own != 11:
        pytest.skip("laid out for 3.11")
    install(tmp_path / ".pyenv" / "versions" / "3.13.1", "python3.13")
    assert look(tmp_path).nearest("python3.12").version[1] == 13


def test_all_in_order(tmp_path: Path) -> None:
    for minor in (14, 9):
        install(tmp_path / ".pyenv" / "versions" / f"3.{minor}.1", f"python3.{minor}")
    versions = [interpreter.version for interpreter in look(tmp_path)]
    assert versions == sorted(versions)
    assert {"python3.9", OWN, "python3.14"} == {f"python3.{version[1]}" for version in versions}


def test_every_interpreter_of_this_machine_is_what_its_name_says() -> None:
    for interpreter in Interpreters():
        code = "import sys; print(*sys.version_info[:3], sys.implementation.cache_tag)"
        words = subprocess.check_output([interpreter.executable, "-I", "-S", "-c", code], text=True).split()
        assert tuple(map(int, words[:3]))[: len(interpreter.version)] == interpreter.version
        assert words[3] == interpreter.cache_tag
