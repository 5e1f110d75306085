"""What a value of a template refers to: parameters, resources, and their attributes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from lambent.stacks.template.functions import attribute_of, function_of, variables

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lambent.stacks.changes.values import Path


OUTSIDE: Final = frozenset({"Fn::ImportValue", "Fn::GetStackOutput"})
"""Functions that give what other stacks say: something else another time, with nothing changed here."""


class Reference(NamedTuple):
    """`name`: a parameter, a resource, or one of OUTSIDE; `attribute`: of the resource, empty for what Ref gives."""

    name: str
    attribute: str = ""

    def __str__(self) -> str:
        return f"{self.name}.{self.attribute}" if self.attribute else self.name


def references(value: Any, conditions: Mapping[str, bool]) -> Iterator[Reference]:
    """All that the value refers to, in its order; of Fn::If only in the branch that holds, and its condition not."""
    if isinstance(value, dict):
        function = function_of(value)
        if function is None:
            for inner in value.values():
                yield from references(inner, conditions)
        else:
            yield from _of_function(function, value[function], conditions)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner, conditions)


def _of_function(function: str, argument: Any, conditions: Mapping[str, bool]) -> Iterator[Reference]:
    if function == "Ref":
        yield Reference(str(argument))
    elif function == "Fn::GetAtt":
        found = attribute_of(argument)
        if found is not None:
            resource, attribute = found
            yield Reference(resource, attribute if isinstance(attribute, str) else "")
            yield from references(attribute, conditions)
    elif function == "Fn::Sub":
        text, own = argument if isinstance(argument, list) and len(argument) == 2 else (argument, {})
        for name in variables(text) if isinstance(text, str) else ():
            if name not in own:
                resource, _, attribute = name.partition(".")
                yield Reference(resource, attribute)
        yield from references(own, conditions)
    elif function == "Fn::If" and isinstance(argument, list) and len(argument) == 3:
        yield from references(argument[1 if conditions.get(argument[0]) else 2], conditions)
    else:
        if function in OUTSIDE:
            yield Reference(function)
        yield from references(argument, conditions)


def within(value: Any, path: Path, conditions: Mapping[str, bool]) -> Any:
    """What stands in a template for the part of a value at `path`: the expression itself, or the function above it.

    None where there is nothing.
    """
    for index, part in enumerate(path):
        if isinstance(value, dict):
            function = function_of(value)
            if function == "Fn::If" and isinstance(value[function], list) and len(value[function]) == 3:
                name, holds, otherwise = value[function]
                return within(holds if conditions.get(name) else otherwise, path[index:], conditions)
            if function is not None:
                return value
            value = value.get(part)
        elif isinstance(value, list):
            # Items that are removed by AWS::NoValue move the others up: then the list as a whole is what stands there.
            if any(_may_vanish(item) for item in value) or int(part) >= len(value):
                return value
            value = value[int(part)]
        else:
            return None
    return value


def _may_vanish(item: Any) -> bool:
    return isinstance(item, dict) and ("Fn::If" in item or item == {"Ref": "AWS::NoValue"})
