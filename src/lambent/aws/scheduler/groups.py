"""Operations on schedule groups and their tags."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from lambent.aws.errors import ServiceError
from lambent.aws.page_tokens import token_of
from lambent.aws.scheduler import paging
from lambent.aws.scheduler.errors import translating
from lambent.events.schedules.schedule import Group

if TYPE_CHECKING:
    from lambent.aws.context import RequestContext
    from lambent.events.schedules import Schedules

_ARN: Final = re.compile(r"arn:([a-z-]+):scheduler:([a-z0-9-]+):(\d{12}):schedule-group/(.+)")


class GroupOperations:
    """Create, get, list, delete, tag."""

    schedules: Schedules

    async def create_schedule_group(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Answers with the ARN of the new group."""
        group = Group(
            account=context.account,
            region=context.region,
            partition=context.partition,
            name=request["Name"],
            tags={tag["Key"]: tag["Value"] for tag in request.get("Tags") or ()},
            token=request.get("ClientToken") or "",
        )
        with translating():
            return {"ScheduleGroupArn": (await self.schedules.create_group(group)).arn}

    async def get_schedule_group(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """One group."""
        with translating():
            return _described(self.schedules.group(*_place(context), request["Name"]))

    async def list_schedule_groups(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """A page of groups: the default group, then the newest first."""
        prefix, last, size = request.get("NamePrefix") or "", paging.after(request), paging.size(request)
        groups = self.schedules.groups(*_place(context))
        order = [_position(group) for group in groups]
        found = [
            (position, group)
            for position, group in sorted(zip(order, groups, strict=True), key=lambda pair: pair[0])
            if group.name.startswith(prefix) and position > last
        ]
        page = found[:size]
        return {
            "ScheduleGroups": [_described(group) for _, group in page],
            "NextToken": token_of(page[-1][0]) if len(found) > size else None,
        }

    async def delete_schedule_group(self, context: RequestContext, request: dict[str, Any]) -> None:
        """Deletes a group with its schedules; it is gone when that is answered."""
        with translating():
            await self.schedules.delete_group(*_place(context), request["Name"])

    async def tag_resource(self, context: RequestContext, request: dict[str, Any]) -> None:
        """Adds tags, overwriting those of the same key."""
        new = {tag["Key"]: tag["Value"] for tag in request["Tags"]}
        name = _named(context, request["ResourceArn"])
        with translating():
            await self.schedules.retag_group(*_place(context), name, lambda old: {**old, **new})

    async def untag_resource(self, context: RequestContext, request: dict[str, Any]) -> None:
        """Removes tags; those that are not there are no error."""
        keys = frozenset(request["TagKeys"])
        name = _named(context, request["ResourceArn"])
        with translating():
            await self.schedules.retag_group(
                *_place(context),
                name,
                lambda old: {key: value for key, value in old.items() if key not in keys},
            )

    async def list_tags_for_resource(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """The tags of a group."""
        name = _named(context, request["ResourceArn"])
        with translating():
            tags = self.schedules.group(*_place(context), name).tags
        return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


def _place(context: RequestContext) -> tuple[str, str, str]:
    return context.account, context.region, context.partition


def _position(group: Group) -> str:
    """Where a group stands in the order of listings."""
    if group.created_ms is None or group.name == "default":
        return "0"
    return f"1{10**15 - group.created_ms:016d}{group.name}"


def _named(context: RequestContext, arn: str) -> str:
    """The name of the group that an ARN names. Raises ServiceError."""
    found = _ARN.fullmatch(arn)
    if found is None or found.groups()[:3] != (context.partition, context.region, context.account):
        name = arn if found is None else found[4]
        raise ServiceError("ResourceNotFoundException", f"Schedule group {name} does not exist.")
    return found[4]


def _described(group: Group) -> dict[str, Any]:
    return {
        "Arn": group.arn,
        "Name": group.name,
        "State": "ACTIVE",
        "CreationDate": None if group.created_ms is None else group.created_ms / 1000,
        "LastModificationDate": None if group.modified_ms is None else group.modified_ms / 1000,
    }
