"""`lambent logs`."""

from __future__ import annotations

import json
import re
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import click

from lambent.cli import endpoint
from lambent.cli.failure import Failure
from lambent.cli.output import json_option
from lambent.cli.resources import call_function, stage_option

if TYPE_CHECKING:
    from collections.abc import Iterator

_UNIT_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_AGE: Final = re.compile(r"(\d+)([smhdw])")
_FOLLOW_SECONDS: Final = 0.5
_PLATFORM: Final = re.compile(r"(START|END|REPORT|INIT_START|INIT_REPORT) ")
_ERROR: Final = re.compile(
    r"\[(ERROR|CRITICAL)\]|Task timed out after|Traceback \(most recent call last\)|Runtime\.[A-Z]\w+Error\b"
)
_WARNING: Final = re.compile(r"\[WARN(ING)?\]")


@click.command("logs")
@click.argument("name")
@click.option(
    "-f", "--follow", is_flag=True, help="Go on and show new events as they come (end with Ctrl-C)."
)
@click.option(
    "--since", default="10m", show_default=True, metavar="AGE|TIME", help="10s, 5m, 2h, 1d, 1w, or ISO 8601."
)
@click.option("--filter", "pattern", metavar="PATTERN", help="A filter pattern of CloudWatch Logs.")
@stage_option
@endpoint.options
@json_option
def command(
    name: str,
    follow: bool,
    since: str,
    pattern: str | None,
    stage: str | None,
    endpoint_url: str | None,
    region: str | None,
    as_json: bool,
) -> None:
    """Show what the function NAME logged: a name, or that of a unit of the app. It may also be a log group ("/…")."""
    request: dict[str, Any] = {"startTime": start_ms(since)}
    if pattern is not None:
        request["filterPattern"] = pattern
    where = endpoint.resolve(endpoint_url, region)
    with endpoint.api_errors(
        where, hints={"ResourceNotFoundException": "`lambent functions` lists those that are there."}
    ):
        request["logGroupName"] = _group_of(where, name, stage)
        try:
            for event in _events(where.client("logs"), request, follow=follow):
                click.echo(json.dumps(event, ensure_ascii=False) if as_json else _line(event))
        except KeyboardInterrupt:
            return


def _group_of(where: endpoint.Endpoint, name: str, stage: str | None) -> str:
    if name.startswith("/"):
        return name
    client = where.client("lambda")
    configuration = call_function(
        where, stage, name, lambda function: client.get_function_configuration(FunctionName=function)
    )
    group: str = configuration.get("LoggingConfig", {}).get("LogGroup") or (
        f"/aws/lambda/{configuration['FunctionName']}"
    )
    return group


def start_ms(since: str) -> int:
    """An age ("10m") or a time in ISO 8601 in Unix milliseconds. Raises Failure."""
    found = _AGE.fullmatch(since.strip())
    if found is not None:
        return int((time.time() - int(found[1]) * _UNIT_SECONDS[found[2]]) * 1000)
    try:
        moment = datetime.fromisoformat(since)
    except ValueError:
        raise Failure(f"--since {since}: it must be an age such as 10m, or a time in ISO 8601") from None
    return int(moment.astimezone(UTC).timestamp() * 1000)


def _events(client: Any, request: dict[str, Any], *, follow: bool) -> Iterator[dict[str, Any]]:
    """Events in order of time; with `follow` without end."""
    newest, seen = request["startTime"], set[str]()
    while True:
        for event in _pages(client, {**request, "startTime": newest}):
            if event["timestamp"] > newest:
                newest, seen = event["timestamp"], set()
            if event["eventId"] not in seen:
                seen.add(event["eventId"])
                yield event
        if not follow:
            return
        time.sleep(_FOLLOW_SECONDS)


def _pages(client: Any, request: dict[str, Any]) -> Iterator[dict[str, Any]]:
    while True:
        try:
            page = client.filter_log_events(**request)
        except client.exceptions.ResourceNotFoundException:
            return  # the group comes into being with the first event
        yield from page["events"]
        if not page.get("nextToken"):
            return
        request = {**request, "nextToken": page["nextToken"]}


def _line(event: dict[str, Any]) -> str:
    moment = datetime.fromtimestamp(event["timestamp"] / 1000, UTC).astimezone()
    message = event["message"].rstrip("\n")
    time_shown = click.style(moment.strftime("%H:%M:%S.") + f"{event['timestamp'] % 1000:03d}", fg="cyan")
    return f"{time_shown} {coloured(message)}"


def coloured(message: str) -> str:
    """What a function logged, as a terminal shows it."""
    if _PLATFORM.match(message):
        failed = "Status: " in message
        return click.style(message, fg="red") if failed else click.style(message, dim=True)
    if _ERROR.search(message):
        return click.style(message, fg="red")
    if _WARNING.search(message):
        return click.style(message, fg="yellow")
    return message
