"""Macros: transforms that are functions of the account."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from lambent.neighbours.service_calls import ServiceCall, ServiceFailure, ServiceMissing
from lambent.stacks.errors import ValidationError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lambent.neighbours.service_calls import AskService

_SUCCESS: Final = "success"


class Macro(NamedTuple):
    """What AWS::CloudFormation::Macro has made. `function`: its name or ARN."""

    name: str
    function: str


async def call_macro(
    ask: AskService,
    macro: Macro,
    fragment: Any,
    parameters: dict[str, Any],
    values: Mapping[str, Any],
    account: str,
    region: str,
) -> Any:
    """What the macro makes of a fragment.

    Request and response are those of the CloudFormation User Guide, "Create a CloudFormation macro definition"; errors
    as AWS has answered with them. Raises ValidationError.
    """
    transform = f"{account}::{macro.name}"
    request_id = str(uuid.uuid4())
    request = {
        "accountId": account,
        "fragment": fragment,
        "transformId": transform,
        "requestId": request_id,
        "region": region,
        "params": parameters,
        "templateParameterValues": dict(values),
    }
    call = ServiceCall(
        "lambda",
        "Invoke",
        {"FunctionName": macro.function, "Payload": msgspec.json.encode(request, enc_hook=str)},
        region,
        account,
        "",
    )
    try:
        answer = await ask(call)
    except ServiceFailure as failure:
        raise ValidationError(
            f"Transform {transform} failed with: {failure.message or failure.code}"
        ) from None
    except (ServiceMissing, ValueError) as wrong:
        raise ValidationError(f"Transform {transform} failed with: {wrong}") from None
    malformed = ValidationError(f"Received malformed response from transform {transform}")
    if answer.get("FunctionError"):
        raise malformed
    try:
        response = msgspec.json.decode(answer["Payload"])
    except msgspec.DecodeError:
        raise malformed from None
    if not isinstance(response, dict) or response.get("requestId") != request_id or "status" not in response:
        raise malformed
    if response["status"] != _SUCCESS:
        message = response.get("errorMessage")
        if message:
            raise ValidationError(f"Transform {transform} failed with: {message}")
        raise ValidationError(f"Transform {transform} failed without an error message.")
    if response.get("fragment") is None:
        raise malformed
    return response["fragment"]
