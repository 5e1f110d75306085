"""HTTP requests to handlers, and their results to answers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from lambent.app import current
from lambent.app.encoding import encode
from lambent.app.endpoint import Endpoint
from lambent.app.errors import (
    AppError,
    BadRequest,
    HTTPError,
    InternalServerError,
    MethodNotAllowed,
    NotFound,
    UnknownEvent,
)
from lambent.app.onion import wrapped
from lambent.app.parameters import HttpParameters
from lambent.app.request import Request
from lambent.app.response import JSON, Response, response_of, status_of
from lambent.app.routing import RouteTable
from lambent.app.signature import described
from lambent.app.wire import is_unicode, to_alb, to_v1, to_v2

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lambent.app.app import App
    from lambent.app.onion import Call, Middleware
    from lambent.app.routing import Entry

_PLAIN = frozenset({dict, list, int, float, bool})
"""Types of results that are the body as JSON and nothing else; Structs and the like are found to be so later."""

_OPTIONS = frozenset(
    {
        "auth",
        "deprecated",
        "description",
        "hidden",
        "methods",
        "operation_id",
        "path",
        "responses",
        "status",
        "summary",
        "tags",
    }
)

_NOT_FOUND = encode(NotFound().document()).decode()

_set_correlation = current.correlation_id.set


class Route:
    """One handler of one template, for one or more methods."""

    __slots__ = (
        "endpoint",
        "layers",
        "methods",
        "options",
        "parameters",
        "plain",
        "run",
        "run_is_async",
        "status",
        "template",
    )

    def __init__(self, layers: tuple[Middleware, ...], options: dict[str, Any]) -> None:
        self.methods: tuple[str, ...] = options["methods"]
        self.template: str = options["path"]
        self.status: int | None = options["status"]
        self.layers = layers
        self.options = options
        self.parameters: HttpParameters | None = None
        self.endpoint: Endpoint | None = None
        self.plain: Call | None = None
        self.run: Call | None = None
        self.run_is_async = False

    def bind(self, app: App, handler: Callable[..., Any], names: tuple[str, ...]) -> None:
        """Find out where the handler's parameters come from. Raises AppError."""
        method = next((one for one in self.methods if one not in ("GET", "HEAD", "OPTIONS")), self.methods[0])
        self.parameters = parameters = HttpParameters(handler, method, self.template, names)
        self.endpoint = endpoint = Endpoint(handler, app.services, parameters.resolve, (Request,))
        parameters.check(endpoint.takes_invocation or endpoint.signature.any_keyword)


