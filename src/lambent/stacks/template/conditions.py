"""Conditions: which of them hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambent.stacks.errors import ValidationError
from lambent.stacks.template import functions as fn
from lambent.stacks.template.shapes import NAMELESS, NO_CONDITION
from lambent.stacks.template.unknown import REMOVED

if TYPE_CHECKING:
    from lambent.stacks.template.scope import Scope


class Conditions:
    """Evaluates the conditions of a template, each once."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self.known: dict[str, bool] = {}
        """Those that are evaluated."""
        self._open: dict[str, None] = {}

    def evaluate(self) -> None:
        """Tell of each condition whether it holds. Raises ValidationError."""
        for name in self._scope.template.conditions:
            self.named(name, "Condition")

    def named(self, name: str, function: str) -> bool:
        """Whether the condition of that name, which a function names, holds. Raises ValidationError."""
        if type(name) is not str:
            raise ValidationError(fn.IF_CONDITION if function == "Fn::If" else NAMELESS)
        known = self.known.get(name)
        if known is not None:
            return known
        condition = self._scope.template.conditions.get(name)
        if condition is None:
            raise ValidationError(f"Template error: unresolved condition dependency {name} in {function}")
        if name in self._open:
            raise ValidationError(
                f"Template error: Found circular condition dependency between {name} and {list(self._open)[-1]}"
            )
        self._open[name] = None
        holds = self.known[name] = self._holds(condition)
        del self._open[name]
        return holds

    def _holds(self, condition: Any) -> bool:
        if type(condition) is not dict or len(condition) != 1:
            raise ValidationError(NO_CONDITION)
        ((function, argument),) = condition.items()
        if function == "Condition":
            return self.named(argument, function)
        if function == "Fn::Equals":
            if type(argument) is not list or len(argument) != 2:
                raise ValidationError(fn.EQUALS)
            # Not `resolve`: all conditions together may make as much as one value.
            first, second = map(self._scope.part, argument)
            return comparable(first) == comparable(second)
        if function == "Fn::Not":
            if type(argument) is not list or len(argument) != 1:
                raise ValidationError(fn.NOT)
            return not self._holds(argument[0])
        if function in ("Fn::And", "Fn::Or"):
            if type(argument) is not list or not 2 <= len(argument) <= 10:
                raise ValidationError(fn.AND if function == "Fn::And" else fn.OR)
            found = [self._holds(part) for part in argument]
            return all(found) if function == "Fn::And" else any(found)
        raise ValidationError(NO_CONDITION)


def comparable(value: Any) -> str | list[Any]:
    """What Fn::Equals compares: texts, so that 1 equals "1" and true "true", or lists of them."""
    if isinstance(value, list):
        return [comparable(item) for item in value]
    return "" if value is None or value is REMOVED else fn.text_of(value, fn.EQUALS)
