"""Who else may say who somebody is: AWS::IAM::OIDCProvider, SAMLProvider; and ServiceLinkedRole.

AWSCloudFormation/latest/TemplateReference/aws-resource-iam-oidcprovider.html, aws-resource-iam-samlprovider.html,
aws-resource-iam-servicelinkedrole.html
"""

from __future__ import annotations

from typing import Any, ClassVar, Final

from lambent.neighbours.service_calls import ServiceFailure
from lambent.stacks.errors import ResourceFailure
from lambent.stacks.providers.base import changed, pairs, refuse, tags_of
from lambent.stacks.providers.iam.answers import (
    EXISTS,
    MISSING,
    call_unless,
    retag,
)
from lambent.stacks.providers.provider import Made, Properties, Provider, Work

_OIDC_TAGS: Final = (
    "TagOpenIDConnectProvider",
    "UntagOpenIDConnectProvider",
)
_SAML_TAGS: Final = ("TagSAMLProvider", "UntagSAMLProvider")
_SAML_NOT_SERVED: Final = (
    "AddPrivateKey",
    "AssertionEncryptionMode",
    "PrivateKeyList",
    "RemovePrivateKey",
)
_OIDC: Final = "OpenIDConnectProviderArn"
_NO_THUMBPRINT: Final = "0" * 40
"""What IAM finds out by itself, where none is given, nobody here can ask for."""


class OidcProviderProvider(Provider):
    """Ref is its ARN."""

    type: ClassVar[str] = "AWS::IAM::OIDCProvider"

    async def create(self, work: Work) -> Made:
        wanted = work.properties
        url = str(wanted.get("Url", ""))
        try:
            answer = await work.call(
                "iam",
                "CreateOpenIDConnectProvider",
                Url=url,
                ClientIDList=wanted.get("ClientIdList") or [],
                ThumbprintList=wanted.get("ThumbprintList") or [_NO_THUMBPRINT],
                Tags=pairs(tags_of(work, system=False)) or None,
            )
            arn = answer[_OIDC]
        except ServiceFailure as failure:
            if failure.code != EXISTS or not work.again:
                raise
            host = url.partition("://")[2].rstrip("/")
            arn = f"arn:{work.stack.partition}:iam::{work.stack.account}:oidc-provider/{host}"
            found = await work.call("iam", "GetOpenIDConnectProvider", **{_OIDC: arn})
            if not work.physical_id and (found.get("ClientIDList") or []) != (
                wanted.get("ClientIdList") or []
            ):
                raise
        return Made(arn, {"Arn": arn})

    async def update(self, work: Work) -> Made:
        arn, old, new = work.physical_id, work.old, work.properties
        found = await work.call("iam", "GetOpenIDConnectProvider", **{_OIDC: arn})
        there, wanted = found.get("ClientIDList") or [], new.get("ClientIdList") or []
        for client in wanted:
            if client not in there:
                await work.call("iam", "AddClientIDToOpenIDConnectProvider", **{_OIDC: arn}, ClientID=client)
        for client in there:
            if client not in wanted:
                await work.call(
                    "iam", "RemoveClientIDFromOpenIDConnectProvider", **{_OIDC: arn}, ClientID=client
                )
        if work.again or new.get("ThumbprintList") != old.get("ThumbprintList"):
            await work.call(
                "iam",
                "UpdateOpenIDConnectProviderThumbprint",
                **{_OIDC: arn},
                ThumbprintList=new.get("ThumbprintList") or [_NO_THUMBPRINT],
            )
        await retag(work, _OIDC_TAGS, _OIDC, arn)
        return Made(arn, work.attributes)

    async def delete(self, work: Work) -> None:
        await call_unless(work, MISSING, "DeleteOpenIDConnectProvider", **{_OIDC: work.physical_id})

    async def read(self, work: Work) -> Properties | None:
        found = await call_unless(work, MISSING, "GetOpenIDConnectProvider", **{_OIDC: work.physical_id})
        if found is None:
            return None
        live: Properties = {
            "Url": work.properties.get("Url") or f"https://{found['Url']}",
            "ClientIdList": found.get("ClientIDList") or [],
            "ThumbprintList": found.get("ThumbprintList") or [],
        }
        if live["ThumbprintList"] == [_NO_THUMBPRINT]:
            del live["ThumbprintList"]
        if found.get("Tags"):
            live["Tags"] = found["Tags"]
        return live

    async def adopt(self, work: Work, identifier: dict[str, str]) -> Made:
        arn = identifier["Arn"]
        if await call_unless(work, MISSING, "GetOpenIDConnectProvider", **{_OIDC: arn}) is None:
            raise ResourceFailure(f"OpenIDConnect Provider not found for arn {arn}", "NotFound")
        return Made(arn, {"Arn": arn})


