"""Errors of the user's code, with their place."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from lambent.deploy.errors import AnalysisError, ProjectError
from lambent.dev.problems import check_syntax, described

if TYPE_CHECKING:
    from pathlib import Path


def test_wrong_syntax_has_its_line_and_a_caret(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("x = 1\n\tdef f(:\n".replace("\t", ""))
    with pytest.raises(ProjectError) as failed:
        check_syntax(tmp_path, ["notes.txt", "gone.py", "app.py"])
    problem = described(failed.value, tmp_path)
    assert problem.text.startswith("app.py:2: SyntaxError: ")
    assert problem.details == ["2 │ def f(:", "  │       ^"]


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node on this machine")
def test_scripts_are_asked_of_node(tmp_path: Path) -> None:
    (tmp_path / "good.mjs").write_text("export const handler = async () => 1\n")
    (tmp_path / "index.mjs").write_text("export const one = 1\nexport const = 3\n")
    check_syntax(tmp_path, ["good.mjs", "gone.js"])
    with pytest.raises(ProjectError) as failed:
        check_syntax(tmp_path, ["good.mjs", "index.mjs"])
    problem = described(failed.value, tmp_path)
    assert problem.text == "index.mjs:2: SyntaxError: Unexpected token '='"
    assert problem.details == ["2 │ export const = 3", "  │              ^"]


def test_an_exception_at_import_has_its_line(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("import os\nos.environ['SHOP']\n")
    error = AnalysisError("KeyError: 'SHOP'", place="app.py:2", hint="set it", output="Traceback …")
    problem = described(error, tmp_path)
    assert problem == ("app.py:2: KeyError: 'SHOP'", ["2 │ os.environ['SHOP']"], "set it")


def test_without_a_place_the_output_says_it(tmp_path: Path) -> None:
    problem = described(AnalysisError("it ended", output="killed\n"), tmp_path)
    assert problem == ("it ended", ["killed"], None)
