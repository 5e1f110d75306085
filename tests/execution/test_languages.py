"""Javas, Rubies and .NET runtimes are found where people install them, and AWS's clients for them."""

from __future__ import annotations

import asyncio
import json
import subprocess
import zipfile
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from lambent.execution import frames
from lambent.execution.dotnets import Dotnets
from lambent.execution.engines import Premises
from lambent.execution.engines.java import JavaEngine
from lambent.execution.errors import EnvironmentUnavailable, InterpreterMissing
from lambent.execution.java_client import OWN, contains_official, find_official, own_client, shown_together
from lambent.execution.javas import Java, Javas
from lambent.execution.rubies import Rubies, find_client

if TYPE_CHECKING:
    from pathlib import Path


def a_java(home: Path, version: str, *, compiler: bool = True) -> Path:
    (home / "bin").mkdir(parents=True)
    (home / "bin/java").touch()
    if compiler:
        (home / "bin/javac").touch()
    (home / "release").write_text(f'IMPLEMENTOR="Any"\nJAVA_VERSION="{version}"\nOS_ARCH="x86_64"\n')
    return home


# ---------------------------------------------------------------- Java


@pytest.mark.parametrize(
    ("version", "parsed", "runtime"),
    [
        ("17.0.15", (17, 0, 15), "java17"),
        ("25", (25,), "java25"),
        ("1.8.0_412", (8, 0, 412), "java8.al2"),
        ("11.0.2", (11, 0, 2), "java11"),
        ("19.0.1", (19, 0, 1), "java19"),
    ],
)
def test_versions(tmp_path: Path, version: str, parsed: tuple[int, ...], runtime: str) -> None:
    home = a_java(tmp_path / "jdk", version)
    (java,) = Javas(tmp_path, {"JAVA_HOME": str(home)}, ())
    assert (java.version, java.runtime, java.executable) == (parsed, runtime, home / "bin/java")


def test_where_javas_are_looked_for(tmp_path: Path) -> None:
    on_path = a_java(tmp_path / "opt/jdk-8", "1.8.0_1")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/java").symlink_to(on_path / "bin/java")
    a_java(tmp_path / "ci", "11.0.1")
    a_java(tmp_path / ".sdkman/candidates/java/17.0.1-tem", "17.0.1")
    (tmp_path / ".sdkman/candidates/java/current").symlink_to("17.0.1-tem")
    a_java(tmp_path / ".asdf/installs/java/openjdk-21", "21")
    a_java(tmp_path / "jvm/jdk-25", "25.0.1")
    (tmp_path / "jvm/broken").mkdir()
    variables = {"PATH": f"{tmp_path}/none:{tmp_path}/bin:", "JAVA_HOME_11_X64": str(tmp_path / "ci")}
    javas = Javas(tmp_path, variables, (tmp_path / "jvm", tmp_path / "absent"))
    assert [java.runtime for java in javas] == ["java8.al2", "java11", "java17", "java21", "java25"]
    assert javas.find("java8.al2").home == on_path


def test_a_jdk_is_worth_more_than_a_newer_runtime(tmp_path: Path) -> None:
    jdk = a_java(tmp_path / "jvm/a", "17.0.1")
    a_java(tmp_path / "jvm/b", "17.0.9", compiler=False)
    newest = a_java(tmp_path / "jvm/c", "17.0.5")
    assert Javas(tmp_path, {}, (tmp_path / "jvm",)).find("java17").home == newest
    assert jdk != newest


def test_programs_run_on_a_newer_java_only(tmp_path: Path) -> None:
    a_java(tmp_path / "jvm/a", "17.0.1", compiler=False)
    newer = a_java(tmp_path / "jvm/b", "21")
    javas = Javas(tmp_path, {}, (tmp_path / "jvm",))
    with pytest.raises(InterpreterMissing, match=r"no Java for java11 .* found: java17 \(.*\), java21 \("):
        javas.find("java11")
    assert javas.nearest("java11").runtime == "java17"
    for runtime in ("java25", "javascript"):
        with pytest.raises(InterpreterMissing):
            javas.nearest(runtime)
    assert javas.compiler(javas.find("java17")) == newer / "bin/javac"


