"""Functions of Node.js: taken as they are, or bundled by esbuild.

Bundled is what is written in TypeScript, and what imports packages or files outside of its folder; then the package
is one file. esbuild is the
project's (node_modules/.bin, here or above) or the one on PATH. AWS's SDK, which Lambda's Node.js runtimes have, is
bundled where it is installed and left to the runtime where it is not. (https://esbuild.github.io/api/,
https://docs.aws.amazon.com/lambda/latest/dg/lambda-nodejs.html)
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any, Final

import msgspec

from lambent.deploy.build.javascript import SUFFIXES, TYPED, Traced, trace
from lambent.deploy.build.selection import Chosen, included, select, source_of
from lambent.deploy.errors import BuildError

if TYPE_CHECKING:
    from lambent.deploy.build.contents import Contents
    from lambent.deploy.manifest import Unit

_SDK: Final = ("@aws-sdk/", "@smithy/")
_FORMER_SDK: Final = "aws-sdk"
_FIRST_WITH_SDK: Final = 18
_RUNTIME: Final = re.compile(r"nodejs(\d+)\.x")
_ERROR: Final = re.compile(r"\[ERROR\] (.+)")
_PLACE: Final = re.compile(r"^\s+(\S.*?):(\d+):\d+:$", re.MULTILINE)
_UNRESOLVED: Final = re.compile(r'Could not resolve "([^"]+)"')
# Packages written for CommonJS ask for Node's own modules with `require`, which modules have none of.
_BANNER: Final = (
    'import{createRequire as __createRequire}from"node:module";'
    "globalThis.require??=__createRequire(import.meta.url);"
)


def node_sources(
    root: Path, unit: Unit, contents: Contents, bundles: Path, apart: frozenset[str]
) -> dict[str, Chosen]:
    """The files of a unit's package. Raises BuildError."""
    source = source_of(root, unit)
    entry = _entry(source, unit)
    traced = trace(entry)
    reason = _reason(traced, source, unit)
    if reason is not None:
        name, path = _bundle(source, unit, entry, reason, contents, bundles)
        why = f"bundled by esbuild from {entry.relative_to(source).as_posix()}"
        return dict(sorted({**included(root, unit), name: Chosen(path, why)}.items()))
    if unit.files or source != Path(os.path.normpath(root)):
        return select(root, unit, contents, apart)
    files = _own(traced, source)
    return select(root, msgspec.structs.replace(unit, files=files), contents, apart)


def _reason(traced: Traced, source: Path, unit: Unit) -> str | None:
    """Why it has to be bundled."""
    packages = sorted(name for name in traced.packages if not _left_to_runtime(name, source, unit))
    if packages:
        return f"imports {packages[0]}"
    for path in traced.files:
        if not path.is_relative_to(source):
            return f"imports {os.path.relpath(path, source)}, which is not in {unit.source}"
    for path in traced.files:
        if path.suffix in TYPED:
            return f"is written in {path.suffix.removeprefix('.')}"
    return None


def _entry(source: Path, unit: Unit) -> Path:
    module = unit.handler.rpartition(".")[0]
    for suffix in SUFFIXES:
        path = source / f"{module}{suffix}"
        if path.is_file():
            return path
    raise BuildError(
        f"unit {unit.name}: the handler {unit.handler} should be in {module}.mjs (or .js, .cjs, .ts, .mts)"
        f" in {unit.source}, and there is none",
        hint='`handler` is the file without its suffix, a dot, and the name of the function: "index.handler".',
    )


def _own(traced: Traced, source: Path) -> tuple[str, ...]:
    """The files that the entry imports, and the package.json that says what they are."""
    files = {path for path in traced.files if path.is_relative_to(source)}
    if (source / "package.json").is_file():
        files.add(source / "package.json")
    return tuple(sorted(path.relative_to(source).as_posix() for path in files))


def _left_to_runtime(name: str, source: Path, unit: Unit) -> bool:
    """Whether it is AWS's SDK that the runtime has: version 3 from Node.js 18 on, version 2 before."""
    is_runtimes = name.startswith(_SDK) if _version(unit) >= _FIRST_WITH_SDK else name == _FORMER_SDK
    return is_runtimes and not any(
        (folder / "node_modules" / name).is_dir() for folder in (source, *source.parents)
    )


def _version(unit: Unit) -> int:
    match = _RUNTIME.fullmatch(unit.runtime)
    return int(match[1]) if match else _FIRST_WITH_SDK


class _Made(msgspec.Struct):
    """What a bundle was made of: digests by path, and the file that it is."""

    inputs: dict[str, str]
    options: tuple[str, ...]
    path: str
    name: str


