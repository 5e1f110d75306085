"""Distributions for units of another Python than the project's environment has, where they run from folders.

A search path is of no use to them: modules of machine code are for one version of Python. So they get the distributions
that their package would have, for this machine.
"""

from __future__ import annotations

import platform
import shutil
import sys
from tempfile import mkdtemp
from typing import TYPE_CHECKING

import msgspec

from lambent.deploy.build.interpreter import interpreter
from lambent.deploy.build.selection import Chosen

if TYPE_CHECKING:
    from pathlib import Path

    from lambent.deploy.build.environment import Library
    from lambent.deploy.manifest import Manifest
    from lambent.deploy.project import Project


def foreign_files(project: Project, manifest: Manifest) -> dict[str, dict[str, Chosen]]:
    """By unit, for those whose Python is not the project's: files by name in its folder. Raises BuildError.

    On macOS there are none: the packages of Lambda's machines would not run there.
    """
    first, second = interpreter(project.python).version
    machine = "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"
    units = tuple(
        msgspec.structs.replace(unit, architecture=machine)
        for unit in manifest.units
        if unit.language == "python" and unit.runtime != f"python{first}.{second}"
    )
    if not units or sys.platform != "linux":
        return {}
    from lambent.deploy.build.building import Builder
    from lambent.deploy.build.progress import silent

    builder = Builder(project, msgspec.structs.replace(manifest, units=units), silent, upgrade=False)
    files: dict[str, dict[str, Chosen]] = {}
    for name, needed in builder.plan().needed.items():
        files[name] = {}
        for library in needed.values():
            folder = _unpacked(library)
            for entry in library.pack.entries:
                files[name][entry.name] = Chosen(folder / entry.name, f"package {library.name}")
    return files


def _unpacked(library: Library) -> Path:
    """The folder with the files of a distribution, beside its pack."""
    from lambent.deploy.build.packing import unpack

    folder = library.pack.path.with_suffix("")
    if not folder.is_dir():
        temporary = folder.with_name(mkdtemp(prefix=".making-", dir=folder.parent).rpartition("/")[2])
        try:
            unpack(library.pack, temporary)
            temporary.rename(folder)
        except OSError:
            if not folder.is_dir():  # or else another process has made it
                raise
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return folder
