"""Operations on authorizers, models, request validators and gateway responses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambent.aws.apigateway.members import described, given, operations, place
from lambent.aws.apigateway.paging import page_of
from lambent.aws.apigatewayv2.errors import translating
from lambent.aws.errors import ServiceError
from lambent.gateway.apis import ApiNotFound, BadApiRequest
from lambent.gateway.rest_api import authorizers, gateway_responses, models
from lambent.gateway.rest_api.records import Authorizer, GatewayResponse, Model, RequestValidator

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.aws.context import RequestContext
    from lambent.gateway.rest_api import RestApiRegistry
    from lambent.gateway.rest_api.definition import Definition


class AuthorizerOperations:
    """Create, read, update, delete and list."""

    registry: RestApiRegistry

    async def _altered(
        self,
        context: RequestContext,
        request: dict[str, Any],
        change: Callable[[Definition], tuple[Definition, Any]],
    ) -> dict[str, Any]:
        with translating():
            found: dict[str, Any] = described(await self.registry.change(*place(context, request), change))
        return found

    # ------------------------------------------------------------ authorizers

    async def create_authorizer(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Answers with the new authorizer."""
        if request.get("type") == "JWT" or request.get("jwtConfiguration"):
            raise ServiceError("BadRequestException", "JWT authorizers of REST APIs are not served here")
        members = given(Authorizer, request)
        return await self._altered(
            context, request, lambda definition: authorizers.create(definition, members)
        )

    async def get_authorizer(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """One authorizer."""
        with translating():
            definition = self.registry.definition(*place(context, request))
            found: dict[str, Any] = described(authorizers.get(definition, request["authorizerId"]))
        return found

    async def get_authorizers(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """A page of an API's authorizers, by id."""
        with translating():
            definition = self.registry.definition(*place(context, request))
        return page_of(definition.authorizers.values(), lambda one: one.id, request, described)

    async def update_authorizer(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Answers with the changed authorizer."""
        changes = operations(request)
        return await self._altered(
            context,
            request,
            lambda definition: authorizers.update(definition, request["authorizerId"], changes),
        )

    async def delete_authorizer(self, context: RequestContext, request: dict[str, Any]) -> None:
        """Deletes an authorizer that no method uses."""
        await self._altered(
            context, request, lambda definition: authorizers.delete(definition, request["authorizerId"])
        )

    # ------------------------------------------------------------ models

    async def create_model(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Answers with the new model."""
        members = given(Model, request)
        return await self._altered(context, request, lambda definition: models.create(definition, members))

    async def get_model(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """One model."""
        with translating():
            try:
                definition = self.registry.definition(*place(context, request))
            except ApiNotFound:
                raise ApiNotFound(f"Invalid model name specified: {request['modelName']}") from None
            found: dict[str, Any] = described(models.get(definition, request["modelName"]))
        return found

    async def get_models(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """A page of an API's models, by name."""
        with translating():
            definition = self.registry.definition(*place(context, request))
        return page_of(definition.models.values(), lambda one: one.name, request, described)

    async def get_model_template(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """A mapping template that makes a sample of a model."""
        with translating():
            definition = self.registry.definition(*place(context, request))
            return {"value": models.template(models.get(definition, request["modelName"]))}

    async def update_model(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Answers with the changed model."""
        changes = operations(request)
        return await self._altered(
            context, request, lambda definition: models.update(definition, request["modelName"], changes)
        )

    async def delete_model(self, context: RequestContext, request: dict[str, Any]) -> None:
        """Deletes a model that no method uses."""
        with translating():
            try:
                self.registry.definition(*place(context, request))
            except ApiNotFound:
                raise ApiNotFound(f"Invalid model name specified: {request['modelName']}") from None
        await self._altered(
            context, request, lambda definition: models.delete(definition, request["modelName"])
        )

    # ------------------------------------------------------------ request validators

    async def create_request_validator(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """Answers with the new validator."""
        members = given(RequestValidator, request)
        with translating():
            try:
                self.registry.definition(*place(context, request))
            except ApiNotFound:
                raise BadApiRequest("Invalid REST API identifier specified") from None
        return await self._altered(
            context, request, lambda definition: models.create_validator(definition, members)
        )

    def _validated(self, context: RequestContext, request: dict[str, Any]) -> Definition:
        try:
            return self.registry.definition(*place(context, request))
        except ApiNotFound:
            raise ApiNotFound("Invalid Request Validator identifier specified") from None

    async def get_request_validator(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """One validator."""
        with translating():
            definition = self._validated(context, request)
            found: dict[str, Any] = described(models.validator(definition, request["requestValidatorId"]))
        return found

    async def get_request_validators(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """A page of an API's validators, by id."""
        with translating():
            definition = self.registry.definition(*place(context, request))
        return page_of(definition.validators.values(), lambda one: one.id, request, described)

    async def update_request_validator(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """Answers with the changed validator."""
        changes = operations(request)
        with translating():
            self._validated(context, request)
        return await self._altered(
            context,
            request,
            lambda definition: models.update_validator(definition, request["requestValidatorId"], changes),
        )

    async def delete_request_validator(self, context: RequestContext, request: dict[str, Any]) -> None:
        """Deletes a validator that no method uses."""
        with translating():
            self._validated(context, request)
        await self._altered(
            context,
            request,
            lambda definition: models.delete_validator(definition, request["requestValidatorId"]),
        )

    # ------------------------------------------------------------ gateway responses

    async def put_gateway_response(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Answers with the response as it is now."""
        members = given(GatewayResponse, request)
        kind = request["responseType"]
        await self._altered(
            context, request, lambda definition: gateway_responses.put(definition, kind, members)
        )
        return await self.get_gateway_response(context, request)

    async def get_gateway_response(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """One response, set or not."""
        with translating():
            definition = self.registry.definition(*place(context, request))
        return gateway_responses.described(definition, request["responseType"])

    async def get_gateway_responses(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """All responses, set or not, by type."""
        with translating():
            definition = self.registry.definition(*place(context, request))
        return page_of(
            gateway_responses.STATUSES,
            lambda kind: kind,
            request,
            lambda kind: gateway_responses.described(definition, kind),
        )

    async def update_gateway_response(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """Answers with the changed response."""
        changes = operations(request)
        kind = request["responseType"]
        await self._altered(
            context, request, lambda definition: gateway_responses.update(definition, kind, changes)
        )
        return await self.get_gateway_response(context, request)

    async def delete_gateway_response(self, context: RequestContext, request: dict[str, Any]) -> None:
        """Returns to the default."""
        await self._altered(
            context,
            request,
            lambda definition: gateway_responses.delete(definition, request["responseType"]),
        )
