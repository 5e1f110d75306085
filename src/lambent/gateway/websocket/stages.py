"""A stage of a WebSocket API, made ready to serve messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from lambent.functions.names import partition_of
from lambent.gateway.integrations.variables import with_variables
from lambent.gateway.throttling import bucket_of
from lambent.gateway.websocket.events import stage_variables
from lambent.gateway.websocket.selection import selector
from lambent.gateway.websocket.validation import validation_of

if TYPE_CHECKING:
    from lambent.gateway.apis.deployed import Deployed
    from lambent.gateway.apis.records import Integration, Route
    from lambent.gateway.apis.registry import ApiRegistry

_KEPT = 4096


class StageRoute:
    """A route with what its messages need."""

    __slots__ = (
        "answers",
        "bucket",
        "integration",
        "key",
        "responses",
        "route",
        "source_arn",
        "uri",
        "validation",
    )

    def __init__(self, deployed: Deployed, route: Route) -> None:
        api, stage = deployed.api, deployed.stage
        self.route = route
        self.key = msgspec.json.encode(route.route_key)
        self.integration: Integration | None = deployed.integrations.get(route.integration_id or "")
        uri = self.integration.integration_uri if self.integration is not None else None
        self.uri = with_variables(uri or "", stage.stage_variables)
        """Where the integration is, with the stage's variables in place."""
        self.responses = deployed.integration_responses.get(route.integration_id or "", ())
        self.bucket = bucket_of(stage, route.route_key)
        self.validation = validation_of(deployed, route)
        self.answers = bool(deployed.route_responses.get(route.route_id))
        """Whether what comes of a message is sent back."""
        self.source_arn = (
            f"arn:{partition_of(api.region)}:execute-api:{api.region}:{api.account}:"
            f"{api.api_id}/{stage.stage_name}/{route.route_key}"
        )


class ServedStage:
    """A deployed stage, read once."""

    def __init__(self, deployed: Deployed) -> None:
        self.deployed = deployed
        self.routes = {route.route_key: StageRoute(deployed, route) for route in deployed.routes}
        self.default = self.routes.get("$default")
        self.select = selector(deployed.api.route_selection_expression)
        self.variables = stage_variables(deployed.stage.stage_variables)

    def route_of(self, message: str) -> StageRoute | None:
        """The route of a message; $default where there is none of its own."""
        key = self.select(message)
        if key is None or key in ("$connect", "$disconnect"):
            return self.default
        return self.routes.get(key, self.default)


class ServedStages:
    """All stages, each read when it is first asked for and after each change."""

    def __init__(self, registry: ApiRegistry) -> None:
        self._registry = registry
        self._served: dict[tuple[str, str], ServedStage] = {}

    def get(self, api_id: str, stage: str) -> ServedStage | None:
        """A stage; None for one that is not there, has no deployment, or is of an API of another kind."""
        deployed = self._registry.deployed(api_id, stage)
        if deployed is None or deployed.api.protocol_type != "WEBSOCKET":
            return None
        served = self._served.get((api_id, stage))
        if served is None or served.deployed is not deployed:
            if len(self._served) >= _KEPT:
                self._served.clear()
            served = self._served[api_id, stage] = ServedStage(deployed)
        return served
