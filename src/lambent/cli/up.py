"""`lambent up`."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lambent import __version__
from lambent.cli.failure import Failure

if TYPE_CHECKING:
    from lambent.cli.function_folder import FunctionFolder
    from lambent.node.platform import Platform
    from lambent.node.settings import Settings


@click.command("up")
@click.option("--host", metavar="ADDRESS", help="Where to listen.  [default: 127.0.0.1]")
@click.option("--port", type=int, metavar="PORT", help="0 takes any free one.  [default: 4566]")
@click.option("--data", metavar="DIR", help="Where everything is kept.  [default: .lambent]")
@click.option("--ephemeral/--keep", default=None, help="Keep nothing after the end, for tests.")
@click.option(
    "--durability", metavar="full|normal", help="Survive power loss, or only crashes.  [default: full]"
)
@click.option("--isolation", metavar="guard|none", help="How functions are kept apart.  [default: guard]")
@click.option(
    "--load",
    multiple=True,
    metavar="DIR",
    help="Load the functions of a folder with a lambent.toml; repeatable.",
)
@click.option(
    "--runtime-fallback/--no-runtime-fallback",
    default=None,
    help="Run runtimes that are not installed with the nearest one.",
)
@click.option(
    "--ignore-unsupported/--refuse-unsupported",
    default=None,
    help="Skip the resources of stacks whose types do not exist here.",
)
@click.option("--region", metavar="REGION", help="The default region.  [default: us-east-1]")
def command(load: tuple[str, ...], **flags: Any) -> None:
    """Run the platform until Ctrl-C.

    Every flag is also a setting of lambent.toml and a variable LAMBENT_*; flags win.
    """
    from lambent.node.settings import SettingsError, load_settings

    try:
        settings = load_settings(flags={**flags, "load": load or None})
        functions = _read_folders(settings)
    except SettingsError as error:
        raise Failure(str(error)) from error
    import asyncio

    from lambent.node.run import run

    async def ready(platform: Platform) -> None:
        _announce(platform.url, settings)
        loaded = await asyncio.to_thread(_load, platform.inside_url, settings, functions)
        _suggest(platform.url, settings, loaded)

    try:
        run(settings, on_ready=ready)
    except OSError as error:
        raise _explained(error, settings) from error
    except Exception as error:
        from lambent.store import StoreError

        if isinstance(error, StoreError):
            raise Failure(str(error), exit_code=1) from error
        raise


def _read_folders(settings: Settings) -> list[tuple[Path, FunctionFolder]]:
    if not settings.load:
        return []
    from lambent.cli.function_folder import read_folder

    return [(folder, function) for folder in settings.load for function in read_folder(folder)]


def _load(url: str, settings: Settings, functions: list[tuple[Path, FunctionFolder]]) -> list[FunctionFolder]:
    """Brings the functions of the given folders to the platform; tells of each that cannot be."""
    if not functions:
        return []
    from lambent.cli.endpoint import Endpoint, api_errors
    from lambent.cli.function_folder import deploy

    access_key, secret_key = next(iter(settings.credentials.items()), ("lambent", "lambent"))
    endpoint = Endpoint(url, settings.region, access_key, secret_key)
    client = endpoint.client("lambda")
    loaded = []
    for folder, function in functions:
        try:
            with api_errors(endpoint):
                deploy(client, folder, function, account=settings.account)
        except Failure as failure:
            click.echo(f"{_short(folder)}: {failure.text()}", err=True)
        else:
            click.echo(
                f"  {click.style(function.name, bold=True)}  {function.runtime}  {function.handler}"
                f"  from {_short(folder)}"
            )
            loaded.append(function)
    return loaded


def _announce(url: str, settings: Settings) -> None:
    kept = "nothing is kept" if settings.ephemeral else f"data in {_short(settings.data)}"
    click.echo(f"{click.style('Lambent', bold=True)} {__version__} on {click.style(url, fg='cyan')}, {kept}")


def _suggest(url: str, settings: Settings, loaded: list[FunctionFolder]) -> None:
    """Three AWS CLI lines that work as they stand, with version 1 and 2 of it."""
    key = next(iter(settings.credentials), None)
    keys = (
        f"AWS_ACCESS_KEY_ID={key} AWS_SECRET_ACCESS_KEY=..."
        if key
        else "AWS_ACCESS_KEY_ID=lambent AWS_SECRET_ACCESS_KEY=lambent"
    )
    lines = [
        "aws lambda list-functions",
        "aws lambda get-account-settings",
        "aws logs describe-log-groups",
    ]
    if loaded:
        name = loaded[0].name
        lines[1] = (
            f'echo \'{{"name": "Ada"}}\' | aws lambda invoke --function-name {name}'
            " --payload fileb:///dev/stdin /dev/stdout"
        )
        lines[2] = (
            f"aws logs filter-log-events --log-group-name /aws/lambda/{name}"
            " --query 'events[].message' --output text"
        )
    click.echo("\nTry it from another terminal:")
    click.secho(f"  export AWS_ENDPOINT_URL={url} AWS_DEFAULT_REGION={settings.region} {keys}", fg="green")
    for line in lines:
        click.secho(f"  {line}", fg="green")
    if loaded:
        click.echo(
            f"or: lambent invoke {loaded[0].name}, lambent logs -f {loaded[0].name}, lambent functions"
        )
    click.echo("Ctrl-C ends it.")


def _short(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _explained(error: OSError, settings: Settings) -> Exception:
    """What is known of an error of the operating system at the start."""
    place = f"{settings.host}:{settings.port}"
    if error.errno == errno.EADDRINUSE:
        return Failure(
            f"{place} is in use.",
            hint="Another platform may be running there (lambent doctor); or take another port with --port.",
            exit_code=1,
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return Failure(f"This machine has no address {settings.host} to listen on.", exit_code=1)
    if error.errno == errno.ENOSPC:
        return Failure(f"{settings.data}: the disk is full.", exit_code=1)
    if error.errno is None:
        return error
    return Failure(f"{error.filename or place}: {error.strerror}", exit_code=1)
