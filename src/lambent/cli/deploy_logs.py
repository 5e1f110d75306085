"""`lambent deploy logs`."""

from __future__ import annotations

import json
import zlib
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import click

from lambent.cli.deploy_target import choice, failures, options
from lambent.cli.logs import coloured, start_ms
from lambent.cli.output import json_option

if TYPE_CHECKING:
    from lambent.deploy.providers import LogLine

_COLOURS: Final = (
    "cyan",
    "green",
    "magenta",
    "blue",
    "yellow",
    "bright_cyan",
    "bright_green",
    "bright_magenta",
)


@click.command("logs")
@click.argument("functions", nargs=-1, metavar="[FUNCTION]...")
@options
@click.option(
    "-f", "--follow", is_flag=True, help="Go on and show new events as they come (end with Ctrl-C)."
)
@click.option(
    "--since", default="10m", show_default=True, metavar="AGE|TIME", help="10s, 5m, 2h, 1d, 1w, or ISO 8601."
)
@click.option("--filter", "pattern", metavar="PATTERN", help="A filter pattern of CloudWatch Logs.")
@json_option
def command(
    functions: tuple[str, ...], follow: bool, since: str, pattern: str | None, as_json: bool, **chosen: Any
) -> None:
    """Show the logs of all functions of the app in order of time, or of some by their names in the code."""
    from lambent.cli.deploy_target import target
    from lambent.deploy.providers import LogQuery

    with failures():
        where = target(choice(chosen))
        query = LogQuery(since_ms=start_ms(since), follow=follow, pattern=pattern, units=functions)
        try:
            width = 0
            for line in where.provider.logs(where.app(), where.stage.name, query):
                width = max(width, len(line.unit))
                click.echo(_as_json(line) if as_json else _line(line, width))
        except KeyboardInterrupt:
            return


def _as_json(line: LogLine) -> str:
    return json.dumps(
        {
            "timestamp": line.time_ms,
            "function": line.unit,
            "logGroupName": line.group,
            "logStreamName": line.stream,
            "message": line.message,
        },
        ensure_ascii=False,
    )


def _line(line: LogLine, width: int) -> str:
    moment = datetime.fromtimestamp(line.time_ms / 1000, UTC).astimezone()
    colour = _COLOURS[zlib.crc32(line.unit.encode()) % len(_COLOURS)]
    time_shown = click.style(moment.strftime("%H:%M:%S.") + f"{line.time_ms % 1000:03d}", fg="cyan")
    return f"{time_shown} {click.style(line.unit.ljust(width), fg=colour)} {coloured(line.message)}"
