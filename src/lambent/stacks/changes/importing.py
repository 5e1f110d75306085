"""What an import may not do besides."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambent.stacks.errors import ValidationError

if TYPE_CHECKING:
    from collections.abc import Collection

    from lambent.stacks.changes.change import ResourceChange
    from lambent.stacks.template import Template


def check_import(template: Template, imported: Collection[str], found: list[ResourceChange]) -> None:
    """Raises ValidationError for resources without DeletionPolicy, and for changes of other resources.

    As in the user guide, "Import AWS resources into a CloudFormation stack".
    """
    bare = [name for name in imported if not template.resources[name].deletion_policy]
    if bare:
        raise ValidationError(
            f"The following resources to import [{', '.join(bare)}] must have DeletionPolicy attribute specified in the"
            " template."
        )
    others = [change.logical_id for change in found if change.action != "Import"]
    if others:
        raise ValidationError(
            f"You have modified resources [{', '.join(others)}] in your template that are not being imported. Update,"
            " create or delete operations cannot be executed during import operations."
        )