class Http:
    """The routes of an app."""

    def __init__(
        self,
        app: App,
        strip_prefixes: Iterable[str | re.Pattern[str]],
        layers: list[Middleware],
        errors: dict[type[BaseException], Callable[..., Any]],
    ) -> None:
        self._app = app
        self._layers = layers
        self._errors = errors
        self._table: RouteTable[Route] = RouteTable()
        self._strip = _prefixes(strip_prefixes)
        self.routes: list[Route] = []
        self._unmatched: Call | None = None
        self._unmatched_is_async = False

    def add(
        self, handler: Callable[..., Any], layers: tuple[Middleware, ...], options: dict[str, Any]
    ) -> None:
        """Add a route. Raises AppError."""
        unknown = options.keys() - _OPTIONS
        if unknown:
            raise AppError(
                f"{options['path']}: {described(handler)}: a route has no option {', '.join(sorted(unknown))}"
            )
        if options["status"] is not None:
            try:
                options["status"] = status_of(options["status"])
            except (TypeError, ValueError) as error:
                raise AppError(f"{options['path']}: {described(handler)}: status: {error}") from None
        route = Route(layers, options)
        for method in route.methods:
            there = self._table.add(method, route.template, route)
            if there is not None and there.endpoint is not None:
                raise AppError(
                    f"{method} {route.template}: both {described(there.endpoint.handler)} and {described(handler)} "
                    f"are for it: give one of them another path or method"
                )
        route.bind(self._app, handler, self._table.names(route.template))
        self.routes.append(route)

    def changed(self) -> None:
        """Layers or services have been added: chains are made anew when they are next used."""
        for route in self.routes:
            route.plain = route.run = None
        self._unmatched = None

    # ------------------------------------------------------------ a request

    def handle(self, event: dict[str, Any], context: Any) -> dict[str, Any]:
        """The answer to an event of API Gateway, a function URL or a load balancer."""
        request = Request(event, context)
        try:
            about = event["requestContext"]
            path = event.get("rawPath")
            if path is not None:
                request.kind = "http.v2"
                request.method = method = about["http"]["method"]
                stage = about.get("stage")
                if stage != "$default":
                    path = self._without_stage(path, about)
                to_wire: Callable[..., dict[str, Any]] = to_v2
            else:
                request.method = method = event["httpMethod"]
                path = event.get("path") or "/"
                if "elb" in about:
                    request.kind, to_wire = "alb", to_alb
                else:
                    request.kind, to_wire = "http.v1", to_v1
                    if event.get("version") == "1.0" and path == about.get("path"):
                        # An HTTP API that speaks 1.0, whose paths begin with the stage.
                        path = self._without_stage(path, about)
            headers = event.get("headers")
            correlation = (
                headers
                and (
                    headers.get("x-correlation-id")
                    or (to_wire is not to_v2 and headers.get("X-Correlation-Id"))
                )
            ) or about.get("requestId")
            if not correlation and to_wire is to_alb:
                correlation = _correlation(event)
            _set_correlation(correlation)
            if self._strip:
                path = self._stripped(path)
            if path[-1:] == "/" or not path:
                path = path.rstrip("/") or "/"
            request.path = path
            is_unicode_path = path.isascii() or is_unicode(path)
            method.upper  # noqa: B018 - nothing but text is a method
        except (AttributeError, KeyError, TypeError) as error:
            raise UnknownEvent(
                f"{self._app.name}: the event looks like an HTTP request, and is not as AWS sends one: {error!r}"
            ) from error
        if not is_unicode_path:
            request.path = "/"
            return self._sent(self._failed(BadRequest("The path is not UTF-8"), request), request, to_wire)

        table = self._table
        entry = table.static.get(path)
        if entry is None:
            parameters = event.get("pathParameters")
            found = self._matched(path, event, parameters) if parameters else table.find(path)
            if found is None:
                return self._not_found(request, to_wire)
            entry, request.values = found
            request.names = entry.names
        route = entry.methods.get(method)
        if route is None:
            route = self._another(request, entry)
            if route is None:
                return self._other_method(request, to_wire)
        request.route = template = route.template
        tracer = self._app.tracer
        if tracer is not None:
            # Names are those of OpenTelemetry's semantic conventions for HTTP spans.
            tracer.rename(f"{method} {template}")
            tracer.put_annotation("http.route", template)
            tracer.put_annotation("http.request.method", method)

        plain = route.plain
        if plain is None:
            if route.run is None:
                self._prepare(route)
            if route.plain is None:
                return self._run(request, route.run, route.run_is_async, to_wire)  # type: ignore[arg-type]
            plain = route.plain
        # Without layers and coroutines: the straight line.
        try:
            result = plain(request)
            kind = result.__class__
            if kind in _PLAIN or (kind is not str and kind is not tuple and not _special(result)):
                body = encode(result).decode()
                if request.scope is not None:
                    self._app.services.close(request.scope.closing, None)
                if to_wire is not to_alb and method != "HEAD":
                    return {
                        "statusCode": route.status or 200,
                        "headers": {"content-type": JSON},
                        "body": body,
                        "isBase64Encoded": False,
                    }
                response = Response(body, route.status or 200, content_type=JSON)
            else:
                response = response_of(result, route.status)
                if request.scope is not None:
                    self._app.services.close(request.scope.closing, None)
        except Exception as error:  # noqa: BLE001 - each exception is answered
            response = self._failed(error, request)
        except BaseException as error:
            self._abandoned(error, request)
            raise
        return self._sent(response, request, to_wire)

    def _matched(
        self, path: str, event: dict[str, Any], parameters: dict[str, str]
    ) -> tuple[Entry[Route], list[str]] | None:
        """The entry for a path of which the gateway has taken `parameters`."""
        table = self._table
        resource = event.get("resource")
        if resource.__class__ is str and "%" not in path and "+}" not in resource:
            # A path that somebody has decoded: what was one segment for the gateway could be several now. What it took
            # for all that follows is another matter: a route here may be nearer.
            found = table.by_resource(resource, parameters)
            if found is not None:
                return found
        found = table.find(path)
        if found is None:
            found = table.by_resource(resource or event.get("routeKey", "").partition(" ")[2], parameters)
        return found

    def _prepare(self, route: Route) -> None:
        """Make the chain of a route's layers and its handler."""
        app, endpoint = self._app, route.endpoint
        assert endpoint is not None
        layers = (*app.layers, *route.layers)
        handler = endpoint.composed()
        if not layers and not endpoint.is_async:
            route.plain = handler[0]
            return
        status = route.status
        route.run, route.run_is_async = wrapped(
            layers, handler, lambda result: response_of(result, status), app.loop
        )

    def _run(
        self,
        request: Request,
        run: Call,
        is_async: bool,
        to_wire: Callable[..., dict[str, Any]],
    ) -> dict[str, Any]:
        """Through the layers."""
        app = self._app
        try:
            response = app.loop.run(run(request)) if is_async else run(request)
            if request.scope is not None:
                app.services.close(request.scope.closing, response.error)
        except Exception as error:  # noqa: BLE001 - each exception is answered
            response = self._failed(error, request)
        except BaseException as error:
            self._abandoned(error, request)
            raise
        return self._sent(response, request, to_wire)

    def _abandoned(self, error: BaseException, request: Request) -> None:
        """Close what the request has open when the process is to end, by SystemExit for example."""
        if request.scope is not None:
            self._app.services.close(request.scope.closing, error)

    def _sent(
        self, response: Response, request: Request, to_wire: Callable[..., dict[str, Any]]
    ) -> dict[str, Any]:
        """The answer for the gateway; when it is none that could be sent, one that says that the app has failed."""
        try:
            return to_wire(response, request.event, request.method == "HEAD")
        except Exception as error:  # noqa: BLE001 - what cannot be sent, is answered
            return to_wire(self._last_resort(error, request), request.event, request.method == "HEAD")

    def _failed(self, error: Exception, request: Request) -> Response:
        """As `failed`; an error handler that fails itself is no reason to leave the caller without an answer."""
        try:
            return self.failed(error, request)
        except Exception as another:
            if another is error:
                raise  # as the app wants it
            return self._last_resort(another, request)

    def _last_resort(self, error: Exception, request: Request) -> Response:
        if self._app.reraise:
            raise error
        self._app.report(error, f"The answer to {request.method} {request.path} failed")
        response = Response(InternalServerError().document(), 500)
        response.error = error
        return response

    def failed(self, error: Exception, request: Request) -> Response:
        """The answer to an exception. Raises it when nothing maps it and the app is to reraise."""
        app = self._app
        if request.scope is not None and request.scope.closing:
            try:
                app.services.close(request.scope.closing, error)
            except Exception as another:
                app.logger.exception("A service could not be closed", exc_info=another)
        answer = app.failure_handler(error)
        if answer is None:
            return self._unmapped(error, request)
        try:
            result = answer(error, request)
            return _mapped(error, app.loop.run(result) if hasattr(result, "__await__") else result)
        except HTTPError as another:
            return self._unmapped(another, request)

    async def afailed(self, error: Exception, request: Request) -> Response:
        """As `failed`, for layers on the loop; services are ended after the layers, as some need the loop for it."""
        answer = self._app.failure_handler(error)
        if answer is None:
            return self._unmapped(error, request)
        try:
            result = answer(error, request)
            return _mapped(error, await result if hasattr(result, "__await__") else result)
        except HTTPError as another:
            return self._unmapped(another, request)

    def _unmapped(self, error: Exception, request: Request) -> Response:
        if isinstance(error, HTTPError):
            response = Response(error.document(), error.status, headers=error.headers)
        else:
            if self._app.reraise:
                raise error
            self._app.report(error, f"{request.method} {request.route or request.path} failed")
            response = Response(InternalServerError().document(), 500)
        response.error = error
        return response

    def _without_stage(self, path: str, about: dict[str, Any]) -> str:
        """The path below the stage, which is in it unless the API is called by a custom domain name.

        A path may begin like the stage there: it is left as it is when a route is for it.
        """
        stage = about.get("stage")
        if not stage or not path.startswith(f"/{stage}"):
            return path
        below = path[len(stage) + 1 :]
        if below[:1] not in ("/", ""):
            return path
        domain = about.get("domainName") or ".execute-api."
        if ".execute-api." in domain or about.get("domainPrefix") == about.get("apiId"):
            return below
        return below if self._table.find(path.rstrip("/")) is None else path

    def _stripped(self, path: str) -> str:
        for prefix in self._strip:
            found = prefix.match(path)
            if found is not None and path[found.end() : found.end() + 1] in ("/", ""):
                return path[found.end() :]
        return path

    # ------------------------------------------------------------ requests without a route

    def _another(self, request: Request, first: Entry[Route]) -> Route | None:
        """The route for a method that the best template does not have: another template's, or GET's for HEAD."""
        method = request.method
        for wanted in (method, "GET") if method == "HEAD" else (method,):
            if wanted in first.methods:
                return first.methods[wanted]
            for entry, values in self._table.search(request.path):
                if wanted in entry.methods:
                    request.values, request.names = values, entry.names
                    return entry.methods[wanted]
        return None

    def _not_found(self, request: Request, to_wire: Callable[..., dict[str, Any]]) -> dict[str, Any]:
        if not self._layers and not self._errors:
            # Not worth an exception: scanners ask for much that is not there.
            if to_wire is not to_alb and request.method != "HEAD":
                return {
                    "statusCode": 404,
                    "headers": {"content-type": JSON},
                    "body": _NOT_FOUND,
                    "isBase64Encoded": False,
                }
            return to_wire(
                Response(_NOT_FOUND, 404, content_type=JSON), request.event, request.method == "HEAD"
            )
        return self._without_route(request, to_wire)

    def _other_method(self, request: Request, to_wire: Callable[..., dict[str, Any]]) -> dict[str, Any]:
        allowed = {method for entry, _ in self._table.search(request.path) for method in entry.methods}
        if "GET" in allowed:
            allowed.add("HEAD")
        allowed.add("OPTIONS")
        request.state["allow"] = tuple(sorted(allowed))
        return self._without_route(request, to_wire)

    def _without_route(self, request: Request, to_wire: Callable[..., dict[str, Any]]) -> dict[str, Any]:
        """Through the app's layers: they log it, and answer preflights of CORS."""
        if self._unmatched is None:
            self._unmatched, self._unmatched_is_async = wrapped(
                self._app.layers, (_no_route, False, False), response_of, self._app.loop
            )
        return self._run(request, self._unmatched, self._unmatched_is_async, to_wire)


