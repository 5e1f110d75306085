"""`lambent dev`."""

from __future__ import annotations

import errno
from pathlib import Path

import click

from lambent.cli.failure import Failure


@click.command("dev")
@click.argument("app", required=False)
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=3000,
    show_default=True,
    metavar="PORT",
    help="Where everything is: the app, its WebSockets, and AWS's APIs. 0 takes any free one.",
)
@click.option("--stage", metavar="STAGE", help="The stage whose settings hold.  [default: dev]")
@click.option(
    "--debug",
    is_flag=False,
    flag_value=5678,
    type=click.IntRange(0, 65_535),
    metavar="[PORT]",
    help="Let a debugger (debugpy's clients, such as VS Code) attach to the functions, and take timeouts off."
    "  [port: 5678]",
)
@click.option("--fresh", is_flag=True, help="Forget what earlier sessions have kept.")
def command(app: str | None, port: int, stage: str | None, debug: int | None, fresh: bool) -> None:
    """Run an app here, its code as it is right now.

    APP is a module and attribute (app.app), a file, a folder, or a template.yaml; without it the app is the one of
    lambent.toml, or is looked for. After a save the next request runs the new code.
    """
    from lambent.deploy.errors import DeployError
    from lambent.deploy.project_file import load_project

    try:
        project = load_project(Path.cwd(), app=app)
        from lambent.dev.session import Options, run

        run(project, Options(app=app, port=port, stage=stage, debug=debug, fresh=fresh))
    except DeployError as error:
        raise Failure(str(error), hint=error.hint, exit_code=1) from error
    except OSError as error:
        raise _explained(error, port) from error
    except Exception as error:
        from lambent.node.settings import SettingsError
        from lambent.store import StoreError

        if isinstance(error, SettingsError):
            raise Failure(str(error)) from error
        if isinstance(error, StoreError):
            raise Failure(str(error), exit_code=1) from error
        raise


def _explained(error: OSError, port: int) -> Exception:
    """What is known of an error of the operating system at the start."""
    if error.errno == errno.EADDRINUSE:
        other = port + 1 if port < 65_535 else 0
        return Failure(
            f"Port {port} is in use.",
            hint=f"End the program that has it, or take another port: lambent dev --port {other}",
            exit_code=1,
        )
    if error.errno == errno.ENOSPC:
        return Failure("The disk is full.", exit_code=1)
    if error.errno is None:
        return error
    place = f"{error.filename}: " if error.filename else ""
    return Failure(f"{place}{error.strerror}", exit_code=1)
