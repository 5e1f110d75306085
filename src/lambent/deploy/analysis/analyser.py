"""Analysing a project, once or again and again."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING, Any

from lambent.deploy.analysis import facts
from lambent.deploy.analysis.assembly import Assembly, Source
from lambent.deploy.analysis.distributions import Distributions
from lambent.deploy.analysis.drafts import is_node
from lambent.deploy.analysis.explanation import explained
from lambent.deploy.analysis.modules import SourceTree, facts_printed
from lambent.deploy.analysis.process import Importer
from lambent.deploy.errors import AnalysisError

if TYPE_CHECKING:
    from lambent.deploy.manifest import Manifest
    from lambent.deploy.project import Project, Stage


class Analyser:
    """Keeps what does not change from one analysis to the next: a process that has the framework loaded, the facts of
    files that are as they were, and what is installed.

    `close` ends the process. Who has an `importer` for the project's interpreter can lend it.
    """

    def __init__(self, project: Project, *, warm: bool = True, importer: Importer | None = None) -> None:
        if project.template is not None:
            raise AnalysisError(
                f"{project.template.name} is a template: it is deployed as it is, and has no manifest",
                place=str(project.template),
            )
        self._project = project
        self._importer = importer
        self._lent = importer is not None
        self._trees: dict[str, SourceTree] = {}
        self._distributions: Distributions | None = None
        self._folders = self._by_folder()
        if self._folders and importer is None:
            self._importer = Importer(project.python, warm=warm)

    def analyse(self, stage: Stage) -> Manifest:
        """The manifest, of the files as they are now. Raises AnalysisError."""
        sources: dict[str, Source] = {}
        for folder, functions in self._folders.items():
            assert self._importer is not None
            tree = self._trees.setdefault(folder, SourceTree(self._project.root / folder))
            tree.forget()
            handler = self._project.handler if folder == self._project.source else None
            self._importer.ask(self._request(stage, folder, handler, functions))
            # While the app is being imported its files are read.
            modules = {_module(one) for one in [handler, *functions.values()] if one}
            tree.closure(modules)
            answer = self._importer.answer()
            if "error" in answer:
                raise explained(self._project, folder, answer)
            self._read_others(tree, modules)
            sources[folder] = Source(tree, self._installed(answer), answer)
        return Assembly(self._project, stage, sources).manifest()

    def _read_others(self, tree: SourceTree, modules: set[str]) -> None:
        """Have the project's interpreter read what only it understands: it may be newer than this one."""
        asked: set[str] = set()
        while tree.unread - asked:
            files = {str(tree.root / file): file for file in tree.unread - asked}
            asked |= tree.unread
            command = [str(self._project.python), "-I", "-S", facts.__file__, *files]
            done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False)
            for path, found in facts_printed(done.stdout or "{}").items():
                tree.known(files[path], found)
            tree.closure(modules)

    def close(self) -> None:
        """End the process."""
        if self._importer is not None and not self._lent:
            self._importer.close()

    def _by_folder(self) -> dict[str, dict[str, str]]:
        """The plain functions of Python by the folder that they are imported from."""
        project = self._project
        found: dict[str, dict[str, str]] = {}
        if project.handler is not None:
            found[project.source] = {}
        for function in project.functions:
            if not is_node(project, function):
                found.setdefault(function.path, {})[function.name] = function.handler.replace(":", ".")
        return found

    def _request(
        self, stage: Stage, folder: str, handler: str | None, functions: dict[str, str]
    ) -> dict[str, Any]:
        project = self._project
        environment = {
            # What Lambda sets itself, and code may read when it is imported.
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_LAMBDA_FUNCTION_NAME": project.name or "app",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
            "LAMBDA_TASK_ROOT": str(project.root / folder),
            **os.environ,
            "LAMBENT_STAGE": stage.name,
        }
        told = {**project.settings.environment, **stage.settings.environment}
        for name in [*project.units, *stage.units, *functions]:
            # Of two units that say different things the first is as good as the other: all are imported together.
            for key, value in project.settings_of(stage, name).environment.items():
                told.setdefault(key, value)
        environment |= told
        for name in ("LAMBENT_UNIT_ROUTERS", "LAMBENT_UNIT_HANDLERS"):
            environment.pop(name, None)
        return {
            "root": str(project.root),
            "source": os.path.normpath(project.root / folder),
            "app": handler,
            "functions": list(functions.items()),
            "environment": environment,
        }

    def _installed(self, answer: dict[str, Any]) -> Distributions:
        told = answer["interpreter"]
        if self._distributions is None or not self._distributions.is_current:
            self._distributions = Distributions(told["path"], told["stdlib"])
        return self._distributions


def _module(handler: str) -> str:
    return handler.replace("/", ".").rpartition(".")[0]
