"""The testing client: every trigger reaches its handler, and what comes back is what the sender would see."""

from __future__ import annotations

import io
import os
from collections.abc import AsyncIterator  # noqa: TC003 - the hints of factories are evaluated
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from lambent import (
    Alarm,
    Allow,
    App,
    AppError,
    AuthorizerRequest,
    Connection,
    ConnectionGone,
    Deny,
    LogBatch,
    Logger,
    Metrics,
    Request,
    ResourceRequest,
    Response,
    Tick,
    Trigger,
    Unauthorized,
    Window,
)
from lambent.testing import (
    Client,
    ConnectionRejected,
    KinesisRecord,
    LambdaContext,
    NoAnswer,
    SQSMessage,
    capture_logs,
    capture_metrics,
    events,
)
from lambent.testing import Window as WindowOf

if TYPE_CHECKING:
    from lambent.testing.answers import Source

SOURCES: tuple[Source, ...] = ("http.v2", "http.v1", "function_url", "alb", "alb_multi")


class Order(msgspec.Struct):
    id: int
    name: str = ""


@pytest.fixture(params=SOURCES)
def source(request: pytest.FixtureRequest) -> Any:
    return request.param


@pytest.fixture
def app() -> App:
    app = App("shop")

    @app.any("/echo/{name}")
    def echo(name: str, request: Request) -> dict[str, Any]:
        return {
            "name": name,
            "method": request.method,
            "query": dict(request.query.items()),
            "header": request.headers.get("x-one"),
            "cookies": request.cookies,
            "body": request.text,
            "type": request.headers.get("content-type"),
        }

    @app.get("/answer")
    def answer() -> Response:
        made = Response(b"\x00\xff", 201, headers={"x-two": "2"}, content_type="image/png")
        made.set_cookie("one", "1")
        made.set_cookie("two", "2", path="/echo")
        return made

    @app.get("/away")
    def away() -> Response:
        made = Response(None)
        made.delete_cookie("one")
        return made

    @app.get("/nothing")
    def nothing() -> None:
        return None

    @app.get("/broken")
    def broken() -> None:
        raise ZeroDivisionError("of the handler")

    return app


# ---------------------------------------------------------------- HTTP


def test_a_request_arrives_whole(app: App, source: Any) -> None:
    answer = Client(app, source).post(
        "/echo/a?first=1",
        query={"second": ["2"]},
        headers={"X-One": "one"},
        cookies={"kind": "dark"},
        json=Order(1, "ü"),
    )
    assert answer.status == 200
    assert answer.content_type == "application/json"
    assert answer.json() == {
        "name": "a",
        "method": "POST",
        "query": {"first": "1", "second": "2"},
        "header": "one",
        "cookies": {"kind": "dark"},
        "body": '{"id":1,"name":"ü"}',
        "type": "application/json",
    }


def test_an_answer_is_what_its_caller_sees(app: App, source: Any) -> None:
    answer = Client(app, source).get("/answer")
    assert (answer.status, answer.body, answer.headers["X-Two"]) == (201, b"\x00\xff", "2")
    assert answer.cookies == {"one": "1", "two": "2"}
    assert len(answer.set_cookies) == 2
    assert "201" in repr(answer)


def test_each_method_has_its_name(app: App, source: Any) -> None:
    client = Client(app, source)
    for method in ("get", "post", "put", "patch", "delete", "options"):
        assert getattr(client, method)("/echo/a").json()["method"] == method.upper()
    head = client.head("/echo/a")
    assert (head.status, head.body) == (200, b"")
    empty = client.get("/nothing")
    assert (empty.status, empty.body, empty.content_type) == (204, b"", None)


def test_bodies(app: App, source: Any) -> None:
    client = Client(app, source)
    assert client.post("/echo/a", body="text").json()["body"] == "text"
    assert client.post("/echo/a", body="ü".encode()).json()["body"] == "ü"
    assert client.post("/echo/a", json="text").json()["body"] == '"text"'
    typed = client.post("/echo/a", json={}, headers={"content-type": "application/vnd.a+json"})
    assert typed.json()["type"] == "application/vnd.a+json"
    with pytest.raises(TypeError, match="one body"):
        client.post("/echo/a", json={}, body="")


def test_json_can_be_typed() -> None:
    app = App()
    app.get("/")(lambda: Order(7, "x"))
    assert Client(app).get("/").json(Order) == Order(7, "x")


def test_text_is_in_its_charset() -> None:
    app = App()
    app.get("/")(lambda: Response("é".encode("latin-1"), content_type="text/plain; charset=latin-1"))
    assert Client(app).get("/").text == "é"


