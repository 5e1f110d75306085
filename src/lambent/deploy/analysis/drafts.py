"""Which units an app becomes: itself, one for each router, or one for each handler; and the plain functions."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from lambent.app.registrar import SHARED
from lambent.deploy.errors import AnalysisError

if TYPE_CHECKING:
    from lambent.deploy.manifest import Language, UnitKind
    from lambent.deploy.project import FunctionSettings, Project

NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")
"""What Lambda takes as a function's name."""

_OF_NO_NAME: Final = frozenset(
    {"router", "routes", "route", "api", "app", "handlers", "views", "endpoints", "bp"}
)
"""Names that say what a thing is and not which: the name of the package is better then."""


class Draft:
    """A unit that is being put together. `registrations` are those of its handlers, as the child tells them."""

    def __init__(
        self,
        name: str,
        kind: UnitKind,
        handler: str,
        *,
        source: str,
        place: str = "",
        language: Language = "python",
        routers: tuple[str, ...] | None = None,
        function: FunctionSettings | None = None,
    ) -> None:
        self.name = name
        self.kind = kind
        self.handler = handler
        self.source = source
        self.place = place
        self.language = language
        self.routers = routers
        self.function = function
        self.registrations: list[dict[str, Any]] = []
        self.about = ""


def drafts_of(project: Project, app: dict[str, Any] | None) -> list[Draft]:
    """The units. Raises AnalysisError for two of one name, and for names that Lambda does not take."""
    drafts: dict[str, Draft] = {}

    def add(draft: Draft) -> Draft:
        there = drafts.get(draft.name)
        if there is not None:
            raise AnalysisError(
                f"two units have the name {draft.name}: {there.place or there.handler}"
                f" and {draft.place or draft.handler}",
                hint="Units are named after their routers, handlers and [[function]] tables: rename one of them.",
            )
        if NAME.fullmatch(draft.name) is None:
            raise AnalysisError(
                f"{draft.name!r} cannot be the name of a unit: 1 to 64 letters of ASCII, digits, - and _",
                hint="Units are named after their routers, handlers and [[function]] tables: rename it there.",
                place=draft.place or None,
            )
        drafts[draft.name] = draft
        return draft

    if app is not None:
        assert project.handler is not None
        if "plain" in app:
            draft = add(_plain(project, app["plain"]))
            draft.registrations.append(
                {"kind": "direct", "handler": app["plain"], "options": {}, "router": None}
            )
        elif not app["registrations"]:
            pass  # an app beside plain functions, or nothing at all
        elif project.unit == "app":
            add(_draft(project, "app", "app", None)).registrations += app["registrations"]
        elif project.unit == "router":
            _by_router(project, app, add)
        else:
            _by_handler(project, app, add)
    for function in project.functions:
        language: Language = "node" if is_node(project, function) else "python"
        draft = add(
            Draft(
                function.name,
                "handler",
                function.handler.replace(":", "."),
                source=function.path,
                place=f"[[function]] {function.name}",
                language=language,
                function=function,
            )
        )
        draft.registrations += [_of_table(project, function, table) for table in function.events]
    return sorted(drafts.values(), key=lambda draft: draft.name)


def handlers_of(draft: Draft, drafts: list[Draft]) -> str | None:
    """The handlers of a unit, as LAMBENT_UNIT_HANDLERS lists them; None where no other unit is told of the same."""
    if draft.function is not None:
        return None
    mine = [one for one in draft.registrations if one["kind"] in SHARED]
    there = {
        _told_of(one)
        for each in drafts
        if each is not draft and each.function is None
        for one in each.registrations
    }
    if not any(_told_of(one) in there for one in mine):
        return None
    return ",".join(sorted({one["handler"]["told"] for one in mine}))


def _told_of(registration: dict[str, Any]) -> tuple[str, str] | None:
    """What a handler shares with others: its table, its bucket, the bus."""
    kind = registration["kind"]
    return (kind, str(registration["options"].get("name"))) if kind in SHARED else None


def _draft(
    project: Project, name: str, kind: UnitKind, routers: tuple[str, ...] | None, place: str = ""
) -> Draft:
    assert project.handler is not None
    return Draft(name, kind, project.handler, source=project.source, routers=routers, place=place)


def _plain(project: Project, handler: dict[str, Any]) -> Draft:
    draft = _draft(project, _last(handler["name"]), "handler", None)
    if draft.name in ("handler", "lambda_handler"):
        draft.name = "app"
    draft.about = handler["about"]
    return draft


def _by_router(project: Project, app: dict[str, Any], add: Any) -> None:
    own = [one for one in app["registrations"] if one["router"] is None]
    if own:
        add(_draft(project, "app", "app", (), _where(project, own[0]))).registrations += own
    for index, router in enumerate(app["routers"]):
        registrations = [one for one in app["registrations"] if one["router"] == index]
        if registrations:
            routers = (router["included"],) if router["included"] else ()
            place = _where(project, registrations[0])
            add(
                _draft(project, _name_of(router, place), "router", routers, place)
            ).registrations += registrations


def _name_of(router: dict[str, Any], place: str) -> str:
    """A router's own name, or its module's if it has one that any router has."""
    if router["module"] is None:
        raise AnalysisError(
            "a router is in no variable of a module, so its unit has no name",
            hint='Write orders = Router("/orders") at the top of a module, and include that.',
            place=place or None,
        )
    names = [router["variable"], *reversed(router["module"].split("."))]
    return str(next((name for name in names if name not in _OF_NO_NAME), names[0]))


