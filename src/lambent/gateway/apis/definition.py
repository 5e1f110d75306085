"""An API as it is being edited: what a deployment freezes, and the stages that serve deployments."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from lambent.gateway.apis.records import (
        Api,
        Authorizer,
        Deployment,
        Integration,
        IntegrationResponse,
        Model,
        Route,
        RouteResponse,
        Stage,
    )


class Content(msgspec.Struct, frozen=True):
    """What a deployment freezes, each kind by id. Changes replace the dicts."""

    api: Api
    routes: dict[str, Route] = {}
    integrations: dict[str, Integration] = {}
    authorizers: dict[str, Authorizer] = {}
    route_responses: dict[str, RouteResponse] = {}
    integration_responses: dict[str, IntegrationResponse] = {}
    models: dict[str, Model] = {}


class Definition(msgspec.Struct, frozen=True):
    """An API with its stages (by name) and deployments (by id).

    `version` grows with every change. `served` holds the contents of those deployments that stages serve, by
    deployment id.
    """

    content: Content
    version: int = 1
    stages: dict[str, Stage] = {}
    deployments: dict[str, Deployment] = {}
    served: dict[str, Content] = {}

    @property
    def api(self) -> Api:
        """The API itself, as it is being edited."""
        return self.content.api