def _prefixes(given: Iterable[str | re.Pattern[str]]) -> tuple[re.Pattern[str], ...]:
    """As patterns. Raises AppError."""
    found = []
    for prefix in [given] if isinstance(given, (str, re.Pattern)) else given:
        if isinstance(prefix, str):
            if not prefix.startswith("/"):
                raise AppError(f"strip_prefixes: {prefix!r} is no path: it has to begin with a slash")
            prefix = re.compile(re.escape(prefix.rstrip("/")))
        found.append(prefix)
    return tuple(found)


def _correlation(event: dict[str, Any]) -> str | None:
    """Of load balancers, which have no request ids, and may have lists of headers."""
    fields = event.get("headers") or event.get("multiValueHeaders") or {}
    found = fields.get("X-Correlation-Id") or fields.get("x-correlation-id") or fields.get("x-amzn-trace-id")
    return found[-1] if isinstance(found, list) else found


def _no_route(request: Request) -> Response:
    allow = request.state.get("allow")
    if allow is None:
        raise NotFound
    if request.method == "OPTIONS":
        return Response(None, 204, headers={"allow": ", ".join(allow)})
    raise MethodNotAllowed(allow=allow)


def _mapped(error: Exception, result: Any) -> Response:
    """What an error handler gave, as the answer."""
    status = error.status if isinstance(error, HTTPError) else 500
    response = response_of(result, status)
    if isinstance(error, HTTPError) and error.headers and response.status == status:
        # A 405 has to have its Allow, a 401 its WWW-Authenticate, whoever words it.
        for name, value in error.headers.items():
            response.headers.setdefault(name.lower(), value)
    response.error = error
    return response


def _special(result: Any) -> bool:
    """Whether a result is more than a body of JSON."""
    return result is None or isinstance(result, (Response, str, bytes, bytearray, memoryview, tuple))
