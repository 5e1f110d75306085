"""`lambent deploy apply`."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import click

from lambent.cli.deploy_target import FAILED, choice, failures, options
from lambent.cli.failure import Failure
from lambent.cli.output import json_option, plain, print_json, print_table

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.cli.deploy_screen import Screen
    from lambent.deploy.plan import Plan
    from lambent.deploy.project import Stage


@click.command("apply")
@options
@click.option("-y", "--yes", is_flag=True, help="Do not ask before data is lost in a protected stage.")
@json_option
def command(yes: bool, as_json: bool, **chosen: Any) -> None:
    """Build the app and deploy it. What fails is rolled back; what was interrupted is taken up again.

    Ctrl-C before anything has begun leaves nothing behind; afterwards the place goes on by itself, and says so.
    """
    from lambent.cli.deploy_screen import Screen
    from lambent.cli.deploy_tables import plan_as_json
    from lambent.cli.deploy_target import target

    begun = time.monotonic()
    with failures(), Screen() as screen:
        where = target(choice(chosen))
        deployment = where.deployment(screen)
        outcome = where.provider.apply(
            deployment, screen, _confirmation(where.stage, screen, yes=yes, quiet=as_json)
        )
        screen.stop()
    if not outcome.confirmed:
        raise Failure("Nothing was changed.", exit_code=FAILED)
    if as_json:
        print_json({**plan_as_json(outcome.plan), "outputs": outcome.outputs})
        return
    seconds = f"{time.monotonic() - begun:.1f} s"
    if outcome.plan.empty:
        click.echo(f"No changes: {outcome.plan.stack} is what the code says. ({seconds})")
    else:
        click.echo(f"{click.style('Deployed', fg='green', bold=True)} {outcome.plan.stack} in {seconds}.")
    if outcome.outputs:
        print_table(
            ("OUTPUT", "VALUE"),
            [(f"[bold]{plain(name)}[/]", plain(value)) for name, value in sorted(outcome.outputs.items())],
        )


def _confirmation(stage: Stage, screen: Screen, *, yes: bool, quiet: bool) -> Callable[[Plan], bool]:
    """What shows the plan, and asks in protected stages when data would be lost."""

    def confirm(plan: Plan) -> bool:
        from lambent.cli.deploy_tables import heading, show_plan

        screen.stop()
        if not quiet:
            click.echo(heading(plan))
            if plan.status is None:
                # Each is told when it is made: no need for a list of the same.
                click.echo(f"Nothing is deployed yet: {len(plan.changes)} resources to add.")
            else:
                show_plan(plan)
        if yes or not stage.protected or not plan.departures:
            return True
        lost, kept = (
            ", ".join(change.logical for change in plan.departures if change.kept is keeps)
            for keeps in (False, True)
        )
        what = " and ".join(
            text
            for text in (
                f"the data of {lost} would be lost" if lost else "",
                f"{kept} would leave the app, with the data in it" if kept else "",
            )
            if text
        )
        if not sys.stdin.isatty():
            raise Failure(
                f"The stage {stage.name} is protected, and {what}. Nothing was changed.",
                hint="`lambent deploy plan` shows it; with --yes it is done all the same.",
                exit_code=FAILED,
            )
        return click.confirm(f"{stage.name} is protected, and {what}. Go on?", default=False, err=True)

    return confirm
