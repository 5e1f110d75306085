"""Operations on REST APIs, and importing them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lambent.aws.apigateway.members import described, given, operations, place
from lambent.aws.apigateway.paging import page_of
from lambent.aws.apigatewayv2.errors import translating
from lambent.aws.errors import ServiceError
from lambent.gateway.rest_api import apis
from lambent.gateway.rest_api.records import RestApi

if TYPE_CHECKING:
    from lambent.aws.context import RequestContext
    from lambent.gateway.rest_api import RestApiRegistry


class ApiOperations:
    """Create, import, read, update, delete, list."""

    registry: RestApiRegistry

    async def create_rest_api(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Answers with the new API, which has a root resource."""
        members = given(RestApi, request, "endpoint_configuration")
        members["clone_from"] = request.get("cloneFrom")
        endpoint = request.get("endpointConfiguration")
        if endpoint is not None:
            members["endpoint_configuration"] = {
                "types": endpoint.get("types"),
                "ip_address_type": endpoint.get("ipAddressType"),
                "vpc_endpoint_ids": endpoint.get("vpcEndpointIds"),
            }
        with translating():
            definition = await self.registry.create_api(context.account, context.region, members)
        return described_api(definition.api)

    async def import_rest_api(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Makes an API of a Swagger or OpenAPI document."""
        with translating():
            definition = await self.registry.import_api(
                context.account,
                context.region,
                _text(request),
                fail_on_warnings=bool(request.get("failOnWarnings")),
                parameters=request.get("parameters") or {},
            )
        return described_api(definition.api)

    async def put_rest_api(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Lays a document over an API, or puts it in place of what it has."""
        with translating():
            api = await self.registry.put_api(
                *place(context, request),
                _text(request),
                mode=request.get("mode") or "merge",
                fail_on_warnings=bool(request.get("failOnWarnings")),
                parameters=request.get("parameters") or {},
            )
        return described_api(api)

    async def get_rest_api(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """One API."""
        with translating():
            return described_api(self.registry.definition(*place(context, request)).api)

    async def get_rest_apis(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """A page of the APIs, by id."""
        found = [one.api for one in self.registry.definitions(context.account, context.region)]
        return page_of(found, lambda api: api.id, request, described_api)

    async def update_rest_api(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Answers with the changed API."""
        changes = operations(request)
        with translating():
            api = await self.registry.change(
                *place(context, request), lambda definition: apis.update(definition, changes)
            )
        return described_api(api)

    async def delete_rest_api(self, context: RequestContext, request: dict[str, Any]) -> None:
        """Deletes an API with everything that belongs to it."""
        with translating():
            await self.registry.delete_api(*place(context, request))


def described_api(api: RestApi) -> dict[str, Any]:
    """The members of an answer that shows `api`."""
    found: dict[str, Any] = described(api)
    if "policy" in found:
        # A text within a text: clients take the quotes' backslashes away.
        found["policy"] = json.dumps(found["policy"])[1:-1]
    return found


def _text(request: dict[str, Any]) -> str:
    body = request.get("body") or b""
    try:
        return bytes(body).decode()
    except UnicodeDecodeError:
        raise ServiceError("BadRequestException", "Invalid OpenAPI input: it is not UTF-8") from None
