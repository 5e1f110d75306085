"""What handlers are given by type: database connections, clients, settings.

A singleton is built once per environment, when it is first wanted or at init; a service of an invocation is built for
each invocation that wants it and closed when that ends. A factory's own parameters are services too; one of
an invocation may ask for the invocation as well, by its type (`Request`, `Message`, …).

A class that brings its own factory as `__lambent_service__` need not be provided: it is one of an invocation.
"""

from __future__ import annotations

from _thread import RLock
from typing import TYPE_CHECKING, Any, Literal

from lambent.app.errors import AppError
from lambent.app.request import Invocation
from lambent.app.signature import (
    MISSING,
    described,
    is_async_generator_function,
    is_coroutine_function,
    is_generator_function,
    signature_of,
)

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from lambent.app.loop import Loop

    Lifetime = Literal["environment", "invocation"]


class Provider:
    """How one service is made."""

    __slots__ = ("factory", "invocations", "is_async", "is_generator", "lifetime", "needs", "type")

    def __init__(self, service: Any, factory: Callable[..., Any], lifetime: Lifetime) -> None:
        self.type = service
        self.factory = factory
        self.lifetime = lifetime
        self.needs: list[tuple[str, Provider]] | None = None  # found out when it is first wanted
        self.invocations: list[tuple[str, type]] = []
        """Parameters that take the invocation itself."""
        self.is_generator = is_generator_function(factory) or is_async_generator_function(factory)
        self.is_async = is_coroutine_function(factory) or is_async_generator_function(factory)


