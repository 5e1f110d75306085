"""Operations on what stacks give to other stacks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambent.aws.cloudformation.paging import page_of

if TYPE_CHECKING:
    from lambent.aws.cloudformation.requests import Members
    from lambent.aws.context import RequestContext
    from lambent.stacks.stacks import Stacks


class ExportOperations:
    """List exports, and who imports them."""

    _stacks: Stacks

    async def list_exports(self, context: RequestContext, request: Members) -> Members:
        """All of the account and region, by name."""
        page, more = page_of(
            self._stacks.exports(context.account, context.region), request, lambda export: export.name
        )
        return {
            "Exports": [
                {"ExportingStackId": export.stack_id, "Name": export.name, "Value": export.value}
                for export in page
            ],
            "NextToken": more,
        }

    async def list_imports(self, context: RequestContext, request: Members) -> Members:
        """Names of the stacks that import an export."""
        names = self._stacks.imports(context.account, context.region, request["ExportName"])
        page, more = page_of(names, request, str)
        return {"Imports": list(page), "NextToken": more}
