"""What intrinsic functions see: parameters, pseudo parameters, mappings, conditions, and resources that are there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from lambent.stacks.errors import ValidationError
from lambent.stacks.template.conditions import Conditions
from lambent.stacks.template.functions import unsupported
from lambent.stacks.template.intrinsics import FUNCTIONS
from lambent.stacks.template.pseudo import NO_VALUE
from lambent.stacks.template.resources import is_custom
from lambent.stacks.template.unknown import REMOVED, UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lambent.stacks.template.pseudo import Pseudo
    from lambent.stacks.template.template import Template


_ZONES: Final = {
    "ap-northeast-1": "acd",
    "ap-northeast-2": "abcd",
    "ca-central-1": "abd",
    "cn-north-1": "ab",
    "us-east-1": "abcdef",
    "us-west-1": "ab",
    "us-west-2": "abcd",
}
"""As EC2's DescribeAvailabilityZones answers, where they are not a, b and c."""

MOST_MADE: Final = 4_000_000
"""Characters that the functions in one value may make together; each item of a list or a map counts as sixteen."""
MOST_MADE_IN_ALL: Final = 200_000_000
"""The same of all values that one scope resolves."""
TOO_MUCH: Final = (
    "Template error: the intrinsic functions of the template make texts that are too long together."
)


class ResourceValues(NamedTuple):
    """A resource that is there: what Ref gives, and what Fn::GetAtt gives by the attribute's full name."""

    ref: str
    attributes: Mapping[str, Any]


def no_resources(logical_id: str) -> ResourceValues | None:
    """Nothing is made yet."""
    return None


def no_imports(name: str) -> str:
    """Nobody exports anything."""
    raise ValidationError(f"No export named {name} found.")


def no_outputs(stack: str, output: str, region: str, role: str) -> str:
    """There is no other stack."""
    raise ValidationError(f"Stack with id {stack} does not exist")


def usual_zones(region: str) -> list[str]:
    """The availability zones that a region has for most accounts."""
    return [f"{region}{letter}" for letter in _ZONES.get(region, "abc")]


