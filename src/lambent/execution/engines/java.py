"""Java: each environment is a Java of its own, started with its first invocation from an archive of loaded classes."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from lambent.execution.errors import EnvironmentUnavailable, InterpreterMissing
from lambent.execution.host import Command, Host, wrapped
from lambent.execution.java_client import (
    OFFICIAL,
    OWN,
    OfficialClient,
    contains_official,
    own_client,
    shown_together,
)
from lambent.execution.process import Nobody
from lambent.execution.runtime_api import EntrypointInvalid, RuntimeApiNursery

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lambent.execution.engines import Premises
    from lambent.execution.javas import Java, Javas
    from lambent.functions import FunctionVersion

_ARCHIVE: Final = "client.jsa"
_ARCHIVES_SINCE: Final = 13
_ARCHIVE_SECONDS: Final = 60.0
_HEAP_SHARE: Final = 0.85
"""Of a function's memory, as AWS has it: the rest is for classes, compiled code and threads."""

# As the managed runtimes: one thread collects, the first compiler is the last. No files in /tmp that nobody reads.
_OPTIONS: Final = (
    "-XX:+UseSerialGC",
    "-XX:+TieredCompilation",
    "-XX:TieredStopAtLevel=1",
    "-XX:-UsePerfData",
    "-Xshare:auto",
    "-Dfile.encoding=UTF-8",
    "-Dsun.stdout.encoding=UTF-8",  # until Java 18
    "-Dsun.stderr.encoding=UTF-8",
    "-Dstdout.encoding=UTF-8",
    "-Dstderr.encoding=UTF-8",
)

_encode = msgspec.json.encode


@dataclass(frozen=True)
class JavaEngine:
    """One Java."""

    java: Java
    compiler: Path | None = field(compare=False)
    official: OfficialClient | None = field(compare=False)

    @property
    def runtime(self) -> str:
        """The runtime it serves: "java17"."""
        return self.java.runtime

    async def start(self, premises: Premises) -> RuntimeApiNursery:
        """Start a host, with a client to run. Raises EnvironmentUnavailable."""
        loop = asyncio.get_running_loop()
        folder = premises.data / "java"
        own, official, lacking = None, self.official, ""
        if official is not None:
            official = await loop.run_in_executor(premises.executor, shown_together, official, folder)
        elif self.compiler is None:
            lacking = (
                f"{self.java.home} has no javac, which compiles Lambent's Java client: install a JDK, or put the jars "
                "of aws-lambda-java-runtime-interface-client into the package's lib/ or a folder that the setting "
                "java_client names"
            )
        else:
            own = await loop.run_in_executor(premises.executor, own_client, folder, self.java, self.compiler)
        client = own if official is None else official.jars[0]
        host = Host(
            prefix=self.java.home,
            files=client.parent if client is not None else None,
            private_view=premises.private_view,
            variables=premises.mark,
        )
        await host.start()
        program = JavaProgram(host, self.java, own, official, lacking)
        nursery = RuntimeApiNursery(host, program)
        if own is not None and self.java.version[0] >= _ARCHIVES_SINCE:
            archive = own.parent / f"{'view' if host.private_view else 'plain'}-{_ARCHIVE}"
            try:
                if not archive.is_file():
                    await _make_archive(nursery, program, archive)
            except (OSError, TimeoutError, EnvironmentUnavailable):
                pass  # functions start slower, and that is all
            except BaseException:
                await nursery.close()
                raise
            program.archive = archive if archive.is_file() else None
        return nursery

    def variables(self, *, private_view: bool) -> Mapping[str, str]:
        """None of its own."""
        return {}

    def members(self, premises: Premises) -> Mapping[str, object]:
        """None of its own."""
        return {}


class JavaFamily:
    """The Javas of this machine. `official`: AWS's client, where there is one for all functions."""

    def __init__(self, javas: Javas, official: OfficialClient | None) -> None:
        self._javas = javas
        self._official = official

    def find(self, runtime: str, *, nearest: bool) -> JavaEngine:
        """The engine for "java17". Raises InterpreterMissing."""
        try:
            java = self._javas.find(runtime)
        except InterpreterMissing:
            if not nearest:
                raise
            java = self._javas.nearest(runtime)
        return JavaEngine(java, self._javas.compiler(java), self._official)


