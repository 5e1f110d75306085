"""The intrinsic functions: their names, what their arguments look like, and what is said of others.

Sources: CloudFormation Template Reference, "Intrinsic function reference"; the words of errors as CloudFormation
answers them, as far as they are recorded (LocalStack's snapshots, AWS's articles, issues of cfn-lint, SAM and CDK).
"""

from __future__ import annotations

import re
from typing import Any, Final

from lambent.stacks.errors import ValidationError

SUPPORTED: Final = (
    "Fn::Base64", "Fn::GetAtt", "Fn::GetAZs", "Fn::ImportValue", "Fn::Join", "Fn::Split", "Fn::FindInMap",
    "Fn::Select", "Ref", "Fn::Equals", "Fn::If", "Fn::Not", "Condition", "Fn::And", "Fn::Or", "Fn::Contains",
    "Fn::EachMemberEquals", "Fn::EachMemberIn", "Fn::ValueOf", "Fn::ValueOfAll", "Fn::RefAll", "Fn::Sub", "Fn::Cidr",
)  # fmt: skip
"""In the order in which CloudFormation lists them when it meets another."""

BOOLEAN: Final = frozenset({"Fn::And", "Fn::Equals", "Fn::Not", "Fn::Or"})
"""Only conditions and rules have these."""
RULES_ONLY: Final = frozenset(
    {
        "Fn::Contains",
        "Fn::EachMemberEquals",
        "Fn::EachMemberIn",
        "Fn::RefAll",
        "Fn::ValueOf",
        "Fn::ValueOfAll",
    }
)
FOR_EACH: Final = "Fn::ForEach::"

_VARIABLE: Final = re.compile(r"\$\{([^}]*)\}")

AND: Final = (
    "Template error: every Fn::And object requires a list of at least 2 and at most 10 boolean parameters."
)
BASE64: Final = "Template error: every Fn::Base64 object must have a String-typed value."
CIDR: Final = (
    "Template error: every Fn::Cidr object requires two parameters, (1) a CIDR block and (2) the number of CIDRs to "
    "generate, and an optional third, the number of subnet bits"
)
EQUALS: Final = "Template error: every Fn::Equals object requires a list of 2 string parameters."
FIND_IN_MAP: Final = (
    "Template error: every Fn::FindInMap object requires three parameters, the map name, map key and the attribute "
    "for return value"
)
GET_ATT: Final = (
    "Template error: every Fn::GetAtt object requires two non-empty parameters, the resource name and the resource "
    "attribute"
)
GET_AZS: Final = "Template error: every Fn::GetAZs object must have a String-typed value."
IF: Final = "Template error: Fn::If requires a list argument with three elements"
IF_CONDITION: Final = (
    "Template error: Fn::If requires a list argument with the first element being a condition"
)
IMPORT: Final = (
    "Template error: the attribute in Fn::ImportValue must be a string or a function that returns a string"
)
IMPORT_DEPENDS: Final = (
    "Template error: the attribute in Fn::ImportValue must not depend on any resources, imported values, or "
    "Fn::GetAZs"
)
JOIN: Final = (
    "Template error: every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings "
    "to be joined or a function that returns a list of strings (such as Fn::GetAZs) to be joined."
)
LENGTH: Final = "Template error: Fn::Length requires a list or a function that returns a list"
NOT: Final = "Template error: every Fn::Not object requires a list of 1 boolean parameter."
NOT_COLLAPSED: Final = "Template error: Fn::Equals cannot be partially collapsed"
"""Strange, but what CloudFormation says of all boolean functions outside of conditions."""
OR: Final = (
    "Template error: every Fn::Or object requires a list of at least 2 and at most 10 boolean parameters."
)
REF: Final = "Template error: every Ref object must have a single String value."
SELECT: Final = (
    "Template error: Fn::Select requires a list argument with two elements: an integer index and a list"
)
SELECT_INDEX: Final = (
    "Template error: Fn::Select requires a list argument with a valid index value as its first element"
)
SPLIT: Final = (
    "Template error: every Fn::Split object requires two parameters, (1) a string delimiter and (2) a string to be "
    "split or a function that returns a string to be split."
)
STACK_OUTPUT: Final = (
    "Template error: every Fn::GetStackOutput object requires a map with StackName and OutputName, and optionally "
    "Region and RoleArn"
)
SUB: Final = (
    "Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a string as "
    "first argument, and an optional second argument to specify a mapping of values to replace in the string"
)
SUB_KEYS: Final = (
    "Template error: every key of the context object of every Fn::Sub object must contain only alphanumeric "
    "characters and underscores"
)
SUB_NAMES: Final = (
    "Template error: variable names in Fn::Sub syntax must contain only alphanumeric characters, underscores, periods, "
    "and colons"
)
SUB_VALUES: Final = (
    "Template error: every value of the context object of every Fn::Sub object must be a string or a function that "
    "returns a string"
)


def function_of(value: dict[str, Any]) -> str | None:
    """The name of the function that a map stands for, if it stands for one."""
    if len(value) == 1:
        name = next(iter(value))
        if name == "Ref" or name[:4] == "Fn::":
            return name
    return None


def parted(text: str) -> list[str]:
    """The text of Fn::Sub, parted at its variables: text, name, text, …, text; `!name` is `${name}` as it stands."""
    # Behind the last brace there is none, and looking for it from every "${" there would take its time.
    end = text.rfind("}") + 1
    parts = _VARIABLE.split(text[:end])
    parts[-1] += text[end:]
    return parts


def variables(text: str) -> list[str]:
    """What the text of Fn::Sub names, without what is written `${!name}`."""
    return [name.strip() for name in parted(text)[1::2] if name[:1] != "!"]


def attribute_of(argument: Any) -> tuple[str, Any] | None:
    """Resource and attribute of an Fn::GetAtt, in either form; None where it has neither."""
    if isinstance(argument, str):
        resource, _, attribute = argument.partition(".")
        return (resource, attribute) if resource and attribute else None
    if (
        isinstance(argument, list)
        and len(argument) == 2
        and isinstance(argument[0], str)
        and isinstance(argument[1], str | dict)
        and argument[0]
        and argument[1]
    ):
        return argument[0], argument[1]
    return None


def unsupported(name: str) -> ValidationError:
    """For a function that there is not, in CloudFormation's words."""
    return ValidationError(
        f"Template error: encountered unsupported function: {name} Supported functions are: [{', '.join(SUPPORTED)}]"
    )


def text_of(value: Any, otherwise: str) -> str:
    """A scalar as CloudFormation joins it. Raises ValidationError with `otherwise` for a list, a map or nothing."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    raise ValidationError(otherwise)