def test_cookies_are_kept_when_asked_for(app: App, source: Any) -> None:
    client = Client(app, source, keep_cookies=True)
    client.get("/answer")
    assert client.get("/echo/a").json()["cookies"] == {"one": "1", "two": "2"}
    assert client.get("/echo/a", cookies={"three": "3"}).json()["cookies"]["three"] == "3"
    client.get("/away")
    assert client.get("/echo/a").json()["cookies"] == {"two": "2"}
    forgetful = Client(app, source)
    forgetful.get("/answer")
    assert forgetful.get("/echo/a").json()["cookies"] == {}


def test_exceptions_are_answered_or_raised(app: App) -> None:
    assert Client(app).get("/broken").status == 500
    strict = Client(app, raise_errors=True)
    with pytest.raises(ZeroDivisionError, match="of the handler"):
        strict.get("/broken")
    assert strict.get("/not-there").status == 404
    assert not app.reraise


@pytest.mark.parametrize(
    ("source", "result", "expected"),
    [
        ("http.v2", {"a": 1}, (200, b'{"a":1}')),
        ("http.v2", "text", (200, b"text")),
        ("function_url", {"statusCode": "201", "body": "x"}, (201, b"x")),
        ("http.v1", {"statusCode": 200}, (200, b"")),
        ("http.v1", {"a": 1}, "a statusCode"),
        ("alb", None, "a statusCode"),
        ("http.v1", {"statusCode": 200, "body": {"a": 1}}, "the body is"),
        ("http.v1", {"statusCode": 200, "headers": {"a": []}}, "the header a"),
        ("http.v1", {"statusCode": "ok"}, "the statusCode is"),
        ("http.v1", {"statusCode": 200, "body": "a", "isBase64Encoded": True}, "not base64"),
    ],
)
def test_plain_handlers_too(source: Any, result: Any, expected: Any) -> None:
    client = Client(lambda event, context: result, source)
    if isinstance(expected, str):
        with pytest.raises(NoAnswer, match=expected):
            client.get("/")
    else:
        answer = client.get("/")
        assert (answer.status, answer.body) == expected


def test_answers_to_head_have_no_body() -> None:
    assert Client(lambda event, context: {"statusCode": 200, "body": "x"}).head("/").body == b""


def test_headers_are_those_that_each_gateway_takes() -> None:
    result = {
        "statusCode": 200,
        "headers": {"A": "single", "b": "1"},
        "multiValueHeaders": {"a": ["x", "y"]},
        "cookies": ["c=1"],
    }
    seen = {
        source: {name: answer.headers.get_list(name) for name in answer.headers}
        for source in SOURCES
        for answer in [Client(lambda event, context: result, source).get("/")]
    }
    v2 = {"a": ["single"], "b": ["1"], "set-cookie": ["c=1"]}
    assert seen == {
        "http.v2": v2,
        "function_url": v2,
        "http.v1": {"a": ["x", "y"], "b": ["1"]},
        "alb": {"a": ["single"], "b": ["1"]},
        "alb_multi": {"a": ["x", "y"]},
    }


def test_sources_have_names() -> None:
    with pytest.raises(ValueError, match=r"http\.v3.*alb_multi"):
        Client(App(), "http.v3")  # type: ignore[arg-type]


# ---------------------------------------------------------------- calls


def test_invocations_go_through_json() -> None:
    app = App()

    @app.invocation("price")
    def price(event: dict[str, Any]) -> Order:
        return Order(len(event["items"]), "x")

    client = Client(app)
    assert client.invoke({"action": "price", "items": (1, 2)}) == {"id": 2, "name": "x"}
    assert Client(lambda event, context: Decimal("1.5")).invoke() == 1.5
    assert Client(lambda event, context: {1: b"", 2: 2} if event else b"raw").invoke() == b"raw"
    with pytest.raises(TypeError, match="cannot send set"):
        Client(lambda event, context: {1}).invoke()


def test_contexts() -> None:
    def handler(event: Any, context: Any) -> str:
        return str(context.function_name)

    assert Client(handler).invoke() == "function"
    assert Client(handler, context=LambdaContext("one")).invoke() == "one"
    assert Client(handler, context=lambda: LambdaContext("made")).invoke() == "made"
    assert Client(handler).invoke(context=LambdaContext("given")) == "given"


def test_services_are_replaced_for_a_while() -> None:
    class Store:
        def __init__(self) -> None:
            self.name = "real"

    app = App()
    app.provide(Store)

    @app.get("/")
    def name(store: Store) -> dict[str, str]:
        return {"name": store.name}

    client = Client(app)
    fake = Store()
    fake.name = "fake"
    with client.override(Store, fake) as given:
        assert given is fake
        assert client.get("/").json() == {"name": "fake"}
    assert client.get("/").json() == {"name": "real"}
    with pytest.raises(AppError), client.override(Order, None):
        pass


