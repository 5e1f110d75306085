"""Operations on buses and their policies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from lambent.aws.events.errors import invalid
from lambent.aws.events.paging import page_of
from lambent.aws.events.tags import tags_of
from lambent.events.bus import policy

if TYPE_CHECKING:
    from lambent.aws.context import RequestContext
    from lambent.events.bus import Buses, EventBus


class BusOperations:
    """A part of `EventsService`."""

    _buses: Buses

    async def create_event_bus(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        bus = await self._buses.create(
            context.account,
            context.region,
            request["Name"],
            event_source=request.get("EventSourceName"),
            tags=tags_of(request.get("Tags", [])),
            **_members(request),
        )
        return {"EventBusArn": bus.arn, **_settings(bus)}

    async def update_event_bus(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        bus = await self._buses.change(
            context.account,
            context.region,
            request.get("Name"),
            lambda old: replace(old, **_members(request)),
        )
        return {"Arn": bus.arn, "Name": bus.name, **_settings(bus)}

    async def describe_event_bus(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        found = self._buses.find(
            context.account, context.region, request.get("Name"), action="events:DescribeEventBus"
        )
        return {**_described(found.bus), **_settings(found.bus)}

    async def list_event_buses(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        found = self._buses.buses(context.account, context.region, request.get("NamePrefix", ""))
        page, token = page_of(found, request)
        return {"EventBuses": [_described(bus) for bus in page], "NextToken": token}

    async def delete_event_bus(self, context: RequestContext, request: dict[str, Any]) -> None:
        await self._buses.delete(context.account, context.region, request["Name"])

    async def put_permission(self, context: RequestContext, request: dict[str, Any]) -> None:
        def change(bus: EventBus) -> EventBus:
            if "Policy" in request:
                return replace(bus, policy=policy.replaced(request["Policy"]))
            for member in ("Action", "Principal", "StatementId"):
                if member not in request:
                    raise invalid(f"Parameter {member} must be specified.")
            if request["Action"] != "events:PutEvents":
                raise invalid("Provided value in parameter 'action' is not supported.")
            text = policy.granted(
                bus, request["StatementId"], request["Principal"], request["Action"], request.get("Condition")
            )
            return replace(bus, policy=text)

        await self._buses.change(context.account, context.region, request.get("EventBusName"), change)

    async def remove_permission(self, context: RequestContext, request: dict[str, Any]) -> None:
        def change(bus: EventBus) -> EventBus:
            if request.get("RemoveAllPermissions"):
                return replace(bus, policy=None)
            if "StatementId" not in request:
                raise invalid("Parameter StatementId must be specified.")
            return replace(bus, policy=policy.revoked(bus, request["StatementId"]))

        await self._buses.change(context.account, context.region, request.get("EventBusName"), change)


def _members(request: dict[str, Any]) -> dict[str, Any]:
    return {
        "description": request.get("Description"),
        "kms_key": request.get("KmsKeyIdentifier"),
        "dead_letter_arn": request.get("DeadLetterConfig", {}).get("Arn"),
        "log": request.get("LogConfig"),
    }


def _described(bus: EventBus) -> dict[str, Any]:
    return {
        "Name": bus.name,
        "Arn": bus.arn,
        "Description": bus.description,
        "Policy": bus.policy,
        "CreationTime": bus.created_ms / 1000,
        "LastModifiedTime": bus.modified_ms / 1000,
    }


def _settings(bus: EventBus) -> dict[str, Any]:
    return {
        "Description": bus.description,
        "KmsKeyIdentifier": bus.kms_key,
        "DeadLetterConfig": None if bus.dead_letter_arn is None else {"Arn": bus.dead_letter_arn},
        "LogConfig": bus.log,
    }
