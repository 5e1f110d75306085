"""WebSocket APIs: an app behind a gateway whose management API is a real server."""

from __future__ import annotations

import http.server
import json
import threading
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import pytest

from lambent import App, AppError, Connection, Forbidden, Header, Query, Response, Unauthorized, UnknownEvent

if TYPE_CHECKING:
    from collections.abc import Iterator


class Gateway:
    """The connections of an API, as its management API has them."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes]] = []
        self.gone: set[str] = set()
        gateway = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def _answer(self, status: int, body: bytes = b"") -> None:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def _id(self) -> str:
                return self.path.rpartition("/")[2]

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self._id() in gateway.gone:
                    self._answer(410)
                    return
                gateway.sent.append((self._id(), body))
                self._answer(200)

            def do_DELETE(self) -> None:
                gateway.gone.add(self._id())
                self._answer(204)

            def do_GET(self) -> None:
                self._answer(
                    200, b'{"connectedAt": "2026-11-21T10:00:00Z", "identity": {"sourceIp": "203.0.113.7"}}'
                )

            def log_message(self, *arguments: Any) -> None: ...

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def texts(self) -> list[Any]:
        return [json.loads(body) for _, body in self.sent]


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    gateway = Gateway()
    monkeypatch.setenv("AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI", gateway.url)
    for name, value in (
        ("AWS_ACCESS_KEY_ID", "x"),
        ("AWS_SECRET_ACCESS_KEY", "y"),
        ("AWS_REGION", "eu-west-1"),
    ):
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_SESSION_TOKEN", raising=False)
    yield gateway
    gateway.close()


def event(route: str, body: Any = None, *, api: str = "api-1", **members: Any) -> dict[str, Any]:
    kind = {"$connect": "CONNECT", "$disconnect": "DISCONNECT"}.get(route, "MESSAGE")
    return {
        "requestContext": {
            "routeKey": route,
            "eventType": kind,
            "connectionId": "c-1",
            "domainName": "api-1.execute-api.eu-west-1.amazonaws.com",
            "stage": "prod",
            "apiId": api,
            "requestId": "r",
            "identity": {"sourceIp": "203.0.113.7"},
        },
        **({} if body is None else {"body": body if isinstance(body, str) else json.dumps(body)}),
        "isBase64Encoded": False,
        **members,
    }


class Said(msgspec.Struct):
    text: str


class Quiet:
    said: list[str]

    def __init__(self) -> None:
        self.said = []

    def error(self, message: str, *, exc_info: BaseException | None = None) -> None:
        self.said.append(message)

    exception = warning = error

    def end_invocation(self, failed: bool) -> None: ...


@pytest.fixture
def app() -> App:
    app = App("chat", logger=Quiet())
    chat = app.channel("/chat")

    @chat.on_connect
    def connect(token: Annotated[str, Query] = "", agent: Annotated[str, Header("user-agent")] = "") -> Any:
        if token == "bad":
            raise Unauthorized
        if token == "worse":
            raise ValueError
        if token == "protocol":
            return Response(headers={"Sec-WebSocket-Protocol": "chat.v2"})
        return token != "no"

    @chat.action("send")
    def send(message: Said, connection: Connection) -> dict[str, str]:
        connection.send({"to": "other"}, to="c-2")
        return {"said": message.text, "by": connection.id, "action": connection.action}

    @chat.action("later")
    async def later(message: Said) -> Said:
        return message

    @chat.action("fail")
    def fail() -> None:
        raise ValueError("secret")

    @chat.action("forbidden")
    def forbidden() -> None:
        raise Forbidden("not here")

    @chat.action("end")
    def end(connection: Connection) -> None:
        info = connection.info()
        assert info.identity is not None
        assert info.identity.source_ip == connection.source_ip
        connection.close()

    @chat.on_message
    def anything(message: str) -> str:
        return json.dumps({"echo": message})

    return app


@pytest.mark.parametrize(
    ("token", "answer"),
    [
        ("yes", {"statusCode": 200}),
        ("no", {"statusCode": 403}),
        ("bad", {"statusCode": 401}),
        ("worse", {"statusCode": 500}),
        ("protocol", {"statusCode": 200, "headers": {"sec-websocket-protocol": "chat.v2"}}),
    ],
)
def test_connecting(app: App, token: str, answer: dict[str, Any]) -> None:
    assert (
        app(event("$connect", queryStringParameters={"token": token}, headers={"User-Agent": "x"})) == answer
    )


def test_what_nobody_minds(app: App) -> None:
    assert app(event("$disconnect")) == {"statusCode": 200}


@pytest.mark.parametrize("route", ["$default", "send"])
def test_messages_choose_their_handler(app: App, gateway: Gateway, route: str) -> None:
    assert app(event(route, {"action": "send", "text": "hi"})) == {"statusCode": 200}
    assert [(to, json.loads(body)) for to, body in gateway.sent] == [
        ("c-2", {"to": "other"}),
        ("c-1", {"said": "hi", "by": "c-1", "action": "send"}),
    ]


def test_handlers_may_be_coroutines(app: App, gateway: Gateway) -> None:
    app(event("$default", {"action": "later", "text": "hi"}))
    assert gateway.texts() == [{"text": "hi"}]
    app.loop.close()


@pytest.mark.parametrize(
    "body", ["plain", "[1]", '{"action": "nobody"}', '{"action": "$connect"}', '{"action": 5}', ""]
)
def test_all_other_messages(app: App, gateway: Gateway, body: str) -> None:
    assert app(event("$default", body)) == {"statusCode": 200}
    assert gateway.texts() == [{"echo": body}]


@pytest.mark.parametrize(
    ("body", "status", "sent"),
    [
        ({"action": "fail"}, 500, {"error": "Internal server error", "code": "INTERNAL_SERVER_ERROR"}),
        ({"action": "forbidden"}, 403, {"error": "not here", "code": "FORBIDDEN"}),
        (
            {"action": "send"},
            422,
            {
                "error": "Validation failed",
                "code": "VALIDATION_FAILED",
                "details": [{"in": "body", "name": "text", "message": "It is missing"}],
            },
        ),
    ],
)
def test_errors_are_sent(app: App, gateway: Gateway, body: Any, status: int, sent: Any) -> None:
    assert app(event("$default", body)) == {"statusCode": status}
    assert gateway.texts() == [sent]


def test_a_client_that_is_gone(app: App, gateway: Gateway) -> None:
    gateway.gone.add("c-1")
    assert app(event("$default", {"action": "forbidden"})) == {"statusCode": 403}
    assert app.logger.said == ["The error could not be sent to c-1: c-1 is no longer connected"]


def test_connections_can_be_looked_at_and_closed(app: App, gateway: Gateway) -> None:
    assert app(event("$default", {"action": "end"})) == {"statusCode": 200}
    assert gateway.gone == {"c-1"}


def test_messages_that_nobody_is_for(gateway: Gateway) -> None:
    app = App()
    app.channel("chat", key="type").action("a")(lambda: 1)
    assert app(event("$default", {"type": "b"})) == {"statusCode": 400}
    assert gateway.texts() == [
        {"error": "No handler is for this message; the key is 'type'", "code": "BAD_REQUEST"}
    ]


def test_a_class_of_handlers(gateway: Gateway) -> None:
    app = App()

    @app.channel("/chat")
    class Chat:
        def __init__(self) -> None:
            self._count = 0

        def on_connect(self) -> bool:
            return False

        def on_message(self, message: str) -> str:
            return message

        def count(self) -> int:
            self._count += 1
            return self._count

    assert app(event("$connect")) == {"statusCode": 403}
    app(event("$default", {"action": "count"}))
    app(event("$default", {"action": "count"}))
    app(event("$default", "5"))
    assert gateway.texts() == [1, 2, 5]


def test_several_channels(monkeypatch: pytest.MonkeyPatch) -> None:
    app = App("chat")
    app.channel("one").on_connect(lambda: False)
    app.channel("two").on_connect(lambda: True)
    with pytest.raises(UnknownEvent, match="api-1: there are one, two"):
        app(event("$connect"))
    monkeypatch.setenv("LAMBENT_CHANNEL_TWO", "api-1")
    assert app(event("$connect")) == {"statusCode": 200}


def test_layers_are_around_messages_too(gateway: Gateway) -> None:
    app, seen = App(), []

    @app.middleware
    def log(connection: Connection, call_next: Any) -> Any:
        seen.append(connection.action)
        return call_next(connection)

    app.channel("one").on_connect(lambda: None)
    app.channel("one").on_message(lambda: "x")
    app(event("$connect"))
    app(event("$default", "a"))
    assert seen == ["$connect", "$default"]


def two_messages(a: Said, b: Said) -> None: ...
def body_of_connect(a: Said) -> None: ...


def test_mistakes() -> None:
    chat = App().channel("chat")
    with pytest.raises(AppError, match="both 'a' and 'b' would be the message"):
        chat.on_message(two_messages)
    with pytest.raises(AppError, match="would be the body"):
        chat.on_connect(body_of_connect)
    chat.action("x")(lambda: 1)
    with pytest.raises(AppError, match="channel chat, x: both"):
        chat.action("x")(lambda: 2)


# ---------------------------------------------------------------- who is not let in, stays out


def refusal(app: App, delivered: Any) -> int:
    status: int = app(delivered)["statusCode"]
    return status


def forbidding(error: PermissionError) -> None:
    raise Forbidden


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (lambda error: ({"error": "no"}, 403), 403),
        (lambda error: Response("no", 401), 401),
        (lambda error: {"error": "no"}, 500),
        (lambda error: ({"error": "no"}, 200), 500),
        (lambda error: None, 500),
        (forbidding, 403),
    ],
)
def test_what_maps_a_failure_lets_nobody_in(answer: Any, status: int) -> None:
    app = App()
    app.error_handler(PermissionError)(answer)

    @app.channel("chat").on_connect
    def on_connect(connection: Connection) -> None:
        raise PermissionError

    assert refusal(app, event("$connect")) == status


def test_an_async_error_handler_refuses() -> None:
    app = App()

    @app.error_handler(PermissionError)
    async def answer(error: PermissionError, request: Any) -> Any:
        return {"error": "no"}, 403

    @app.channel("chat").on_connect
    async def on_connect(connection: Connection) -> None:
        raise PermissionError

    assert refusal(app, event("$connect")) == 403
    app.loop.close()


@pytest.mark.parametrize(
    ("result", "status"),
    [
        (({"error": "no"}, 403), 403),
        (Response("no", 401), 401),
        (False, 403),
        (True, 200),
        (None, 200),
        ({}, 200),
    ],
)
@pytest.mark.parametrize("early", [False, True])
def test_results_that_refuse(result: Any, status: int, early: bool) -> None:
    app = App(middleware=[lambda invocation, call_next: result] if early and result is not None else [])
    app.channel("chat").on_connect(lambda connection: result)
    assert refusal(app, event("$connect")) == status


def test_layers_added_later_count() -> None:
    app, seen = App(), []
    app.channel("chat").on_connect(lambda connection: None)
    assert refusal(app, event("$connect")) == 200

    @app.middleware
    def layer(invocation: Any, call_next: Any) -> Any:
        seen.append(invocation.kind)
        raise Forbidden

    assert (refusal(app, event("$connect")), seen) == (403, ["websocket"])


def test_an_answer_to_a_client_that_has_gone(app: App, gateway: Gateway) -> None:
    gateway.gone.add("c-1")
    answer = app(event("$default", {"action": "send", "text": "hello"}), None)
    assert answer == {"statusCode": 410}
    assert app.logger.said == ["The answer could not be sent: c-1 is no longer connected"]
    assert "c-1" not in dict(gateway.sent)


def test_connections_of_async_handlers(gateway: Gateway) -> None:
    app = App(logger=Quiet())
    chat = app.channel("chat")

    @chat.on_message
    async def leave(connection: Connection) -> None:
        known = await connection.ainfo()
        await connection.asend(known.identity.source_ip if known.identity else None)
        await connection.aclose()
        await connection.aclose("c-2")

    assert app(event("$default", {}), None) == {"statusCode": 200}
    app.loop.close()
    assert gateway.sent == [("c-1", b"203.0.113.7")]
    assert gateway.gone == {"c-1", "c-2"}
