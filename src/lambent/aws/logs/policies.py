"""Operations on resource policies, which let services of AWS put events to an account's groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from lambent.aws.errors import ServiceError
from lambent.aws.logs.groups import PAGE, page_token, token_parts
from lambent.aws.logs.names import invalid

if TYPE_CHECKING:
    from lambent.aws.context import RequestContext
    from lambent.observe import LogPolicy, LogStore

_MOST: Final = 10
"""Policies of an account in a region (the model's documentation of PutResourcePolicy)."""


class PolicyOperations:
    """A part of `LogsService`."""

    _store: LogStore

    async def put_resource_policy(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        name, document = request.get("policyName"), request.get("policyDocument")
        _check_scope(request)
        if not name or not document:
            raise invalid("policyName and policyDocument are required.")
        try:
            msgspec.json.decode(document, type=dict[str, msgspec.Raw])
        except msgspec.MsgspecError as error:
            raise invalid(f"The policy document is not a JSON object: {error}") from error
        policies = await self._store.policies.all(context.account, context.region)
        if len(policies) >= _MOST and all(policy.name != name for policy in policies):
            raise ServiceError("LimitExceededException", "Resource limit exceeded.")
        policy = await self._store.policies.put(context.account, context.region, name, document)
        return {"resourcePolicy": _described(policy)}

    async def describe_resource_policies(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        if request.get("resourceArn") or request.get("policyScope") == "RESOURCE":
            return {"resourcePolicies": []}
        after = token_parts(request["nextToken"], 1)[0] if request.get("nextToken") else ""
        found = [
            policy
            for policy in await self._store.policies.all(context.account, context.region)
            if policy.name > after
        ]
        page = found[: request.get("limit", PAGE)]
        answer: dict[str, Any] = {"resourcePolicies": [_described(policy) for policy in page]}
        if len(found) > len(page):
            answer["nextToken"] = page_token(page[-1].name)
        return answer

    async def delete_resource_policy(self, context: RequestContext, request: dict[str, Any]) -> None:
        _check_scope(request)
        name = request.get("policyName", "")
        if not await self._store.policies.delete(context.account, context.region, name):
            raise ServiceError(
                "ResourceNotFoundException", f"Policy with name [{name}] does not exist.", status=400
            )


def _check_scope(request: dict[str, Any]) -> None:
    if request.get("resourceArn"):
        raise invalid("Policies of single log groups are not supported by Lambent: leave resourceArn out.")


def _described(policy: LogPolicy) -> dict[str, Any]:
    return {
        "policyName": policy.name,
        "policyDocument": policy.document,
        "lastUpdatedTime": policy.updated_ms,
        "policyScope": "ACCOUNT",
    }
