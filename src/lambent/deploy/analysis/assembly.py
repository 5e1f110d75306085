"""From what the importer tells and what the files say to the manifest."""

from __future__ import annotations

import difflib
import re
from typing import TYPE_CHECKING, Any, Final

from lambent.deploy.analysis import actions, node
from lambent.deploy.analysis.drafts import Draft, drafts_of, handlers_of
from lambent.deploy.analysis.meaning import Meaning
from lambent.deploy.analysis.notes import Uses
from lambent.deploy.analysis.reach import Reach
from lambent.deploy.analysis.resources import Resources
from lambent.deploy.analysis.triggers import Triggers
from lambent.deploy.analysis.units import permissions_of, unit_of
from lambent.deploy.analysis.uses import UsesOf, resource_of
from lambent.deploy.errors import AnalysisError
from lambent.deploy.manifest import Finding, Manifest, Permission, Use

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lambent.deploy.analysis.distributions import Distributions
    from lambent.deploy.analysis.modules import Closure, SourceTree
    from lambent.deploy.analysis.reach import Place
    from lambent.deploy.manifest import ResourceKind, Unit
    from lambent.deploy.project import Project, Stage

_APP_NAME: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9-]{0,63}")
_OWN: Final = ("queue", "table", "bucket", "topic", "stream")


class Source:
    """A folder that units' modules are imported from, and what is known of them."""

    def __init__(self, tree: SourceTree, distributions: Distributions, answer: dict[str, Any]) -> None:
        self.tree = tree
        self.distributions = distributions
        self.answer = answer


