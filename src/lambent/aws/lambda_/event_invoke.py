"""Operations on the settings of asynchronous invocation."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from lambent.aws.lambda_.errors import invalid_parameter, translating
from lambent.aws.lambda_.functions import named
from lambent.aws.lambda_.paging import page_of
from lambent.functions import (
    LATEST,
    FunctionNotFound,
    FunctionRecord,
    FunctionRegistry,
    Reference,
    event_invoke,
)
from lambent.functions.attachments import EventInvokeConfig
from lambent.functions.errors import NoEventInvokeConfig, UnknownFunction
from lambent.functions.transitions import now_ms

if TYPE_CHECKING:
    from lambent.aws.context import RequestContext

_MAX_PAGE = 50
_MEMBERS = ("MaximumRetryAttempts", "MaximumEventAgeInSeconds", "DestinationConfig")


class EventInvokeOperations:
    """Put, update, read and delete."""

    registry: FunctionRegistry

    async def put_function_event_invoke_config(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """Replaces what was set for the qualifier."""
        return await self._set(context, request, None)

    async def update_function_event_invoke_config(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """Changes what was set for the qualifier, member by member."""
        with translating(context):
            reference = _reference(context, request)
            before = event_invoke.find(_record(self.registry, reference), reference.qualifier or LATEST)
        return await self._set(context, request, before)

    async def _set(
        self, context: RequestContext, request: dict[str, Any], before: EventInvokeConfig | None
    ) -> dict[str, Any]:
        with translating(context):
            reference = _reference(context, request)
            qualifier = reference.qualifier or LATEST
            # Before the function is looked for: test_lambda_eventinvokeconfig_exceptions/put_functionname_nootherargs
            if not any(member in request for member in _MEMBERS):
                raise invalid_parameter(
                    "You must specify at least one of error handling or destination setting."
                )
            record = _record(self.registry, reference)
            event_invoke.check_qualifier(record, qualifier)
            config = _applied(before or EventInvokeConfig(modified_ms=0), request)
            event_invoke.check_destinations(self.registry, record, config.on_success, config.on_failure)
            record = await self.registry.change(
                reference, lambda record: event_invoke.put(record, qualifier, config)
            )
        return _described(record, qualifier)

    async def get_function_event_invoke_config(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """What is set for the qualifier."""
        with translating(context):
            reference = _reference(context, request)
            qualifier = reference.qualifier or LATEST
            record = _owner(self.registry, reference)
            event_invoke.find(record, qualifier)
        return _described(record, qualifier)

    async def list_function_event_invoke_configs(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """A page of what is set for a function: $LATEST, versions, aliases."""
        with translating(context):
            record = _record(self.registry, _reference(context, {"FunctionName": request["FunctionName"]}))
        page, marker = page_of(sorted(record.event_invoke), lambda name: (name, 0), request, _MAX_PAGE)
        return {
            "FunctionEventInvokeConfigs": [_described(record, qualifier) for qualifier in page],
            "NextMarker": marker,
        }

    async def delete_function_event_invoke_config(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """Deletes what is set for the qualifier."""
        with translating(context):
            reference = _reference(context, request)
            _owner(self.registry, reference)
            await self.registry.change(
                reference, lambda record: event_invoke.deleted(record, reference.qualifier or LATEST)
            )
        return {}


def _reference(context: RequestContext, request: dict[str, Any]) -> Reference:
    reference = named(context, request)
    return reference._replace(qualifier=reference.qualifier or LATEST)


def _applied(config: EventInvokeConfig, request: dict[str, Any]) -> EventInvokeConfig:
    members: dict[str, Any] = {"modified_ms": now_ms()}
    if "MaximumRetryAttempts" in request:
        members["maximum_attempts"] = request["MaximumRetryAttempts"]
    if "MaximumEventAgeInSeconds" in request:
        members["maximum_age_s"] = request["MaximumEventAgeInSeconds"]
    destinations = request.get("DestinationConfig") or {}
    for member, field in (("OnSuccess", "on_success"), ("OnFailure", "on_failure")):
        if member in destinations:
            members[field] = destinations[member].get("Destination") or None
    return replace(config, **members)


def _described(record: FunctionRecord, qualifier: str) -> dict[str, Any]:
    config = record.event_invoke[qualifier]
    return {
        "LastModified": datetime.datetime.fromtimestamp(config.modified_ms / 1000, datetime.UTC),
        "FunctionArn": f"{record.arn}:{qualifier}",
        "MaximumRetryAttempts": config.maximum_attempts,
        "MaximumEventAgeInSeconds": config.maximum_age_s,
        "DestinationConfig": {
            "OnSuccess": {} if config.on_success is None else {"Destination": config.on_success},
            "OnFailure": {} if config.on_failure is None else {"Destination": config.on_failure},
        },
    }


def _record(registry: FunctionRegistry, reference: Reference) -> FunctionRecord:
    try:
        return registry.record(reference)
    except FunctionNotFound:
        raise UnknownFunction from None


def _owner(registry: FunctionRegistry, reference: Reference) -> FunctionRecord:
    try:
        return registry.record(reference)
    except FunctionNotFound:
        raise NoEventInvokeConfig(reference.arn) from None
