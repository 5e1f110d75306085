"""State machines.

A definition is a text, an object, or a file in S3 that may be YAML, in which DefinitionSubstitutions take the place of
`${name}`: AWS::StepFunctions::StateMachine in the CloudFormation template reference.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, ClassVar, Final

from lambent.neighbours.service_calls import ServiceFailure
from lambent.stacks.errors import ValidationError
from lambent.stacks.providers.base import (
    ServiceProvider,
    already_exists,
    arn,
    changed,
    document_of,
    invalid,
    lower_first,
    name_of,
    own_pairs,
    pairs,
    tag_changes,
    tags_of,
    told,
    unless,
    upper_first,
)
from lambent.stacks.providers.provider import Made
from lambent.stacks.template import parse

if TYPE_CHECKING:
    from lambent.stacks.providers.provider import Properties, Work

_NAME_LIMIT: Final = 80
MISSING: Final = ("StateMachineDoesNotExist", "ResourceNotFound", "ResourceNotFoundException")
_SETTINGS: Final = {
    "LoggingConfiguration": {"level": "OFF", "includeExecutionData": False},
    "TracingConfiguration": {"enabled": False},
    "EncryptionConfiguration": {"type": "AWS_OWNED_KEY"},
}
"""By what they are when they are not set."""


class StateMachineProvider(ServiceProvider):
    """`AWS::StepFunctions::StateMachine`: Ref is its ARN."""

    type: ClassVar[str] = "AWS::StepFunctions::StateMachine"

    async def create(self, work: Work) -> Made:
        name = name_of(work, "StateMachineName", _NAME_LIMIT)
        machine = arn(work, "states", f"stateMachine:{name}")
        properties = work.properties
        settings = {
            member[0].lower() + member[1:]: lower_first(properties[member])
            for member in _SETTINGS
            if member in properties
        }
        if not work.again and await _described(work, machine) is not None:
            raise already_exists(work, machine)
        try:
            await work.call(
                "stepfunctions",
                "CreateStateMachine",
                name=name,
                definition=await _definition(work),
                roleArn=properties["RoleArn"],
                type=properties.get("StateMachineType"),
                tags=pairs(tags_of(work), "key", "value") or None,
                **settings,
            )
        except ServiceFailure as failure:
            if failure.code != "StateMachineAlreadyExists":
                raise
            if not work.again:
                raise already_exists(work, machine) from None
        return await self.made(work, machine)

    async def update(self, work: Work) -> Made:
        machine = work.physical_id
        settings = {
            member[0].lower() + member[1:]: lower_first(work.properties.get(member)) or default
            for member, default in _SETTINGS.items()
            if changed(work, member)
        }
        await work.call(
            "stepfunctions",
            "UpdateStateMachine",
            stateMachineArn=machine,
            definition=await _definition(work),
            roleArn=work.properties["RoleArn"],
            **settings,
        )
        tags = tag_changes(work)
        if tags.removed:
            await work.call("stepfunctions", "UntagResource", resourceArn=machine, tagKeys=tags.removed)
        if tags.put:
            await work.call(
                "stepfunctions", "TagResource", resourceArn=machine, tags=pairs(tags.put, "key", "value")
            )
        return await self.made(work, machine)

    async def delete(self, work: Work) -> None:
        await unless(
            work.call("stepfunctions", "DeleteStateMachine", stateMachineArn=work.physical_id), *MISSING
        )

    async def read(self, work: Work) -> Properties | None:
        found = await _described(work, work.physical_id)
        if found is None:
            return None
        tags = await work.call("stepfunctions", "ListTagsForResource", resourceArn=work.physical_id)
        properties = {
            "StateMachineName": found["name"],
            "StateMachineType": found["type"],
            "RoleArn": found["roleArn"],
            "DefinitionString": await _written(work, found["definition"]),
            "Definition": document_of(found["definition"]),
            "Tags": own_pairs(tags.get("tags", []), "key", "value"),
        }
        for member in _SETTINGS:
            if member in work.properties:
                properties[member] = upper_first(found.get(member[0].lower() + member[1:]))
        return told(properties)

    async def made(self, work: Work, physical_id: str) -> Made:
        found = await work.call("stepfunctions", "DescribeStateMachine", stateMachineArn=physical_id)
        return Made(
            physical_id,
            {
                "Arn": physical_id,
                "Name": found["name"],
                # What a machine has until it is updated for the first time.
                "StateMachineRevisionId": found.get("revisionId") or "INITIAL",
            },
        )

    def identified(self, work: Work, identifier: dict[str, str]) -> str:
        return identifier["Arn"]


async def _described(work: Work, machine: str) -> dict[str, Any] | None:
    return await unless(work.call("stepfunctions", "DescribeStateMachine", stateMachineArn=machine), *MISSING)


async def _written(work: Work, definition: str) -> str:
    """The text of the property DefinitionString while it leads to that definition."""
    text: str | None = work.properties.get("DefinitionString")
    return text if text is not None and await _definition(work) == definition else definition


async def _definition(work: Work) -> str:
    properties = work.properties
    text = properties.get("DefinitionString")
    if text is None and "Definition" in properties:
        text = json.dumps(properties["Definition"], separators=(",", ":"))
    if text is None:
        place = properties.get("DefinitionS3Location")
        if place is None:
            raise invalid("One of Definition, DefinitionString and DefinitionS3Location has to be set.")
        text = await _stored(work, place)
    for name, value in (properties.get("DefinitionSubstitutions") or {}).items():
        said = ("true" if value else "false") if isinstance(value, bool) else str(value)
        text = text.replace(f"${{{name}}}", said)
    return str(text)


async def _stored(work: Work, place: Properties) -> str:
    found = await work.call(
        "s3", "GetObject", Bucket=place["Bucket"], Key=place["Key"], VersionId=place.get("Version")
    )
    text: str = found["Body"].decode()
    if text.lstrip().startswith("{"):
        return text
    try:
        parsed = await asyncio.to_thread(parse, text)
    except ValidationError as error:
        raise invalid(
            f"The definition in {place['Bucket']}/{place['Key']} cannot be read: {error}"
        ) from error
    return json.dumps(parsed.document)
