"""Ruby: each environment is a Ruby of its own that runs AWS's runtime interface client."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lambent.execution.errors import InterpreterMissing
from lambent.execution.host import Command, Host, wrapped
from lambent.execution.rubies import CLIENT, RubyClient, find_client
from lambent.execution.runtime_api import EntrypointInvalid, RuntimeApiNursery

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lambent.execution.engines import Premises
    from lambent.execution.rubies import Rubies, Ruby
    from lambent.functions import FunctionVersion

_COVERED: Final = (Path("/opt"), Path("/tmp"))  # noqa: S108 - by what environments have there


@dataclass(frozen=True)
class RubyEngine:
    """One Ruby."""

    ruby: Ruby
    client: RubyClient | None = field(compare=False)

    @property
    def runtime(self) -> str:
        """The runtime it serves: "ruby3.3"."""
        return self.ruby.runtime

    async def start(self, premises: Premises) -> RuntimeApiNursery:
        """Start a host. Raises EnvironmentUnavailable."""
        # A Ruby finds its library where it was installed, and nowhere else.
        there = not any(self.ruby.prefix.is_relative_to(place) for place in _COVERED)
        host = Host(private_view=premises.private_view and there, variables=premises.mark)
        await host.start()
        return RuntimeApiNursery(host, RubyProgram(self.ruby, self.client))

    def variables(self, *, private_view: bool) -> Mapping[str, str]:
        """None that do not depend on the environment."""
        return {}

    def members(self, premises: Premises) -> Mapping[str, object]:
        """None of its own."""
        return {}


class RubyFamily:
    """The Rubies of this machine."""

    def __init__(self, rubies: Rubies) -> None:
        self._rubies = rubies

    def find(self, runtime: str, *, nearest: bool) -> RubyEngine:
        """The engine for "ruby3.3". Raises InterpreterMissing."""
        try:
            ruby = self._rubies.find(runtime)
        except InterpreterMissing:
            if not nearest:
                raise
            ruby = self._rubies.nearest(runtime)
        return RubyEngine(ruby, find_client(self._rubies.gem_folders(ruby)))


class RubyProgram:
    """What is started for a Ruby function."""

    def __init__(self, ruby: Ruby, client: RubyClient | None) -> None:
        self._ruby = ruby
        self._client = client

    def expect(self, version: FunctionVersion) -> None:
        """There is nothing to make ready."""

    def command(self, init: dict[str, Any], *, private_view: bool) -> Command:
        """Ruby with the client, the function's own where it has one. Raises EntrypointInvalid without any."""
        task, layers = init["task_root"], [*init["opt"]]
        bundle, gems = f"vendor/bundle/ruby/{self._ruby.api}", f"ruby/gems/{self._ruby.api}"
        own = find_client([Path(task, bundle), *(Path(layer, gems) for layer in layers)])
        client = own or self._client
        if client is None:
            raise EntrypointInvalid(
                f"the gem {CLIENT} is neither in the package nor installed for {self._ruby.executable}: "
                f"{self._ruby.executable.parent / 'gem'} install {CLIENT}"
            )
        seen_task = "/var/task" if private_view else task
        seen_layers = ["/opt" for _ in layers] if private_view else layers
        variables = {
            "GEM_PATH": ":".join(
                [
                    f"{seen_task}/{bundle}",
                    *(f"{layer}/{gems}" for layer in seen_layers),
                    *([str(client.gems)] if own is None else []),
                    str(self._ruby.prefix / "lib/ruby/gems" / self._ruby.api),
                ]
            ),
            "RUBYLIB": ":".join([seen_task, *(f"{layer}/ruby/lib" for layer in seen_layers)]),
            **init["env"],
        }
        program = str(client.program)
        for place, seen in zip([task, *layers], [seen_task, *seen_layers], strict=True):
            if own is not None and own.folder.is_relative_to(place):
                program = f"{seen}/{client.program.relative_to(place)}"
        argv = [str(self._ruby.executable), program, init["handler"]]
        return Command(wrapped(argv, variables), variables)
