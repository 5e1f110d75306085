"""The app: Lambda's handler, which finds the function that an event is for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, overload

from lambent.app import current
from lambent.app.encoding import encode
from lambent.app.errors import AppError, UnknownEvent
from lambent.app.http import Http
from lambent.app.loop import Loop
from lambent.app.onion import layers_of
from lambent.app.registrar import Registrar, belongs, check_router, is_of_unit, router_named
from lambent.app.response import Response
from lambent.app.services import Scope, Services
from lambent.app.signature import MISSING, described, hints_of, signature_of

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterable, Sequence

    from lambent.app.onion import Middleware
    from lambent.app.registrar import Router
    from lambent.app.services import Lifetime
    from lambent.app.sources import Source


Function = TypeVar("Function", bound="Callable[..., Any]")


class App(Registrar):
    """All handlers of a function: `app = App("shop")` in app.py, and `app.app` is the handler that Lambda is told.

    `middleware` goes around every handler, the first outermost. `strip_prefixes`, texts or patterns, are taken off
    paths: those of a custom domain's mappings. With `reraise` exceptions of HTTP handlers that nothing maps reach
    Lambda, instead of being logged and answered with 500. `tracer` gives each invocation a span.
    """

    def __init__(
        self,
        name: str = "app",
        *,
        middleware: Iterable[Middleware] = (),
        strip_prefixes: Iterable[str | re.Pattern[str]] = (),
        reraise: bool = False,
        logger: Any = None,
        tracer: Any = None,
    ) -> None:
        self.name = self.__name__ = name  # decorators for Lambda handlers look at the latter
        self.reraise = reraise
        self.tracer = tracer
        self.loop = Loop()
        self.services = Services(self.loop)
        self._logger = logger
        self._layers = list(layers_of(middleware, "App"))
        self._errors: dict[type[BaseException], Callable[..., Any]] = {}
        self._sources: dict[str, Source] = {}
        self.registrations: list[tuple[str, Callable[..., Any], dict[str, Any], Router | str | None]] = []
        """All handlers as they were added: kind, handler, options, and the router that it came with, by its name where
        it was included by that."""
        self._eager: list[Any] = []
        self._checked = False
        self.http = Http(self, strip_prefixes, self._layers, self._errors)

    @property
    def logger(self) -> Any:
        """The app's logger: the one that it was given, or one of its own."""
        if self._logger is None:
            from lambent.app.logger import Logger

            self._logger = Logger(service=None if self.name == "app" else self.name)
        return self._logger

    # ------------------------------------------------------------ putting it together

    @property
    def layers(self) -> tuple[Middleware, ...]:
        """The middleware around all handlers."""
        return tuple(self._layers)

    def middleware(self, layer: Middleware) -> Middleware:
        """Add a layer around all handlers; for use as a decorator too."""
        self._layers += layers_of([layer], "app.middleware")
        self._changed()
        return layer

    def include(self, router: Router | str, prefix: str = "") -> None:
        """Add a router's handlers, below `prefix`. Raises AppError.

        A router may be told by its name, "shop.orders:router". Then it is imported now, and in functions that are
        deployed of other routers only it is not: LAMBENT_UNIT_ROUTERS lists those that belong to a function.
        """
        told: Router | str = router
        if isinstance(router, str):
            if not belongs(router):
                return
            router = router_named(router)
        for kind, handler, layers, options in check_router(router).registrations(prefix):
            self._register(kind, handler, layers, options, told)

    def error_handler(
        self, *kinds: type[BaseException] | Sequence[type[BaseException]]
    ) -> Callable[[Function], Function]:
        """A function that answers exceptions of these types: `def answer(error, request) -> Response | dict | …`.

        The nearest class in an exception's own order of bases decides. It may be async, do without the request, and
        raise an HTTPError. Raises AppError for what is no class of exceptions.
        """
        classes: list[Any] = [
            one for each in kinds for one in (each if isinstance(each, (list, tuple)) else [each])
        ]
        for kind in classes:
            if not (isinstance(kind, type) and issubclass(kind, BaseException)):
                raise AppError(
                    f"error_handler: {kind!r} is no class of exceptions: @app.error_handler(KeyError)"
                )
        if not classes:
            raise AppError("error_handler: say which exceptions it is for: @app.error_handler(KeyError)")

        def add(answer: Function) -> Function:
            takes = len(signature_of(answer).parameters)
            if takes not in (1, 2):
                raise AppError(f"{described(answer)}: an error handler takes the error and the request")
            called = answer if takes == 2 else (lambda error, request: answer(error))
            for kind in classes:
                self._errors[kind] = called
            return answer

        return add

    @overload
    def provide(
        self,
        factory: Function,
        *,
        type: Any = None,
        lifetime: Lifetime = "environment",
        eager: bool = False,
    ) -> Function: ...
    @overload
    def provide(
        self,
        factory: None = None,
        *,
        type: Any = None,
        lifetime: Lifetime = "environment",
        eager: bool = False,
    ) -> Callable[[Function], Function]: ...
    def provide(
        self,
        factory: Callable[..., Any] | None = None,
        *,
        type: Any = None,  # noqa: A002 - what it is
        lifetime: Lifetime = "environment",
        eager: bool = False,
    ) -> Any:
        """A service for handlers that ask for its type: `@app.provide` above a factory whose result is annotated.

        A factory that yields goes on when the invocation has ended. One of the environment goes on in tests, when
        their client is closed: Lambda ends environments without telling them. One that is `eager` is built before the
        first event, or by `warm()` when the environment is started.
        """

        def add(factory: Callable[..., Any]) -> Callable[..., Any]:
            service = _service_of(factory) if type is None else type
            provider = self.services.provide(service, factory, lifetime)
            if eager:
                self._eager.append(provider)
            self._changed()
            return factory

        return add if factory is None else add(factory)

    def openapi(self, **about: Any) -> dict[str, Any]:
        """The OpenAPI 3.1 document of its routes; for `about` see `lambent.app.openapi.describe`."""
        from lambent.app.openapi import describe

        return describe(self, **about)

    def serve_openapi(self, path: str = "/openapi.json", **about: Any) -> None:
        """Answer GET `path` with the document, made when it is first asked for."""
        made: list[bytes] = []

        def openapi_document() -> Response:
            if not made:
                made.append(encode(self.openapi(**about)))
            return Response(made[0], content_type="application/json")

        self.get(path, hidden=True)(openapi_document)

    def _register(
        self,
        kind: str,
        handler: Callable[..., Any],
        middleware: Iterable[Middleware],
        options: dict[str, Any],
        router: Router | str | None = None,
    ) -> None:
        if not is_of_unit(kind, handler):
            return
        if kind == "http":
            self.http.add(handler, tuple(middleware), options)
        else:
            self.source(kind).add(handler, tuple(middleware), options)
        self.registrations.append((kind, handler, options, router))
        self._checked = False

    def source(self, kind: str) -> Source:
        """The source of a kind of registration, made when it is first asked for."""
        source = self._sources.get(kind)
        if source is None:
            from importlib import import_module

            from lambent.app.sources import SOURCES

            module, name = SOURCES[kind]
            self._sources[kind] = source = getattr(import_module(module), name)(self)
        return source

    def _changed(self) -> None:
        self._checked = False
        self.http.changed()

    # ------------------------------------------------------------ at work

    def __call__(self, event: Any, context: Any = None) -> Any:
        """Lambda's handler. Raises UnknownEvent for what nothing in the app is for."""
        if current.app is not None or current.context is not None:
            # Within a decorator that has begun the invocation, or within an app that calls this one as a function.
            outer = (current.app, current.context, current.cold, current.correlation_id.get())
            try:
                return self._begin(event, context)
            finally:
                current.resume(*outer)
        return self._begin(event, context)

    def _begin(self, event: Any, context: Any) -> Any:
        current.begin(context, self)
        if self.tracer is not None:
            with self.tracer.invocation(event, context) as span:
                result = self._call(event, context)
                if _is_request(event):
                    span.put_annotation("http.response.status_code", result["statusCode"])
                return result
        return self._call(event, context)

    def _call(self, event: Any, context: Any) -> Any:
        failed = True
        try:
            if not self._checked:
                self._check()
            handle = self.http.handle if _is_request(event) else self._elsewhere
            result = handle(event, context)
            failed = False
            return result
        finally:
            for ended in current.endings:
                try:
                    ended(failed)
                except Exception as error:
                    self.logger.error("What was recorded could not be written", exc_info=error)
            current.end()

    def warm(self) -> None:
        """Build the eager services, and look whether all that handlers ask for is there. Raises AppError.

        As the last line of a module it happens when the environment is started; otherwise before the first event.
        """
        if not self._checked:
            self._check()

    def _check(self) -> None:
        self.services.check()
        while self._eager:
            self.services.get(self._eager[0], Scope())
            del self._eager[0]
        self._checked = True

    def _elsewhere(self, event: Any, context: Any) -> Any:
        from lambent.app.recognition import kind_of
        from lambent.app.sources import KINDS

        kind = kind_of(event)
        current.correlation_id.set(_correlation_of(context))
        if kind == "http.v1":
            # A request that somebody has written by hand, a test for example.
            return self.http.handle({**event, "requestContext": event.get("requestContext") or {}}, context)
        source = self._sources.get(KINDS.get(kind, ""))
        if source is None and "direct" in self._sources:
            source = self._sources["direct"]
        if source is None:
            raise UnknownEvent(f"{self.name}: no handler is for this event: {_named(event, kind)}")
        return source.handle(event, context)

    def report(
        self, error: BaseException, message: str, *, seen: Any = None, extra: dict[str, Any] | None = None
    ) -> None:
        """Log a failure that does not leave the app, and have the invocation's span tell it.

        `seen` is what the log shows of it, where that is not the error as it is; `extra` are further keys.
        """
        given = {} if extra is None else {"extra": extra}
        self.logger.error(message, exc_info=error if seen is None else seen, **given)
        if self.tracer is not None:
            self.tracer.record_failure(error)

    def failure_handler(self, error: BaseException) -> Callable[..., Any] | None:
        """What was registered for an exception."""
        if self._errors:
            for kind in error.__class__.__mro__:
                if kind in self._errors:
                    return self._errors[kind]
        return None


