"""HTTP APIs: from a request to the integration of the route that it matches."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, TypeAlias

from lambent.gateway.authorizers import Verdict
from lambent.gateway.call import MAX_BODY, Call, extended_id
from lambent.gateway.http_api.deadlines import Deadlines
from lambent.gateway.http_api.exchange import Exchange
from lambent.gateway.http_api.paths import decoded_path
from lambent.gateway.http_api.stages import DEFAULT, ServedRoute, ServedStages
from lambent.gateway.integrations.function import FunctionIntegration

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from lambent.gateway.apis.deployed import Deployed
    from lambent.gateway.apis.records import Integration, Route
    from lambent.gateway.apis.registry import ApiRegistry
    from lambent.gateway.functions import FunctionCaller
    from lambent.gateway.http_api.stages import ServedStage
    from lambent.gateway.integrations import Integrate
    from lambent.http import Request

Authorize: TypeAlias = "Callable[..., Verdict | Awaitable[Verdict]]"
"""`Authorizers.authorize`."""

_log = logging.getLogger(__name__)


class HttpApis:
    """Serves the HTTP APIs of a registry. Without `authorize` every route is open."""

    def __init__(
        self, registry: ApiRegistry, functions: FunctionCaller, *, authorize: Authorize | None = None
    ) -> None:
        self._registry = registry
        self._functions = functions
        self._authorize = authorize
        self._stages = ServedStages(registry, self._serve)
        self._deadlines: dict[int, Deadlines[Exchange]] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    # ------------------------------------------------------------ requests

    def handle(self, request: Request, api_id: str, host: str, path: str) -> None:
        """Answer a request to an API's own endpoint. `path` is what follows the address, as it was sent."""
        call = Call(request, host, path or "/", extended_id())
        api = self._registry.api(api_id)
        if api is None or api.disable_execute_api_endpoint:
            call.fail(404, "Not Found")
            return
        decoded = decoded_path(path or "/")
        if decoded is None:
            call.fail(400, "Bad Request")
            return
        # A stage by its name first, and $default with what is none: "Routing API requests" of the developer guide.
        name, slash, rest = decoded[1:].partition("/")
        stage = self._stages.get(api_id, name) if name else None
        if stage is not None and stage.name != DEFAULT:
            call.path = _without_first(path)
            self._take(call, stage, slash + rest or "/", decoded, decoded)
            return
        stage = self._stages.get(api_id, DEFAULT)
        if stage is None:
            call.fail(404, "Not Found")
            return
        self._take(call, stage, decoded, decoded, decoded)

    def _take(self, call: Call, stage: ServedStage, path: str, raw_path: str, mapping_path: str) -> None:
        request = call.request
        exchange = Exchange(call, stage, path, raw_path, mapping_path)
        cors = stage.cors
        origin = None
        if cors is not None:
            origin = request.header(b"origin")
            if origin is not None:
                text = origin.decode("latin-1")
                preflight = call.method == "OPTIONS" and cors.is_preflight(request)
                exchange.cors = cors.preflight(request, text) if preflight else cors.headers(text)
            else:
                exchange.cors = []
        if len(request.body) > MAX_BODY:
            exchange.fail(413, "Request Entity Too Large")
            return
        found = stage.routes.match(call.method, path)
        if found is None:
            if (
                origin is not None
                and call.method == "OPTIONS"
                and cors is not None
                and cors.is_preflight(request)
            ):
                exchange.answer(204, [], b"")
            else:
                exchange.fail(404, "Not Found")
            return
        exchange.route, exchange.parameters = route, _ = found
        if route.bucket is not None and not route.bucket.take():
            exchange.fail(429, "Too Many Requests")
            return
        if route.route.authorization_type == "NONE" or self._authorize is None:
            self._integrate(exchange)
            return
        verdict = self._authorize(
            call,
            stage.deployed,
            route.route,
            path=path,
            raw_path=raw_path,
            path_parameters=exchange.parameters,
        )
        if isinstance(verdict, Verdict):
            self._decided(exchange, verdict)
        else:
            task = asyncio.get_running_loop().create_task(self._wait_for(exchange, verdict))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _wait_for(self, exchange: Exchange, verdict: Awaitable[Verdict]) -> None:
        try:
            decided = await verdict
        except Exception:  # whatever it is, the client gets an answer
            _log.exception("the authorizer of route %s has failed", exchange.route.key)
            exchange.fail(500, "Internal Server Error")
            return
        self._decided(exchange, decided)

    def _decided(self, exchange: Exchange, verdict: Verdict) -> None:
        exchange.verdict = verdict
        if verdict.allowed:
            self._integrate(exchange)
        else:
            exchange.fail(verdict.status, verdict.message, headers=verdict.headers)

    def _integrate(self, exchange: Exchange) -> None:
        integrate = exchange.route.integrate
        if integrate is None:
            _log.warning("route %s of API %s has no integration", exchange.route.key, exchange.stage.api_id)
            exchange.fail(500, "Internal Server Error", "No integration defined for the route")
        else:
            integrate(exchange)

    # ------------------------------------------------------------ stages

    def _serve(self, deployed: Deployed, route: Route) -> ServedRoute:
        integration = deployed.integrations.get(route.integration_id or "")
        if integration is None:
            return ServedRoute(deployed, route, None, None, self._limit(30_000))
        return ServedRoute(
            deployed,
            route,
            integration,
            self._integration(deployed, integration),
            self._limit(integration.timeout_in_millis),
        )

    def _limit(self, milliseconds: int) -> Deadlines[Exchange]:
        found = self._deadlines.get(milliseconds)
        if found is None:
            found = self._deadlines[milliseconds] = Deadlines(milliseconds / 1000)
        return found

    def _integration(self, deployed: Deployed, integration: Integration) -> Integrate:
        return FunctionIntegration(integration, deployed.stage.stage_variables, self._functions)


def _without_first(path: str) -> str:
    """A path as it was sent without its first segment."""
    end = path.find("/", 1)
    return "/" if end < 0 else path[end:]
