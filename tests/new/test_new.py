"""New projects: whole, under their own name, with tests that pass; or nothing at all."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hatchling.builders.wheel import WheelBuilder

from lambent.deploy.errors import ProjectError
from lambent.deploy.new import TEMPLATES, create, template_named

if TYPE_CHECKING:
    from collections.abc import Callable

REPOSITORY = Path(__file__).parents[2]


def lambent_new(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lambent.cli", "new", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )


TESTS_OF_ALL = """
import os, sys, pytest
for folder in sys.argv[1:]:
    os.chdir(folder)
    ended = pytest.main(["-q", "--ignore=tests/test_on_platform.py"])
    if ended:
        sys.exit(ended)
    for name, module in list(sys.modules.items()):
        if str(getattr(module, "__file__", None)).startswith(folder):
            del sys.modules[name]  # each has an app.py
    sys.path[:] = [path for path in sys.path if not path.startswith(folder)]
"""


def test_the_tests_of_new_projects_pass(tmp_path: Path) -> None:
    folders = []
    for name, template in TEMPLATES.items():
        folder = tmp_path / "mein Läden" / f"corner-{name}"
        folders.append(str(folder))
        created = create(template, folder)
        files = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
        assert sorted(created.files) == sorted(files)
        settings = tomllib.loads((folder / "lambent.toml").read_text())
        assert settings["app"]["name"] == folder.name
        assert tomllib.loads((folder / "pyproject.toml").read_text())["project"]["name"] == folder.name
        assert f'App("{folder.name}"' in (folder / "app.py").read_text()
    # One interpreter for all: what takes time is to start it.
    ended = subprocess.run(
        [sys.executable, "-c", TESTS_OF_ALL, *folders],
        env={
            **os.environ,
            "PYTHONPATH": str(REPOSITORY / "src"),
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout
    assert ended.stdout.count(" passed") == len(TEMPLATES)


def test_the_next_commands_are_told(tmp_path: Path) -> None:
    ended = lambent_new("corner shop", "--name", "corner-shop", "--template", "worker", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert "  cd 'corner shop'\n  lambent dev " in ended.stdout
    assert (tmp_path / "corner shop" / "app.py").is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["corner shop"]
    listed = lambent_new("--list", cwd=tmp_path)
    assert [line.split()[0] for line in listed.stdout.splitlines()[3:] if line.strip()] == list(TEMPLATES)
    refused = lambent_new("Corner", cwd=tmp_path)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith(
        "Error: 'Corner' cannot be the name of an app.\nA name has small letters"
    )


def test_a_folder_with_a_repository_will_do(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    created = create(TEMPLATES["http"], tmp_path, "notes")
    assert (tmp_path / ".gitignore").is_file()
    assert created.name == "notes"


def test_ctrl_c_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".git").mkdir()
    rename = Path.rename

    def interrupted(path: Path, target: Path) -> Path:
        if path.name == "app.py":
            raise KeyboardInterrupt
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        create(TEMPLATES["http"], tmp_path, "notes")
    assert [path.name for path in tmp_path.iterdir()] == [".git"]


def empty(_: Path) -> None:
    pass


def with_files(folder: Path) -> None:
    folder.mkdir()
    for name in "abcdefg":
        (folder / name).touch()


def a_file(folder: Path) -> None:
    folder.touch()


def a_dead_link(folder: Path) -> None:
    folder.symlink_to("nowhere")


def below_a_file(folder: Path) -> None:
    folder.parent.rmdir()
    folder.parent.touch()


MISTAKES: list[tuple[str, str | None, Callable[[Path], None], str]] = [
    ("shop", None, with_files, "shop is not empty: it has a, b, c, d, e and 2 more"),
    ("shop", None, a_file, "shop is a file"),
    ("shop", None, a_dead_link, "shop leads nowhere"),
    ("shop", None, below_a_file, "shop could not be made: "),
    ("My Shop", None, empty, "'My Shop' cannot be the name of an app"),
    ("läden", None, empty, "'läden' cannot be the name of an app"),
    ("shop", "shop_2", empty, "'shop_2' cannot be the name of an app"),
    ("shop", "-x", empty, "'-x' cannot be the name of an app"),
    ("shop", "", empty, "'' cannot be the name of an app"),
    ("shop", "s" * 33, empty, "is too long for the name of an app: 33 characters, and 32 are allowed"),
    ("lambent", None, empty, "an app cannot be called 'lambent': a module is"),
]


@pytest.mark.parametrize(("folder", "name", "prepare", "message"), MISTAKES, ids=[one[3] for one in MISTAKES])
def test_mistakes_are_told_and_leave_nothing(
    folder: str, name: str | None, prepare: Callable[[Path], None], message: str, tmp_path: Path
) -> None:
    inside = tmp_path / "inside"
    inside.mkdir()
    prepare(inside / folder)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(ProjectError) as failed:
        create(TEMPLATES["http"], inside / folder, name)
    assert message in str(failed.value)
    assert failed.value.hint
    assert sorted(tmp_path.rglob("*")) == before


def test_templates_that_are_not_there_are_told() -> None:
    with pytest.raises(ProjectError, match="no template workr") as failed:
        template_named("workr")
    assert failed.value.hint == "Did you mean worker? There are http, worker, websocket, shop."


def test_the_package_has_them() -> None:
    """The wheel's templates are the examples themselves, and nothing that running them has left there."""
    files = {
        file.distribution_path: file.path for file in WheelBuilder(str(REPOSITORY)).recurse_included_files()
    }
    for name, template in TEMPLATES.items():
        below = f"lambent/deploy/new/templates/{name}/"
        there = {path: Path(file) for path, file in files.items() if path.startswith(below)}
        assert there == {
            f"{below}{path.as_posix()}": REPOSITORY / "examples" / name / path for path, _ in template.files()
        }
