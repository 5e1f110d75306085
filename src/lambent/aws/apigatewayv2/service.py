"""The API Gateway V2 service: its operations, gathered from the modules that hold them by topic."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from lambent.aws.apigatewayv2.apis import ApiOperations
from lambent.aws.apigatewayv2.authorizers import AuthorizerOperations
from lambent.aws.apigatewayv2.domain_names import DomainNameOperations
from lambent.aws.apigatewayv2.integrations import IntegrationOperations
from lambent.aws.apigatewayv2.openapi import OpenApiOperations
from lambent.aws.apigatewayv2.reserved_tags import ReservedTags
from lambent.aws.apigatewayv2.routes import RouteOperations
from lambent.aws.apigatewayv2.stages import StageOperations
from lambent.aws.apigatewayv2.tags import TagOperations
from lambent.aws.service import Service

if TYPE_CHECKING:
    from lambent.gateway.apis import ApiRegistry


class ApiGatewayV2Service(
    ApiOperations,
    RouteOperations,
    IntegrationOperations,
    StageOperations,
    AuthorizerOperations,
    DomainNameOperations,
    OpenApiOperations,
    TagOperations,
    ReservedTags,
    Service,
):
    """The control plane over one registry of APIs. Portals and routing rules have no methods: they answer 501."""

    name: ClassVar[str] = "apigatewayv2"

    def __init__(self, registry: ApiRegistry) -> None:
        self.registry = registry
