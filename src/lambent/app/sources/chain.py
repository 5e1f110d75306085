"""A handler with the layers around it, for events that are no requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambent.app.errors import AppError, ValidationFailed
from lambent.app.onion import wrapped
from lambent.app.signature import MISSING, described, fresh, positions

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.app.app import App
    from lambent.app.endpoint import Endpoint, Getter, Resolver
    from lambent.app.onion import Call, Middleware
    from lambent.app.request import Invocation
    from lambent.app.signature import Parameter


class Chain:
    """What is called for an invocation: `call`, which gives a coroutine if `is_async`, both as of `ready`.

    `options` are those of the registration.
    """

    __slots__ = (
        "_outer",
        "_payload",
        "call",
        "columns",
        "endpoint",
        "is_async",
        "layers",
        "options",
        "straight",
    )

    def __init__(
        self,
        endpoint: Endpoint,
        layers: tuple[Middleware, ...],
        options: dict[str, Any],
        payload: Getter | None = None,
    ) -> None:
        self.endpoint = endpoint
        self._payload = payload
        self.straight: Getter | None = None
        """Where there is no layer: the handler's only argument, from what was delivered. No invocation is needed."""
        self.columns: list[Getter] | None = None
        """Of handlers of whole batches: what their lists have of a record."""
        self.layers = layers
        self.options = options
        self.call: Call = endpoint.call
        self.is_async = endpoint.is_async
        self._outer: tuple[Middleware, ...] | None = None
        """The app's layers that `call` was composed with."""

    def ready(self, app: App) -> Chain:
        """Composed with all layers, as the app may have been given some since the last time."""
        outer = app.layers
        if outer != self._outer:
            self.call, self.is_async = wrapped(
                (*outer, *self.layers), self.endpoint.composed(), None, app.loop
            )
            self._outer = outer
            plain = not self.endpoint.is_async and positions(self.endpoint.handler) is None
            straight = plain and not outer and not self.layers
            self.straight = self._payload if straight else None
        return self

    def once(self, app: App, invocation: Invocation) -> Any:
        """Call it for one invocation, and close what services that had."""
        self.ready(app)
        try:
            result = self.call(invocation)
            if self.is_async or hasattr(result, "__await__"):
                result = app.loop.run(result)
        except BaseException as error:
            if invocation.scope is not None:
                app.services.close(invocation.scope.closing, error)
            raise
        if invocation.scope is not None:
            app.services.close(invocation.scope.closing, None)
        return result


class PayloadResolver:
    """Resolves parameters: those that `others` knows, then the first one that is left, which is the payload.

    Raises AppError for a second one without a default, and for types that cannot be made from JSON.
    """

    __slots__ = ("_handler", "_others", "_payload", "parameter")

    def __init__(
        self,
        handler: Callable[..., Any],
        payload: Callable[[Parameter], Getter],
        others: Resolver | None = None,
    ) -> None:
        self._handler = handler
        self._payload = payload
        self._others = others
        self.parameter: Parameter | None = None
        """The payload."""

    def __call__(self, parameter: Parameter) -> Getter | None:
        """Where a parameter comes from."""
        getter = self._others(parameter) if self._others is not None else None
        if getter is not None:
            return getter
        if parameter.marker is not None and parameter.marker.place != "body":
            raise AppError(
                f"{described(self._handler)}: {parameter.name!r} would come from a request's {parameter.marker.place}, "
                "and there is no request here"
            )
        if self.parameter is not None:
            if parameter.default is not MISSING:
                default = parameter.default
                return lambda _: fresh(default)
            raise AppError(
                f"{described(self._handler)}: both {self.parameter.name!r} and {parameter.name!r} would be the body: "
                "make one type of them, or provide the service before the handler is added"
            )
        self.parameter = parameter
        try:
            return self._payload(parameter)
        except TypeError as error:
            raise AppError(
                f"{described(self._handler)}: {parameter.name!r} cannot be made from JSON: {error}"
            ) from None


def explained(error: BaseException) -> None:
    """Have an error's text say what was not valid: logs and Lambda's callers see nothing else of it."""
    if isinstance(error, ValidationFailed) and isinstance(error.details, list) and len(error.args) == 1:
        found = [
            f"{one['name']}: {one['message']}" if one.get("name") else str(one.get("message"))
            for one in error.details
            if isinstance(one, dict)
        ]
        if found and error.args[0] == error.message:
            error.args = (f"{error.message}: {'; '.join(found)}",)
