"""Every language that this machine may have, looked for where it is installed when it is first asked for.

The modules of a language are imported then too: a platform that runs Python functions starts without the others.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambent.execution.engines import Engines

if TYPE_CHECKING:
    from pathlib import Path

    from lambent.execution.engines import Family


def engines_of_this_machine(*, java_client: Path | None = None) -> Engines:
    """All families. `java_client`: where to look for AWS's Java client before anywhere else."""
    return Engines(
        {
            "dotnet": _dotnet,
            "java": lambda: _java(java_client),
            "nodejs": _nodejs,
            "provided": _provided,
            "python": _python,
            "ruby": _ruby,
        }
    )


def _dotnet() -> Family:
    from lambent.execution.dotnets import Dotnets
    from lambent.execution.engines.dotnet import DotnetFamily

    return DotnetFamily(Dotnets())


def _java(client: Path | None) -> Family:
    from lambent.execution.engines.java import JavaFamily
    from lambent.execution.java_client import find_official
    from lambent.execution.javas import Javas

    return JavaFamily(Javas(), find_official(client))


def _nodejs() -> Family:
    from lambent.execution.engines.node import NodeFamily
    from lambent.execution.nodes import Nodes

    return NodeFamily(Nodes())


def _provided() -> Family:
    from lambent.execution.engines.provided import ProvidedFamily

    return ProvidedFamily()


def _python() -> Family:
    from lambent.execution.engines.python import PythonFamily
    from lambent.execution.interpreters import Interpreters

    return PythonFamily(Interpreters())


def _ruby() -> Family:
    from lambent.execution.engines.ruby import RubyFamily
    from lambent.execution.rubies import Rubies

    return RubyFamily(Rubies())
