"""What a template changes in what is deployed: the changes of a change set.

After what CloudFormation has been recorded to say (LocalStack's snapshots of AWS, the change sets in AWS's user
guide). Without property values it goes by the templates: attributes of a resource that changes may change. With them it
goes by values, where attributes of a resource that is changed in place are taken for what they are now, and only those
of new and replaced ones are not known.
"""

from __future__ import annotations

import asyncio
import time
from collections import ChainMap
from typing import TYPE_CHECKING, Any, Final

from lambent.stacks.changes import details
from lambent.stacks.changes.change import Difference, PolicyAction, ResourceChange, View
from lambent.stacks.changes.contexts import context
from lambent.stacks.changes.details import AUTOMATIC, STACK_TAGS, Circumstances, Fate, Part
from lambent.stacks.changes.importing import check_import
from lambent.stacks.changes.order import names_in, ordered
from lambent.stacks.changes.references import OUTSIDE, references
from lambent.stacks.changes.values import ABSENT, same
from lambent.stacks.errors import ValidationError
from lambent.stacks.schemas import schema_of
from lambent.stacks.template import ResourceValues

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lambent.stacks.changes.sides import Deployed, Side
    from lambent.stacks.template import Resource, Scope

NESTED: Final = "AWS::CloudFormation::Stack"

_TURN_S: Final = 0.005
"""How long the loop is kept before others get their turn."""

_POLICIES: Final[dict[str, tuple[PolicyAction, PolicyAction]]] = {
    "Retain": ("Retain", "ReplaceAndRetain"),
    "RetainExceptOnCreate": ("Retain", "ReplaceAndRetain"),
    "Snapshot": ("Snapshot", "ReplaceAndSnapshot"),
}
"""By DeletionPolicy or UpdateReplacePolicy: what happens to what is removed, and to what is replaced."""


async def changes(
    deployed: Mapping[str, Deployed],
    old: Side | None,
    new: Side,
    *,
    importing: Mapping[str, Mapping[str, str]] | None = None,
) -> Difference:
    """What makes `new` of what is deployed by `old`; None where nothing is deployed yet.

    `importing`: identifiers of resources that are taken into the stack, by logical id. Lets others run in between.
    Raises ValidationError when a resource's type changes, for values that cannot be resolved, and for an import
    that changes anything else.
    """
    comparison = _Comparison(deployed, old, new, importing or {})
    comparison.check_types()
    found: list[ResourceChange] = []
    since = time.perf_counter()
    for change in comparison.run():
        if change is not None:
            found.append(change)
        if time.perf_counter() - since > _TURN_S:
            await asyncio.sleep(0)
            since = time.perf_counter()
    otherwise = comparison.outputs_differ() or (old is not None and dict(old.tags) != dict(new.tags))
    comparison.check_import(found)
    return Difference(sorted(found, key=lambda change: change.logical_id), otherwise)


