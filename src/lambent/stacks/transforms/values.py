"""Parameters of transforms: the functions that CloudFormation evaluates in them before a transform sees them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from lambent.stacks.errors import ValidationError

if TYPE_CHECKING:
    from collections.abc import Mapping

_REFERENCE: Final = re.compile(r"\$\{([^!{}][^{}]*)\}")


class Values:
    """Resolves what a transform is given: Ref of parameters and pseudo parameters, Fn::Sub, Fn::Join, Fn::FindInMap,
    Fn::Select, Fn::Split, Fn::If of conditions that are told; resources have no values yet.

    `known`: parameters and pseudo parameters. `template`: whose Mappings are looked into.
    """

    def __init__(self, known: Mapping[str, Any], template: Mapping[str, Any]) -> None:
        self._known = known
        self._mappings = template.get("Mappings")

    def parameters(self, transform: str, given: Any) -> dict[str, Any]:
        """All parameters of a transform. Raises ValidationError."""
        if given is None:
            return {}
        if not isinstance(given, dict):
            raise ValidationError("Key Parameters of transform definition must be a map.")
        return {name: self._parameter(transform, name, value) for name, value in given.items()}

    def _parameter(self, transform: str, name: str, value: Any) -> Any:
        try:
            resolved = self.resolve(value)
        except _Unresolvable:
            raise _not_plain(transform, name) from None
        plain = resolved if isinstance(resolved, list) else [resolved]
        if any(isinstance(item, (dict, list)) or item is None for item in plain):
            raise _not_plain(transform, name)
        return resolved

    def resolve(self, value: Any) -> Any:
        """The value without functions."""
        if isinstance(value, list):
            return [self.resolve(item) for item in value]
        if not isinstance(value, dict):
            return value
        if len(value) != 1:
            return {name: self.resolve(item) for name, item in value.items()}
        ((name, argument),) = value.items()
        if name == "Ref":
            return self._ref(argument)
        if name == "Fn::Sub":
            return self._sub(argument)
        if name.startswith("Fn::"):
            return self._function(name, self.resolve(argument))
        return {name: self.resolve(argument)}

    def _ref(self, name: Any) -> Any:
        if not isinstance(name, str) or name not in self._known:
            raise _Unresolvable
        return self._known[name]

    def _sub(self, argument: Any) -> str:
        text, own = argument, {}
        if isinstance(argument, list) and len(argument) == 2 and isinstance(argument[1], dict):
            text, own = argument[0], {name: self.resolve(value) for name, value in argument[1].items()}
        if not isinstance(text, str):
            raise _Unresolvable

        def replace(found: re.Match[str]) -> str:
            name = found[1].strip()
            return _text(own[name] if name in own else self._ref(name))

        return _REFERENCE.sub(replace, text).replace("${!", "${")

    def _function(self, name: str, argument: Any) -> Any:
        match name, argument:
            case "Fn::Join", [str(delimiter), [*items]]:
                return delimiter.join(_text(item) for item in items)
            case "Fn::Split", [str(delimiter), str(text)]:
                return text.split(delimiter)
            case "Fn::Select", [index, [*items]] if str(index).isdigit() and int(index) < len(items):
                return items[int(index)]
            case "Fn::FindInMap", [str(table), row, column]:
                try:
                    return self._mappings[table][_text(row)][_text(column)]  # type: ignore[index]
                except (KeyError, TypeError):
                    raise _Unresolvable from None
        raise _Unresolvable


class _Unresolvable(Exception):
    """Not to be known before resources are made."""


def _not_plain(transform: str, name: str) -> ValidationError:
    return ValidationError(
        f"The value of parameter {name} under transform {transform} must resolve to a string, number, boolean or a "
        "list of any of these."
    )


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(_text(item) for item in value)
    if isinstance(value, dict):
        raise _Unresolvable
    return str(value)
