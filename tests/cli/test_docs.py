"""What the README and docs show works: their console blocks are run, their tables are complete."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import click
import pytest

from lambent.cli.app import lambent as application
from lambent.execution.nodes import Nodes
from lambent.node.settings import allowed, setting_names

REPOSITORY = Path(__file__).parents[2]
_BLOCK = re.compile(r"^```console run\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\(([^)#\s]+)?(#[^)\s]+)?\)")


def _examples(path: Path) -> list[tuple[str, str]]:
    """Commands with what they must print, "" for anything."""
    examples: list[tuple[str, str]] = []
    for block in _BLOCK.findall(path.read_text()):
        for line in block.splitlines(keepends=True):
            if line.startswith("$ "):
                examples.append((line[2:], ""))
                continue
            command, expected = examples[-1]
            if line.startswith("> ") and not expected:  # as a shell shows the lines of one command
                examples[-1] = command + line[2:], ""
            else:
                examples[-1] = command, expected + line
    return examples


@pytest.mark.parametrize(
    "name",
    [
        "README.md",
        "docs/building.md",
        "docs/concurrency.md",
        "docs/deploying.md",
        "docs/events.md",
        pytest.param(
            "docs/front-door.md",
            marks=pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl on this machine"),
        ),
        "docs/functions.md",
        "docs/neighbours.md",
        "docs/layers.md",
        "docs/queues.md",
        "docs/rendering.md",
        pytest.param(
            "docs/runtimes.md",
            marks=pytest.mark.skipif(not [*Nodes()], reason="there is no Node on this machine"),
        ),
        "docs/stacks.md",
        "docs/streaming.md",
    ],
)
def test_console_examples(
    platform: Any, environment: Any, ready_programs: Path, tmp_path: Path, name: str
) -> None:
    ignored = shutil.ignore_patterns(".lambent", "__pycache__")
    shutil.copytree(REPOSITORY / "examples", tmp_path / "examples", ignore=ignored)
    variables = environment(
        AWS_ENDPOINT_URL=platform.url,
        AWS_DEFAULT_REGION="us-east-1",
        AWS_ACCESS_KEY_ID="lambent",
        AWS_SECRET_ACCESS_KEY="lambent",
    )
    variables["PATH"] = f"{ready_programs}{os.pathsep}{variables['PATH']}"
    examples = _examples(REPOSITORY / name)
    assert examples
    deployed_in = 0
    for command, expected in examples:
        if "aws cloudformation deploy" in command:
            # It calls its change sets by the second, and no two of a stack may have one name.
            while int(time.time()) == deployed_in:
                time.sleep(0.02)
            deployed_in = int(time.time())
        ended = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command],
            cwd=tmp_path,
            env=variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        assert ended.returncode == 0, f"{command}{ended.stdout}"
        pattern = ".*".join(re.escape(part) for part in expected.strip().split("..."))
        assert re.fullmatch(pattern, ended.stdout.strip(), re.DOTALL) or not expected, (
            f"{command}{ended.stdout}"
        )


def test_every_setting_is_described() -> None:
    text = (REPOSITORY / "docs" / "settings.md").read_text()
    sections = dict(re.findall(r"^## (\w+)\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE))
    for name in setting_names():
        description = allowed(name)
        assert f"{description[0].upper()}{description[1:]}. Default: `" in sections[name], name


def test_every_command_and_option_is_described() -> None:
    text = (REPOSITORY / "docs" / "cli.md").read_text()
    context = click.Context(application)
    for name in application.list_commands(context):
        command = application.get_command(context, name)
        assert command is not None
        assert f"## lambent {name}" in text
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                for option in (*parameter.opts, *parameter.secondary_opts):
                    assert f"`{option}" in text, f"{name} {option}"


@pytest.mark.parametrize(
    "path", [*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/*.md")], ids=lambda path: path.name
)
def test_links_lead_somewhere(path: Path) -> None:
    for target, anchor in _LINK.findall(path.read_text()):
        if target.startswith("http"):
            continue
        page = path.parent / target if target else path
        assert page.exists(), f"{path.name}: {target}"
        if anchor:
            headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
            assert anchor[1:] in [
                re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings
            ]
