"""Operations on resource policies as a whole; AddPermission and its like change the same ones."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambent.aws.lambda_.errors import not_found, translating
from lambent.aws.lambda_.permissions import NO_SUCH_RESOURCE
from lambent.functions import FunctionRegistry, parse_name, policy, policy_document
from lambent.functions.errors import AliasNotFound, FunctionNotFound

if TYPE_CHECKING:
    from lambent.aws.context import RequestContext
    from lambent.functions import FunctionRecord, Reference


class ResourcePolicyOperations:
    """Put, get and delete, by ARN."""

    registry: FunctionRegistry

    async def put_resource_policy(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Replaces the policy of a function, version or alias; answers with it as it is kept."""
        with translating(context):
            reference = _resource(context, request)
            policy.check_qualifier(reference.qualifier)
            qualifier = reference.qualifier or ""

            def change(record: FunctionRecord) -> FunctionRecord:
                policy.check_revision(record, qualifier, request.get("RevisionId"))
                new = policy_document.read(request["Policy"], policy.resource_arn(record, qualifier))
                return policy.with_policy(record, qualifier, new, self.registry.limits)

            kept = (await self.registry.change(reference, change)).policies[qualifier]
        return {"Policy": policy.document(kept), "RevisionId": kept.revision_id}

    async def get_resource_policy(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """The policy, and its revision."""
        with translating(context):
            reference = _resource(context, request)
            try:
                found = policy.find(self.registry.record(reference), reference.qualifier or "")
            except (AliasNotFound, FunctionNotFound):
                found = None
        if found is None:
            raise not_found(NO_SUCH_RESOURCE)
        return {"Policy": policy.document(found), "RevisionId": found.revision_id}

    async def delete_resource_policy(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """Deletes the policy with all that permissions were added to it."""
        with translating(context):
            reference = _resource(context, request)
            qualifier = reference.qualifier or ""

            def change(record: FunctionRecord) -> FunctionRecord:
                if policy.find(record, qualifier) is None:
                    raise not_found(NO_SUCH_RESOURCE)
                policy.check_revision(record, qualifier, request.get("RevisionId"))
                return policy.without_policy(record, qualifier)

            await self.registry.change(reference, change)
        return {}


def _resource(context: RequestContext, request: dict[str, Any]) -> Reference:
    arn: str = request["ResourceArn"]
    if arn.split(":")[5] != "function":
        # Runtimes have ARNs here too, and policies in AWS only.
        raise not_found(NO_SUCH_RESOURCE)
    return parse_name(context.account, context.region, arn)
