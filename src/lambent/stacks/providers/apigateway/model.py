"""Models of a REST API, which have names."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from lambent.stacks.providers.apigateway.patching import NOT_THERE, SERVICE, members
from lambent.stacks.providers.base import ServiceProvider, changed, document_of, document_text, told, unless
from lambent.stacks.providers.provider import Made

if TYPE_CHECKING:
    from lambent.stacks.providers.provider import Properties, Work

_NAME_LIMIT: Final = 128


class ModelProvider(ServiceProvider):
    """`AWS::ApiGateway::Model`: Ref is its name."""

    type: ClassVar[str] = "AWS::ApiGateway::Model"

    async def create(self, work: Work) -> Made:
        properties = work.properties
        name = properties.get("Name") or "".join(filter(str.isalnum, work.name(_NAME_LIMIT, separator="")))
        made = work.call(
            SERVICE,
            "CreateModel",
            restApiId=properties["RestApiId"],
            name=name,
            contentType=properties.get("ContentType", "application/json"),
            description=properties.get("Description"),
            schema=document_text(properties.get("Schema", {"type": "object"})),
        )
        await (unless(made, "ConflictException") if work.again else made)
        return await self.made(work, name)

    async def update(self, work: Work) -> Made:
        operations = members(work.old, work.properties, {"Description": "/description"})
        if changed(work, "Schema"):
            text = document_text(work.properties.get("Schema", {"type": "object"}))
            operations.append({"op": "replace", "path": "/schema", "value": text})
        if operations:
            await work.call(
                SERVICE,
                "UpdateModel",
                restApiId=work.properties["RestApiId"],
                modelName=work.physical_id,
                patchOperations=operations,
            )
        return await self.made(work, work.physical_id)

    async def delete(self, work: Work) -> None:
        await unless(
            work.call(
                SERVICE,
                "DeleteModel",
                restApiId=work.properties["RestApiId"],
                modelName=work.physical_id,
            ),
            *NOT_THERE,
        )

    async def read(self, work: Work) -> Properties | None:
        found = await unless(
            work.call(
                SERVICE, "GetModel", restApiId=work.properties["RestApiId"], modelName=work.physical_id
            ),
            *NOT_THERE,
        )
        if found is None:
            return None
        return told(
            {
                "RestApiId": work.properties["RestApiId"],
                "Name": work.physical_id,
                "ContentType": found["contentType"],
                "Description": found.get("description"),
                "Schema": document_of(found.get("schema")),
            }
        )

    async def made(self, work: Work, physical_id: str) -> Made:
        return Made(physical_id)

    def identified(self, work: Work, identifier: dict[str, str]) -> str:
        work.properties = {**work.properties, "RestApiId": identifier["RestApiId"]}
        return identifier["Name"]
