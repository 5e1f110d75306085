"""Which distributions units need, in which versions, for their target.

What the code imports, with all that this requires, out of what the project declares: exact versions where it has a
lock, and where it leaves versions open those that are installed in the project's environment: it was tried with them.
The answer is kept until one of these changes; `upgrade` asks anew.
"""

from __future__ import annotations

import hashlib
import os
import re
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from lambent.deploy.build import uv
from lambent.deploy.build.contents import Contents
from lambent.deploy.build.interpreter import folder_of, normalised
from lambent.deploy.build.requirements import Requirement, parse
from lambent.deploy.build.selection import select
from lambent.deploy.build.uv import UvFailure
from lambent.deploy.errors import BuildError
from lambent.deploy.manifest import Unit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lambent.deploy.build.interpreter import Distribution
    from lambent.deploy.build.requirements import Declared
    from lambent.deploy.build.target import Target
    from lambent.deploy.project import Project

FRAMEWORK: Final = "lambent"
# Lambda's Python runtimes have them, and so has the platform.
# https://docs.aws.amazon.com/lambda/latest/dg/lambda-python.html#python-sdk-included
PROVIDED: Final = frozenset({"boto3", "botocore"})

_PIN: Final = re.compile(r"^([A-Za-z0-9._-]+)\s*(?:\[[^\]]*\])?\s*(?:==\s*([^\s;\\]+)|@\s*(\S+))")
_ASKED: Final = "asked.txt"
_LIMITS: Final = "limits.txt"
_FORMAT: Final = "1"


class Resolved(msgspec.Struct, frozen=True, kw_only=True):
    """`lines` are exact requirements by normalised name, `needed_by` the names of those that require each ("" for
    the code itself). `built` are those that have no wheel and are built from their source."""

    lines: dict[str, str]
    versions: dict[str, str]
    needed_by: dict[str, tuple[str, ...]]
    built: tuple[str, ...] = ()

    def closure(self, roots: Iterable[str]) -> frozenset[str]:
        """`roots` with all that they require."""
        needs: dict[str, list[str]] = {}
        for name, parents in self.needed_by.items():
            for parent in parents:
                needs.setdefault(parent, []).append(name)
        found: set[str] = set()
        waiting = [root for root in roots if root in self.lines]
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting.extend(needs.get(name, ()))
        return frozenset(found)


class Needs(NamedTuple):
    """What a group of units needs of distributions: the units share a file of requirements and a target."""

    declared: Declared
    target: Target
    roots: dict[str, tuple[Requirement, ...]]
    """By unit: the distributions that its code imports, those asked for, and what the framework requires."""
    imported: dict[str, frozenset[str]]
    """By unit: normalised names of `roots`."""


def needs_of(
    units: Sequence[Unit], declared: Declared, target: Target, have: Mapping[str, Distribution]
) -> Needs:
    """Raises BuildError for a requirement that cannot be read."""
    roots = {}
    for unit in units:
        found: dict[str, tuple[Requirement, ...]] = {}
        for package in unit.packages:
            asked = parse(package, declared.file.parent if declared.file else Path.cwd())
            lines = declared.of(asked.name) if asked.line == asked.name else ()
            found[asked.name] = lines or (asked,)
        for name in map(normalised, unit.imports):
            lines = declared.of(name)
            if name == FRAMEWORK:
                found.update({own.name: (own,) for own in framework_requirements() if own.name not in found})
            elif name not in found and not (name in PROVIDED and not any(line.pinned() for line in lines)):
                found[name] = lines or (_installed_from(name, declared, have),)
        roots[unit.name] = tuple(line for lines in found.values() for line in lines)
    imported = {name: frozenset(line.name for line in lines) for name, lines in roots.items()}
    return Needs(declared, target, roots, imported)


def resolve(
    needs: Needs, have: Mapping[str, Distribution], project: Project, store: Path, *, upgrade: bool
) -> Resolved:
    """Asks uv, or takes the answer that is kept in `store`. Raises BuildError."""
    declared = needs.declared
    roots = tuple(sorted({line.line for lines in needs.roots.values() for line in lines}))
    if not roots:
        return Resolved(lines={}, versions={}, needed_by={})
    preferences = _preferences(have)
    kept = store / f"{_key(needs, roots, preferences)}.json"
    if not upgrade:
        try:
            return msgspec.json.decode(kept.read_bytes(), type=Resolved)
        except (OSError, msgspec.MsgspecError):
            pass
    resolved = _ask(
        _Question(
            roots=roots,
            constraints=constraints(declared),
            places=declared.places,
            preferences=() if upgrade else preferences,
            target=needs.target,
            cwd=declared.file.parent if declared.file else project.root,
            python=str(project.python),
        ),
        {line.name for line in locked(declared)},
        have,
    )
    store.mkdir(parents=True, exist_ok=True)
    temporary = kept.with_suffix(f".{os.getpid()}")
    temporary.write_bytes(msgspec.json.encode(resolved))
    temporary.replace(kept)
    return resolved


