"""HTTP APIs: from a request to the integration of the route that it matches."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, TypeAlias

from lambent.gateway.authorizers import Verdict
from lambent.gateway.call import MAX_BODY, Call, extended_id
from lambent.gateway.http_api.deadlines import Deadlines
from lambent.gateway.http_api.domains import Domains
from lambent.gateway.http_api.exchange import Exchange
from lambent.gateway.http_api.mapping import ResponseMapping
from lambent.gateway.http_api.paths import decoded_path
from lambent.gateway.http_api.stages import DEFAULT, ServedRoute, ServedStages
from lambent.gateway.integrations.function import FunctionIntegration
from lambent.gateway.integrations.http_proxy import HttpProxyIntegration
from lambent.gateway.integrations.origins import Origins
from lambent.gateway.integrations.service import ServiceIntegration
from lambent.gateway.integrations.tasks import Tasks

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from lambent.gateway.apis.deployed import Deployed
    from lambent.gateway.apis.records import Integration, Route
    from lambent.gateway.apis.registry import ApiRegistry
    from lambent.gateway.cors import CorsRules
    from lambent.gateway.functions import FunctionCaller
    from lambent.gateway.http_api.domains import Mapped
    from lambent.gateway.http_api.stages import ServedStage
    from lambent.gateway.integrations import Integrate
    from lambent.http import Request
    from lambent.neighbours.service_calls import CallService
    from lambent.observe.log_store import LogStore

Authorize: TypeAlias = "Callable[..., Verdict | Awaitable[Verdict]]"
"""`Authorizers.authorize`."""

_log = logging.getLogger(__name__)


class HttpApis:
    """Serves the HTTP APIs of a registry.

    Without `authorize` every route is open; without `call_service` routes to services of the platform are answered
    500; without `logs` there are no access logs.
    """

    def __init__(
        self,
        registry: ApiRegistry,
        functions: FunctionCaller,
        *,
        authorize: Authorize | None = None,
        call_service: CallService | None = None,
        logs: LogStore | None = None,
    ) -> None:
        self._registry = registry
        self._functions = functions
        self._authorize = authorize
        self._call_service = call_service
        self._stages = ServedStages(registry, self._serve, logs)
        self._deadlines: dict[int, Deadlines[Exchange]] = {}
        self._domains = Domains(registry)
        self._tasks = Tasks()
        self._origins = Origins()

    def close(self) -> None:
        """End what is still under way, and cut the connections to other servers."""
        self._tasks.cancel()
        self._origins.close()

    # ------------------------------------------------------------ requests

    def handle(
        self, request: Request, api_id: str, host: str, path: str, *, stage_name: str | None = None
    ) -> None:
        """Answer a request to an API's own endpoint. `path` is what follows the address, as it was sent.

        With `stage_name` the path does not tell the stage, and an endpoint that is disabled serves nevertheless.
        """
        call = Call(request, host, path or "/", extended_id())
        api = self._registry.api(api_id)
        if api is None or (api.disable_execute_api_endpoint and stage_name is None):
            call.fail(404, "Not Found")
            return
        decoded = decoded_path(path or "/")
        if decoded is None or decoded[:1] != "/":
            call.fail(400, "Bad Request")
            return
        if stage_name is not None:
            self._handle_at(call, self._stages.get(api_id, stage_name), decoded)
            return
        # A stage by its name first, and $default with what is none: "Routing API requests" of the developer guide.
        name, slash, rest = decoded[1:].partition("/")
        stage = self._stages.get(api_id, name) if name else None
        if name == DEFAULT:
            # By path the default stage may be named too.
            decoded = slash + rest or "/"
        elif stage is not None:
            call.path = _without_first(path)
            self._take(Exchange(call, stage, slash + rest or "/", decoded, decoded))
            return
        self._handle_at(call, self._stages.get(api_id, DEFAULT), decoded)

    def _handle_at(self, call: Call, stage: ServedStage | None, path: str) -> None:
        """Answer a request to a path of a stage that the path does not tell."""
        if stage is None:
            call.fail(404, "Not Found")
            return
        raw_path = stage.prefix + path
        self._take(Exchange(call, stage, path, raw_path, raw_path))

    def handle_domain(self, request: Request, name: str, host: str, path: str) -> None:
        """Answer a request to a custom domain name; `name` and `path` are as `Domains` takes them."""
        mapped = self._domains.mapped(name, path or "/")
        if mapped is None:
            Call(request, host, path or "/", extended_id()).fail(404, "Not Found")
        else:
            self.handle_mapped(request, mapped, host)

    def handle_mapped(self, request: Request, mapped: Mapped, host: str) -> None:
        """Answer a request to a custom domain name.

        Payload 2.0 has the stage's name in its path and payload 1.0 the mapping's key ("Create AWS Lambda proxy
        integrations for HTTP APIs": rawPath does not have the API mapping, path of format 1.0 has it; captured:
        CodeGenieApp/serverless-express#465).
        """
        call = Call(request, host, mapped.path, extended_id())
        path = decoded_path(mapped.path)
        if path is None or path[:1] != "/":
            call.fail(400, "Bad Request")
            return
        stage = self._stages.get(mapped.api_id, mapped.stage)
        if stage is None:
            call.fail(404, "Not Found")
            return
        raw_path = stage.prefix + path
        exchange = Exchange(call, stage, path, raw_path, f"/{mapped.key}{path}" if mapped.key else path)
        exchange.mapping_key = mapped.key
        self._take(exchange)

    def _take(self, exchange: Exchange) -> None:
        call, stage = exchange.call, exchange.stage
        preflight = stage.cors is not None and _consider_cors(exchange, stage.cors)
        if len(call.request.body) > MAX_BODY:
            exchange.fail(413, "Request Entity Too Large")
            return
        found = stage.routes.match(call.method, exchange.path)
        if found is None:
            # Routes that take OPTIONS, for every method or by default, get preflights themselves: told in
            # aws/serverless-application-model#1603 and anomalyco/sst#5493.
            if preflight:
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
            path=exchange.path,
            raw_path=exchange.raw_path,
            path_parameters=exchange.parameters,
        )
        if isinstance(verdict, Verdict):
            self._decided(exchange, verdict)
        else:
            self._tasks.start(exchange, self._wait_for(exchange, verdict))

    async def _wait_for(self, exchange: Exchange, verdict: Awaitable[Verdict]) -> None:
        self._decided(exchange, await verdict)

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
        changes = integration.response_parameters
        return ServedRoute(
            deployed,
            route,
            integration,
            self._integration(deployed, integration),
            self._limit(integration.timeout_in_millis),
            ResponseMapping(changes) if changes else None,
        )

    def _limit(self, milliseconds: int) -> Deadlines[Exchange]:
        found = self._deadlines.get(milliseconds)
        if found is None:
            found = self._deadlines[milliseconds] = Deadlines(
                max(milliseconds / 1000, self._functions.patience_s)
            )
        return found

    def _integration(self, deployed: Deployed, integration: Integration) -> Integrate:
        variables = deployed.stage.stage_variables
        if integration.integration_type == "HTTP_PROXY":
            return HttpProxyIntegration(integration, variables, self._origins, self._tasks)
        if integration.integration_subtype is not None:
            api = deployed.api
            return ServiceIntegration(integration, api.account, api.region, self._call_service, self._tasks)
        return FunctionIntegration(integration, variables, self._functions)


def _consider_cors(exchange: Exchange, cors: CorsRules) -> bool:
    """Note what the answer is to say of CORS. Whether the request is a preflight."""
    request = exchange.call.request
    origin = request.header(b"origin")
    if origin is None:
        exchange.cors = []
        return False
    text = origin.decode("latin-1")
    if request.method == b"OPTIONS" and cors.is_preflight(request):
        exchange.cors = cors.preflight(request, text)
        return True
    exchange.cors = cors.headers(text)
    return False


def _without_first(path: str) -> str:
    """A path as it was sent without its first segment."""
    end = path.find("/", 1)
    return "/" if end < 0 else path[end:]
