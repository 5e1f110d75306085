"""What belongs to user pools: clients, domains, groups, users, identity providers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from lambent.neighbours.service_calls import ServiceFailure
from lambent.stacks.providers.base import (
    ServiceProvider,
    already_exists,
    changed,
    chosen,
    name_of,
    refuse,
    told,
    unless,
)
from lambent.stacks.providers.cognito.user_pool import SERVICE
from lambent.stacks.providers.provider import Made, Provider

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lambent.stacks.providers.provider import Properties, Work

_NAME_LIMIT: Final = 128
_DOMAIN_NOT_SERVED: Final = ("ManagedLoginVersion", "Routing")
_EXISTS: Final = frozenset(("GroupExistsException", "UsernameExistsException", "DuplicateProviderException"))

_CLIENT: Final = (
    "AccessTokenValidity",
    "AllowedOAuthFlows",
    "AllowedOAuthFlowsUserPoolClient",
    "AllowedOAuthScopes",
    "AnalyticsConfiguration",
    "AuthSessionValidity",
    "CallbackURLs",
    "ClientName",
    "DefaultRedirectURI",
    "EnablePropagateAdditionalUserContextData",
    "EnableTokenRevocation",
    "ExplicitAuthFlows",
    "IdTokenValidity",
    "LogoutURLs",
    "PreventUserExistenceErrors",
    "ReadAttributes",
    "RefreshTokenRotation",
    "RefreshTokenValidity",
    "SupportedIdentityProviders",
    "TokenValidityUnits",
    "WriteAttributes",
)

_UNSET: Final[dict[str, Any]] = {
    "AllowedOAuthFlows": [],
    "AllowedOAuthFlowsUserPoolClient": False,
    "AllowedOAuthScopes": [],
    "CallbackURLs": [],
    "ExplicitAuthFlows": [],
    "LogoutURLs": [],
    "PreventUserExistenceErrors": "LEGACY",
    "RefreshTokenValidity": 30,
    "SupportedIdentityProviders": [],
}


class UserPoolClientProvider(ServiceProvider):
    """`AWS::Cognito::UserPoolClient`: Ref is its id."""

    type: ClassVar[str] = "AWS::Cognito::UserPoolClient"

    async def create(self, work: Work) -> Made:
        pool = work.properties["UserPoolId"]
        name = name_of(work, "ClientName", _NAME_LIMIT)
        client = work.physical_id or (await self._left(work, pool, name) if work.again else None)
        if not client:
            settings = {**chosen(work.properties, _CLIENT), "ClientName": name}
            answer = await work.call(
                SERVICE,
                "CreateUserPoolClient",
                UserPoolId=pool,
                **settings,
                GenerateSecret=work.properties.get("GenerateSecret"),
            )
            client = answer["UserPoolClient"]["ClientId"]
        await work.initiated(client)
        return await self.made(work, client)

    async def update(self, work: Work) -> Made:
        client, pool = work.physical_id, work.properties["UserPoolId"]
        # moto keeps what it is not told; Cognito does not.
        gone = {member: _UNSET[member] for member in work.old if member in _UNSET}
        settings = {**gone, **chosen(work.properties, _CLIENT)}
        await work.call(SERVICE, "UpdateUserPoolClient", UserPoolId=pool, ClientId=client, **settings)
        return await self.made(work, client)

    async def delete(self, work: Work) -> None:
        pool = work.properties["UserPoolId"]
        await unless(work.call(SERVICE, "DeleteUserPoolClient", UserPoolId=pool, ClientId=work.physical_id))

    async def read(self, work: Work) -> Properties | None:
        facts = await self._facts(work, work.physical_id)
        if facts is None:
            return None
        return told({"UserPoolId": work.properties["UserPoolId"], **chosen(facts, _CLIENT)})

    async def made(self, work: Work, physical_id: str) -> Made:
        facts = await self._facts(work, physical_id) or {}
        attributes = {"ClientId": physical_id, "Name": facts.get("ClientName", "")}
        if facts.get("ClientSecret"):
            attributes["ClientSecret"] = facts["ClientSecret"]
        return Made(physical_id, attributes)

    def identified(self, work: Work, identifier: dict[str, str]) -> str:
        return identifier["ClientId"]

    @staticmethod
    async def _facts(work: Work, client: str) -> dict[str, Any] | None:
        pool = work.properties["UserPoolId"]
        found = await unless(work.call(SERVICE, "DescribeUserPoolClient", UserPoolId=pool, ClientId=client))
        return None if found is None else found["UserPoolClient"]

    @staticmethod
    async def _left(work: Work, pool: str, name: str) -> str | None:
        """The client that this step has made before a restart, where its name is one of the step's own."""
        if work.properties.get("ClientName"):
            return None  # somebody else's may have that name, too
        token: str | None = None
        while True:
            page = await work.call(
                SERVICE, "ListUserPoolClients", UserPoolId=pool, MaxResults=60, NextToken=token
            )
            for one in page["UserPoolClients"]:
                if one["ClientName"] == name:
                    return str(one["ClientId"])
            token = page.get("NextToken")
            if not token:
                return None