def constraints(declared: Declared) -> tuple[str, ...]:
    """The lines that limit versions, with the hashes that are checked: of the lock, and of the project."""
    return tuple(dict.fromkeys(line.line for line in (*locked(declared), *declared.direct)))


def _key(needs: Needs, roots: tuple[str, ...], preferences: tuple[str, ...]) -> str:
    target = needs.target
    parts: list[object] = [
        _FORMAT,
        target.version,
        target.platform,
        roots,
        preferences,
        needs.declared.places,
    ]
    parts.append([file.read_bytes() for file in needs.declared.files])
    parts.append([fingerprint_of(folder) for line in roots if (folder := folder_in(line))])
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()[:32]


def framework_requirements() -> tuple[Requirement, ...]:
    """What `lambent.app` requires: the requirements of the distribution that are no extras."""
    from importlib.metadata import PackageNotFoundError, requires

    try:
        lines = requires(FRAMEWORK) or []
    except PackageNotFoundError:
        lines = ["msgspec>=0.19"]
    return tuple(parse(line, Path()) for line in lines if "extra ==" not in line)


def pure(distribution: Distribution) -> bool:
    """Whether an installed distribution has no machine code, so that it runs anywhere."""
    return wheel_is_pure(distribution.info)


def wheel_is_pure(info: Path) -> bool:
    """Whether a `.dist-info` tells of machine code
    (https://packaging.python.org/en/latest/specifications/binary-distribution-format/)."""
    try:
        text = (info / "WHEEL").read_text(encoding="utf-8")
    except OSError:
        return False
    tags = re.findall(r"(?m)^Tag:\s*(\S+)", text)
    return bool(tags) and all(tag.endswith("-none-any") for tag in tags)


class _Question(NamedTuple):
    roots: tuple[str, ...]
    constraints: tuple[str, ...]
    places: tuple[str, ...]
    preferences: tuple[str, ...]
    target: Target
    cwd: Path
    python: str


def fingerprint_of(folder: Path) -> str:
    """Of a folder that a distribution is built from: it changes when a file of it does."""
    contents = Contents()
    unit = Unit(name=folder.name, kind="handler", handler="", runtime="")
    digest = hashlib.sha256()
    for name, chosen in select(folder, unit, contents).items():
        digest.update(b"\0%s\0%s" % (os.fsencode(name), contents.file(chosen.path).digest))
    return digest.hexdigest()


def _ask(question: _Question, locked: set[str], have: Mapping[str, Distribution]) -> Resolved:
    built = sorted({line.name for text in question.roots if _from_source(line := parse(text, question.cwd))})
    known = locked | {text.partition("==")[0] for text in question.preferences}
    while True:
        try:
            return _compiled(question, known, built)
        except UvFailure as failure:
            name = failure.without_wheel
            if name is None or normalised(name) in built:
                raise _refusal(failure, question) from failure
            distribution = have.get(normalised(name))
            if distribution is None or not pure(distribution):
                raise _no_wheel(name, failure.reason, question.target) from failure
            # What is installed here has no machine code: built from its source it is the same for the target.
            built = sorted({*built, normalised(name)})


def _compiled(question: _Question, known: set[str], built: list[str]) -> Resolved:
    """Without the network, where that gives versions that are locked or installed: it is quick, and works anywhere."""
    try:
        resolved = _compile(question, built, offline=True)
        if question.preferences and all(
            name in known or "@" in line for name, line in resolved.lines.items()
        ):
            return resolved
    except UvFailure:
        resolved = None
    try:
        return _compile(question, built, offline=False)
    except UvFailure as failure:
        if failure.no_network and resolved is not None:
            return resolved
        raise


