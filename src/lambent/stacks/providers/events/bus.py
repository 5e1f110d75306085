"""Buses of events, and statements about who may send to them."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, ClassVar, Final
from weakref import WeakValueDictionary

from lambent.stacks.providers.base import (
    ServiceProvider,
    already_exists,
    arn,
    changed,
    chosen,
    document_of,
    document_text,
    invalid,
    own_pairs,
    pairs,
    refuse,
    tag_changes,
    tags_of,
    told,
    unless,
)
from lambent.stacks.providers.provider import Made, Provider

if TYPE_CHECKING:
    from lambent.stacks.providers.provider import Properties, Work

_SETTINGS: Final = ("KmsKeyIdentifier", "Description", "DeadLetterConfig", "LogConfig")
_DEFAULT: Final = "default"


class EventBusProvider(ServiceProvider):
    """`AWS::Events::EventBus`: Ref is its name."""

    type: ClassVar[str] = "AWS::Events::EventBus"

    async def create(self, work: Work) -> Made:
        name = work.properties["Name"]
        refuse(work, "EventSourceName")
        there = await unless(work.call("events", "DescribeEventBus", Name=name))
        if there is not None and not work.again:
            raise already_exists(work, name)
        if there is None:
            settings = chosen(work.properties, _SETTINGS)
            await work.call(
                "events", "CreateEventBus", Name=name, Tags=pairs(tags_of(work)) or None, **settings
            )
        made = await self.made(work, name)
        if work.properties.get("Policy"):
            await work.initiated(name, made.attributes)
            await _set_policy(work, name, None)
        return made

    async def update(self, work: Work) -> Made:
        name = work.physical_id
        refuse(work, "EventSourceName")
        if changed(work, *_SETTINGS):
            await work.call("events", "UpdateEventBus", Name=name, **chosen(work.properties, _SETTINGS))
        await _set_policy(work, name, work.old.get("Policy"))
        made = await self.made(work, name)
        tags, bus = tag_changes(work), made.attributes["Arn"]
        if tags.removed:
            await work.call("events", "UntagResource", ResourceARN=bus, TagKeys=tags.removed)
        if tags.put:
            await work.call("events", "TagResource", ResourceARN=bus, Tags=pairs(tags.put))
        return made

    async def delete(self, work: Work) -> None:
        await unless(work.call("events", "DeleteEventBus", Name=work.physical_id))

    async def read(self, work: Work) -> Properties | None:
        found = await unless(work.call("events", "DescribeEventBus", Name=work.physical_id))
        if found is None:
            return None
        tags = await work.call("events", "ListTagsForResource", ResourceARN=found["Arn"])
        return told(
            {
                "Name": found["Name"],
                **chosen(found, _SETTINGS),
                "Policy": document_of(found.get("Policy")),
                "Tags": own_pairs(tags.get("Tags", [])),
            }
        )

    async def made(self, work: Work, physical_id: str) -> Made:
        attributes = {
            **chosen(work.properties, ("Description", "KmsKeyIdentifier")),
            "Arn": arn(work, "events", f"event-bus/{physical_id}"),
            "Name": physical_id,
        }
        policy = work.properties.get("Policy")
        if policy:
            attributes["Policy"] = document_text(policy)
        return Made(physical_id, attributes)

    def identified(self, work: Work, identifier: dict[str, str]) -> str:
        return identifier["Name"]


class EventBusPolicyProvider(Provider):
    """`AWS::Events::EventBusPolicy`: one statement of a bus's policy, by its StatementId. Ref is both, with a bar."""

    type: ClassVar[str] = "AWS::Events::EventBusPolicy"

    def __init__(self) -> None:
        # A policy is read and written as a whole, and several statements may be made at once.
        self._turns: WeakValueDictionary[tuple[str, str, str], asyncio.Lock] = WeakValueDictionary()

    async def create(self, work: Work) -> Made:
        bus = work.properties.get("EventBusName") or _DEFAULT
        sid = work.properties["StatementId"]
        async with self._turn(work, bus):
            statements = await _statements(work, bus)
            if not work.again and any(one.get("Sid") == sid for one in statements or []):
                raise already_exists(work, f"{bus}|{sid}")
            await _put_statement(work, bus, sid, statements or [])
        return Made(f"{bus}|{sid}")

    async def update(self, work: Work) -> Made:
        bus, _, sid = work.physical_id.rpartition("|")
        async with self._turn(work, bus):
            await _put_statement(work, bus, sid, await _statements(work, bus) or [])
        return Made(work.physical_id)

    async def delete(self, work: Work) -> None:
        bus, _, sid = work.physical_id.rpartition("|")
        async with self._turn(work, bus):
            await unless(work.call("events", "RemovePermission", EventBusName=bus, StatementId=sid))

    async def read(self, work: Work) -> Properties | None:
        bus, _, sid = work.physical_id.rpartition("|")
        for statement in await _statements(work, bus) or []:
            if statement.get("Sid") == sid:
                if "Sid" not in (work.properties.get("Statement") or {}):
                    # What it was given besides its own.
                    statement = {name: value for name, value in statement.items() if name != "Sid"}
                return {"EventBusName": bus, "StatementId": sid, "Statement": statement}
        return None

    def _turn(self, work: Work, bus: str) -> asyncio.Lock:
        key = (work.stack.account, work.stack.region, bus)
        lock = self._turns.get(key)
        if lock is None:
            lock = self._turns[key] = asyncio.Lock()
        return lock


async def _set_policy(work: Work, name: str, old: Any) -> None:
    policy = work.properties.get("Policy")
    if policy == old:
        return
    if policy is None:
        await unless(work.call("events", "RemovePermission", EventBusName=name, RemoveAllPermissions=True))
    else:
        await work.call("events", "PutPermission", EventBusName=name, Policy=document_text(policy))


async def _statements(work: Work, bus: str) -> list[dict[str, Any]] | None:
    found = await unless(work.call("events", "DescribeEventBus", Name=bus))
    policy = document_of((found or {}).get("Policy"))
    return policy.get("Statement", []) if isinstance(policy, dict) else None


async def _put_statement(work: Work, bus: str, sid: str, there: list[dict[str, Any]]) -> None:
    given = work.properties.get("Statement")
    if given is None:
        condition = work.properties.get("Condition")
        await work.call(
            "events",
            "PutPermission",
            EventBusName=bus,
            StatementId=sid,
            Action=work.properties.get("Action"),
            Principal=work.properties.get("Principal"),
            Condition=condition,
        )
        return
    statement = document_of(given) if isinstance(given, str) else given
    if not isinstance(statement, dict):
        raise invalid("Statement must be a JSON object.")
    kept = [one for one in there if one.get("Sid") != sid]
    policy = {"Version": "2012-10-17", "Statement": [*kept, {"Sid": sid, **statement}]}
    await work.call(
        "events", "PutPermission", EventBusName=bus, Policy=json.dumps(policy, separators=(",", ":"))
    )
