"""`lambent event`."""

from __future__ import annotations

import difflib
import json
from typing import TYPE_CHECKING, Any

import click

from lambent.cli.failure import Failure
from lambent.cli.output import json_option, plain, print_json, print_table
from lambent.cli.resources import TYPES, Resources, stage_option

if TYPE_CHECKING:
    from lambent.testing.samples import Sample


@click.command("event")
@click.argument("name", metavar="[SOURCE[-KIND]]", required=False)
@click.option(
    "-m",
    "--member",
    "members",
    metavar="NAME=VALUE",
    multiple=True,
    help="What the event is made of (bucket=uploads), or a place in it (Records.0.awsRegion=eu-west-1); repeatable."
    " Values are JSON, or else text.",
)
@click.option("--members", "explain", is_flag=True, help="Say what the event is made of instead.")
@click.option("--line", is_flag=True, help="Print it on one line.")
@stage_option
@json_option
def command(
    name: str | None,
    members: tuple[str, ...],
    explain: bool,
    line: bool,
    stage: str | None,
    as_json: bool,
) -> None:
    """Print a sample event as AWS delivers it: `lambent event s3-put | lambent invoke resize -d -`.

    Without SOURCE it lists them all. While `lambent dev` runs, or with --stage, names of resources
    are the code's.
    """
    from lambent.testing import samples

    if name is None:
        _list(samples.SAMPLES, as_json=as_json)
        return
    try:
        found = samples.find(name)
    except samples.UnknownSample:
        near = difflib.get_close_matches(name, samples.SAMPLES, n=3)
        raise Failure(
            f"There is no sample event {name}.",
            hint=f"Did you mean {' or '.join(near)}?"
            if near
            else "`lambent event` lists those that there are.",
        ) from None
    if explain:
        _explain(found, as_json=as_json)
        return
    told, places = _told(members)
    _resolve(found, told, stage)
    try:
        event = samples.sample(name, **told)
    except samples.UnknownSample as error:
        raise Failure(
            f"{error}.", hint="A place inside the event is named with dots: Records.0.body=…"
        ) from error
    for place, value in places.items():
        _put(event, place, value)
    click.echo(json.dumps(event, indent=None if line else 2, ensure_ascii=False))


def _list(found: dict[str, Sample], *, as_json: bool) -> None:
    if as_json:
        print_json(
            [
                {"name": name, "about": one.about, "members": list(one.parameters)}
                for name, one in found.items()
            ]
        )
        return
    print_table(["EVENT", "WHAT HAS HAPPENED"], [(name, plain(one.about)) for name, one in found.items()])


def _explain(found: Sample, *, as_json: bool) -> None:
    """Members, and what they are unless told."""
    known = found.parameters
    if as_json:
        print_json(known)
        return
    rows = [
        (name, "" if value is None else plain(json.dumps(value, default=str)))
        for name, value in known.items()
    ]
    print_table(["MEMBER", "UNLESS TOLD"], rows)


def _told(members: tuple[str, ...]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Members of the factory, and places in the event. Raises Failure."""
    told: dict[str, Any] = {}
    places: dict[str, Any] = {}
    for one in members:
        name, equals, text = one.partition("=")
        if not equals or not name:
            raise Failure(f"--member {one}: it must be NAME=VALUE")
        try:
            value = json.loads(text)
        except ValueError:
            value = text
        (places if "." in name else told)[name] = value
    return told, places


def _resolve(found: Sample, told: dict[str, Any], stage: str | None) -> None:
    """Have the names of resources be those of the app at hand: as told, or of the only one that it has."""
    from lambent.deploy import dev_session

    if not found.resources or (stage is None and dev_session.find() is None):
        return
    from lambent.cli import endpoint

    where = endpoint.resolve(None, None)
    with endpoint.api_errors(where):
        resources = Resources(where, stage)
        deployed = resources.deployed
        if deployed is None:
            return
        for member, kind in found.resources.items():
            physical = resources.physical(kind, str(told.get(member, found.members[member])))
            if physical is None and member not in told:
                only = deployed.of_type(TYPES[kind])
                physical = only[0].physical if len(only) == 1 else None
            if physical is not None:
                told[member] = _name(physical)


def _name(physical: str) -> str:
    """Of a queue's URL or a topic's ARN the name."""
    return physical.rstrip("/").rpartition("/")[2].rpartition(":")[2].rpartition("|")[2]


def _put(event: Any, place: str, value: Any) -> None:
    """Set what is at a place such as Records.0.s3.object.size. Raises Failure for a place that is not there."""
    *path, last = place.split(".")
    at = event
    try:
        for step in path:
            at = at[int(step)] if isinstance(at, list) else at[step]
        if isinstance(at, list):
            at[int(last)] = value
        elif isinstance(at, dict):
            at[last] = value
        else:
            raise TypeError(f"{'.'.join(path)} is {at!r}")
    except (KeyError, IndexError, ValueError, TypeError):
        raise Failure(f"--member {place}: the event has no such place") from None
