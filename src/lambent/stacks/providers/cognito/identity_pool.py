"""Identity pools."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from lambent.stacks.providers.base import (
    ServiceProvider,
    chosen,
    name_of,
    own_pairs,
    pairs,
    refuse,
    tags_of,
    told,
    unless,
)
from lambent.stacks.providers.provider import Made

if TYPE_CHECKING:
    from lambent.stacks.providers.provider import Properties, Work

_SERVICE: Final = "cognito-identity"
_NAME_LIMIT: Final = 128
_POOL: Final = (
    "AllowClassicFlow",
    "AllowUnauthenticatedIdentities",
    "CognitoIdentityProviders",
    "DeveloperProviderName",
    "OpenIdConnectProviderARNs",
    "SamlProviderARNs",
    "SupportedLoginProviders",
)
_NONE: Final[dict[str, Any]] = {
    "CognitoIdentityProviders": [],
    "OpenIdConnectProviderARNs": [],
    "SamlProviderARNs": [],
    "SupportedLoginProviders": {},
}
_NOT_SERVED: Final = ("CognitoEvents", "CognitoStreams", "PushSync")


class IdentityPoolProvider(ServiceProvider):
    """`AWS::Cognito::IdentityPool`: Ref is its id."""

    type: ClassVar[str] = "AWS::Cognito::IdentityPool"

    async def create(self, work: Work) -> Made:
        pool = work.physical_id or (await self._left(work) if work.again else None)
        if not pool:
            answer = await work.call(_SERVICE, "CreateIdentityPool", **self._members(work))
            pool = answer["IdentityPoolId"]
        await work.initiated(pool)
        return await self.made(work, pool)

    async def update(self, work: Work) -> Made:
        pool = work.physical_id
        await work.call(_SERVICE, "UpdateIdentityPool", IdentityPoolId=pool, **self._members(work))
        return await self.made(work, pool)

    async def delete(self, work: Work) -> None:
        await unless(work.call(_SERVICE, "DeleteIdentityPool", IdentityPoolId=work.physical_id))

    async def read(self, work: Work) -> Properties | None:
        found = await unless(work.call(_SERVICE, "DescribeIdentityPool", IdentityPoolId=work.physical_id))
        if found is None:
            return None
        return told(
            {
                **chosen(found, ("IdentityPoolName", *_POOL)),
                "IdentityPoolTags": own_pairs(pairs(found.get("IdentityPoolTags") or {})),
            }
        )

    async def made(self, work: Work, physical_id: str) -> Made:
        name = str(work.properties.get("IdentityPoolName") or "")
        if not name:
            found = await work.call(_SERVICE, "DescribeIdentityPool", IdentityPoolId=physical_id)
            name = found["IdentityPoolName"]
        return Made(physical_id, {"Id": physical_id, "Name": name})

    @staticmethod
    def _members(work: Work) -> Properties:
        refuse(work, *_NOT_SERVED)
        # moto keeps what it is not told; Cognito does not.
        gone = {member: _NONE[member] for member in work.old if member in _NONE}
        members = {**gone, **chosen(work.properties, _POOL)}
        name = name_of(work, "IdentityPoolName", _NAME_LIMIT, separator="_")
        tags = tags_of(work, "IdentityPoolTags")
        return {**members, "IdentityPoolName": name, "IdentityPoolTags": tags}

    @staticmethod
    async def _left(work: Work) -> str | None:
        """The pool that this step has made before a restart, where its name is one of the step's own."""
        if work.properties.get("IdentityPoolName"):
            return None
        name = name_of(work, "IdentityPoolName", _NAME_LIMIT, separator="_")
        found = await work.call(_SERVICE, "ListIdentityPools", MaxResults=60)
        return next(
            (
                str(pool["IdentityPoolId"])
                for pool in found["IdentityPools"]
                if pool.get("IdentityPoolName") == name
            ),
            None,
        )
