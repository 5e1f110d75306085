"""STS: who calls, and temporary credentials that every service of this platform accepts.

Lambent's own rather than a neighbour's, because what it gives out must be verifiable here. Roles are not looked
up: any role can be assumed, also one of another account. Unique ids follow from the names.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from typing import TYPE_CHECKING, Any, ClassVar, Final

from lambent.aws.credentials import account_of_key
from lambent.aws.errors import ServiceError
from lambent.aws.service import Service

if TYPE_CHECKING:
    from lambent.aws.context import RequestContext
    from lambent.aws.credentials import Credentials

_ROLE: Final = re.compile(r"arn:[a-z0-9-]+:iam::(\d{12}):role/(?:[\x21-\x7e]+/)?([\w+=,.@-]{1,64})")
_ROLE_SECONDS: Final = 3_600
_SESSION_SECONDS: Final = 43_200


class StsService(Service):
    """Temporary credentials of `credentials`; `account` is the account of keys that name none."""

    name: ClassVar[str] = "sts"

    def __init__(self, credentials: Credentials, account: str) -> None:
        self._credentials = credentials
        self._account = account

    async def get_caller_identity(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """The assumed role or federated user of temporary credentials; the account's root for any other key."""
        partition, account, principal = context.partition, context.account, context.principal
        if not principal:
            arn = f"arn:{partition}:iam::{account}:root"
            return {"UserId": account, "Account": account, "Arn": arn}
        arn = f"arn:{partition}:sts::{account}:{principal}"
        return {"UserId": user_id(account, principal), "Account": account, "Arn": arn}

    async def assume_role(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Credentials that act in the role's account."""
        return self._assumed(context, request, request["RoleSessionName"])

    async def assume_role_with_web_identity(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """The same for whoever holds a token of an identity provider; the token is read, not verified."""
        claims = _claims(request["WebIdentityToken"])
        answer = self._assumed(context, request, request["RoleSessionName"])
        audience = claims.get("aud")
        return answer | {
            "SubjectFromWebIdentityToken": str(claims.get("sub", "")),
            "Audience": str(audience[0] if isinstance(audience, list) and audience else audience or ""),
            "Provider": request.get("ProviderId") or str(claims.get("iss", "")),
        }

    async def get_session_token(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Temporary credentials of the caller itself."""
        seconds = request.get("DurationSeconds", _SESSION_SECONDS)
        return {"Credentials": self._minted(context.account, seconds, context.principal or "")}

    async def get_federation_token(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Temporary credentials of a federated user."""
        name, account = request["Name"], context.account
        seconds = request.get("DurationSeconds", _SESSION_SECONDS)
        return {
            "Credentials": self._minted(account, seconds, f"federated-user/{name}"),
            "FederatedUser": {
                "FederatedUserId": f"{account}:{name}",
                "Arn": f"arn:{context.partition}:sts::{account}:federated-user/{name}",
            },
        }

    async def get_access_key_info(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """The account of an access key id."""
        return {"Account": account_of_key(request["AccessKeyId"]) or self._account}

    def _assumed(self, context: RequestContext, request: dict[str, Any], session: str) -> dict[str, Any]:
        found = _ROLE.fullmatch(request["RoleArn"])
        if found is None:
            raise ServiceError("ValidationError", f"{request['RoleArn']} is invalid")
        account, role = found.groups()
        seconds = request.get("DurationSeconds", _ROLE_SECONDS)
        principal = f"assumed-role/{role}/{session}"
        return {
            "Credentials": self._minted(account, seconds, principal),
            "AssumedRoleUser": {
                "AssumedRoleId": _role_user_id(account, role, session),
                "Arn": f"arn:{context.partition}:sts::{account}:{principal}",
            },
            "SourceIdentity": request.get("SourceIdentity"),
        }

    def _minted(self, account: str, seconds: int, principal: str) -> dict[str, Any]:
        minted = self._credentials.mint(account, seconds, principal=principal)
        return {
            "AccessKeyId": minted.access_key,
            "SecretAccessKey": minted.secret_key,
            "SessionToken": minted.session_token,
            "Expiration": minted.expires,
        }


def user_id(account: str, principal: str) -> str:
    """The unique id of a caller; `principal` is `assumed-role/{role}/{session}`, `federated-user/{name}` or empty."""
    if not principal:
        return account
    kind, _, name = principal.partition("/")
    return _role_user_id(account, *name.split("/", 1)) if kind == "assumed-role" else f"{account}:{name}"


def _role_user_id(account: str, role: str, session: str) -> str:
    digest = hashlib.sha256(f"{account}/{role}".encode()).digest()
    return f"AROA{base64.b32encode(digest)[:17].decode()}:{session}"


def _claims(token: str) -> dict[str, Any]:
    """What a JSON web token says. ServiceError for text that is none."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    except (IndexError, binascii.Error, ValueError):
        claims = None
    if not isinstance(claims, dict):
        raise ServiceError(
            "InvalidIdentityToken",
            "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)",
        )
    return claims
