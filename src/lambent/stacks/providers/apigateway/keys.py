"""API keys, usage plans and the keys of plans."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from lambent.neighbours.service_calls import ServiceFailure
from lambent.stacks.providers.apigateway.patching import (
    NOT_THERE,
    SERVICE,
    STEP,
    left,
    members,
    own_tags,
    removing,
    replacing,
    retag,
    settled,
)
from lambent.stacks.providers.base import ServiceProvider, name_of, tags_of, told, unless
from lambent.stacks.providers.provider import Made

if TYPE_CHECKING:
    from lambent.stacks.providers.provider import Properties, Work

_NAME_LIMIT: Final = 128


class ApiKeyProvider(ServiceProvider):
    """`AWS::ApiGateway::ApiKey`: Ref is its id."""

    type: ClassVar[str] = "AWS::ApiGateway::ApiKey"

    async def create(self, work: Work) -> Made:
        properties = work.properties
        key = work.physical_id or (await left(work, "GetApiKeys") if work.again else None)
        if not key:
            made = await work.call(
                SERVICE,
                "CreateApiKey",
                name=name_of(work, "Name", _NAME_LIMIT),
                description=properties.get("Description"),
                enabled=properties.get("Enabled", False),
                generateDistinctId=properties.get("GenerateDistinctId"),
                value=properties.get("Value"),
                customerId=properties.get("CustomerId"),
                stageKeys=[
                    told({"restApiId": one.get("RestApiId"), "stageName": one.get("StageName")})
                    for one in properties.get("StageKeys") or []
                ]
                or None,
                tags={**tags_of(work), STEP: work.token},
            )
            key = str(made["id"])
        await work.initiated(key, {"APIKeyId": key})
        await settled(work, f"apikeys/{key}")
        return await self.made(work, key)

    async def update(self, work: Work) -> Made:
        operations = members(
            work.old,
            work.properties,
            {"Description": "/description", "Enabled": "/enabled", "CustomerId": "/customerId"},
        )
        before, after = _stages(work.old), _stages(work.properties)
        operations += [
            {"op": "remove", "path": "/stages", "value": one} for one in before if one not in after
        ]
        operations += [{"op": "add", "path": "/stages", "value": one} for one in after if one not in before]
        if operations:
            await work.call(SERVICE, "UpdateApiKey", apiKey=work.physical_id, patchOperations=operations)
        await retag(work, f"apikeys/{work.physical_id}")
        return await self.made(work, work.physical_id)

    async def delete(self, work: Work) -> None:
        await unless(work.call(SERVICE, "DeleteApiKey", apiKey=work.physical_id), *NOT_THERE)

    async def read(self, work: Work) -> Properties | None:
        found = await unless(
            work.call(SERVICE, "GetApiKey", apiKey=work.physical_id, includeValue=True), *NOT_THERE
        )
        if found is None:
            return None
        return told(
            {
                "APIKeyId": work.physical_id,
                "Name": found.get("name"),
                "Description": found.get("description"),
                "Enabled": found["enabled"],
                "Value": found.get("value"),
                "CustomerId": found.get("customerId"),
                "StageKeys": [
                    dict(zip(("RestApiId", "StageName"), one.split("/", 1), strict=False))
                    for one in found.get("stageKeys") or []
                ],
                "Tags": own_tags(found),
            }
        )

    async def made(self, work: Work, physical_id: str) -> Made:
        return Made(physical_id, {"APIKeyId": physical_id})


class UsagePlanProvider(ServiceProvider):
    """`AWS::ApiGateway::UsagePlan`: Ref is its id."""

    type: ClassVar[str] = "AWS::ApiGateway::UsagePlan"

    async def create(self, work: Work) -> Made:
        properties = work.properties
        plan = work.physical_id or (await left(work, "GetUsagePlans") if work.again else None)
        if not plan:
            made = await work.call(
                SERVICE,
                "CreateUsagePlan",
                name=name_of(work, "UsagePlanName", _NAME_LIMIT),
                description=properties.get("Description"),
                apiStages=[
                    told(
                        {
                            "apiId": one.get("ApiId"),
                            "stage": one.get("Stage"),
                            "throttle": {
                                place: _throttle(limits)
                                for place, limits in (one.get("Throttle") or {}).items()
                            },
                        }
                    )
                    for one in properties.get("ApiStages") or []
                ]
                or None,
                throttle=_throttle(properties.get("Throttle")),
                quota=_quota(properties.get("Quota")),
                tags={**tags_of(work), STEP: work.token},
            )
            plan = str(made["id"])
        await work.initiated(plan, {"Id": plan})
        await settled(work, f"usageplans/{plan}")
        return await self.made(work, plan)

    async def update(self, work: Work) -> Made:
        before, after = work.old, work.properties
        operations = members(before, after, {"Description": "/description"})
        if after.get("UsagePlanName") and after["UsagePlanName"] != before.get("UsagePlanName"):
            operations.append(replacing("/name", after["UsagePlanName"]))
        operations += _limits(
            "/throttle", _throttle(before.get("Throttle")), _throttle(after.get("Throttle"))
        )
        operations += _limits("/quota", _quota(before.get("Quota")), _quota(after.get("Quota")))
        live = await work.call(SERVICE, "GetUsagePlan", usagePlanId=work.physical_id)
        operations += _stage_operations(live, before, after)
        if operations:
            await work.call(
                SERVICE, "UpdateUsagePlan", usagePlanId=work.physical_id, patchOperations=operations
            )
        await retag(work, f"usageplans/{work.physical_id}")
        return await self.made(work, work.physical_id)

    async def delete(self, work: Work) -> None:
        plan = work.physical_id
        found = await unless(work.call(SERVICE, "GetUsagePlan", usagePlanId=plan), *NOT_THERE)
        if found is None:
            return
        stages = [
            {"op": "remove", "path": "/apiStages", "value": f"{one['apiId']}:{one['stage']}"}
            for one in found.get("apiStages") or []
        ]
        if stages:
            await work.call(SERVICE, "UpdateUsagePlan", usagePlanId=plan, patchOperations=stages)
        await unless(work.call(SERVICE, "DeleteUsagePlan", usagePlanId=plan), *NOT_THERE)

    async def read(self, work: Work) -> Properties | None:
        found = await unless(work.call(SERVICE, "GetUsagePlan", usagePlanId=work.physical_id), *NOT_THERE)
        if found is None:
            return None
        return told(
            {
                "Id": work.physical_id,
                "UsagePlanName": found["name"],
                "Description": found.get("description"),
                "ApiStages": [
                    told(
                        {
                            "ApiId": one["apiId"],
                            "Stage": one["stage"],
                            "Throttle": {
                                place: _shown(limits) for place, limits in (one.get("throttle") or {}).items()
                            },
                        }
                    )
                    for one in found.get("apiStages") or []
                ],
                "Throttle": _shown(found.get("throttle")),
                "Quota": _shown(found.get("quota")),
                "Tags": own_tags(found),
            }
        )

    async def made(self, work: Work, physical_id: str) -> Made:
        return Made(physical_id, {"Id": physical_id})


class UsagePlanKeyProvider(ServiceProvider):
    """`AWS::ApiGateway::UsagePlanKey`: Ref is the ids of the key and the plan, with a colon between them."""

    type: ClassVar[str] = "AWS::ApiGateway::UsagePlanKey"

    async def create(self, work: Work) -> Made:
        properties = work.properties
        try:
            await work.call(
                SERVICE,
                "CreateUsagePlanKey",
                usagePlanId=properties["UsagePlanId"],
                keyId=properties["KeyId"],
                keyType=properties["KeyType"],
            )
        except ServiceFailure as failure:
            if failure.code != "ConflictException" or not work.again:
                raise
        return await self.made(work, f"{properties['KeyId']}:{properties['UsagePlanId']}")

    async def update(self, work: Work) -> Made:
        return await self.made(work, work.physical_id)  # every property replaces it

    async def delete(self, work: Work) -> None:
        key, plan = work.physical_id.split(":")
        await unless(work.call(SERVICE, "DeleteUsagePlanKey", usagePlanId=plan, keyId=key), *NOT_THERE)

    async def read(self, work: Work) -> Properties | None:
        key, plan = work.physical_id.split(":")
        found = await unless(work.call(SERVICE, "GetUsagePlanKey", usagePlanId=plan, keyId=key), *NOT_THERE)
        return None if found is None else {"KeyId": key, "UsagePlanId": plan, "KeyType": found["type"]}

    async def made(self, work: Work, physical_id: str) -> Made:
        return Made(physical_id, {"Id": physical_id})


def _stages(properties: Properties) -> list[str]:
    return [f"{one.get('RestApiId')}/{one.get('StageName')}" for one in properties.get("StageKeys") or []]


def _throttle(given: dict[str, Any] | None) -> dict[str, Any] | None:
    if not given:
        return None
    found = {"burstLimit": given.get("BurstLimit"), "rateLimit": given.get("RateLimit")}
    return {name: value for name, value in found.items() if value is not None}


def _quota(given: dict[str, Any] | None) -> dict[str, Any] | None:
    if not given:
        return None
    found = {"limit": given.get("Limit"), "offset": given.get("Offset"), "period": given.get("Period")}
    return {name: value for name, value in found.items() if value is not None}


def _shown(limits: dict[str, Any] | None) -> dict[str, Any]:
    return {name[:1].upper() + name[1:]: value for name, value in (limits or {}).items()}


def _limits(path: str, before: dict[str, Any] | None, after: dict[str, Any] | None) -> list[dict[str, str]]:
    if before == after:
        return []
    if not after:
        return [removing(path)]
    found = [replacing(f"{path}/{name}", value) for name, value in after.items()]
    return [removing(path), *found] if before and before.keys() - after.keys() else found


def _stage_operations(live: dict[str, Any], before: Properties, after: Properties) -> list[dict[str, str]]:
    """What changes of a plan's stages: by those that it has now, as a restart may find the update done."""
    there = {f"{one['apiId']}:{one['stage']}" for one in live.get("apiStages") or []}
    known = {f"{one.get('ApiId')}:{one.get('Stage')}": one for one in before.get("ApiStages") or []}
    old = {place: known.get(place, {}) for place in there}
    new = {f"{one.get('ApiId')}:{one.get('Stage')}": one for one in after.get("ApiStages") or []}
    operations = [{"op": "remove", "path": "/apiStages", "value": one} for one in old if one not in new]
    for place, stage in new.items():
        if place not in old:
            operations.append({"op": "add", "path": "/apiStages", "value": place})
        was = (old.get(place) or {}).get("Throttle") or {}
        limits = stage.get("Throttle") or {}
        gone = [method for method in was if method not in limits]
        operations += [removing(f"/apiStages/{place}/throttle/{_method(method)}") for method in gone]
        for method, limit in limits.items():
            if was.get(method) != limit:
                operations += [
                    replacing(f"/apiStages/{place}/throttle/{_method(method)}/{name}", value)
                    for name, value in (_throttle(limit) or {}).items()
                ]
    return operations


def _method(place: str) -> str:
    """`/pets/{id}/GET` within a path."""
    path, _, method = place.rpartition("/")
    return f"{path.replace('/', '~1')}/{method}"
