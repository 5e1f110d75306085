"""Resources of a document, and what in a template may be referred to.

Sources: CloudFormation User Guide, "Resources" and "Resource attributes"; recorded answers: LocalStack's
`test_validations` and `test_references`, AWS's article on template validation errors, cfn-lint's issues.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lambent.stacks.errors import ValidationError
from lambent.stacks.template.declarations import check_name, text
from lambent.stacks.template.graph import check_circles
from lambent.stacks.template.pseudo import NAMES as PSEUDO
from lambent.stacks.template.shapes import Found, look
from lambent.stacks.template.template import Resource

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from lambent.stacks.template.template import Parameter

_RESOURCE_MEMBERS: Final = frozenset(
    {
        "Condition", "CreationPolicy", "DeletionPolicy", "DependsOn", "Description", "Metadata", "Properties", "Type",
        "UpdatePolicy", "UpdateReplacePolicy", "Version",
    }
)  # fmt: skip
"""Those of the Template Reference, and Description, which the CDK writes (`cfnOptions.description`)."""

_DELETION: Final = frozenset({"Delete", "Retain", "RetainExceptOnCreate", "Snapshot"})
_REPLACE: Final = frozenset({"Delete", "Retain", "Snapshot"})
_SNAPSHOTS: Final = frozenset(
    {
        "AWS::DocDB::DBCluster", "AWS::EC2::Volume", "AWS::ElastiCache::CacheCluster",
        "AWS::ElastiCache::ReplicationGroup", "AWS::Neptune::DBCluster", "AWS::RDS::DBCluster",
        "AWS::RDS::DBInstance", "AWS::Redshift::Cluster",
    }
)  # fmt: skip
"""Template Reference, "DeletionPolicy attribute"."""


def map_of(item: dict[str, Any], name: str) -> dict[str, Any]:
    """A member that has to be a map, empty where there is none. Raises ValidationError."""
    value = item.get(name, {})
    if not isinstance(value, dict):
        raise ValidationError(f"Template format error: Every {name} member must be a map.")
    return value


def is_custom(kind: str | None) -> bool:
    """Whether it is the type of a custom resource."""
    return kind is not None and (kind.startswith("Custom::") or kind == "AWS::CloudFormation::CustomResource")


def read_resources(
    document: dict[str, Any],
    parameters: dict[str, Parameter],
    conditions: dict[str, Any],
    mappings: dict[str, Any],
) -> dict[str, Resource]:
    """The Resources. Raises ValidationError."""
    items: dict[str, Any] = document["Resources"]
    resources: dict[str, Resource] = {}
    certain: dict[str, frozenset[str]] = {}
    unresolved: dict[str, None] = {}
    for name, item in items.items():
        if not isinstance(item, dict):
            raise ValidationError(
                f"Template format error: [/Resources/{name}] resource definition is malformed"
            )
        check_name("Resource", name)
        resource = resources[name] = _resource(name, item, conditions)
        found = Found()
        for part in (
            resource.properties,
            resource.metadata,
            resource.creation_policy,
            resource.update_policy,
        ):
            look(part, found)
        check_found(found, items, conditions, mappings)
        unresolved.update(unresolved_names(found.refs, items, parameters))
        unresolved.update((other, None) for other in resource.depends_on if other not in items)
        if resource.condition is None:
            certain[name] = frozenset(found.certain | set(resource.depends_on))
    common = [name for name in resources if name in parameters]
    if common:
        raise ValidationError(
            f"Template error: all resources and parameters must have unique names. Common name(s):[{', '.join(common)}]"
        )
    if unresolved:
        raise ValidationError(
            f"Template format error: Unresolved resource dependencies [{', '.join(unresolved)}] in the Resources block "
            "of the template"
        )
    # Those that there are whatever conditions say. Of the others the graph of a stack tells.
    check_circles({name: needs & certain.keys() for name, needs in certain.items()})
    return resources


def _resource(name: str, item: dict[str, Any], conditions: Container[str]) -> Resource:
    kind = text(item, "Type")
    for key in item:
        if key not in _RESOURCE_MEMBERS or (key == "Version" and not is_custom(kind)):
            raise ValidationError(f"Invalid template resource property '{key}'")
    if not kind:
        raise ValidationError(
            f"Template format error: [/Resources/{name}] Every Resources object must contain a Type member."
        )
    properties = item.get("Properties", {})
    if not isinstance(properties, dict):
        raise ValidationError(
            f"Template format error: [/Resources/{name}/Properties] Every Properties member must be a map."
        )
    return Resource(
        name,
        kind,
        properties,
        _depends_on(item),
        read_condition(item, conditions),
        _policy(name, kind, item, "DeletionPolicy", _DELETION),
        _policy(name, kind, item, "UpdateReplacePolicy", _REPLACE),
        map_of(item, "UpdatePolicy"),
        map_of(item, "CreationPolicy"),
        map_of(item, "Metadata"),
    )


def _depends_on(item: dict[str, Any]) -> tuple[str, ...]:
    value = item.get("DependsOn", [])
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list):
        raise ValidationError("Template format error: DependsOn must be a string or list of strings.")
    for one in value:
        if not isinstance(one, str):
            raise ValidationError("Template format error: Every DependsOn value must be a string.")
    return tuple(dict.fromkeys(value))


def read_condition(item: dict[str, Any], conditions: Container[str]) -> str | None:
    """The condition that a resource or output names. Raises ValidationError."""
    name = item.get("Condition")
    if name is None:
        return None
    if not isinstance(name, str):
        raise ValidationError("Template format error: Every Condition member must be a string.")
    if name not in conditions:
        raise ValidationError(f"Template format error: Condition {name} is not defined.")
    return name


def _policy(name: str, kind: str, item: dict[str, Any], member: str, allowed: frozenset[str]) -> str | None:
    value = item.get(member)
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValidationError(f"Template format error: Every {member} member must be a string.")
    if value not in allowed:
        raise ValidationError(f"Template format error: Unrecognized {member} {value} for resource {name}")
    if value == "Snapshot" and kind not in _SNAPSHOTS:
        what = "deletion policy" if member == "DeletionPolicy" else "update replace policy"
        raise ValidationError(f"Template error: resource type {kind} does not support {what} Snapshot")
    return value


def unresolved_names(
    names: Iterable[str], resources: Container[str], parameters: Container[str]
) -> dict[str, None]:
    """Those names that nothing has."""
    return {
        name: None
        for name in names
        if name not in resources and name not in parameters and name not in PSEUDO
    }


def check_found(
    found: Found, resources: Container[str], conditions: Container[str], mappings: dict[str, Any]
) -> None:
    """Raises ValidationError for attributes of nothing, and for conditions and mappings that are not there."""
    for name in found.attributes:
        if name not in resources:
            raise ValidationError(
                f"Template error: instance of Fn::GetAtt references undefined resource {name}"
            )
    for variable in found.parts:
        if variable.partition(".")[0] not in resources:
            raise ValidationError(
                f"Template error: instance of Fn::Sub references invalid resource attribute {variable}"
            )
    for name in found.conditions:
        if name not in conditions:
            raise ValidationError(f"Template error: unresolved condition dependency {name} in Fn::If")
    check_maps(found, mappings)


def check_maps(found: Found, mappings: dict[str, Any]) -> None:
    """Raises ValidationError for what is written out and is not in the mappings."""
    for names in found.maps:
        keys = mappings.get(names[0])
        if keys is None:
            raise ValidationError(
                f"Template error: Mapping named '{names[0]}' is not present in the 'Mappings' section of template."
            )
        if len(names) == 3 and names[2] not in keys.get(names[1], ()):
            raise ValidationError(f"Template error: Unable to get mapping for {'::'.join(names)}")
