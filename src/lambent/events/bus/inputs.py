"""What a target gets of an event: the event, a part of it, a constant, or a text made of parts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import msgspec

from lambent.events.bus.errors import InvalidRequest
from lambent.events.transformer import InvalidTransformer, Transformer, select

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.events.bus.event import Event
    from lambent.events.bus.rule import Rule, Target

    Body: TypeAlias = "Callable[[Event, str], str]"
    """The body for a target, of an event and the time that it came in (ISO 8601)."""

# Recorded (`test_input_transformer_predefined_variables`): the variable has other names than the event, and no detail.
_EVENT: Final = tuple(
    ("detailType" if field == "detail-type" else field, field)
    for field in ("id", "account", "detail-type", "time", "source", "region", "resources", "version")
)


def body_of(rule: Rule, target: Target) -> Body:
    """How the body for a target is made. Raises InvalidRequest for a path or a template that is none."""
    if target.input is not None:
        constant = target.input
        return lambda event, came_in: constant
    try:
        if target.input_path is not None:
            return _selected(target.input_path)
        if target.template is not None:
            return _transformed(rule, target, target.template)
    except InvalidTransformer as error:
        # Recorded: "InputTemplate for target … contains invalid placeholder …" (`test_events_inputs`).
        what = "InputPath" if target.template is None else "InputTemplate"
        raise InvalidRequest(f"{what} for target {target.id} {error}") from error
    return lambda event, came_in: event.text


def check(target: Target) -> None:
    """Raise InvalidRequest for an input that is not JSON, for more than one of the ways to make one, and for a path to
    a partition key that is none.
    """
    ways = (target.input, target.input_path, target.template)
    if sum(one is not None for one in ways) > 1:
        raise InvalidRequest(
            f"Only one of Input, InputPath, or InputTransformer must be provided for target {target.id}."
        )
    if target.input is not None:
        try:
            msgspec.json.decode(target.input, type=msgspec.Raw)
        except msgspec.DecodeError:
            raise InvalidRequest(f"JSON syntax error in input for target {target.id}") from None
    path = target.parameters.get("KinesisParameters", {}).get("PartitionKeyPath")
    if path is not None:
        try:
            select({}, path)
        except InvalidTransformer as error:
            raise InvalidRequest(f"PartitionKeyPath for target {target.id} {error}") from error


def _selected(path: str) -> Body:
    if path == "$":
        return lambda event, came_in: event.text
    select({}, path)  # refuses what is no path
    return lambda event, came_in: select(event.fields, path).decode()


def _transformed(rule: Rule, target: Target, template: str) -> Body:
    transformer = Transformer(target.paths or {}, template)

    def body(event: Event, came_in: str) -> str:
        variables = {
            "aws.events.rule-arn": rule.arn,
            "aws.events.rule-name": rule.name,
            "aws.events.event.ingestion-time": came_in,
            "aws.events.event": {name: event.fields.get(field) for name, field in _EVENT},
            "aws.events.event.json": event.fields,
        }
        return transformer.render(event.fields, variables).decode()

    return body
