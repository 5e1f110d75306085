"""Finding the App of a project by reading its modules, without importing anything."""

from __future__ import annotations

import ast
import os
from typing import TYPE_CHECKING, Final, NamedTuple

from lambent.deploy.errors import ProjectError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FIRST: Final = ("app.py", "main.py", "handler.py", "lambda_function.py")
"""Where an App is looked for before all others: the first of these that has one, has the one that is meant."""

_LEFT_OUT: Final = frozenset(
    {"tests", "test", "node_modules", "venv", "build", "dist", "__pycache__", "site-packages", "docs"}
)


class Found(NamedTuple):
    """An App: its handler, relative to the folder `source`, itself relative to the project's root; and its place."""

    handler: str
    source: str
    place: str


def find_app(root: Path, source: str | None = None) -> Found | None:
    """The App of a project, None when there is none: in `source`, else in the root, `src`, and packages of both.

    Raises ProjectError when there are several, and none is where one is expected first.
    """
    sources = ["."] if source is None else [source]
    if source is None and (root / "src").is_dir() and not (root / "src" / "__init__.py").exists():
        sources.append("src")
    for one in sources:
        for name in FIRST:
            path = root / one / name
            if path.is_file():
                found = _apps(path, root / one, one, root)
                if found:
                    return _only(found)
    everywhere: list[Found] = []
    for one in sources:
        for path in _modules(root / one):
            everywhere += _apps(path, root / one, one, root)
    return _only(everywhere) if everywhere else None


def found_in(path: Path, source: Path) -> str:
    """The handler of the App in a file. Raises ProjectError when there is none, or are several."""
    found = _apps(path, source, ".", source)
    if not found:
        raise ProjectError("no App in it: no line like app = App(…), outside of functions", place=str(path))
    return _only(found).handler


def _only(found: list[Found]) -> Found:
    if len(found) > 1:
        told = ", ".join(f"{one.handler} ({one.place})" for one in found)
        raise ProjectError(
            f"there are {len(found)} Apps: {told}",
            hint=f'Say which is deployed: handler = "{found[0].handler}" below [app] in lambent.toml. Handlers for '
            "another one's requests belong into a Router.",
        )
    return found[0]


def _modules(folder: Path, above: frozenset[str] = frozenset()) -> Iterator[Path]:
    """Files of Python in a folder and in the packages below it, sorted."""
    real = os.path.realpath(folder)
    if real in above:
        return  # a link to a folder that it is in
    for path in sorted(folder.iterdir()):
        name = path.name
        if name.startswith((".", "test_")) or name in _LEFT_OUT or name == "conftest.py":
            continue
        if path.suffix == ".py" and path.is_file():
            yield path
        elif path.is_dir() and name.isidentifier() and (path / "__init__.py").is_file():
            yield from _modules(path, above | {real})


def _apps(path: Path, source: Path, told: str, root: Path) -> list[Found]:
    """The Apps that a module makes, in its order; none of one that is no Python."""
    try:
        text = path.read_bytes()
    except OSError:
        return []
    if b"App(" not in text or b"lambent" not in text:
        return []
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):
        # What it says is shown when it is imported; by the name it is likely the one.
        return [Found(f"{path.stem}.app", told, path.name)] if path.name == FIRST[0] else []
    names: set[str] = set()
    modules: set[str] = set()
    found = []
    parts = path.relative_to(source).with_suffix("").parts
    module = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in ("lambent", "lambent.app.app"):
            names |= {alias.asname or alias.name for alias in node.names if alias.name == "App"}
        elif isinstance(node, ast.Import):
            modules |= {alias.asname or alias.name for alias in node.names if alias.name == "lambent"}
    for node in tree.body:
        if isinstance(node, ast.Assign):
            targets: list[ast.expr] = node.targets
        elif isinstance(node, ast.AnnAssign):
            targets = [node.target]
        else:
            continue
        if not isinstance(node.value, ast.Call) or not _is_app(node.value.func, names, modules):
            continue
        for target in targets:
            if isinstance(target, ast.Name) and module:
                place = f"{path.relative_to(root).as_posix()}:{node.lineno}"
                found.append(Found(f"{module}.{target.id}", told, place))
    return found


def _is_app(called: ast.expr, names: set[str], modules: set[str]) -> bool:
    if isinstance(called, ast.Name):
        return called.id in names
    return (
        isinstance(called, ast.Attribute)
        and called.attr == "App"
        and isinstance(called.value, ast.Name)
        and called.value.id in modules
    )
