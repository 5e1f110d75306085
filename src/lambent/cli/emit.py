"""`lambent emit`."""

from __future__ import annotations

import json

import click

from lambent.cli import endpoint, payload
from lambent.cli.failure import Failure
from lambent.cli.output import json_option, print_json
from lambent.cli.resources import Resources, stage_option


@click.command("emit")
@click.argument("detail_type", metavar="TYPE")
@click.argument("detail", metavar="JSON|@FILE|-", default="{}")
@click.option("--source", metavar="NAME", help="Who says it.  [default: the app's name]")
@click.option("--bus", metavar="NAME|ARN", help="The bus.  [default: default]")
@click.option("--resource", "resources", metavar="ARN", multiple=True, help="What it is about; repeatable.")
@stage_option
@endpoint.options
@json_option
def command(
    detail_type: str,
    detail: str,
    source: str | None,
    bus: str | None,
    resources: tuple[str, ...],
    stage: str | None,
    endpoint_url: str | None,
    region: str | None,
    as_json: bool,
) -> None:
    """Put an event on a bus of EventBridge: `lambent emit order.placed '{"id": 7}'`.

    TYPE is its detail-type; the detail is a JSON object, a file of it, or standard input.
    """
    text = payload.read_json(detail)
    if not isinstance(json.loads(text), dict):
        raise Failure("The detail of an event must be a JSON object.", hint="For example '{\"id\": 7}'.")
    where = endpoint.resolve(endpoint_url, region)
    with endpoint.api_errors(where):
        source = source or Resources(where, stage).app
        if source is None:
            raise Failure("Who says it?", hint="No project is at hand: name the source with --source.")
        entry = {"Source": source, "DetailType": detail_type, "Detail": text, "Resources": list(resources)}
        if bus is not None:
            entry["EventBusName"] = bus
        (outcome,) = where.client("events").put_events(Entries=[entry])["Entries"]
    if outcome.get("ErrorCode"):
        raise Failure(f"{outcome.get('ErrorMessage')} ({outcome['ErrorCode']})")
    if as_json:
        print_json({"EventId": outcome["EventId"], "Source": source})
    else:
        click.echo(f"Put on the bus {bus or 'default'} by {source}: {outcome['EventId']}")
