"""WebSocket APIs: connections, and what comes over them.

A channel is one API. Its handlers are for $connect, for $disconnect, for messages whose body has a certain value under
the channel's key (`{"action": "send", …}`), and for all other messages. The gateway may choose by that key itself (its
route keys are the same names), or leave everything to $default.

Source: "Working with WebSocket APIs" of the API Gateway developer guide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from lambent.app.conversion import Invalid, NotDecodable, from_json
from lambent.app.endpoint import Endpoint, InvalidParameter
from lambent.app.errors import AppError, BadRequest, UnknownEvent
from lambent.app.onion import wrapped
from lambent.app.parameters import HttpParameters
from lambent.app.request import Request
from lambent.app.response import Response, response_of
from lambent.app.signature import MISSING, described, fresh
from lambent.app.sources.naming import physical_name
from lambent.app.sources.understood import understood

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.app.app import App
    from lambent.app.connections import ConnectionInfo
    from lambent.app.endpoint import Getter
    from lambent.app.onion import Call, Middleware
    from lambent.app.signature import Parameter

Handler = TypeVar("Handler", bound="Callable[..., Any]")
Class = TypeVar("Class", bound=type)

CONNECT, DISCONNECT, DEFAULT = "$connect", "$disconnect", "$default"


class Connection(Request):
    """A client's connection, and what it was just called for.

    `headers`, `query` and `cookies` are there when it connects. `action` is the name of the handler's message,
    "$connect", "$disconnect" or "$default".
    """

    kind = "websocket"
    method = "WEBSOCKET"
    path = "/"
    action = DEFAULT

    @property
    def id(self) -> str:
        """The connection's id, to be kept for sending to it later."""
        return str(self.event["requestContext"]["connectionId"])

    @property
    def endpoint(self) -> str:
        """Where the connections of this API are sent to."""
        from lambent.app.connections import endpoint_of

        return endpoint_of(self.event["requestContext"])

    def send(self, data: Any, to: str | None = None) -> None:
        """Send to this client, or to the connection `to`: str and bytes as they are, anything else as JSON.

        Raises ConnectionGone, PayloadTooLarge and AWSError. While $connect is being handled there is no connection yet.
        """
        from lambent.app.connections import post_to_connection

        post_to_connection(self.endpoint, to or self.id, data)

    async def asend(self, data: Any, to: str | None = None) -> None:
        """`send` for async handlers."""
        from lambent.app.connections import apost_to_connection

        await apost_to_connection(self.endpoint, to or self.id, data)

    def close(self, which: str | None = None) -> None:
        """End this connection, or another. Raises ConnectionGone and AWSError."""
        from lambent.app.connections import delete_connection

        delete_connection(self.endpoint, which or self.id)

    async def aclose(self, which: str | None = None) -> None:
        """`close` for async handlers."""
        from lambent.app.connections import adelete_connection

        await adelete_connection(self.endpoint, which or self.id)

    def info(self, which: str | None = None) -> ConnectionInfo:
        """What the gateway knows of it. Raises ConnectionGone and AWSError."""
        from lambent.app.connections import get_connection

        return get_connection(self.endpoint, which or self.id)

    async def ainfo(self, which: str | None = None) -> ConnectionInfo:
        """`info` for async handlers."""
        from lambent.app.connections import aget_connection

        return await aget_connection(self.endpoint, which or self.id)


