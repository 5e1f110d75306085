"""The API Gateway service: its operations, gathered from the modules that hold them by topic."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from lambent.aws.apigateway.apis import ApiOperations
from lambent.aws.apigateway.authorizers import AuthorizerOperations
from lambent.aws.apigateway.domain_names import DomainNameOperations
from lambent.aws.apigateway.keys import KeyOperations
from lambent.aws.apigateway.resources import ResourceOperations
from lambent.aws.apigateway.settings import SettingOperations
from lambent.aws.apigateway.stages import StageOperations
from lambent.aws.apigateway.tags import TagOperations
from lambent.aws.apigatewayv2.reserved_tags import ReservedTags
from lambent.aws.service import Service

if TYPE_CHECKING:
    from lambent.gateway.rest_api import RestApiRegistry
    from lambent.gateway.rest_api.usage import Usage


class ApiGatewayService(
    ApiOperations,
    ResourceOperations,
    StageOperations,
    AuthorizerOperations,
    KeyOperations,
    DomainNameOperations,
    SettingOperations,
    TagOperations,
    ReservedTags,
    Service,
):
    """The control plane over one registry of REST APIs.

    Exports, SDKs and test invocations have no methods: they answer 501.
    """

    name: ClassVar[str] = "apigateway"

    def __init__(self, registry: RestApiRegistry, usage: Usage) -> None:
        self.registry = registry
        self.usage = usage