def test_an_environment_ends() -> None:
    class Store:
        def __init__(self, number: int) -> None:
            self.number = number

    app = App()
    log: list[str] = []

    @app.provide
    async def store() -> AsyncIterator[Store]:
        log.append("open")
        yield Store(len(log))
        log.append("close")

    @app.get("/")
    async def number(store: Store) -> int:
        return store.number

    for expected in (1, 3):
        with Client(app) as client:
            assert client.get("/").json() == expected
            assert client.get("/").json() == expected
    assert log == ["open", "close"] * 2
    with Client(lambda event, context: 1) as plain:
        assert plain.invoke() == 1


# ---------------------------------------------------------------- batches


def test_queues_tell_what_comes_again() -> None:
    app = App()

    @app.queue("orders")
    def on_order(order: Order) -> None:
        if order.id < 0:
            raise ValueError("no such order")

    client = Client(app)
    assert client.send("orders", [Order(1), {"id": 2}]).ok
    result = client.send("orders", [{"id": 1}, SQSMessage({"id": -2}, message_id="second"), "none"])
    assert not result.ok
    assert result.failed == [1, 2]
    assert result.failures[0].id == "second"
    assert result.failures[1].message == "none"
    assert result.successes == [{"id": 1}]
    assert "second" in repr(result)


def test_fifo_queues_stop() -> None:
    app = App()

    @app.queue("orders.fifo", fifo_failure="skip_group")
    def on_order(order: Order) -> None:
        if order.id < 0:
            raise ValueError("no such order")

    messages = [
        SQSMessage({"id": -1}, group="a"),
        SQSMessage({"id": 2}, group="b"),
        SQSMessage({"id": 3}, group="a"),
    ]
    assert Client(app).send("orders.fifo", messages).failed == [0, 2]
    assert Client(app).send("orders.fifo", [{"id": -1}, {"id": 2}], group="c").failed == [0, 1]


@pytest.mark.parametrize(
    ("reported", "failed"),
    [
        (None, []),
        ({}, []),
        ({"batchItemFailures": [{"itemIdentifier": "?"}]}, [0, 1]),
        ({"batchItemFailures": [{}]}, [0, 1]),
    ],
)
def test_reports_are_read_as_lambda_does(reported: Any, failed: list[int]) -> None:
    assert Client(lambda event, context: reported).send("any", ["a", "b"]).failed == failed


def test_streams_come_again_from_the_first_failure_on() -> None:
    app = App()

    @app.stream("clicks", tumbling_window=60)
    def on_click(click: Order, window: Window) -> None:
        if click.id < 0:
            raise ValueError("no such click")
        window.state["sum"] = window.state.get("sum", 0) + click.id

    client = Client(app)
    window = WindowOf(0, 60, state={"sum": 10})
    result = client.stream("clicks", [{"id": 1}, KinesisRecord({"id": -2}), {"id": 3}], window=window)
    assert (result.failed, result.state) == ([1, 2], {"sum": 11})
    assert client.stream("clicks", [{"id": 1}], window=window).state == {"sum": 11}


def test_table_changes() -> None:
    app = App()
    seen: list[Any] = []

    @app.table_stream("orders")
    def on_change(new: Order | None, old: Order | None) -> None:
        seen.append((old, new))

    client = Client(app)
    assert client.table_change("orders", new={"id": 1, "name": "a"}).ok
    assert client.table_change("orders", old=Order(1, "a"), new=Order(1, "b")).ok
    assert client.table_change("orders", old={"id": 1}, expired=True).ok
    assert client.table_changes("orders", [(None, {"id": "one"}), (None, {"id": 2})]).failed == [0, 1]
    assert seen == [(None, Order(1, "a")), (Order(1, "a"), Order(1, "b")), (Order(1), None)]


# ---------------------------------------------------------------- single events


