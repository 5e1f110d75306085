"""Which distributions units need, in which versions, for their target.

What the code imports, with all that this requires, out of what the project declares: exact versions where it has a
lock, and where it leaves versions open those that are installed in the project's environment: it was tried with them.
The answer is kept until one of these changes; `upgrade` asks anew.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final, NamedTuple

import msgspec

from lambent.deploy.build import uv
from lambent.deploy.build.interpreter import normalised
from lambent.deploy.build.local import fingerprint_of, folder_in, from_source, wheel_is_pure
from lambent.deploy.build.needs import FRAMEWORK
from lambent.deploy.build.requirements import Requirement, parse
from lambent.deploy.build.uv import UvFailure
from lambent.deploy.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lambent.deploy.build.interpreter import Distribution
    from lambent.deploy.build.needs import Needs
    from lambent.deploy.build.progress import Progress
    from lambent.deploy.build.requirements import Declared
    from lambent.deploy.build.target import Target
    from lambent.deploy.project import Project

_PIN: Final = re.compile(r"^([A-Za-z0-9._-]+)\s*(?:\[[^\]]*\])?\s*(?:==\s*([^\s;\\]+)|@\s*(\S+))")
_ASKED: Final = "asked.txt"
_LIMITS: Final = "limits.txt"
_FORMAT: Final = "1"
_TASK: Final = "Resolving packages"


class Resolved(msgspec.Struct, frozen=True, kw_only=True):
    """`lines` are exact requirements by normalised name, `needed_by` the names of those that require each ("" for
    the code itself). `built` are those that have no wheel and are built from their source, `limits` what the
    project and its lock say of them, with hashes."""

    lines: dict[str, str]
    versions: dict[str, str]
    needed_by: dict[str, tuple[str, ...]]
    built: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()

    def closure(self, roots: Iterable[str], without: frozenset[str] = frozenset()) -> frozenset[str]:
        """`roots` with all that they require, but for what is only required by those that are `without`."""
        needs: dict[str, list[str]] = {}
        for name, parents in self.needed_by.items():
            for parent in parents:
                needs.setdefault(parent, []).append(name)
        found: set[str] = set()
        waiting = [root for root in roots if root in self.lines]
        while waiting:
            name = waiting.pop()
            if name not in found and name not in without:
                found.add(name)
                waiting.extend(needs.get(name, ()))
        return frozenset(found)


def resolve(
    needs: Needs,
    have: Mapping[str, Distribution],
    project: Project,
    store: Path,
    progress: Progress,
    *,
    upgrade: bool,
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
            known = msgspec.json.decode(kept.read_bytes(), type=Resolved)
            os.utime(kept)  # what is asked for is not swept
            return known
        except (OSError, msgspec.MsgspecError):
            pass
    progress(_TASK, 0, None)
    locked = _locked(declared)
    limits = (*locked, *declared.direct)
    question = _Question(
        roots=roots,
        constraints=tuple(dict.fromkeys(line.line for line in limits)),
        places=declared.places,
        excluded=_excluded(needs),
        preferences=() if upgrade else preferences,
        target=needs.target,
        cwd=declared.file.parent if declared.file else project.root,
        python=str(project.python),
    )
    resolved = _ask(question, {line.name for line in limits if line in locked or "==" in line.line}, have)
    resolved = msgspec.structs.replace(
        resolved, limits=tuple(sorted({line.line for line in limits if line.name in resolved.lines}))
    )
    store.mkdir(parents=True, exist_ok=True)
    temporary = kept.with_suffix(f".{os.getpid()}")
    temporary.write_bytes(msgspec.json.encode(resolved))
    temporary.replace(kept)
    progress(_TASK, 1, 1)
    return resolved


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
    parts.append(_excluded(needs))
    parts.append([file.read_bytes() for file in needs.declared.files])
    parts.append([fingerprint_of(folder) for line in roots if (folder := folder_in(line))])
    return hashlib.sha256(msgspec.json.encode(parts)).hexdigest()[:32]


class _Question(NamedTuple):
    roots: tuple[str, ...]
    constraints: tuple[str, ...]
    places: tuple[str, ...]
    excluded: tuple[str, ...]
    preferences: tuple[str, ...]
    target: Target
    cwd: Path
    python: str


def _excluded(needs: Needs) -> tuple[str, ...]:
    """What no unit wants, so that it need not be there for the target."""
    return tuple(sorted(frozenset.intersection(*needs.without.values())))


def _ask(question: _Question, exact: set[str], have: Mapping[str, Distribution]) -> Resolved:
    lines = (parse(text, question.cwd) for text in (*question.roots, *question.constraints))
    built = sorted({line.name for line in lines if from_source(line)})
    while True:
        try:
            return _compiled(question, exact, built)
        except UvFailure as failure:
            name = failure.without_wheel
            if name is None or normalised(name) in built:
                raise _refusal(failure, question) from failure
            distribution = have.get(normalised(name))
            if distribution is None or not wheel_is_pure(distribution.info):
                raise _no_wheel(name, failure.reason, question.target) from failure
            # What is installed here has no machine code: built from its source it is the same for the target.
            built = sorted({*built, normalised(name)})


def _compiled(question: _Question, exact: set[str], built: list[str]) -> Resolved:
    """Without the network, where that gives versions that are locked or installed: it is quick, and works anywhere."""
    if "--no-index" in question.places:
        return _compile(question, built, offline=True)
    try:
        resolved = _compile(question, built, offline=True)
    except UvFailure:
        resolved = None
    if resolved is not None and question.preferences:
        # A cache may have lower versions than the index.
        wanted = set(question.preferences)
        if all(
            name in exact or "@" in line or f"{name}=={resolved.versions[name]}" in wanted
            for name, line in resolved.lines.items()
        ):
            return resolved
    try:
        return _compile(question, built, offline=False)
    except UvFailure as failure:
        if failure.no_network and resolved is not None:
            return resolved
        raise


def _compile(question: _Question, built: list[str], *, offline: bool) -> Resolved:
    with TemporaryDirectory(prefix="lambent-") as folder:
        asked, limits, answer, excluded = (
            Path(folder, name) for name in (_ASKED, _LIMITS, "answer.txt", "excluded.txt")
        )
        asked.write_text("\n".join((*question.places, *question.roots, "")), encoding="utf-8")
        limits.write_text("\n".join((*question.constraints, "")), encoding="utf-8")
        # uv prefers the versions of a former answer.
        answer.write_text("\n".join((*question.preferences, "")), encoding="utf-8")
        arguments = [
            *("pip", "compile", str(asked), "--constraints", str(limits), "--output-file", str(answer)),
            *("--python", question.python, *platform_options(question.target, built)),
            *("--no-header", "--annotation-style", "split"),
        ]
        if question.excluded:
            excluded.write_text("\n".join((*question.excluded, "")), encoding="utf-8")
            arguments += ("--excludes", str(excluded))
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


def _locked(declared: Declared) -> tuple[Requirement, ...]:
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


def _no_wheel(name: str, reason: str, target: Target) -> BuildError:
    version = re.search(rf"\b{re.escape(name)}==(\S+?)[,\s]", reason)
    return BuildError(
        f"there is no wheel of {name}{f' {version[1]}' if version else ''} for {target}",
        hint=(
            f"Take a version that has one (https://pypi.org/project/{name}/#files), or another runtime or architecture;"
            f' or packages = ["!{name}"] in the settings, where a layer of yours has it.'
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
