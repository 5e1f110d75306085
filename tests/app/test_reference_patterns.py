"""Patterns of production functions, each as a program that a user would write: what they promise together."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import pytest

from lambent import (
    App,
    Connection,
    Deadline,
    Forbidden,
    Invocation,
    Message,
    Metrics,
    NotFound,
    Queue,
    Request,
    RequestLog,
    Tick,
    Unauthorized,
    invoke_async,
)
from lambent.testing import Client, LambdaContext, SQSMessage, capture_logs, capture_metrics
from lambent.testing.listener import Asked, Listener, Reply

if TYPE_CHECKING:
    from collections.abc import Iterator


class NewUser(msgspec.Struct):
    email: Annotated[str, msgspec.Meta(pattern=r"^[^@\s]+@[^@\s]+$")]
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    age: Annotated[int, msgspec.Meta(ge=18)] | None = None


class User(msgspec.Struct):
    name: str


# ---------------------------------------------------------------- requests


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"email": "a@b", "name": "Ada"}, 201),
        ({"email": "a@b", "name": "Ada", "age": 18}, 201),
        ({"email": "a@b", "name": "Ada", "age": 17}, 422),
        ({"email": "nobody", "name": "Ada"}, 422),
        ({"email": "a@b", "name": ""}, 422),
        ({"email": "a@b"}, 422),
        ([], 422),
    ],
)
def test_only_what_is_valid_is_created(body: Any, status: int) -> None:
    app, created = App("users"), list[NewUser]()

    @app.post("/users", status=201)
    def create(user: NewUser) -> NewUser:
        created.append(user)
        return user

    assert Client(app).post("/users", json=body).status == status
    assert len(created) == (status == 201)


def test_a_family_of_errors_is_answered_by_one_mapping_and_others_tell_nothing() -> None:
    class ShopError(Exception):
        status, code = 400, "SHOP"

    class Missing(ShopError):
        status, code = 404, "MISSING"

    class UserMissing(NotFound):
        code = "USER_MISSING"

    app = App("shop")

    @app.error_handler(ShopError)
    def shop_error(error: ShopError, request: Request) -> tuple[dict[str, str], int]:
        return {"error": str(error), "code": error.code}, error.status

    @app.get("/{what}")
    def find(what: str) -> None:
        raise {"order": Missing("no order"), "user": UserMissing("no user", details={"id": 7})}.get(
            what, RuntimeError("password=hunter2")
        )

    client = Client(app)
    answers = {what: client.get(f"/{what}") for what in ("order", "user", "x")}
    assert {what: answer.status for what, answer in answers.items()} == {"order": 404, "user": 404, "x": 500}
    assert answers["order"].json() == {"error": "no order", "code": "MISSING"}
    assert answers["user"].json() == {"error": "no user", "code": "USER_MISSING", "details": {"id": 7}}
    assert "hunter2" not in answers["x"].text


def test_who_asks_is_a_service_of_the_request() -> None:
    app, asked = App("shop"), list[str]()

    def user(request: Request) -> User:
        asked.append(request.path)
        token = request.headers.get("authorization") or ""
        if not token.startswith("Bearer "):
            raise Unauthorized("Who are you?")
        return User(token.removeprefix("Bearer "))

    app.provide(user, lifetime="invocation")

    def greeting(user: User) -> Greeting:
        return Greeting(f"Hello {user.name}")

    app.provide(greeting, lifetime="invocation")

    @app.get("/hello")
    def hello(greeting: Greeting, user: User) -> list[str]:
        return [greeting.text, user.name]

    client = Client(app)
    assert client.get("/hello").status == 401
    assert client.get("/hello", headers={"authorization": "Bearer ada"}).json() == ["Hello ada", "ada"]
    assert client.get("/hello", headers={"authorization": "Bearer ben"}).json() == ["Hello ben", "ben"]
    assert asked == ["/hello"] * 3
    with client.override(User, User("test")):
        assert client.get("/hello").json() == ["Hello test", "test"]


class Greeting(msgspec.Struct):
    text: str


def test_a_layer_finds_out_who_asks_and_handlers_are_given_it() -> None:
    app = App("shop")

    @app.middleware
    def authenticated(invocation: Invocation, call_next: Any) -> Any:
        if isinstance(invocation, Request) and invocation.headers.get("x-user") is None:
            raise Forbidden
        invocation.state["user"] = User("a machine")
        if isinstance(invocation, Request):
            invocation.state["user"] = User(invocation.headers["x-user"])
        return call_next(invocation)

    def user(invocation: Invocation) -> User:
        return invocation.state["user"]  # type: ignore[no-any-return] # what the layer has put there

    app.provide(user, lifetime="invocation")

    @app.get("/me")
    def me(user: User) -> str:
        return user.name

    @app.queue("work")
    def work(body: str, user: User) -> None:
        done.append((body, user.name))

    done: list[tuple[str, str]] = []
    client = Client(app)
    assert client.get("/me").status == 403
    assert client.get("/me", headers={"x-user": "ada"}).text == "ada"
    assert client.send("work", ["sweep"]).ok
    assert done == [("sweep", "a machine")]


# ---------------------------------------------------------------- environments


def test_one_connection_for_every_kind_of_event() -> None:
    class Database: ...

    app, log = App("shop"), list[str]()

    async def database() -> Database:
        log.append("connect")
        return Database()

    app.provide(database, eager=True)

    @app.schedule("rate(1 hour)")
    async def clean(tick: Tick, database: Database) -> None:
        log.append("clean")

    @app.queue("orders")
    def on_order(order: dict[str, int], database: Database) -> None:
        log.append("order")

    @app.get("/orders")
    async def orders(database: Database) -> list[int]:
        log.append("list")
        return []

    with Client(app) as client:
        client.tick("clean")
        client.send("orders", [{}])
        client.get("/orders")
    assert log == ["connect", "clean", "order", "list"]


def test_work_ends_before_lambda_ends_it() -> None:
    app = App("slow", middleware=[Deadline(margin_ms=950)])

    @app.get("/")
    async def slow() -> None:
        await asyncio.sleep(5)

    with Client(app, context=lambda: LambdaContext("slow", timeout=1)) as client:
        assert client.get("/").status == 504


# ---------------------------------------------------------------- queues


def test_messages_are_worked_through_together_and_failures_come_again() -> None:
    app, log = App("jobs"), list[tuple[str, int]]()

    @app.queue("jobs")
    async def job(body: dict[str, int]) -> None:
        log.append(("begin", body["n"]))
        await asyncio.sleep(0.001)
        log.append(("end", body["n"]))
        if body["n"] == 1:
            raise ValueError("no")

    with Client(app) as client:
        assert client.send("jobs", [{"n": number} for number in range(3)]).failed == [1]
    assert [what for what, _ in log] == ["begin"] * 3 + ["end"] * 3


def test_what_failed_for_good_is_told_with_its_reason() -> None:
    app, told = App("dead"), list[tuple[str, int, Any]]()

    @app.queue("jobs-dead")
    def dead(body: str, message: Message) -> None:
        told.append((body, message.receive_count, message.message_attributes.get("ErrorMessage")))

    message = SQSMessage("{no json", receive_count=4, attributes={"ErrorMessage": "boom"})
    assert Client(app).send("jobs-dead", [message]).ok
    assert told == [("{no json", 4, "boom")]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, Any]]]:
    """What was asked of AWS."""
    asked: list[tuple[str, Any]] = []

    def answer(one: Asked) -> Reply:
        asked.append((one.target, msgspec.json.decode(one.body)))
        return Reply(202) if "invocations" in one.target else Reply(200, b'{"MessageId": "m"}')

    listener = Listener(answer)
    for name, value in {
        "AWS_ENDPOINT_URL": listener.url,
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "a",
        "AWS_SECRET_ACCESS_KEY": "s",
        "QUEUE_URL_RECEIPTS": "https://sqs.eu-west-1.amazonaws.com/1/receipts",
    }.items():
        monkeypatch.setenv(name, value)
    yield asked
    listener.close()


def test_work_is_handed_on_with_the_requests_correlation_id(aws: list[tuple[str, Any]]) -> None:
    app, receipts = App("shop"), Queue("receipts")

    @app.post("/orders", status=202)
    def place(order: dict[str, int]) -> None:
        receipts.send(order)
        invoke_async("audit", order)

    answer = Client(app).post("/orders", json={"id": 1}, headers={"x-correlation-id": "c-1"})
    assert answer.status == 202
    (_, sent), (target, audited) = aws
    assert sent["MessageBody"] == '{"id":1}'
    assert sent["MessageAttributes"]["correlation-id"]["StringValue"] == "c-1"
    assert (target, audited) == ("/2015-03-31/functions/audit/invocations", {"id": 1})


def test_a_call_for_which_no_time_is_left_is_an_error_that_is_seen(aws: list[tuple[str, Any]]) -> None:
    app, receipts = App("shop"), Queue("receipts")

    @app.post("/orders")
    def place() -> None:
        receipts.send("x")

    with capture_logs() as lines:
        answer = Client(app, context=lambda: LambdaContext("shop", timeout=0)).post("/orders")
    assert answer.status == 500
    assert lines[0]["exception_name"] == "TimedOut"
    assert not aws


# ---------------------------------------------------------------- other events


def test_each_kind_of_change_to_files_has_its_handler() -> None:
    app, log = App("files"), list[str]()

    @app.bucket("uploads", events=["ObjectCreated:*"])
    def created(key: str) -> None:
        log.append(f"+{key}")

    @app.bucket("uploads", events=["ObjectRemoved:*"])
    def removed(key: str) -> None:
        log.append(f"-{key}")

    client = Client(app)
    client.put_object("uploads", "a b/ü+1.png")
    client.remove_object("uploads", "a b/ü+1.png")
    assert log == ["+a b/ü+1.png", "-a b/ü+1.png"]


def test_one_app_holds_a_whole_conversation() -> None:
    app, here = App("chat"), set[str]()
    chat = app.channel("chat")

    @chat.on_connect
    def connect(connection: Connection) -> None:
        here.add(connection.id)

    @chat.on_disconnect
    def disconnect(connection: Connection) -> None:
        here.discard(connection.id)

    @chat.on_message
    def say(connection: Connection, message: dict[str, str]) -> None:
        for one in here:
            connection.send(message, to=one)

    client = Client(app)
    with client.connect("chat") as ada, client.connect("chat") as ben:
        ada.send({"text": "hello"})
        assert ada.received == ben.received == [{"text": "hello"}]
        assert len(here) == 2
    assert not here


# ---------------------------------------------------------------- what is seen of it


def test_requests_are_logged_and_counted_whatever_they_end_with() -> None:
    metrics = Metrics("Shop", "shop")

    def counted(invocation: Invocation, call_next: Any) -> Any:
        metrics.add_metric("Requests", "Count", 1)
        try:
            result = call_next(invocation)
        except Exception:
            metrics.add_metric("Errors", "Count", 1)
            raise
        metrics.add_metric("Successes", "Count", 1)
        return result

    app = App("shop", middleware=[RequestLog(), counted])

    @app.get("/{n}")
    def divide(n: int) -> float:
        return 1 / n

    @app.invocation()
    def direct(event: dict[str, int]) -> float:
        return 1 / event["n"]

    client = Client(app)
    with capture_logs() as lines, capture_metrics() as blobs:
        assert [client.get(f"/{n}").status for n in (1, 0)] == [200, 500]
        with pytest.raises(ZeroDivisionError):
            client.invoke({"n": 0})
    names = [{name for name in blob if name in ("Requests", "Errors", "Successes")} for blob in blobs]
    assert names == [{"Requests", "Successes"}, {"Requests", "Errors"}, {"Requests", "Errors"}]
    requests = [line for line in lines if "duration_ms" in line and "status" in line]
    assert [line["status"] for line in requests] == [200, 500]
    assert len({line["function_request_id"] for line in lines}) == 3
