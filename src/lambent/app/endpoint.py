"""A handler, ready to be called with an invocation: where each of its parameters comes from is found out once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambent.app.conversion import Invalid
from lambent.app.errors import AppError, ValidationFailed
from lambent.app.services import Scope
from lambent.app.signature import (
    described,
    innermost,
    is_async_generator_function,
    is_coroutine_function,
    is_generator_function,
    positions,
    signature_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.app.services import Provider, Services
    from lambent.app.signature import Parameter

    Getter = Callable[[Any], Any]
    Resolver = Callable[[Parameter], "Getter | None"]


class InvalidParameter(Exception):
    """A parameter that the invocation does not have, or not as it was declared."""

    def __init__(self, place: str, name: str, errors: list[tuple[str, str]]) -> None:
        super().__init__(place, name, errors)
        self.place = place
        self.name = name
        self.errors = errors

    def details(self) -> list[dict[str, str]]:
        """As members of `ValidationFailed.details`."""
        return [
            {"in": self.place, "name": self._within(where), "message": reason}
            for where, reason in self.errors
        ]

    def _within(self, where: str) -> str:
        if not where or not self.name:
            return self.name or where
        return f"{self.name}{where}" if where.startswith("[") else f"{self.name}.{where}"


class Endpoint:
    """`call(invocation)` calls the handler; of an async one it gives the coroutine.

    `resolve` finds where a parameter comes from; what it knows nothing of (None) may be the invocation itself, its
    context or event, or a service. Raises AppError for what nobody knows.
    """

    __slots__ = ("_wanted", "call", "handler", "is_async", "services", "signature", "takes_invocation")

    def __init__(
        self, handler: Callable[..., Any], services: Services, resolve: Resolver, takes: tuple[Any, ...]
    ) -> None:
        self.handler = handler
        self.services = services
        inner = innermost(handler)
        if is_generator_function(inner) or is_async_generator_function(inner):
            raise AppError(f"{described(handler)}: a handler cannot yield: return a list, or all at once")
        is_coroutine = is_coroutine_function(handler)
        # A decorator may hand on the coroutine of what it is around, without being asynchronous itself.
        self.is_async = is_coroutine or is_coroutine_function(inner)
        self.signature = signature_of(handler)
        self.takes_invocation = False
        places = positions(handler)
        positional: list[Getter] = []
        keywords: dict[str, Getter] = {}
        self._wanted: list[Provider] = []
        for parameter in self.signature.parameters:
            getter = self._known(parameter, takes)
            if getter is _itself or getter is _event:
                self.takes_invocation = True
            if getter is None:
                provider = services.find(parameter.type)
                if provider is not None:
                    services.want(provider)
                    self._wanted.append(provider)
                    getter = _service(services, provider)
                else:
                    getter = resolve(parameter)
            if getter is None:
                raise AppError(
                    f"{described(handler)}: it is not clear where its parameter {parameter.name!r} comes from"
                )
            if parameter.keyword_only or (places is not None and len(positional) >= places):
                keywords[parameter.name] = getter
            else:
                positional.append(getter)
        self.call = _caller(handler, positional, keywords)
        if self.is_async and not is_coroutine:
            self.call = _awaiting(self.call)

    def composed(self) -> tuple[Getter, bool, bool]:
        """What calls the handler, whether that gives a coroutine, and whether it waits for the event loop otherwise.

        Services that need the loop are built within the layers: one that refuses a request keeps them from being built,
        and one that finds out who asks comes before those that want to know it.
        """
        services, call = self.services, self.call
        late = [provider for provider in self._wanted if services.needs_loop(provider)]
        if not late or not self.is_async:
            return call, self.is_async, bool(late)

        async def with_services(invocation: Any) -> Any:
            scope = scope_of(invocation)
            for provider in late:
                await services.aget(provider, scope)
            return await call(invocation)

        return with_services, True, False

    @staticmethod
    def _known(parameter: Parameter, takes: tuple[Any, ...]) -> Getter | None:
        if parameter.marker is not None:
            return None
        if parameter.type in takes or (parameter.type is Any and parameter.name == "request"):
            return _itself
        if parameter.name in ("context", "lambda_context") and (
            parameter.type is Any or getattr(parameter.type, "__name__", "") in ("LambdaContext", "Context")
        ):
            return _context
        if parameter.name == "event" and parameter.type in (Any, dict, dict[str, Any]):
            return _event
        return None


def scope_of(invocation: Any) -> Scope:
    """The services of an invocation."""
    scope = invocation.scope
    if scope is None:
        invocation.scope = scope = Scope(invocation)
    return scope  # type: ignore[no-any-return]


def _itself(invocation: Any) -> Any:
    return invocation


def _context(invocation: Any) -> Any:
    return invocation.context


def _event(invocation: Any) -> Any:
    return invocation.event


def _service(services: Services, provider: Provider) -> Getter:
    get = services.get

    def service(invocation: Any) -> Any:
        return get(provider, scope_of(invocation))

    return service


def _awaiting(call: Getter) -> Getter:
    async def awaiting(invocation: Any) -> Any:
        result = call(invocation)
        return await result if hasattr(result, "__await__") else result

    return awaiting


def _caller(handler: Callable[..., Any], positional: list[Getter], keywords: dict[str, Getter]) -> Getter:
    """A function that calls the handler with what an invocation has for it. Raises ValidationFailed."""
    everything = [*positional, *keywords.values()]
    if keywords or len(positional) > 3:

        def call(invocation: Any) -> Any:
            try:
                arguments = [get(invocation) for get in positional]
                named = {name: get(invocation) for name, get in keywords.items()}
            except InvalidParameter:
                raise _failed(everything, invocation) from None
            return handler(*arguments, **named)

        return call
    if not positional:
        return lambda invocation: handler()
    if len(positional) == 1:
        (only,) = positional
        if only is _itself:
            return handler

        def call_1(invocation: Any) -> Any:
            try:
                argument = only(invocation)
            except InvalidParameter:
                raise _failed(everything, invocation) from None
            return handler(argument)

        return call_1
    if len(positional) == 2:
        first, second = positional

        def call_2(invocation: Any) -> Any:
            try:
                one, two = first(invocation), second(invocation)
            except InvalidParameter:
                raise _failed(everything, invocation) from None
            return handler(one, two)

        return call_2
    first, second, third = positional

    def call_3(invocation: Any) -> Any:
        try:
            one, two, three = first(invocation), second(invocation), third(invocation)
        except InvalidParameter:
            raise _failed(everything, invocation) from None
        return handler(one, two, three)

    return call_3


def _failed(getters: list[Getter], invocation: Any) -> ValidationFailed:
    """All that is wrong with an invocation, not only what was found first."""
    details: list[dict[str, str]] = []
    for get in getters:
        if get.__name__ == "service":
            continue
        try:
            get(invocation)
        except InvalidParameter as invalid:
            details += invalid.details()
    return ValidationFailed(details=details)


__all__ = ["Endpoint", "Getter", "Invalid", "InvalidParameter", "Resolver", "scope_of"]
