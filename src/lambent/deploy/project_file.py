"""Reading a project: its settings file, its app, its interpreter.

The settings file is the nearest `lambent.toml`, or `pyproject.toml` with a table `[tool.lambent]`, in the folder asked
for or above it; its folder is the project's root. The platform reads its own keys of the same file (docs/settings.md).
"""

from __future__ import annotations

import difflib
import os
import re
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from lambent.deploy.app_finder import find_app, found_in
from lambent.deploy.conversion import converted, unknown
from lambent.deploy.errors import ProjectError
from lambent.deploy.manifest import Cors, Jwt
from lambent.deploy.project import (
    FunctionSettings,
    Project,
    ProviderSettings,
    Stage,
    UnitSettings,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lambent.deploy.app_finder import Found

FILE: Final = "lambent.toml"
TEMPLATES: Final = ("template.yaml", "template.yml", "template.json")
RESOURCES: Final = ("queues", "tables", "buckets", "topics", "streams")
TABLES: Final = ("app", "function", "resources", "deploy", "stages")
"""The tables of a settings file that are read here."""

_OF_PLATFORM: Final = ("credentials", "neighbours")
"""The tables of the same file that the platform reads."""

_APP: Final = ("handler", "path", "python", "name", "unit", "units", "cors", "jwt", "auth")
_DEPLOY: Final = ("provider", "stage", "region", "profile", "endpoint_url", "bucket", "providers")
_STAGE: Final = ("protected", "provider", "region", "units")
_OF_PROVIDER: Final = ("region", "profile", "endpoint_url", "bucket")
_STAGE_NAME: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9-]*")
_FUNCTION_NAME: Final = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def load_project(
    directory: Path, *, app: str | None = None, environment: Mapping[str, str] = os.environ
) -> Project:
    """The project that `directory` is in.

    `app` says which: "app.app" or "app:app" (module and attribute), a file of Python, a folder, or a template of
    CloudFormation or SAM. Without it the settings say it, or it is looked for. `environment` tells the active virtual
    environment. Raises ProjectError.
    """
    directory = directory.absolute()
    if not directory.is_dir():
        raise ProjectError(f"{directory}: no such folder")
    handler: str | None = None
    given: Path | None = None
    if app is not None:
        given = _as_path(directory, app)
        if given is not None and given.suffix in (".yaml", ".yml", ".json", ".template"):
            file, root, document = _settings(given.parent)
            return _read(root if file else given.parent, file, document, environment, template=given)
        if given is not None:
            directory = given if given.is_dir() else given.parent
        else:
            handler = _handler(app, f"{directory}: no file or folder {app}, and")
    file, root, document = _settings(directory)
    if given is not None and given.is_dir() and given != root and not _is_about(document):
        root = given  # a settings file further up that is the platform's only
    project = _read(root, file, document, environment)
    if given is not None and given.is_file():
        source = root / project.source
        if not given.is_relative_to(source):
            source = given.parent
        found = found_in(given, source)
        project = _with(project, handler=found, source=_relative(source, root))
    elif handler is not None:
        project = _with(project, handler=handler)
    if project.handler is not None:
        return project
    found_app = find_app(root, None if project.source == "." else project.source)
    if found_app is not None and not _is_function(found_app, project):
        return _with(project, handler=found_app.handler, source=found_app.source)
    if project.functions:
        return project
    for name in TEMPLATES:
        if (root / name).is_file():
            return _with(project, template=root / name)
    raise ProjectError(
        f"{root}: no App in it: none of its modules has a line like app = App(…), outside of functions",
        hint='Write app = App("shop") into app.py, name another one with handler = "module.attribute" below [app] in '
        f"{FILE}, describe plain handlers in [[function]] tables there; or begin with `lambent new`.",
    )


def _is_function(found: Found, project: Project) -> bool:
    """Whether the App is deployed as a `[[function]]` already."""
    return any(
        (one.handler.replace(":", "."), one.path) == (found.handler, found.source)
        for one in project.functions
    )


def _has_tables(value: Any) -> bool:
    return isinstance(value, dict) or any(isinstance(one, dict) for one in value)


def _is_about(document: dict[str, Any]) -> bool:
    return any(name in document for name in TABLES)


def _with(project: Project, **members: Any) -> Project:
    return msgspec.structs.replace(project, **members)


def _relative(folder: Path, root: Path) -> str:
    return folder.relative_to(root).as_posix() if folder.is_relative_to(root) else folder.as_posix()


