"""A stage of a REST API, made ready to serve requests: once, when it is first asked for and after each change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lambent.functions.names import partition_of
from lambent.gateway.access_log import access_log
from lambent.gateway.rest_api.context import context_value
from lambent.gateway.rest_api.policies import ResourcePolicy
from lambent.gateway.rest_api.responding import GatewayResponses
from lambent.gateway.rest_api.routes import RestRoutes
from lambent.gateway.rest_api.stages import settings_of
from lambent.gateway.rest_api.validation import RequestValidation
from lambent.gateway.throttling import limited

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.gateway.http_api.deadlines import Deadlines
    from lambent.gateway.rest_api.deployed import Deployed
    from lambent.gateway.rest_api.exchange import RestExchange
    from lambent.gateway.rest_api.records import Authorizer, Integration, Method, Resource, RestApi, Stage
    from lambent.gateway.rest_api.refusals import Refusal
    from lambent.gateway.rest_api.registry import RestApiRegistry
    from lambent.gateway.throttling import Bucket
    from lambent.observe.log_store import LogStore

_KEPT: Final = 4096


class ServedMethod:
    """A method with what its requests need."""

    __slots__ = (
        "_arn",
        "_arns",
        "authorizer",
        "bucket",
        "deadlines",
        "integrate",
        "key",
        "method",
        "resource",
        "stage",
        "validation",
    )

    def __init__(
        self,
        stage: ServedStage,
        resource: Resource,
        method: Method,
        integrate: Callable[[RestExchange], None] | None,
        deadlines: Deadlines[RestExchange],
    ) -> None:
        self.stage = stage
        self.resource: Resource = resource
        self.method: Method = method
        self.key = f"{method.http_method} {resource.path}"
        self.integrate = integrate
        self.deadlines = deadlines
        self.authorizer: Authorizer | None = stage.deployed.snapshot.authorizers.get(
            method.authorizer_id or ""
        )
        self.bucket = _bucket(stage, resource, method)
        validator = stage.deployed.snapshot.validators.get(method.request_validator_id or "")
        self.validation = (
            None
            if validator is None
            else RequestValidation(validator, method, stage.deployed.snapshot.models)
        )
        self._arn = f"{stage.arn}/"
        self._arns: dict[str, str] = {}

    def source_arn(self, method: str) -> str:
        """What function policies are asked about: `…/stage/GET/pets/{id}`."""
        arn = self._arns.get(method)
        if arn is None:
            arn = f"{self._arn}{method}{self.resource.path}"
            if len(self._arns) < 64:  # methods are the client's to invent
                self._arns[method] = arn
        return arn


class ServedStage:
    """A deployed stage, read once."""

    def __init__(
        self,
        deployed: Deployed,
        integration: Callable[[ServedStage, Integration], Callable[[RestExchange], None]],
        limit: Callable[[int], Deadlines[RestExchange]],
        logs: LogStore | None,
    ) -> None:
        api, stage = deployed.api, deployed.stage
        self.deployed = deployed
        self.api: RestApi = api
        self.stage: Stage = stage
        self.name: str = stage.stage_name
        self.variables = stage.variables or {}
        self.arn = f"arn:{partition_of(api.region)}:execute-api:{api.region}:{api.account}:{api.id}/{stage.stage_name}"
        self.access_log = access_log(api.id, stage, logs, context_value)
        self.policy = ResourcePolicy(api) if api.policy else None
        self.refused_by = GatewayResponses(deployed.snapshot.gateway_responses)
        kinds = api.binary_media_types or ()
        self._all_binary = "*/*" in kinds
        self._binary = frozenset(kind.lower() for kind in kinds)
        self.routes = RestRoutes(
            (
                method.http_method,
                resource.path,
                ServedMethod(
                    self,
                    resource,
                    method,
                    None
                    if method.method_integration is None
                    else integration(self, method.method_integration),
                    limit(
                        29_000
                        if method.method_integration is None
                        else method.method_integration.timeout_in_millis
                    ),
                ),
            )
            for resource in deployed.snapshot.resources.values()
            for method in resource.methods.values()
        )

    def is_binary(self, content_type: str) -> bool:
        """Whether the API treats a type, or the first of several that are accepted, as binary."""
        if self._all_binary:
            return True
        if not self._binary:
            return False
        essence = content_type.partition(",")[0].partition(";")[0].strip().lower()
        return essence in self._binary or f"{essence.partition('/')[0]}/*" in self._binary

    def refused(self, exchange: RestExchange, refusal: Refusal) -> tuple[int, list[tuple[str, str]], bytes]:
        """The answer to what is refused."""
        return self.refused_by.answer(exchange, refusal)


def _bucket(stage: ServedStage, resource: Resource, method: Method) -> Bucket | None:
    settings = settings_of(stage.stage, resource.path, method.http_method)
    if settings is None:
        return None
    return limited(settings.throttling_rate_limit, settings.throttling_burst_limit)


class ServedStages:
    """All stages of REST APIs."""

    def __init__(
        self,
        registry: RestApiRegistry,
        integration: Callable[[ServedStage, Integration], Callable[[RestExchange], None]],
        limit: Callable[[int], Deadlines[RestExchange]],
        logs: LogStore | None,
    ) -> None:
        self._registry = registry
        self._integration = integration
        self._limit = limit
        self._logs = logs
        self._served: dict[tuple[str, str], ServedStage] = {}

    def get(self, api_id: str, stage: str) -> ServedStage | None:
        """A stage; None for one that is not there."""
        deployed = self._registry.deployed(api_id, stage)
        if deployed is None:
            return None
        served = self._served.get((api_id, stage))
        if served is not None and served.deployed is deployed:
            return served
        if len(self._served) >= _KEPT:
            self._served.clear()
        served = self._served[api_id, stage] = ServedStage(
            deployed, self._integration, self._limit, self._logs
        )
        return served
