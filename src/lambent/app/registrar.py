"""The decorators that add handlers: the same for an app and for routers."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypeVar

from lambent.app.errors import AppError
from lambent.app.onion import layers_of
from lambent.app.registrations_batch import BatchRegistrations
from lambent.app.registrations_events import EventRegistrations
from lambent.app.signature import described, plain_function, without_parentheses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import TypedDict, Unpack

    from lambent.app.onion import Middleware
    from lambent.app.sources.channel import Channel

    Handler = TypeVar("Handler", bound=Callable[..., Any])

    class RouteOptions(TypedDict, total=False):
        """What `get` and its like take beside the path; see `Registrar.route`."""

        status: int | None
        middleware: Iterable[Middleware]
        summary: str | None
        description: str | None
        tags: Iterable[str]
        operation_id: str | None
        responses: Mapping[Any, Any] | None
        deprecated: bool
        hidden: bool
        auth: bool | None


_DECORATORS = {"http": "any", "direct": "invocation"}
"""Names of decorators, where they are not the kind's."""
SHARED = frozenset({"bucket", "event", "table_stream"})
"""Kinds of which several handlers may be for one event."""

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")


class Registrar(BatchRegistrations, EventRegistrations):
    """What apps and routers have in common. `kind` is that of the registration: "http", "queue", …"""

    def _register(
        self,
        kind: str,
        handler: Callable[..., Any],
        middleware: Iterable[Middleware],
        options: dict[str, Any],
    ) -> None:
        raise NotImplementedError

    def _adding(
        self, kind: str, middleware: Iterable[Middleware], options: dict[str, Any]
    ) -> Callable[[Handler], Handler]:
        first = next(iter(options.values()))
        if callable(first):
            methods = options.get("methods", ())
            name = methods[0].lower() if len(methods) == 1 else _DECORATORS.get(kind, kind)
            raise without_parentheses(first, name)

        def add(handler: Handler) -> Handler:
            self._register(kind, handler, layers_of(middleware, described(handler)), options)
            return handler

        return add

    def channel(self, name: str, *, key: str = "action", middleware: Iterable[Middleware] = ()) -> Channel:
        """A WebSocket API: add handlers with its `on_connect`, `on_disconnect`, `on_message` and `action(name)`, or put
        it above a class that has them. Messages choose their handler by the member `key`.
        """
        from lambent.app.sources.channel import Channel

        if callable(name):
            raise without_parentheses(name, "channel")
        layers = layers_of(middleware, f"channel {name}")

        def register(handler: Callable[..., Any], options: dict[str, Any]) -> None:
            self._register("channel", handler, layers, {"channel": name.strip("/"), "key": key, **options})

        return Channel(name.strip("/"), key, register)

    # ------------------------------------------------------------ HTTP

    def route(
        self,
        path: str,
        *,
        methods: Iterable[str] = ("GET",),
        status: int | None = None,
        middleware: Iterable[Middleware] = (),
        summary: str | None = None,
        description: str | None = None,
        tags: Iterable[str] = (),
        operation_id: str | None = None,
        responses: Mapping[Any, Any] | None = None,
        deprecated: bool = False,
        hidden: bool = False,
        auth: bool | None = None,
    ) -> Callable[[Handler], Handler]:
        """A handler for requests: `@app.route("/orders/{order_id}", methods=["GET", "PUT"])`.

        `status` is that of answers which do not have their own; without it 200, or 204 for None. What follows
        `middleware` is for OpenAPI: `responses` are further ones by their status, as a text, a type or OpenAPI's own
        object, and a route that is `hidden` is not told of. `auth` is for deploying: False leaves the route open where
        the others have an authorizer, and True says that it must not be deployed without one.
        """
        methods = (methods,) if isinstance(methods, str) else tuple(methods)
        options: RouteOptions = {
            "status": status,
            "middleware": middleware,
            "summary": summary,
            "description": description,
            "tags": tags,
            "operation_id": operation_id,
            "responses": responses,
            "deprecated": deprecated,
            "hidden": hidden,
            "auth": auth,
        }
        return self._route(path, _METHODS if methods == ("*",) else tuple(map(str.upper, methods)), options)

    def _route(
        self, path: str, methods: tuple[str, ...], given: RouteOptions
    ) -> Callable[[Handler], Handler]:
        options: dict[str, Any] = {**given}
        if "methods" in options:
            raise AppError(f"{path}: a handler for several methods is @app.route({path!r}, methods=…)")
        middleware = options.pop("middleware", ())
        return self._adding("http", middleware, {"path": path, "methods": methods, "status": None, **options})

    def get(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[Handler], Handler]:
        """A handler for GET, and for HEAD unless that has its own. Options are those of `route`."""
        return self._route(path, ("GET",), options)

    def post(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[Handler], Handler]:
        """A handler for POST."""
        return self._route(path, ("POST",), options)

    def put(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[Handler], Handler]:
        """A handler for PUT."""
        return self._route(path, ("PUT",), options)

    def patch(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[Handler], Handler]:
        """A handler for PATCH."""
        return self._route(path, ("PATCH",), options)

    def delete(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[Handler], Handler]:
        """A handler for DELETE."""
        return self._route(path, ("DELETE",), options)

    def head(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[Handler], Handler]:
        """A handler for HEAD, where that of GET will not do."""
        return self._route(path, ("HEAD",), options)

    def options(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[Handler], Handler]:
        """A handler for OPTIONS, instead of the answer that tells the methods."""
        return self._route(path, ("OPTIONS",), options)

    def any(self, path: str, **options: Unpack[RouteOptions]) -> Callable[[Handler], Handler]:
        """A handler for all methods."""
        return self._route(path, _METHODS, options)


