"""Projects that are a template instead of an app: its functions' folders are linked, everything else is as it says.

`CodeUri` of SAM's functions and layers and `Code` of CloudFormation's that name a folder of this machine are what
`sam package` and `aws cloudformation package` upload; here they become folders below `.lambent`. Packages that the
functions import are those of the project's interpreter: nothing has to be built.

Source: "Use the AWS CLI to package local artifacts" of the CloudFormation user guide, for the properties that may name
local files.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lambent.deploy.errors import ProjectError
from lambent.dev import debugger as debugging
from lambent.dev.pipeline import FOLDER, LINKED, Ready, ready
from lambent.dev.problems import check_syntax
from lambent.dev.sources import Sources

if TYPE_CHECKING:
    from lambent.deploy.project import Project
    from lambent.dev.debugger import Debugger

_CODE: Final = {
    "AWS::Lambda::Function": ("Code", "S3Bucket", "S3Key"),
    "AWS::Lambda::LayerVersion": ("Content", "S3Bucket", "S3Key"),
    "AWS::Serverless::Function": ("CodeUri", "Bucket", "Key"),
    "AWS::Serverless::LayerVersion": ("ContentUri", "Bucket", "Key"),
}
"""The property with the code, and the members of a place in S3, by type."""

_SAM: Final = "AWS::Serverless::Function"
_FUNCTIONS: Final = ("AWS::Lambda::Function", _SAM)
_ROLE: Final = {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/lambent-dev"}
_OTHERS: Final = re.compile(r"[^A-Za-z0-9]+")
_KEPT: Final = 5
"""Snapshots of a folder that are kept: code that runs may still import from the last ones."""


class TemplatePipeline:
    """A template's. One thread at a time."""

    def __init__(self, project: Project, stage: str | None, debugger: Debugger | None = None) -> None:
        assert project.template is not None
        self.project = project
        self.stage_name = stage or project.stage
        self.region = project.stage_named(stage).region
        self._template = project.template
        self._debugger = debugger
        self._text = ""
        self._folders: dict[Path, _Folder] = {}

    def prepare(self, changed: list[str]) -> Ready:
        """Read the template and link its folders. Raises DeployError."""
        from lambent.deploy.build.interpreter import interpreter
        from lambent.deploy.names import stack_name

        template = self._read()
        within = [os.path.relpath(source, self.project.root) + os.sep for source in self._folders]
        check_syntax(self.project.root, [path for path in changed if path.startswith(tuple(within))])
        path = os.pathsep.join(interpreter(self.project.python).search_path)
        running = None if self._debugger is None else self._debugger.start()
        app = self._app_name()
        sources: dict[str, Path] = {}
        functions: list[str] = []
        common = (template.get("Globals") or {}).get("Function") or {}
        for logical, resource in template["Resources"].items():
            if not isinstance(resource, dict) or resource.get("Type") not in _CODE:
                continue
            properties = resource.setdefault("Properties", {})
            member, bucket, key = _CODE[resource["Type"]]
            is_function = resource["Type"] in _FUNCTIONS
            said = properties.get(member, common.get(member) if is_function else None)
            if isinstance(said, str) and not said.startswith(("s3://", "https://")):
                source = (self._template.parent / said).absolute()
                properties[member] = {bucket: LINKED, key: str(self._snapshot(logical, source))}
                sources[logical] = source
            if is_function and properties.get("PackageType") != "Image":
                functions.append(logical)
                if resource["Type"] == _SAM and "Role" not in {*properties, *common}:
                    self._spare_role(logical, properties)
                _find_packages(properties, common, path)
                if running is not None:
                    merged = {
                        name: properties.get(name, common.get(name))
                        for name in ("Runtime", "Handler", "MemorySize", "Environment")
                        if properties.get(name, common.get(name)) is not None
                    }
                    debugging.prepare(merged, sources.get(logical), running)
                    properties.update(merged)
        return ready(
            stack_name(app, self.stage_name),
            app,
            template,
            labels={logical: logical for logical in functions},
            sources=sources,
        )

    def close(self) -> None:
        """Nothing has been started."""

    def _spare_role(self, logical: str, properties: dict[str, Any]) -> None:
        """SAM makes a role for each function without one: the platform asks no roles, and moto, which keeps them, takes
        longer to start than everything else.
        """
        if f"{logical}Role" not in self._text:
            properties["Role"] = _ROLE
            properties.pop("Policies", None)

    def _app_name(self) -> str:
        name = self.project.name or _OTHERS.sub("-", self._template.parent.name).strip("-")
        return name if name[:1].isalpha() else f"app-{name}".rstrip("-")

    def _read(self) -> dict[str, Any]:
        from lambent.stacks.template.text import TemplateError, parse

        shown = os.path.relpath(self._template, self.project.root)
        try:
            self._text = self._template.read_text("utf-8")
            document = parse(self._text).document
        except TemplateError as error:
            place = f"{shown}:{error.line}" if error.line else shown
            raise ProjectError(str(error), place=place) from error
        except (OSError, UnicodeDecodeError) as error:
            raise ProjectError(f"cannot be read: {error}", place=shown) from error
        if not isinstance(document.get("Resources"), dict):
            raise ProjectError(
                "has no Resources", place=shown, hint="Is it a template of CloudFormation or SAM?"
            )
        return document

    def _snapshot(self, logical: str, source: Path) -> Path:
        if not source.is_dir():
            shown = os.path.relpath(self._template, self.project.root)
            raise ProjectError(
                f"{logical}: {source} is no folder",
                place=shown,
                hint="The code of a function is a folder here, relative to the template.",
            )
        folder = self._folders.get(source)
        if folder is None:
            folder = self._folders[source] = _Folder(source, self.project.root / ".lambent" / FOLDER)
        return folder.snapshot()


