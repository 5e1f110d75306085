"""Custom runtimes (`provided.*`): a `bootstrap` of the function's own, or of a layer, on the Runtime API."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lambent.execution.errors import InterpreterMissing
from lambent.execution.host import Command, Host
from lambent.execution.runtime_api import EntrypointInvalid, RuntimeApiNursery

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lambent.execution.engines import Premises
    from lambent.functions import FunctionVersion

RUNTIMES: Final = ("provided.al2", "provided.al2023")
_BOOTSTRAP: Final = "bootstrap"


class Bootstrap:
    """Starts the `bootstrap` of the code, or of its layers."""

    def expect(self, version: FunctionVersion) -> None:
        """There is nothing to make ready."""

    def command(self, init: dict[str, Any], *, private_view: bool) -> Command:
        """The bootstrap. Raises EntrypointInvalid when there is none."""
        places = [(init["task_root"], "/var/task"), *((layer, "/opt") for layer in init["opt"])]
        for place, seen in places:
            path = Path(place, _BOOTSTRAP)
            # A link may lead to where only the function sees something.
            if path.is_symlink() or path.is_file():
                variables = dict(init["env"])
                del variables["AWS_EXECUTION_ENV"]  # it is the managed runtimes that have one
                return Command([f"{seen}/{_BOOTSTRAP}" if private_view else str(path)], variables)
        raise EntrypointInvalid("Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]")


@dataclass(frozen=True)
class ProvidedEngine:
    """One name for custom runtimes; all names are the same here: this machine's own system."""

    runtime: str

    async def start(self, premises: Premises) -> RuntimeApiNursery:
        """Start a host. Raises EnvironmentUnavailable."""
        host = Host(private_view=premises.private_view, variables=premises.mark)
        await host.start()
        return RuntimeApiNursery(host, Bootstrap())

    def variables(self, *, private_view: bool) -> Mapping[str, str]:
        """None of its own."""
        return {}

    def members(self, premises: Premises) -> Mapping[str, object]:
        """None of its own."""
        return {}


class ProvidedFamily:
    """Custom runtimes run everywhere."""

    def find(self, runtime: str, *, nearest: bool) -> ProvidedEngine:
        """The engine for "provided.al2023". Raises InterpreterMissing."""
        if runtime not in RUNTIMES:
            raise InterpreterMissing(f"{runtime} is not one of {', '.join(RUNTIMES)}")
        return ProvidedEngine(runtime)
