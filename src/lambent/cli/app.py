"""The command group. Commands are imported when they run, so that `lambent --help` answers at once."""

from __future__ import annotations

import os
import sys
from typing import Any, Final

import click

from lambent import __version__
from lambent.cli.failure import USAGE, Failure
from lambent.cli.lazy_group import LazyGroup

_COMMANDS: Final = {
    "new": "Make a new project: an app with settings and tests.",
    "dev": "Run an app here, its code as it is right now.",
    "manifest": "Show what the app consists of and needs.",
    "build": "Make the packages of the app.",
    "deploy": "Deploy the app: plan, apply, info, logs, destroy.",
    "render": "Write the app as a template for another tool.",
    "up": "Run the platform.",
    "invoke": "Invoke a function and print what it returns.",
    "logs": "Show what a function logged.",
    "functions": "List functions, or show one.",
    "send": "Send a message to a queue.",
    "publish": "Publish a message to a topic.",
    "emit": "Put an event on a bus.",
    "fire": "Fire a schedule now.",
    "put": "Put a file into a bucket.",
    "event": "Print a sample event of any source.",
    "doctor": "Check what this machine offers and what is missing.",
    "bench": "Measure cold starts of every runtime.",
}

_PIPELINE: Final = frozenset({"build", "deploy", "manifest", "render"})
"""Commands that need the extra "deploy" alone; the others need "platform", and `dev` both."""

_EXTRAS: Final = {
    "rich": "platform",
    "botocore": "platform",
    "boto3": "platform",
    "uvloop": "platform",
    "httptools": "platform",
    "uv": "deploy",
    "watchfiles": "deploy",
    "psycopg": "postgres",
}


class _Commands(LazyGroup):
    def invoke(self, ctx: click.Context) -> Any:
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            # Who reads our output (head, less) has seen enough: nothing is left to say, not even at the end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(0)
        return result


@click.command(
    cls=_Commands,
    commands_told=_COMMANDS,
    modules="lambent.cli.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, message="lambent %(version)s")
def lambent() -> None:
    """Serverless for Python: run functions on a Lambda-compatible platform of your own.

    Exit codes: 0 done, 1 the function failed, 2 wrong usage or refused by the platform, 3 no platform answers.
    """


def run() -> None:
    """Runs the command line of this process and ends it."""
    try:
        code = lambent.main(standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show(sys.stdout)
        code = 0
    except click.exceptions.Exit as ended:
        code = ended.exit_code
    except click.Abort:
        code = 130  # as shells say for Ctrl-C
    except Failure as failure:
        click.echo(failure.text(), err=True)
        code = failure.exit_code
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except ModuleNotFoundError as error:
        extra = _EXTRAS.get((error.name or "").partition(".")[0])
        if extra is None:
            raise
        if _PIPELINE.intersection(sys.argv[1:2]):
            extra = "deploy"
        elif sys.argv[1:2] == ["dev"]:
            extra = "platform,deploy"
        click.echo(f"This needs the package {error.name}: pip install 'lambent[{extra}]'", err=True)
        code = USAGE
    sys.exit(code)
