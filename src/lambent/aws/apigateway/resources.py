"""Operations on resources, methods and integrations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambent.aws.apigateway.members import described, given, operations, place
from lambent.aws.apigateway.paging import page_of
from lambent.aws.apigatewayv2.errors import translating
from lambent.gateway.apis import ApiNotFound
from lambent.gateway.rest_api import integrations, methods, resources
from lambent.gateway.rest_api.records import Integration, IntegrationResponse, Method, MethodResponse

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.aws.context import RequestContext
    from lambent.gateway.rest_api import RestApiRegistry
    from lambent.gateway.rest_api.definition import Definition
    from lambent.gateway.rest_api.records import Resource


class ResourceOperations:
    """Create, read, update and delete: resources, methods, integrations and their responses."""

    registry: RestApiRegistry

    async def _edited(
        self,
        context: RequestContext,
        request: dict[str, Any],
        change: Callable[[Definition], tuple[Definition, Any]],
    ) -> Any:
        with translating():
            self._within(context, request)
            return await self.registry.change(*place(context, request), change)

    def _within(self, context: RequestContext, request: dict[str, Any]) -> Definition:
        """The API; where it is not there AWS finds no resource either. Raises ApiNotFound."""
        try:
            return self.registry.definition(*place(context, request))
        except ApiNotFound:
            raise ApiNotFound("Invalid Resource identifier specified") from None

    # ------------------------------------------------------------ resources

    async def create_resource(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Answers with the new resource."""
        return _described(
            await self._edited(
                context,
                request,
                lambda definition: resources.create(definition, request["parentId"], request["pathPart"]),
            )
        )

    async def get_resource(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """One resource."""
        with translating():
            found = resources.get(self._within(context, request), request["resourceId"])
        return _described(found, embeds="methods" in (request.get("embed") or ()))

    async def get_resources(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """A page of an API's resources, by path."""
        with translating():
            definition = self.registry.definition(*place(context, request))
        embeds = "methods" in (request.get("embed") or ())
        return page_of(
            definition.resources.values(),
            lambda one: one.path,
            request,
            lambda one: _described(one, embeds=embeds),
        )

    async def update_resource(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Answers with the changed resource."""
        changes = operations(request)
        return _described(
            await self._edited(
                context,
                request,
                lambda definition: resources.update(definition, request["resourceId"], changes),
            )
        )

    async def delete_resource(self, context: RequestContext, request: dict[str, Any]) -> None:
        """Deletes a resource with all below it."""
        await self._edited(
            context, request, lambda definition: resources.delete(definition, request["resourceId"])
        )

    # ------------------------------------------------------------ methods

    async def put_method(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Answers with the new method."""
        members = given(Method, request)
        return _shown(
            await self._edited(
                context, request, lambda definition: methods.put(definition, request["resourceId"], members)
            )
        )

    async def get_method(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """One method, with its integration."""
        with translating():
            return _shown(methods.get(self._within(context, request), *_method(request)))

    async def update_method(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Answers with the changed method."""
        changes = operations(request)
        return _shown(
            await self._edited(
                context, request, lambda definition: methods.update(definition, *_method(request), changes)
            )
        )

    async def delete_method(self, context: RequestContext, request: dict[str, Any]) -> None:
        """Deletes a method."""
        await self._edited(context, request, lambda definition: methods.delete(definition, *_method(request)))

    async def put_method_response(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Answers with the new response."""
        members = given(MethodResponse, request)
        return _shown(
            await self._edited(
                context,
                request,
                lambda definition: methods.put_response(definition, *_method(request), members),
            )
        )

    async def get_method_response(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """One response."""
        with translating():
            return _shown(
                methods.response(self._within(context, request), *_method(request), request["statusCode"])
            )

    async def update_method_response(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """Answers with the changed response."""
        changes = operations(request)
        return _shown(
            await self._edited(
                context,
                request,
                lambda definition: methods.update_response(
                    definition, *_method(request), request["statusCode"], changes
                ),
            )
        )

    async def delete_method_response(self, context: RequestContext, request: dict[str, Any]) -> None:
        """Deletes a response."""
        await self._edited(
            context,
            request,
            lambda definition: methods.delete_response(definition, *_method(request), request["statusCode"]),
        )

    # ------------------------------------------------------------ integrations

    async def put_integration(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Answers with the new integration."""
        members = given(Integration, request, "http_method")
        members["http_method"] = request.get("integrationHttpMethod")
        return _shown(
            await self._edited(
                context,
                request,
                lambda definition: integrations.put(definition, *_method(request), members),
            )
        )

    async def get_integration(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """The integration of a method."""
        with translating():
            return _shown(integrations.get(self._within(context, request), *_method(request)))

    async def update_integration(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Answers with the changed integration."""
        changes = operations(request)
        return _shown(
            await self._edited(
                context,
                request,
                lambda definition: integrations.update(definition, *_method(request), changes),
            )
        )

    async def delete_integration(self, context: RequestContext, request: dict[str, Any]) -> None:
        """Deletes an integration."""
        await self._edited(
            context, request, lambda definition: integrations.delete(definition, *_method(request))
        )

    async def put_integration_response(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """Answers with the new response."""
        members = given(IntegrationResponse, request)
        return _shown(
            await self._edited(
                context,
                request,
                lambda definition: integrations.put_response(definition, *_method(request), members),
            )
        )

    async def get_integration_response(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """One response."""
        with translating():
            return _shown(
                integrations.response(
                    self._within(context, request), *_method(request), request["statusCode"]
                )
            )

    async def update_integration_response(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """Answers with the changed response."""
        changes = operations(request)
        return _shown(
            await self._edited(
                context,
                request,
                lambda definition: integrations.update_response(
                    definition, *_method(request), request["statusCode"], changes
                ),
            )
        )

    async def delete_integration_response(self, context: RequestContext, request: dict[str, Any]) -> None:
        """Deletes a response."""
        await self._edited(
            context,
            request,
            lambda definition: integrations.delete_response(
                definition, *_method(request), request["statusCode"]
            ),
        )


def _method(request: dict[str, Any]) -> tuple[str, str]:
    return request["resourceId"], request["httpMethod"]


def _shown(record: Any) -> dict[str, Any]:
    found: dict[str, Any] = described(record)
    return found


def _described(resource: Resource, *, embeds: bool = False) -> dict[str, Any]:
    """A resource: its methods by name, and with what they are only where that is asked for."""
    found = _shown(resource)
    if resource.methods and not embeds:
        found["resourceMethods"] = {name: {} for name in resource.methods}
    return found
