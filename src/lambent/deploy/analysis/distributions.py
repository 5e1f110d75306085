"""Which installed distribution a module belongs to.

Read from the files that installers leave behind (`*.dist-info`, "Recording installed projects" of the Python Packaging
User Guide): for the project's interpreter, whose packages are not those of this one. Only what is asked for is looked
up, as reading all of it takes longer than an analysis may.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class Distributions:
    """The distributions on a search path. What has been found is kept until the folders change."""

    def __init__(self, path: Sequence[str], stdlib: Iterable[str]) -> None:
        self._folders = [Path(one) for one in path if one and "python3" not in Path(one).name]
        self.stdlib = frozenset(stdlib)
        self._stamp = self._now()
        self._there = self._listed()
        self._records: dict[Path, bytes] = {}
        self._found: dict[str, str | None] = {}
        self._shared: set[str] = set()

    def _now(self) -> tuple[int, ...]:
        return tuple(one.stat().st_mtime_ns for one in self._folders if one.is_dir())

    @property
    def is_current(self) -> bool:
        """Whether nothing has been installed or removed since."""
        return self._stamp == self._now()

    def of(self, module: str) -> str | None:
        """The normalised name of the distribution that a module belongs to; None where it is not installed."""
        parts = module.split(".")
        path = ""
        for part in parts:
            path = f"{path}/{part}" if path else part
            if path in self._found:
                if self._found[path] is not None or path not in self._shared:
                    return self._found[path]
            else:
                there = self._kind(path)
                self._found[path] = self._owner(path) if there == "module" else None
                if there == "folder":
                    self._shared.add(path)
                elif there == "module" or path == parts[0]:
                    self._found[path] = self._found[path] or self._editable(path)
                    return self._found[path]
                else:
                    return None
        return None

    def has(self, module: str) -> bool:
        """Whether a module that is no mere folder is in one of the path's folders."""
        return self._kind(module) == "module"

    def _kind(self, path: str) -> str | None:
        """Whether there is a module, or only a folder that several distributions may share."""
        kind = None
        for folder in self._folders:
            if (folder / path / "__init__.py").is_file() or (folder / f"{path}.py").is_file():
                return "module"
            if (folder / path).is_dir():
                kind = "folder"
            elif next(folder.glob(f"{path}.*so"), None) is not None:
                return "module"
        return kind

    def _listed(self) -> list[tuple[str, Path]]:
        entries = [
            entry for folder in self._folders if folder.is_dir() for entry in folder.glob("*.dist-info")
        ]
        return sorted(
            (normalised(entry.name.removesuffix(".dist-info").rpartition("-")[0]), entry) for entry in entries
        )

    def _owner(self, path: str) -> str | None:
        """Whose list of files has a module."""
        beginnings = [f"\n{path}{mark}".encode() for mark in ("/", ".")]
        likely = normalised(path.partition("/")[0])
        for name, entry in sorted(self._there, key=lambda one: one[0] != likely):
            record = self._record(entry)
            if any(one in record for one in beginnings):
                return name
        return None

    def _record(self, entry: Path) -> bytes:
        if entry not in self._records:
            try:
                self._records[entry] = b"\n" + (entry / "RECORD").read_bytes()
            except OSError:
                self._records[entry] = b""
        return self._records[entry]

    def _editable(self, top: str) -> str | None:
        """Of a module that is installed as a link to its source: by `.pth` files, or finders that installers write."""
        for name, entry in self._there:
            for line in self._record(entry).splitlines():
                file = line.rpartition(b",")[0].rpartition(b",")[0].decode(errors="replace")
                if "/" in file:
                    continue
                if file.endswith(".pth"):
                    for told in _lines(entry.parent / file):
                        folder = Path(told)
                        if not told.startswith("import ") and (
                            (folder / top).is_dir() or (folder / f"{top}.py").is_file()
                        ):
                            return name
                elif (
                    file.startswith("__editable__")
                    and file.endswith(".py")
                    and any(f"'{top}'" in told or f'"{top}"' in told for told in _lines(entry.parent / file))
                ):
                    return name
        return None


def normalised(name: str) -> str:
    """As PEP 503 has it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8", "replace").splitlines()
    except OSError:
        return []
