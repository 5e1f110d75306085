"""`lambent deploy`: the group of its commands, each imported when it runs."""

from __future__ import annotations

from typing import Final

import click

from lambent.cli.lazy_group import LazyGroup

_COMMANDS: Final = {
    "plan": "Show what apply would change.",
    "apply": "Build the app and deploy it.",
    "info": "Show what is deployed.",
    "logs": "Show the logs of all functions of the app.",
    "destroy": "Remove everything that is deployed of the app.",
}


@click.command("deploy", cls=LazyGroup, commands_told=_COMMANDS, modules="lambent.cli.deploy_")
def command() -> None:
    """Deploy the app to a platform (--provider local) or to AWS (--provider aws), in a stage.

    Exit codes: 0 done, 1 failed. Of `plan`: 0 nothing would change, 2 something would, 1 failed.
    """
