"""What the value of a parameter has to be.

Source: CloudFormation User Guide, "Parameters: properties". The words of errors are CloudFormation's; those of
AllowedPattern, AllowedValues and ConstraintDescription are recorded in issues of the AWS CLI and others, those of
lengths and bounds in Eucalyptus, which copied them.
"""

from __future__ import annotations

import functools
import math
import re
from typing import TYPE_CHECKING, Final

from lambent.stacks.errors import ValidationError
from lambent.stacks.template.matching import matching

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lambent.stacks.template.template import Parameter

_CLASSES: Final = {
    "Alnum": "A-Za-z0-9", "Alpha": "A-Za-z", "Blank": r" \t", "Digit": "0-9", "IsAlphabetic": "A-Za-z",
    "IsDigit": "0-9", "L": "A-Za-z", "Ll": "a-z", "Lower": "a-z", "Lu": "A-Z", "N": "0-9", "Nd": "0-9",
    "Punct": r"!-/:-@\[-`{-~", "Space": r"\s", "Upper": "A-Z", "XDigit": "0-9A-Fa-f",
}  # fmt: skip
"""Of Java's expressions, which Python's do not have."""
_LONGEST_PATTERN: Final = 8_192
"""Characters of an AllowedPattern; a longer one takes its time to be read."""
_CLASS: Final = re.compile(r"\\p\{(\w+)\}|\\.|[\[\]]")


async def check_values(values: Iterable[tuple[Parameter, str]]) -> None:
    """Raises ValidationError in CloudFormation's words where a value is not what its parameter allows.

    What is checked of an SSM type is the name of the parameter in Parameter Store, not what that has.
    """
    wanted: list[tuple[Parameter, re.Pattern[str], list[str]]] = []
    for parameter, text in values:
        items = items_of(text) if parameter.is_list and not parameter.is_ssm else [text]
        problem = _problem(parameter, text, items)
        if problem is not None:
            raise _refused(parameter, problem)
        if parameter.allowed_pattern is not None:
            wanted.append((parameter, _pattern(parameter.name, parameter.allowed_pattern), items))
    if wanted:
        matched = await matching([(pattern, items) for _, pattern, items in wanted])
        for (parameter, _, _), matches in zip(wanted, matched, strict=True):
            if not matches:
                raise _refused(parameter, f"match pattern {parameter.allowed_pattern}")


def _refused(parameter: Parameter, problem: str) -> ValidationError:
    if parameter.constraint_description is not None:
        return ValidationError(
            f"Parameter {parameter.name} failed to satisfy constraint: {parameter.constraint_description}"
        )
    return ValidationError(f"Parameter '{parameter.name}' must {problem}")


def _problem(parameter: Parameter, text: str, items: list[str]) -> str | None:
    for item in items:
        if parameter.allowed_values is not None and item not in parameter.allowed_values:
            return "be one of AllowedValues"
    if parameter.type in ("Number", "List<Number>"):
        for item in items:
            number = _number(item)
            if number is None:
                return "be a number" if parameter.type == "Number" else "be a list of numbers"
            if parameter.min_value is not None and number < parameter.min_value:
                return f"be a number not less than {_plain(parameter.min_value)}"
            if parameter.max_value is not None and number > parameter.max_value:
                return f"be a number not greater than {_plain(parameter.max_value)}"
    if parameter.min_length is not None and len(text) < parameter.min_length:
        return f"contain at least {parameter.min_length} characters"
    if parameter.max_length is not None and len(text) > parameter.max_length:
        return f"contain at most {parameter.max_length} characters"
    return None


def items_of(text: str) -> list[str]:
    """The items of a comma-delimited list; one empty text for nothing, as in CloudFormation."""
    return [part.strip() for part in text.split(",")]


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and "_" not in text else None


def _plain(number: float) -> str:
    return str(int(number)) if number == int(number) else str(number)


@functools.lru_cache(256)
def _pattern(name: str, pattern: str) -> re.Pattern[str]:
    within = 0
    if len(pattern) > _LONGEST_PATTERN:
        raise ValidationError(
            f"Parameter '{name}' AllowedPattern may not be longer than {_LONGEST_PATTERN} characters."
        )

    def translated(match: re.Match[str]) -> str:
        nonlocal within
        letters = _CLASSES.get(match[1] or "")
        if letters is not None:
            return letters if within else f"[{letters}]"
        within = {"[": 1, "]": 0}.get(match[0], within)
        return match[0]

    try:
        return re.compile(_CLASS.sub(translated, pattern), re.ASCII)
    except (re.error, RecursionError, OverflowError):
        raise ValidationError(
            f"Parameter '{name}' AllowedPattern must be a valid regular expression."
        ) from None
