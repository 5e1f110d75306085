"""The source as it is now, as folders that run: what `lambent dev` has instead of packages.

A snapshot is a folder of hard links, named by the fingerprint of what is in it, so code that serves is never changed
under it, and equal code is the same folder. The files that links lead to are copies, made once for each contents:

    <into>/blobs/<digest>           copies, below a folder for those that are executable
    <into>/<fingerprint>/app.py     links to them

Snapshots that nothing new has run from for the time that an invocation may last are removed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import time
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lambent.deploy.build.artefacts import Linked
from lambent.deploy.build.contents import Contents, unwritable
from lambent.deploy.build.foreign import foreign_files
from lambent.deploy.build.interpreter import interpreter
from lambent.deploy.build.selection import check_patterns, folders_apart
from lambent.deploy.build.sources import sources
from lambent.deploy.errors import BuildError

if TYPE_CHECKING:
    from lambent.deploy.build.contents import File
    from lambent.deploy.build.selection import Chosen
    from lambent.deploy.manifest import Manifest
    from lambent.deploy.project import Project

_BLOBS: Final = "blobs"
_BUNDLES: Final = "bundles"
_TEMPORARY: Final = ".making-"
# Lambda's longest timeout: who runs may still import from its folder until then.
_KEPT_S: Final = 15 * 60.0

_ATTEMPTS: Final = 10

_contents: Final = Contents()
_left: Final[dict[Path, set[str]]] = {}
"""By the folder that snapshots are in: those of the last time, until the next."""
_numbers: Final = count()


def link(project: Project, manifest: Manifest, into: Path) -> Linked:
    """Folders of all units below `into`. Raises BuildError.

    Units of another Python than the project's have their distributions in their folder, too. A process that links again
    reads only files that have changed.
    """
    try:
        return _linked(project, manifest, into)
    except OSError as error:
        raise unwritable(into, error) from error


def _linked(project: Project, manifest: Manifest, into: Path) -> Linked:
    into.mkdir(parents=True, exist_ok=True)
    store = _Store(into)
    apart = folders_apart(project.root, manifest.units)
    selected = {
        unit.name: sources(project.root, unit, _contents, into / _BUNDLES, apart) for unit in manifest.units
    }
    check_patterns(project.root, manifest.units, selected)
    for name, files in foreign_files(project, manifest).items():
        selected[name] = {**files, **selected[name]}
    folders = {name: into / store.snapshot(files) for name, files in selected.items()}
    store.sweep({folder.name for folder in folders.values()})
    # A project that is installed as editable would be found there too, with all its files, and as they change.
    search_path = tuple(path for path in interpreter(project.python).search_path if path not in apart)
    return Linked(folders=folders, search_path=search_path)


class _Changing(Exception):
    """A file has changed between two looks at it."""


class _Store:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._blobs = folder / _BLOBS

    def snapshot(self, files: dict[str, Chosen]) -> str:
        """The name of the folder that has these files."""
        for _ in range(_ATTEMPTS):
            with suppress(_Changing):
                return self._snapshot(files)
        raise BuildError(
            "the project's files keep changing while they are copied", hint="Save, and try again."
        )

    def _snapshot(self, files: dict[str, Chosen]) -> str:
        facts = [(name, chosen.path, _contents.file(chosen.path)) for name, chosen in files.items()]
        fingerprint = hashlib.sha256()
        for name, _, file in facts:
            fingerprint.update(b"%s\0%d%s" % (os.fsencode(name), file.executable, file.digest))
        label = fingerprint.hexdigest()[:20]
        folder = self._folder / label
        try:
            # It is wanted now: the sweep looks at this.
            os.utime(folder)
        except FileNotFoundError:
            self._make(folder, facts)
        return label

    def _make(self, folder: Path, facts: list[tuple[str, Path, File]]) -> None:
        temporary = self._folder / f"{_TEMPORARY}{os.getpid()}-{next(_numbers)}"
        made = {""}
        try:
            temporary.mkdir()
            for name, path, file in facts:
                within = name.rpartition("/")[0]
                if within not in made:
                    (temporary / within).mkdir(parents=True, exist_ok=True)
                    made.add(within)
                _hard_link(self._blob(path, file), temporary / name)
            temporary.rename(folder)
        except OSError as error:
            shutil.rmtree(temporary, ignore_errors=True)
            if folder.is_dir():
                return  # another process has made the same
            raise BuildError(f"{folder} cannot be written: {error.strerror}") from error
        except (BuildError, _Changing):
            shutil.rmtree(temporary, ignore_errors=True)
            raise

    def _blob(self, path: Path, file: File) -> Path:
        folder = self._blobs / ("x" if file.executable else "-")
        blob = folder / file.digest.hex()
        if blob.exists():
            return blob
        folder.mkdir(parents=True, exist_ok=True)
        temporary = folder / f"{blob.name}.{os.getpid()}-{next(_numbers)}"
        shutil.copyfile(path, temporary)
        # Somebody may write it just now. A copy under the digest of other contents would be taken for these for good.
        if hashlib.sha256(temporary.read_bytes()).digest() != file.digest:
            temporary.unlink()
            raise _Changing
        temporary.chmod(0o555 if file.executable else 0o444)
        temporary.replace(blob)
        return blob

    def sweep(self, current: set[str]) -> None:
        """Removes snapshots that nobody can run any more, and copies that are in none."""
        # Whatever ran until now may go on for as long as one that was asked for now.
        for name in _left.get(self._folder, set()) - current:
            with suppress(FileNotFoundError):
                os.utime(self._folder / name)
        _left[self._folder] = current
        too_old = time.time() - _KEPT_S
        swept = False
        with os.scandir(self._folder) as entries:
            for entry in entries:
                if entry.name in current or entry.name in (_BLOBS, _BUNDLES) or not entry.is_dir():
                    continue
                with suppress(FileNotFoundError):
                    if entry.stat().st_mtime < too_old:
                        shutil.rmtree(entry.path, ignore_errors=True)
                        swept = True
        if not swept:
            return
        for folder in ("x", "-"):
            with suppress(FileNotFoundError), os.scandir(self._blobs / folder) as blobs:
                for blob in blobs:
                    # Not the entry's own: that one has no count of links on every system.
                    path = Path(blob.path)
                    if path.stat().st_nlink == 1:
                        path.unlink()


def _hard_link(blob: Path, path: Path) -> None:
    try:
        path.hardlink_to(blob)
    except OSError:
        # File systems without links, or with as many as there may be.
        shutil.copyfile(blob, path)
        shutil.copymode(blob, path)
