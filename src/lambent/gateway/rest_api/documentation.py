"""Documentation parts and versions of an API: kept and answered, and put into no document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import replace

from lambent.gateway.apis.clock import now
from lambent.gateway.apis.errors import ApiConflict, ApiNotFound, BadApiRequest
from lambent.gateway.apis.identifiers import new_id
from lambent.gateway.rest_api import patches
from lambent.gateway.rest_api.patches import Patches
from lambent.gateway.rest_api.records import DocumentationPart, DocumentationVersion

if TYPE_CHECKING:
    from lambent.gateway.rest_api.definition import Definition
    from lambent.gateway.rest_api.patches import Operation


def part(definition: Definition, part_id: str) -> DocumentationPart:
    """One part. Raises ApiNotFound."""
    found = definition.parts.get(part_id)
    if found is None:
        raise ApiNotFound("Invalid Documentation part identifier specified")
    return found


def create_part(
    definition: Definition, location: dict[str, str], properties: str
) -> tuple[Definition, DocumentationPart]:
    """Add a part. Raises BadApiRequest, ApiConflict."""
    if not location.get("type"):
        raise BadApiRequest("Documentation part location type is required")
    _check(properties)
    if any(one.location == location for one in definition.parts.values()):
        raise ApiConflict("Documentation part already exists for the specified location")
    made = DocumentationPart(id=new_id(6, definition.parts), location=location, properties=properties)
    return replace(definition, parts={**definition.parts, made.id: made}), made


def update_part(
    definition: Definition, part_id: str, operations: list[Operation]
) -> tuple[Definition, DocumentationPart]:
    """Change a part. Raises ApiNotFound, BadApiRequest."""
    changed = _PART.apply(part(definition, part_id), operations)
    _check(changed.properties)
    return replace(definition, parts={**definition.parts, part_id: changed}), changed


def delete_part(definition: Definition, part_id: str) -> tuple[Definition, None]:
    """Remove a part. Raises ApiNotFound."""
    part(definition, part_id)
    rest = {key: one for key, one in definition.parts.items() if key != part_id}
    return replace(definition, parts=rest), None


def version(definition: Definition, name: str) -> DocumentationVersion:
    """One version. Raises ApiNotFound."""
    found = definition.documentation.get(name)
    if found is None:
        raise ApiNotFound("Invalid Documentation version specified")
    return found


def create_version(
    definition: Definition, name: str, description: str | None
) -> tuple[Definition, DocumentationVersion]:
    """Freeze the documentation. Raises BadApiRequest, ApiConflict."""
    if not definition.parts:
        raise BadApiRequest("Cannot create a documentation version without documentation parts")
    if name in definition.documentation:
        raise ApiConflict("Documentation version already exists")
    made = DocumentationVersion(version=name, created_date=now(), description=description or None)
    return replace(definition, documentation={**definition.documentation, name: made}), made


def update_version(
    definition: Definition, name: str, operations: list[Operation]
) -> tuple[Definition, DocumentationVersion]:
    """Change a version's description. Raises ApiNotFound, BadApiRequest."""
    changed = _VERSION.apply(version(definition, name), operations)
    return replace(definition, documentation={**definition.documentation, name: changed}), changed


def delete_version(definition: Definition, name: str) -> tuple[Definition, None]:
    """Remove a version that no stage has. Raises ApiNotFound, BadApiRequest."""
    version(definition, name)
    if any(stage.documentation_version == name for stage in definition.stages.values()):
        raise BadApiRequest("Documentation version is associated with stages")
    rest = {key: one for key, one in definition.documentation.items() if key != name}
    return replace(definition, documentation=rest), None


def _check(properties: str) -> None:
    try:
        value: Any = msgspec.json.decode(properties or "")
    except (msgspec.DecodeError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise BadApiRequest("Documentation part properties must be a JSON object")


_PART: Final = Patches({"/properties": patches.text("properties", required="Properties must not be empty")})
_VERSION: Final = Patches({"/description": patches.text("description")})
