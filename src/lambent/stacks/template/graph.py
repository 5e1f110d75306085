"""Which resources need which: what has to be made before, and removed after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambent.stacks.errors import ValidationError
from lambent.stacks.template.functions import attribute_of, variables

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lambent.stacks.template.scope import Scope
    from lambent.stacks.template.template import Template


def graph(template: Template, scope: Scope) -> dict[str, frozenset[str]]:
    """The ids that each active resource needs: by Ref, Fn::GetAtt, Fn::Sub and DependsOn, and what those branches of
    Fn::If name that hold. Deletions run it backwards.

    A DependsOn of a resource whose condition does not hold is no need; a reference to one, also in an output, is an
    error. Raises ValidationError for that and for circles.
    """
    active = frozenset(scope.active)
    needs: dict[str, frozenset[str]] = {}
    missing: set[str] = set()
    for logical_id in scope.active:
        resource = template.resources[logical_id]
        found: set[str] = set()
        for part in (
            resource.properties,
            resource.metadata,
            resource.creation_policy,
            resource.update_policy,
        ):
            references(part, scope.conditions, found)
        found &= template.resources.keys()
        missing |= found - active
        found.update(name for name in resource.depends_on if name in active)
        needs[logical_id] = frozenset(found)
    _check_missing(missing, "Resources")
    missing = set()
    for output in template.outputs.values():
        if output.condition is None or scope.conditions[output.condition]:
            references(output.value, scope.conditions, missing)
    _check_missing((missing & template.resources.keys()) - active, "Outputs")
    check_circles(needs)
    return needs


def _check_missing(names: set[str], block: str) -> None:
    if names:
        raise ValidationError(
            f"Template format error: Unresolved resource dependencies [{', '.join(sorted(names))}] in the {block} "
            "block of the template"
        )


def references(value: Any, conditions: Mapping[str, bool] | None, into: set[str]) -> None:
    """Add the names that a value refers to, parameters included; with `conditions` of the branches that hold."""
    kind = type(value)
    if kind is list:
        for item in value:
            if type(item) is not str:
                references(item, conditions, into)
        return
    if kind is not dict:
        return
    if len(value) == 1:
        ((name, argument),) = value.items()
        if name == "Ref":
            if type(argument) is str:
                into.add(argument)
            return
        if name == "Fn::GetAtt":
            found = attribute_of(argument)
            if found is not None:
                into.add(found[0])
                references(found[1], conditions, into)
            return
        if name == "Fn::Sub":
            _sub(argument, conditions, into)
            return
        if name == "Fn::If" and conditions is not None and type(argument) is list and len(argument) == 3:
            holds = conditions.get(argument[0]) if type(argument[0]) is str else None
            if holds is not None:
                references(argument[1] if holds else argument[2], conditions, into)
                return
    for item in value.values():
        if type(item) is not str:
            references(item, conditions, into)


def _sub(argument: Any, conditions: Mapping[str, bool] | None, into: set[str]) -> None:
    own: dict[str, Any] = {}
    if type(argument) is list and len(argument) == 2 and type(argument[1]) is dict:
        argument, own = argument
        for item in own.values():
            references(item, conditions, into)
    if type(argument) is str:
        into.update(name.partition(".")[0] for name in variables(argument) if name not in own)


def check_circles(needs: Mapping[str, frozenset[str]]) -> None:
    """Raises ValidationError, with the resources of the circles, when some resources need each other."""
    waiting = {name: set(needed) for name, needed in needs.items()}
    dependants: dict[str, list[str]] = {}
    for name, needed in needs.items():
        for other in needed:
            dependants.setdefault(other, []).append(name)
    ready = [name for name, needed in waiting.items() if not needed]
    while ready:
        name = ready.pop()
        del waiting[name]
        for other in dependants.get(name, ()):
            left = waiting[other]
            left.discard(name)
            if not left:
                ready.append(other)
    if waiting:
        # What only needs a circle is not part of one.
        needed_by = {name for needed in waiting.values() for name in needed}
        while True:
            idle = [name for name in waiting if name not in needed_by]
            if not idle:
                break
            for name in idle:
                del waiting[name]
            needed_by = {name for needed in waiting.values() for name in needed}
        raise ValidationError(f"Circular dependency between resources: [{', '.join(waiting)}]")
