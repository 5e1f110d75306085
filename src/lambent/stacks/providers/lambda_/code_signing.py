"""AWS::Lambda::CodeSigningConfig.

AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-codesigningconfig.html
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

from lambent.stacks.errors import ResourceFailure
from lambent.stacks.providers.lambda_.answers import MISSING, call_unless, retag
from lambent.stacks.providers.provider import Made, Properties, Provider, Work

_STACK: Final = "aws:cloudformation:stack-id"
_LOGICAL: Final = "aws:cloudformation:logical-id"
_WARN: Final = {"UntrustedArtifactOnDeployment": "Warn"}


class CodeSigningConfigProvider(Provider):
    """Ref is its ARN."""

    type: ClassVar[str] = "AWS::Lambda::CodeSigningConfig"

    async def create(self, work: Work) -> Made:
        if work.physical_id:
            return Made(work.physical_id, work.attributes)
        found = await self._begun(work) if work.again else {}
        if not found:
            wanted = work.properties
            answer = await work.call(
                "lambda",
                "CreateCodeSigningConfig",
                AllowedPublishers=wanted["AllowedPublishers"],
                CodeSigningPolicies=wanted.get("CodeSigningPolicies"),
                Description=wanted.get("Description"),
                Tags=work.merged_tags(wanted.get("Tags")) or None,
            )
            found = answer["CodeSigningConfig"]
        made = _made(found)
        await work.initiated(made.physical_id, made.attributes)
        return made

    async def _begun(self, work: Work) -> dict[str, Any]:
        """What the same step has made before it was cut: it has the resource's tags."""
        marker = None
        while True:
            answer = await work.call("lambda", "ListCodeSigningConfigs", Marker=marker)
            for found in answer["CodeSigningConfigs"]:
                tags = await work.call("lambda", "ListTags", Resource=found["CodeSigningConfigArn"])
                there = tags.get("Tags") or {}
                if (there.get(_STACK), there.get(_LOGICAL)) == (work.stack.id, work.logical_id):
                    config: dict[str, Any] = found
                    return config
            marker = answer.get("NextMarker")
            if not marker:
                return {}

    async def update(self, work: Work) -> Made:
        new = work.properties
        await work.call(
            "lambda",
            "UpdateCodeSigningConfig",
            CodeSigningConfigArn=work.physical_id,
            AllowedPublishers=new["AllowedPublishers"],
            CodeSigningPolicies=new.get("CodeSigningPolicies") or _WARN,
            Description=new.get("Description") or "",
        )
        await retag(work, work.physical_id)
        return Made(work.physical_id, work.attributes)

    async def delete(self, work: Work) -> None:
        await call_unless(work, MISSING, "DeleteCodeSigningConfig", CodeSigningConfigArn=work.physical_id)

    async def read(self, work: Work) -> Properties | None:
        found = await call_unless(
            work, MISSING, "GetCodeSigningConfig", CodeSigningConfigArn=work.physical_id
        )
        if found is None:
            return None
        config = found["CodeSigningConfig"]
        tags = await work.call("lambda", "ListTags", Resource=work.physical_id)
        return {
            "AllowedPublishers": config["AllowedPublishers"],
            "CodeSigningPolicies": config["CodeSigningPolicies"],
            "Description": config.get("Description", ""),
            "Tags": [{"Key": key, "Value": value} for key, value in (tags.get("Tags") or {}).items()],
        }

    async def adopt(self, work: Work, identifier: dict[str, str]) -> Made:
        arn = identifier["CodeSigningConfigArn"]
        found = await call_unless(work, MISSING, "GetCodeSigningConfig", CodeSigningConfigArn=arn)
        if found is None:
            raise ResourceFailure(
                "The Lambda code signing configuration was not found. Check that you have the correct code signing "
                "config ARN.",
                "NotFound",
            )
        return _made(found["CodeSigningConfig"])


def _made(config: dict[str, Any]) -> Made:
    arn = config["CodeSigningConfigArn"]
    return Made(arn, {"CodeSigningConfigArn": arn, "CodeSigningConfigId": config["CodeSigningConfigId"]})
