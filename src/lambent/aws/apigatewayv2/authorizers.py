"""Operations on authorizers and models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambent.aws.apigatewayv2.errors import translating
from lambent.aws.apigatewayv2.members import described, given, place
from lambent.aws.apigatewayv2.paging import page_of
from lambent.gateway.apis import authorizers, models
from lambent.gateway.apis.records import Authorizer, Model

if TYPE_CHECKING:
    from lambent.aws.context import RequestContext
    from lambent.gateway.apis import ApiRegistry


class AuthorizerOperations:
    """Create, read, update, delete and list: authorizers, models."""

    registry: ApiRegistry

    async def create_authorizer(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Answers with the new authorizer."""
        with translating():
            members = given(Authorizer, request)
            authorizer = await self.registry.edit(
                *place(context, request), lambda content: authorizers.create(content, members)
            )
        return described(authorizer)

    async def get_authorizer(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """One authorizer."""
        with translating():
            content = self.registry.definition(*place(context, request)).content
            return described(authorizers.get(content, request["AuthorizerId"]))

    async def get_authorizers(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """A page of an API's authorizers, by id."""
        with translating():
            content = self.registry.definition(*place(context, request)).content
        return page_of(content.authorizers.values(), lambda one: one.authorizer_id, request, described)

    async def update_authorizer(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Answers with the changed authorizer."""
        with translating():
            members = given(Authorizer, request)
            authorizer = await self.registry.edit(
                *place(context, request),
                lambda content: authorizers.update(content, request["AuthorizerId"], members),
            )
        return described(authorizer)

    async def delete_authorizer(self, context: RequestContext, request: dict[str, Any]) -> None:
        """Deletes an authorizer that no route uses."""
        with translating():
            await self.registry.edit(
                *place(context, request),
                lambda content: authorizers.delete(content, request["AuthorizerId"]),
            )

    async def create_model(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Answers with the new model."""
        with translating():
            members = given(Model, request)
            model = await self.registry.edit(
                *place(context, request), lambda content: models.create(content, members)
            )
        return described(model)

    async def get_model(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """One model."""
        with translating():
            content = self.registry.definition(*place(context, request)).content
            return described(models.get(content, request["ModelId"]))

    async def get_models(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """A page of an API's models, by id."""
        with translating():
            content = self.registry.definition(*place(context, request)).content
        return page_of(content.models.values(), lambda model: model.model_id, request, described)

    async def get_model_template(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """A mapping template that makes a sample of a model."""
        with translating():
            content = self.registry.definition(*place(context, request)).content
            return {"Value": models.template(models.get(content, request["ModelId"]))}

    async def update_model(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Answers with the changed model."""
        with translating():
            members = given(Model, request)
            members.pop("model_id", None)
            model = await self.registry.edit(
                *place(context, request), lambda content: models.update(content, request["ModelId"], members)
            )
        return described(model)

    async def delete_model(self, context: RequestContext, request: dict[str, Any]) -> None:
        """Deletes a model that no route uses."""
        with translating():
            await self.registry.edit(
                *place(context, request), lambda content: models.delete(content, request["ModelId"])
            )
