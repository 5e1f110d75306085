"""User pools.

Properties are the members of CreateUserPool but for those that SetUserPoolMfaConfig takes. UpdateUserPool sets what it
is not told to its default, so it is told everything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from lambent.stacks.providers.base import (
    ServiceProvider,
    arn,
    chosen,
    invalid,
    name_of,
    refuse,
    tags_of,
    told,
    unless,
    url_suffix,
)
from lambent.stacks.providers.provider import Made

if TYPE_CHECKING:
    from lambent.stacks.providers.provider import Properties, Work

SERVICE: Final = "cognito-idp"

_NAME_LIMIT: Final = 128
_STEP: Final = "lambent:step"
"""A tag of a new pool: so a restart finds the one that it was making, as names of pools are not their own."""

_BOTH: Final = (
    "AccountRecoverySetting",
    "AdminCreateUserConfig",
    "AutoVerifiedAttributes",
    "DeletionProtection",
    "DeviceConfiguration",
    "EmailConfiguration",
    "EmailVerificationMessage",
    "EmailVerificationSubject",
    "LambdaConfig",
    "Policies",
    "SmsAuthenticationMessage",
    "SmsConfiguration",
    "SmsVerificationMessage",
    "UserAttributeUpdateSettings",
    "UserPoolAddOns",
    "UserPoolTier",
    "VerificationMessageTemplate",
)
_ONCE: Final = ("AliasAttributes", "Schema", "UsernameAttributes", "UsernameConfiguration")
_NOT_SERVED: Final = (
    "EmailAuthenticationMessage",
    "EmailAuthenticationSubject",
    "IssuerConfiguration",
    "KeyConfiguration",
    "WebAuthnFactorConfiguration",
    "WebAuthnRelyingPartyID",
    "WebAuthnUserVerification",
)


class UserPoolProvider(ServiceProvider):
    """`AWS::Cognito::UserPool`: Ref is its id."""

    type: ClassVar[str] = "AWS::Cognito::UserPool"

    async def create(self, work: Work) -> Made:
        refuse(work, *_NOT_SERVED)
        properties = work.properties
        pool = work.physical_id or (await self._left(work) if work.again else None)
        if not pool:
            answer = await work.call(
                SERVICE,
                "CreateUserPool",
                PoolName=name_of(work, "UserPoolName", _NAME_LIMIT),
                **chosen(properties, (*_BOTH, *_ONCE)),
                UserPoolTags={**tags_of(work, "UserPoolTags"), _STEP: work.token},
            )
            pool = answer["UserPool"]["Id"]
        made = await self.made(work, pool)
        await work.initiated(pool, made.attributes)
        # Without the tag of the step: it is known now.
        await self._settle(work, pool)
        return made

    async def update(self, work: Work) -> Made:
        refuse(work, *_NOT_SERVED)
        pool, properties = work.physical_id, work.properties
        before, after = work.old.get("Schema") or [], properties.get("Schema") or []
        if any(one not in after for one in before):
            # "You can't change or remove an attribute": CloudFormation's words for it.
            raise invalid("Existing schema attributes cannot be modified or deleted.")
        added = [one for one in after if one not in before]
        if added:
            await work.call(SERVICE, "AddCustomAttributes", UserPoolId=pool, CustomAttributes=added)
        await self._settle(work, pool)
        return await self.made(work, pool)

    async def delete(self, work: Work) -> None:
        await unless(work.call(SERVICE, "DeleteUserPool", UserPoolId=work.physical_id))

    async def read(self, work: Work) -> Properties | None:
        found = await unless(work.call(SERVICE, "DescribeUserPool", UserPoolId=work.physical_id))
        if found is None:
            return None
        pool = found["UserPool"]
        own = {
            key: value
            for key, value in pool.get("UserPoolTags", {}).items()
            if not key.startswith("aws:") and key != _STEP
        }
        return told(
            {
                "UserPoolName": pool["Name"],
                **chosen(pool, (*_BOTH, "AliasAttributes", "UsernameAttributes", "UsernameConfiguration")),
                "MfaConfiguration": pool.get("MfaConfiguration"),
                "UserPoolTags": own,
            }
        )

    async def made(self, work: Work, physical_id: str) -> Made:
        provider = f"cognito-idp.{work.stack.region}.{url_suffix(work)}/{physical_id}"
        return Made(
            physical_id,
            {
                "Arn": arn(work, SERVICE, f"userpool/{physical_id}"),
                "ProviderName": provider,
                "ProviderURL": f"https://{provider}",
                "UserPoolId": physical_id,
            },
        )

    async def _settle(self, work: Work, pool: str) -> None:
        """Everything that UpdateUserPool sets, which sets what it is not told to its default."""
        properties = work.properties
        await work.call(
            SERVICE,
            "UpdateUserPool",
            UserPoolId=pool,
            PoolName=properties.get("UserPoolName"),
            **chosen(properties, _BOTH),
            UserPoolTags=tags_of(work, "UserPoolTags"),
        )
        if {properties.get("MfaConfiguration", "OFF"), work.old.get("MfaConfiguration", "OFF")} != {"OFF"}:
            await self._set_mfa(work, pool)

    @staticmethod
    async def _set_mfa(work: Work, pool: str) -> None:
        properties = work.properties
        enabled: list[str] = properties.get("EnabledMfas") or []
        by_text: dict[str, Any] | None = None
        if properties.get("SmsConfiguration") and (not enabled or "SMS_MFA" in enabled):
            by_text = {"SmsConfiguration": properties["SmsConfiguration"]}
        by_token = {"Enabled": True} if not enabled or "SOFTWARE_TOKEN_MFA" in enabled else {"Enabled": False}
        configuration = properties.get("MfaConfiguration", "OFF")
        await work.call(
            SERVICE,
            "SetUserPoolMfaConfig",
            UserPoolId=pool,
            MfaConfiguration=configuration,
            SmsMfaConfiguration=by_text if configuration != "OFF" else None,
            SoftwareTokenMfaConfiguration=by_token if configuration != "OFF" else None,
        )

    @staticmethod
    async def _left(work: Work) -> str | None:
        """The pool that this step has made before a restart: it carries the step's token."""
        token: str | None = None
        while True:
            page = await work.call(SERVICE, "ListUserPools", MaxResults=60, NextToken=token)
            for one in page["UserPools"]:
                found = await unless(work.call(SERVICE, "DescribeUserPool", UserPoolId=one["Id"]))
                tags = ((found or {}).get("UserPool") or {}).get("UserPoolTags") or {}
                if tags.get(_STEP) == work.token:
                    return str(one["Id"])
            token = page.get("NextToken")
            if not token:
                return None
