"""What of Lambda's runtimes this machine runs, with what, and how to add the rest."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from lambent.execution.engines import Engine

_OURS: Final = "Lambent's"
_DIGITS: Final = re.compile(r"\d+")


class RuntimeFinding(NamedTuple):
    """One runtime.

    "ok": it runs; "note": some of its functions do; "missing": `detail` says what to install; "unsupported":
    nothing helps.
    """

    runtime: str
    verdict: Literal["ok", "note", "missing", "unsupported"]
    version: str = ""
    program: str = ""
    client: str = ""
    detail: str = ""


def find_runtimes(java_client: Path | None = None) -> Iterator[RuntimeFinding]:
    """Every runtime that Lambda accepts, by name and version. Starts programs to ask for their version, at most."""
    from lambent.execution.engines.machine import engines_of_this_machine
    from lambent.execution.errors import InterpreterMissing
    from lambent.functions.runtimes import ACCEPTED

    engines = engines_of_this_machine(java_client=java_client)
    for runtime in sorted(ACCEPTED, key=_by_version):
        try:
            engine = engines.find(runtime)
        except InterpreterMissing:
            yield _missing(runtime)
        else:
            yield _described(runtime, engine)


def _by_version(runtime: str) -> tuple[str, list[int]]:
    # provided.al2 before provided.al2023, java8.al2 before java11.
    return runtime.rstrip("0123456789.xal"), [int(number) for number in _DIGITS.findall(runtime)]


def _described(runtime: str, engine: Engine) -> RuntimeFinding:
    describe = _DESCRIPTIONS[type(engine).__name__]
    return RuntimeFinding(runtime, **describe(engine))


def _python(engine: Any) -> dict[str, Any]:
    interpreter = engine.interpreter
    return _ok(interpreter.version, interpreter.executable, _OURS)


def _node(engine: Any) -> dict[str, Any]:
    return _ok(engine.node.version, engine.node.executable, _OURS)


def _provided(engine: Any) -> dict[str, Any]:
    return {"verdict": "ok", "detail": "a bootstrap in the package or a layer, for this machine's system"}


def _java(engine: Any) -> dict[str, Any]:
    if engine.official is not None:
        return _ok(engine.java.version, engine.java.executable, f"AWS's {engine.official.version}")
    found = _ok(engine.java.version, engine.java.executable, f"{_OURS}, or AWS's in the package")
    if engine.compiler is None:
        found["verdict"] = "note"
        found["client"] = "AWS's in the package"
        found["detail"] = "no javac, which compiles Lambent's client: install a JDK; or set java_client"
    return found


def _ruby(engine: Any) -> dict[str, Any]:
    client = engine.client
    found = _ok(engine.ruby.version, engine.ruby.executable, f"AWS's {client.version}" if client else "")
    if client is None:
        found["verdict"] = "note"
        found["detail"] = (
            "only functions with the gem aws_lambda_ric in their package: gem install aws_lambda_ric"
        )
    return found


def _dotnet(engine: Any) -> dict[str, Any]:
    client = engine.client
    version = f"AWS's {client.parents[2].name}" if client else ""
    found = _ok(engine.dotnet.version, engine.dotnet.executable, version)
    if client is None:
        found["verdict"] = "note"
        found["detail"] = (
            "only executable assemblies: handlers of classes need Amazon.Lambda.RuntimeSupport of NuGet"
        )
    return found


_DESCRIPTIONS: Final[Mapping[str, Callable[[Any], dict[str, Any]]]] = {
    "PythonEngine": _python,
    "NodeEngine": _node,
    "ProvidedEngine": _provided,
    "JavaEngine": _java,
    "RubyEngine": _ruby,
    "DotnetEngine": _dotnet,
}


def _ok(version: tuple[int, ...], program: Path, client: str) -> dict[str, Any]:
    return {
        "verdict": "ok",
        "version": ".".join(map(str, version)),
        "program": str(program),
        "client": client,
    }


def _missing(runtime: str) -> RuntimeFinding:
    from lambent.execution.interpreters import OLDEST
    from lambent.execution.nodes import OLDEST as OLDEST_NODE

    numbers = [int(number) for number in _DIGITS.findall(runtime)]
    version = ".".join(map(str, numbers))
    if runtime.startswith("python"):
        if tuple(numbers) < OLDEST:
            return RuntimeFinding(
                runtime, "unsupported", detail=f"Lambent runs Python from {OLDEST[0]}.{OLDEST[1]} on"
            )
        how = f"uv python install {version}, or pyenv install {version}; or lambent up --runtime-fallback"
    elif runtime.startswith("nodejs"):
        if numbers[0] < OLDEST_NODE:
            return RuntimeFinding(
                runtime, "unsupported", detail=f"Lambent runs Node.js from {OLDEST_NODE} on"
            )
        how = f"fnm install {version}, or nvm install {version}; or lambent up --runtime-fallback"
    elif runtime.startswith("java"):
        how = (
            f"apt install openjdk-{numbers[0]}-jdk, or sdk install java (a release of {numbers[0]}); "
            "or lambent up --runtime-fallback with a newer JDK"
        )
    elif runtime.startswith("ruby"):
        how = f"mise use -g ruby@{version}, or rbenv install (a release of {version}); then gem install aws_lambda_ric"
    else:
        how = f"dotnet-install.sh --channel {numbers[0]}.0, or apt install dotnet-runtime-{numbers[0]}.0"
    return RuntimeFinding(runtime, "missing", detail=how)
