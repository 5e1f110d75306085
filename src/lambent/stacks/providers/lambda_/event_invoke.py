"""AWS::Lambda::EventInvokeConfig.

AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-eventinvokeconfig.html
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

from lambent.stacks.errors import ResourceFailure
from lambent.stacks.providers.lambda_.answers import MISSING, call_unless
from lambent.stacks.providers.provider import Made, Properties, Provider, Work

_MEMBERS: Final = ("DestinationConfig", "MaximumEventAgeInSeconds", "MaximumRetryAttempts")


class EventInvokeConfigProvider(Provider):
    """Ref is the function and the qualifier, `function|live`."""

    type: ClassVar[str] = "AWS::Lambda::EventInvokeConfig"

    async def create(self, work: Work) -> Made:
        wanted = work.properties
        if not work.again and await _find(work, wanted) is not None:
            raise ResourceFailure(
                f"{wanted['FunctionName']}|{wanted['Qualifier']} already exists", "AlreadyExists"
            )
        return await self.update(work)

    async def update(self, work: Work) -> Made:
        wanted = work.properties
        await work.call(
            "lambda",
            "PutFunctionEventInvokeConfig",
            FunctionName=wanted["FunctionName"],
            Qualifier=wanted["Qualifier"],
            **{member: wanted.get(member) for member in _MEMBERS},
        )
        return Made(f"{wanted['FunctionName']}|{wanted['Qualifier']}", {})

    async def delete(self, work: Work) -> None:
        name, _, qualifier = work.physical_id.rpartition("|")
        await call_unless(
            work, MISSING, "DeleteFunctionEventInvokeConfig", FunctionName=name, Qualifier=qualifier
        )

    async def read(self, work: Work) -> Properties | None:
        name, _, qualifier = work.physical_id.rpartition("|")
        identifier = {"FunctionName": name, "Qualifier": qualifier}
        found = await _find(work, identifier)
        if found is None:
            return None
        live: Properties = {
            **identifier,
            **{member: found[member] for member in _MEMBERS if found.get(member) is not None},
        }
        destinations = {
            outcome: given for outcome, given in (live.pop("DestinationConfig", None) or {}).items() if given
        }
        if destinations:
            live["DestinationConfig"] = destinations
        return live

    async def adopt(self, work: Work, identifier: dict[str, str]) -> Made:
        if await _find(work, identifier) is None:
            raise ResourceFailure(
                f"The function {identifier['FunctionName']} doesn't have an EventInvokeConfig", "NotFound"
            )
        return Made(f"{identifier['FunctionName']}|{identifier['Qualifier']}", {})


async def _find(work: Work, identifier: dict[str, Any]) -> dict[str, Any] | None:
    return await call_unless(
        work,
        MISSING,
        "GetFunctionEventInvokeConfig",
        FunctionName=identifier["FunctionName"],
        Qualifier=identifier["Qualifier"],
    )