def _compile(question: _Question, built: list[str], *, offline: bool) -> Resolved:
    with TemporaryDirectory(prefix="lambent-") as folder:
        asked, limits, answer = (Path(folder, name) for name in (_ASKED, _LIMITS, "answer.txt"))
        asked.write_text("\n".join((*question.places, *question.roots, "")), encoding="utf-8")
        limits.write_text("\n".join((*question.constraints, "")), encoding="utf-8")
        # uv prefers the versions of a former answer.
        answer.write_text("\n".join((*question.preferences, "")), encoding="utf-8")
        arguments = [
            *("pip", "compile", str(asked), "--constraints", str(limits), "--output-file", str(answer)),
            *("--python", question.python, *platform_options(question.target, built)),
            *("--no-header", "--annotation-style", "split"),
        ]
        uv.run(arguments, cwd=question.cwd, offline=offline)
        return _read(answer.read_text(encoding="utf-8"), built)


def platform_options(target: Target, built: Iterable[str]) -> list[str]:
    """uv's options for a target: wheels alone, but for distributions that are built."""
    return [
        *("--python-version", target.version, "--python-platform", target.platform),
        *("--only-binary", ":all:"),
        *(option for name in built for option in ("--no-binary", name)),
    ]


def _read(text: str, built: Iterable[str]) -> Resolved:
    lines: dict[str, str] = {}
    versions: dict[str, str] = {}
    needed_by: dict[str, tuple[str, ...]] = {}
    name = ""
    for raw in text.splitlines():
        line = raw.strip()
        if not line.startswith("#"):
            match = _PIN.match(line)
            if match:
                name = normalised(match[1])
                lines[name] = line
                versions[name] = match[2] or ""
            continue
        parent = line.removeprefix("#").strip().removeprefix("via").strip()
        if not parent or not name or parent.startswith("-c "):
            continue
        of = "" if parent.startswith("-r ") else normalised(parent.partition("[")[0].split()[0])
        needed_by[name] = (*needed_by.get(name, ()), of)
    return Resolved(lines=lines, versions=versions, needed_by=needed_by, built=tuple(built))


@cache
def locked(declared: Declared) -> tuple[Requirement, ...]:
    """The exact versions of a lock, with their hashes. Raises BuildError."""
    if declared.file is None or declared.file.name != "uv.lock":
        return declared.locked
    arguments = (
        "export",
        "--frozen",
        "--no-dev",
        "--no-emit-project",
        "--no-header",
        "--no-annotate",
        "--no-editable",
    )
    try:
        text = uv.run(arguments, cwd=declared.file.parent, offline=True)
    except UvFailure as failure:
        raise BuildError(
            f"{declared.file} cannot be used: {failure.reason}", hint="`uv lock` makes it anew."
        ) from failure
    return tuple(
        parse(line, declared.file.parent)
        for raw in text.replace("\\\n", " ").splitlines()
        if (line := re.sub(r"\s+", " ", raw).strip()) and not line.startswith(("#", "-"))
    )


def _preferences(have: Mapping[str, Distribution]) -> tuple[str, ...]:
    """Installed versions, but for those that no index has."""
    return tuple(
        f"{name}=={one.version}"
        for name, one in sorted(have.items())
        if one.direct_url is None and "+" not in one.version and name != FRAMEWORK
    )


def _installed_from(name: str, declared: Declared, have: Mapping[str, Distribution]) -> Requirement:
    """A distribution that is declared nowhere: by its name, or from where it was installed."""
    one = have.get(name)
    if one is None or one.direct_url is None or any(line.name == name for line in declared.locked):
        return Requirement(name, name)
    return Requirement(name, f"{name} @ {one.direct_url}")


def _from_source(requirement: Requirement) -> bool:
    url = requirement.line.partition("@")[2].strip()
    return bool(url) and not url.partition("#")[0].endswith(".whl")


def folder_in(line: str) -> Path | None:
    """The folder that a requirement is built from."""
    url = line.partition("@")[2].strip()
    folder = folder_of(url.partition("#")[0].partition(" ")[0]) if url else None
    return folder if folder is not None and folder.is_dir() else None


def _no_wheel(name: str, reason: str, target: Target) -> BuildError:
    version = re.search(rf"\b{re.escape(name)}==(\S+?)[,\s]", reason)
    return BuildError(
        f"{name}{f' {version[1]}' if version else ''} has no wheel for {target}",
        hint=(
            f"Take a version that has one (https://pypi.org/project/{name}/#files), another runtime or architecture,"
            f" or exclude it (packages of a layer of yours)."
        ),
    )


def _refusal(failure: UvFailure, question: _Question) -> BuildError:
    if failure.no_network:
        return BuildError(
            f"the package index does not answer, and what is needed is not in uv's cache: {failure.reason}",
            hint="With a network, build once: from then on it works without.",
        )
    return BuildError(
        f"the packages for {question.target} cannot be resolved: {failure.reason}",
        hint="The project's requirements say which versions are wanted; `packages` in the settings adds to them.",
    )
