"""The intrinsic functions' names, and what a reference is made of."""

from __future__ import annotations

import re
from typing import Any, Final

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
EXTENSIONS: Final = frozenset({"Fn::Length", "Fn::ToJsonString"})
"""Those that AWS::LanguageExtensions takes out."""

VARIABLE: Final = re.compile(r"\$\{([^}]*)\}")
"""In the text of Fn::Sub; `${!name}` is `${name}` as it stands."""


def function_of(value: dict[str, Any]) -> str | None:
    """The name of the function that a map stands for, if it stands for one."""
    if len(value) == 1:
        name = next(iter(value))
        if name == "Ref" or name[:4] == "Fn::":
            return name
    return None


def variables(text: str) -> list[str]:
    """What the text of Fn::Sub names, without what is written `${!name}`."""
    return [name.strip() for name in VARIABLE.findall(text) if name[:1] != "!"]


def attribute_of(argument: Any) -> tuple[str, Any] | None:
    """Resource and attribute of an Fn::GetAtt, in either form; None where it has neither."""
    if isinstance(argument, str):
        resource, _, attribute = argument.partition(".")
        return (resource, attribute) if resource and attribute else None
    if isinstance(argument, list) and len(argument) == 2 and isinstance(argument[0], str) and argument[0]:
        return (argument[0], argument[1]) if argument[1] else None
    return None
