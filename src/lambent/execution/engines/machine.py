"""Every language that this machine may have, looked for where it is installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambent.execution.dotnets import Dotnets
from lambent.execution.engines import Engines
from lambent.execution.engines.dotnet import DotnetFamily
from lambent.execution.engines.java import JavaFamily
from lambent.execution.engines.node import NodeFamily
from lambent.execution.engines.provided import ProvidedFamily
from lambent.execution.engines.python import PythonFamily
from lambent.execution.engines.ruby import RubyFamily
from lambent.execution.interpreters import Interpreters
from lambent.execution.java_client import find_official
from lambent.execution.javas import Javas
from lambent.execution.nodes import Nodes
from lambent.execution.rubies import Rubies

if TYPE_CHECKING:
    from pathlib import Path


def engines_of_this_machine(*, java_client: Path | None = None) -> Engines:
    """All families. `java_client`: where to look for AWS's Java client before anywhere else."""
    return Engines(
        {
            "dotnet": DotnetFamily(Dotnets()),
            "java": JavaFamily(Javas(), find_official(java_client)),
            "nodejs": NodeFamily(Nodes()),
            "provided": ProvidedFamily(),
            "python": PythonFamily(Interpreters()),
            "ruby": RubyFamily(Rubies()),
        }
    )
