"""Direct invocations: a function that is called by other functions, by the SDK, by a state machine.

The event is what the caller sent, and the result goes back as JSON. `@app.invocation("refund")` is for events whose
member "action" is "refund"; `@app.invocation()` is for all others, whatever they are: at most one handler is. Another
member than "action" is named with `member`. The whole event, that member included, becomes the handler's parameter.

What `invoke` and `invoke_async` add for the correlation id is taken off again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from lambent.app import current
from lambent.app.conversion import Invalid, from_object
from lambent.app.encoding import plain
from lambent.app.endpoint import Endpoint, InvalidParameter
from lambent.app.errors import AppError, UnknownEvent, ValidationFailed
from lambent.app.request import Invocation
from lambent.app.signature import described
from lambent.app.sources.chain import Chain, PayloadResolver, explained

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.app.app import App
    from lambent.app.endpoint import Getter
    from lambent.app.onion import Middleware
    from lambent.app.signature import Parameter


class Direct:
    """The handlers of direct invocations."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._unnamed: Chain | None = None
        self._named: dict[str, dict[str, Chain]] = {}
        """By member and its value."""

    def add(
        self, handler: Callable[..., Any], layers: tuple[Middleware, ...], options: dict[str, Any]
    ) -> None:
        """Add a handler. Raises AppError."""
        name, member = options["name"], options["member"]
        there = self._unnamed if name is None else self._named.get(member, {}).get(name)
        if there is not None:
            what = "direct invocations" if name is None else f"direct invocations with {member} {name!r}"
            raise AppError(
                f"Both {described(there.endpoint.handler)} and {described(handler)} are for {what}: give one of them "
                "another name"
            )
        endpoint = Endpoint(handler, self._app.services, PayloadResolver(handler, _payload), (Invocation,))
        chain = Chain(endpoint, layers, options)
        if name is None:
            self._unnamed = chain
        else:
            self._named.setdefault(member, {})[name] = chain

    def handle(self, event: Any, context: Any) -> Any:
        """The result, as what JSON knows. Raises UnknownEvent, and what the handler raises."""
        correlation = None
        if event.__class__ is dict and len(event) == 2 and "payload" in event:
            from lambent.app.functions import unwrap

            event, correlation = unwrap(event)
        if getattr(context, "client_context", None) is not None:
            from lambent.app.functions import correlation_of

            correlation = correlation or correlation_of(context)
        current.correlation_id.set(correlation)
        try:
            result = self._handler(event).once(self._app, Invocation(event, context))
        except ValidationFailed as error:
            explained(error)  # All that the caller gets to see is the text.
            raise
        return msgspec.to_builtins(result, str_keys=True, enc_hook=plain)

    def _handler(self, event: Any) -> Chain:
        if event.__class__ is dict:
            for member, handlers in self._named.items():
                name = event.get(member)
                if name.__class__ is str and name in handlers:
                    return handlers[name]
        if self._unnamed is None:
            known = "; ".join(
                f"{member} {' or '.join(map(repr, handlers))}" for member, handlers in self._named.items()
            )
            raise UnknownEvent(
                f"{self._app.name}: no handler is for this event: there are handlers for direct invocations with "
                f"{known}"
            )
        return self._unnamed


def _payload(parameter: Parameter) -> Getter:
    convert = from_object(parameter.type)
    if convert is None:
        return _event

    def payload(invocation: Invocation) -> Any:
        try:
            return convert(invocation.event)
        except Invalid as invalid:
            raise InvalidParameter("body", "", invalid.errors) from None

    return payload


def _event(invocation: Invocation) -> Any:
    return invocation.event