def _by_handler(project: Project, app: dict[str, Any], add: Any) -> None:
    made: dict[tuple[Any, ...], Draft] = {}
    for one in app["registrations"]:
        handler, options = one["handler"], one["options"]
        router = None if one["router"] is None else app["routers"][one["router"]]["included"]
        if one["kind"] == "channel":
            key: tuple[Any, ...] = ("channel", options["channel"])
            name = re.sub(r"[^a-zA-Z0-9_-]+", "-", options["channel"])
        else:
            key = (handler["file"], handler["line"], handler["name"])
            name = _last(handler["name"])
            if name == "<lambda>":
                name = _slug(one)
        if key not in made:
            made[key] = add(_draft(project, name, "function", (), _where(project, one)))
            made[key].about = handler["about"] if one["kind"] != "channel" else ""
        made[key].registrations.append(one)
        if router is not None and router not in (made[key].routers or ()):
            made[key].routers = tuple(sorted([*(made[key].routers or ()), router]))


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _slug(registration: dict[str, Any]) -> str:
    """A name for a handler that has none."""
    options = registration["options"]
    told = f"{registration['kind']}-{options.get('path') or options.get('name') or options.get('expression') or ''}"
    if registration["kind"] == "http":
        told = f"{options['methods'][0]}{options['path']}".lower()
    return re.sub(r"[^a-zA-Z0-9_]+", "-", told).strip("-")


def _where(project: Project, registration: dict[str, Any]) -> str:
    handler = registration["handler"]
    return place_of(project, handler["file"], handler["line"])


def place_of(project: Project, file: str | None, line: int | None) -> str:
    """A place for people: relative to the project's root, where it is in it."""
    if not file:
        return ""
    root = f"{project.root}/"
    told = file.removeprefix(root)
    return f"{told}:{line}" if line else told


def is_node(project: Project, function: FunctionSettings) -> bool:
    """Whether a plain function is of Node.js: by its runtime, else by the file that it is in."""
    if function.runtime is not None:
        return project.language_of(function.runtime) == "node"
    module = function.handler.partition(".")[0]
    folder = project.root / function.path
    return (
        any((folder / f"{module}{end}").is_file() for end in (".mjs", ".js", ".cjs", ".ts", ".mts"))
        and not (folder / f"{module}.py").is_file()
    )


# ---------------------------------------------------------------- what calls plain functions

_EVENTS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "route": ("http", {"auth": None}),
    "queue": (
        "queue",
        {
            "batch_size": 10,
            "batch_window": 0,
            "maximum_concurrency": None,
            "filters": [],
            "report_failures": False,
        },
    ),
    "schedule": ("schedule", {"name": None, "timezone": None}),
    "topic": ("topic", {"filter": None}),
    "bucket": ("bucket", {"events": ["s3:ObjectCreated:*"], "prefix": None, "suffix": None}),
    "event": ("event", {"name": None, "bus": None}),
    **{
        key: (
            kind,
            {
                "batch_size": 100,
                "batch_window": 0,
                "starting_position": "LATEST",
                "parallelization": 1,
                "maximum_retries": None,
                "maximum_age": None,
                "bisect": False,
                "tumbling_window": None,
                "filters": [],
                "report_failures": False,
            },
        )
        for key, kind in (("table", "table_stream"), ("stream", "stream"))
    },
}
"""By the key of an event: the kind of registration, and its options with what they are without being told."""

_KINDS: Final[dict[str, tuple[tuple[type, ...], str]]] = {
    **dict.fromkeys(
        ("batch_size", "maximum_concurrency", "parallelization", "maximum_retries"), ((int,), "a number")
    ),
    **dict.fromkeys(
        ("batch_window", "maximum_age", "tumbling_window"), ((int, float), "a number of seconds")
    ),
    **dict.fromkeys(("report_failures", "bisect", "auth"), ((bool,), "true or false")),
    **dict.fromkeys(("filter", "event"), ((dict,), "a table")),
    "filters": ((list,), "a list of tables"),
    "events": ((str, list), "a text or a list of texts"),
}
"""What the values of options are; of those that are not here a text."""

_NAMES: Final = {"schedule": "expression", "event": "pattern"}


def _of_table(project: Project, function: FunctionSettings, table: dict[str, Any]) -> dict[str, Any]:
    """A registration out of an event of a `[[function]]`. Raises AnalysisError."""
    place = f"[[function]] {function.name}"
    kinds = [key for key in table if key in _EVENTS]
    if len(kinds) != 1:
        raise AnalysisError(
            f"an event is {table!r}: it has one of {', '.join(_EVENTS)}, which says what calls the function",
            place=place,
        )
    kind, defaults = _EVENTS[kinds[0]]
    unknown = table.keys() - defaults.keys() - {kinds[0]}
    if unknown:
        raise AnalysisError(
            f"the event {kinds[0]} has no option {', '.join(sorted(unknown))}",
            hint=f"It may have {', '.join(defaults)}.",
            place=place,
        )
    for name, value in table.items():
        types, what = _KINDS.get(name, ((str,), "a text"))
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            raise AnalysisError(f"the event {kinds[0]}: {name} is {value!r}: it must be {what}", place=place)
    if table.get("starting_position", "LATEST") not in ("LATEST", "TRIM_HORIZON"):
        raise AnalysisError(
            f"the event {kinds[0]}: starting_position is {table['starting_position']!r}: it must be"
            ' "LATEST" or "TRIM_HORIZON"',
            place=place,
        )
    options = {**defaults, **table}
    told = options.pop(kinds[0])
    if kind == "http":
        method, _, path = str(told).partition(" ")
        if not path.strip().startswith("/"):
            raise AnalysisError(f'the route {told!r} has to be like "GET /price"', place=place)
        options |= {"methods": [method.upper()], "path": path.strip()}
    else:
        options[_NAMES.get(kinds[0], "name")] = told
    handler = {"name": function.name, "module": None, "file": None, "line": None, "about": ""}
    return {"kind": kind, "handler": handler, "options": options, "router": None}
