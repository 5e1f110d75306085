""".NET: each environment is a program of its own, the function itself or AWS's library that calls its classes."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lambent.execution.dotnets import CLIENT
from lambent.execution.host import Command, Host, wrapped
from lambent.execution.runtime_api import EntrypointInvalid, RuntimeApiNursery

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lambent.execution.dotnets import Dotnet, Dotnets
    from lambent.execution.engines import Premises
    from lambent.functions import FunctionVersion


@dataclass(frozen=True)
class DotnetEngine:
    """One .NET runtime."""

    dotnet: Dotnet
    client: Path | None = field(compare=False)

    @property
    def runtime(self) -> str:
        """The runtime it serves: "dotnet8"."""
        return self.dotnet.runtime

    async def start(self, premises: Premises) -> RuntimeApiNursery:
        """Start a host. Raises EnvironmentUnavailable."""
        host = Host(
            prefix=self.dotnet.root,
            files=self.client.parent if self.client is not None else None,
            private_view=premises.private_view,
            variables=premises.mark,
        )
        await host.start()
        return RuntimeApiNursery(host, DotnetProgram(host, self.dotnet, self.client))

    def variables(self, *, private_view: bool) -> Mapping[str, str]:
        """None that do not depend on the environment."""
        return {}

    def members(self, premises: Premises) -> Mapping[str, object]:
        """None of its own."""
        return {}


class DotnetFamily:
    """The .NET runtimes of this machine."""

    def __init__(self, dotnets: Dotnets) -> None:
        self._dotnets = dotnets

    def find(self, runtime: str, *, nearest: bool) -> DotnetEngine:
        """The engine for "dotnet8". Raises InterpreterMissing."""
        dotnet = self._dotnets.find(runtime)
        return DotnetEngine(dotnet, self._dotnets.client(dotnet))


class DotnetProgram:
    """What is started for a .NET function."""

    def __init__(self, host: Host, dotnet: Dotnet, client: Path | None) -> None:
        self._host = host
        self._dotnet = dotnet
        self._client = client

    def expect(self, version: FunctionVersion) -> None:
        """There is nothing to make ready."""

    def command(self, init: dict[str, Any], *, private_view: bool) -> Command:
        """The function's own program, or for `Assembly::Class::Method` AWS's library. Raises EntrypointInvalid."""
        task = Path(init["task_root"])
        seen = "/var/task" if private_view else str(task)
        executable = self._host.seen(self._dotnet.executable)
        handler: str = init["handler"]
        variables = {"DOTNET_ROOT": str(Path(executable).parent), **init["env"]}
        if ":" in handler:
            argv = [executable, "exec", *self._class_library(task, seen, handler, variables)]
        else:
            assembly = handler if handler.endswith(".dll") else f"{handler}.dll"
            if (task / assembly).is_file():
                argv = [executable, "exec", f"{seen}/{assembly}"]
            elif (task / handler).is_file():
                argv = [f"{seen}/{handler}"]
            else:
                raise EntrypointInvalid(
                    f"executable assembly {seen}/{assembly} or binary {seen}/{handler} not found."
                )
        return Command(wrapped(argv, variables), variables)

    def _class_library(self, task: Path, seen: str, handler: str, variables: Mapping[str, str]) -> list[str]:
        named = variables.get("LAMBDA_DOTNET_MAIN_ASSEMBLY", "").removesuffix(".dll")
        assembly = named or handler.partition(":")[0]
        if (task / CLIENT).is_file():
            client = f"{seen}/{CLIENT}"
        elif self._client is not None:
            client = self._host.seen(self._client)
        else:
            raise EntrypointInvalid(
                f"{CLIENT} is neither in the package nor among NuGet's packages: add the package "
                "Amazon.Lambda.RuntimeSupport to the function, or to any project built on this machine"
            )
        return [
            "--depsfile",
            f"{seen}/{_only(task, assembly, 'deps.json')}",
            "--runtimeconfig",
            f"{seen}/{_only(task, assembly, 'runtimeconfig.json')}",
            client,
            handler,
        ]


def _only(task: Path, assembly: str, ending: str) -> str:
    """The assembly's file of this kind, or the only one there is."""
    if (task / f"{assembly}.{ending}").is_file():
        return f"{assembly}.{ending}"
    found = sorted(task.glob(f"*.{ending}"))
    if len(found) != 1:
        raise EntrypointInvalid(
            f".NET binaries for Lambda function are not correctly installed: the required .{ending} file is missing."
        )
    return found[0].name
