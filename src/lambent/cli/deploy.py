"""`lambent deploy`: the group of its commands, each imported when it runs."""

from __future__ import annotations

import importlib
from typing import Final

import click

_COMMANDS: Final = {
    "plan": "Show what apply would change.",
    "apply": "Build the app and deploy it.",
    "info": "Show what is deployed.",
    "logs": "Show the logs of all functions of the app.",
    "destroy": "Remove everything that is deployed of the app.",
}


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command = importlib.import_module(f"lambent.cli.deploy_{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.command("deploy", cls=_Commands)
def command() -> None:
    """Deploy the app to a platform (--provider local) or to AWS (--provider aws), in a stage.

    Exit codes: 0 done, 1 failed. Of `plan`: 0 nothing would change, 2 something would, 1 failed.
    """
