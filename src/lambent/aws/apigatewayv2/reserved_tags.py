"""Tags that only CloudFormation may set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambent.aws.errors import ServiceError
from lambent.aws.service import Service
from lambent.gateway.apis import tags

if TYPE_CHECKING:
    from lambent.aws.context import RequestContext
    from lambent.aws.service import Method


class ReservedTags(Service):
    """Refuses them to everybody else, in whichever operation."""

    def method(self, operation: str) -> Method | None:
        """The method that answers `operation`."""
        found = super().method(operation)
        if found is None:
            return None
        answer = found

        async def checked(context: RequestContext, request: dict[str, Any]) -> dict[str, Any] | None:
            given = request.get("Tags") or request.get("tags")
            if given and not context.from_stacks:
                for key in given:
                    if key.lower().startswith(tags.RESERVED):
                        raise ServiceError("BadRequestException", str(tags.reserved(key)))
            return await answer(context, request)

        return checked
