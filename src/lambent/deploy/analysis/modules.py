"""The modules of a project, and what imports what: read from the files, so that what is imported in a function or in
one branch only is known too.
"""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, NamedTuple

from lambent.deploy.analysis.facts import Facts, Import, Part, read

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


class Outside(NamedTuple):
    """A module that is not the project's, where it is imported first, and whether the code can do without it.

    `shadowed`: a folder of the project without an `__init__.py` has its name. Python takes that only where no module of
    the name is installed (as `alembic` is, whose migrations are in a folder alembic).
    """

    module: str
    file: str
    line: int
    optional: bool
    shadowed: bool = False


class Closure(NamedTuple):
    """What modules import, with all that follows: the project's files by module, and what is imported from outside."""

    files: dict[str, str]
    outside: dict[str, Outside]


class SourceTree:
    """The files below a folder that modules are imported from. Facts are kept until their file changes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._facts: dict[str, tuple[tuple[int, int], Facts | None]] = {}
        self._located: dict[str, str | None] = {}
        self.unread: set[str] = set()
        """The files that this interpreter cannot read; another one may."""

    def forget(self) -> None:
        """Look again where modules are: files may have come and gone."""
        self._located.clear()
        self.unread.clear()

    def locate(self, module: str) -> str | None:
        """The file of a module, relative to the root; "" for a folder without `__init__.py`, None for what is not
        here.
        """
        if module in self._located:
            return self._located[module]
        path = module.replace(".", "/")
        found: str | None = None
        if (self.root / path / "__init__.py").is_file():
            found = f"{path}/__init__.py"
        elif (self.root / f"{path}.py").is_file():
            found = f"{path}.py"
        elif module and (self.root / path).is_dir() and any((self.root / path).rglob("*.py")):
            found = ""
        self._located[module] = found
        return found

    def facts(self, file: str) -> Facts | None:
        """The facts of a file; None of one that this interpreter cannot read."""
        path = self.root / file
        try:
            status = path.stat()
            stamp = (status.st_mtime_ns, status.st_size)
            kept = self._facts.get(file)
            if kept is None or kept[0] != stamp:
                self._facts[file] = kept = (stamp, read(path.read_bytes(), file))
            return kept[1]
        except (OSError, SyntaxError, ValueError, RecursionError):
            self.unread.add(file)
            return None

    def known(self, file: str, facts: Facts) -> None:
        """Keep facts that another interpreter has read."""
        self.unread.discard(file)
        status = (self.root / file).stat()
        self._facts[file] = ((status.st_mtime_ns, status.st_size), facts)

    def absolute(self, module: str, file: str, name: str, level: int) -> str:
        """The name of a module that `module` imports as `name`, `level` folders up."""
        if level == 0:
            return name
        parts = module.split(".")
        if not file.endswith("__init__.py"):
            parts = parts[:-1]
        parts = parts[: len(parts) - level + 1]
        return ".".join([*parts, *([name] if name else [])])

    def closure(self, entries: Iterable[str], without: frozenset[str] = frozenset()) -> Closure:
        """All that the modules `entries` import, and the routers that they include by name but for `without`."""
        files: dict[str, str] = {}
        outside: dict[str, Outside] = {}
        waiting: list[tuple[str, str, int, bool]] = [(name, "", 0, False) for name in entries]
        seen: set[str] = set()
        while waiting:
            name, by, line, optional = waiting.pop()
            if name in seen:
                continue
            parts = name.split(".")
            file = self.locate(name)
            if file is None:
                top = self.locate(parts[0])
                if top is None or (top == "" and len(parts) > 1):
                    known = outside.get(name)
                    if known is None or (known.optional and not optional):
                        outside[name] = Outside(name, by, line, optional)
                    continue
                # A member of a module of the project, or a module that is not there: what it is in comes along.
                if len(parts) > 1:
                    waiting.append((".".join(parts[:-1]), by, line, optional))
                continue
            seen.add(name)
            if len(parts) > 1:
                waiting.append((".".join(parts[:-1]), by, line, optional))
            if not file:
                if len(parts) == 1:
                    outside.setdefault(name, Outside(name, by, line, optional=True, shadowed=True))
                continue
            files[name] = file
            facts = self.facts(file)
            if facts is None:
                continue
            for one in facts.imports:
                module = self.absolute(name, file, one.module, one.level)
                if module and (one.names is None or not self._is_folder(module)):
                    waiting.append((module, file, one.line, one.optional))
                for member in one.names or ():
                    if member != "*" and self.locate(f"{module}.{member}") is not None:
                        waiting.append((f"{module}.{member}", file, one.line, one.optional))
                    elif module and self._is_folder(module):
                        waiting.append((module, file, one.line, one.optional))
                    elif self.locate(module) is None and module:
                        # Namespace packages share their first names: the member tells whose it is.
                        outside.setdefault(
                            f"{module}.{member}", Outside(f"{module}.{member}", file, one.line, True)
                        )
            for module, at in facts.literal_imports.items():
                waiting.append((self._literal(name, file, module), file, at, False))
            for included, at in facts.routers.items():
                if included not in without:
                    waiting.append((included.partition(":")[0], file, at, False))
        return Closure(files, outside)

    def _is_folder(self, module: str) -> bool:
        return self.locate(module) == ""

    def _literal(self, name: str, file: str, module: str) -> str:
        stripped = module.lstrip(".")
        return self.absolute(name, file, stripped, len(module) - len(stripped))


def facts_printed(text: str) -> dict[str, Facts]:
    """The facts by file, out of what `facts` has printed as a program."""
    return {
        file: Facts(
            tuple(Import(*one) for one in imports),
            aliases,
            stars,
            tuple(Part(*one) for one in parts),
            *others,
        )
        for file, (imports, aliases, stars, parts, *others) in ast.literal_eval(text).items()
    }
