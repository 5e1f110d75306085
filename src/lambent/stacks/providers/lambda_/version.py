"""AWS::Lambda::Version (AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-version.html)."""

from __future__ import annotations

from typing import Any, ClassVar

from lambent.stacks.errors import ResourceFailure
from lambent.stacks.providers.lambda_.answers import MISSING, call_unless, settled
from lambent.stacks.providers.lambda_.provisioned import provision
from lambent.stacks.providers.provider import Made, Properties, Provider, Work


class VersionProvider(Provider):
    """Ref is the version's ARN."""

    type: ClassVar[str] = "AWS::Lambda::Version"

    async def create(self, work: Work) -> Made:
        wanted = work.properties
        name = wanted["FunctionName"]
        if work.physical_id:
            made = Made(work.physical_id, work.attributes)
        else:
            made = await self._publish(work, name)
            await work.initiated(made.physical_id, made.attributes)
        number = made.attributes["Version"]
        if wanted.get("RuntimePolicy"):
            await work.call(
                "lambda",
                "PutRuntimeManagementConfig",
                FunctionName=name,
                Qualifier=number,
                **wanted["RuntimePolicy"],
            )
        await settled(work, name, number)
        await provision(work, name, number)
        await _scale(work, number)
        return made

    async def _publish(self, work: Work, name: str) -> Made:
        before = await _numbers(work, name)
        found = await work.call(
            "lambda",
            "PublishVersion",
            FunctionName=name,
            CodeSha256=work.properties.get("CodeSha256"),
            Description=work.properties.get("Description"),
        )
        # Lambda answers with the last version when nothing has changed; a step that was cut may have published it.
        if found["Version"] in before and not work.again:
            raise ResourceFailure(
                f"A version for this Lambda function exists ( {found['Version']} ). Modify the function to create a "
                "new version.",
                "AlreadyExists",
            )
        arn = found["FunctionArn"]
        return Made(arn, {"Version": found["Version"], "FunctionArn": arn})

    async def update(self, work: Work) -> Made:
        await _scale(work, work.attributes["Version"])
        return Made(work.physical_id, work.attributes)

    async def delete(self, work: Work) -> None:
        function, _, number = work.physical_id.rpartition(":")
        await call_unless(work, MISSING, "DeleteFunction", FunctionName=function, Qualifier=number)

    async def read(self, work: Work) -> Properties | None:
        function, _, number = work.physical_id.rpartition(":")
        found = await call_unless(
            work, MISSING, "GetFunctionConfiguration", FunctionName=function, Qualifier=number
        )
        if found is None:
            return None
        live: Properties = {"Description": found.get("Description", "")}
        if "FunctionName" in work.properties:
            live["FunctionName"] = work.properties["FunctionName"]
        if "CodeSha256" in work.properties:
            live["CodeSha256"] = found["CodeSha256"]
        return live

    async def adopt(self, work: Work, identifier: dict[str, str]) -> Made:
        arn = identifier["FunctionArn"]
        found = await call_unless(work, MISSING, "GetFunctionConfiguration", FunctionName=arn)
        if found is None:
            raise ResourceFailure(f"Function not found: {arn}", "NotFound")
        return Made(arn, {"Version": found["Version"], "FunctionArn": arn})


async def _scale(work: Work, number: str) -> None:
    scaling = work.properties.get("FunctionScalingConfig")
    if scaling:
        await work.call(
            "lambda",
            "PutFunctionScalingConfig",
            FunctionName=work.properties["FunctionName"],
            Qualifier=number,
            FunctionScalingConfig=scaling,
        )


async def _numbers(work: Work, name: str) -> set[str]:
    numbers: set[str] = set()
    marker = None
    while True:
        answer: dict[str, Any] = await work.call(
            "lambda", "ListVersionsByFunction", FunctionName=name, Marker=marker
        )
        numbers.update(each["Version"] for each in answer["Versions"])
        marker = answer.get("NextMarker")
        if not marker:
            return numbers