def _as_path(directory: Path, app: str) -> Path | None:
    """The file or folder that is meant; None where it is a module's name. Raises ProjectError."""
    path = directory / Path(app).expanduser()
    if path.exists():
        return path
    if app.endswith((".py", ".yaml", ".yml", ".json", "/")) or os.sep in app:
        raise ProjectError(f"{app}: no such file or folder in {directory}")
    return None


def _handler(text: str, place: str) -> str:
    """`module.attribute` in Lambda's spelling, from that or `module:attribute`. Raises ProjectError."""
    spelt = text.replace(":", ".").replace("/", ".")
    parts = spelt.split(".")
    if len(parts) < 2 or not all(part.isidentifier() for part in parts):
        raise ProjectError(
            f"{place} {text!r} is no handler: it is a module and an attribute of it, such as app.app"
        )
    return spelt


# ---------------------------------------------------------------- the file


def _settings(directory: Path) -> tuple[Path | None, Path, dict[str, Any]]:
    """The nearest settings file, its folder, and its tables. Raises ProjectError."""
    for folder in (directory, *directory.parents):
        if (folder / FILE).is_file():
            return folder / FILE, folder, _toml(folder / FILE)
        other = folder / "pyproject.toml"
        if other.is_file():
            tools = _table(_toml(other), "tool", str(other))
            if "lambent" in tools:
                return other, folder, _table(tools, "lambent", f"{other}: [tool]")
    return None, directory, {}


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ProjectError(f"not valid TOML: {error}", place=str(path)) from None
    except OSError as error:
        raise ProjectError(f"{error.strerror}", place=str(path)) from None


def _read(
    root: Path,
    file: Path | None,
    document: dict[str, Any],
    environment: Mapping[str, str],
    *,
    template: Path | None = None,
) -> Project:
    place = str(file or root)
    for key, value in document.items():
        near = difflib.get_close_matches(key, TABLES, n=1, cutoff=0.75)
        if key not in TABLES and near:
            raise ProjectError(f"unknown table [{key}]: did you mean [{near[0]}]?", place=place)
        if key not in (*TABLES, *_OF_PLATFORM) and isinstance(value, (dict, list)) and _has_tables(value):
            raise ProjectError(
                f"unknown table [{key}]",
                place=place,
                hint=f"There are {', '.join(f'[{one}]' for one in TABLES)}.",
            )
    app = _table(document, "app", place)
    deploy = _table(document, "deploy", place)
    stages = _table(document, "stages", place)
    handler = _text(app, "handler", f"{place}: [app]")
    unit = app.get("unit", "app")
    if unit not in ("app", "router", "function"):
        raise ProjectError(
            f'[app] unit is {unit!r}: it must be "app" (one function), "router" or "function"', place=place
        )
    auth = app.get("auth")
    if auth not in (None, "iam"):
        raise ProjectError(
            f'[app] auth is {auth!r}: it can only be "iam"; others are an @app.authorizer() or [app.jwt]',
            place=place,
        )
    source = (_text(app, "path", f"{place}: [app]") or ".").rstrip("/") or "."
    if not (root / source).is_dir():
        raise ProjectError(f"[app] path {source}: no such folder in {root}", place=place)
    return Project(
        root=root,
        file=file,
        python=_interpreter(root, _text(app, "python", f"{place}: [app]"), environment, place),
        handler=None if handler is None else _handler(handler, f"{place}: [app] handler"),
        source=source,
        name=_text(app, "name", f"{place}: [app]"),
        unit=unit,
        settings=_unit(app, f"{place}: [app]", _APP),
        units=_units(app, f"{place}: [app.units"),
        functions=read_functions(document, root, place),
        resources=_resources(document, place),
        cors=converted(Cors, app["cors"], f"{place}: [app.cors]") if "cors" in app else None,
        jwt=converted(Jwt, app["jwt"], f"{place}: [app.jwt]") if "jwt" in app else None,
        auth=auth,
        stages={name: _stage(name, table, place) for name, table in stages.items()},
        stage=_stage_name(_text(deploy, "stage", f"{place}: [deploy]") or "dev", place),
        provider=_text(deploy, "provider", f"{place}: [deploy]") or "local",
        providers=_providers(deploy, place),
        all_providers=ProviderSettings(name="", **_general(deploy, place)),
        template=template,
    )