def _correlation_of(context: Any) -> str | None:
    """The correlation id of who called with `lambent.invoke`."""
    if getattr(context, "client_context", None) is None:
        return None
    from lambent.app.functions import correlation_of

    return correlation_of(context)


def _is_request(event: Any) -> bool:
    """Whether an event is an HTTP request; see `recognition` for what looks like one."""
    if event.__class__ is not dict or "requestContext" not in event:
        return False
    about = event["requestContext"]
    if about.__class__ is not dict:
        return False
    if "http" in about:
        return "routeArn" not in event
    return "httpMethod" in event and "connectionId" not in about and "methodArn" not in event


def _service_of(factory: Callable[..., Any]) -> Any:
    """What a factory makes: its class, or its annotated result, of generators what they yield."""
    if isinstance(factory, type):
        return factory
    made = hints_of(getattr(factory, "__wrapped__", factory)).get("return", MISSING)
    origin = getattr(made, "__origin__", None)
    if origin is not None and getattr(origin, "__name__", "") in (
        "Iterator", "Generator", "AsyncIterator", "AsyncGenerator", "Iterable", "AsyncIterable"
    ):  # fmt: skip
        made = made.__args__[0]
    if made is MISSING or made is None:
        raise AppError(
            f"{described(factory)}: say what it makes: annotate its result, or give provide() a type"
        )
    return made


def _member(value: Any, *names: str) -> Any:
    """A member of a member, if it is there."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _named(event: Any, kind: str) -> str:
    """An event as a person recognises it."""
    if not isinstance(event, dict):
        return kind if kind != "direct" else f"a direct invocation with {event.__class__.__name__}"
    records = event.get("Records") or event.get("records")
    if isinstance(records, list) and records and isinstance(records[0], dict):
        first = records[0]
        arn = first.get("eventSourceARN") or _member(first, "Sns", "TopicArn")
        bucket = _member(first, "s3", "bucket", "name")
        return f"{kind} from {arn or bucket or first.get('eventSource') or first.get('EventSource')}"
    for name in ("detail-type", "triggerSource", "RequestType", "alarmArn", "methodArn", "routeArn"):
        if name in event:
            return f"{kind}, {name} {event[name]!r}"
    return f"{kind}, with members {', '.join(map(repr, list(event)[:10])) or 'none'}"
