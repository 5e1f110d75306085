"""AWS::Lambda::LayerVersion and LayerVersionPermission
(AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-layerversion.html, …-layerversionpermission.html).
"""

from __future__ import annotations

import json
from typing import Any, ClassVar, Final

from lambent.neighbours.service_calls import ServiceFailure
from lambent.stacks.errors import ResourceFailure
from lambent.stacks.providers.lambda_.answers import CONFLICT, MISSING, call_unless
from lambent.stacks.providers.provider import Made, Properties, Provider, Work

_MEMBERS: Final = ("CompatibleArchitectures", "CompatibleRuntimes", "Description", "LicenseInfo")


class LayerVersionProvider(Provider):
    """Ref is the version's ARN. Every property replaces: a change publishes the next version."""

    type: ClassVar[str] = "AWS::Lambda::LayerVersion"

    async def create(self, work: Work) -> Made:
        if work.physical_id:
            return Made(work.physical_id, work.attributes)
        wanted = work.properties
        found = await work.call(
            "lambda",
            "PublishLayerVersion",
            LayerName=wanted.get("LayerName") or work.name(64),
            Content=wanted["Content"],
            **{member: wanted.get(member) for member in _MEMBERS},
        )
        made = _made(found["LayerVersionArn"])
        await work.initiated(made.physical_id, made.attributes)
        return made

    async def update(self, work: Work) -> Made:
        return Made(work.physical_id, work.attributes)

    async def delete(self, work: Work) -> None:
        layer, number = _parts(work.physical_id)
        await call_unless(work, MISSING, "DeleteLayerVersion", LayerName=layer, VersionNumber=number)

    async def read(self, work: Work) -> Properties | None:
        layer, number = _parts(work.physical_id)
        found = await call_unless(work, MISSING, "GetLayerVersion", LayerName=layer, VersionNumber=number)
        if found is None:
            return None
        name = layer.rpartition(":")[2]
        return {
            "LayerName": layer if str(work.properties.get("LayerName", "")).startswith("arn:") else name,
            **{member: found[member] for member in _MEMBERS if found.get(member)},
        }

    async def adopt(self, work: Work, identifier: dict[str, str]) -> Made:
        arn = identifier["LayerVersionArn"]
        layer, number = _parts(arn)
        if await call_unless(work, MISSING, "GetLayerVersion", LayerName=layer, VersionNumber=number) is None:
            raise ResourceFailure("The resource you requested does not exist.", "NotFound")
        return _made(arn)


class LayerVersionPermissionProvider(Provider):
    """Ref is the version's ARN and the statement's id, `arn…:3#statement`."""

    type: ClassVar[str] = "AWS::Lambda::LayerVersionPermission"

    async def create(self, work: Work) -> Made:
        wanted = work.properties
        statement = work.name(100)
        layer, number = _parts(wanted["LayerVersionArn"])
        try:
            await work.call(
                "lambda",
                "AddLayerVersionPermission",
                LayerName=layer,
                VersionNumber=number,
                StatementId=statement,
                Action=wanted["Action"],
                Principal=wanted["Principal"],
                OrganizationId=wanted.get("OrganizationId"),
            )
        except ServiceFailure as failure:
            # The id is this step's: nobody else has made it.
            if failure.code != CONFLICT or not work.again:
                raise
        physical_id = f"{wanted['LayerVersionArn']}#{statement}"
        return Made(physical_id, {"Id": physical_id})

    async def update(self, work: Work) -> Made:
        return Made(work.physical_id, work.attributes)

    async def delete(self, work: Work) -> None:
        arn, _, statement = work.physical_id.partition("#")
        layer, number = _parts(arn)
        await call_unless(
            work,
            MISSING,
            "RemoveLayerVersionPermission",
            LayerName=layer,
            VersionNumber=number,
            StatementId=statement,
        )

    async def read(self, work: Work) -> Properties | None:
        arn, _, wanted = work.physical_id.partition("#")
        layer, number = _parts(arn)
        found = await call_unless(
            work, MISSING, "GetLayerVersionPolicy", LayerName=layer, VersionNumber=number
        )
        for statement in json.loads(found["Policy"])["Statement"] if found else ():
            if statement["Sid"] == wanted:
                live: Properties = {
                    "LayerVersionArn": arn,
                    "Action": statement["Action"],
                    "Principal": _account(statement["Principal"], str(work.properties.get("Principal", ""))),
                }
                condition = (statement.get("Condition") or {}).get("StringEquals") or {}
                if "aws:PrincipalOrgID" in condition:
                    live["OrganizationId"] = condition["aws:PrincipalOrgID"]
                return live
        return None

    async def adopt(self, work: Work, identifier: dict[str, str]) -> Made:
        work.physical_id = identifier["Id"]
        if await self.read(work) is None:
            raise ResourceFailure("The resource you requested does not exist.", "NotFound")
        return Made(identifier["Id"], {"Id": identifier["Id"]})


def _account(principal: Any, given: str) -> str:
    """An account is kept as the ARN of its root."""
    value = str(next(iter(principal.values())) if isinstance(principal, dict) else principal)
    return given if value.endswith(f":{given}:root") else value


def _parts(arn: str) -> tuple[str, int]:
    """The layer's ARN, and the number of the version."""
    layer, _, number = arn.rpartition(":")
    if not number.isdigit():
        raise ResourceFailure(f"Invalid layer version ARN: {arn}", "InvalidRequest")
    return layer, int(number)


def _made(arn: str) -> Made:
    return Made(arn, {"LayerVersionArn": arn})
