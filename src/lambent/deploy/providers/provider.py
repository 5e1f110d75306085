"""What a provider is, and what it is given and tells.

A provider of another distribution is an entry point of the group "lambent.providers": a function that takes a
`Request` and gives a `Provider`. `[deploy.providers.<name>]` in the settings is for it.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol

import msgspec

from lambent.deploy.build import Build  # noqa: TC001 - msgspec reads the annotations
from lambent.deploy.manifest import Manifest  # noqa: TC001 - the same
from lambent.deploy.project import Project, ProviderSettings, Stage  # noqa: TC001 - the same

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from lambent.deploy.plan import Plan


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """Which provider is wanted: the settings for it, and what was said on the command line, which wins.

    `keys` are an access key id and its secret where the environment is not to be asked for credentials.
    """

    project: Project
    stage: Stage
    settings: ProviderSettings
    region: str | None = None
    profile: str | None = None
    endpoint_url: str | None = None
    keys: tuple[str, str] | None = None
    environment: Mapping[str, str] = os.environ


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be deployed: an app's manifest and packages, for a stage."""

    project: Project
    stage: Stage
    manifest: Manifest
    build: Build


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What has happened to a resource: `status` is CloudFormation's ("CREATE_IN_PROGRESS"), `time` in Unix seconds.

    `own` is whether it is the stack itself.
    """

    logical: str
    physical: str
    type: str
    status: str
    reason: str = ""
    time: float
    own: bool = False


class Watch(Protocol):
    """Who is told how it goes on: a terminal, a log, nobody. Called from the thread that deploys, and uploads'."""

    def phase(self, text: str) -> None:
        """What is done now ("Uploading 3 packages")."""

    def note(self, text: str) -> None:
        """Something to know that is no error."""

    def upload(self, name: str, sent: int, total: int) -> None:
        """How many bytes of a package have gone."""

    def planned(self, plan: Plan) -> None:
        """What is about to be done."""

    def step(self, step: Step) -> None:
        """Something happened to a resource."""

    def interrupted(self, text: str) -> None:
        """Ctrl-C was pressed where the work goes on elsewhere: `text` says what and where."""


class Silence:
    """A watch that tells nobody."""

    def phase(self, text: str) -> None:
        """Nothing."""

    def note(self, text: str) -> None:
        """Nothing."""

    def upload(self, name: str, sent: int, total: int) -> None:
        """Nothing."""

    def planned(self, plan: Plan) -> None:
        """Nothing."""

    def step(self, step: Step) -> None:
        """Nothing."""

    def interrupted(self, text: str) -> None:
        """Nothing."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How an apply ended that did not fail: `plan` is what was done, or what was not confirmed."""

    plan: Plan
    confirmed: bool = True
    outputs: dict[str, str] = {}


class Removal(msgspec.Struct, frozen=True, kw_only=True):
    """What a destroy removes: `resources` by logical id, and of them as `losses` those with data in them.

    `kept` are resources that stay, by the template's own word. `confirmed` and `existed` are false where nothing was
    done, as nobody wanted it or nothing was there.
    """

    stack: str
    place: str = ""
    """Where it is, for people: "AWS in eu-central-1, account 123456789012"."""
    resources: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    confirmed: bool = True
    existed: bool = True


class FunctionInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A function that is deployed. `code` is the SHA-256 of its package in base64, `version` what was published."""

    logical: str
    name: str
    state: str
    runtime: str = ""
    memory_mb: int = 0
    timeout_s: int = 0
    code: str = ""
    size: int = 0
    version: str = ""
    modified: str = ""


class QueueInfo(msgspec.Struct, frozen=True, kw_only=True):
    """A queue: how many messages wait in it, and how many are with somebody."""

    logical: str
    name: str
    url: str
    waiting: int = 0
    in_flight: int = 0


class Drift(msgspec.Struct, frozen=True, kw_only=True):
    """A resource that is not as it was deployed: `status` is "MODIFIED" or "DELETED"."""

    logical: str
    type: str
    physical: str
    status: str
    differences: tuple[str, ...] = ()


class Info(msgspec.Struct, frozen=True, kw_only=True):
    """What is deployed of an app, as its provider tells it. `drift` is None where it was not asked for."""

    app: str
    stage: str
    stack: str
    provider: str
    region: str
    account: str
    endpoint: str
    status: str
    reason: str = ""
    changed: str = ""
    outputs: dict[str, str] = {}
    functions: tuple[FunctionInfo, ...] = ()
    queues: tuple[QueueInfo, ...] = ()
    resources: tuple[tuple[str, str, str, str], ...] = ()
    """Logical id, type, physical id and status of each."""
    drift: tuple[Drift, ...] | None = None


class LogQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which lines: since a time in Unix milliseconds, of functions by their code's names (all without any)."""

    since_ms: int
    follow: bool = False
    pattern: str | None = None
    units: tuple[str, ...] = ()


class LogLine(msgspec.Struct, frozen=True, kw_only=True):
    """A log event of a function: `unit` is its name without app and stage."""

    time_ms: int
    unit: str
    group: str
    stream: str
    message: str


class Provider(Protocol):
    """Where apps are deployed to. Everything raises ProviderError, with what to do, and nothing of a client's."""

    name: str

    def prepare(self) -> None:
        """Does what takes time and needs no app, such as making clients: called in a thread of its own while the app is
        built. What goes wrong is left to whoever needs it.
        """

    def plan(self, deployment: Deployment, watch: Watch) -> Plan:
        """What `apply` would change. Leaves nothing behind."""

    def apply(self, deployment: Deployment, watch: Watch, confirm: Callable[[Plan], bool]) -> Outcome:
        """Makes it so, or leaves it as it was. `confirm` is asked once when it is known what changes."""

    def info(self, app: str, stage: str, *, drift: bool, watch: Watch) -> Info:
        """What is deployed."""

    def logs(self, app: str, stage: str, query: LogQuery) -> Iterator[LogLine]:
        """The lines of all functions, in order of time."""

    def destroy(
        self, app: str, stage: str, *, empty_buckets: bool, watch: Watch, confirm: Callable[[Removal], bool]
    ) -> Removal:
        """Removes everything that belongs to it; a second time does nothing."""
