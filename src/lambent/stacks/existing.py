"""Change sets with ImportExistingResources: what is there already under its given name is taken into the stack.

Source: AWSCloudFormation/latest/UserGuide/import-resources-automatically.html.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from lambent.stacks.schemas import schema_of
from lambent.stacks.settling import RETAINED

if TYPE_CHECKING:
    from lambent.stacks.changes import ResourceChange
    from lambent.stacks.operations import Operations
    from lambent.stacks.records import ChangeSet, Definition, Stack
    from lambent.stacks.template import Template


async def take_existing(
    operations: Operations,
    change_set: ChangeSet,
    stack: Stack,
    definition: Definition,
    template: Template,
    resources: list[ResourceChange],
) -> list[ResourceChange]:
    """The changes, with Import instead of Add for resources that are there and would outlive their stack.

    These become imports of the change set. Raises ValidationError.
    """
    scope = operations.preparation.scope(stack, definition, template, lambda _: None)
    found = []
    for change in resources:
        described = template.resources.get(change.logical_id)
        if change.action == "Add" and described is not None and described.deletion_policy in RETAINED:
            properties = scope.resolve(described.properties) or {}
            name = await operations.steps.exists(stack, change.logical_id, change.type, properties)
            schema = schema_of(change.type)
            if name is not None and schema is not None:
                change_set.imports[change.logical_id] = {schema.primary_identifier[0]: name}
                change = msgspec.structs.replace(change, action="Import", physical_id=name)
        found.append(change)
    return found
