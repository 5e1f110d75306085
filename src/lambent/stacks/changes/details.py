"""What changes in a resource, and why: by property, or by path with the values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias

from lambent.stacks.changes.decision import Recreation, recreation, worst
from lambent.stacks.changes.references import references, within
from lambent.stacks.changes.values import ABSENT, Leaf, leaves, text_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lambent.stacks.changes.change import Replacement
    from lambent.stacks.schemas import Schema

Detail: TypeAlias = dict[str, Any]

Fate: TypeAlias = Literal["added", "replaced", "conditional", "modified"]
"""What becomes of a resource that others refer to."""

HIDDEN: Final = "****"
"""What stands for a value that a NoEcho parameter is in."""

AUTOMATIC: Final[Detail] = {
    "Target": {"Attribute": "Properties", "RequiresRecreation": "Never"},
    "Evaluation": "Dynamic",
    "ChangeSource": "Automatic",
}
"""Nested stacks are always updated: their templates and parameters are looked at then."""

STACK_TAGS: Final[Detail] = {
    "Target": {"Attribute": "Tags", "RequiresRecreation": "Never"},
    "Evaluation": "Static",
    "ChangeSource": "DirectModification",
}
"""Tags of the stack, which its resources get, have changed."""


class Part(NamedTuple):
    """One attribute of a resource, in the template and resolved.

    `attribute`: "Properties", "Metadata"… `raw`: as it stands in the new template. `before`: what it was; `live`: what
    the new template gives with everything that is deployed as it is; `after`: with what will only be known then as
    Unknown.
    """

    attribute: str
    raw: Any
    before: Any
    live: Any
    after: Any


class Circumstances(NamedTuple):
    """What details depend on besides the resource: parameters whose values have changed, those that are secret, what
    becomes of the resources, and the conditions.
    """

    parameters: frozenset[str]
    secret: frozenset[str]
    fates: Mapping[str, Fate]
    conditions: Mapping[str, bool]


class _Cause(NamedTuple):
    source: str
    static: bool
    entity: str


def by_property(part: Part, schema: Schema | None, around: Circumstances) -> list[Detail]:
    """Details without values: one target a property or attribute, for each of its causes."""
    if part.attribute != "Properties":
        differs = any(True for _ in leaves(part.before, part.live))
        causes = _causes(part.raw, differs, around)
        return _told({"Attribute": part.attribute, "RequiresRecreation": "Never"}, causes, differs)
    details: list[Detail] = []
    before, live = part.before or {}, part.live or {}
    for name in {**before, **live, **part.raw}:
        found = list(leaves(before.get(name, ABSENT), live.get(name, ABSENT), (name,)))
        causes = _causes(part.raw.get(name), bool(found), around)
        if not found and not causes:
            continue
        # Where no difference is known yet, anything of the property may become another.
        may = found or [Leaf((name,), before.get(name, ABSENT), live.get(name, ABSENT))]
        asked = worst([recreation(schema, leaf) for leaf in may])
        details += _told(_target(schema, name, asked), causes, bool(found))
    return details


def by_path(part: Part, schema: Schema | None, around: Circumstances) -> list[Detail]:
    """Details with values: a target for each path at which something differs, for each of its causes."""
    details: list[Detail] = []
    for leaf in leaves(part.before, part.after):
        raw = within(part.raw, leaf.path, around.conditions)
        if part.attribute == "Properties":
            target = _target(schema, leaf.path[0], recreation(schema, leaf))
        else:
            target = {"Attribute": part.attribute, "RequiresRecreation": "Never"}
        target["Path"] = "/" + "/".join((part.attribute, *map(_escaped, leaf.path)))
        hidden = is_secret(raw, around)
        if leaf.before is not ABSENT:
            target["BeforeValue"] = HIDDEN if hidden else text_of(leaf.before)
        if leaf.after is not ABSENT:
            target["AfterValue"] = HIDDEN if hidden else text_of(leaf.after)
        target["AttributeChangeType"] = leaf.kind
        details += _told(target, _causes(raw, True, around), True)
    return details


def replacement_of(details: Iterable[Detail]) -> Replacement:
    """What the details mean for the resource as a whole.

    As in the API reference of ResourceChange: what always recreates and is known to happen replaces it; what may, may.
    """
    replacement: Replacement = "False"
    for detail in details:
        asked = detail["Target"].get("RequiresRecreation")
        if asked == "Always" and detail["Evaluation"] == "Static":
            return "True"
        if asked in ("Always", "Conditionally"):
            replacement = "Conditional"
    return replacement


def is_secret(raw: Any, around: Circumstances) -> bool:
    """Whether a NoEcho parameter is in what stands in the template."""
    return bool(around.secret) and any(
        reference.name in around.secret for reference in references(raw, around.conditions)
    )


def _told(target: dict[str, Any], causes: list[_Cause], differs: bool) -> list[Detail]:
    details: list[Detail] = [
        {
            "Target": target,
            "Evaluation": "Static" if cause.static else "Dynamic",
            "ChangeSource": cause.source,
            "CausingEntity": cause.entity,
        }
        for cause in causes
    ]
    if differs:
        # What a reference may have caused is not known to be somebody's change of the template.
        evaluation = "Dynamic" if causes else "Static"
        details.append({"Target": target, "Evaluation": evaluation, "ChangeSource": "DirectModification"})
    return details


def _causes(raw: Any, differs: bool, around: Circumstances) -> list[_Cause]:
    """Which references make a value another, or may.

    Ref of a resource that is changed in place stays what it is, attributes of it may not.
    """
    found: dict[_Cause, None] = {}
    for reference in references(raw, around.conditions):
        if reference.name in around.parameters:
            if differs:
                found[_Cause("ParameterReference", True, reference.name)] = None
            continue
        fate = around.fates.get(reference.name)
        if fate is None or (fate == "modified" and not reference.attribute):
            continue
        source = "ResourceAttribute" if reference.attribute else "ResourceReference"
        found[_Cause(source, fate in ("added", "replaced"), str(reference))] = None
    return list(found)


def _target(schema: Schema | None, name: str, asked: Recreation) -> dict[str, Any]:
    if schema is not None and name == schema.tag_property:
        return {"Attribute": "Tags", "RequiresRecreation": asked}
    return {"Attribute": "Properties", "Name": name, "RequiresRecreation": asked}


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
