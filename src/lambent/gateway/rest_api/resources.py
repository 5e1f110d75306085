"""Resources of an API: its paths.

Messages are API Gateway's own, recorded in localstack/localstack,
tests/aws/services/apigateway/test_apigateway_api.snapshot.json.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from lambent.gateway.apis.errors import ApiConflict, ApiNotFound, BadApiRequest
from lambent.gateway.apis.identifiers import new_id
from lambent.gateway.rest_api import patches
from lambent.gateway.rest_api.patches import Patches
from lambent.gateway.rest_api.records import Resource

if TYPE_CHECKING:
    from lambent.gateway.rest_api.definition import Definition
    from lambent.gateway.rest_api.patches import Members, Operation

_PART: Final = re.compile(r"[a-zA-Z0-9._\-:]+|\{[a-zA-Z0-9._\-:]+\+?\}")
_NO_RESOURCE: Final = "Invalid Resource identifier specified"


def get(definition: Definition, resource_id: str) -> Resource:
    """One resource. Raises ApiNotFound."""
    resource = definition.resources.get(resource_id)
    if resource is None:
        raise ApiNotFound(_NO_RESOURCE)
    return resource


def create(definition: Definition, parent_id: str, path_part: str) -> tuple[Definition, Resource]:
    """Add a resource below another. Raises ApiNotFound, BadApiRequest, ApiConflict."""
    parent = get(definition, parent_id)
    resource = Resource(
        id=new_id(6, definition.resources),
        path=joined(parent.path, path_part),
        parent_id=parent_id,
        path_part=path_part,
    )
    _check(definition, resource, parent)
    return replace(definition, resources={**definition.resources, resource.id: resource}), resource


def update(
    definition: Definition, resource_id: str, operations: list[Operation]
) -> tuple[Definition, Resource]:
    """Rename or move a resource, with all below it. Raises ApiNotFound, BadApiRequest, ApiConflict."""
    old = get(definition, resource_id)
    changed = _PATCHES.apply(old, operations)
    if changed == old:
        return definition, old
    parent = get(definition, changed.parent_id or "")
    above: Resource | None = parent
    while above is not None:
        if above.id == resource_id:
            raise BadApiRequest("Resources cannot be cyclical.")
        above = definition.resources.get(above.parent_id or "")
    changed = replace(changed, path=joined(parent.path, changed.path_part or ""))
    _check(definition, changed, parent)
    resources = {**definition.resources, resource_id: changed}
    _repath(resources, changed)
    return replace(definition, resources=resources), changed


def delete(definition: Definition, resource_id: str) -> tuple[Definition, None]:
    """Remove a resource with all below it. Raises ApiNotFound, BadApiRequest."""
    if get(definition, resource_id).parent_id is None:
        raise BadApiRequest("Root resource cannot be deleted")
    gone = {resource_id}
    while True:
        more = {one.id for one in definition.resources.values() if one.parent_id in gone} - gone
        if not more:
            break
        gone |= more
    rest = {key: value for key, value in definition.resources.items() if key not in gone}
    return replace(definition, resources=rest), None


def ordered(definition: Definition) -> list[Resource]:
    """All resources by path, as listings show them."""
    return sorted(definition.resources.values(), key=lambda one: one.path)


def joined(parent: str, part: str) -> str:
    """The path of a part below a parent."""
    return f"{parent.rstrip('/')}/{part}"


def check_part(part: str) -> None:
    """Raise BadApiRequest unless a resource may be called so."""
    if not _PART.fullmatch(part):
        raise BadApiRequest(
            "Resource's path part only allow a-zA-Z0-9._-: or a valid greedy path variable and curly braces at the "
            "beginning and the end."
        )


def _check(definition: Definition, resource: Resource, parent: Resource) -> None:
    part = resource.path_part or ""
    check_part(part)
    if (parent.path_part or "").endswith("+}"):
        raise BadApiRequest(
            f"Cannot create a child of a resource with a greedy path variable: {parent.path_part}"
        )
    for other in definition.resources.values():
        if other.parent_id != parent.id or other.id == resource.id:
            continue
        if other.path_part == part:
            raise ApiConflict(f"Another resource with the same parent already has this name: {part}")
        if part.startswith("{") and (other.path_part or "").startswith("{"):
            raise BadApiRequest(
                f"A sibling ({other.path_part}) of this resource already has a variable path part -- only one is "
                "allowed"
            )


def _repath(resources: dict[str, Resource], parent: Resource) -> None:
    for child in list(resources.values()):
        if child.parent_id == parent.id:
            moved = replace(child, path=joined(parent.path, child.path_part or ""))
            resources[child.id] = moved
            _repath(resources, moved)


def _replaced(member: str, name: str) -> patches.Change:
    def change(members: Members, operation: Operation, stars: tuple[str, ...]) -> None:
        if operation.op != "replace":
            raise patches.unsupported(operation)
        if members["parent_id"] is None:
            raise BadApiRequest(f"Root resource cannot update its {name}.")
        members[member] = operation.value or ""

    return change


_PATCHES: Final = Patches(
    {"/parentId": _replaced("parent_id", "parentId"), "/pathPart": _replaced("path_part", "pathPart")}
)