class SamlProviderProvider(Provider):
    """Ref is its ARN."""

    type: ClassVar[str] = "AWS::IAM::SAMLProvider"

    async def create(self, work: Work) -> Made:
        wanted = work.properties
        refuse(work, *_SAML_NOT_SERVED)
        name = wanted.get("Name") or work.name(128)
        arn = f"arn:{work.stack.partition}:iam::{work.stack.account}:saml-provider/{name}"
        there = await call_unless(work, MISSING, "GetSAMLProvider", SAMLProviderArn=arn)
        if there is None:
            await work.call(
                "iam",
                "CreateSAMLProvider",
                Name=name,
                SAMLMetadataDocument=wanted["SamlMetadataDocument"],
                Tags=pairs(tags_of(work, system=False)) or None,
            )
        elif not work.again or there["SAMLMetadataDocument"] != wanted["SamlMetadataDocument"]:
            raise ResourceFailure(f"SAMLProvider {name} already exists", "AlreadyExists")
        return Made(arn, {"Arn": arn})

    async def update(self, work: Work) -> Made:
        refuse(work, *_SAML_NOT_SERVED)
        await work.call(
            "iam",
            "UpdateSAMLProvider",
            SAMLProviderArn=work.physical_id,
            SAMLMetadataDocument=work.properties["SamlMetadataDocument"],
        )
        if changed(work, "Tags"):  # moto has no operations for them
            await retag(work, _SAML_TAGS, "SAMLProviderArn", work.physical_id)
        return Made(work.physical_id, work.attributes)

    async def delete(self, work: Work) -> None:
        await call_unless(work, MISSING, "DeleteSAMLProvider", SAMLProviderArn=work.physical_id)

    async def read(self, work: Work) -> Properties | None:
        found = await call_unless(work, MISSING, "GetSAMLProvider", SAMLProviderArn=work.physical_id)
        if found is None:
            return None
        return {
            "Name": work.physical_id.rpartition("/")[2],
            "SamlMetadataDocument": found["SAMLMetadataDocument"],
        }


class ServiceLinkedRoleProvider(Provider):
    """Ref is the role's name."""

    type: ClassVar[str] = "AWS::IAM::ServiceLinkedRole"

    async def create(self, work: Work) -> Made:
        wanted = work.properties
        if work.physical_id:
            return Made(work.physical_id, work.attributes)
        answer = await work.call(
            "iam",
            "CreateServiceLinkedRole",
            AWSServiceName=wanted.get("AWSServiceName"),
            Description=wanted.get("Description"),
            CustomSuffix=wanted.get("CustomSuffix"),
        )
        name: str = answer["Role"]["RoleName"]
        await work.initiated(name, {"RoleName": name})
        return Made(name, {"RoleName": name})

    async def update(self, work: Work) -> Made:
        await work.call(
            "iam",
            "UpdateRole",
            RoleName=work.physical_id,
            Description=work.properties.get("Description") or "",
        )
        return Made(work.physical_id, work.attributes)

    async def delete(self, work: Work) -> None:
        await call_unless(work, MISSING, "DeleteServiceLinkedRole", RoleName=work.physical_id)

    async def read(self, work: Work) -> Properties | None:
        found = await call_unless(work, MISSING, "GetRole", RoleName=work.physical_id)
        if found is None:
            return None
        role: dict[str, Any] = found["Role"]
        return {"RoleName": role["RoleName"], "Description": role.get("Description") or ""}
