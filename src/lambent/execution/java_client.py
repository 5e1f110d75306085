"""The program that runs inside Java environments: AWS's runtime interface client where it is, else our own.

AWS's client is a jar that does not come with a Java. It is looked for in a function's own package, in the
folder that the setting `java_client` names, and in Maven's local repository. Ours is compiled once for each Java, from
the sources in `lambent/runtime/java`.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lambent.execution.errors import EnvironmentUnavailable
from lambent.runtime import JAVA_FILES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lambent.execution.javas import Java

OFFICIAL: Final = "com.amazonaws.services.lambda.runtime.api.client.AWSLambda"
OWN: Final = "lambent.runtime.Bootstrap"

_ARTIFACT: Final = "aws-lambda-java-runtime-interface-client"
_WITH: Final = ("aws-lambda-java-core", "aws-lambda-java-serialization")
_JAR: Final = re.compile(r"(.+?)-(\d[\d.]*)\.jar")
_OWN_FOLDER: Final = re.compile(r"[0-9a-f]{12}-[\d.]+")
_COMPILE_SECONDS: Final = 120
# Texts are put together by code that is there, not by code that each process generates at its start (40 ms).
_COMPILED_AS: Final = ("-encoding", "UTF-8", "-nowarn", "-XDstringConcat=inline")


@dataclass(frozen=True)
class OfficialClient:
    """AWS's client and what it needs, in one folder or several."""

    version: str
    jars: tuple[Path, ...]


def find_official(folder: Path | None = None, home: Path | None = None) -> OfficialClient | None:
    """The newest official client in `folder`, else in the Maven repository below `home`."""
    jars = sorted(folder.glob("*.jar")) if folder is not None else []
    if not jars:
        repository = (home or Path.home()) / ".m2/repository/com/amazonaws"
        jars = [jar for name in (_ARTIFACT, *_WITH) for jar in repository.glob(f"{name}/*/{name}-*.jar")]
    newest = {name: _newest(name, jars) for name in (_ARTIFACT, *_WITH)}
    client = newest[_ARTIFACT]
    if client is None:
        return None
    return OfficialClient(client[0], tuple(found[1] for found in newest.values() if found is not None))


def contains_official(folder: Path) -> bool:
    """Whether a folder of jars, that of a function's own, has the official client."""
    return any(folder.glob(f"{_ARTIFACT}-*.jar"))


def _newest(name: str, jars: Iterable[Path]) -> tuple[str, Path] | None:
    found = [
        (match[2], jar)
        for jar in jars
        if (match := _JAR.fullmatch(jar.name)) is not None and match[1] == name
    ]
    return max(found, key=lambda one: [int(part) for part in one[0].split(".") if part], default=None)


def shown_together(client: OfficialClient, folder: Path) -> OfficialClient:
    """The client with its jars in one folder, below `folder`, which can be shown to functions. Blocks.

    Raises EnvironmentUnavailable.
    """
    place = folder / f"official-{client.version}" / "java"
    try:
        place.mkdir(parents=True, exist_ok=True)
        for jar in client.jars:
            copy = place / jar.name
            if not copy.is_file() or copy.stat().st_size != jar.stat().st_size:
                shutil.copyfile(jar, copy)
    except OSError as error:
        raise EnvironmentUnavailable(
            f"cannot prepare the Java client of {client.jars[0]}: {error}"
        ) from error
    return OfficialClient(client.version, tuple(place / jar.name for jar in client.jars))


def own_client(folder: Path, java: Java, compiler: Path) -> Path:
    """The jar of our client for a Java, below `folder`; compiled when it is not there yet (1 to 2 s).

    Blocks. Raises EnvironmentUnavailable.
    """
    sources = sorted(JAVA_FILES.rglob("*.java"))
    parts = [*(source.read_bytes() for source in sources), " ".join(_COMPILED_AS).encode()]
    digest = hashlib.sha256(b"\0".join(parts)).hexdigest()[:12]
    # The last part names the place where functions see it.
    jar = folder / f"{digest}-{'.'.join(map(str, java.version))}" / "java" / "client.jar"
    if jar.is_file():
        return jar
    try:
        jar.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as work:
            _compile(compiler, java, sources, Path(work))
            packed = Path(work, "client.jar")
            _pack(Path(work, "classes"), packed)
            packed.rename(jar)
    except OSError as error:
        raise EnvironmentUnavailable(f"cannot prepare Lambent's Java client: {error}") from error
    for other in folder.iterdir():
        if _OWN_FOLDER.fullmatch(other.name) and not other.name.startswith(digest):
            shutil.rmtree(other, ignore_errors=True)  # of another release of ours
    return jar


def _compile(compiler: Path, java: Java, sources: list[Path], work: Path) -> None:
    release = ["--release", str(java.version[0])] if compiler != java.compiler else []
    try:
        done = subprocess.run(
            [compiler, *_COMPILED_AS, *release, "-d", work / "classes", *sources],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_COMPILE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise EnvironmentUnavailable(f"{compiler} took longer than {_COMPILE_SECONDS} s") from error
    if done.returncode:
        raise EnvironmentUnavailable(
            f"{compiler} cannot compile Lambent's Java client: {done.stderr.strip()}"
        )


def _pack(classes: Path, jar: Path) -> None:
    with zipfile.ZipFile(jar, "w", zipfile.ZIP_STORED) as archive:  # not compressed: read at every start
        for path in sorted(classes.rglob("*.class")):
            archive.writestr(zipfile.ZipInfo(path.relative_to(classes).as_posix()), path.read_bytes())
