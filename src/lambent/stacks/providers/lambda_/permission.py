"""AWS::Lambda::Permission (AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-permission.html)."""

from __future__ import annotations

import json
from typing import Any, ClassVar, Final

from lambent.neighbours.service_calls import ServiceFailure
from lambent.stacks.errors import ResourceFailure
from lambent.stacks.providers.lambda_.answers import CONFLICT, MISSING, call_unless
from lambent.stacks.providers.provider import Made, Properties, Provider, Work

_MEMBERS: Final = (
    "Action",
    "EventSourceToken",
    "FunctionName",
    "FunctionUrlAuthType",
    "InvokedViaFunctionUrl",
    "Principal",
    "PrincipalOrgID",
    "SourceAccount",
    "SourceArn",
)
# The condition keys that a statement keeps its members in; their case does not matter, and AWS's varies.
_CONDITIONS: Final = {
    "aws:sourcearn": "SourceArn",
    "aws:sourceaccount": "SourceAccount",
    "aws:principalorgid": "PrincipalOrgID",
    "lambda:eventsourcetoken": "EventSourceToken",
    "lambda:functionurlauthtype": "FunctionUrlAuthType",
    "lambda:invokedviafunctionurl": "InvokedViaFunctionUrl",
}


class PermissionProvider(Provider):
    """Ref is the statement's id."""

    type: ClassVar[str] = "AWS::Lambda::Permission"

    async def create(self, work: Work) -> Made:
        statement = work.name(100)
        try:
            await work.call(
                "lambda",
                "AddPermission",
                StatementId=statement,
                **{member: work.properties.get(member) for member in _MEMBERS},
            )
        except ServiceFailure as failure:
            # The id is this step's: nobody else has made it.
            if failure.code != CONFLICT or not work.again:
                raise
        return Made(statement, {"Id": statement})

    async def update(self, work: Work) -> Made:
        # Every property replaces: nothing is left to change.
        return Made(work.physical_id, work.attributes)

    async def delete(self, work: Work) -> None:
        await call_unless(
            work,
            MISSING,
            "RemovePermission",
            FunctionName=work.properties["FunctionName"],
            StatementId=work.physical_id,
        )

    async def read(self, work: Work) -> Properties | None:
        name = work.properties["FunctionName"]
        found = await call_unless(work, MISSING, "GetPolicy", FunctionName=name)
        for statement in json.loads(found["Policy"])["Statement"] if found else ():
            if statement["Sid"] == work.physical_id:
                return {"FunctionName": name, **_read(statement)}
        return None

    async def adopt(self, work: Work, identifier: dict[str, str]) -> Made:
        work.properties = {**work.properties, "FunctionName": identifier["FunctionName"]}
        work.physical_id = identifier["Id"]
        if await self.read(work) is None:
            raise ResourceFailure(
                f"Statement {identifier['Id']} is not found in resource policy.", "NotFound"
            )
        return Made(identifier["Id"], {"Id": identifier["Id"]})


def _read(statement: dict[str, Any]) -> Properties:
    principal = statement["Principal"]
    if isinstance(principal, dict):
        principal = next(iter(principal.values()))
    live: Properties = {"Action": statement["Action"], "Principal": principal}
    for operator, values in (statement.get("Condition") or {}).items():
        for key, value in values.items():
            member = _CONDITIONS.get(key.lower())
            if member is not None:
                live[member] = value == "true" if operator == "Bool" else value
    return live