class _Comparison:
    """One comparison: both sides, and what has been found to become of the resources so far."""

    def __init__(
        self,
        deployed: Mapping[str, Deployed],
        old: Side | None,
        new: Side,
        imports: Mapping[str, Mapping[str, str]],
    ) -> None:
        self.deployed, self.old, self.new, self.imports = deployed, old, new, imports
        self.fates: dict[str, Fate] = {}
        self.before = old.scope(self._deployed) if old is not None else None
        self.live = new.scope(self._deployed)
        self.after = new.scope(self._known)
        self.unknown = old.scope(_nothing) if old is not None else None
        self.around = Circumstances(
            frozenset() if old is None else _changed_parameters(old, new),
            frozenset(name for name, parameter in new.template.parameters.items() if parameter.no_echo),
            self.fates,
            self.live.conditions,
        )
        self.names = {
            logical_id: names_in(new.template.resources[logical_id], self.live.conditions)
            for logical_id in self.live.active
        }
        self.moved = frozenset(
            name
            for name, value in new.parameters.items()
            if old is None or name not in old.parameters or not same(value, old.parameters[name])
        )
        self.alike = (
            old is not None
            and self.before is not None
            and self.before.conditions == self.live.conditions
            and self.before.pseudo == self.live.pseudo
            and old.template.mappings == new.template.mappings
            and dict(old.tags) == dict(new.tags)
        )

    def check_types(self) -> None:
        """Raises ValidationError for resources that are to be of another type."""
        resources = self.new.template.resources
        changed = [
            logical_id
            for logical_id in self.live.active
            if logical_id in self.deployed and resources[logical_id].type != self.deployed[logical_id].type
        ]
        if changed:
            raise ValidationError(
                "Update of resource type is not permitted. The new template modifies resource type of the following"
                f" resources: [{', '.join(changed)}]"
            )

    def run(self) -> Iterator[ResourceChange | None]:
        """A change or None for each resource, those that others refer to before these."""
        active = set(self.live.active)
        for logical_id in ordered(self.names):
            resource = self.new.template.resources[logical_id]
            if logical_id in self.imports:
                yield self._import(resource)
            elif logical_id in self.deployed:
                yield self._modify(resource, self.deployed[logical_id])
            else:
                yield self._add(resource)
        for logical_id, there in self.deployed.items():
            if logical_id not in active:
                yield self._remove(logical_id, there)

    def outputs_differ(self) -> bool:
        """Whether outputs are added, removed, or say something else."""
        if self.old is None or self.before is None:
            return False
        try:
            before = _outputs(self.old, self.before)
        except ValidationError:
            return True
        return not same(before, _outputs(self.new, self.after))

    def check_import(self, found: list[ResourceChange]) -> None:
        """Raises ValidationError when an import is asked for and something else would change."""
        if self.imports:
            check_import(self.new.template, self.imports, found)

    def _add(self, resource: Resource) -> ResourceChange:
        self.fates[resource.logical_id] = "added"
        after = context(resource, self.after, self.around)
        return ResourceChange(resource.logical_id, resource.type, "Add", after_context=after, valued=View())

    def _import(self, resource: Resource) -> ResourceChange:
        self.fates[resource.logical_id] = "added"
        identifier = "|".join(self.imports[resource.logical_id].values())
        after = context(resource, self.after, self.around)
        return ResourceChange(
            resource.logical_id, resource.type, "Import", identifier, after_context=after, valued=View()
        )

    def _remove(self, logical_id: str, there: Deployed) -> ResourceChange:
        resource = self.old.template.resources.get(logical_id) if self.old is not None else None
        policy = _deletion_policy(resource, there.type)
        action = _POLICIES.get(policy, ("Delete", "ReplaceAndDelete"))[0]
        before = None
        if resource is not None and self.unknown is not None:
            before = context(resource, self.unknown, self.around)
        return ResourceChange(
            logical_id,
            there.type,
            "Remove",
            there.physical_id,
            policy_action=action,
            before_context=before,
            valued=View(policy_action=action),
        )

    def _is_untouched(self, resource: Resource) -> bool:
        """Whether it is what it was with everything that it is made of: most are, and need not be resolved."""
        return (
            self.alike
            and resource.type != NESTED
            and resource == self._old_resource(resource.logical_id)
            and not any(
                name in self.moved or name in self.fates or name in OUTSIDE
                for name in self.names[resource.logical_id]
            )
        )

    def _modify(self, resource: Resource, there: Deployed) -> ResourceChange | None:
        if self._is_untouched(resource):
            return None
        schema = schema_of(resource.type)
        parts = self._parts(resource, there)
        simple = [detail for part in parts for detail in details.by_property(part, schema, self.around)]
        valued = [detail for part in parts for detail in details.by_path(part, schema, self.around)]
        extra = []
        if resource.type == NESTED:
            extra.append(AUTOMATIC)
        if schema is not None and schema.tag_property and self._stack_tags_differ():
            extra.append(STACK_TAGS)
        simple += [detail for detail in extra if detail not in simple]
        valued += extra
        if not simple:
            return None
        policy = resource.update_replace_policy
        view = _view(simple, policy)
        if view.replacement == "True":
            self.fates[resource.logical_id] = "replaced"
        else:
            self.fates[resource.logical_id] = (
                "conditional" if view.replacement == "Conditional" else "modified"
            )
        before = self._old_resource(resource.logical_id)
        return ResourceChange(
            resource.logical_id,
            resource.type,
            "Modify",
            there.physical_id,
            view.replacement,
            view.scope,
            view.details,
            view.policy_action,
            None if before is None or self.before is None else context(before, self.before, self.around),
            context(resource, self.after, self.around),
            _view(valued, policy) if valued else None,
        )

    def _parts(self, resource: Resource, there: Deployed) -> list[Part]:
        """All attributes of a resource, on both sides."""
        before = self._old_resource(resource.logical_id)
        old_properties = there.properties
        if before is not None and self.before is not None and not self.names[resource.logical_id] & OUTSIDE:
            try:
                old_properties = self.before.resolve(before.properties)
            except ValidationError:
                # What it was made with is not there any more (an export, a zone): what was given to its provider is.
                before = None
        properties = self.live.resolve(resource.properties)
        parts = [
            Part(
                "Properties",
                resource.properties,
                old_properties,
                properties,
                self._after(resource.properties, properties),
            )
        ]
        for attribute, name in (
            ("Metadata", "metadata"),
            ("CreationPolicy", "creation_policy"),
            ("UpdatePolicy", "update_policy"),
        ):
            raw, raw_before = getattr(resource, name), getattr(before, name, {})
            if raw or raw_before:
                live = self.live.resolve(raw)
                old_value = self.before.resolve(raw_before) if self.before is not None else {}
                parts.append(Part(attribute, raw, old_value, live, self._after(raw, live)))
        if before is not None:
            for attribute, name in (
                ("DeletionPolicy", "deletion_policy"),
                ("UpdateReplacePolicy", "update_replace_policy"),
            ):
                text, text_before = getattr(resource, name) or ABSENT, getattr(before, name) or ABSENT
                if text != text_before:
                    parts.append(Part(attribute, text, text_before, text, text))
        return parts

    def _after(self, raw: Any, live: Any) -> Any:
        """The value with what is only known later as Unknown; without such references what it is now."""
        for reference in references(raw, self.around.conditions):
            if self.fates.get(reference.name) in ("added", "replaced"):
                return self.after.resolve(raw)
        return live

    def _old_resource(self, logical_id: str) -> Resource | None:
        return self.old.template.resources.get(logical_id) if self.old is not None else None

    def _stack_tags_differ(self) -> bool:
        return self.old is not None and dict(self.old.tags) != dict(self.new.tags)

    def _deployed(self, logical_id: str) -> ResourceValues | None:
        there = self.deployed.get(logical_id)
        if there is None:
            return None
        # Fn::GetAtt gives properties too: recorded from AWS for SNS topics and SSM parameters.
        return ResourceValues(there.physical_id, ChainMap(there.attributes, there.properties))

    def _known(self, logical_id: str) -> ResourceValues | None:
        return None if self.fates.get(logical_id) in ("added", "replaced") else self._deployed(logical_id)


