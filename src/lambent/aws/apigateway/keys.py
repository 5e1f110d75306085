"""Operations on API keys and usage plans."""

from __future__ import annotations

import csv
import datetime as dt
import io
from typing import TYPE_CHECKING, Any

from lambent.aws.apigateway.members import described, given, operations
from lambent.aws.apigateway.paging import page_of
from lambent.aws.apigatewayv2.errors import translating
from lambent.gateway.apis import ApiError, ApiNotFound, BadApiRequest
from lambent.gateway.rest_api import keys
from lambent.gateway.rest_api.records import ApiKey, UsagePlan

if TYPE_CHECKING:
    from lambent.aws.context import RequestContext
    from lambent.gateway.rest_api import RestApiRegistry
    from lambent.gateway.rest_api.usage import Usage


class KeyOperations:
    """Create, import, read, update, delete and list: keys, plans, the keys of a plan; their use."""

    registry: RestApiRegistry
    usage: Usage

    # ------------------------------------------------------------ keys

    async def create_api_key(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Answers with the new key and its value."""
        members = {**given(ApiKey, request, "stage_keys"), "stage_keys": request.get("stageKeys")}
        with translating():
            key = await self.registry.create_key(context.account, context.region, members)
        return _shown(key)

    async def get_api_key(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """One key; its value only where that is asked for."""
        with translating():
            key: ApiKey = self.registry.key(context.account, context.region, request["apiKey"]).record
        return _with_tags(_shown(key, value=bool(request.get("includeValue"))))

    async def get_api_keys(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """A page of the keys, by id."""
        found = [
            key
            for key in self.registry.all_keys(context.account, context.region)
            if key.name.startswith(request.get("nameQuery") or "")
            and request.get("customerId") in (None, key.customer_id)
        ]
        value = bool(request.get("includeValues"))
        return page_of(found, lambda key: key.id, request, lambda key: _shown(key, value=value))

    async def update_api_key(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Answers with the changed key."""
        changes, key_id = operations(request), request["apiKey"]
        with translating():
            key = await self.registry.keys.change(
                key_id,
                lambda: self.registry.key(context.account, context.region, key_id),
                lambda kept: keys.update_key(kept, changes),
            )
        return _with_tags(_shown(key, value=False))

    async def delete_api_key(self, context: RequestContext, request: dict[str, Any]) -> None:
        """Deletes a key, out of its plans too."""
        with translating():
            await self.registry.delete_key(context.account, context.region, request["apiKey"])

    async def import_api_keys(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Makes keys of a table: `name,key,description,enabled,usageplanIds`."""
        made, warnings = [], []
        rows = csv.DictReader(io.StringIO(bytes(request.get("body") or b"").decode("utf-8", "replace")))
        with translating():
            for row in rows:
                cells = {(name or "").strip().lower(): (cell or "").strip() for name, cell in row.items()}
                members = {
                    "name": cells.get("name") or "",
                    "value": cells.get("key") or None,
                    "description": cells.get("description") or None,
                    "enabled": cells.get("enabled", "true").lower() != "false",
                }
                try:
                    key = await self.registry.create_key(context.account, context.region, members)
                except ApiError as error:
                    if request.get("failOnWarnings"):
                        raise
                    warnings.append(str(error))
                    continue
                made.append(key.id)
                for plan_id in (cells.get("usageplanids") or "").split(","):
                    if plan_id.strip():
                        await self._add(context, plan_id.strip(), key.id, "API_KEY")
        return {"ids": made, "warnings": warnings}

    # ------------------------------------------------------------ plans

    async def create_usage_plan(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Answers with the new plan."""
        with translating():
            plan = await self.registry.create_plan(context.account, context.region, given(UsagePlan, request))
        return _plan(plan)

    async def get_usage_plan(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """One plan."""
        with translating():
            plan = self.registry.plan(context.account, context.region, request["usagePlanId"]).plan
        return _with_tags(_plan(plan))

    async def get_usage_plans(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """A page of the plans, or of those that a key belongs to, by id."""
        key_id = request.get("keyId")
        found = [
            plan
            for plan in self.registry.all_plans(context.account, context.region)
            if key_id is None or key_id in self.registry.plans.all[plan.id].keys
        ]
        return page_of(found, lambda plan: plan.id, request, _plan)

    async def update_usage_plan(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Answers with the changed plan."""
        changes, plan_id = operations(request), request["usagePlanId"]
        with translating():
            plan = await self.registry.plans.change(
                plan_id,
                lambda: self.registry.plan(context.account, context.region, plan_id),
                lambda definition: keys.update_plan(definition, changes, self.registry.has_stage),
            )
        return _with_tags(_plan(plan))

    async def delete_usage_plan(self, context: RequestContext, request: dict[str, Any]) -> None:
        """Deletes a plan that no stage belongs to."""
        with translating():
            await self.registry.delete_plan(context.account, context.region, request["usagePlanId"])

    # ------------------------------------------------------------ keys of plans

    async def _add(self, context: RequestContext, plan_id: str, key_id: str, key_type: str) -> ApiKey:
        key: ApiKey = self.registry.key(context.account, context.region, key_id).record
        await self.registry.plans.change(
            plan_id,
            lambda: self.registry.plan(context.account, context.region, plan_id),
            lambda definition: keys.add_key(definition, key_id, key_type),
        )
        return key

    async def create_usage_plan_key(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Lets a key use a plan."""
        with translating():
            key = await self._add(context, request["usagePlanId"], request["keyId"], request["keyType"])
        return _plan_key(key)

    async def get_usage_plan_key(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """One key of a plan."""
        with translating():
            plan = self.registry.plan(context.account, context.region, request["usagePlanId"])
            if request["keyId"] not in plan.keys:
                raise ApiNotFound("Invalid Usage Plan Key identifier specified")
            return _plan_key(self.registry.key(context.account, context.region, request["keyId"]).record)

    async def get_usage_plan_keys(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """A page of a plan's keys, by id."""
        with translating():
            plan = self.registry.plan(context.account, context.region, request["usagePlanId"])
        name = request.get("nameQuery") or ""
        found = [
            key
            for key in self.registry.all_keys(context.account, context.region)
            if key.id in plan.keys and key.name.startswith(name)
        ]
        return page_of(found, lambda key: key.id, request, _plan_key)

    async def delete_usage_plan_key(self, context: RequestContext, request: dict[str, Any]) -> None:
        """Takes a key out of a plan."""
        plan_id = request["usagePlanId"]
        with translating():
            await self.registry.plans.change(
                plan_id,
                lambda: self.registry.plan(context.account, context.region, plan_id),
                lambda definition: keys.remove_key(definition, request["keyId"]),
            )

    # ------------------------------------------------------------ use

    async def get_usage(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """How often keys were used and may still be, by day."""
        with translating():
            definition = self.registry.plan(context.account, context.region, request["usagePlanId"])
            first, last = _day(request["startDate"]), _day(request["endDate"])
            if last < first or (last - first).days > 90:
                raise BadApiRequest("Usage dates must be within 90 days of each other, the first one first")
        limit = None if definition.plan.quota is None else definition.plan.quota.limit
        found = {}
        for key_id in sorted(definition.keys):
            if request.get("keyId") not in (None, key_id):
                continue
            used = self.usage.days(definition.plan.id, key_id, first, last)
            left = -1 if limit is None else limit
            found[key_id] = [[one, max(left - one, 0) if limit is not None else -1] for one in used]
        return {
            "usagePlanId": definition.plan.id,
            "startDate": request["startDate"],
            "endDate": request["endDate"],
            "items": found,
        }

    async def update_usage(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Lets a key have more requests, or fewer, in the period that is going on: `/remaining`."""
        with translating():
            definition = self.registry.plan(context.account, context.region, request["usagePlanId"])
            if request["keyId"] not in definition.keys:
                raise ApiNotFound("Invalid Usage Plan Key identifier specified")
            if definition.plan.quota is None:
                raise BadApiRequest("Usage Plan has no quota")
            for operation in operations(request):
                value = operation.value or ""
                if operation.op != "replace" or operation.path != "/remaining" or not value.isdigit():
                    raise BadApiRequest(f"Invalid patch path {operation.path}")
                self.usage.grant(definition.plan, request["keyId"], int(value))
        today = dt.datetime.now(dt.UTC).date().isoformat()
        return await self.get_usage(context, {**request, "startDate": today, "endDate": today})


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise BadApiRequest("Usage dates must be in the form of yyyy-mm-dd") from None


def _shown(key: ApiKey, *, value: bool = True) -> dict[str, Any]:
    found: dict[str, Any] = described(key)
    if not value:
        del found["value"]
    if not key.name:
        del found["name"]
    return found


def _plan(plan: UsagePlan) -> dict[str, Any]:
    found: dict[str, Any] = described(plan)
    return found


def _with_tags(found: dict[str, Any]) -> dict[str, Any]:
    return {"tags": {}, **found}


def _plan_key(key: ApiKey) -> dict[str, Any]:
    found = {"id": key.id, "type": "API_KEY", "value": key.value}
    return {**found, "name": key.name} if key.name else found