class _Folder:
    """A folder of code, and its copies: what serves is never changed under it."""

    def __init__(self, source: Path, into: Path) -> None:
        self._source = source
        self._into = into / hashlib.sha256(str(source).encode()).hexdigest()[:16]
        self._sources: Sources | None = None
        self._last: Path | None = None

    def snapshot(self) -> Path:
        """A copy of it as it is now; the same one where it is as before."""
        if self._sources is None:
            self._sources = Sources(self._source)
        elif self._last is not None and not self._sources.take():
            return self._last
        name = self._fingerprint()
        made = self._into / name
        if not made.is_dir():
            self._into.mkdir(parents=True, exist_ok=True)
            temporary = Path(tempfile.mkdtemp(prefix=".making-", dir=self._into))
            shutil.copytree(
                self._source,
                temporary,
                symlinks=True,
                dirs_exist_ok=True,
                ignore=shutil.ignore_patterns(".git", ".lambent", "__pycache__", ".venv", "venv", ".aws-sam"),
            )
            temporary.chmod(0o755)
            temporary.replace(made)
            self._sweep(made)
        # When it was last wanted, not when its source was written: that is what tells which ones may go.
        os.utime(made)
        self._last = made
        return made

    def _fingerprint(self) -> str:
        assert self._sources is not None
        digest = hashlib.sha256()
        for path, stamp in sorted(self._sources.stamps().items()):
            digest.update(f"{path}\0{stamp[0]}\0{stamp[1]}\n".encode("utf-8", "surrogateescape"))
        return digest.hexdigest()[:32]

    def _sweep(self, newest: Path) -> None:
        copies = sorted(
            (path for path in self._into.iterdir() if path not in (newest, self._last)),
            key=lambda path: path.stat().st_mtime_ns,
        )
        for old in copies[: max(len(copies) + 1 - _KEPT, 0)]:
            shutil.rmtree(old, ignore_errors=True)


def _find_packages(properties: dict[str, Any], common: dict[str, Any], path: str) -> None:
    """Have a Python function find the project's packages, unless it says itself where to look."""
    runtime = str(properties.get("Runtime", common.get("Runtime", "")))
    if not path or not runtime.startswith("python"):
        return
    environment = properties.setdefault("Environment", {})
    if isinstance(environment, dict) and isinstance(environment.setdefault("Variables", {}), dict):
        environment["Variables"].setdefault("PYTHONPATH", path)
