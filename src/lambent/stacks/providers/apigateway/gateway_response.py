"""Gateway responses of a REST API, one of each type."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from lambent.stacks.providers.apigateway.patching import NOT_THERE, SERVICE
from lambent.stacks.providers.base import ServiceProvider, told, unless
from lambent.stacks.providers.provider import Made

if TYPE_CHECKING:
    from lambent.stacks.providers.provider import Properties, Work


class GatewayResponseProvider(ServiceProvider):
    """`AWS::ApiGateway::GatewayResponse`: Ref is an id of its own."""

    type: ClassVar[str] = "AWS::ApiGateway::GatewayResponse"

    async def create(self, work: Work) -> Made:
        await self._put(work)
        properties = work.properties
        return await self.made(work, f"{properties['RestApiId']}|{properties['ResponseType']}")

    async def update(self, work: Work) -> Made:
        await self._put(work)
        return await self.made(work, work.physical_id)

    async def delete(self, work: Work) -> None:
        api, kind = work.physical_id.split("|")
        await unless(
            work.call(SERVICE, "DeleteGatewayResponse", restApiId=api, responseType=kind), *NOT_THERE
        )

    async def read(self, work: Work) -> Properties | None:
        api, kind = work.physical_id.split("|")
        found = await unless(
            work.call(SERVICE, "GetGatewayResponse", restApiId=api, responseType=kind), *NOT_THERE
        )
        if found is None or found.get("defaultResponse"):
            return None
        return told(
            {
                "RestApiId": api,
                "ResponseType": kind,
                "StatusCode": found.get("statusCode"),
                "ResponseParameters": found.get("responseParameters"),
                "ResponseTemplates": found.get("responseTemplates"),
            }
        )

    async def made(self, work: Work, physical_id: str) -> Made:
        return Made(physical_id, {"Id": physical_id})

    @staticmethod
    async def _put(work: Work) -> None:
        properties = work.properties
        await work.call(
            SERVICE,
            "PutGatewayResponse",
            restApiId=properties["RestApiId"],
            responseType=properties["ResponseType"],
            statusCode=properties.get("StatusCode"),
            responseParameters=properties.get("ResponseParameters"),
            responseTemplates=properties.get("ResponseTemplates"),
        )
