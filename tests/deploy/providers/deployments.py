"""An app to deploy that nobody has to analyse or build: its manifest and packages are made by hand."""

from __future__ import annotations

import functools
import hashlib
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lambent.deploy.build import Artefact, Build
from lambent.deploy.manifest import Bucket, Key, Manifest, Queue, QueueTrigger, Route, Table, Unit, Use
from lambent.deploy.project import Project, ProviderSettings, Stage
from lambent.deploy.providers import Deployment, provider_named
from lambent.deploy.providers.cloudformation import CloudFormation

if TYPE_CHECKING:
    from lambent.deploy.plan import Plan
    from lambent.deploy.providers import Step

CODE = "def handler(event, context):\n    return {'statusCode': 200, 'body': '%s'}\n"


class Recorder:
    """A watch that remembers."""

    def __init__(self) -> None:
        self.phases: list[str] = []
        self.notes: list[str] = []
        self.sent: dict[str, int] = {}
        self.steps: list[Step] = []
        self.plans: list[Plan] = []
        self.interruptions: list[str] = []

    def phase(self, text: str) -> None:
        self.phases.append(text)

    def note(self, text: str) -> None:
        self.notes.append(text)

    def upload(self, name: str, sent: int, total: int) -> None:
        self.sent[name] = sent

    def planned(self, plan: Plan) -> None:
        self.plans.append(plan)

    def step(self, step: Step) -> None:
        self.steps.append(step)

    def interrupted(self, text: str) -> None:
        self.interruptions.append(text)


def package(folder: Path, text: str = "one") -> Artefact:
    """A zip with a handler that answers `text`."""
    code = CODE % text
    fingerprint = hashlib.sha256(code.encode()).hexdigest()
    path = folder / f"{fingerprint}.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(zipfile.ZipInfo("app.py"), code)
    packed = path.read_bytes()
    return Artefact(
        path=path,
        sha256=hashlib.sha256(packed).hexdigest(),
        fingerprint=fingerprint,
        size=len(packed),
        unpacked=len(code),
    )


def manifest(app: str, **members: Any) -> Manifest:
    """An HTTP API and a queue, one function."""
    unit = Unit(name="app", kind="app", handler="app.handler", runtime="python3.11", memory_mb=128)
    return Manifest(
        **{
            "app": app,
            "units": (unit,),
            "routes": (Route(unit="app", method="GET", path="/"),),
            "queues": (Queue(name="receipts"),),
            "queue_triggers": (QueueTrigger(unit="app", queue="receipts"),),
            "uses": (Use(unit="app", kind="queue", name="receipts", access=("send",)),),
            **members,
        }
    )


TABLE = Table(name="orders", key=Key(name="id"))
BUCKET = Bucket(name="uploads")


def deployment(
    folder: Path, described: Manifest, *, text: str = "one", protected: bool = False, stage: str = "dev"
) -> Deployment:
    """A deployment of what is described, all its units with the same code."""
    artefact = package(folder, text)
    return Deployment(
        project=project(folder),
        stage=Stage(name=stage, protected=protected),
        manifest=described,
        build=Build(units={unit.name: artefact for unit in described.units}),
    )


def project(folder: Path, **settings: Any) -> Project:
    return Project(
        root=folder,
        python=Path(sys.executable),
        providers={name: ProviderSettings(name=name, **settings) for name in ("aws", "local")},
    )


@functools.cache
def provider(
    name: str,
    url: str,
    *,
    region: str = "eu-west-1",
    keys: tuple[str, str] = ("testing", "testing"),
    bucket: str | None = None,
) -> CloudFormation:
    """A provider for an endpoint. One for all tests: making its clients is half a second's work."""
    found = provider_named(
        project(Path("/nowhere"), bucket=bucket),
        name,
        region=region,
        endpoint_url=url,
        keys=keys,
        environment={},
    )
    assert isinstance(found, CloudFormation)
    return found


def always(_: object) -> bool:
    return True
