"""Dynamic references: `{{resolve:ssm:name:version}}`, `ssm-secure`, `secretsmanager`.

Sources: CloudFormation User Guide, "Get values stored in other services using dynamic references"; measured on
CloudFormation stacks (cfncompat's RFC 007): what of a reference is refused, in which words, and where references of
secrets may stand.
"""

from __future__ import annotations

import asyncio
import json
import re
from typing import TYPE_CHECKING, Any, Final

from lambent.neighbours.service_calls import ServiceCall, ServiceFailure
from lambent.stacks.errors import ValidationError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lambent.neighbours.service_calls import AskService

REFERENCE: Final = re.compile(r"\{\{resolve:(ssm|ssm-secure|secretsmanager):([^{}]*)\}\}")
_SSM: Final = re.compile(r"[a-zA-Z0-9_.\-/]+(?::\d+)?")
_SECURE: Final = "{{resolve:ssm-secure:"

_SECURE_PLACES: Final = frozenset(
    {
        "AWS::DirectoryService::MicrosoftAD/Properties/Password",
        "AWS::DirectoryService::SimpleAD/Properties/Password",
        "AWS::ElastiCache::ReplicationGroup/Properties/AuthToken",
        "AWS::IAM::User/Properties/LoginProfile/Password",
        "AWS::KinesisFirehose::DeliveryStream/Properties/RedshiftDestinationConfiguration/Password",
        "AWS::OpsWorks::App/Properties/AppSource/Password",
        "AWS::OpsWorks::Stack/Properties/CustomCookbooksSource/Password",
        "AWS::OpsWorks::Stack/Properties/RdsDbInstances/DbPassword",
        "AWS::RDS::DBCluster/Properties/MasterUserPassword",
        "AWS::RDS::DBInstance/Properties/MasterUserPassword",
        "AWS::Redshift::Cluster/Properties/MasterUserPassword",
    }
)
"""Where `ssm-secure` may stand (User Guide, "Get a secure string value from Systems Manager Parameter Store")."""


async def resolve_dynamic(value: Any, ask: AskService, account: str, region: str, *, secure: bool) -> Any:
    """The value with its dynamic references replaced. With `secure` those of secrets too (`ssm-secure`,
    `secretsmanager`); without, they stay as they are, as in what is shown. Raises ValidationError.

    Parameters are to be read in every operation, secrets when the resource that has them is made or changed anyway.
    Outputs show references of secrets as they are.
    """
    found: dict[str, str] = {}
    _collect(value, found)
    wanted = [text for text in found if secure or text.startswith("{{resolve:ssm:")]
    if not wanted:
        return value
    found.update(
        zip(
            wanted,
            await asyncio.gather(*(_fetch(text, ask, account, region) for text in wanted)),
            strict=True,
        )
    )
    return _replaced(value, found)


def check_secure_references(resources: Iterable[tuple[str, dict[str, Any]]]) -> None:
    """Raises ValidationError when `ssm-secure` stands where it may not. `resources`: types and resolved properties."""
    unfit: list[str] = []
    for kind, properties in resources:
        _secure_places(properties, f"{kind}/Properties", unfit)
    if unfit:
        raise ValidationError(f"SSM Secure reference is not supported in: [{','.join(unfit)}]")


def _secure_places(value: Any, path: str, unfit: list[str]) -> None:
    if isinstance(value, str):
        if _SECURE in value and path not in _SECURE_PLACES:
            unfit.append(path)
    elif isinstance(value, dict):
        for name, item in value.items():
            _secure_places(item, f"{path}/{name}", unfit)
    elif isinstance(value, list):
        for item in value:
            _secure_places(item, path, unfit)


def _collect(value: Any, into: dict[str, str]) -> None:
    if isinstance(value, str):
        if "{{resolve:" in value:
            into.update((match[0], match[0]) for match in REFERENCE.finditer(value))
    elif isinstance(value, dict):
        for item in value.values():
            _collect(item, into)
    elif isinstance(value, list):
        for item in value:
            _collect(item, into)


def _replaced(value: Any, found: dict[str, str]) -> Any:
    if isinstance(value, str):
        return REFERENCE.sub(lambda match: found[match[0]], value) if "{{resolve:" in value else value
    if isinstance(value, dict):
        return {name: _replaced(item, found) for name, item in value.items()}
    if isinstance(value, list):
        return [_replaced(item, found) for item in value]
    return value


async def _fetch(text: str, ask: AskService, account: str, region: str) -> str:
    match = REFERENCE.fullmatch(text)
    assert match is not None
    if match[1] == "secretsmanager":
        return await _secret(text, match[2], ask, account, region)
    return await _parameter(text, match[1], match[2], ask, account, region)


async def _parameter(text: str, service: str, name: str, ask: AskService, account: str, region: str) -> str:
    if not _SSM.fullmatch(name):
        raise ValidationError(f"Incorrect format is used in the following SSM reference: [{text}]")
    parameters = {"Name": name, "WithDecryption": service == "ssm-secure"}
    try:
        answer = await ask(ServiceCall("ssm", "GetParameter", parameters, region, account, ""))
    except ServiceFailure as failure:
        if failure.code in ("ParameterNotFound", "ParameterVersionNotFound"):
            raise ValidationError(
                f"Unable to fetch parameters [{name}] from parameter store for this account."
            ) from None
        raise ValidationError(_told("AWSSimpleSystemsManagement", failure)) from None
    parameter = answer["Parameter"]
    if service == "ssm" and parameter.get("Type") == "SecureString":
        raise ValidationError(f"Non-secure ssm prefix was used for secure parameter {name}")
    return str(parameter["Value"])


async def _secret(text: str, argument: str, ask: AskService, account: str, region: str) -> str:
    # An ARN has six colons of its own.
    parts = argument.split(":")
    length = 7 if argument.startswith("arn:") else 1
    name, (kind, key, stage, version, *more) = ":".join(parts[:length]), [*parts[length:], "", "", "", ""]
    if not name or kind not in ("", "SecretString") or any(more):
        raise ValidationError(
            f"Incorrect format is used in the following Secrets Manager reference: [{text}]"
        )
    parameters = {"SecretId": name}
    if stage:
        parameters["VersionStage"] = stage
    if version:
        parameters["VersionId"] = version
    try:
        answer = await ask(ServiceCall("secretsmanager", "GetSecretValue", parameters, region, account, ""))
    except ServiceFailure as failure:
        raise ValidationError(_told("AWSSecretsManager", failure)) from None
    secret = answer.get("SecretString")
    if secret is None:
        raise ValidationError("Could not find a SecretString in the secret")
    if not key:
        return str(secret)
    try:
        members = json.loads(secret)
    except ValueError:
        raise ValidationError("Could not parse SecretString JSON") from None
    if not isinstance(members, dict) or key not in members:
        raise ValidationError("Could not find a value associated with JSONKey in SecretString")
    value = members[key]
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def _told(service: str, failure: ServiceFailure) -> str:
    return (
        f"{failure.message} (Service: {service}; Status Code: {failure.status}; Error Code: {failure.code}; "
        f"Request ID: {failure.request_id}; Proxy: null)"
    )
