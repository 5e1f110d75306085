"""Whose a stack is, and what it keeps: asked before it is changed or deleted.

Stacks are found by name, and a name may be another's: of a stack that another tool has made, or of the app `my-shop`
where `my_shop` is meant. To apply would replace all that is in it, to destroy would delete it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from lambent.deploy.errors import ProviderError

if TYPE_CHECKING:
    from lambent.deploy.providers.access import Access
    from lambent.deploy.providers.cloudformation.stack import State

APP: Final = "lambent:app"
STAGE: Final = "lambent:stage"

_METADATA: Final = re.compile(r"^ *Lambent:\s*\n +App: *(\S+) *\n +Stage: *(\S+) *$", re.MULTILINE)
_KEEPS: Final = re.compile(r"DeletionPolicy['\"]?: *['\"]?(Retain|Snapshot)")


def tags_of(app: str, stage: str) -> dict[str, str]:
    """The tags that say whose a stack is."""
    return {APP: app, STAGE: stage}


def template_of_stack(access: Access, stack_id: str) -> dict[str, Any] | str:
    """The template that is deployed: botocore reads JSON, which `apply` sends; YAML, of other tools, stays text."""
    body: Any = access.client("cloudformation").get_template(StackName=stack_id, TemplateStage="Original")[
        "TemplateBody"
    ]
    return body if isinstance(body, str) else dict(body)


def check_owner(access: Access, state: State, app: str, stage: str) -> None:
    """Raise ProviderError for a stack that is not of the app and stage.

    Its tags tell, or the metadata of its template, where `lambent render` has made that for another tool.
    """
    found = (state.tags.get(APP), state.tags.get(STAGE))
    if found == (None, None):
        found = _told_by(template_of_stack(access, state.id))
    if found == (app, stage):
        return
    whose = "was not made by Lambent" if found[0] is None else f"is of the app {found[0]}, stage {found[1]}"
    raise ProviderError(
        f"the stack {state.name} {whose}: what is in it would be lost. Nothing was changed",
        hint="Give the app or the stage another name, or remove the stack first with what has made it.",
    )


def kept_by(access: Access, state: State) -> set[str]:
    """The logical ids of what stays when the stack is deleted. Raises ProviderError where that cannot be told."""
    body = template_of_stack(access, state.id)
    if isinstance(body, str):
        if _KEEPS.search(body):
            raise ProviderError(
                f"{state.name} was deployed by another tool, and keeps resources when it is deleted: which ones cannot "
                "be told here. Nothing was deleted",
                hint=f"Delete it with that tool, or: aws cloudformation delete-stack --stack-name {state.name}",
            )
        return set()
    return {
        logical
        for logical, resource in body.get("Resources", {}).items()
        if resource.get("DeletionPolicy") in ("Retain", "RetainExceptOnCreate")
    }


def _told_by(body: dict[str, Any] | str) -> tuple[str | None, str | None]:
    if isinstance(body, str):
        found = _METADATA.search(body)
        return (None, None) if found is None else (found[1].strip("'\""), found[2].strip("'\""))
    told = body.get("Metadata", {}).get("Lambent", {})
    return told.get("App"), told.get("Stage")
