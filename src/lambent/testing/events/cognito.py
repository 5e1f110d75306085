"""What a Cognito user pool asks its triggers ("Customizing user pool workflows with Lambda triggers").

A trigger answers with the event itself, its `response` filled in; the factories give the empty response of each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambent.app.sources.user_pool import TRIGGERS
from lambent.testing.events.values import REGION, new_uuid

if TYPE_CHECKING:
    from collections.abc import Mapping

POOL = f"{REGION}_Example01"
CLIENT = "1example23456789example012"


__all__ = ["CLIENT", "POOL", "TRIGGERS", "cognito"]


def cognito(
    trigger: str,
    *,
    user: str = "user",
    attributes: Mapping[str, str] | None = None,
    client_metadata: Mapping[str, str] | None = None,
    validation_data: Mapping[str, str] | None = None,
    request: Mapping[str, Any] | None = None,
    response: Mapping[str, Any] | None = None,
    version: str | None = None,
    pool: str = POOL,
    client: str = CLIENT,
) -> dict[str, Any]:
    """A trigger's event: `trigger` is its source, such as `PreSignUp_SignUp`; without an occasion its first is meant.

    `attributes` are added to the user's, `request` and `response` to what the trigger's have by themselves.
    `TokenGeneration` has versions "1" to "3", of which the later ones change access tokens too; client credentials have
    "3" alone. ValueError for a trigger that does not exist.
    """
    name, _, occasion = trigger.partition("_")
    if name not in TRIGGERS or (occasion and occasion not in TRIGGERS[name]):
        known = ", ".join(f"{each}_{occasion}" for each in TRIGGERS for occasion in TRIGGERS[each])
        raise ValueError(f"no trigger {trigger!r}; the triggers are {known}")
    occasion = occasion or TRIGGERS[name][0]
    version = version or ("3" if occasion == "ClientCredentials" else "1")
    asked = {
        **_request(name, occasion, user, attributes),
        **_extra(name, version),
        **({"validationData": dict(validation_data)} if validation_data is not None else {}),
        **({"clientMetadata": dict(client_metadata)} if client_metadata is not None else {}),
        **(request or {}),
    }
    answer = {**_response(name, version), **(response or {})}
    return {
        "version": version,
        "triggerSource": f"{name}_{occasion}",
        "region": REGION,
        "userPoolId": pool,
        "userName": client if occasion == "ClientCredentials" else user,
        "callerContext": {"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": client},
        "request": asked,
        "response": answer,
    }


def _request(name: str, occasion: str, user: str, attributes: Mapping[str, str] | None) -> dict[str, Any]:
    """What it says of the user: nothing of one who is to be migrated or whom another provider knows."""
    if name in ("UserMigration", "InboundFederation"):
        return {}
    if occasion == "ClientCredentials":
        return {"userAttributes": dict(attributes or {})}
    usual = {
        "sub": new_uuid(),
        "email_verified": "false" if name == "PreSignUp" else "true",
        "cognito:user_status": "UNCONFIRMED" if name in ("PreSignUp", "CustomMessage") else "CONFIRMED",
        "email": f"{user}@example.com",
    }
    if name == "PreSignUp":
        usual = {"email": usual["email"]}  # the user does not exist yet
    return {"userAttributes": {**usual, **(attributes or {})}}


def _extra(name: str, version: str) -> dict[str, Any]:
    match name:
        case "PreSignUp":
            return {"validationData": None}
        case "PreAuthentication":
            return {"userNotFound": False}
        case "PostAuthentication":
            return {"newDeviceUsed": False}
        case "TokenGeneration":
            groups: dict[str, Any] = {"groupsToOverride": [], "iamRolesToOverride": [], "preferredRole": None}
            scopes = {"scopes": ["aws.cognito.signin.user.admin"]}
            return {"groupConfiguration": groups, **(scopes if version != "1" else {})}
        case "DefineAuthChallenge":
            return {"session": [], "userNotFound": False}
        case "CreateAuthChallenge":
            return {"challengeName": "CUSTOM_CHALLENGE", "session": [], "userNotFound": False}
        case "VerifyAuthChallengeResponse":
            return {"privateChallengeParameters": {}, "challengeAnswer": "", "userNotFound": False}
        case "UserMigration":
            return {"password": "Password-1", "validationData": None}
        case "CustomMessage":
            return {"codeParameter": "{####}", "linkParameter": "{##Click Here##}", "usernameParameter": None}
        case "CustomEmailSender" | "CustomSMSSender":
            kind = "customEmailSenderRequestV1" if name == "CustomEmailSender" else "customSMSSenderRequestV1"
            return {"type": kind, "code": "AYADeExampleOfACodeInKMSCiphertext=="}
        case "InboundFederation":
            return {
                "providerName": "Provider",
                "providerType": "OIDC",
                "attributes": {"tokenResponse": {}, "idToken": {}, "userInfo": {}},
            }
    return {}


def _response(name: str, version: str) -> dict[str, Any]:
    match name:
        case "PreSignUp":
            return {"autoConfirmUser": False, "autoVerifyEmail": False, "autoVerifyPhone": False}
        case "TokenGeneration":
            return {"claimsOverrideDetails" if version == "1" else "claimsAndScopeOverrideDetails": None}
        case "DefineAuthChallenge":
            return {"challengeName": None, "issueTokens": None, "failAuthentication": None}
        case "CreateAuthChallenge":
            return dict.fromkeys(
                ("publicChallengeParameters", "privateChallengeParameters", "challengeMetadata")
            )
        case "VerifyAuthChallengeResponse":
            return {"answerCorrect": None}
        case "UserMigration":
            return dict.fromkeys(
                (
                    "userAttributes",
                    "finalUserStatus",
                    "messageAction",
                    "desiredDeliveryMediums",
                    "forceAliasCreation",
                    "enableSMSMFA",
                )
            )
        case "CustomMessage":
            return {"smsMessage": None, "emailMessage": None, "emailSubject": None}
        case "InboundFederation":
            return {"userAttributesToMap": None}
    return {}
