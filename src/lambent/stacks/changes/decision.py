"""What has to be done about a resource whose properties are not those that are deployed."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import msgspec

from lambent.stacks.changes.values import ABSENT, Leaf, Path, ends, leaves

if TYPE_CHECKING:
    from lambent.stacks.schemas import Schema

Recreation: TypeAlias = Literal["Never", "Conditionally", "Always"]

_IMPACT: Final[dict[Recreation, int]] = {"Never": 0, "Conditionally": 1, "Always": 2}


class Kind(enum.Enum):
    """What an update does with a resource."""

    NOTHING = "nothing"
    IN_PLACE = "in place"
    REPLACE = "replace"


class Decision(msgspec.Struct, frozen=True):
    """What is done, and the paths of the properties that differ; `replacing`: those of them that cannot be changed in
    place.
    """

    kind: Kind
    changed: tuple[Path, ...] = ()
    replacing: tuple[Path, ...] = ()


def decide(schema: Schema | None, old: dict[str, Any], new: dict[str, Any]) -> Decision:
    """From deployed properties to those that are wanted.

    Properties of which the schema says that they replace conditionally are tried in place: the provider raises
    ReplacementNeeded when it cannot. Without a schema everything is changed in place.
    """
    found = list(leaves(old, new))
    if not found:
        return Decision(Kind.NOTHING)
    replacing = tuple(leaf.path for leaf in found if recreation(schema, leaf) == "Always")
    return Decision(
        Kind.REPLACE if replacing else Kind.IN_PLACE, tuple(leaf.path for leaf in found), replacing
    )


def recreation(schema: Schema | None, leaf: Leaf) -> Recreation:
    """Whether this difference of properties replaces the resource: the most that anything within it asks for.

    A custom resource is replaced when its handler says so by another physical id.
    """
    if schema is None:
        return "Never"
    if is_custom(schema.type):
        return "Conditionally"
    most: Recreation = "Never"
    for value in (leaf.before, leaf.after):
        if value is ABSENT:
            continue
        for path in ends(value, leaf.path):
            asked = schema.replaces(path)
            if _IMPACT[asked] > _IMPACT[most]:
                most = asked
            if most == "Always":
                return most
    return most


def worst(several: list[Recreation]) -> Recreation:
    """The one with the most impact."""
    return max(several, key=_IMPACT.__getitem__, default="Never")


def is_custom(type_name: str) -> bool:
    """Whether a resource of that type is made by somebody's own function."""
    return type_name.startswith("Custom::") or type_name == "AWS::CloudFormation::CustomResource"
