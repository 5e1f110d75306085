"""Secrets Manager: secrets and what belongs to them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, ClassVar, Final

from lambent.neighbours.service_calls import ServiceFailure
from lambent.stacks.providers.base import (
    ServiceProvider,
    already_exists,
    changed,
    document_of,
    document_text,
    invalid,
    name_of,
    own_pairs,
    pairs,
    refuse,
    tag_changes,
    tags_of,
    told,
    unless,
)
from lambent.stacks.providers.provider import Made, Provider

if TYPE_CHECKING:
    from lambent.stacks.providers.provider import Properties, Work

_NAME_LIMIT: Final = 512
_SERVICE: Final = "secretsmanager"
_NOT_SERVED: Final = ("ReplicaRegions", "Type")
_VALUE: Final = ("SecretString", "GenerateSecretString")

_KEY: Final = "alias/aws/secretsmanager"
"""What encrypts a secret that has no key of its own."""

_GENERATED: Final = (
    "PasswordLength",
    "ExcludeCharacters",
    "ExcludeNumbers",
    "ExcludePunctuation",
    "ExcludeUppercase",
    "ExcludeLowercase",
    "IncludeSpace",
    "RequireEachIncludedType",
)


class SecretProvider(ServiceProvider):
    """`AWS::SecretsManager::Secret`: Ref is its ARN."""

    type: ClassVar[str] = "AWS::SecretsManager::Secret"

    async def create(self, work: Work) -> Made:
        properties = work.properties
        refuse(work, *_NOT_SERVED)
        name = name_of(work, "Name", _NAME_LIMIT)
        try:
            answer = await work.call(
                _SERVICE,
                "CreateSecret",
                Name=name,
                Description=properties.get("Description"),
                KmsKeyId=properties.get("KmsKeyId"),
                SecretString=await _value(work),
                Tags=pairs(tags_of(work)),
            )
            secret = answer["ARN"]
        except ServiceFailure as failure:
            if failure.code != "ResourceExistsException":
                raise
            if not work.again:
                raise already_exists(work, name) from None
            secret = (await work.call(_SERVICE, "DescribeSecret", SecretId=name))["ARN"]
        await work.initiated(secret)
        return await self.made(work, secret)

    async def update(self, work: Work) -> Made:
        secret, properties = work.physical_id, work.properties
        refuse(work, *_NOT_SERVED)
        if changed(work, "Description", "KmsKeyId", *_VALUE):
            await work.call(
                _SERVICE,
                "UpdateSecret",
                SecretId=secret,
                ClientRequestToken=f"{work.token:0<32}"[:64],
                Description=properties.get("Description", ""),
                KmsKeyId=properties.get("KmsKeyId") or (_KEY if work.old.get("KmsKeyId") else None),
                SecretString=await _value(work) if changed(work, *_VALUE) else None,
            )
        tags = tag_changes(work)
        if tags.removed:
            await work.call(_SERVICE, "UntagResource", SecretId=secret, TagKeys=tags.removed)
        if tags.put:
            await work.call(_SERVICE, "TagResource", SecretId=secret, Tags=pairs(tags.put))
        return await self.made(work, secret)

    async def delete(self, work: Work) -> None:
        # At once, not after the thirty days that DeleteSecret gives: a stack's name can be used again.
        await unless(
            work.call(_SERVICE, "DeleteSecret", SecretId=work.physical_id, ForceDeleteWithoutRecovery=True),
            "ResourceNotFoundException",
            "InvalidRequestException",
        )

    async def read(self, work: Work) -> Properties | None:
        found = await unless(work.call(_SERVICE, "DescribeSecret", SecretId=work.physical_id))
        if found is None or found.get("DeletedDate") is not None:
            return None
        return told(
            {
                "Name": found["Name"],
                "Description": found.get("Description"),
                "KmsKeyId": found.get("KmsKeyId"),
                "Tags": own_pairs(found.get("Tags", [])),
            }
        )

    async def made(self, work: Work, physical_id: str) -> Made:
        return Made(physical_id, {"Id": physical_id})


class ResourcePolicyProvider(Provider):
    """`AWS::SecretsManager::ResourcePolicy`: Ref is the secret's ARN."""

    type: ClassVar[str] = "AWS::SecretsManager::ResourcePolicy"

    async def create(self, work: Work) -> Made:
        answer = await work.call(
            _SERVICE,
            "PutResourcePolicy",
            SecretId=work.properties["SecretId"],
            ResourcePolicy=document_text(work.properties["ResourcePolicy"]),
            BlockPublicPolicy=work.properties.get("BlockPublicPolicy"),
        )
        return Made(answer["ARN"], {"Id": answer["ARN"]})

    async def update(self, work: Work) -> Made:
        return await self.create(work)

    async def delete(self, work: Work) -> None:
        await unless(work.call(_SERVICE, "DeleteResourcePolicy", SecretId=work.physical_id))

    async def read(self, work: Work) -> Properties | None:
        found = await unless(work.call(_SERVICE, "GetResourcePolicy", SecretId=work.physical_id))
        policy = document_of((found or {}).get("ResourcePolicy"))
        return None if policy is None else {"SecretId": work.physical_id, "ResourcePolicy": policy}


