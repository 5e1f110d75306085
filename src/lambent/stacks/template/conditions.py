"""Conditions: which of them hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lambent.stacks.errors import ValidationError

if TYPE_CHECKING:
    from lambent.stacks.template.scope import Scope

EQUALS: Final = "Template error: every Fn::Equals object requires a list of 2 string parameters."
NOT: Final = "Template error: every Fn::Not object requires a list of 1 boolean parameter."


def several(function: str) -> str:
    """What is wrong with the argument of an Fn::And or Fn::Or."""
    return f"Template error: every {function} object requires a list of at least 2 and at most 10 boolean parameters."


class Conditions:
    """Evaluates the conditions of a template, each once."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._known: dict[str, bool] = {}
        self._open: set[str] = set()

    def evaluate(self, into: dict[str, bool]) -> None:
        """Tell of each condition whether it holds. Raises ValidationError."""
        self._known = into
        for name in self._scope.template.conditions:
            self.named(name)

    def named(self, name: Any) -> bool:
        """Whether the condition of that name holds."""
        known = self._known.get(name)
        if known is not None:
            return known
        condition = self._scope.template.conditions.get(name)
        if condition is None:
            raise ValidationError(f"Template error: unresolved condition dependency {name} in Conditions")
        if name in self._open:
            raise ValidationError(f"Template error: Found circular condition dependency: {name}")
        self._open.add(name)
        holds = self._known[name] = self.holds(condition)
        self._open.discard(name)
        return holds

    def holds(self, condition: Any) -> bool:
        """Whether what it is made of holds."""
        if type(condition) is dict and len(condition) == 1:
            ((function, argument),) = condition.items()
            if function == "Condition":
                return self.named(argument)
            if function == "Fn::Equals":
                return self._equals(argument)
            if function == "Fn::Not":
                if type(argument) is not list or len(argument) != 1:
                    raise ValidationError(NOT)
                return not self.holds(argument[0])
            if function in ("Fn::And", "Fn::Or"):
                if type(argument) is not list or not 2 <= len(argument) <= 10:
                    raise ValidationError(several(function))
                found = [self.holds(part) for part in argument]
                return all(found) if function == "Fn::And" else any(found)
            condition = self._scope.resolve(condition)
        if isinstance(condition, bool):
            return condition
        if condition in ("true", "false"):
            return bool(condition == "true")
        raise ValidationError(
            "Template format error: Conditions can only be boolean operations on parameters and other conditions"
        )

    def _equals(self, argument: Any) -> bool:
        if type(argument) is not list or len(argument) != 2:
            raise ValidationError(EQUALS)
        left, right = (self._comparable(self._scope.resolve(side)) for side in argument)
        return bool(left == right)

    def _comparable(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._comparable(item) for item in value]
        if isinstance(value, dict):
            return {name: self._comparable(item) for name, item in value.items()}
        return "" if value is None else self._scope.text(value, EQUALS)