class Channel:
    """The handlers of one WebSocket API.

    `key` is the member of messages that chooses the handler. What a handler returns is sent to the client, unless it
    is None.
    """

    def __init__(
        self, name: str, key: str, register: Callable[[Callable[..., Any], dict[str, Any]], None]
    ) -> None:
        self.name = name
        self.key = key
        self._register = register

    def on_connect(self, handler: Handler) -> Handler:
        """The handler of new connections. Raising an HTTPError rejects one with its status, False with 403."""
        self._register(handler, {"action": CONNECT})
        return handler

    def on_disconnect(self, handler: Handler) -> Handler:
        """The handler of connections that have ended."""
        self._register(handler, {"action": DISCONNECT})
        return handler

    def on_message(self, handler: Handler) -> Handler:
        """The handler of messages that no action is for."""
        self._register(handler, {"action": DEFAULT})
        return handler

    def action(self, name: str) -> Callable[[Handler], Handler]:
        """The handler of messages with this name under the channel's key."""
        if callable(name):
            raise AppError(f'{described(name)}: write @{self.name}.action("…"), the name of its messages')

        def add(handler: Handler) -> Handler:
            self._register(handler, {"action": name})
            return handler

        return add

    def __call__(self, handlers: Class) -> Class:
        """Above a class: its methods on_connect, on_disconnect and on_message, and every other public one by its name.

        The class is made without arguments, once per environment.
        """
        instance = handlers()
        own = {"on_connect": CONNECT, "on_disconnect": DISCONNECT, "on_message": DEFAULT}
        found = [
            name for name in dir(instance) if not name.startswith("_") and callable(getattr(instance, name))
        ]
        if not found:
            raise AppError(
                f"channel {self.name}: {handlers.__qualname__} has no methods that could be handlers"
            )
        for name in found:
            self._register(getattr(instance, name), {"action": own.get(name, name)})
        return handlers


class _Handler:
    """One handler of one action."""

    __slots__ = ("action", "call", "endpoint", "is_async", "layers", "outer")

    def __init__(self, endpoint: Endpoint, layers: tuple[Middleware, ...], action: str) -> None:
        self.endpoint = endpoint
        self.layers = layers
        self.action = action
        self.call: Call = endpoint.call
        self.is_async = False
        self.outer: tuple[Middleware, ...] | None = None
        """The app's layers that `call` was composed with."""


