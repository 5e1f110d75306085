"""Operations on integrations and their responses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambent.aws.apigatewayv2.errors import translating
from lambent.aws.apigatewayv2.members import described, given, place
from lambent.aws.apigatewayv2.paging import page_of
from lambent.gateway.apis import integrations, responses
from lambent.gateway.apis.records import Integration, IntegrationResponse

if TYPE_CHECKING:
    from lambent.aws.context import RequestContext
    from lambent.gateway.apis import ApiRegistry


class IntegrationOperations:
    """Create, read, update, delete and list: integrations, integration responses."""

    registry: ApiRegistry

    async def create_integration(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Answers with the new integration."""
        with translating():
            members = given(Integration, request)
            integration = await self.registry.edit(
                *place(context, request), lambda content: integrations.create(content, members)
            )
        return described(integration)

    async def get_integration(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """One integration."""
        with translating():
            content = self.registry.definition(*place(context, request)).content
            return described(integrations.get(content, request["IntegrationId"]))

    async def get_integrations(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """A page of an API's integrations, by id."""
        with translating():
            content = self.registry.definition(*place(context, request)).content
        return page_of(content.integrations.values(), lambda one: one.integration_id, request, described)

    async def update_integration(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Answers with the changed integration."""
        with translating():
            members = given(Integration, request)
            integration = await self.registry.edit(
                *place(context, request),
                lambda content: integrations.update(content, request["IntegrationId"], members),
            )
        return described(integration)

    async def delete_integration(self, context: RequestContext, request: dict[str, Any]) -> None:
        """Deletes an integration with its responses."""
        with translating():
            await self.registry.edit(
                *place(context, request),
                lambda content: integrations.delete(content, request["IntegrationId"]),
            )

    async def create_integration_response(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """Answers with the new response."""
        with translating():
            members = given(IntegrationResponse, request)
            response = await self.registry.edit(
                *place(context, request),
                lambda content: responses.create_for_integration(content, request["IntegrationId"], members),
            )
        return described(response)

    async def get_integration_response(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """One response of an integration."""
        with translating():
            content = self.registry.definition(*place(context, request)).content
            return described(
                responses.get_of_integration(
                    content, request["IntegrationId"], request["IntegrationResponseId"]
                )
            )

    async def get_integration_responses(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """A page of an integration's responses, by id."""
        with translating():
            content = self.registry.definition(*place(context, request)).content
            wanted = integrations.get(content, request["IntegrationId"]).integration_id
        found = [one for one in content.integration_responses.values() if one.integration_id == wanted]
        return page_of(found, lambda one: one.integration_response_id, request, described)

    async def update_integration_response(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """Answers with the changed response."""
        with translating():
            members = given(IntegrationResponse, request)
            members.pop("integration_response_id", None)
            response = await self.registry.edit(
                *place(context, request),
                lambda content: responses.update_for_integration(
                    content, request["IntegrationId"], request["IntegrationResponseId"], members
                ),
            )
        return described(response)

    async def delete_integration_response(self, context: RequestContext, request: dict[str, Any]) -> None:
        """Deletes a response of an integration."""
        with translating():
            await self.registry.edit(
                *place(context, request),
                lambda content: responses.delete_of_integration(
                    content, request["IntegrationId"], request["IntegrationResponseId"]
                ),
            )
