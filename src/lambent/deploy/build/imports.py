"""Where the modules of a unit import each other and the installed ones: for people, who ask why something is in."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

# A router included by its name, or a module imported by it.
_NAME: Final = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)(?::[A-Za-z_]\w*)?")


def first_imports(files: Mapping[str, Path]) -> dict[str, str]:
    """Modules by dotted name, and where each is first imported ("shop/orders.py:3"). `files` by name in the package.

    Files that are no Python are left out.
    """
    found: dict[str, str] = {}
    for name, path in files.items():
        if not name.endswith(".py"):
            continue
        try:
            tree = ast.parse(path.read_bytes())
        except (OSError, SyntaxError, ValueError):
            continue
        package = name.split("/")[:-1]
        for module, line in sorted(_imported(ast.walk(tree), package), key=lambda item: item[1]):
            found.setdefault(module, f"{name}:{line}")
    return found


def module_of(name: str) -> str:
    """The dotted name of a file: "shop.orders" of shop/orders.py, "shop" of shop/__init__.py."""
    return name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _imported(nodes: Iterable[ast.AST], package: list[str]) -> Iterator[tuple[str, int]]:
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _with_parents(alias.name, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            yield from _with_parents(module, node.lineno)
            for alias in node.names:
                yield f"{module}.{alias.name}".lstrip("."), node.lineno
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            match = _NAME.fullmatch(node.value)
            if match is not None and "." in match[1]:
                yield from _with_parents(match[1], node.lineno)


def _with_parents(module: str, line: int) -> Iterator[tuple[str, int]]:
    parts = module.split(".")
    for count in range(len(parts), 0, -1):
        if parts[0]:
            yield ".".join(parts[:count]), line
