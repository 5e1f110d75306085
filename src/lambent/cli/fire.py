"""`lambent fire`."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from lambent.cli import endpoint, payload
from lambent.cli.failure import FUNCTION_FAILED, Failure
from lambent.cli.output import json_option, print_json
from lambent.cli.resources import Resources, stage_option
from lambent.cli.scheduled import rule_event, schedule_event, with_attributes
from lambent.cli.targets import Delivered, deliver

if TYPE_CHECKING:
    from lambent.cli.endpoint import Endpoint

_ARN: Final = re.compile(
    r"arn:[a-z-]+:(?P<service>scheduler|events):[^:]*:\d*:(?P<kind>schedule|rule)/(?P<name>.+)"
)


class _Due(NamedTuple):
    """A schedule or rule whose time has come: its ARN, and for each target what it gets."""

    arn: str
    targets: list[tuple[dict[str, Any], str]]


@click.command("fire")
@click.argument("name")
@click.option(
    "-d", "--data", metavar="JSON|@FILE|-", help="What targets get.  [default: what the scheduler would send]"
)
@click.option(
    "--at", "moment", metavar="TIME", help="The time that it is fired for, in ISO 8601.  [default: now]"
)
@click.option("--wait", is_flag=True, help="Wait for functions and print what they return.")
@stage_option
@endpoint.options
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    name: str,
    data: str | None,
    moment: str | None,
    wait: bool,
    stage: str | None,
    endpoint_url: str | None,
    region: str | None,
    as_json: bool,
) -> None:
    """Fire the schedule or rule NAME now: its targets get the event that they would get at its time.

    NAME is the code's name of it, a physical one (GROUP/NAME for another group), or an ARN. It need not be enabled. The
    targets are called by you, not by the scheduler, so it is your permissions that count.
    """
    given = None if data is None else payload.read_json(data)
    time = _time(moment)
    where = endpoint.resolve(endpoint_url, region)
    with endpoint.api_errors(where):
        due = _due(where, Resources(where, stage), name, time, given)
        delivered = [deliver(where, target, text, wait=wait) for target, text in due.targets]
    if as_json:
        print_json({"Arn": due.arn, "Targets": [one.document() for one in delivered]})
    else:
        _show(due, delivered)
    ctx.exit(FUNCTION_FAILED if any(one.error for one in delivered) else 0)


def _show(due: _Due, delivered: list[Delivered]) -> None:
    if not delivered:
        click.echo(f"{due.arn.rpartition('/')[2]} has no targets.")
    for one in delivered:
        click.echo(f"Fired {due.arn.rpartition('/')[2]}: {one.said}", err=one.answer is not None)
        if one.answer is not None:
            click.echo(one.answer)
        if one.error:
            click.secho(f"The function failed ({one.error}).", err=True, fg="red")


def _time(moment: str | None) -> datetime:
    """Raises Failure."""
    if moment is None:
        return datetime.now(UTC)
    try:
        return datetime.fromisoformat(moment).astimezone(UTC)
    except ValueError:
        raise Failure(
            f"--at {moment}: it must be a time in ISO 8601", hint="For example 2026-01-31T09:00Z."
        ) from None


def _due(where: Endpoint, resources: Resources, name: str, time: datetime, given: str | None) -> _Due:
    """Raises Failure, and botocore's errors."""
    found = _ARN.fullmatch(name)
    kind, path = (found["kind"], found["name"]) if found is not None else ("", name)
    if found is None:
        for kind in ("schedule", "rule"):
            physical = resources.physical(kind, name)
            if physical is not None:
                path = physical.replace("|", "/")  # Ref of a rule that is not on the default bus
                break
        else:
            kind = ""
    due = None
    if kind in ("", "schedule"):
        due = _schedule(where, path, time, given)
    if due is None and kind in ("", "rule"):
        due = _rule(where, path, time, given)
    if due is None:
        raise Failure(f"There is no schedule or rule {name}.", hint=resources.known(["schedule", "rule"]))
    return due


def _schedule(where: Endpoint, path: str, time: datetime, given: str | None) -> _Due | None:
    group, _, name = path.rpartition("/")
    client = where.client("scheduler")
    asked = {"Name": name, **({"GroupName": group} if group else {})}
    try:
        schedule = client.get_schedule(**asked)
    except client.exceptions.ResourceNotFoundException:
        return None
    target, arn = schedule["Target"], schedule["Arn"]
    text = given
    if text is None:
        told = target.get("Input")
        text = schedule_event(arn, time) if told is None else with_attributes(told, arn, time)
    return _Due(arn, [(target, text)])


def _rule(where: Endpoint, path: str, time: datetime, given: str | None) -> _Due | None:
    """Raises Failure for one that has no schedule."""
    bus, _, name = path.rpartition("/")
    client = where.client("events")
    asked = {"Name": name, **({"EventBusName": bus} if bus else {})}
    try:
        rule = client.describe_rule(**asked)
    except client.exceptions.ResourceNotFoundException:
        return None
    if not rule.get("ScheduleExpression") and given is None:
        pattern = json.loads(rule.get("EventPattern") or "{}")
        source = next(iter(pattern.get("source", [])), "SOURCE")
        kind = next(iter(pattern.get("detail-type", [])), "TYPE")
        raise Failure(
            f"{name} has no schedule: it waits for events.",
            hint=f"`lambent emit {kind} '{{…}}' --source {source}` puts one on the bus; --data gives its targets one "
            "as it is.",
        )
    targets: list[tuple[dict[str, Any], str]] = []
    token: dict[str, str] = {}
    while True:
        page = client.list_targets_by_rule(Rule=name, **({"EventBusName": bus} if bus else {}), **token)
        targets += [(target, given or rule_event(rule["Arn"], time, target)) for target in page["Targets"]]
        if not page.get("NextToken"):
            return _Due(rule["Arn"], targets)
        token = {"NextToken": page["NextToken"]}
