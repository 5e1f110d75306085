"""What the sources of single events have in common: names to handlers, records to parameters, calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from lambent.app.conversion import Invalid, from_object
from lambent.app.encoding import plain
from lambent.app.endpoint import Endpoint, InvalidParameter
from lambent.app.errors import AppError, ValidationFailed
from lambent.app.signature import described
from lambent.app.sources.chain import Chain, explained
from lambent.app.sources.naming import physical_name

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from lambent.app.app import App
    from lambent.app.endpoint import Getter, Resolver
    from lambent.app.onion import Middleware
    from lambent.app.request import Invocation
    from lambent.app.signature import Parameter


class Named:
    """Handlers by the names of the resources that they are for. `kind` is as in LAMBENT_<KIND>_<NAME>.

    A name of None is for all that have no handler of their own.
    """

    __slots__ = ("_deployed", "handlers", "kind")

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.handlers: dict[str | None, Chain] = {}
        self._deployed: dict[str, Chain] | None = None

    def add(self, name: str | None, chain: Chain) -> None:
        """Raises AppError when there is a handler for the name."""
        there = self.handlers.get(name)
        if there is not None:
            which = (
                f"the {self.kind.replace('_', ' ')} {name!r}" if name is not None else f"every {self.kind}"
            )
            raise AppError(
                f"Both {described(there.endpoint.handler)} and {described(chain.endpoint.handler)} are for {which}: "
                "one handler has to do"
            )
        self.handlers[name] = chain
        self._deployed = None

    def find(self, name: str) -> Chain | None:
        """The handler for a resource, given its deployed name."""
        found = self.handlers.get(name)
        if found is not None:
            return found
        if self._deployed is None:
            self._deployed = {
                physical_name(self.kind, logical): chain
                for logical, chain in self.handlers.items()
                if logical is not None
            }
        return self._deployed.get(name) or self.handlers.get(None)

    def told(self) -> str:
        """The names, for messages."""
        return ", ".join("any" if name is None else repr(name) for name in self.handlers)


def chain_of(
    app: App,
    handler: Callable[..., Any],
    layers: tuple[Middleware, ...],
    options: dict[str, Any],
    resolve: Resolver,
    record: type[Invocation],
) -> Chain:
    """A handler that may ask for its record by type. Raises AppError."""
    return Chain(Endpoint(handler, app.services, resolve, (record,)), layers, options)


def called(app: App, chain: Chain, invocation: Invocation) -> Any:
    """The result of a handler. Raises what the handler raises; of bad input it says what is bad."""
    try:
        return chain.once(app, invocation)
    except ValidationFailed as error:
        explained(error)
        raise


def answered(app: App, chain: Chain, invocation: Invocation) -> Any:
    """The result of a handler as JSON can hold it. Raises as `called` does, and TypeError for what JSON cannot hold."""
    return as_json(called(app, chain, invocation))


def as_json(result: Any) -> Any:
    """A result as Lambda's runtimes can send it."""
    if result is None or result.__class__ in (str, int, float, bool):
        return result
    return msgspec.to_builtins(result, enc_hook=plain)


def members(known: dict[str, Any]) -> Resolver:
    """Resolves parameters that are called as a member of the record is, and declared so or not at all."""

    def resolve(parameter: Parameter) -> Getter | None:
        name = parameter.name
        if parameter.marker is not None:
            return None
        if name in known and parameter.type in (Any, known[name], known[name] | None):
            return lambda invocation: getattr(invocation, name)
        return None

    return resolve


def itself(parameter: Parameter) -> Getter | None:
    """For handlers that do not say what they take: `def on_upload(upload)`."""
    if parameter.type is Any and parameter.marker is None:
        return lambda invocation: invocation
    return None


def first_known(*resolvers: Resolver) -> Resolver:
    """The first of several that knows a parameter."""

    def resolve(parameter: Parameter) -> Getter | None:
        for one in resolvers:
            getter = one(parameter)
            if getter is not None:
                return getter
        return None

    return resolve


def converted(declared: Any, of: Callable[[Any], Any], convert: Any = from_object, place: str = "") -> Getter:
    """A value that `of` gives, as the declared type. Raises TypeError for types that cannot be made."""
    conversion = convert(declared)
    if conversion is None:
        return of

    def value(invocation: Any) -> Any:
        try:
            return conversion(of(invocation))
        except Invalid as invalid:
            raise InvalidParameter("body", place, invalid.errors) from None

    return value


def moment(text: str) -> datetime:
    """A time as AWS writes it: ISO 8601 with Z or an offset."""
    from datetime import datetime

    return datetime.fromisoformat(text)