class Services:
    """All providers of an app, and the singletons that have been built."""

    def __init__(self, loop: Loop) -> None:
        self._providers: dict[Any, Provider] = {}
        self._singletons: dict[Provider, Any] = {}
        self._closing: list[tuple[Provider, Any]] = []
        self._loop = loop
        self._offered: dict[Any, Provider] = {}
        self._building: dict[Provider, asyncio.Future[Any]] = {}
        self._wanted: list[Provider] = []
        self._turn = RLock()

    def provide(self, service: Any, factory: Callable[..., Any], lifetime: Lifetime) -> Provider:
        """Add a service. Raises AppError when there is one of the type."""
        if service in self._providers:
            raise AppError(
                f"{_name(service)} is provided already, by {described(self._providers[service].factory)}"
            )
        provider = self._providers[service] = Provider(service, factory, lifetime)
        return provider

    def replace(self, service: Any, instance: Any) -> Callable[[], None]:
        """Give `instance` to whoever asks; for tests. Returns what undoes it.

        Raises AppError for what nobody provides.
        """
        provider = self.find(service)
        if provider is None:
            raise AppError(f"{_name(service)} is not provided, so nobody is given it")
        before = self._singletons.get(provider, MISSING)
        self._singletons[provider] = instance

        def restore() -> None:
            if before is MISSING:
                self._singletons.pop(provider, None)  # the environment may have ended since
            else:
                self._singletons[provider] = before

        return restore

    def find(self, service: Any) -> Provider | None:
        """The provider of a type, if there is one."""
        try:
            provider = self._providers.get(service) or self._offered.get(service)
        except TypeError:  # not hashable, and so no service
            return None
        if provider is None and isinstance(service, type) and "__lambent_service__" in service.__dict__:
            factory = service.__lambent_service__  # type: ignore[attr-defined] # it is there
            provider = self._offered[service] = Provider(service, factory, "invocation")
        return provider

    def want(self, provider: Provider) -> None:
        """Note that a handler asks for it: what it needs is looked at before the first event is handled."""
        self._wanted.append(provider)

    def check(self) -> None:
        """Find out what the wanted services need. Raises AppError for what nobody provides."""
        while self._wanted:
            self.needs_loop(self._wanted[-1])
            self._wanted.pop()

    def get(self, provider: Provider, scope: Scope) -> Any:
        """The service: the singleton, or the scope's own. Raises what the factory raises."""
        if provider in self._singletons:
            return self._singletons[provider]
        if provider.lifetime == "environment":
            if self.needs_loop(provider):
                self._singletons[provider] = built = self._build(provider, scope, self._closing)
                return built
            with self._turn:  # several threads may want it at once
                if provider not in self._singletons:
                    self._singletons[provider] = self._build(provider, scope, self._closing)
                return self._singletons[provider]
        if provider in scope.built:
            return scope.built[provider]
        scope.built[provider] = built = self._build(provider, scope, scope.closing)
        return built

    async def aget(self, provider: Provider, scope: Scope) -> Any:
        """`get` on the loop. A singleton that several ask for at the same time is built once."""
        if provider in self._singletons:
            return self._singletons[provider]
        if provider.lifetime == "environment":
            import asyncio

            building = self._building.get(provider)
            if building is None:
                building = self._building[provider] = asyncio.ensure_future(
                    self._abuild_singleton(provider, scope)
                )
                building.add_done_callback(lambda _: self._building.pop(provider, None))
            # Who is cancelled while he waits is not the only one who wants it.
            return await asyncio.shield(building)
        if provider in scope.built:
            return scope.built[provider]
        scope.built[provider] = built = await self._abuild(provider, scope, scope.closing)
        return built

    async def _abuild_singleton(self, provider: Provider, scope: Scope) -> Any:
        self._singletons[provider] = built = await self._abuild(provider, scope, self._closing)
        return built

    async def _abuild(self, provider: Provider, scope: Scope, closing: list[tuple[Provider, Any]]) -> Any:
        if provider.needs is None:
            provider.needs = self._needs(provider)
        given = {name: await self.aget(needed, scope) for name, needed in provider.needs}
        made = self._made(provider, scope, given)
        if not provider.is_generator:
            return await made if provider.is_async else made
        built = await anext(made) if provider.is_async else next(made)
        closing.append((provider, made))
        return built

    def needs_loop(self, provider: Provider) -> bool:
        """Whether building it runs coroutines."""
        if provider.needs is None:
            provider.needs = self._needs(provider)
        return provider.is_async or any(self.needs_loop(needed) for _, needed in provider.needs)

    def _build(self, provider: Provider, scope: Scope, closing: list[tuple[Provider, Any]]) -> Any:
        if provider.needs is None:
            provider.needs = self._needs(provider)
        made = self._made(provider, scope, {name: self.get(needed, scope) for name, needed in provider.needs})
        if not provider.is_generator:
            return self._loop.run(made) if provider.is_async else made
        built = self._loop.run(anext(made)) if provider.is_async else next(made)
        closing.append((provider, made))
        return built

    @staticmethod
    def _made(provider: Provider, scope: Scope, given: dict[str, Any]) -> Any:
        """What the factory returns: the service, or its coroutine or generator."""
        for name, kind in provider.invocations:
            given[name] = scope.given(provider, kind)
        return provider.factory(**given)

    def _needs(self, provider: Provider, within: tuple[Provider, ...] = ()) -> list[tuple[str, Provider]]:
        needs = []
        invocations = []
        for parameter in signature_of(provider.factory).parameters:
            if isinstance(parameter.type, type) and issubclass(parameter.type, Invocation):
                if provider.lifetime == "environment":
                    raise AppError(
                        f"{described(provider.factory)}: it is built once per environment and cannot have "
                        f"{_name(parameter.type)}: provide it with lifetime='invocation'"
                    )
                invocations.append((parameter.name, parameter.type))
                continue
            needed = self.find(parameter.type)
            if needed is None:
                if parameter.default is not MISSING:
                    continue
                raise AppError(
                    f"{described(provider.factory)}: nothing provides its parameter {parameter.name!r}: "
                    f"provide {_name(parameter.type)}"
                )
            if needed is provider or needed in within:
                raise AppError(f"{described(provider.factory)}: {_name(needed.type)} would need itself")
            if provider.lifetime == "environment" and needed.lifetime == "invocation":
                raise AppError(
                    f"{described(provider.factory)}: it is built once per environment and cannot have "
                    f"{_name(needed.type)}, which each invocation has its own of"
                )
            self._needs(needed, (*within, provider))
            needs.append((parameter.name, needed))
        provider.invocations = invocations
        return needs

    def close(self, closing: list[tuple[Provider, Any]], error: BaseException | None) -> None:
        """End generators, the last first; `error` is what the invocation ended with. The first failure is raised."""
        failure: BaseException | None = None
        while closing:
            provider, generator = closing.pop()
            try:
                self._end(provider, generator, error)
            except BaseException as raised:  # noqa: BLE001 - the others are to be closed nevertheless
                if raised is not error and failure is None:
                    failure = raised
        if failure is not None:
            raise failure

    async def aclose(self, closing: list[tuple[Provider, Any]], error: BaseException | None) -> None:
        """`close` on the loop."""
        failure: BaseException | None = None
        while closing:
            provider, generator = closing.pop()
            try:
                if provider.is_async:
                    await _aend(provider, generator, error)
                else:
                    self._end(provider, generator, error)
            except BaseException as raised:  # noqa: BLE001 - the others are to be closed nevertheless
                if raised is not error and failure is None:
                    failure = raised
        if failure is not None:
            raise failure

    def _end(self, provider: Provider, generator: Any, error: BaseException | None) -> None:
        if provider.is_async:
            self._loop.run(_aend(provider, generator, error))
            return
        try:
            next(generator) if error is None else generator.throw(error)
        except StopIteration:
            return
        raise AppError(f"{described(provider.factory)} has to yield once")

    def shut_down(self) -> None:
        """Close the singletons: at the end of a test. Lambda does not tell functions that their environment ends."""
        self.close(self._closing, None)
        self._singletons.clear()


async def _aend(provider: Provider, generator: Any, error: BaseException | None) -> None:
    try:
        await (anext(generator) if error is None else generator.athrow(error))
    except StopAsyncIteration:
        return
    raise AppError(f"{described(provider.factory)} has to yield once")


class Scope:
    """The services that belong to one invocation; to none, where they are built ahead."""

    __slots__ = ("_invocation", "built", "closing")

    def __init__(self, invocation: Invocation | None = None) -> None:
        self._invocation = invocation
        self.built: dict[Provider, Any] = {}
        self.closing: list[tuple[Provider, Any]] = []

    def given(self, provider: Provider, kind: type) -> Any:
        """The invocation, for a factory that takes one of that kind. Raises AppError for another."""
        if not isinstance(self._invocation, kind):
            found = "none" if self._invocation is None else f"a {_name(type(self._invocation))}"
            raise AppError(f"{described(provider.factory)} takes a {_name(kind)}, and there is {found} here")
        return self._invocation


def _name(service: Any) -> str:
    return getattr(service, "__qualname__", None) or repr(service)
