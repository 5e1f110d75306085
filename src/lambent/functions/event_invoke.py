"""Settings of asynchronous invocation, by qualifier: attempts, age, destinations.

Rules and messages are AWS's (recorded: `TestLambdaEventInvokeConfig`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec.structs import replace

from lambent.functions.errors import (
    InvalidConfiguration,
    NoEventInvokeConfig,
    UnknownFunction,
)
from lambent.functions.names import parse_name
from lambent.functions.version import LATEST

if TYPE_CHECKING:
    from lambent.functions.attachments import EventInvokeConfig
    from lambent.functions.record import FunctionRecord
    from lambent.functions.registry import FunctionRegistry

# "Configuring destinations for asynchronous invocations" of the developer guide.
_SERVICES = frozenset({"lambda", "sqs", "sns", "events", "s3"})
_ARN = re.compile(r"arn:[^:]+:(?P<service>[^:]+):(?P<region>[^:]*):(?P<account>[^:]*):(?P<resource>.+)")


def check_qualifier(record: FunctionRecord, qualifier: str) -> None:
    """Raise UnknownFunction unless the function has that version or alias."""
    if qualifier != LATEST and qualifier not in record.versions and qualifier not in record.aliases:
        raise UnknownFunction


def check_destinations(
    registry: FunctionRegistry, record: FunctionRecord, on_success: str | None, on_failure: str | None
) -> None:
    """Raise InvalidConfiguration for a destination that cannot be one."""
    for destination in (on_success, on_failure):
        match = _ARN.fullmatch(destination or "")
        if destination and (match is None or match["service"] not in _SERVICES):
            shown = [
                "null" if arn is None else f"{name}(destination={arn})"
                for name, arn in (("OnSuccess", on_success), ("OnFailure", on_failure))
            ]
            raise InvalidConfiguration(
                f"The provided destination config DestinationConfig(onSuccess={shown[0]}, "
                f"onFailure={shown[1]}) is invalid."
            )
        if destination and match is not None and match["service"] == "lambda":
            _check_function(registry, record, destination, match["account"], match["region"])


def _check_function(
    registry: FunctionRegistry, record: FunctionRecord, arn: str, account: str, region: str
) -> None:
    reference = parse_name(account, region, arn)
    if reference.name == record.name and (account, region) == (record.account, record.region):
        raise InvalidConfiguration("You can't specify the function as a destination for itself.")
    if not registry.exists(reference):
        raise InvalidConfiguration(f"The destination ARN {arn} is invalid.")


def put(record: FunctionRecord, qualifier: str, config: EventInvokeConfig) -> FunctionRecord:
    """The record with these settings for a qualifier. Raises UnknownFunction."""
    check_qualifier(record, qualifier)
    return replace(record, event_invoke={**record.event_invoke, qualifier: config})


def find(record: FunctionRecord, qualifier: str) -> EventInvokeConfig:
    """The settings of a qualifier. Raises NoEventInvokeConfig."""
    config = record.event_invoke.get(qualifier)
    if config is None:
        raise NoEventInvokeConfig(f"{record.arn}:{qualifier}")
    return config


def deleted(record: FunctionRecord, qualifier: str) -> FunctionRecord:
    """The record without settings for a qualifier. Raises NoEventInvokeConfig."""
    find(record, qualifier)
    return replace(
        record, event_invoke={key: value for key, value in record.event_invoke.items() if key != qualifier}
    )
