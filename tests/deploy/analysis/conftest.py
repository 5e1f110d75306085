"""Projects in folders of their own, analysed with one interpreter that stays."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Protocol

import pytest

from lambent.deploy.analysis import Analyser
from lambent.deploy.analysis.process import Importer
from lambent.deploy.project_file import load_project

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lambent.deploy.manifest import Manifest


class Analysed(Protocol):
    """Writes files into a project, and analyses it."""

    root: Path

    def __call__(self, files: dict[str, str], stage: str | None = None) -> Manifest:
        """The manifest. Raises DeployError."""


def write(root: Path, files: dict[str, str]) -> None:
    """Files by their names; texts may be indented."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text), "utf-8")


BOTO3 = """
class Anything:
    def __getattr__(self, name):
        return lambda *arguments, **options: Anything()
client = resource = Session = lambda *arguments, **options: Anything()
"""
"""Stands for boto3 where modules make clients when they are imported: the real one takes longer than all else here, and
what calls need is read from the code, with the real one's models.
"""


@pytest.fixture(scope="session")
def importer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Importer]:
    stub = tmp_path_factory.mktemp("stub")
    (stub / "boto3.py").write_text(BOTO3)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", f"{stub}{os.pathsep}{os.environ.get('PYTHONPATH', '')}".rstrip(os.pathsep))
        importer = Importer(Path(sys.executable), warm=True)
    yield importer
    importer.close()


@pytest.fixture
def analysed(tmp_path: Path, importer: Importer) -> Analysed:
    # What a project's folder is called must not matter.
    root = tmp_path / "Größe & co"
    root.mkdir()

    class Project:
        def __init__(self) -> None:
            self.root = root

        def __call__(self, files: dict[str, str], stage: str | None = None) -> Manifest:
            write(root, files)
            project = load_project(root, environment={})
            return Analyser(project, importer=importer).analyse(project.stage_named(stage))

    return Project()