class Assembly:
    """Puts a manifest together."""

    def __init__(self, project: Project, stage: Stage, sources: dict[str, Source]) -> None:
        self._project = project
        self._stage = stage
        self._sources = sources
        self._app: dict[str, Any] | None = sources[project.source].answer["app"] if project.handler else None
        self._closures: dict[tuple[Any, ...], Closure] = {}
        self._findings: set[tuple[str, str, str]] = set()
        self._uses: dict[tuple[str, str, str], tuple[set[str], str]] = {}
        self._permissions: dict[tuple[str, tuple[str, ...], tuple[str, ...]], str] = {}

    def manifest(self) -> Manifest:
        """The manifest. Raises AnalysisError."""
        project, stage = self._project, self._stage
        name = self._name()
        drafts = drafts_of(project, self._app)
        self._check_units(drafts)
        resources = Resources(project)
        for source in self._sources.values():
            for table in source.answer["tables"]:
                resources.declared(table)
        triggers = Triggers(project, resources, self._app)
        for draft in drafts:
            triggers.add(draft)
        triggers.finish()
        closures = {draft.name: self._closure(draft) for draft in drafts if draft.language == "python"}
        units = tuple(
            self._unit(draft, closures.get(draft.name), triggers.direct, handlers_of(draft, drafts))
            for draft in drafts
        )
        self._destinations(units, resources)
        names = {draft.name for draft in drafts}
        for draft in drafts:
            if draft.language == "node":
                node.check_handler(project, draft)
                uses = Uses(used=tuple(node.uses_of(project, draft)))
                self._note(draft, uses, names, resources, triggers, draft.source)
        self._find_uses(drafts, closures, resources, triggers)
        for draft in drafts:
            for one in permissions_of(draft.name, project.settings_of(stage, draft.name, draft.language)):
                self._permissions.setdefault((one.unit, one.actions, one.resources), one.where)
        cors = project.cors
        if cors is not None and triggers.has_cors:
            self._find("the app has its own CORS, so [app.cors] is left out", "", "Leave out one of the two.")
            cors = None
        self._findings |= {(one.message, one.place, one.hint) for one in triggers.findings}
        return Manifest(
            app=name,
            units=units,
            routes=tuple(triggers.routes[key] for key in sorted(triggers.routes)),
            cors=cors if triggers.routes else None,
            jwt=project.jwt if triggers.routes else None,
            authorizers=tuple(triggers.authorizers[api] for api in sorted(triggers.authorizers)),
            channels=triggers.channel_list(),
            queues=resources.queues(),
            tables=resources.tables(),
            buckets=resources.buckets(),
            topics=resources.topics(),
            streams=resources.streams(),
            queue_triggers=tuple(sorted(triggers.queues, key=lambda one: (one.queue, one.unit))),
            stream_triggers=tuple(sorted(triggers.streams, key=lambda one: (one.kind, one.name, one.unit))),
            schedules=tuple(triggers.schedules[one] for one in sorted(triggers.schedules)),
            events=tuple(triggers.events[one] for one in sorted(triggers.events)),
            topic_triggers=tuple(sorted(triggers.topics, key=lambda one: (one.topic, one.unit))),
            bucket_triggers=tuple(
                sorted(triggers.buckets, key=lambda one: (one.bucket, one.unit, one.prefix, one.suffix))
            ),
            log_triggers=tuple(sorted(triggers.logs, key=lambda one: (one.group, one.unit))),
            alarm_triggers=tuple(sorted(triggers.alarms, key=lambda one: (one.alarm or "", one.unit))),
            user_pool_triggers=tuple(
                sorted(triggers.user_pools, key=lambda one: (one.trigger, one.pool or "", one.unit))
            ),
            uses=tuple(
                Use(unit=unit, kind=_kind(kind), name=used, access=tuple(sorted(access)), where=where)
                for (unit, kind, used), (access, where) in sorted(self._uses.items())
            ),
            permissions=tuple(
                Permission(unit=unit, actions=needed, resources=arns, where=where)
                for (unit, needed, arns), where in sorted(self._permissions.items())
            ),
            findings=tuple(
                Finding(message=message, place=place, hint=hint)
                for place, message, hint in sorted((one[1], one[0], one[2]) for one in self._findings)
            ),
        )

    # ------------------------------------------------------------ names

    def _name(self) -> str:
        """The app's name: that of the settings, its own, or its folder's. Raises AnalysisError."""
        project = self._project
        own = (self._app or {}).get("name")
        name = project.name or (own if own and own != "app" else None)
        if name is None:
            name = re.sub(r"[^a-zA-Z0-9]+", "-", project.root.name).strip("-")
            if not name[:1].isalpha():
                name = f"app-{name}".rstrip("-")
        if _APP_NAME.fullmatch(name) is None:
            raise AnalysisError(
                f"{name!r} cannot be the name of an app: a letter, then letters, digits and -, at most 64",
                hint='Stacks are named after it: give it another with name = "shop" below [app] in lambent.toml.',
            )
        return name

    def _check_units(self, drafts: list[Draft]) -> None:
        """Settings are for units that there are. Raises AnalysisError."""
        there = [draft.name for draft in drafts]
        told = dict.fromkeys(self._project.units, "[app.units")
        told |= dict.fromkeys(self._stage.units, f"[stages.{self._stage.name}.units")
        for name, where in told.items():
            if name not in there:
                near = difflib.get_close_matches(name, there, n=1, cutoff=0.75)
                all_units = f"The units are {', '.join(there) or 'none'}."
                raise AnalysisError(
                    f"{where}.{name}]: there is no such unit",
                    hint=f"Did you mean {near[0]}? {all_units}" if near else all_units,
                    place=None if self._project.file is None else self._project.file.name,
                )
        if not drafts:
            raise AnalysisError(
                "the app has no handlers, so there is nothing to deploy",
                hint='Add one: @app.get("/") above a function. Modules with others have to be imported, or their '
                "routers included.",
            )

    # ------------------------------------------------------------ files

    def _closure(self, draft: Draft) -> Closure:
        """What a unit's handler imports. Handlers of one router share it."""
        key = (draft.source, _module(draft.handler), draft.routers, draft.function is None)
        if key not in self._closures:
            self._closures[key] = self._closure_of(draft)
        return self._closures[key]

    def _closure_of(self, draft: Draft) -> Closure:
        source = self._sources[draft.source]
        without: frozenset[str] = frozenset()
        if draft.routers is not None and self._app is not None:
            # Those that the app itself includes: what routers include comes with them.
            included = {one["included"] for one in self._app["routers"]} - {None}
            without = frozenset(included - set(draft.routers))
        # Also those whose names are made at run time, which is not read in the code.
        routers = [router.partition(":")[0] for router in draft.routers or ()]
        closure = source.tree.closure([_module(draft.handler), *routers], without)
        if draft.routers is None and draft.function is None:
            # What is imported by names that are made at run time is known from the import alone.
            loaded = source.answer["modules"]
            known = {
                module for module in loaded if module not in closure.files and source.tree.locate(module)
            }
            if known:
                closure = source.tree.closure([_module(draft.handler), *sorted(known)])
        return closure

    def _unit(self, draft: Draft, closure: Closure | None, direct: set[str], handlers: str | None) -> Unit:
        source = self._sources.get(draft.source)
        files: tuple[str, ...] = ()
        imports: set[str] = set()
        interpreter = (3, 13)
        if closure is not None and source is not None:
            interpreter = tuple(source.answer["interpreter"]["version"])
            files = tuple(sorted(set(closure.files.values())))
            for one in closure.outside.values():
                if one.module.partition(".")[0] in source.distributions.stdlib:
                    continue
                if one.shadowed and not source.distributions.has(one.module):
                    continue
                found = source.distributions.of(one.module)
                if found is not None:
                    imports.add(found)
                elif not one.optional:
                    self._find(
                        f"{one.module} is imported and not installed, so it is in no package",
                        _placed(draft.source, one.file, one.line),
                        f"Install it for {self._project.python}, or import it within try … except ImportError.",
                    )
        return unit_of(
            self._project,
            self._stage,
            draft,
            interpreter=interpreter,
            files=files,
            imports=tuple(sorted(imports)),
            direct=draft.name in direct,
            handlers=handlers,
        )

    # ------------------------------------------------------------ uses

    def _destinations(self, units: Iterable[Unit], resources: Resources) -> None:
        names = {unit.name for unit in units}
        for unit in units:
            for destination in (unit.on_success, unit.on_failure):
                if destination is None:
                    continue
                if destination.kind in ("queue", "topic"):
                    resources.named(destination.kind, destination.name)
                elif destination.kind == "function" and destination.name not in names:
                    raise AnalysisError(
                        f"the destination function:{destination.name}: there is no such unit",
                        hint=f"There are {', '.join(sorted(names))}; others are told by their ARN.",
                        place=f"the unit {unit.name}",
                    )

    def _find_uses(
        self,
        drafts: list[Draft],
        closures: dict[str, Closure],
        resources: Resources,
        triggers: Triggers,
    ) -> None:
        units = {draft.name for draft in drafts}
        for folder in sorted({draft.source for draft in drafts if draft.name in closures}):
            mine = [draft for draft in drafts if draft.source == folder and draft.name in closures]
            tree = self._sources[folder].tree
            files = {module: file for draft in mine for module, file in closures[draft.name].files.items()}
            meaning = Meaning(tree, files)
            for module, file in files.items():
                if meaning.facts(module) is None:
                    self._find(
                        f"{file} cannot be read, so nothing in it is known",
                        _placed(folder, file, 0),
                        "Ask for what it uses with permissions in the settings.",
                    )
            reach, uses = Reach(meaning), UsesOf(meaning)
            handlers = {draft.name: self._handlers(draft, reach, folder) for draft in mine}
            for draft in mine:
                modules = closures[draft.name].files
                if draft.kind == "app" and draft.routers is None:
                    places = frozenset(place for place in reach.everything() if place[0] in modules)
                else:
                    own = handlers[draft.name]
                    others = frozenset(place for each in handlers.values() for place in each) - own
                    places = reach.of(own, others, modules)
                self._note(draft, uses.all(places), units, resources, triggers, folder)

    def _handlers(self, draft: Draft, reach: Reach, folder: str) -> frozenset[Place]:
        found = set()
        root = self._project.root / folder
        told = [one["handler"] for one in draft.registrations if one["handler"]["module"]]
        if draft.function is not None:
            told = [self._sources[folder].answer["functions"][draft.name]]
        for handler in told:
            module = handler["module"]
            line = handler["line"] if handler["file"] and handler["file"].startswith(str(root)) else None
            place = reach.place(module, handler["name"], line)
            if place is not None:
                found.add(place)
        return frozenset(found)

    def _note(
        self,
        draft: Draft,
        found: Uses,
        units: set[str],
        resources: Resources,
        triggers: Triggers,
        folder: str,
    ) -> None:
        unit = draft.name
        seen_by_variable = {one.name for one in found.used if one.by_variable and one.access}
        for one in found.used:
            where = _placed(folder, one.where)
            name, kind = one.name, one.kind
            access = one.access
            if one.by_variable:
                if not access and one.name in seen_by_variable:
                    continue  # which of its operations are called is known
                there = sorted(units) if kind == "function" else list(triggers.channels)
                told = resource_of(kind, one.name, resources.names(kind) if kind in _OWN else there)
                if told is None:
                    self._find(
                        f"the variable {one.name} tells a {kind}, and the app has none of this name",
                        where,
                        f"Add [resources.{kind}s.<name>] to the settings." if kind in _OWN else "",
                    )
                    continue
                name, access = told, access or actions.all_access(kind)
            if kind == "channel":
                self._channels(unit, where, triggers)
                continue
            if kind == "function":
                self._call(unit, name, units, where)
                continue
            self._use(unit, kind, resources.named(kind, name, where), access, where)
        for table in found.declared:
            resources.seen(*table)
        for call in found.called:
            where = _placed(folder, call.where)
            self._permissions.setdefault((unit, call.actions, call.arns), where)
            if not call.is_narrow:
                self._find(
                    f"{', '.join(call.actions)} is permitted for everything: the code does not tell for what",
                    where,
                    "Name the resource in a text there, or find a resource of the app by its LAMBENT_… variable.",
                )
        for doubt in found.doubts:
            self._find(doubt.message, _placed(folder, doubt.where), doubt.hint)

    def _use(self, unit: str, kind: str, name: str, access: tuple[str, ...], where: str) -> None:
        there = self._uses.get((unit, kind, name))
        if there is None or not there[0]:
            self._uses[unit, kind, name] = (set(access), where)
        else:
            there[0].update(access)

    def _channels(self, unit: str, where: str, triggers: Triggers) -> None:
        """Connections do not tell their channel: it may be any of the app's."""
        for channel in triggers.channels:
            self._use(unit, "channel", channel, ("manage",), where)
        if not triggers.channels:
            self._permissions.setdefault((unit, ("execute-api:ManageConnections",), ("*",)), where)

    def _call(self, unit: str, name: str, units: set[str], where: str) -> None:
        own = name.partition(":")[0]
        if own in units:
            self._use(unit, "function", own, ("call",), where)
            return
        arns = (
            (name, f"{name}:*")
            if name.startswith("arn:")
            else tuple(one.replace("{}", own) for one in _FUNCTION)
        )
        self._permissions.setdefault((unit, ("lambda:InvokeFunction",), arns), where)
        if not name.startswith("arn:"):
            self._find(
                f"{name} is called, and is no unit of the app: it is taken for another function of the account",
                where,
                f"The units are {', '.join(sorted(units))}.",
            )

    def _find(self, message: str, place: str, hint: str) -> None:
        self._findings.add((message, place, hint))


_FUNCTION: Final = (
    "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:{}",
    "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:{}:*",
)


def _module(handler: str) -> str:
    return handler.replace("/", ".").rpartition(".")[0]


def _placed(folder: str, file: str, line: int = 0) -> str:
    """A place relative to the project's root."""
    told = file if folder == "." else f"{folder}/{file}"
    return f"{told}:{line}" if line else told


def _kind(kind: str) -> ResourceKind:
    return kind  # type: ignore[return-value]  # collected under these names alone