def _bundle(
    source: Path, unit: Unit, entry: Path, reason: str, contents: Contents, bundles: Path
) -> tuple[str, Path]:
    """The name of the bundle in the package, and where it is."""
    esbuild = _esbuild(source)
    if esbuild is None:
        raise BuildError(
            f"unit {unit.name} {reason}: esbuild has to bundle that, and it is not there",
            hint="npm install --save-dev esbuild",
            place=entry.name,
        )
    modules = _is_module(entry, source)
    name = f"{unit.handler.rpartition('.')[0]}{'.mjs' if modules else '.js'}"
    options = (
        *("--bundle", "--platform=node", f"--target=node{_version(unit)}", "--charset=utf8"),
        f"--format={'esm' if modules else 'cjs'}",
        *((f"--banner:js={_BANNER}",) if modules else ()),
        *(
            f"--external:{sdk}{'*' if sdk.endswith('/') else ''}"
            for sdk in (*_SDK, _FORMER_SDK)
            if _left_to_runtime(sdk, source, unit)
        ),
    )
    record = bundles / f"{unit.name}.json"
    kept = _kept(record, options, contents)
    if kept is not None:
        return kept.name, Path(kept.path)
    bundles.mkdir(parents=True, exist_ok=True)
    workshop = Path(mkdtemp(prefix=".making-", dir=bundles))
    try:
        out, meta = workshop / "bundle.js", workshop / "meta.json"
        command = [
            *(str(esbuild), str(entry), *options, f"--outfile={out}", f"--metafile={meta}"),
            *("--log-level=warning", "--color=false"),
        ]
        try:
            done = subprocess.run(command, cwd=source, capture_output=True, check=False)
        except OSError as error:
            raise BuildError(
                f"esbuild cannot be run: {error}", hint="npm install --save-dev esbuild"
            ) from error
        if done.returncode:
            raise _refusal(unit, done.stderr.decode("utf-8", "replace"))
        inputs = {str(source / path): "" for path in json.loads(meta.read_bytes())["inputs"]}
        inputs |= {str(path): "" for path in _settings(source)}
        digests = {path: contents.file(Path(path)).digest.hex() for path in inputs if Path(path).is_file()}
        path = bundles / f"{contents.file(out).digest.hex()}{Path(name).suffix}"
        out.replace(path)
        made = _Made(inputs=digests, options=options, path=str(path), name=name)
        out.write_bytes(msgspec.json.encode(made))
        out.replace(record)
        return name, path
    finally:
        shutil.rmtree(workshop, ignore_errors=True)


def _kept(record: Path, options: tuple[str, ...], contents: Contents) -> _Made | None:
    """What was made before, where all that it was made of is still the same."""
    try:
        made = msgspec.json.decode(record.read_bytes(), type=_Made)
        fresh = all(contents.file(Path(path)).digest.hex() == digest for path, digest in made.inputs.items())
    except (OSError, msgspec.MsgspecError, BuildError):
        return None
    return made if fresh and made.options == options and Path(made.path).is_file() else None


def _settings(source: Path) -> list[Path]:
    """What else decides how it is bundled: from the nearest folder that has one."""
    found = []
    for name in ("package.json", "tsconfig.json", "package-lock.json", "yarn.lock", "pnpm-lock.yaml"):
        found += [path for folder in (source, *source.parents) if (path := folder / name).is_file()][:1]
    return found


def _esbuild(source: Path) -> Path | None:
    for folder in (source, *source.parents):
        path = folder / "node_modules" / ".bin" / "esbuild"
        if path.is_file():
            return path
    found = shutil.which("esbuild")
    return Path(found) if found else None


def _is_module(entry: Path, source: Path) -> bool:
    """Whether Node.js takes the entry for an ES module (https://nodejs.org/api/packages.html#type)."""
    if entry.suffix in (".mjs", ".mts"):
        return True
    if entry.suffix in (".cjs", ".cts"):
        return False
    for folder in (entry.parent, *entry.parents):
        package = folder / "package.json"
        if package.is_file():
            try:
                document: Any = json.loads(package.read_bytes())
            except ValueError as error:
                raise BuildError(
                    f"it is no JSON: {error}", place=str(package.relative_to(source.parent))
                ) from error
            return isinstance(document, dict) and document.get("type") == "module"
    return False


def _refusal(unit: Unit, text: str) -> BuildError:
    error = _ERROR.search(text)
    place = _PLACE.search(text)
    missing = _UNRESOLVED.search(text)
    hint = None
    if missing is not None:
        name = missing[1]
        if name.startswith("."):
            hint = "The path is relative to the file that imports it."
        else:
            parts = name.split("/")
            hint = f"npm install {'/'.join(parts[:2]) if name.startswith('@') else parts[0]}"
    elif ".node" in text:
        hint = "Machine code cannot be bundled: put the package into a layer, and exclude it."
    return BuildError(
        f"unit {unit.name}: {error[1] if error else text.strip() or 'esbuild gave no reason'}",
        hint=hint,
        place=f"{place[1]}:{place[2]}" if place else None,
    )
