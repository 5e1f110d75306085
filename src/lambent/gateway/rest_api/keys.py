"""API keys and usage plans.

"Create and use usage plans with API keys" of the developer guide.
"""

from __future__ import annotations

import secrets
import string
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from lambent.gateway.apis import tags
from lambent.gateway.apis.clock import now
from lambent.gateway.apis.errors import ApiConflict, ApiNotFound, BadApiRequest
from lambent.gateway.apis.identifiers import new_id
from lambent.gateway.rest_api import patches
from lambent.gateway.rest_api.definition import Kept, PlanDefinition
from lambent.gateway.rest_api.patches import Patches
from lambent.gateway.rest_api.records import ApiKey, PlanStage, Quota, Throttle, UsagePlan, UsagePlanKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.gateway.rest_api.patches import Members, Operation

_VALUE: Final = (20, 128)
_ALPHABET: Final = string.ascii_letters + string.digits
_PERIODS: Final = ("DAY", "WEEK", "MONTH")
_LARGEST: Final = 2**31 - 1


def create_key(account: str, region: str, members: dict[str, Any]) -> Kept:
    """A new API key from the members of CreateApiKey in snake case. Raises BadApiRequest."""
    given = {key: value for key, value in members.items() if value is not None}
    given.pop("generate_distinct_id", None)
    value = given.pop("value", None) or "".join(secrets.choice(_ALPHABET) for _ in range(40))
    if not _VALUE[0] <= len(value) <= _VALUE[1]:
        raise BadApiRequest("API Key value should be at least 20 characters")
    stages = given.pop("stage_keys", None) or ()
    made = ApiKey(
        id=new_id(10),
        account=account,
        region=region,
        value=value,
        name=given.pop("name", ""),
        enabled=given.pop("enabled", False),
        created_date=now(),
        last_updated_date=now(),
        stage_keys=tuple(f"{one.get('restApiId', '')}/{one.get('stageName', '')}" for one in stages),
        **given,
    )
    tags.check(made.tags or {})
    return Kept(made)


def update_key(kept: Kept, operations: list[Operation]) -> tuple[Kept, ApiKey]:
    """Change a key. Raises BadApiRequest."""
    key: ApiKey = _KEY.apply(kept.record, operations)
    key = replace(key, last_updated_date=now(), stage_keys=key.stage_keys or ())
    return replace(kept, record=key), key


def retagged(kept: Kept, new: dict[str, str]) -> tuple[Kept, None]:
    """A record with these tags in place of its own. Raises BadApiRequest."""
    return replace(kept, record=replace(kept.record, tags=tags.check(new))), None


# ---------------------------------------------------------------- usage plans


def create_plan(
    account: str, region: str, members: dict[str, Any], has_stage: Callable[[str, str], bool]
) -> PlanDefinition:
    """A new usage plan from the members of CreateUsagePlan in snake case. Raises BadApiRequest, ApiNotFound."""
    given = {key: value for key, value in members.items() if value is not None}
    name = given.pop("name", "")
    if not name.strip():
        raise BadApiRequest("Usage Plan name is required")
    plan = UsagePlan(
        id=new_id(6),
        account=account,
        region=region,
        name=name,
        api_stages=tuple(given.pop("api_stages", ())),
        **given,
    )
    return PlanDefinition(_checked(plan, has_stage))


def update_plan(
    definition: PlanDefinition, operations: list[Operation], has_stage: Callable[[str, str], bool]
) -> tuple[PlanDefinition, UsagePlan]:
    """Change a plan. Raises BadApiRequest, ApiNotFound."""
    plan = _PLAN.apply(definition.plan, operations)
    plan = _checked(replace(plan, api_stages=plan.api_stages or ()), has_stage)
    return replace(definition, plan=plan), plan


def retagged_plan(definition: PlanDefinition, new: dict[str, str]) -> tuple[PlanDefinition, None]:
    """A plan with these tags in place of its own. Raises BadApiRequest."""
    return replace(definition, plan=replace(definition.plan, tags=tags.check(new))), None


def add_key(definition: PlanDefinition, key_id: str, key_type: str) -> tuple[PlanDefinition, UsagePlanKey]:
    """Let a key use a plan. Raises BadApiRequest, ApiConflict."""
    if key_type != "API_KEY":
        raise BadApiRequest("Key type must be API_KEY")
    if key_id in definition.keys:
        raise ApiConflict("Usage Plan Key already exists for this usage plan")
    key = UsagePlanKey(id=key_id, type=key_type)
    return replace(definition, keys={**definition.keys, key_id: key}), key


def remove_key(definition: PlanDefinition, key_id: str) -> tuple[PlanDefinition, None]:
    """Take a key out of a plan. Raises ApiNotFound."""
    if key_id not in definition.keys:
        raise ApiNotFound("Invalid Usage Plan Key identifier specified")
    rest = {key: one for key, one in definition.keys.items() if key != key_id}
    return replace(definition, keys=rest), None


