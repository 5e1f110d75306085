"""From the project's files to what the platform is to have: analysis, linking, rendering, in a thread of their own.

It is the pipeline of `lambent deploy`, with folders in place of packages and one role in place of many: the platform
asks no roles, and so has no need of the service that keeps them.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from lambent.dev import debugger
from lambent.dev.problems import check_syntax

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lambent.deploy.analysis import Analyser
    from lambent.deploy.manifest import Manifest
    from lambent.deploy.project import Project, Stage
    from lambent.dev.debugger import Debugger, Debugging

LINKED: Final = "hot-reload"
"""The bucket that stands for folders of this machine."""

FOLDER: Final = "dev"
"""Where linked code is, below `.lambent`."""

SETTINGS: Final = frozenset({"lambent.toml", "pyproject.toml"})
"""Files that tell of the project itself, at its root."""

_CODE: Final = {
    "AWS::Lambda::Function": ("Code", "S3Bucket", "S3Key"),
    "AWS::Serverless::Function": ("CodeUri", "Bucket", "Key"),
}
"""Where a function's code is said: the property, and its members."""

_PUBLISHED: Final = "AutoPublishAlias"


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """What is to run: a template, and the code of its functions.

    `code` has the folder of each function by its logical id. `shape` is the template without them: where that is
    the same as before the functions get other code, and nothing else is to do. `labels` are what people call the
    functions, by logical id; `sources` the folder in the project that is a function's /var/task. `channels` has
    the names of WebSocket APIs by logical id.
    """

    stack: str
    app: str
    template: dict[str, Any]
    shape: bytes
    code: dict[str, str]
    labels: dict[str, str]
    sources: dict[str, Path]
    channels: dict[str, str] = {}
    manifest: Manifest | None = None
    findings: tuple[str, ...] = ()
    packages: tuple[str, tuple[str, ...]] | None = None
    """The runtime of the project's interpreter, and the folders of packages that its functions have on their path."""


class Preparing(Protocol):
    """What prepares a project: an app's, or a template's."""

    project: Project

    @property
    def stage_name(self) -> str:
        """The name of the stage."""

    @property
    def region(self) -> str | None:
        """The stage's own region."""

    def prepare(self, changed: list[str]) -> Ready:
        """The project as it is now; `changed` are the files since the last time. Raises DeployError."""

    def close(self) -> None:
        """End what it has started."""


class AppPipeline:
    """An app's. One thread at a time; `close` ends its analyser."""

    def __init__(
        self, project: Project, stage: str | None, app: str | None, debugger: Debugger | None = None
    ) -> None:
        self.project = project
        self._app = app
        self._stage = stage
        self._debugger = debugger
        self._analyser: Analyser | None = None
        self._used: set[str] = set()
        self._script_folders: tuple[str, ...] = ()

    @property
    def stage(self) -> Stage:
        """The stage that is rendered for."""
        return self.project.stage_named(self._stage)

    @property
    def stage_name(self) -> str:
        """Its name."""
        return self.stage.name

    @property
    def region(self) -> str | None:
        """The stage's own region."""
        return self.stage.region

    def prepare(self, changed: list[str]) -> Ready:
        """Analyse, link and render. Raises DeployError."""
        from lambent.deploy.analysis import Analyser
        from lambent.deploy.build import link
        from lambent.deploy.build.interpreter import interpreter
        from lambent.deploy.names import logical_id, stack_name
        from lambent.deploy.render import CodeLocation, Target, template_of

        if SETTINGS.intersection(changed):
            self._read_again()
        project, stage = self.project, self.stage
        check_syntax(
            project.root,
            [path for path in changed if path in self._used or path.startswith(self._script_folders)],
        )
        if self._analyser is None:
            self._analyser = Analyser(project)
        manifest = self._analyser.analyse(stage)
        debugging = None if self._debugger is None else self._debugger.start()
        self._used = {
            os.path.normpath(os.path.join(unit.source, file))  # noqa: PTH118 - as `changed` is spelled
            for unit in manifest.units
            for file in unit.files
        }
        self._script_folders = tuple(
            f"{unit.source}/" for unit in manifest.units if unit.language == "node" and unit.source != "."
        )
        linked = link(project, manifest, project.root / ".lambent" / FOLDER)
        environment = {"PYTHONPATH": os.pathsep.join(linked.search_path)} if linked.search_path else {}
        target = Target(
            stage=stage,
            code={unit: CodeLocation(LINKED, str(folder)) for unit, folder in linked.folders.items()},
            roles="none",
            environment=environment,
            debug=debugging is not None,
        )
        template = template_of(manifest, target)
        ids = {unit.name: logical_id("function", unit.name) for unit in manifest.units}
        return ready(
            stack_name(manifest.app, stage.name),
            manifest.app,
            template,
            labels={logical: unit for unit, logical in ids.items()},
            sources={ids[unit.name]: project.root / unit.source for unit in manifest.units},
            channels={logical_id("channel", channel.name): channel.name for channel in manifest.channels},
            debugging=debugging,
            manifest=manifest,
            packages=("python{}.{}".format(*interpreter(project.python).version), linked.search_path),
            findings=tuple(
                f"{finding.place}: {finding.message}" if finding.place else finding.message
                for finding in manifest.findings
            ),
        )

    def close(self) -> None:
        """End the analyser's process."""
        if self._analyser is not None:
            self._analyser.close()
            self._analyser = None

    def _read_again(self) -> None:
        from lambent.deploy.project_file import load_project

        project = load_project(self.project.root, app=self._app)
        if project != self.project:
            self.close()
            self.project = project