def test_notifications_and_buses_and_times() -> None:
    app = App()
    seen: list[Any] = []

    @app.topic("alerts")
    def on_alert(alert: Order, subject: str | None) -> None:
        seen.append((alert, subject))

    @app.bucket("uploads", events=("s3:ObjectCreated:*", "s3:ObjectRemoved:*"))
    def on_upload(key: str, size: int | None, event_name: str) -> None:
        seen.append((key, size, event_name))

    @app.event({"source": ["shop"], "detail-type": ["placed"]})
    def on_placed(detail: Order) -> None:
        seen.append(detail)

    @app.schedule("rate(1 day)")
    def nightly(tick: Tick) -> str:
        return tick.rule

    @app.alarm("errors")
    def on_alarm(alarm: Alarm) -> None:
        seen.append((alarm.name, alarm.state_value))

    @app.logs("/aws/lambda/other")
    def on_logs(batch: LogBatch) -> None:
        seen.append([event.message for event in batch.events])

    client = Client(app)
    client.publish("alerts", Order(1), subject="now")
    client.put_object("uploads", "a b/ü.png", size=3)
    client.remove_object("uploads", "c")
    client.event(Order(2), source="shop", detail_type="placed")
    assert client.tick("nightly") == "nightly"
    assert client.tick("nightly", scheduler=True) == "nightly"
    client.alarm("errors", state="OK", previous="ALARM")
    client.logs(["one", "two"], group="/aws/lambda/other")
    assert seen == [
        (Order(1), "now"),
        ("a b/ü.png", 3, "ObjectCreated:Put"),
        ("c", None, "ObjectRemoved:Delete"),
        Order(2),
        ("errors", "OK"),
        ["one", "two"],
    ]


def test_user_pools() -> None:
    app = App()

    @app.user_pool("PreSignUp")
    def confirm(trigger: Trigger) -> None:
        trigger.response["autoConfirmUser"] = trigger.user_attributes["email"].endswith("@shop.example")

    client = Client(app)
    response = client.user_pool("PreSignUp_SignUp", attributes={"email": "a@shop.example"})
    assert response["autoConfirmUser"] is True
    assert client.user_pool("PreSignUp")["autoConfirmUser"] is False


def test_custom_resources_answer() -> None:
    app = App()

    @app.custom_resource("Custom::Table")
    def table(request: ResourceRequest, properties: Order) -> dict[str, int]:
        if properties.id < 0:
            raise ValueError("no such table")
        request.physical_id = "table-1"
        return {"Number": properties.id}

    client = Client(app)
    made = client.custom_resource("Create", {"id": 3}, resource_type="Custom::Table")
    assert made.ok
    assert (made.physical_resource_id, made.data) == ("table-1", {"Number": 3})
    failed = client.custom_resource("Create", {"id": -3}, resource_type="Custom::Table")
    assert not failed.ok
    assert failed.reason == "no such table"
    with pytest.raises(LookupError, match="Create"):
        Client(lambda event, context: None).custom_resource("Create")


def test_authorizers() -> None:
    app = App()

    @app.authorizer()
    def authorize(request: AuthorizerRequest) -> Allow | Deny:
        if request.bearer is None:
            raise Unauthorized
        if request.bearer == "bad":
            return Deny()
        return Allow(request.bearer, context={"tenant": "t1"}, resources=["GET/orders/*"])

    for source in ("http.v2", "http.v1"):
        client = Client(app, source)
        yes = client.authorize("GET", "/orders/1", token="Bearer me")
        assert (yes.allowed, yes.status, yes.principal, yes.context["tenant"]) == (True, 200, "me", "t1")
        assert client.authorize("GET", "/orders/1", token="Bearer bad").status == 403
        assert client.authorize("GET", "/orders/1", headers={"authorization": "Basic x"}).status == 401
    # Policies are read: what they do not name is not allowed.
    rest = Client(app, "http.v1")
    assert rest.authorize("DELETE", "/orders/1", token="Bearer me").status == 403
    assert rest.authorize("GET", "/orders/1", headers={"authorization": "Bearer me"}).allowed
    assert rest.authorize("$connect", token="Bearer me").status == 403


def test_authorizers_fail_as_they_do() -> None:
    def handler(event: Any, context: Any) -> Any:
        raise KeyError("lost")

    with pytest.raises(KeyError):
        Client(handler).authorize()


# ---------------------------------------------------------------- WebSockets


@pytest.fixture
def chat() -> App:
    app = App("chat")
    channel = app.channel("chat")
    members: list[str] = []

    @channel.on_connect
    def connect(connection: Connection, name: str = "") -> bool:
        members.append(connection.id)
        return name != "nobody"

    @channel.on_disconnect
    def leave(connection: Connection) -> None:
        members.remove(connection.id)

    @channel.action("say")
    def say(connection: Connection, message: dict[str, Any]) -> None:
        for member in members:
            connection.send({"said": message["text"]}, to=member)

    @channel.action("kick")
    def kick(connection: Connection, message: dict[str, Any]) -> None:
        connection.close(message["whom"])

    @channel.action("ask")
    async def ask(connection: Connection) -> None:
        await connection.asend("text")
        await connection.asend(b"\xff")
        info = connection.info()
        assert info.identity is not None
        await connection.asend("{" + info.identity.source_ip)

    @channel.action("ghost")
    def ghost(connection: Connection) -> dict[str, str]:
        try:
            connection.send("boo", to="nobody=")
        except ConnectionGone as gone:
            return {"gone": gone.connection_id}
        return {}

    @channel.action("members")
    def count() -> list[int]:
        return [len(members)]

    return app