class UserPoolDomainProvider(Provider):
    """`AWS::Cognito::UserPoolDomain`: Ref is the domain."""

    type: ClassVar[str] = "AWS::Cognito::UserPoolDomain"

    async def create(self, work: Work) -> Made:
        refuse(work, *_DOMAIN_NOT_SERVED)
        domain, pool = work.properties["Domain"], work.properties["UserPoolId"]
        there = await _domain(work, domain)
        if there is not None and not (work.again and there["UserPoolId"] == pool):
            raise already_exists(work, domain)
        if there is None:
            custom = work.properties.get("CustomDomainConfig")
            await work.call(
                SERVICE, "CreateUserPoolDomain", Domain=domain, UserPoolId=pool, CustomDomainConfig=custom
            )
        return await self._made(work, domain)

    async def update(self, work: Work) -> Made:
        refuse(work, *_DOMAIN_NOT_SERVED)
        domain = work.physical_id
        if changed(work, "CustomDomainConfig"):
            await work.call(
                SERVICE,
                "UpdateUserPoolDomain",
                Domain=domain,
                UserPoolId=work.properties["UserPoolId"],
                CustomDomainConfig=work.properties.get("CustomDomainConfig"),
            )
        return await self._made(work, domain)

    async def delete(self, work: Work) -> None:
        domain, pool = work.physical_id, work.properties["UserPoolId"]
        if await _domain(work, domain) is not None:
            await unless(work.call(SERVICE, "DeleteUserPoolDomain", Domain=domain, UserPoolId=pool))

    async def read(self, work: Work) -> Properties | None:
        found = await _domain(work, work.physical_id)
        if found is None:
            return None
        return told(chosen(found, ("Domain", "UserPoolId", "CustomDomainConfig")))

    @staticmethod
    async def _made(work: Work, domain: str) -> Made:
        found = await _domain(work, domain) or {}
        distribution = (
            found.get("CloudFrontDistribution") if "CustomDomainConfig" in work.properties else None
        )
        return Made(domain, {"CloudFrontDistribution": distribution or ""})


class _NamedProvider(Provider):
    """Something in a pool whose name is given: made, changed and removed by operations of the same form."""

    noun: ClassVar[str]
    """`Group`: CreateGroup, UpdateGroup, DeleteGroup, GetGroup."""
    name: ClassVar[str]
    """The member that names it."""
    settings: ClassVar[tuple[str, ...]]
    getting: ClassVar[str]
    """The operation that tells of it."""
    answer: ClassVar[str]
    """The member that this one answers with."""

    def given_name(self, work: Work) -> str:
        return str(work.properties[self.name])

    async def create(self, work: Work) -> Made:
        name = self.given_name(work)
        if await self._facts(work, name) is not None:
            if not work.again:
                raise already_exists(work, name)
            return Made(name)
        return await self._put(work, "Create", name)

    async def update(self, work: Work) -> Made:
        return await self._put(work, "Update", self._named(work))

    async def delete(self, work: Work) -> None:
        await unless(work.call(SERVICE, f"Delete{self.noun}", **self._key(work, self._named(work))))

    async def read(self, work: Work) -> Properties | None:
        facts = await self._facts(work, self._named(work))
        if facts is None:
            return None
        return told(chosen(facts, ("UserPoolId", self.name, *self.settings)))

    def _named(self, work: Work) -> str:
        return work.physical_id

    async def _put(self, work: Work, verb: str, name: str) -> Made:
        settings = chosen(work.properties, self.settings)
        await work.call(SERVICE, f"{verb}{self.noun}", **self._key(work, name), **settings)
        return Made(name)

    async def _facts(self, work: Work, name: str) -> dict[str, Any] | None:
        found = await unless(work.call(SERVICE, self.getting, **self._key(work, name)))
        return None if found is None else found[self.answer]

    def _key(self, work: Work, name: str) -> dict[str, str]:
        return {"UserPoolId": work.properties["UserPoolId"], self.name: name}


