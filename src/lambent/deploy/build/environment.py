"""Installed distributions for a target, compressed: what packages and layers are put together from."""

from __future__ import annotations

import csv
import hashlib
import os
import shutil
from pathlib import Path
from tempfile import mkdtemp
from threading import Lock
from typing import TYPE_CHECKING, Final

import msgspec

from lambent.deploy.build import uv
from lambent.deploy.build.interpreter import normalised
from lambent.deploy.build.local import fingerprint_of, folder_in, wheel_is_pure
from lambent.deploy.build.packing import Entry, Pack, pack
from lambent.deploy.build.resolution import platform_options
from lambent.deploy.build.uv import UvFailure
from lambent.deploy.errors import BuildError

if TYPE_CHECKING:
    from lambent.deploy.build.needs import Needs
    from lambent.deploy.build.progress import Progress
    from lambent.deploy.build.resolution import Resolved
    from lambent.deploy.project import Project

_FORMAT: Final = "1"
_TASK: Final = "Installing packages"
_INDEX: Final = "index.msgpack"
# What installing leaves behind, and nobody reads where the package runs.
_LEFT_OUT: Final = frozenset(
    {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", "uv_build.json"}
)


class Library(msgspec.Struct, frozen=True):
    """A distribution as it is packed."""

    name: str
    version: str
    pack: Pack


def libraries(
    names: frozenset[str], resolved: Resolved, needs: Needs, project: Project, store: Path, progress: Progress
) -> dict[str, Library]:
    """The distributions of that names, installed for the target; kept in `store`. Raises BuildError."""
    if not names:
        return {}
    lines = [resolved.lines[name] for name in sorted(names)]
    folder = store / _key(lines, resolved, needs)
    found = _kept(folder)
    if found is None:
        store.mkdir(parents=True, exist_ok=True)
        temporary = Path(mkdtemp(prefix=".making-", dir=store))
        try:
            progress(_TASK, 0, None)
            _install(temporary, lines, resolved, needs, project)
            progress(_TASK, 1, 1)
            _pack_all(temporary, needs, progress)
            shutil.rmtree(temporary / "site", ignore_errors=True)
            try:
                temporary.rename(folder)
            except OSError:
                if _kept(folder) is None:
                    # Something damaged is in its place.
                    shutil.rmtree(folder, ignore_errors=True)
                    temporary.rename(folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        found = _kept(folder)
        assert found is not None
    os.utime(folder)
    missing = names - found.keys()
    if missing:
        raise BuildError(f"uv has not installed {', '.join(sorted(missing))} for {needs.target}")
    return found


def _key(lines: list[str], resolved: Resolved, needs: Needs) -> str:
    parts: list[object] = [_FORMAT, needs.target.version, needs.target.platform, *lines]
    # Other hashes are another wish, though it be the same version.
    parts += [line for line in resolved.limits if "--hash" in line]
    parts += [fingerprint_of(folder) for line in lines if (folder := folder_in(line))]
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()[:32]


def _kept(folder: Path) -> dict[str, Library] | None:
    try:
        index = msgspec.msgpack.decode(
            (folder / _INDEX).read_bytes(), type=dict[str, tuple[str, tuple[Entry, ...]]]
        )
    except (OSError, msgspec.MsgspecError):
        return None
    return {
        name: Library(name, version, Pack(folder / f"{name}.pack", entries))
        for name, (version, entries) in index.items()
    }


def _install(folder: Path, lines: list[str], resolved: Resolved, needs: Needs, project: Project) -> None:
    asked, limits = folder / "asked.txt", folder / "limits.txt"
    asked.write_text("\n".join((*needs.declared.places, *lines, "")), encoding="utf-8")
    # They have the hashes of the lock, which are checked.
    limits.write_text("\n".join((*resolved.limits, "")), encoding="utf-8")
    arguments = [
        *("pip", "install", "--target", str(folder / "site"), "--no-deps"),
        *("--requirements", str(asked), "--constraints", str(limits)),
        *("--python", str(project.python), *platform_options(needs.target, resolved.built)),
        # uv would take what it has built of them before, as long as their version is the same.
        *(
            option
            for name, line in resolved.lines.items()
            if folder_in(line)
            for option in ("--refresh-package", name)
        ),
    ]
    cwd = needs.declared.file.parent if needs.declared.file else project.root
    try:
        try:
            uv.run(arguments, cwd=cwd, offline=True)
        except UvFailure:
            shutil.rmtree(folder / "site", ignore_errors=True)
            uv.run(arguments, cwd=cwd)
    except UvFailure as failure:
        name = failure.without_wheel
        raise BuildError(
            f"packages for {needs.target} cannot be installed: {failure.reason}",
            hint=f"There is no wheel of {name} for it: take another version." if name else None,
        ) from failure
    for info in (folder / "site").glob("*.dist-info"):
        name = normalised(info.name.partition("-")[0])
        if name in resolved.built and not wheel_is_pure(info):
            raise BuildError(
                f"the package {name} has machine code, and no wheel for {needs.target}",
                hint="Built here it would be for this machine. Build a wheel for the target, and name that.",
            )


def _pack_all(folder: Path, needs: Needs, progress: Progress) -> None:
    site = folder / "site"
    task = f"Compressing packages for Python {needs.target.version} {needs.target.architecture} (kB)"
    files = {info: _files(site, info) for info in sorted(site.glob("*.dist-info"))}
    total = sum(path.stat().st_size for listed in files.values() for _, path, _ in listed)
    done = 0
    lock = Lock()

    def advance(size: int) -> None:
        nonlocal done
        with lock:
            done += size
            progress(task, done // 1024, total // 1024)

    index = {}
    for info, listed in files.items():
        name, _, version = info.name.removesuffix(".dist-info").partition("-")
        name = normalised(name)
        packed = pack(listed, folder / f"{name}.pack", advance)
        index[name] = (version, packed.entries)
    (folder / _INDEX).write_bytes(msgspec.msgpack.encode(index))


def _files(site: Path, info: Path) -> list[tuple[str, Path, bool]]:
    """What its record says that it has, without scripts and compiled modules.

    https://packaging.python.org/en/latest/specifications/recording-installed-packages/
    """
    with (info / "RECORD").open(encoding="utf-8", newline="") as file:
        names = sorted({row[0].replace("\\", "/") for row in csv.reader(file) if row})
    files = []
    for name in names:
        if name.startswith(("../", "/", "bin/")) or name.endswith(".pyc"):
            continue
        if name.startswith(f"{info.name}/") and name.removeprefix(f"{info.name}/") in _LEFT_OUT:
            continue
        path = site / name
        if path.is_file():
            files.append((name, path, bool(path.stat().st_mode & 0o100)))
    return files
