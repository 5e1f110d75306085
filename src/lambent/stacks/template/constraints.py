"""What the value of a parameter has to be."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lambent.stacks.errors import ValidationError

if TYPE_CHECKING:
    from lambent.stacks.template.template import Parameter


def check_value(parameter: Parameter, text: str) -> None:
    """Raises ValidationError in CloudFormation's words where a value is not what its parameter allows."""
    problem = _problem(parameter, text)
    if problem is None:
        return
    if parameter.constraint_description is not None:
        raise ValidationError(
            f"Parameter {parameter.name} failed to satisfy constraint: {parameter.constraint_description}"
        )
    raise ValidationError(f"Parameter '{parameter.name}' must {problem}")


def _problem(parameter: Parameter, text: str) -> str | None:
    items = [text]
    if parameter.type == "CommaDelimitedList" or parameter.type.startswith("List<"):
        items = [part.strip() for part in text.split(",")]
    for item in items:
        if parameter.allowed_values is not None and item not in parameter.allowed_values:
            return "be one of AllowedValues"
        if parameter.type in ("Number", "List<Number>"):
            try:
                number = float(item)
            except ValueError:
                return "be a number" if parameter.type == "Number" else "be a list of numbers"
            if parameter.min_value is not None and number < parameter.min_value:
                return f"be a number not less than {parameter.min_value:g}"
            if parameter.max_value is not None and number > parameter.max_value:
                return f"be a number not greater than {parameter.max_value:g}"
        if parameter.allowed_pattern is not None and not re.fullmatch(parameter.allowed_pattern, item):
            return f"match pattern {parameter.allowed_pattern}"
        if parameter.min_length is not None and len(item) < parameter.min_length:
            return f"contain at least {parameter.min_length} characters"
        if parameter.max_length is not None and len(item) > parameter.max_length:
            return f"contain at most {parameter.max_length} characters"
    return None
