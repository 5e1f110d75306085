"""Operations on permissions: the statements of resource policies, one at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambent.aws.lambda_.errors import not_found, translating
from lambent.aws.lambda_.functions import named
from lambent.functions import FunctionNotFound, FunctionRegistry, policy
from lambent.functions.errors import AliasNotFound
from lambent.functions.policy import Grant

if TYPE_CHECKING:
    from lambent.aws.context import RequestContext
    from lambent.functions import FunctionRecord

NO_SUCH_RESOURCE = "The resource you requested does not exist."


class PermissionOperations:
    """Add, remove, and read them all."""

    registry: FunctionRegistry

    async def add_permission(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Adds a statement; answers with it as JSON."""
        grant = Grant(
            sid=request["StatementId"],
            action=request["Action"],
            principal=request["Principal"],
            source_arn=request.get("SourceArn"),
            source_account=request.get("SourceAccount"),
            event_source_token=request.get("EventSourceToken"),
            organization=request.get("PrincipalOrgID"),
            url_auth_type=request.get("FunctionUrlAuthType"),
            via_url=request.get("InvokedViaFunctionUrl"),
        )
        with translating(context):
            reference = named(context, request)
            policy.check_qualifier(reference.qualifier)
            qualifier = reference.qualifier or ""
            record = await self.registry.change(
                reference,
                lambda record: policy.granted(
                    record, qualifier, grant, request.get("RevisionId"), self.registry.limits
                ),
            )
        return {"Statement": policy.encoded(record.policies[qualifier].statements[-1])}

    async def remove_permission(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Removes a statement."""
        with translating(context):
            reference = named(context, request)

            def change(record: FunctionRecord) -> FunctionRecord:
                return policy.revoked(
                    record, reference.qualifier or "", request["StatementId"], request.get("RevisionId")
                )

            try:
                self.registry.record(reference)
            except FunctionNotFound as error:
                raise not_found(f"No policy found for: {error.arn}") from error
            await self.registry.change(reference, change)
        return {}

    async def get_policy(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """The policy as JSON, and its revision."""
        with translating(context):
            reference = named(context, request)
            try:
                found = policy.find(self.registry.record(reference), reference.qualifier or "")
            except (AliasNotFound, FunctionNotFound):
                found = None
        if found is None:
            raise not_found(NO_SUCH_RESOURCE)
        return {"Policy": policy.document(found), "RevisionId": found.revision_id}
