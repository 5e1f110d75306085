"""Groups whose commands are imported when they run, so that `--help` answers at once."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from collections.abc import Mapping


class LazyGroup(click.Group):
    """A group with `commands_told`: what each does, by name, in the order of help.

    The command `name` is the attribute `command` of the module `<modules><name>`.
    """

    def __init__(self, *, commands_told: Mapping[str, str], modules: str, **attributes: Any) -> None:
        super().__init__(**attributes)
        self._told = commands_told
        self._modules = modules

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self._told)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self._told:
            return None
        command = importlib.import_module(self._modules + cmd_name).command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(self._told.items()))