class UserPoolGroupProvider(_NamedProvider):
    """`AWS::Cognito::UserPoolGroup`: Ref is its name."""

    type: ClassVar[str] = "AWS::Cognito::UserPoolGroup"
    noun = "Group"
    name = "GroupName"
    settings = ("Description", "Precedence", "RoleArn")
    getting = "GetGroup"
    answer = "Group"

    def given_name(self, work: Work) -> str:
        return name_of(work, "GroupName", _NAME_LIMIT)


class UserPoolIdentityProviderProvider(_NamedProvider):
    """`AWS::Cognito::UserPoolIdentityProvider`: Ref is its name."""

    type: ClassVar[str] = "AWS::Cognito::UserPoolIdentityProvider"
    noun = "IdentityProvider"
    name = "ProviderName"
    settings = ("AttributeMapping", "IdpIdentifiers", "ProviderDetails")
    getting = "DescribeIdentityProvider"
    answer = "IdentityProvider"

    async def _put(self, work: Work, verb: str, name: str) -> Made:
        settings = chosen(work.properties, self.settings)
        if verb == "Create":
            settings["ProviderType"] = work.properties["ProviderType"]
        await work.call(SERVICE, f"{verb}IdentityProvider", **self._key(work, name), **settings)
        return Made(name)


class UserPoolUserProvider(Provider):
    """`AWS::Cognito::UserPoolUser`: Ref is the user's name. Every property replaces it."""

    type: ClassVar[str] = "AWS::Cognito::UserPoolUser"

    async def create(self, work: Work) -> Made:
        properties = work.properties
        name = name_of(work, "Username", _NAME_LIMIT)
        try:
            answer = await work.call(
                SERVICE,
                "AdminCreateUser",
                UserPoolId=properties["UserPoolId"],
                Username=name,
                **chosen(
                    properties,
                    ("ClientMetadata", "DesiredDeliveryMediums", "ForceAliasCreation", "MessageAction"),
                ),
                UserAttributes=properties.get("UserAttributes"),
                ValidationData=properties.get("ValidationData"),
            )
        except ServiceFailure as failure:
            if failure.code not in _EXISTS:
                raise
            if not work.again:
                raise already_exists(work, name) from None
            return Made(name)
        return Made(answer["User"]["Username"])

    async def update(self, work: Work) -> Made:
        return Made(work.physical_id)

    async def delete(self, work: Work) -> None:
        pool = work.properties["UserPoolId"]
        await unless(
            work.call(SERVICE, "AdminDeleteUser", UserPoolId=pool, Username=work.physical_id),
            "UserNotFoundException",
            "ResourceNotFoundException",
        )

    async def read(self, work: Work) -> Properties | None:
        pool = work.properties["UserPoolId"]
        found = await unless(
            work.call(SERVICE, "AdminGetUser", UserPoolId=pool, Username=work.physical_id),
            "UserNotFoundException",
            "ResourceNotFoundException",
        )
        if found is None:
            return None
        attributes = [one for one in found.get("UserAttributes", []) if one["Name"] != "sub"]
        return told({"UserPoolId": pool, "Username": found["Username"], "UserAttributes": attributes})


class UserPoolUserToGroupAttachmentProvider(Provider):
    """`AWS::Cognito::UserPoolUserToGroupAttachment`: a user in a group."""

    type: ClassVar[str] = "AWS::Cognito::UserPoolUserToGroupAttachment"

    async def create(self, work: Work) -> Made:
        await work.call(SERVICE, "AdminAddUserToGroup", **_attachment(work.properties))
        return Made(work.physical_id or work.name(_NAME_LIMIT))

    async def update(self, work: Work) -> Made:
        return Made(work.physical_id)

    async def delete(self, work: Work) -> None:
        await unless(
            work.call(SERVICE, "AdminRemoveUserFromGroup", **_attachment(work.properties)),
            "UserNotFoundException",
            "ResourceNotFoundException",
        )


def _attachment(properties: Mapping[str, Any]) -> dict[str, Any]:
    return chosen(dict(properties), ("GroupName", "Username", "UserPoolId"))


async def _domain(work: Work, domain: str) -> dict[str, Any] | None:
    found = await unless(work.call(SERVICE, "DescribeUserPoolDomain", Domain=domain))
    description: dict[str, Any] = (found or {}).get("DomainDescription") or {}
    return description if description.get("UserPoolId") else None