def _checked(plan: UsagePlan, has_stage: Callable[[str, str], bool]) -> UsagePlan:
    for one in plan.api_stages:
        if not has_stage(one.api_id, one.stage):
            raise ApiNotFound(f"API Stage not found: {one.api_id}:{one.stage}")
    quota = plan.quota
    if quota is not None:
        if quota.period not in _PERIODS:
            raise BadApiRequest("Usage Plan quota period must be one of [DAY, WEEK, MONTH]")
        if quota.limit < 0 or quota.offset < 0 or quota.offset > quota.limit:
            raise BadApiRequest(
                "Usage Plan quota limit and offset must be positive, and the offset within the limit"
            )
        most = {"DAY": 0, "WEEK": 6, "MONTH": 27}[quota.period]
        if quota.offset > most:
            raise BadApiRequest(
                f"Usage Plan quota offset must be between 0 and {most} for {quota.period} period"
            )
    tags.check(plan.tags or {})
    return plan


def _label(members: Members, operation: Operation, stars: tuple[str, ...]) -> None:
    values = [one for one in members["stage_keys"] if one != operation.value]
    if operation.op == "add":
        values.append(operation.value or "")
    elif operation.op != "remove":
        raise patches.unsupported(operation)
    members["stage_keys"] = tuple(values)


def _stages(members: Members, operation: Operation, stars: tuple[str, ...]) -> None:
    api_id, _, stage = (operation.value or "").partition(":")
    found = [one for one in members["api_stages"] or () if (one.api_id, one.stage) != (api_id, stage)]
    if operation.op == "add":
        found.append(PlanStage(api_id=api_id, stage=stage))
    elif operation.op == "remove":
        if len(found) == len(members["api_stages"] or ()):
            raise ApiNotFound(f"API Stage not found: {operation.value}")
    else:
        raise patches.unsupported(operation)
    members["api_stages"] = tuple(found)


def _stage_throttle(members: Members, operation: Operation, stars: tuple[str, ...]) -> None:
    place, method = stars[0], "/".join(stars[1:3])
    member = stars[3] if len(stars) > 3 else ""
    found = []
    for one in members["api_stages"] or ():
        if f"{one.api_id}:{one.stage}" == place:
            throttles = dict(one.throttle or {})
            if operation.op == "remove" and not member:
                throttles.pop(method, None)
            else:
                throttles[method] = _limited(throttles.get(method), operation, member)
            one = replace(one, throttle=throttles or None)
        found.append(one)
    members["api_stages"] = tuple(found)


def _throttle(members: Members, operation: Operation, stars: tuple[str, ...]) -> None:
    if operation.op == "remove" and not stars:
        members["throttle"] = None
    else:
        members["throttle"] = _limited(members["throttle"], operation, stars[0] if stars else "")


def _limited(old: Throttle | None, operation: Operation, member: str) -> Throttle:
    limits = old or Throttle()
    refusal = f"Usage Plan throttle {member} must be a number of 0 or more"
    value = None if operation.op == "remove" else operation.value
    if member == "burstLimit":
        return replace(limits, burst_limit=patches.numeric(value, 0, _LARGEST, refusal))
    if member == "rateLimit":
        return replace(limits, rate_limit=patches.numeric(value, 0, _LARGEST, refusal, whole=False))
    raise patches.unsupported(operation)


def _quota(members: Members, operation: Operation, stars: tuple[str, ...]) -> None:
    if operation.op == "remove" and not stars:
        members["quota"] = None
        return
    old = members["quota"] or Quota(limit=0)
    member = stars[0] if stars else ""
    if member == "period":
        members["quota"] = replace(old, period=operation.value)
    elif member in ("limit", "offset"):
        refusal = f"Usage Plan quota {member} must be a number of 0 or more"
        members["quota"] = replace(
            old, **{member: patches.numeric(operation.value, 0, _LARGEST, refusal) or 0}
        )
    else:
        raise patches.unsupported(operation)


_KEY: Final = Patches(
    {
        "/name": patches.text("name"),
        "/description": patches.text("description"),
        "/enabled": patches.flag("enabled"),
        "/customerId": patches.text("customer_id"),
        "/stages": _label,
        "/labels": _label,
    }
)
_PLAN: Final = Patches(
    {
        "/name": patches.text("name", required="Usage Plan name is required"),
        "/description": patches.text("description"),
        "/productCode": patches.text("product_code", remove=True),
        "/throttle": _throttle,
        "/throttle/*": _throttle,
        "/quota": _quota,
        "/quota/*": _quota,
        "/apiStages": _stages,
        "/apiStages/*/throttle/*/*": _stage_throttle,
        "/apiStages/*/throttle/*/*/*": _stage_throttle,
    }
)
