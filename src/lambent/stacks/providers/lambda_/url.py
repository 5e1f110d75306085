"""AWS::Lambda::Url (AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-url.html)."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from lambent.neighbours.service_calls import ServiceFailure
from lambent.stacks.errors import ResourceFailure
from lambent.stacks.providers.lambda_.answers import CONFLICT, MISSING, call_unless
from lambent.stacks.providers.provider import Made, Properties, Provider, Work

_MODE: Final = "BUFFERED"


class UrlProvider(Provider):
    """Ref is the ARN of the function or alias that it calls."""

    type: ClassVar[str] = "AWS::Lambda::Url"

    async def create(self, work: Work) -> Made:
        wanted = work.properties
        named = {"FunctionName": wanted["TargetFunctionArn"], "Qualifier": wanted.get("Qualifier")}
        try:
            answer = await work.call(
                "lambda",
                "CreateFunctionUrlConfig",
                **named,
                AuthType=wanted["AuthType"],
                Cors=wanted.get("Cors"),
                InvokeMode=wanted.get("InvokeMode"),
            )
        except ServiceFailure as failure:
            if failure.code != CONFLICT or not work.again:
                raise
            answer = await work.call("lambda", "GetFunctionUrlConfig", **named)
            if not work.physical_id and any(
                answer.get(member) != wanted.get(member, default)
                for member, default in (("AuthType", None), ("InvokeMode", _MODE), ("Cors", None))
            ):
                raise
        return _made(answer)

    async def update(self, work: Work) -> Made:
        old, new = work.old, work.properties
        await work.call(
            "lambda",
            "UpdateFunctionUrlConfig",
            FunctionName=work.physical_id,
            AuthType=new["AuthType"],
            Cors=new.get("Cors", {} if old.get("Cors") else None),
            InvokeMode=new.get("InvokeMode", _MODE if old.get("InvokeMode") else None),
        )
        return Made(work.physical_id, work.attributes)

    async def delete(self, work: Work) -> None:
        await call_unless(work, MISSING, "DeleteFunctionUrlConfig", FunctionName=work.physical_id)

    async def read(self, work: Work) -> Properties | None:
        found = await call_unless(work, MISSING, "GetFunctionUrlConfig", FunctionName=work.physical_id)
        if found is None:
            return None
        live = {member: found[member] for member in ("AuthType", "Cors", "InvokeMode") if found.get(member)}
        for member in ("TargetFunctionArn", "Qualifier"):
            # As the template has it, which may be a name: it is how the URL was found.
            if member in work.properties:
                live[member] = work.properties[member]
        return live

    async def adopt(self, work: Work, identifier: dict[str, str]) -> Made:
        arn = identifier["FunctionArn"]
        found = await call_unless(work, MISSING, "GetFunctionUrlConfig", FunctionName=arn)
        if found is None:
            raise ResourceFailure(f"The function URL of {arn} was not found.", "NotFound")
        return _made(found)


def _made(found: dict[str, Any]) -> Made:
    return Made(
        found["FunctionArn"], {"FunctionArn": found["FunctionArn"], "FunctionUrl": found["FunctionUrl"]}
    )
