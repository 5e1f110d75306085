"""SSM: parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from lambent.neighbours.service_calls import ServiceFailure
from lambent.stacks.providers.base import (
    ServiceProvider,
    already_exists,
    chosen,
    invalid,
    name_of,
    own_pairs,
    pairs,
    tag_changes,
    tags_of,
    told,
    unless,
)
from lambent.stacks.providers.provider import Made

if TYPE_CHECKING:
    from lambent.stacks.providers.provider import Properties, Work

_NAME_LIMIT: Final = 2048
_SETTINGS: Final = ("Type", "Value", "Description", "AllowedPattern", "Tier", "Policies", "DataType")


class ParameterProvider(ServiceProvider):
    """`AWS::SSM::Parameter`: Ref is its name."""

    type: ClassVar[str] = "AWS::SSM::Parameter"

    async def create(self, work: Work) -> Made:
        _check(work)
        name = name_of(work, "Name", _NAME_LIMIT)
        try:
            await work.call(
                "ssm",
                "PutParameter",
                Name=name,
                **chosen(work.properties, _SETTINGS),
                Tags=pairs(tags_of(work)) if not work.again else None,
                Overwrite=work.again,
            )
        except ServiceFailure as failure:
            if failure.code == "ParameterAlreadyExists":
                raise already_exists(work, name) from None
            raise
        if work.again:
            # Tags and overwriting do not go together.
            await self._tag(work, name, tags_of(work))
        return await self.made(work, name)

    async def update(self, work: Work) -> Made:
        _check(work)
        name = work.physical_id
        settings = chosen(work.properties, _SETTINGS)
        if settings != chosen(work.old, _SETTINGS):
            for member in ("Description", "AllowedPattern"):
                if member in work.old:
                    settings.setdefault(member, "")
            await work.call("ssm", "PutParameter", Name=name, **settings, Overwrite=True)
        tags = tag_changes(work)
        if tags.removed:
            await work.call(
                "ssm",
                "RemoveTagsFromResource",
                ResourceType="Parameter",
                ResourceId=name,
                TagKeys=tags.removed,
            )
        await self._tag(work, name, tags.put)
        return await self.made(work, name)

    async def delete(self, work: Work) -> None:
        await unless(work.call("ssm", "DeleteParameter", Name=work.physical_id), "ParameterNotFound")

    async def read(self, work: Work) -> Properties | None:
        name = work.physical_id
        found = await unless(work.call("ssm", "GetParameter", Name=name), "ParameterNotFound")
        if found is None:
            return None
        parameter = found["Parameter"]
        described = await work.call(
            "ssm",
            "DescribeParameters",
            ParameterFilters=[{"Key": "Name", "Option": "Equals", "Values": [name]}],
        )
        tags = await work.call("ssm", "ListTagsForResource", ResourceType="Parameter", ResourceId=name)
        facts = described["Parameters"][0] if described["Parameters"] else {}
        own = {tag["Key"]: tag["Value"] for tag in own_pairs(tags.get("TagList", []))}
        return told(
            {
                "Name": name,
                "Type": parameter["Type"],
                "Value": parameter["Value"],
                "DataType": parameter.get("DataType"),
                "Description": facts.get("Description"),
                "AllowedPattern": facts.get("AllowedPattern"),
                "Tier": facts.get("Tier"),
                "Tags": own,
            }
        )

    async def made(self, work: Work, physical_id: str) -> Made:
        return Made(physical_id, {"Type": work.properties["Type"], "Value": work.properties["Value"]})

    async def adopt(self, work: Work, identifier: dict[str, str]) -> Made:
        work.physical_id = identifier["Name"]
        live = await self.read(work)
        if live is None:
            return await super().adopt(work, identifier)  # which says that it is not there
        return Made(identifier["Name"], {"Type": live["Type"], "Value": live["Value"]})

    @staticmethod
    async def _tag(work: Work, name: str, tags: dict[str, str]) -> None:
        if tags:
            await work.call(
                "ssm", "AddTagsToResource", ResourceType="Parameter", ResourceId=name, Tags=pairs(tags)
            )


def _check(work: Work) -> None:
    # "You can't create a SecureString parameter by using CloudFormation" (the type's reference).
    if work.properties.get("Type") == "SecureString":
        raise invalid("SecureString parameters cannot be created by CloudFormation.")
