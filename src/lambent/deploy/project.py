"""The project: its root, and what lambent.toml says of the app, its resources, stages and providers.

    [app]
    handler = "app.app"             # module and attribute of the App; found where it is not told
    path = "src"                    # the folder that modules are imported from; the project's root without it
    python = ".venv/bin/python"     # the interpreter; without it .venv's, or that of the active environment
    name = "shop"                   # the App's own without it
    unit = "router"                 # "app" (one function), "router" or "function"
    memory = 512                    # and the other settings of units: for all of them

    [app.units.send_receipt]        # for one of them
    timeout = 120

    [[function]]                    # a handler without the framework, of Python or Node.js
    name = "render"
    handler = "render.handler"
    runtime = "nodejs20.x"

    [resources.queues.receipts]
    max_receives = 5

    [deploy]
    provider = "local"

    [stages.prod]
    protected = true

In a pyproject.toml the tables are below `[tool.lambent]`.
"""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - msgspec reads the annotations
from typing import Any, Final, Literal

import msgspec

from lambent.deploy.manifest import (  # noqa: TC001 - msgspec reads the annotations
    Architecture,
    Cors,
    Jwt,
    Language,
)


class UnitSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What can be told of all units (`[app]`, `[stages.<stage>]`) and of one (`[app.units.<name>]`,
    `[stages.<stage>.units.<name>]`). None: what the next wider table says.

    `on_success` and `on_failure` are "queue:receipts", "topic:alerts", "function:audit", "bus:default" or an ARN.
    `permissions` are statements: `{ actions = ["ses:SendEmail"], resources = ["*"] }`.
    """

    runtime: str | None = None
    architecture: Architecture | None = None
    description: str | None = None
    memory: int | None = None
    timeout: int | None = None
    storage: int | None = None
    environment: dict[str, str] = {}
    layers: tuple[str, ...] = ()
    reserved_concurrency: int | None = None
    provisioned_concurrency: int | None = None
    tracing: bool | None = None
    log_retention_days: int | None = None
    url: Literal["none", "iam"] | None = None
    on_success: str | None = None
    on_failure: str | None = None
    retries: int | None = None
    maximum_age: int | None = None
    permissions: tuple[dict[str, Any], ...] = ()
    include: tuple[str, ...] = ()
    """Patterns of further files, relative to the source."""
    exclude: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    """Distributions beyond those that are imported."""


class FunctionSettings(
    UnitSettings, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True
):
    """A `[[function]]`: a plain handler. `path` is its folder. `events` says what calls it:

    events = [{ route = "GET /price" }, { queue = "receipts" }, { schedule = "rate(1 hour)" }, { topic = "alerts" },
              { bucket = "uploads" }, { table = "orders" }, { stream = "clicks" }, { event = { source = ["shop"] } }]
    """

    name: str
    handler: str
    path: str = "."
    events: tuple[dict[str, Any], ...] = ()


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """A stage: settings of its own, and whether changes that lose data have to be confirmed."""

    name: str
    protected: bool = False
    settings: UnitSettings = UnitSettings()
    units: dict[str, UnitSettings] = {}
    provider: str | None = None
    region: str | None = None


class ProviderSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`[deploy.providers.<name>]` over `[deploy]`. `options` are the keys that only the provider itself knows."""

    name: str
    region: str | None = None
    profile: str | None = None
    endpoint_url: str | None = None
    bucket: str | None = None
    """For packages; None: one for the account and region is made."""
    options: dict[str, Any] = {}


class Project(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that analysis, building and deploying are told. `load_project` reads it."""

    root: Path
    file: Path | None = None
    """The settings file, where there is one."""
    python: Path
    """The interpreter that imports the app: the project's environment."""
    handler: str | None = None
    """"module.attribute" of the App; None where the project has plain functions only."""
    source: str = "."
    """The folder that modules of the app are imported from, relative to the root; with slashes."""
    name: str | None = None
    unit: Literal["app", "router", "function"] = "app"
    settings: UnitSettings = UnitSettings()
    units: dict[str, UnitSettings] = {}
    functions: tuple[FunctionSettings, ...] = ()
    resources: dict[str, dict[str, dict[str, Any]]] = {}
    """`[resources.<kind>.<name>]` by kind ("queues", "tables", "buckets", "topics", "streams") and name."""
    cors: Cors | None = None
    jwt: Jwt | None = None
    auth: Literal["iam"] | None = None
    """IAM for all routes that have no authorizer."""
    stages: dict[str, Stage] = {}
    stage: str = "dev"
    """The stage where none is named."""
    provider: str = "local"
    providers: dict[str, ProviderSettings] = {}
    """Those that have a table of their own; `settings_of_provider` also knows the others."""
    all_providers: ProviderSettings = ProviderSettings(name="")
    """What `[deploy]` says of whichever provider is chosen."""
    template: Path | None = None
    """A CloudFormation or SAM template, for projects that are one instead of an app."""

    def language_of(self, runtime: str) -> Language:
        """The language of a runtime's name."""
        return "node" if runtime.startswith("nodejs") else "python"

    def stage_named(self, name: str | None) -> Stage:
        """A stage; one that the settings do not mention has none of its own."""
        name = name or self.stage
        return self.stages.get(name) or Stage(name=name)

    def settings_of_provider(self, name: str) -> ProviderSettings:
        """What holds for a provider, whether or not it has a table of its own."""
        return self.providers.get(name) or msgspec.structs.replace(self.all_providers, name=name)

    def settings_of(self, stage: Stage, name: str, language: Language = "python") -> UnitSettings:
        """What holds for a unit in a stage: of all members the narrowest that is told.

        The order is `[stages.<stage>.units.<name>]`, `[app.units.<name>]` or its `[[function]]`, `[stages.<stage>]`,
        `[app]`. Environments are merged; permissions, patterns and packages add up. The runtime of one language is
        none for the other.
        """
        function = next((one for one in self.functions if one.name == name), None)
        layers = [
            self.settings,
            stage.settings,
            function or UnitSettings(),
            self.units.get(name) or UnitSettings(),
            stage.units.get(name) or UnitSettings(),
        ]
        merged: dict[str, Any] = {}
        for settings in layers:
            for member in UnitSettings.__struct_fields__:
                value = getattr(settings, member)
                if value is None or (member == "runtime" and self.language_of(value) != language):
                    continue
                if member == "environment":
                    value = {**merged.get(member, {}), **value}
                elif member in _ADDING:
                    value = (
                        *merged.get(member, ()),
                        *(one for one in value if one not in merged.get(member, ())),
                    )
                elif member == "layers" and not value:
                    continue
                merged[member] = value
        return UnitSettings(**merged)


_ADDING: Final = frozenset({"permissions", "include", "exclude", "packages"})
