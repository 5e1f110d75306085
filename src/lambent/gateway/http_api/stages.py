"""A stage of an HTTP API, made ready to serve requests: once, when it is first asked for and after each change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lambent.functions.names import partition_of
from lambent.gateway.access_log import access_log
from lambent.gateway.cors import CorsRules
from lambent.gateway.http_api.context import context_value
from lambent.gateway.http_api.routes import Routes
from lambent.gateway.throttling import bucket_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.gateway.apis.deployed import Deployed
    from lambent.gateway.apis.records import Cors, Integration, Route
    from lambent.gateway.apis.registry import ApiRegistry
    from lambent.gateway.http_api.deadlines import Deadlines
    from lambent.gateway.http_api.exchange import Exchange
    from lambent.gateway.integrations import Integrate, Respond
    from lambent.observe.log_store import LogStore

_KEPT: Final = 4096
DEFAULT: Final = "$default"


class ServedRoute:
    """A route with what its requests need."""

    __slots__ = (
        "_arn",
        "_arns",
        "_path",
        "bucket",
        "deadlines",
        "integrate",
        "integration",
        "key",
        "respond",
        "route",
    )

    def __init__(
        self,
        deployed: Deployed,
        route: Route,
        integration: Integration | None,
        integrate: Integrate | None,
        deadlines: Deadlines[Exchange],
        respond: Respond | None = None,
    ) -> None:
        api, stage = deployed.api, deployed.stage
        self.route = route
        self.key = route.route_key
        self.integration = integration
        self.integrate = integrate
        self.deadlines = deadlines
        self.respond = respond
        self.bucket = bucket_of(stage, route.route_key)
        partition = partition_of(api.region)
        self._arn = f"arn:{partition}:execute-api:{api.region}:{api.account}:{api.api_id}/{stage.stage_name}"
        self._path = route.route_key.partition(" ")[2]
        self._arns: dict[str, str] = {}

    @property
    def resource(self) -> str:
        """The path of the route key, or `$default`."""
        return self._path or DEFAULT

    def source_arn(self, method: str) -> str:
        """What function policies are asked about: `…/stage/GET/pets/{id}`, of the default route `…/stage/$default`."""
        arn = self._arns.get(method)
        if arn is None:
            arn = f"{self._arn}/{method}{self._path}" if self._path else f"{self._arn}/{DEFAULT}"
            if len(self._arns) < 64:  # methods are the client's to invent
                self._arns[method] = arn
        return arn


class ServedStage:
    """A deployed stage, read once. `prefix` stands before paths in events: the stage's name, but of `$default`."""

    def __init__(
        self, deployed: Deployed, serve: Callable[[Deployed, Route], ServedRoute], logs: LogStore | None
    ) -> None:
        self.access_log = access_log(deployed.api.api_id, deployed.stage, logs, context_value)
        self.deployed = deployed
        self.api_id: str = deployed.api.api_id
        self.account: str = deployed.api.account
        self.name: str = deployed.stage.stage_name
        self.prefix = "" if self.name == DEFAULT else f"/{self.name}"
        self.variables = deployed.stage.stage_variables
        self.routes = Routes((route.route_key, serve(deployed, route)) for route in deployed.routes)
        cors = deployed.api.cors_configuration
        self.cors = None if cors is None else cors_rules(cors)


def cors_rules(cors: Cors) -> CorsRules:
    """The rules of an API's configuration."""
    return CorsRules(
        origins=cors.allow_origins or (),
        methods=cors.allow_methods or (),
        headers=cors.allow_headers or (),
        exposed=cors.expose_headers or (),
        credentials=bool(cors.allow_credentials),
        max_age_s=cors.max_age,
    )


class ServedStages:
    """All stages of HTTP APIs."""

    def __init__(
        self,
        registry: ApiRegistry,
        serve: Callable[[Deployed, Route], ServedRoute],
        logs: LogStore | None,
    ) -> None:
        self._registry = registry
        self._logs = logs
        self._serve = serve
        self._served: dict[tuple[str, str], ServedStage] = {}

    def get(self, api_id: str, stage: str) -> ServedStage | None:
        """A stage; None for one that is not there, has no deployment, or is of an API of another kind."""
        deployed = self._registry.deployed(api_id, stage)
        if deployed is None:
            return None
        served = self._served.get((api_id, stage))
        if served is not None and served.deployed is deployed:
            return served
        if deployed.api.protocol_type != "HTTP":
            return None
        if len(self._served) >= _KEPT:
            self._served.clear()
        served = self._served[api_id, stage] = ServedStage(deployed, self._serve, self._logs)
        return served
