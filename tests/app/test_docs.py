"""The guides' examples work: the Python blocks of each, in their order, are one program, whose asserts show results.

A block that begins with ```` ```python run ```` is run; "```python run app.py" first writes it as a module of that
name, for blocks that import it. Each guide is run by an interpreter of its own, in a folder of its own; pytest runs the
tests that it shows.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
GUIDES = sorted((REPOSITORY / "docs" / "app").glob("*.md"))
_BLOCK = re.compile(
    r"^```python(?P<run> run)?(?: (?P<file>\S+))?\n(?P<code>.*?)^```$", re.DOTALL | re.MULTILINE
)
_LINK = re.compile(r"\]\(([^)#\s]+)?(#[^)\s]+)?\)")


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.name)
def test_examples_work(guide: Path, tmp_path: Path) -> None:
    blocks = list(_BLOCK.finditer(guide.read_text()))
    assert blocks
    program = []
    for block in blocks:
        assert block["run"], f"not run: {block['code'][:100]}"
        if block["file"]:
            (tmp_path / block["file"]).write_text(block["code"])
        else:
            # Messages tell the line in the guide.
            line = guide.read_text().count("\n", 0, block.start("code"))
            program.append(f"exec(compile({chr(10) * line + block['code']!r}, {guide.name!r}, 'exec'))")
    (tmp_path / "guide.py").write_text("\n".join(program))
    has_tests = any("def test_" in block["code"] for block in blocks)
    run = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", "."] if has_tests else []
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "POWERTOOLS_"))}
    ended = subprocess.run(
        [sys.executable, "-W", "error", *run, "guide.py"],
        cwd=tmp_path,
        env=kept | {"PYTHONPATH": str(REPOSITORY / "src")},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout


@pytest.mark.parametrize("guide", GUIDES, ids=lambda path: path.name)
def test_links_lead_somewhere(guide: Path) -> None:
    for target, anchor in _LINK.findall(guide.read_text()):
        if target.startswith("http"):
            continue
        page = guide.parent / target if target else guide
        assert page.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
            slugs = [re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings]
            assert anchor[1:] in slugs, f"{target}{anchor}"