class Scope:
    """Resolves values of a template."""

    def __init__(
        self,
        template: Template,
        parameters: Mapping[str, Any],
        pseudo: Pseudo,
        *,
        resources: Callable[[str], ResourceValues | None] = no_resources,
        imports: Callable[[str], str] = no_imports,
        zones: Callable[[str], list[str]] = usual_zones,
        outputs: Callable[[str, str, str, str], str] = no_outputs,
    ) -> None:
        """Evaluates the conditions. Raises ValidationError where one cannot be.

        `parameters`: what Ref gives, by name. `resources`: what is known of a logical id, None while it is not made.
        `imports`: the value of an export. `zones`: availability zones of the stack's region. `outputs`: of another
        stack, by its name, the output's, region and role (Fn::GetStackOutput). All of them raise ValidationError.
        """
        self.template = template
        self.pseudo = pseudo
        self.resources = resources
        self.imports = imports
        self.zones = zones
        self.stack_output = outputs
        self._values: dict[str, Any] = {**pseudo.values(), **parameters, NO_VALUE: REMOVED}
        self._active: frozenset[str] = frozenset()
        self._left = MOST_MADE
        self._left_in_all = MOST_MADE_IN_ALL
        self._evaluated = Conditions(self)
        self.conditions: dict[str, bool] = self._evaluated.known
        """Whether each condition holds."""
        self._evaluated.evaluate()
        self.active: list[str] = [
            resource.logical_id
            for resource in template.resources.values()
            if resource.condition is None or self.conditions[resource.condition]
        ]
        """Logical ids of the resources whose condition holds, in the template's order."""
        self._active = frozenset(self.active)

    def resolve(self, value: Any) -> Any:
        """The value with all functions in it replaced by what they give, UNKNOWN where they need what is not there.

        What AWS::NoValue stands in is removed; a value that is nothing else becomes None. Raises ValidationError.
        """
        self._left = MOST_MADE
        result = self.part(value)
        return None if result is REMOVED else result

    def spend(self, units: int) -> None:
        """Raises ValidationError when functions make more than any template needs.

        What a function makes is paid for before it is made: 50 KB of Fn::Join and Fn::Split can stand for terabytes.
        """
        self._left -= units
        self._left_in_all -= units
        if self._left < 0 or self._left_in_all < 0:
            raise ValidationError(TOO_MUCH)

    def part(self, value: Any) -> Any:
        """The same of a part of a value; REMOVED where it is to be left out."""
        kind = type(value)
        if kind is dict:
            if len(value) == 1:
                for name, argument in value.items():
                    function = FUNCTIONS.get(name)
                    if function is not None:
                        made = function(self, argument)
                        self.spend(len(made) if type(made) is str else size_of(made, self._left))
                        return made
                    if name[:4] == "Fn::":
                        raise unsupported(name)
            part = self.part
            return {
                name: resolved
                for name, item in value.items()
                if (resolved := item if type(item) is str else part(item)) is not REMOVED
            }
        if kind is list:
            part = self.part
            return [
                resolved
                for item in value
                if (resolved := item if type(item) is str else part(item)) is not REMOVED
            ]
        return value

    def holds(self, condition: str) -> bool:
        """Whether the condition of that name does. Raises ValidationError when there is none."""
        known = self.conditions.get(condition) if type(condition) is str else None
        return self._evaluated.named(condition, "Fn::If") if known is None else known

    def ref(self, name: str) -> Any:
        """What Ref gives for a parameter, pseudo parameter or resource."""
        try:
            return self._values[name]
        except KeyError:
            pass
        if name not in self._active:
            raise _unresolved(name)
        values = self.resources(name)
        return UNKNOWN if values is None else values.ref

    def variable(self, name: str) -> Any:
        """What a variable of Fn::Sub gives: what Ref does, or with a dot what Fn::GetAtt does."""
        if name in self._values:
            return self._values[name]
        resource, dot, attribute = name.partition(".")
        return self.attribute(resource, attribute) if dot else self.ref(name)

    def attribute(self, logical_id: str, name: str) -> Any:
        """What Fn::GetAtt gives."""
        resource = self.template.resources.get(logical_id)
        if resource is None:
            raise ValidationError(
                f"Template error: instance of Fn::GetAtt references undefined resource {logical_id}"
            )
        if logical_id not in self._active:
            raise _unresolved(logical_id)
        values = self.resources(logical_id)
        if values is None:
            return UNKNOWN
        if name in values.attributes:
            return values.attributes[name]
        found: Any = values.attributes
        for step in name.split("."):
            if not isinstance(found, dict) or step not in found:
                break
            found = found[step]
        else:
            return found
        if is_custom(resource.type):
            raise ValidationError(
                f"CustomResource attribute error: Vendor response doesn't contain {name} attribute in object "
                f"{self.pseudo.stack_id}|{logical_id}"
            )
        if resource.type == "AWS::CloudFormation::Stack":
            raise ValidationError(
                f"Template error: resource {logical_id} does not support attribute type {name} in Fn::GetAtt"
            )
        raise ValidationError(f"Requested attribute {name} does not exist in schema for {resource.type}")

    def mapped(self, names: list[str]) -> Any:
        """What a mapping has, by its name, key and attribute; None for nothing."""
        found: Any = self.template.mappings
        for name in names:
            # Before transforms a mapping is whatever they are going to make of it.
            if type(found) is not dict or name not in found:
                return None
            found = found[name]
        return found


def size_of(value: Any, most: int) -> int:
    """Characters of all texts in a value and sixteen for each item, counted no further than `most`."""
    total, waiting = 0, [value]
    while waiting and total <= most:
        here = waiting.pop()
        if isinstance(here, str):
            total += len(here)
        elif isinstance(here, dict):
            total += 16 * len(here) + sum(map(len, here))
            waiting.extend(here.values())
        elif isinstance(here, list):
            total += 16 * len(here)
            waiting.extend(here)
    return total


def _unresolved(name: str) -> ValidationError:
    """For a resource that is not in the template, or whose condition does not hold."""
    return ValidationError(
        f"Template format error: Unresolved resource dependencies [{name}] in the Resources block of the template"
    )