def ready(
    stack: str,
    app: str,
    template: dict[str, Any],
    *,
    labels: dict[str, str],
    sources: dict[str, Path],
    channels: dict[str, str] | None = None,
    debugging: Debugging | None = None,
    manifest: Manifest | None = None,
    findings: tuple[str, ...] = (),
    packages: tuple[str, tuple[str, ...]] | None = None,
) -> Ready:
    """A rendered template as what is to run, its functions with a debugger where one is wanted."""
    if debugging is not None:
        for logical, resource in template["Resources"].items():
            if isinstance(resource, dict) and resource.get("Type") in _CODE:
                debugger.prepare(resource["Properties"], sources.get(logical), debugging)
    shape, code = without_code(template)
    return Ready(
        stack=stack,
        app=app,
        template=template,
        shape=shape,
        code=code,
        labels=labels,
        sources=sources,
        channels=channels or {},
        manifest=manifest,
        findings=findings,
        packages=packages,
    )


def without_code(template: dict[str, Any]) -> tuple[bytes, dict[str, str]]:
    """The shape of a template, and the folders of its functions: what `Ready` has of it."""
    code: dict[str, str] = {}
    bare = dict(template["Resources"])
    for logical, resource in template["Resources"].items():
        found = _linked(resource)
        if found is not None:
            member, key = found
            code[logical] = resource["Properties"][member][key]
            bare[logical] = {**resource, "Properties": {**resource["Properties"], member: None}}
    if _publishes(template):
        bare = template["Resources"]
    return msgspec.json.encode({**template, "Resources": bare}), code


def with_code(template: dict[str, Any], folders: Mapping[str, str]) -> dict[str, Any]:
    """A template whose functions have other folders, where `folders` has them."""
    if _publishes(template):
        return template
    resources = dict(template["Resources"])
    for logical, folder in folders.items():
        found = _linked(resources.get(logical))
        if found is not None:
            member, key = found
            properties = resources[logical]["Properties"]
            said = {**properties[member], key: folder}
            resources[logical] = {**resources[logical], "Properties": {**properties, member: said}}
    return {**template, "Resources": resources}


def _publishes(template: dict[str, Any]) -> bool:
    """Whether there are versions of functions: those have the code that the stack has set, so it has to set it."""
    common = (template.get("Globals") or {}).get("Function") or {}
    return _PUBLISHED in common or any(
        resource.get("Type") == "AWS::Lambda::Version" or _PUBLISHED in (resource.get("Properties") or {})
        for resource in template["Resources"].values()
        if isinstance(resource, dict)
    )


def _linked(resource: Any) -> tuple[str, str] | None:
    """The property of a function that says a folder, and the member that names it."""
    if not isinstance(resource, dict) or resource.get("Type") not in _CODE:
        return None
    member, bucket, key = _CODE[resource["Type"]]
    said = resource["Properties"].get(member)
    return (member, key) if isinstance(said, dict) and said.get(bucket) == LINKED else None