def test_the_official_java_client(tmp_path: Path) -> None:
    repository = tmp_path / ".m2/repository/com/amazonaws"
    for name, versions in {
        "aws-lambda-java-runtime-interface-client": ("2.9.1", "2.10.0"),
        "aws-lambda-java-core": ("1.2.3",),
        "aws-lambda-java-serialization": ("1.1.5",),
        "aws-lambda-java-events": ("3.11.0",),
    }.items():
        for version in versions:
            folder = repository / name / version
            folder.mkdir(parents=True)
            (folder / f"{name}-{version}.jar").write_text(name + version)
            (folder / f"{name}-{version}-sources.jar").touch()
    client = find_official(None, tmp_path)
    assert client is not None
    assert client.version == "2.10.0"
    assert [jar.name for jar in client.jars] == [
        "aws-lambda-java-runtime-interface-client-2.10.0.jar",
        "aws-lambda-java-core-1.2.3.jar",
        "aws-lambda-java-serialization-1.1.5.jar",
    ]
    together = shown_together(client, tmp_path / "data")
    assert {jar.parent for jar in together.jars} == {tmp_path / "data/official-2.10.0/java"}
    assert together.jars[1].read_text() == "aws-lambda-java-core1.2.3"
    # A folder that is named comes before, and may have the client alone.
    own = tmp_path / "own"
    own.mkdir()
    assert find_official(own, tmp_path) == client
    (own / "aws-lambda-java-runtime-interface-client-1.0.jar").touch()
    assert find_official(own, tmp_path) == find_official(own, tmp_path / "nobody") != client
    assert contains_official(own)
    assert not contains_official(tmp_path)
    assert find_official(None, tmp_path / "nobody") is None


def test_our_java_client_is_compiled_once(tmp_path: Path) -> None:
    found = [java for java in Javas() if java.compiler is not None]
    if not found:
        pytest.skip("no JDK on this machine")
    java, compiler = found[0], found[0].compiler
    assert compiler is not None
    jar = own_client(tmp_path, java, compiler)
    written = jar.stat().st_mtime_ns
    names = zipfile.ZipFile(jar).namelist()
    assert OWN.replace(".", "/") + ".class" in names
    assert "com/amazonaws/services/lambda/runtime/RequestHandler.class" in names
    assert own_client(tmp_path, java, tmp_path / "none") == jar
    assert jar.stat().st_mtime_ns == written
    jar.unlink()
    for name in ("0123456789ab-17.0.1", "official-2.6.0", "tmpabc"):
        (tmp_path / name).mkdir()
    assert own_client(tmp_path, java, compiler) == jar
    assert {path.name for path in tmp_path.iterdir()} == {jar.parents[1].name, "official-2.6.0", "tmpabc"}
    listed = subprocess.run(
        [java.executable, "-cp", jar, OWN, "--rehearse"], capture_output=True, check=False
    )
    assert listed.returncode == 0, listed.stderr


def test_our_java_client_needs_a_compiler_that_works(tmp_path: Path) -> None:
    java = Java((17, 0, 1), tmp_path)
    broken = tmp_path / "javac"
    broken.write_text("#!/bin/sh\necho cannot >&2\nexit 1\n")
    broken.chmod(0o755)
    with pytest.raises(EnvironmentUnavailable, match=r"cannot compile Lambent's Java client: cannot"):
        own_client(tmp_path / "data", java, broken)


class Told:
    """An owner that hears why there is no process."""

    def __init__(self) -> None:
        self.document = asyncio.get_running_loop().create_future()

    def on_frame(self, kind: int, body: bytes) -> None:
        self.document.set_result((kind, json.loads(body)))

    def on_oversized(self, kind: int, length: int) -> None: ...

    def on_output(self, data: bytes) -> None: ...

    def on_lost(self) -> None: ...

    def on_exit(self, wait_status: int) -> None: ...


def test_a_java_without_any_compiler_runs_what_brings_a_client(tmp_path: Path) -> None:
    init = {"arn": "any", "handler": "h", "memory_mb": 128, "task_root": str(tmp_path), "tmp": str(tmp_path)}
    frame = json.dumps({**init, "opt": [], "env": {}}).encode()

    async def scenario() -> None:
        with ThreadPoolExecutor(1) as executor:
            engine = JavaEngine(
                Java((21, 0, 1), a_java(tmp_path / "jre", "21.0.1", compiler=False)), None, None
            )
            nursery = await engine.start(Premises(tmp_path, {}, False, executor))
            told = Told()
            process = nursery.take(told, len(frame).to_bytes(4, "big") + frame)
            kind, document = await asyncio.wait_for(told.document, 10)
            assert (kind, document["errorType"]) == (frames.INIT_ERROR, "Runtime.InvalidEntrypoint")
            assert "has no javac" in document["errorMessage"]
            process.disown()
            process.kill()
            await nursery.close()

    asyncio.run(scenario())


# ---------------------------------------------------------------- Ruby


