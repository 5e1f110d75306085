"""`lambent render`: an app for other tools."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import yaml  # type: ignore[import-untyped]
from tests.cli.conftest import run_lambent

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = """
[app]
name = "hi"

[[function]]
name = "greet"
handler = "greet.handler"
events = [{ route = "GET /hi" }]

[stages.prod]
protected = true
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    made = tmp_path / "mein größter Gruß"
    made.mkdir()
    (made / "lambent.toml").write_text(SETTINGS)
    (made / "greet.py").write_text("def handler(event, context):\n    return 'hi'\n")
    return made


def test_a_path_with_spaces_and_letters(project: Path) -> None:
    """Printing, and the usual course of things, is what docs/rendering.md shows."""
    ended = run_lambent(
        project, "render", "--format", "sam", "--output", "für sam", "--stage", "prod", "--json"
    )
    assert ended.code == 0, ended.err
    assert json.loads(ended.out) == {"format": "sam", "files": ["für sam/template.yaml"]}
    template = yaml.safe_load((project / "für sam/template.yaml").read_text())
    function = template["Resources"]["GreetFunction"]["Properties"]
    assert function["FunctionName"] == "hi-prod-greet"
    assert (project / "für sam" / function["CodeUri"]).is_file()
    assert [path.name for path in (project / "für sam").iterdir()] == ["template.yaml"]


def test_what_cannot_be_rendered_is_one_message(project: Path) -> None:
    (project / "taken").write_text("")
    cases: list[tuple[tuple[str, ...], str]] = [
        (("--format", "pulumi"), "There is no rendering 'pulumi': there are cloudformation, sam"),
        (("--output", "taken"), "taken cannot be written to"),
        (("--stage", "my stage"), "'my stage' cannot be the name of a stage"),
    ]
    for arguments, told in cases:
        ended = run_lambent(project, "render", *arguments)
        assert (ended.code, ended.out, told in ended.err, "Traceback" in ended.err) == (1, "", True, False), (
            ended
        )
    (project / "lambent.toml").unlink()
    (project / "greet.py").unlink()
    (project / "template.yaml").write_text("Transform: AWS::Serverless-2016-10-31\nResources: {}\n")
    ended = run_lambent(project, "render")
    assert ended.code == 1
    assert "template.yaml is a template already." in ended.err