def read_functions(document: dict[str, Any], root: Path, place: str) -> tuple[FunctionSettings, ...]:
    """The `[[function]]` tables. Raises ProjectError."""
    tables = document.get("function", [])
    found: dict[str, FunctionSettings] = {}
    for table in tables if isinstance(tables, list) else [tables]:
        function = converted(FunctionSettings, table, f"{place}: [[function]]")
        if _FUNCTION_NAME.fullmatch(function.name) is None:
            raise ProjectError(
                f"[[function]] name {function.name!r}: 1 to 64 letters, digits, - and _", place=place
            )
        if function.name in found:
            raise ProjectError(
                f"two [[function]] tables have the name {function.name}",
                place=place,
                hint="Rename one of them.",
            )
        if not (root / function.path).is_dir():
            raise ProjectError(
                f"[[function]] {function.name}: path {function.path}: no such folder", place=place
            )
        found[function.name] = function
    return tuple(found.values())


def _unit(table: dict[str, Any], place: str, others: Iterable[str]) -> UnitSettings:
    return converted(UnitSettings, {k: v for k, v in table.items() if k not in others}, place, others)


def _units(table: dict[str, Any], place: str) -> dict[str, UnitSettings]:
    units = table.get("units", {})
    if not isinstance(units, dict):
        raise ProjectError(f"{place}] has to be tables: one for each unit")
    return {name: converted(UnitSettings, one, f"{place}.{name}]") for name, one in units.items()}


def _stage_name(name: str, place: str) -> str:
    if _STAGE_NAME.fullmatch(name) is None:
        raise ProjectError(
            f"the stage {name!r}: its name begins with a letter and has letters, digits and -", place=place
        )
    return name


def _stage(name: str, table: Any, place: str) -> Stage:
    where = f"{place}: [stages.{name}]"
    _stage_name(name, place)
    if not isinstance(table, dict):
        raise ProjectError(f"{where} has to be a table, and is {table!r}")
    protected = table.get("protected", False)
    if not isinstance(protected, bool):
        raise ProjectError(f"{where} protected is {protected!r}: true or false")
    return Stage(
        name=name,
        protected=protected,
        settings=_unit(table, where, _STAGE),
        units=_units(table, f"{place}: [stages.{name}.units"),
        provider=_text(table, "provider", where),
        region=_text(table, "region", where),
    )


def _resources(document: dict[str, Any], place: str) -> dict[str, dict[str, dict[str, Any]]]:
    """By kind and name, as they stand there: analysis reads their members."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for kind, tables in _table(document, "resources", place).items():
        if kind not in RESOURCES:
            raise unknown(f"{place}: [resources]", kind, RESOURCES)
        if not isinstance(tables, dict) or not all(isinstance(one, dict) for one in tables.values()):
            raise ProjectError(f"{place}: [resources.{kind}] has to be tables: [resources.{kind}.<name>]")
        found[kind] = tables
    return found


def _providers(deploy: dict[str, Any], place: str) -> dict[str, ProviderSettings]:
    for key in deploy:
        if key not in _DEPLOY:
            raise unknown(f"{place}: [deploy]", key, _DEPLOY)
    general = _general(deploy, place)
    found = {}
    for name, table in _table(deploy, "providers", f"{place}: [deploy]").items():
        where = f"{place}: [deploy.providers.{name}]"
        if not isinstance(table, dict):
            raise ProjectError(f"{where} has to be a table, and is {table!r}")
        own = {key: _text(table, key, where) for key in _OF_PROVIDER if key in table}
        options = {key: value for key, value in table.items() if key not in _OF_PROVIDER}
        found[name] = ProviderSettings(name=name, options=options, **{**general, **own})
    return found


def _general(deploy: dict[str, Any], place: str) -> dict[str, Any]:
    return {name: _text(deploy, name, f"{place}: [deploy]") for name in _OF_PROVIDER}


def _table(document: dict[str, Any], name: str, place: str) -> dict[str, Any]:
    table = document.get(name, {})
    if not isinstance(table, dict):
        raise ProjectError(f"{place}: {name} has to be a table, and is {table!r}")
    return table


def _text(table: dict[str, Any], name: str, place: str) -> str | None:
    value = table.get(name)
    if value is not None and (not isinstance(value, str) or not value):
        raise ProjectError(f"{place} {name} is {value!r}: it must be a text")
    return value


def _interpreter(root: Path, told: str | None, environment: Mapping[str, str], place: str) -> Path:
    """The project's own environment, else the active one, else the one that this runs in. Raises ProjectError."""
    if told is not None:
        path = root / Path(told).expanduser()
        if path.is_dir():
            path = path / "bin" / "python"
        if not path.is_file():
            raise ProjectError(f"[app] python {told}: no such file", place=place)
        return path
    for folder in (root / ".venv", environment.get("UV_PROJECT_ENVIRONMENT"), environment.get("VIRTUAL_ENV")):
        if folder:
            path = root / folder / "bin" / "python"
            if path.is_file():
                return path
    return Path(sys.executable)