class JavaProgram:
    """What is started for a Java function. `lacking`: why there is no client for those that bring none."""

    def __init__(
        self, host: Host, java: Java, own: Path | None, official: OfficialClient | None, lacking: str
    ) -> None:
        self._host = host
        self._java = java
        self._own = own
        self._official = official
        self._lacking = lacking
        self.archive: Path | None = None
        """Classes of our client as they are after loading; made by the same Java in the same view."""

    def expect(self, version: FunctionVersion) -> None:
        """There is nothing to make ready."""

    def command(self, init: dict[str, Any], *, private_view: bool) -> Command:
        """Java with a client and the function on its class path. Raises EntrypointInvalid without any client."""
        task = Path(init["task_root"])
        layers = [Path(layer) for layer in init["opt"]]
        libraries = task / "lib"
        places = [
            (libraries, "/var/task/lib" if private_view else str(libraries)),
            *(
                (layer / "java/lib", "/opt/java/lib" if private_view else f"{layer}/java/lib")
                for layer in layers
            ),
        ]
        jars = [f"{seen}/{jar.name}" for place, seen in places for jar in sorted(place.glob("*.jar"))]
        function = ["/var/task/" if private_view else f"{task}/", *jars]
        heap = int(init["memory_mb"] * 1024 * _HEAP_SHARE)
        options = [f"-XX:MaxHeapSize={heap}k", *_OPTIONS]
        handler: str = init["handler"]
        if self._official is None and any(contains_official(place) for place, _ in places):
            client = [*function], [OFFICIAL, handler]
        elif self._official is not None:
            client = [*map(self._host.seen, self._official.jars), *function], [OFFICIAL, handler]
        elif self._own is None:
            raise EntrypointInvalid(self._lacking)
        else:
            client = [self._host.seen(self._own), *function], [OWN]
            if self.archive is not None:
                options.append(f"-XX:SharedArchiveFile={self._host.seen(self.archive)}")
        class_path, main = client
        variables = init["env"]
        argv = [self._host.seen(self._java.executable), *options, "-cp", ":".join(class_path), *main]
        return Command(wrapped(argv, variables), variables)

    def rehearsal(self, archive: str) -> Command:
        """Java with our client alone, which leaves an archive at its end."""
        assert self._own is not None
        argv = [
            self._host.seen(self._java.executable),
            f"-XX:ArchiveClassesAtExit={archive}",
            *_OPTIONS,
            "-cp",
            self._host.seen(self._own),
            OWN,
            "--rehearse",
        ]
        return Command(argv, {"AWS_LAMBDA_FUNCTION_NAME": "rehearsal"})


async def _make_archive(nursery: RuntimeApiNursery, program: JavaProgram, archive: Path) -> None:
    """Let a Java write an archive, in an environment like those of functions: its paths have to be the same."""
    work = archive.parent.parent / "work"
    (work / "task").mkdir(parents=True, exist_ok=True)
    (work / "tmp").mkdir(exist_ok=True)
    made = work / "tmp" / _ARCHIVE
    command = program.rehearsal(f"/tmp/{_ARCHIVE}" if nursery.private_view else str(made))  # noqa: S108
    document = {
        "task_root": str(work / "task"),
        "tmp": str(work / "tmp"),
        "opt": [],
        "command": command.document(),
    }
    frame = _encode(document)
    process = nursery.blank()
    trial = _Trial()
    process.adopt(trial, len(frame).to_bytes(4, "big") + frame)
    try:
        await asyncio.wait_for(trial.ended.wait(), _ARCHIVE_SECONDS)
    finally:
        process.kill()
    if trial.succeeded:
        with contextlib.suppress(
            FileNotFoundError
        ):  # a Java without an archive of its own classes makes none
            made.rename(archive)


class _Trial(Nobody):
    """Owner of the process that writes the archive."""

    def __init__(self) -> None:
        self.ended = asyncio.Event()
        self.succeeded = False

    def on_exit(self, wait_status: int) -> None:
        self.succeeded = wait_status == 0
        self.ended.set()
