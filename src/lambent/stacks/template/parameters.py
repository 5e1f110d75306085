"""The values of a template's parameters.

Sources: CloudFormation User Guide, "Parameters", "Specify existing resources at runtime with CloudFormation-supplied
parameter types"; recorded: LocalStack's `test_dynamic_resolving`; measured on CloudFormation stacks (cfncompat's
RFC 007): SSM parameters are read in every operation, their types have to fit, lists are trimmed.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

import msgspec

from lambent.neighbours.service_calls import ServiceCall, ServiceFailure
from lambent.stacks.errors import ValidationError
from lambent.stacks.template.constraints import check_values, items_of
from lambent.stacks.template.rules import check_rules

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lambent.neighbours.service_calls import AskService
    from lambent.stacks.template.template import Parameter, Template

HIDDEN: Final = "****"
"""What is shown of parameters with NoEcho."""
_NAME: Final = "AWS::SSM::Parameter::Name"


class UsePrevious:
    """Given for a parameter that is to keep its value."""


class ParameterValues(msgspec.Struct, frozen=True):
    """Values of parameters, in the template's order.

    `given`: the texts they come from, by name, which are the next update's `previous`; the name of the SSM parameter
    where it is of an SSM type. `values`: what Ref gives, a text or a list of them. `resolved`: of SSM types, the text
    that Parameter Store had.
    """

    given: dict[str, str]
    values: dict[str, Any]
    resolved: dict[str, str]
    hidden: frozenset[str]

    def described(self) -> list[dict[str, str]]:
        """As DescribeStacks shows them: ParameterKey, ParameterValue, ResolvedValue."""
        shown = []
        for name, text in self.given.items():
            one = {"ParameterKey": name, "ParameterValue": HIDDEN if name in self.hidden else text}
            if name in self.resolved:
                one["ResolvedValue"] = HIDDEN if name in self.hidden else self.resolved[name]
            shown.append(one)
        return shown


async def parameter_values(
    template: Template,
    given: Mapping[str, str | UsePrevious],
    previous: Mapping[str, Any],
    ask: AskService,
    account: str,
    region: str,
) -> ParameterValues:
    """The values for a stack, which the template's rules are checked with. `previous`: the `given` of the deployed
    ones, {} for a new stack.

    Raises ValidationError for values that are missing, unknown or not allowed, in CloudFormation's words. That what
    EC2 and Route 53 have is there is not asked (types like `AWS::EC2::VPC::Id`).
    """
    texts = _texts(template, given, previous)
    parameters = template.parameters.values()
    await check_values((parameter, texts[parameter.name]) for parameter in parameters)
    stored = await _stored(
        {texts[parameter.name] for parameter in parameters if parameter.is_ssm}, ask, account, region
    )
    await _check_names(
        [(parameter.name, texts[parameter.name]) for parameter in parameters if parameter.type == _NAME],
        ask,
        account,
        region,
    )
    _check_types(((parameter, texts[parameter.name]) for parameter in parameters if parameter.is_ssm), stored)
    values: dict[str, Any] = {}
    resolved: dict[str, str] = {}
    for parameter in parameters:
        text = texts[parameter.name]
        if parameter.is_ssm:
            text = resolved[parameter.name] = stored[text][0]
        values[parameter.name] = items_of(text) if parameter.is_list else text
    await check_rules(template, values, ask, account, region)
    return ParameterValues(
        texts, values, resolved, frozenset(parameter.name for parameter in parameters if parameter.no_echo)
    )


def _texts(
    template: Template, given: Mapping[str, str | UsePrevious], previous: Mapping[str, Any]
) -> dict[str, str]:
    unknown = [name for name in given if name not in template.parameters]
    if unknown:
        raise ValidationError(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    texts: dict[str, str] = {}
    missing = []
    for name, parameter in template.parameters.items():
        value = given.get(name)
        if isinstance(value, UsePrevious):
            if name not in previous:
                raise ValidationError(
                    f"Invalid input for parameter key {name}. Cannot specify usePreviousValue as true for a parameter "
                    "key not in the previous template"
                )
            value = previous[name]
        if value is None:
            value = parameter.default
        if value is None:
            missing.append(name)
        else:
            texts[name] = str(value)
    if missing:
        raise ValidationError(f"Parameters: [{', '.join(missing)}] must have values")
    return texts


# --- Parameter Store ------------------------------------------------------------------------------------------------


async def _stored(
    names: Iterable[str], ask: AskService, account: str, region: str
) -> dict[str, tuple[str, str]]:
    """What Parameter Store has under these names, with or without a version: value and type."""
    asked = sorted(names)
    found = dict(
        zip(asked, await asyncio.gather(*(_get(name, ask, account, region) for name in asked)), strict=True)
    )
    missing = [name for name, one in found.items() if one is None]
    if missing:
        raise ValidationError(
            f"Unable to fetch parameters [{','.join(missing)}] from parameter store for this account."
        )
    return {name: one for name, one in found.items() if one is not None}


async def _get(name: str, ask: AskService, account: str, region: str) -> tuple[str, str] | None:
    try:
        answer = await ask(ServiceCall("ssm", "GetParameter", {"Name": name}, region, account, ""))
    except ServiceFailure as failure:
        if failure.code in ("ParameterNotFound", "ParameterVersionNotFound", "ValidationException"):
            return None
        raise ValidationError(failure.message or failure.code) from None
    return str(answer["Parameter"]["Value"]), str(answer["Parameter"]["Type"])


def _check_types(parameters: Iterable[tuple[Parameter, str]], stored: Mapping[str, tuple[str, str]]) -> None:
    secret, unfit = [], []
    for parameter, name in parameters:
        kind = stored[name][1]
        if kind == "SecureString":
            secret.append(name)
        elif (kind == "StringList") != parameter.is_list:
            unfit.append(name)
    if secret:
        raise ValidationError(
            f"Parameters [{','.join(secret)}] referenced by template have types not supported by CloudFormation."
        )
    if unfit:
        raise ValidationError(
            f"Types for SSM parameters [{','.join(unfit)}] defined in CFN template and SSM are incompatible"
        )


async def _check_names(parameters: list[tuple[str, str]], ask: AskService, account: str, region: str) -> None:
    for name, stored in parameters:
        if await _get(stored, ask, account, region) is None:
            raise ValidationError(
                f"Parameter validation failed: parameter value {stored} for parameter name {name} does not exist"
            )
