"""`lambent deploy plan`."""

from __future__ import annotations

from typing import Any, Final

import click

from lambent.cli.deploy_target import FAILED, choice, failures, options
from lambent.cli.output import json_option, print_json

CHANGES: Final = 2


class _Command(click.Command):
    """The exit code 2 says that there are changes, so a wrong option ends with 1 here."""

    def make_context(self, *arguments: Any, **more: Any) -> click.Context:
        try:
            return super().make_context(*arguments, **more)
        except click.UsageError as error:
            raise _WrongUsage(error.message, error.ctx) from error


class _WrongUsage(click.UsageError):
    exit_code = FAILED


@click.command("plan", cls=_Command)
@options
@json_option
def command(as_json: bool, **chosen: Any) -> None:
    """Show what apply would change, as the place itself tells it. Nothing is changed.

    Exit codes: 0 nothing would change, 2 something would, 1 failed.
    """
    from lambent.cli.deploy_screen import Screen
    from lambent.cli.deploy_tables import heading, plan_as_json, show_plan
    from lambent.cli.deploy_target import target

    with failures(), Screen() as screen:
        where = target(choice(chosen))
        deployment = where.deployment(screen)
        plan = where.provider.plan(deployment, screen)
        screen.stop()
    if as_json:
        print_json(plan_as_json(plan))
    else:
        click.echo(heading(plan))
        show_plan(plan)
    if not plan.empty:
        click.get_current_context().exit(CHANGES)
