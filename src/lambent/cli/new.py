"""`lambent new`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from lambent.cli.failure import Failure

if TYPE_CHECKING:
    from lambent.deploy.new import Created


_NEXT: Final = (
    ("lambent dev", "runs it; the next request has what you save"),
    ("pytest", "tests it, also on a platform of its own"),
    ("lambent deploy apply", "deploys it"),
)
_WIDTH: Final = max(len(line) for line, _ in _NEXT)


def _list(context: click.Context, _option: click.Parameter, wanted: bool) -> None:
    if not wanted or context.resilient_parsing:
        return
    from lambent.cli.output import print_table
    from lambent.deploy.new import TEMPLATES

    print_table(["TEMPLATE", "WHAT IT IS"], [[one.called, one.description] for one in TEMPLATES.values()])
    context.exit()


@click.command("new")
@click.argument("folder", metavar="FOLDER", type=click.Path(path_type=Path))
@click.option(
    "-t",
    "--template",
    default="http",
    metavar="TEMPLATE",
    help="http, worker, websocket or shop.  [default: http]",
)
@click.option("--name", metavar="NAME", help="What the app is called.  [default: like its folder]")
@click.option(
    "--list", is_flag=True, is_eager=True, expose_value=False, callback=_list, help="Show the templates."
)
def command(folder: Path, template: str, name: str | None) -> None:
    """Make a new project in FOLDER: an app with settings and tests.

    The folder must not exist, or be empty but for a repository of git.
    """
    from lambent.deploy.errors import DeployError
    from lambent.deploy.new import create, template_named

    try:
        created = create(template_named(template), folder, name)
    except DeployError as error:
        raise Failure(f"{error.message}.", hint=error.hint) from error
    _tell(created, template)


def _tell(created: Created, template: str) -> None:
    import shlex

    shown = _shown(created.folder)
    click.echo(f"{click.style(created.name, bold=True)} is in {shown}, made of the template {template}:\n")
    for path in created.files:
        click.echo(f"  {path}")
    click.echo("\nNext:")
    if shown != ".":
        click.secho(f"  cd {shlex.quote(shown)}", fg="green")
    for line, what in _NEXT:
        click.echo(f"  {click.style(line.ljust(_WIDTH), fg='green')}   {what}")


def _shown(folder: Path) -> str:
    here = Path.cwd()
    return str(folder.relative_to(here)) if folder.is_relative_to(here) else str(folder)