def a_ruby(prefix: Path, *, says: str = "") -> Path:
    (prefix / "bin").mkdir(parents=True)
    program = prefix / "bin/ruby"
    program.write_text(f'#!/bin/sh\nprintf %s "{says} {program}"\n')
    program.chmod(0o755)
    return program


def test_where_rubies_are_looked_for(tmp_path: Path) -> None:
    a_ruby(tmp_path / ".rbenv/versions/3.2.6")
    newest = a_ruby(tmp_path / ".rbenv/versions/3.2.10")
    a_ruby(tmp_path / ".rvm/rubies/ruby-3.3.5")
    a_ruby(tmp_path / ".rbenv/versions/jruby-9.4.0.0")
    on_path = a_ruby(tmp_path / "usr", says="3.4.1")
    (tmp_path / "usr/lib").mkdir()
    rubies = Rubies(tmp_path, {"PATH": f"{tmp_path}/usr/bin"}, ())
    assert [ruby.runtime for ruby in rubies] == ["ruby3.2", "ruby3.3", "ruby3.4"]
    assert rubies.find("ruby3.2").executable == newest
    four = rubies.find("ruby3.4")
    assert (four.version, four.executable, four.prefix, four.api) == (
        (3, 4, 1),
        on_path,
        tmp_path / "usr",
        "3.4.0",
    )


def test_the_nearest_ruby(tmp_path: Path) -> None:
    a_ruby(tmp_path / ".rbenv/versions/3.1.2")
    rubies = Rubies(tmp_path, {}, ())
    with pytest.raises(InterpreterMissing, match=r"no Ruby for ruby3.3 .* found: ruby3.1 \("):
        rubies.find("ruby3.3")
    assert rubies.nearest("ruby3.3").version == (3, 1, 2)
    with pytest.raises(InterpreterMissing):
        rubies.nearest("ruby9")
    with pytest.raises(InterpreterMissing, match="found: none"):
        Rubies(tmp_path / "nobody", {}, ()).nearest("ruby3.3")


def test_a_ruby_that_is_none_is_passed_over(tmp_path: Path) -> None:
    a_ruby(tmp_path / "usr", says="what?")
    assert not list(Rubies(tmp_path, {"PATH": f"{tmp_path}/usr/bin"}, ()))


def test_the_ruby_client(tmp_path: Path) -> None:
    a_ruby(tmp_path / ".rbenv/versions/3.3.5")
    rubies = Rubies(tmp_path, {}, ())
    roots = rubies.gem_folders(rubies.find("ruby3.3"))
    assert find_client(roots) is None
    for root, version in ((roots[0], "2.9.0"), (roots[2], "2.10.0")):
        (root / f"gems/aws_lambda_ric-{version}/bin").mkdir(parents=True)
        (root / f"gems/aws_lambda_ric-{version}/bin/aws_lambda_ric").touch()
    client = find_client(roots)
    assert client is not None
    assert (client.version, client.gems) == ("2.10.0", tmp_path / ".gem/ruby/3.3.0")
    assert client.program.is_file()


# ---------------------------------------------------------------- .NET


def test_dotnets(tmp_path: Path) -> None:
    for root, versions in ((".dotnet", ("8.0.2", "8.0.11")), ("usr", ("10.0.0-rc.1", "8.0.5"))):
        for version in versions:
            (tmp_path / root / "shared/Microsoft.NETCore.App" / version).mkdir(parents=True)
        program = tmp_path / root / "dotnet"
        program.touch()
        program.chmod(0o755)
    dotnets = Dotnets(tmp_path, {"PATH": str(tmp_path / "usr")}, ())
    assert [(one.runtime, one.version) for one in dotnets] == [
        ("dotnet8", (8, 0, 11)),
        ("dotnet10", (10, 0, 0)),
    ]
    eight = dotnets.find("dotnet8")
    assert eight.executable == tmp_path / ".dotnet/dotnet"
    with pytest.raises(InterpreterMissing, match=r"no \.NET for dotnet6 .* found: dotnet8 \("):
        dotnets.find("dotnet6")
    assert dotnets.client(eight) is None
    for version, target in (
        ("1.9.0", "net8.0"),
        ("1.12.0", "net6.0"),
        ("1.12.0", "net8.0"),
        ("2.0.0", "net10.0"),
    ):
        folder = tmp_path / ".nuget/packages/amazon.lambda.runtimesupport" / version / "lib" / target
        folder.mkdir(parents=True)
        (folder / "Amazon.Lambda.RuntimeSupport.dll").touch()
    client = dotnets.client(eight)
    assert client is not None
    assert client.parts[-4:-1] == ("1.12.0", "lib", "net8.0")
