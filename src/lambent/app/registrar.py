"""The decorators that add handlers: the same for an app and for routers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from lambent.app.errors import AppError
from lambent.app.registrations_batch import BatchRegistrations
from lambent.app.registrations_events import EventRegistrations
from lambent.app.signature import described

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lambent.app.onion import Middleware
    from lambent.app.sources.channel import Channel

    Handler = TypeVar("Handler", bound=Callable[..., Any])

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
        def add(handler: Handler) -> Handler:
            self._register(kind, handler, tuple(middleware), options)
            return handler

        return add

    def channel(self, name: str, *, key: str = "action", middleware: Iterable[Middleware] = ()) -> Channel:
        """A WebSocket API: add handlers with its `on_connect`, `on_disconnect`, `on_message` and `action(name)`, or put
        it above a class that has them. Messages choose their handler by the member `key`.
        """
        from lambent.app.sources.channel import Channel

        layers = tuple(middleware)

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
        **description: Any,
    ) -> Callable[[Handler], Handler]:
        """A handler for requests: `@app.route("/orders/{order_id}", methods=["GET", "PUT"])`.

        `status` is that of answers which do not have their own; without it 200, or 204 for None. `description` is what
        OpenAPI tells: summary, description, tags, operation_id, responses, deprecated, hidden.
        """
        methods = (methods,) if isinstance(methods, str) else tuple(methods)
        options = {
            "path": path,
            "methods": _METHODS if methods == ("*",) else tuple(one.upper() for one in methods),
            "status": status,
            **description,
        }
        return self._adding("http", middleware, options)

    def get(self, path: str, **options: Any) -> Callable[[Handler], Handler]:
        """A handler for GET, and for HEAD unless that has its own. Options are those of `route`."""
        return self.route(path, methods=("GET",), **options)

    def post(self, path: str, **options: Any) -> Callable[[Handler], Handler]:
        """A handler for POST."""
        return self.route(path, methods=("POST",), **options)

    def put(self, path: str, **options: Any) -> Callable[[Handler], Handler]:
        """A handler for PUT."""
        return self.route(path, methods=("PUT",), **options)

    def patch(self, path: str, **options: Any) -> Callable[[Handler], Handler]:
        """A handler for PATCH."""
        return self.route(path, methods=("PATCH",), **options)

    def delete(self, path: str, **options: Any) -> Callable[[Handler], Handler]:
        """A handler for DELETE."""
        return self.route(path, methods=("DELETE",), **options)

    def head(self, path: str, **options: Any) -> Callable[[Handler], Handler]:
        """A handler for HEAD, where that of GET will not do."""
        return self.route(path, methods=("HEAD",), **options)

    def options(self, path: str, **options: Any) -> Callable[[Handler], Handler]:
        """A handler for OPTIONS, instead of the answer that tells the methods."""
        return self.route(path, methods=("OPTIONS",), **options)

    def any(self, path: str, **options: Any) -> Callable[[Handler], Handler]:
        """A handler for all methods."""
        return self.route(path, methods=_METHODS, **options)


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
        self._middleware = list(middleware)
        self._registrations: list[tuple[str, Callable[..., Any], tuple[Middleware, ...], dict[str, Any]]] = []
        self._included = False

    def middleware(self, layer: Middleware) -> Middleware:
        """Add a layer; for use as a decorator too. It counts for all handlers, also those added before."""
        self._check_open(layer)
        self._middleware.append(layer)
        return layer

    def include(self, router: Router, prefix: str = "") -> None:
        """Take over the handlers of another router."""
        self._check_open(router)
        for kind, handler, layers, options in router.registrations(prefix):
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
