"""Dynamic references: `{{resolve:ssm:name:version}}`, `ssm-secure`, `secretsmanager`."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from lambent.neighbours.service_calls import ServiceCall, ServiceFailure
from lambent.stacks.errors import ValidationError

if TYPE_CHECKING:
    from lambent.neighbours.service_calls import AskService

REFERENCE: Final = re.compile(r"\{\{resolve:(ssm|ssm-secure|secretsmanager):([^{}]*)\}\}")


async def resolve_dynamic(value: Any, ask: AskService, account: str, region: str, *, secure: bool) -> Any:
    """The value with its dynamic references replaced. With `secure` those of secrets too (`ssm-secure`,
    `secretsmanager`); without, they stay as they are, as in what is shown. Raises ValidationError.
    """
    found: dict[str, str] = {}
    _collect(value, found)
    if not found:
        return value
    for text in found:
        match = REFERENCE.fullmatch(text)
        assert match is not None
        if match[1] == "ssm" or secure:
            found[text] = await _fetch(match[1], match[2], ask, account, region)
    return _replaced(value, found)


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


async def _fetch(service: str, argument: str, ask: AskService, account: str, region: str) -> str:
    if service == "secretsmanager":
        return await _secret(argument, ask, account, region)
    parameters: dict[str, Any] = {"Name": argument}
    if service == "ssm-secure":
        parameters["WithDecryption"] = True
    try:
        answer = await ask(ServiceCall("ssm", "GetParameter", parameters, region, account, ""))
    except ServiceFailure as failure:
        raise ValidationError(failure.message or failure.code) from None
    return str(answer["Parameter"]["Value"])


async def _secret(argument: str, ask: AskService, account: str, region: str) -> str:
    # An ARN has six colons of its own.
    head, rest = ("", argument)
    if argument.startswith("arn:"):
        parts = argument.split(":")
        head, rest = ":".join(parts[:6]) + ":", ":".join(parts[6:])
    name, *options = rest.split(":")
    _, key, stage, version = [*options, "", "", "", ""][:4]
    parameters = {"SecretId": head + name}
    if stage:
        parameters["VersionStage"] = stage
    if version:
        parameters["VersionId"] = version
    try:
        answer = await ask(ServiceCall("secretsmanager", "GetSecretValue", parameters, region, account, ""))
    except ServiceFailure as failure:
        raise ValidationError(failure.message or failure.code) from None
    text = str(answer.get("SecretString", ""))
    if not key:
        return text
    try:
        return str(json.loads(text)[key])
    except (ValueError, KeyError, TypeError):
        raise ValidationError("Could not find a value associated with JSONKey in SecretString") from None
