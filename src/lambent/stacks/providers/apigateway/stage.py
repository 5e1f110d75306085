"""Deployments and stages of REST APIs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from lambent.stacks.providers.apigateway.patching import (
    NOT_THERE,
    SERVICE,
    entries,
    escaped,
    every,
    members,
    own_tags,
    removing,
    replacing,
    retag,
)
from lambent.stacks.providers.base import ServiceProvider, not_served, tags_of, told, unless
from lambent.stacks.providers.provider import Made

if TYPE_CHECKING:
    from lambent.stacks.providers.provider import Properties, Work

_SETTINGS: Final = {
    "MetricsEnabled": "metrics/enabled",
    "LoggingLevel": "logging/loglevel",
    "DataTraceEnabled": "logging/dataTrace",
    "ThrottlingBurstLimit": "throttling/burstLimit",
    "ThrottlingRateLimit": "throttling/rateLimit",
    "CachingEnabled": "caching/enabled",
    "CacheTtlInSeconds": "caching/ttlInSeconds",
    "CacheDataEncrypted": "caching/dataEncrypted",
}
_PATHS: Final = {
    "DeploymentId": "/deploymentId",
    "Description": "/description",
    "CacheClusterEnabled": "/cacheClusterEnabled",
    "CacheClusterSize": "/cacheClusterSize",
    "ClientCertificateId": "/clientCertificateId",
    "DocumentationVersion": "/documentationVersion",
    "TracingEnabled": "/tracingEnabled",
}
_CREATED: Final = {
    "DeploymentId": "deploymentId",
    "Description": "description",
    "CacheClusterEnabled": "cacheClusterEnabled",
    "CacheClusterSize": "cacheClusterSize",
    "Variables": "variables",
    "DocumentationVersion": "documentationVersion",
    "TracingEnabled": "tracingEnabled",
}


class StageProvider(ServiceProvider):
    """`AWS::ApiGateway::Stage`: Ref is its name."""

    type: ClassVar[str] = "AWS::ApiGateway::Stage"

    async def create(self, work: Work) -> Made:
        properties = work.properties
        _check(properties)
        name = properties.get("StageName") or "default"
        api = properties["RestApiId"]
        there = None
        if work.again:
            there = await unless(work.call(SERVICE, "GetStage", restApiId=api, stageName=name), *NOT_THERE)
        if there is None:
            await work.call(
                SERVICE,
                "CreateStage",
                restApiId=api,
                stageName=name,
                **{wire: properties[member] for member, wire in _CREATED.items() if member in properties},
                tags=tags_of(work) or None,
            )
        await work.initiated(name)
        await _patch(work, api, name, [*_certificate(properties), *settings_operations({}, properties)])
        return await self.made(work, name)

    async def update(self, work: Work) -> Made:
        _check(work.properties)
        api, name = work.properties["RestApiId"], work.physical_id
        operations = [
            *members(work.old, work.properties, _PATHS),
            *entries("/variables", work.old.get("Variables"), work.properties.get("Variables")),
            *settings_operations(work.old, work.properties),
        ]
        await _patch(work, api, name, operations)
        await retag(work, f"restapis/{api}/stages/{name}")
        return await self.made(work, name)

    async def delete(self, work: Work) -> None:
        await unless(
            work.call(
                SERVICE, "DeleteStage", restApiId=work.properties["RestApiId"], stageName=work.physical_id
            ),
            *NOT_THERE,
        )

    async def read(self, work: Work) -> Properties | None:
        api = work.properties["RestApiId"]
        found = await unless(
            work.call(SERVICE, "GetStage", restApiId=api, stageName=work.physical_id), *NOT_THERE
        )
        if found is None:
            return None
        logs = found.get("accessLogSettings")
        return told(
            {
                "RestApiId": api,
                "StageName": work.physical_id,
                **{name: found.get(wire) for name, wire in _CREATED.items()},
                "ClientCertificateId": found.get("clientCertificateId"),
                "AccessLogSetting": None
                if not logs
                else told({"DestinationArn": logs.get("destinationArn"), "Format": logs.get("format")}),
                "MethodSettings": [
                    _shown_setting(place, one) for place, one in (found.get("methodSettings") or {}).items()
                ],
                "Tags": own_tags(found),
            }
        )

    async def made(self, work: Work, physical_id: str) -> Made:
        return Made(physical_id)

    def identified(self, work: Work, identifier: dict[str, str]) -> str:
        work.properties = {**work.properties, "RestApiId": identifier["RestApiId"]}
        return identifier["StageName"]


class DeploymentProvider(ServiceProvider):
    """`AWS::ApiGateway::Deployment`: Ref is its id.

    With StageName it makes that stage, or has it serve this deployment; a stage that still does when the deployment
    goes is deleted with it.
    """

    type: ClassVar[str] = "AWS::ApiGateway::Deployment"

    async def create(self, work: Work) -> Made:
        properties = work.properties
        if properties.get("DeploymentCanarySettings"):
            raise not_served("DeploymentCanarySettings")
        stage = properties.get("StageDescription") or {}
        _check(stage)
        api = properties["RestApiId"]
        deployment = work.physical_id or (await self._left(work) if work.again else None)
        if not deployment:
            made = await work.call(
                SERVICE,
                "CreateDeployment",
                restApiId=api,
                stageName=properties.get("StageName"),
                description=properties.get("Description"),
                stageDescription=stage.get("Description"),
                variables=stage.get("Variables"),
                cacheClusterEnabled=stage.get("CacheClusterEnabled"),
                cacheClusterSize=stage.get("CacheClusterSize"),
                tracingEnabled=stage.get("TracingEnabled"),
            )
            deployment = str(made["id"])
        await work.initiated(deployment, {"DeploymentId": deployment})
        if properties.get("StageName"):
            operations = [*_certificate(stage), *settings_operations({}, _described(stage))]
            await _patch(work, api, properties["StageName"], operations)
        return await self.made(work, deployment)

    async def update(self, work: Work) -> Made:
        api = work.properties["RestApiId"]
        operations = members(work.old, work.properties, {"Description": "/description"})
        if operations:
            await work.call(
                SERVICE,
                "UpdateDeployment",
                restApiId=api,
                deploymentId=work.physical_id,
                patchOperations=operations,
            )
        name = work.properties.get("StageName")
        before = work.old.get("StageDescription") or {}
        after = work.properties.get("StageDescription") or {}
        _check(after)
        if name and name == work.old.get("StageName") and before != after:
            paths = {member: path for member, path in _PATHS.items() if member != "DeploymentId"}
            await _patch(
                work,
                api,
                name,
                [
                    *members(before, after, paths),
                    *entries("/variables", before.get("Variables"), after.get("Variables")),
                    *settings_operations(_described(before), _described(after)),
                ],
            )
        elif name and name != work.old.get("StageName"):
            there = await unless(work.call(SERVICE, "GetStage", restApiId=api, stageName=name), *NOT_THERE)
            if there is None:
                await work.call(
                    SERVICE, "CreateStage", restApiId=api, stageName=name, deploymentId=work.physical_id
                )
            else:
                await _patch(work, api, name, [replacing("/deploymentId", work.physical_id)])
        return await self.made(work, work.physical_id)

    async def delete(self, work: Work) -> None:
        api, name = work.properties["RestApiId"], work.properties.get("StageName")
        if name:
            stage = await unless(work.call(SERVICE, "GetStage", restApiId=api, stageName=name), *NOT_THERE)
            if stage is not None and stage.get("deploymentId") == work.physical_id:
                await unless(work.call(SERVICE, "DeleteStage", restApiId=api, stageName=name), *NOT_THERE)
        await unless(
            work.call(SERVICE, "DeleteDeployment", restApiId=api, deploymentId=work.physical_id), *NOT_THERE
        )

    async def read(self, work: Work) -> Properties | None:
        api = work.properties["RestApiId"]
        found = await unless(
            work.call(SERVICE, "GetDeployment", restApiId=api, deploymentId=work.physical_id), *NOT_THERE
        )
        if found is None:
            return None
        return told(
            {
                "RestApiId": api,
                "DeploymentId": work.physical_id,
                "Description": found.get("description"),
                "StageName": work.properties.get("StageName"),
                "StageDescription": work.properties.get("StageDescription"),
            }
        )

    async def made(self, work: Work, physical_id: str) -> Made:
        return Made(physical_id, {"DeploymentId": physical_id})

    def identified(self, work: Work, identifier: dict[str, str]) -> str:
        work.properties = {**work.properties, "RestApiId": identifier["RestApiId"]}
        return identifier["DeploymentId"]

    @staticmethod
    async def _left(work: Work) -> str | None:
        """What this step has made before a restart: the newest of its description that no other stage serves."""
        properties = work.properties
        api = properties["RestApiId"]
        stages = await work.call(SERVICE, "GetStages", restApiId=api)
        others = {
            stage["deploymentId"]
            for stage in stages["item"]
            if stage["stageName"] != properties.get("StageName")
        }
        own = {
            stage["deploymentId"]
            for stage in stages["item"]
            if stage["stageName"] == properties.get("StageName")
        }
        found = [
            one
            for one in await every(work, "GetDeployments", restApiId=api)
            if one.get("description") == properties.get("Description") and one["id"] not in others
        ]
        if properties.get("StageName"):
            found = [one for one in found if one["id"] in own]
        return str(max(found, key=lambda one: one["createdDate"])["id"]) if found else None


def settings_operations(before: Properties, after: Properties) -> list[dict[str, str]]:
    """What changes of a stage's access log and of its methods' settings."""
    operations = []
    logs = after.get("AccessLogSetting")
    if before.get("AccessLogSetting") != logs:
        if logs:
            operations += [
                replacing(f"/accessLogSettings/{wire}", logs[name])
                for name, wire in (("DestinationArn", "destinationArn"), ("Format", "format"))
                if name in logs
            ]
        else:
            operations.append(removing("/accessLogSettings"))
    old, new = _by_place(before), _by_place(after)
    for place, settings in old.items():
        if settings != new.get(place):
            operations.append(removing(f"/{place}"))
    for place, settings in new.items():
        if settings != old.get(place):
            operations += [
                replacing(f"/{place}/{_SETTINGS[name]}", value)
                for name, value in settings.items()
                if name in _SETTINGS
            ]
    return operations


def _by_place(stage: Properties) -> dict[str, dict[str, Any]]:
    found = {}
    for one in stage.get("MethodSettings") or []:
        path = str(one.get("ResourcePath", "/*"))
        place = "*" if path == "/*" else escaped(path)
        found[f"{place}/{one.get('HttpMethod', '*')}"] = one
    return found


def _described(stage: Properties) -> Properties:
    """A deployment's description of a stage as a stage has it: what it says itself is for all methods."""
    own = {name: stage[name] for name in _SETTINGS if name in stage}
    if not own:
        return stage
    everywhere = {"ResourcePath": "/*", "HttpMethod": "*", **own}
    return {**stage, "MethodSettings": [everywhere, *(stage.get("MethodSettings") or [])]}


def _shown_setting(place: str, found: dict[str, Any]) -> dict[str, Any]:
    path, _, method = place.rpartition("/")
    shown = {
        "ResourcePath": "/*" if path == "*" else path.replace("~1", "/"),
        "HttpMethod": method,
    }
    for name in _SETTINGS:
        value = found.get(name[:1].lower() + name[1:])
        if value is not None:
            shown[name] = value
    return shown


def _certificate(stage: Properties) -> list[dict[str, str]]:
    certificate = stage.get("ClientCertificateId")
    return [replacing("/clientCertificateId", certificate)] if certificate else []


def _check(stage: Properties) -> None:
    for name in ("CanarySetting", "CanarySettings"):
        if stage.get(name):
            raise not_served(name)


async def _patch(work: Work, api: str, name: str, operations: list[dict[str, str]]) -> None:
    if operations:
        await work.call(SERVICE, "UpdateStage", restApiId=api, stageName=name, patchOperations=operations)