class Channels:
    """All channels of an app."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._channels: dict[str, tuple[str, dict[str, _Handler]]] = {}

    def add(
        self, handler: Callable[..., Any], layers: tuple[Middleware, ...], options: dict[str, Any]
    ) -> None:
        """A handler of a channel. Raises AppError."""
        name, action, key = options["channel"], options["action"], options["key"]
        known_key, handlers = self._channels.setdefault(name, (key, {}))
        if known_key != key:
            raise AppError(f"channel {name} cannot have both {known_key!r} and {key!r} as its key")
        if action in handlers:
            raise AppError(
                f"channel {name}, {action}: both {described(handlers[action].endpoint.handler)} and "
                f"{described(handler)} are for it"
            )
        resolve = _Parameters(handler, name, action).resolve
        endpoint = Endpoint(handler, self._app.services, resolve, (Connection, Request))
        handlers[action] = _Handler(endpoint, layers, action)

    @understood
    def handle(self, event: Any, context: Any) -> dict[str, Any]:
        """The answer to the gateway. Raises UnknownEvent."""
        about = event["requestContext"]
        name, key, handlers = self._channel(about)
        connection = Connection(event, context)
        connection.path = f"/{name}"
        route = about.get("routeKey") or DEFAULT
        if about.get("eventType") in ("CONNECT", "DISCONNECT"):
            route = CONNECT if about["eventType"] == "CONNECT" else DISCONNECT
            handler = handlers.get(route)
            if handler is None:
                return {"statusCode": 200}  # the gateway asks, and nobody minds
        else:
            handler = handlers.get(route) if route != DEFAULT else None
            if handler is None:
                handler = handlers.get(_named(connection, key)) or handlers.get(DEFAULT)
            if handler is None:
                error = BadRequest(f"No handler is for this message; the key is {key!r}")
                return self._refuse(connection, self._app.http.failed(error, connection))
        connection.action = connection.route = handler.action
        return self._run(connection, handler)

    def _channel(self, about: dict[str, Any]) -> tuple[str, str, dict[str, _Handler]]:
        if len(self._channels) == 1:
            ((name, (key, handlers)),) = self._channels.items()
            return name, key, handlers
        api = about.get("apiId")
        for name, (key, handlers) in self._channels.items():
            if physical_name("channel", name) == api:
                return name, key, handlers
        raise UnknownEvent(
            f"{self._app.name}: no channel is for the WebSocket API {api}: there are {', '.join(self._channels)}. "
            "Say which is which in LAMBENT_CHANNEL_<NAME>"
        )

    def _run(self, connection: Connection, handler: _Handler) -> dict[str, Any]:
        app = self._app
        if handler.outer != app.layers:
            handler.outer = app.layers
            handler.call, handler.is_async = wrapped(
                (*app.layers, *handler.layers), handler.endpoint.composed(), None, app.loop
            )
        try:
            result = app.loop.run(handler.call(connection)) if handler.is_async else handler.call(connection)
            if connection.scope is not None:
                app.services.close(connection.scope.closing, None)
            return self._answer(connection, result)
        except Exception as error:  # noqa: BLE001 - each exception is answered
            return self._refuse(connection, app.http.failed(error, connection))
        except BaseException as error:
            if connection.scope is not None:
                app.services.close(connection.scope.closing, error)
            raise

    def _answer(self, connection: Connection, result: Any) -> dict[str, Any]:
        if connection.action == CONNECT:
            return _accepted(result)
        if connection.action == DISCONNECT or result is None:
            return {"statusCode": 200}
        from lambent.app.connections import ConnectionGone

        try:
            connection.send(result.body if isinstance(result, Response) else result)
        except ConnectionGone:  # clients go when they like
            self._app.logger.warning(f"The answer could not be sent: {connection.id} is no longer connected")
            return {"statusCode": 410}
        return {"statusCode": 200}

    def _refuse(self, connection: Connection, answer: Response) -> dict[str, Any]:
        """A connection is rejected; a message is answered with the error."""
        if connection.action not in (CONNECT, DISCONNECT) and answer.body is not None:
            from lambent.app.client.errors import AWSError
            from lambent.app.connections import ConnectionGone

            try:
                connection.send(answer.body)
            except (ConnectionGone, AWSError, OSError) as another:
                self._app.logger.warning(f"The error could not be sent to {connection.id}: {another}")
        if connection.action == CONNECT and answer.status < 400:
            return {"statusCode": 500}  # what has failed is no connection, whatever words it was given
        return {"statusCode": answer.status}


def _accepted(result: Any) -> dict[str, Any]:
    """The answer to who wants to connect: with a status of 2xx he is."""
    if result is None or result is True:
        return {"statusCode": 200}
    if result is False:
        return {"statusCode": 403}
    response = response_of(result)
    # The subprotocol that was chosen, for example.
    headers = {name: one for name, one in response.headers.items() if isinstance(one, str)}
    return {"statusCode": response.status, "headers": headers}


def _named(connection: Connection, key: str) -> str:
    """The value under the key; DEFAULT when there is none."""
    try:
        document = msgspec.json.decode(connection.raw_body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, BadRequest):
        return DEFAULT
    found = document.get(key) if isinstance(document, dict) else None
    # What begins with $ is the gateway's to say.
    return found if isinstance(found, str) and not found.startswith("$") else DEFAULT


class _Parameters:
    """What a channel's handler can ask for: of $connect the parts of the request, else the message."""

    def __init__(self, handler: Callable[..., Any], channel: str, action: str) -> None:
        self._handler = handler
        self._where = f"channel {channel}, {action}"
        self._http = HttpParameters(handler, "GET", f"{channel} {action}", ())
        self._at_ends = action in (CONNECT, DISCONNECT)
        self._taken = ""

    def resolve(self, parameter: Parameter) -> Getter | None:
        """Where it comes from. Raises AppError."""
        if parameter.name == "connection":
            return lambda connection: connection
        if self._at_ends or (parameter.marker is not None and parameter.marker.place != "body"):
            return self._http.resolve(parameter)
        if self._taken:
            raise AppError(
                f"{self._where}: {described(self._handler)}: both {self._taken!r} and {parameter.name!r} would be the "
                "message: make one type of them"
            )
        self._taken = parameter.name
        return _message(parameter)


def _message(parameter: Parameter) -> Getter:
    declared, default = parameter.type, parameter.default
    if declared is bytes:
        return lambda connection: connection.body
    if declared is str:
        return lambda connection: connection.text
    decode = from_json(declared)

    def message(connection: Connection) -> Any:
        raw = connection.raw_body
        if not raw and default is not MISSING:
            return fresh(default)
        try:
            return decode(raw)
        except Invalid as invalid:
            raise InvalidParameter("body", "", invalid.errors) from None
        except NotDecodable as error:
            raise BadRequest(f"The message is not JSON: {error}") from None

    return message
