"""Stages of HTTP and WebSocket APIs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Final

from lambent.stacks.providers.apigatewayv2.api import retag
from lambent.stacks.providers.apigatewayv2.part import SERVICE, PartProvider
from lambent.stacks.providers.base import tags_of, unless
from lambent.stacks.providers.provider import Made

if TYPE_CHECKING:
    from lambent.stacks.providers.provider import Properties, Work

_NOT_THERE: Final = ("NotFoundException",)


class StageProvider(PartProvider):
    """`AWS::ApiGatewayV2::Stage`: Ref is its name."""

    type: ClassVar[str] = "AWS::ApiGatewayV2::Stage"
    noun = "Stage"
    id_member = "StageName"
    members = (
        "StageName",
        "AccessLogSettings",
        "AutoDeploy",
        "ClientCertificateId",
        "DefaultRouteSettings",
        "DeploymentId",
        "Description",
        "RouteSettings",
        "StageVariables",
    )
    flags = frozenset({"AutoDeploy"})
    maps = frozenset({"StageVariables"})
    fixed = frozenset({"StageName"})

    async def create(self, work: Work) -> Made:
        name = str(work.properties["StageName"])
        there = None
        if work.again:
            there = await unless(
                work.call(SERVICE, "GetStage", ApiId=work.properties["ApiId"], StageName=name), *_NOT_THERE
            )
        if there is None:
            await work.call(
                SERVICE,
                "CreateStage",
                ApiId=work.properties["ApiId"],
                **self.given(work),
                Tags=tags_of(work) or None,
            )
        return await self.made(work, name)

    async def update(self, work: Work) -> Made:
        api, name = work.properties["ApiId"], work.physical_id
        changes = self.changes(work)
        if "AccessLogSettings" in work.old and "AccessLogSettings" not in work.properties:
            changes.pop("AccessLogSettings", None)
            await work.call(SERVICE, "DeleteAccessLogSettings", ApiId=api, StageName=name)
        settings = work.properties.get("RouteSettings") or {}
        for key in work.old.get("RouteSettings") or {}:
            if key not in settings:
                await unless(
                    work.call(SERVICE, "DeleteRouteSettings", ApiId=api, StageName=name, RouteKey=key),
                    *_NOT_THERE,
                )
        if "RouteSettings" in changes:
            changes["RouteSettings"] = settings
            if not settings:
                del changes["RouteSettings"]
        if changes:
            await work.call(SERVICE, "UpdateStage", ApiId=api, StageName=name, **changes)
        stack = work.stack
        await retag(work, f"arn:{stack.partition}:apigateway:{stack.region}::/apis/{api}/stages/{name}")
        return await self.made(work, name)

    async def read(self, work: Work) -> Properties | None:
        found = await unless(
            work.call(SERVICE, "GetStage", ApiId=work.properties["ApiId"], StageName=work.physical_id),
            *_NOT_THERE,
        )
        if found is None:
            return None
        properties: Properties = {"ApiId": work.properties["ApiId"]}
        for name in self.members:
            if found.get(name) not in (None, {}):
                properties[name] = found[name]
        own = {key: value for key, value in found.get("Tags", {}).items() if not key.startswith("aws:")}
        return {**properties, "Tags": own} if own else properties

    async def made(self, work: Work, physical_id: str) -> Made:
        return Made(physical_id, {})

    def default(self, name: str) -> Any:
        if name == "DefaultRouteSettings":
            return {"DetailedMetricsEnabled": False}
        return None if name in ("AccessLogSettings", "RouteSettings", "DeploymentId") else ""