class Router(Registrar):
    """Handlers that belong together: `app.include(router)`.

    `prefix` goes before the paths of its routes, `tags` are for their description, `middleware` goes around all its
    handlers, whatever their events: within that of the app, and around that of each handler.
    """

    def __init__(
        self, prefix: str = "", *, tags: Iterable[str] = (), middleware: Iterable[Middleware] = ()
    ) -> None:
        self.prefix = prefix.rstrip("/")
        self.tags = tuple(tags)
        self._middleware = list(layers_of(middleware, "Router"))
        self._registrations: list[tuple[str, Callable[..., Any], tuple[Middleware, ...], dict[str, Any]]] = []
        self._included = False

    def middleware(self, layer: Middleware) -> Middleware:
        """Add a layer; for use as a decorator too. It counts for all handlers, also those added before."""
        self._check_open(layer)
        self._middleware += layers_of([layer], "router.middleware")
        return layer

    def include(self, router: Router | str, prefix: str = "") -> None:
        """Take over the handlers of another router, which may be told by its name, "shop.orders:router"."""
        self._check_open(router)
        if isinstance(router, str):
            router = router_named(router)
        for kind, handler, layers, options in check_router(router).registrations(prefix):
            self._registrations.append((kind, handler, layers, options))

    def _register(
        self,
        kind: str,
        handler: Callable[..., Any],
        middleware: Iterable[Middleware],
        options: dict[str, Any],
    ) -> None:
        self._check_open(handler)
        self._registrations.append((kind, handler, tuple(middleware), options))

    def _check_open(self, added: Any) -> None:
        if self._included:
            raise AppError(
                f"{described(added)}: its router has been included already, so nothing would call it: add everything "
                "to a router first"
            )

    def registrations(
        self, prefix: str = ""
    ) -> list[tuple[str, Callable[..., Any], tuple[Middleware, ...], dict[str, Any]]]:
        """All its handlers, as an app adds them: it cannot be given more then."""
        self._included = True
        found = []
        for kind, handler, layers, options in self._registrations:
            if kind == "http":
                if not options["path"].startswith("/") and (options["path"] or not prefix + self.prefix):
                    raise AppError(
                        f"{described(handler)}: {options['path']!r} is no path: it has to begin with a slash"
                    )
                path = prefix.rstrip("/") + self.prefix + options["path"]
                # "/" of a router is the prefix itself.
                path = path.rstrip("/") or "/"
                options = {**options, "path": path, "tags": [*self.tags, *options.get("tags", ())]}
            found.append((kind, handler, (*self._middleware, *layers), options))
        return found


def belongs(name: str) -> bool:
    """Whether a router included by name is one of this function's, as LAMBENT_UNIT_ROUTERS lists them."""
    routers = os.environ.get("LAMBENT_UNIT_ROUTERS")
    return routers is None or name in routers.split(",")


def is_of_unit(kind: str, handler: Callable[..., Any]) -> bool:
    """Whether a handler is one of this function's.

    Where handlers of the same table, bucket or bus are deployed as several functions, each is told of what any of them
    is for: LAMBENT_UNIT_HANDLERS lists those of this one, as module:name.
    """
    handlers = os.environ.get("LAMBENT_UNIT_HANDLERS")
    return handlers is None or kind not in SHARED or identity(handler) in handlers.split(",")


def identity(handler: Callable[..., Any]) -> str:
    """A handler's module and name: `shop.orders:show`."""
    function = plain_function(handler)[0]
    return f"{getattr(function, '__module__', '')}:{getattr(function, '__qualname__', '')}"


def router_named(name: str) -> Any:
    """What `module:attribute` names. Raises AppError, and whatever importing the module raises."""
    module, colon, attribute = name.partition(":")
    if not colon or not attribute.isidentifier() or not all(map(str.isidentifier, module.split("."))):
        raise AppError(
            f'include: {name!r} is no router: orders = Router("/orders"), then app.include(orders) or, by its name, '
            'app.include("shop.orders:router")'
        )
    from importlib import import_module

    try:
        return getattr(import_module(module), attribute)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise
        raise AppError(f"include: {name!r}: there is no module {error.name}") from None
    except AttributeError as error:
        if getattr(error, "name", None) != attribute:
            raise
        raise AppError(f"include: {name!r}: {module} has no {attribute}") from None


def check_router(router: Any) -> Router:
    """The router. Raises AppError for what cannot be included."""
    if not isinstance(router, Router):
        found = "the class" if isinstance(router, type) else repr(router)
        raise AppError(f'include: {found} is no router: orders = Router("/orders"), then app.include(orders)')
    return router
