"""ECR: repositories. Images are nothing that runs here: functions of them answer an error of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from lambent.neighbours.service_calls import ServiceFailure
from lambent.stacks.errors import ResourceFailure
from lambent.stacks.providers.base import (
    ServiceProvider,
    already_exists,
    arn,
    changed,
    document_of,
    document_text,
    lower_first,
    name_of,
    own_pairs,
    pairs,
    tag_changes,
    tags_of,
    told,
    unless,
    untold,
    upper_first,
    url_suffix,
)
from lambent.stacks.providers.provider import Made

if TYPE_CHECKING:
    from lambent.stacks.providers.provider import Properties, Work

_NAME_LIMIT: Final = 256
_EXCLUSIONS: Final = "ImageTagMutabilityExclusionFilters"
_MISSING: Final = "RepositoryNotFoundException"


class RepositoryProvider(ServiceProvider):
    """`AWS::ECR::Repository`: Ref is its name."""

    type: ClassVar[str] = "AWS::ECR::Repository"

    async def create(self, work: Work) -> Made:
        properties = work.properties
        name = name_of(work, "RepositoryName", _NAME_LIMIT, lower=True)
        encryption = properties.get("EncryptionConfiguration")
        try:
            await work.call(
                "ecr",
                "CreateRepository",
                repositoryName=name,
                imageTagMutability=properties.get("ImageTagMutability"),
                imageTagMutabilityExclusionFilters=_exclusions(properties),
                imageScanningConfiguration=lower_first(properties.get("ImageScanningConfiguration")),
                encryptionConfiguration=lower_first(encryption),
                tags=pairs(tags_of(work)),
            )
        except ServiceFailure as failure:
            if failure.code != "RepositoryAlreadyExistsException":
                raise
            if not work.again:
                raise already_exists(work, name) from None
        made = await self.made(work, name)
        await work.initiated(name, made.attributes)
        await self._put_policies(work, name, {})
        return made

    async def update(self, work: Work) -> Made:
        name, properties = work.physical_id, work.properties
        if changed(work, "ImageTagMutability", _EXCLUSIONS):
            await work.call(
                "ecr",
                "PutImageTagMutability",
                repositoryName=name,
                imageTagMutability=properties.get("ImageTagMutability", "MUTABLE"),
                imageTagMutabilityExclusionFilters=_exclusions(properties),
            )
        if changed(work, "ImageScanningConfiguration"):
            scanning = properties.get("ImageScanningConfiguration") or {"ScanOnPush": False}
            await work.call(
                "ecr",
                "PutImageScanningConfiguration",
                repositoryName=name,
                imageScanningConfiguration=lower_first(scanning),
            )
        await self._put_policies(work, name, work.old)
        tags = tag_changes(work)
        repository = arn(work, "ecr", f"repository/{name}")
        if tags.removed:
            await work.call("ecr", "UntagResource", resourceArn=repository, tagKeys=tags.removed)
        if tags.put:
            await work.call("ecr", "TagResource", resourceArn=repository, tags=pairs(tags.put))
        return await self.made(work, name)

    async def delete(self, work: Work) -> None:
        name = work.physical_id
        empty = bool(work.properties.get("EmptyOnDelete"))
        try:
            await unless(
                work.call("ecr", "DeleteRepository", repositoryName=name, force=empty or None), _MISSING
            )
        except ServiceFailure as failure:
            if failure.code != "RepositoryNotEmptyException":
                raise
            raise ResourceFailure(failure.message, "GeneralServiceException") from failure

    async def read(self, work: Work) -> Properties | None:
        name = work.physical_id
        found = await unless(work.call("ecr", "DescribeRepositories", repositoryNames=[name]), _MISSING)
        if found is None:
            return None
        facts = found["repositories"][0]
        policy = await self._text(work, "GetRepositoryPolicy", name, "policyText")
        lifecycle = await self._text(work, "GetLifecyclePolicy", name, "lifecyclePolicyText")
        tags = await work.call("ecr", "ListTagsForResource", resourceArn=facts["repositoryArn"])
        live = told(
            {
                "RepositoryName": name,
                "ImageTagMutability": facts.get("imageTagMutability"),
                "ImageScanningConfiguration": upper_first(facts.get("imageScanningConfiguration")),
                "EncryptionConfiguration": upper_first(facts.get("encryptionConfiguration")),
                "RepositoryPolicyText": document_of(policy),
                "LifecyclePolicy": {"LifecyclePolicyText": lifecycle} if lifecycle else None,
                "Tags": own_pairs(tags.get("tags", [])),
            }
        )
        return untold(work, live, _EXCLUSIONS)  # moto leaves them out

    async def made(self, work: Work, physical_id: str) -> Made:
        stack = work.stack
        host = f"{stack.account}.dkr.ecr.{stack.region}.{url_suffix(work)}"
        attributes = {
            "Arn": arn(work, "ecr", f"repository/{physical_id}"),
            "RepositoryUri": f"{host}/{physical_id}",
        }
        return Made(physical_id, attributes)

    @staticmethod
    async def _put_policies(work: Work, name: str, old: Properties) -> None:
        policy, lifecycle = work.properties.get("RepositoryPolicyText"), _lifecycle(work.properties)
        if policy and policy != old.get("RepositoryPolicyText"):
            text = document_text(policy)
            await work.call("ecr", "SetRepositoryPolicy", repositoryName=name, policyText=text)
        elif old.get("RepositoryPolicyText") and not policy:
            await unless(
                work.call("ecr", "DeleteRepositoryPolicy", repositoryName=name),
                "RepositoryPolicyNotFoundException",
            )
        if lifecycle and lifecycle != _lifecycle(old):
            await work.call("ecr", "PutLifecyclePolicy", repositoryName=name, lifecyclePolicyText=lifecycle)
        elif _lifecycle(old) and not lifecycle:
            await unless(
                work.call("ecr", "DeleteLifecyclePolicy", repositoryName=name),
                "LifecyclePolicyNotFoundException",
            )

    @staticmethod
    async def _text(work: Work, operation: str, name: str, member: str) -> Any:
        found = await unless(
            work.call("ecr", operation, repositoryName=name),
            "RepositoryPolicyNotFoundException",
            "LifecyclePolicyNotFoundException",
        )
        return None if found is None else found.get(member)


def _lifecycle(properties: Properties) -> str | None:
    return (properties.get("LifecyclePolicy") or {}).get("LifecyclePolicyText")


def _exclusions(properties: Properties) -> Any:
    return [
        {
            "filterType": one["ImageTagMutabilityExclusionFilterType"],
            "filter": one["ImageTagMutabilityExclusionFilterValue"],
        }
        for one in properties.get(_EXCLUSIONS) or []
    ] or None
