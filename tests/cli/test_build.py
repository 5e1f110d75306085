"""`lambent build`: packages, their sizes, and why a file is in."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import run_lambent

SETTINGS = """
[app]
name = "hi"

[[function]]
name = "greet"
handler = "greet.handler"
events = [{ route = "GET /hi" }]

[[function]]
name = "price"
handler = "index.handler"
path = "price"
runtime = "nodejs20.x"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    made = tmp_path / "mein größter Gruß"
    (made / "price").mkdir(parents=True)
    (made / "lambent.toml").write_text(SETTINGS)
    (made / "greet.py").write_text("from words import hi\n\ndef handler(event, context):\n    return hi\n")
    (made / "words.py").write_text("hi = 'hi'\n")
    (made / "unused.py").write_text("")
    (made / "price" / "index.mjs").write_text("export const handler = () => 1;\n")
    return made


def test_packages_are_made_once_and_shown_with_their_sizes(project: Path) -> None:
    ended = run_lambent(project, "build")
    assert ended.code == 0, ended.err
    assert re.search(r"greet +1 kB +1 kB", ended.out)
    assert re.search(r"2 packages in \.lambent/build, 2 made\. \(\d+\.\d s\)", ended.out)
    assert "nothing has changed" in run_lambent(project, "build").out
    told: dict[str, Any] = json.loads(run_lambent(project, "build", "--json").out)
    assert [(row["name"], row["kind"], row["reused"]) for row in told["packages"]] == [
        ("greet", "unit", True),
        ("price", "unit", True),
    ]
    assert Path(told["packages"][0]["path"]).stat().st_size == told["packages"][0]["size"]
    assert (project / ".lambent" / ".gitignore").read_text() == "*\n"


def test_why_a_file_is_in(project: Path) -> None:
    ended = run_lambent(project, "build", "--explain", "greet", "words.py")
    assert (ended.code, ended.out) == (0, "words.py (1 kB)\n  imported in greet.py:1\n")
    everything = run_lambent(project, "build", "--explain")
    assert re.search(r"greet\.py +1 kB +the handler greet\.handler is in it", everything.out)
    assert re.search(r"index\.mjs +1 kB +in the folder price", everything.out)
    assert "unused.py" not in everything.out


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (
            ("--explain", "greet", "unused.py"),
            "The package of greet has no unused.py",
            "lambent build --explain greet",
        ),
        (("greet",), "A unit is named for --explain only", "lambent build --explain greet"),
    ],
)
def test_what_cannot_be_is_one_message(
    project: Path, arguments: tuple[str, ...], message: str, hint: str
) -> None:
    ended = run_lambent(project, "build", *arguments)
    assert ended.code != 0
    assert message in ended.err
    assert hint in ended.err
    assert "Traceback" not in ended.err
