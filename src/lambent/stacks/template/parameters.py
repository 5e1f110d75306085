"""The values of a template's parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from lambent.neighbours.service_calls import ServiceCall, ServiceFailure
from lambent.stacks.errors import ValidationError
from lambent.stacks.template.constraints import check_value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lambent.neighbours.service_calls import AskService
    from lambent.stacks.template.template import Parameter, Template

HIDDEN: Final = "****"
"""What is shown of parameters with NoEcho."""


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
    """The values for a stack. `previous`: the `given` of the deployed ones, {} for a new stack.

    Raises ValidationError for values that are missing, unknown or not allowed, in CloudFormation's words.
    """
    unknown = [name for name in given if name not in template.parameters]
    if unknown:
        raise ValidationError(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    texts: dict[str, str] = {}
    missing = []
    for name, parameter in template.parameters.items():
        value = given.get(name)
        if isinstance(value, UsePrevious):
            value = previous.get(name)
        if value is None:
            value = parameter.default
        if value is None:
            missing.append(name)
        else:
            texts[name] = str(value)
    if missing:
        raise ValidationError(f"Parameters: [{', '.join(missing)}] must have values")
    fetched = await _fetch(
        {texts[name] for name, parameter in template.parameters.items() if parameter.is_ssm},
        ask,
        account,
        region,
    )
    values: dict[str, Any] = {}
    resolved: dict[str, str] = {}
    for name, parameter in template.parameters.items():
        text = texts[name]
        if parameter.is_ssm:
            text = resolved[name] = fetched[text]
        check_value(parameter, text)
        values[name] = _value(parameter, text)
    return ParameterValues(
        texts,
        values,
        resolved,
        frozenset(name for name, parameter in template.parameters.items() if parameter.no_echo),
    )


def _value(parameter: Parameter, text: str) -> Any:
    if not parameter.is_list:
        return text
    return [part.strip() for part in text.split(",")] if text else []


async def _fetch(names: set[str], ask: AskService, account: str, region: str) -> dict[str, str]:
    """What Parameter Store has under these names."""
    found: dict[str, str] = {}
    missing: list[str] = []
    for name in sorted(names):
        call = ServiceCall("ssm", "GetParameter", {"Name": name}, region, account, "")
        try:
            found[name] = (await ask(call))["Parameter"]["Value"]
        except ServiceFailure as failure:
            if "NotFound" not in failure.code:
                raise ValidationError(failure.message or failure.code) from None
            missing.append(name)
    if missing:
        raise ValidationError(
            f"Unable to fetch parameters [{','.join(missing)}] from parameter store for this account."
        )
    return found