def _changed_parameters(old: Side, new: Side) -> frozenset[str]:
    """Those that were there and have another value; of SSM parameters another name, as AWS has been recorded."""
    changed = set()
    for name, value in new.parameters.items():
        if name not in old.parameters or same(value, old.parameters[name]):
            continue
        if not new.template.parameters[name].is_ssm or old.given.get(name) != new.given.get(name):
            changed.add(name)
    return frozenset(changed)


def _nothing(_: str) -> ResourceValues | None:
    return None


def _view(found: list[dict[str, Any]], policy: str | None) -> View:
    replacement = details.replacement_of(found)
    action = None
    if replacement == "True":
        action = _POLICIES.get(policy or "", ("Delete", "ReplaceAndDelete"))[1]
    return View(
        replacement,
        list(dict.fromkeys(detail["Target"]["Attribute"] for detail in found)),
        found,
        action,
    )


def _deletion_policy(resource: Resource | None, type_name: str) -> str:
    if resource is not None and resource.deletion_policy:
        return resource.deletion_policy
    # As the documentation of DeletionPolicy has it: clusters, and instances that are in none.
    if type_name == "AWS::RDS::DBCluster":
        return "Snapshot"
    if type_name == "AWS::RDS::DBInstance" and (
        resource is None or "DBClusterIdentifier" not in resource.properties
    ):
        return "Snapshot"
    return "Delete"


def _outputs(side: Side, scope: Scope) -> dict[str, Any]:
    return {
        name: [scope.resolve(output.value), scope.resolve(output.export_name), output.description]
        for name, output in side.template.outputs.items()
        if output.condition is None or scope.conditions[output.condition]
    }
