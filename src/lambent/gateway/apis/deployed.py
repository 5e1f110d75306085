"""What a stage serves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from lambent.gateway.apis.definition import Content
    from lambent.gateway.apis.records import (
        Api,
        Authorizer,
        Integration,
        IntegrationResponse,
        Model,
        Route,
        RouteResponse,
        Stage,
    )


class Deployed(msgspec.Struct, frozen=True, eq=False):
    """An API as a stage serves it: immutable, and the same object until the stage or its deployment changes.

    `integrations` and `authorizers` are by id, `route_responses` by route id, `integration_responses` by integration
    id, `models` by name; all come from `source`. `stage` is always the newest: its variables, throttling and logs need
    no deployment.
    """

    api: Api
    stage: Stage
    routes: tuple[Route, ...] = ()
    integrations: dict[str, Integration] = {}
    authorizers: dict[str, Authorizer] = {}
    route_responses: dict[str, tuple[RouteResponse, ...]] = {}
    integration_responses: dict[str, tuple[IntegrationResponse, ...]] = {}
    models: dict[str, Model] = {}
    source: Content | None = None


def deployed(content: Content, stage: Stage) -> Deployed:
    """`content` as `stage` serves it."""
    route_responses: dict[str, tuple[RouteResponse, ...]] = {}
    for response in content.route_responses.values():
        route_responses[response.route_id] = (*route_responses.get(response.route_id, ()), response)
    integration_responses: dict[str, tuple[IntegrationResponse, ...]] = {}
    for answer in content.integration_responses.values():
        earlier = integration_responses.get(answer.integration_id, ())
        integration_responses[answer.integration_id] = (*earlier, answer)
    return Deployed(
        api=content.api,
        stage=stage,
        routes=tuple(content.routes.values()),
        integrations=content.integrations,
        authorizers=content.authorizers,
        route_responses=route_responses,
        integration_responses=integration_responses,
        models={model.name: model for model in content.models.values()},
        source=content,
    )
