"""`lambent deploy destroy`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click
import msgspec

from lambent.cli.deploy_target import FAILED, choice, failures, options
from lambent.cli.failure import Failure
from lambent.cli.output import json_option, print_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.cli.deploy_screen import Screen
    from lambent.deploy.project import Stage
    from lambent.deploy.providers import Removal


@click.command("destroy")
@options
@click.option("--empty-buckets", is_flag=True, help="Delete the objects in the app's buckets too.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask in a protected stage.")
@json_option
def command(empty_buckets: bool, yes: bool, as_json: bool, **chosen: Any) -> None:
    """Remove everything that is deployed of the app in a stage. Done twice, or half done before, it is done."""
    from lambent.cli.deploy_screen import Screen
    from lambent.cli.deploy_target import target

    with failures(), Screen() as screen:
        where = target(choice(chosen))
        removal = where.provider.destroy(
            where.app(),
            where.stage.name,
            empty_buckets=empty_buckets,
            watch=screen,
            confirm=_confirmation(where.stage, screen, yes=yes, quiet=as_json),
        )
        screen.stop()
    if not removal.confirmed:
        raise Failure("Nothing was removed.", exit_code=FAILED)
    if as_json:
        print_json(msgspec.to_builtins(removal))
    elif not removal.existed:
        click.echo(f"{removal.stack} is not deployed: nothing to remove.")
    else:
        click.echo(f"{click.style('Removed', fg='green', bold=True)} {removal.stack}.")
        for kept in removal.kept:
            click.echo(f"Kept, as the template says: {kept}")


def _confirmation(stage: Stage, screen: Screen, *, yes: bool, quiet: bool) -> Callable[[Removal], bool]:
    """What says which data goes, and asks in protected stages."""

    def confirm(removal: Removal) -> bool:
        screen.stop()
        if not quiet:
            click.echo(f"{click.style(removal.stack, bold=True)} at {removal.place}", err=True)
            for loss in removal.losses:
                click.echo(f"{click.style('Data loss:', fg='red', bold=True)} {loss}", err=True)
        if yes or not stage.protected:
            return True
        if not sys.stdin.isatty():
            raise Failure(
                f"The stage {stage.name} is protected. Nothing was removed.",
                hint=f"With --yes all of {removal.stack} is removed.",
                exit_code=FAILED,
            )
        return click.confirm(
            f"{stage.name} is protected. Remove {removal.stack} with its {len(removal.resources)} resources?",
            default=False,
            err=True,
        )

    return confirm
