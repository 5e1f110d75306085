"""The documentation of a REST API: its parts, and versions of all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from lambent.neighbours.service_calls import ServiceFailure
from lambent.stacks.providers.apigateway.belongings import BelongingProvider
from lambent.stacks.providers.apigateway.patching import NOT_THERE, SERVICE, members
from lambent.stacks.providers.base import ServiceProvider, document_text, told, unless
from lambent.stacks.providers.provider import Made

if TYPE_CHECKING:
    from lambent.stacks.providers.provider import Properties, Work


class DocumentationPartProvider(BelongingProvider):
    """`AWS::ApiGateway::DocumentationPart`: Ref is its id."""

    type: ClassVar[str] = "AWS::ApiGateway::DocumentationPart"
    noun = "DocumentationPart"
    listing = "GetDocumentationParts"
    id_member = "documentationPartId"
    ref = "DocumentationPartId"

    def given(self, work: Work) -> dict[str, Any]:
        location = work.properties["Location"]
        return {
            "location": {name[:1].lower() + name[1:]: value for name, value in location.items()},
            "properties": document_text(work.properties["Properties"]),
        }

    def operations(self, work: Work) -> list[dict[str, str]]:
        return members(work.old, work.properties, {"Properties": "/properties"})

    def is_own(self, work: Work, found: dict[str, Any]) -> bool:
        return bool(found.get("location") == self.given(work)["location"])

    def shown(self, found: dict[str, Any]) -> Properties:
        location = found["location"]
        return {
            "Location": {name[:1].upper() + name[1:]: value for name, value in location.items()},
            "Properties": found["properties"],
        }


class DocumentationVersionProvider(ServiceProvider):
    """`AWS::ApiGateway::DocumentationVersion`: Ref is the version."""

    type: ClassVar[str] = "AWS::ApiGateway::DocumentationVersion"

    async def create(self, work: Work) -> Made:
        properties = work.properties
        try:
            await work.call(
                SERVICE,
                "CreateDocumentationVersion",
                restApiId=properties["RestApiId"],
                documentationVersion=properties["DocumentationVersion"],
                description=properties.get("Description"),
            )
        except ServiceFailure as failure:
            if failure.code != "ConflictException" or not work.again:
                raise
        return await self.made(work, properties["DocumentationVersion"])

    async def update(self, work: Work) -> Made:
        operations = members(work.old, work.properties, {"Description": "/description"})
        if operations:
            await work.call(
                SERVICE, "UpdateDocumentationVersion", **self._named(work), patchOperations=operations
            )
        return await self.made(work, work.physical_id)

    async def delete(self, work: Work) -> None:
        await unless(work.call(SERVICE, "DeleteDocumentationVersion", **self._named(work)), *NOT_THERE)

    async def read(self, work: Work) -> Properties | None:
        found = await unless(work.call(SERVICE, "GetDocumentationVersion", **self._named(work)), *NOT_THERE)
        if found is None:
            return None
        return told(
            {
                "RestApiId": work.properties["RestApiId"],
                "DocumentationVersion": work.physical_id,
                "Description": found.get("description"),
            }
        )

    async def made(self, work: Work, physical_id: str) -> Made:
        return Made(physical_id)

    @staticmethod
    def _named(work: Work) -> dict[str, Any]:
        return {
            "restApiId": work.properties["RestApiId"],
            "documentationVersion": work.physical_id or work.properties["DocumentationVersion"],
        }