class RotationScheduleProvider(Provider):
    """`AWS::SecretsManager::RotationSchedule`: Ref is the secret's ARN."""

    type: ClassVar[str] = "AWS::SecretsManager::RotationSchedule"

    async def create(self, work: Work) -> Made:
        properties = work.properties
        refuse(
            work, "HostedRotationLambda", "ExternalSecretRotationMetadata", "ExternalSecretRotationRoleArn"
        )
        answer = await work.call(
            _SERVICE,
            "RotateSecret",
            SecretId=properties["SecretId"],
            RotationLambdaARN=properties.get("RotationLambdaARN"),
            RotationRules=properties.get("RotationRules") or {"AutomaticallyAfterDays": 30},
            RotateImmediately=properties.get("RotateImmediatelyOnUpdate", True),
            ClientRequestToken=f"{work.token:0<32}"[:64],
        )
        return Made(answer["ARN"], {"Id": answer["ARN"]})

    async def update(self, work: Work) -> Made:
        return await self.create(work)

    async def delete(self, work: Work) -> None:
        await unless(
            work.call(_SERVICE, "CancelRotateSecret", SecretId=work.physical_id),
            "ResourceNotFoundException",
            "InvalidRequestException",
        )

    async def read(self, work: Work) -> Properties | None:
        found = await unless(work.call(_SERVICE, "DescribeSecret", SecretId=work.physical_id))
        if found is None or not found.get("RotationEnabled"):
            return None
        return told(
            {
                "SecretId": work.physical_id,
                "RotationLambdaARN": found.get("RotationLambdaARN"),
                "RotationRules": found.get("RotationRules"),
            }
        )


async def _value(work: Work) -> str | None:
    """The secret itself: as given, or generated, alone or as a member of a JSON template."""
    properties = work.properties
    given, rules = properties.get("SecretString"), properties.get("GenerateSecretString")
    if given is not None and rules is not None:
        raise invalid("You can't specify both SecretString and GenerateSecretString.")
    if rules is None:
        return str(given) if given is not None else None
    key, template = rules.get("GenerateStringKey"), rules.get("SecretStringTemplate")
    if (key is None) != (template is None):
        raise invalid("GenerateStringKey and SecretStringTemplate must be specified together.")
    answer = await work.call(
        _SERVICE, "GetRandomPassword", **{name: rules[name] for name in _GENERATED if name in rules}
    )
    password = str(answer["RandomPassword"])
    if template is None:
        return password
    document: Any = document_of(template)
    if not isinstance(document, dict):
        raise invalid("SecretStringTemplate must be a JSON object.")
    return json.dumps({**document, key: password})