def test_messages_reach_their_connections(chat: App) -> None:
    with Client(chat) as client, client.connect("chat") as ada, client.connect("chat") as ben:
        ada.send({"action": "say", "text": "hello"})
        assert ada.received == ben.received == [{"said": "hello"}]
        ben.send({"action": "ask"})
        assert ben.received[1:] == ["text", b"\xff", "{203.0.113.7"]
        ben.send({"action": "ghost"})
        assert ben.received[-1] == {"gone": "nobody="}


def test_connections_end(chat: App) -> None:
    client = Client(chat)
    with client.connect("chat") as ada:
        with client.connect("chat") as ben:
            ada.send({"action": "members"})
        ada.send({"action": "members"})
        with client.connect("chat") as cleo:
            ada.send({"action": "kick", "whom": cleo.id})
            assert cleo.closed
            with pytest.raises(ConnectionError):
                cleo.send({})
            ada.send({"action": "members"})
        assert ada.received == [[2], [1], [1]]
        assert ben.closed
    assert ada.closed


def test_connections_can_be_refused(chat: App) -> None:
    with pytest.raises(ConnectionRejected) as refused, Client(chat).connect("chat", query={"name": "nobody"}):
        pass
    assert refused.value.status == 403


def test_the_environment_is_as_before(chat: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL_APIGATEWAYMANAGEMENTAPI", "http://before")
    before = dict(os.environ)
    with Client(chat).connect("chat") as ws:
        ws.send({"action": "say", "text": "x"})
        assert len(ws.received) == 1
        assert dict(os.environ) != before
    with pytest.raises(ConnectionRejected), Client(chat).connect("chat", query={"name": "nobody"}):
        pass
    assert dict(os.environ) == before


def test_the_channel_is_told_apart(chat: App) -> None:
    other = chat.channel("news")
    other.on_message(lambda message: {"news": message})
    with Client(chat).connect("news") as ws:
        ws.send({"a": 1})
        assert ws.received == [{"news": {"a": 1}}]


# ---------------------------------------------------------------- what is written


def test_logs_and_metrics_are_taken_from_the_output(capsys: pytest.CaptureFixture[str]) -> None:
    app = App("shop")
    metrics = Metrics(namespace="Shop", service="shop")

    @app.get("/")
    def index() -> None:
        app.logger.info("Looking", extra={"order": 7})
        metrics.add_metric("Looks", "Count", 1)
        print("text", end="")
        print('\n{"a":1}\n{none')

    with capture_logs() as logs, capture_metrics() as blobs:
        Client(app).get("/")
    assert [(line["level"], line["message"], line["order"]) for line in logs] == [("INFO", "Looking", 7)]
    assert [blob["Looks"] for blob in blobs] == [[1.0]]
    assert capsys.readouterr().out == 'text\n{"a":1}\n{none\n'


def test_what_is_both_is_a_metric(capsys: pytest.CaptureFixture[str]) -> None:
    with capture_logs() as logs, capture_metrics() as blobs:
        print('{"_aws":{},"level":"INFO"}')
        print('{"level":"INFO"}\n{"_aws":{}}\nno end', end="")
    assert (logs, blobs) == ([{"level": "INFO"}], [{"_aws": {}, "level": "INFO"}, {"_aws": {}}])
    assert capsys.readouterr().out == "no end"


def test_failures_are_logged() -> None:
    app = App("shop")

    @app.queue("orders")
    def on_order(order: Order) -> None:
        raise KeyError("lost")

    with capture_logs() as logs:
        Client(app).send("orders", [{"id": 1}])
    assert logs[0]["exception_name"] == "KeyError"


def test_loggers_of_other_tests_take_no_lines() -> None:
    elsewhere = io.StringIO()
    left_over = Logger("shop", stream=elsewhere, level="ERROR")
    app = App("shop")
    with capture_logs() as logs:
        app.logger.info("Looking")
    assert [line["message"] for line in logs] == ["Looking"]
    assert not elsewhere.getvalue()
    del left_over


def test_events_go_in_as_they_are(app: App) -> None:
    assert Client(app).invoke(events.http_v2("GET", "/nothing"))["statusCode"] == 204
