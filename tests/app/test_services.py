"""Services: what handlers are given by type."""

from __future__ import annotations

import asyncio
import io
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.app.conftest import answer_of, event_of

from lambent import (
    App,
    AppError,
    Layer,
    Logger,
    Request,
    RequestLog,
    SecurityHeaders,
    ServiceUnavailable,
    Unauthorized,
)
from lambent.app.services import Scope
from lambent.testing import Client


class Settings:
    def __init__(self) -> None:
        self.table = "orders"


class Database:
    def __init__(self, settings: Settings) -> None:
        self.table = settings.table


class Transaction:
    def __init__(self) -> None:
        self.log: list[str] = []


EVENT = event_of("v2", "GET", "/")


def body(app: App) -> Any:
    return answer_of(app(EVENT)).json


def test_singletons_are_built_once_when_they_are_first_wanted() -> None:
    app, built = App(), []

    @app.provide
    def settings() -> Settings:
        built.append("settings")
        return Settings()

    @app.provide
    async def database(settings: Settings) -> Database:
        built.append("database")
        return Database(settings)

    @app.get("/")
    def handler(database: Database, settings: Settings) -> str:
        return database.table + settings.table

    assert built == []
    assert [answer_of(app(EVENT)).text for _ in range(3)] == ["ordersorders"] * 3
    assert built == ["settings", "database"]
    app.loop.close()


def test_a_class_is_its_own_factory() -> None:
    app = App()
    app.provide(Settings)
    app.provide(Database)
    app.get("/")(lambda_of(Database, lambda database: [database.table]))
    assert body(app) == ["orders"]


def test_a_class_may_have_no_constructor() -> None:
    class Clock:
        zone = "utc"

    app = App()
    app.provide(Clock)
    app.get("/")(lambda_of(Clock, lambda clock: [clock.zone]))
    assert body(app) == ["utc"]


def lambda_of(kind: Any, function: Any) -> Any:
    def handler(it: Any) -> Any:
        return function(it)

    handler.__annotations__ = {"it": kind}
    return handler


def test_eager_ones_are_built_before_the_first_event_is_handled() -> None:
    app, built = App(), []

    def settings() -> Settings:
        built.append(1)
        return Settings()

    app.provide(settings, eager=True)
    app.get("/")(lambda: list(built))
    assert body(app) == [1]
    assert body(app) == [1]


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize("fails", [False, True])
def test_services_of_an_invocation_are_closed_with_it(asynchronous: bool, fails: bool) -> None:
    app, log = App(logger=Quiet()), list[str]()

    def outer() -> Iterator[Settings]:
        log.append("settings")
        yield Settings()
        log.append("settings closed" if not fails else "never")

    async def inner(settings: Settings) -> AsyncIterator[Transaction]:
        log.append("begin")
        try:
            yield Transaction()
        except ValueError:
            log.append("rollback")
            raise
        log.append("commit")

    app.provide(outer, lifetime="invocation")
    app.provide(inner, lifetime="invocation")

    def work(transaction: Transaction, settings: Settings) -> int:
        log.append("work")
        if fails:
            raise ValueError
        return 1

    async def later(transaction: Transaction, settings: Settings) -> int:
        return work(transaction, settings)

    app.get("/")(later if asynchronous else work)
    for _ in range(2):
        log.clear()
        assert answer_of(app(EVENT)).status == (500 if fails else 200)
        assert log == [
            "settings",
            "begin",
            "work",
            *(["rollback"] if fails else ["commit", "settings closed"]),
        ]
    app.loop.close()


class Quiet:
    def error(self, message: str, *, exc_info: BaseException | None = None) -> None: ...

    exception = error

    def end_invocation(self, failed: bool) -> None: ...


def test_a_service_that_cannot_be_closed_fails_the_invocation() -> None:
    app = App(logger=Quiet())

    def transaction() -> Iterator[Transaction]:
        yield Transaction()
        raise OSError("the commit failed")

    app.provide(transaction, lifetime="invocation")
    app.get("/")(lambda_of(Transaction, lambda it: 1))
    assert answer_of(app(EVENT)).status == 500


def test_tests_may_put_something_else_there() -> None:
    app = App()
    app.provide(Settings)
    app.get("/")(lambda_of(Settings, lambda it: [it.table]))
    other = Settings()
    other.table = "other"
    restore = app.services.replace(Settings, other)
    assert body(app) == ["other"]
    restore()
    assert body(app) == ["orders"]
    with pytest.raises(AppError, match="Database is not provided"):
        app.services.replace(Database, None)


def loop_of(settings: Settings) -> Settings:
    return settings


def untyped(): ...  # type: ignore[no-untyped-def]
def needs_database(database: Database) -> Transaction: ...  # type: ignore[empty-body]


def test_mistakes() -> None:
    app = App()
    with pytest.raises(AppError, match=r"untyped .* say what it makes"):
        app.provide(untyped)
    app.provide(loop_of)
    with pytest.raises(AppError, match=r"Settings is provided already, by loop_of"):
        app.provide(Settings)
    app.get("/")(lambda_of(Settings, lambda it: 1))
    with pytest.raises(AppError, match="would need itself"):
        app.services.needs_loop(app.services.find(Settings))  # type: ignore[arg-type]
    app = App()
    app.provide(needs_database)
    with pytest.raises(AppError, match="nothing provides its parameter 'database': provide Database"):
        app.services.needs_loop(app.services.find(Transaction))  # type: ignore[arg-type]
    app = App()
    app.provide(Settings, lifetime="invocation")
    app.provide(Database)
    with pytest.raises(AppError, match="built once per environment and cannot have Settings"):
        app.services.needs_loop(app.services.find(Database))  # type: ignore[arg-type]


def test_an_end_of_the_process_closes_them_too() -> None:
    app, log = App(), []

    def transaction() -> Iterator[Transaction]:
        try:
            yield Transaction()
        except SystemExit:
            log.append("rolled back")
            raise

    app.provide(transaction, lifetime="invocation")

    @app.get("/")
    def handler(transaction: Transaction) -> None:
        raise SystemExit(3)

    for layers in (0, 1):
        if layers:
            app.middleware(lambda request, call_next: call_next(request))
        with pytest.raises(SystemExit):
            app(EVENT)
    assert log == ["rolled back", "rolled back"]


def test_one_that_could_not_be_built_is_built_again() -> None:
    app, attempts = App(), []

    @app.provide
    def database() -> Iterator[Transaction]:
        attempts.append(1)
        if len(attempts) == 1:
            raise OSError("not yet")
        yield Transaction()

    @app.get("/")
    def handler(database: Transaction) -> str:
        return "ok"

    assert [answer_of(app(EVENT)).status for _ in range(3)] == [500, 200, 200]
    app.services.shut_down()
    assert len(attempts) == 2


def test_what_a_test_has_put_there_may_outlive_the_environment() -> None:
    app = App()
    app.provide(Settings)
    restore = app.services.replace(Settings, Settings())
    app.services.shut_down()
    restore()


def test_a_service_of_an_invocation_may_ask_for_it() -> None:
    app = App()

    class Caller:
        def __init__(self, name: str) -> None:
            self.name = name

    def caller(request: Request, settings: Settings) -> Caller:
        return Caller(f"{request.headers['x-name']} {settings.table}")

    app.provide(caller, lifetime="invocation")
    app.provide(Settings)

    @app.get("/")
    def handler(caller: Caller) -> str:
        return caller.name

    event = event_of("v2", "GET", "/", headers=[("X-Name", "ada")])
    assert answer_of(app(event)).text == "ada orders"


async def passing_later(request: Any, call_next: Any) -> Any:
    return await call_next(request)


def passing(request: Any, call_next: Any) -> Any:
    return call_next(request)


CHAINS: dict[str, list[Any]] = {
    "none": [],
    "sync": [passing],
    "async": [passing_later],
    "sync, async": [passing, passing_later],
    "async, sync": [passing_later, passing],
    "hooks, sync": [SecurityHeaders(), passing],
    "async, hooks": [passing_later, SecurityHeaders()],
    "log, async, sync, hooks": [RequestLog(), passing_later, passing, SecurityHeaders()],
}


@pytest.mark.parametrize("chain", CHAINS)
@pytest.mark.parametrize("handler_is_async", [False, True])
@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("lifetime", ["environment", "invocation"])
def test_services_of_the_loop_in_every_chain(
    chain: str, handler_is_async: bool, fails: bool, lifetime: Any
) -> None:
    app, log = App(middleware=CHAINS[chain], logger=Logger(stream=io.StringIO())), []

    async def transaction() -> AsyncIterator[Transaction]:
        log.append("open")
        try:
            yield Transaction()
        except KeyError:
            log.append("rolled back")
            raise
        log.append("closed")

    app.provide(transaction, lifetime=lifetime)

    def handle(transaction: Transaction) -> str:
        if fails:
            raise KeyError
        return type(transaction).__name__

    async def handle_later(transaction: Transaction) -> str:
        return handle(transaction)

    app.get("/")(handle_later if handler_is_async else handle)
    answers = [answer_of(app(EVENT)) for _ in range(2)]
    assert [answer.status for answer in answers] == [500 if fails else 200] * 2
    if lifetime == "environment":
        assert log == ["open"]
        app.services.shut_down()
        assert log == ["open", "closed"]
    else:
        assert log == ["open", "rolled back" if fails else "closed"] * 2
    app.loop.close()


@pytest.mark.parametrize("is_async", [False, True])
def test_services_come_after_the_layers(is_async: bool) -> None:
    """One that refuses keeps them from being built, and they see what it found out; their errors go through it."""
    log: list[str] = []

    class Caller:
        name = ""

    class Gate(Layer):
        def before(self, invocation: Any) -> None:
            if "x-key" not in invocation.headers:
                raise Unauthorized
            invocation.state["key"] = invocation.headers["x-key"]

    def caller(request: Request) -> Caller:
        log.append(request.state["key"])
        if request.state["key"] == "bad":
            raise ServiceUnavailable
        return Caller()

    async def caller_later(request: Request) -> Caller:
        return caller(request)

    app = App(middleware=[SecurityHeaders(), Gate()])
    app.provide(caller_later if is_async else caller, type=Caller, lifetime="invocation")

    @app.get("/")
    def handler(caller: Caller) -> str:
        return "ok"

    def status(*headers: tuple[str, str]) -> int:
        answer = answer_of(app(event_of("v2", "GET", "/", headers=list(headers))))
        assert "x-content-type-options" in answer.headers
        return answer.status

    assert (status(), log) == (401, [])
    assert (status(("X-Key", "good")), status(("X-Key", "bad")), log) == (200, 503, ["good", "bad"])
    app.loop.close()


def test_a_singleton_that_several_records_want_at_once_is_built_once() -> None:
    app, built = App(), []

    @app.provide
    async def settings() -> Settings:
        built.append("settings")
        await asyncio.sleep(0)
        return Settings()

    @app.queue("orders")
    async def on_order(order: dict[str, int], settings: Settings) -> None:
        assert settings.table == "orders"

    assert Client(app).send("orders", [{"a": 1}] * 5).failures == []
    assert built == ["settings"]
    app.loop.close()


@pytest.mark.parametrize("layers", [[], [passing], [passing_later], [passing_later, SecurityHeaders()]])
def test_a_plain_handler_may_have_a_loop_of_its_own(layers: list[Any]) -> None:
    """A service that needs the app's loop is no reason to call it on that."""
    app = App(middleware=layers)

    async def database() -> AsyncIterator[Database]:
        await asyncio.sleep(0)
        yield Database(Settings())

    app.provide(database, type=Database, lifetime="invocation")

    @app.get("/")
    def handler(database: Database) -> str:
        return asyncio.run(asyncio.sleep(0, database.table))

    assert answer_of(app(EVENT)).text == "orders"
    app.loop.close()


def test_an_app_may_be_made_warm() -> None:
    app, built = App(), []

    @app.provide(eager=True)
    def settings() -> Settings:
        built.append(1)
        return Settings()

    app.warm()
    app.warm()
    assert built == [1]

    app.provide(lambda missing: Database(missing), type=Database)

    @app.get("/")
    def handler(database: Database) -> str:
        return database.table

    with pytest.raises(AppError, match="nothing provides its parameter 'missing'"):
        app.warm()


def test_a_start_that_failed_is_tried_again() -> None:
    app, built = App(), []

    @app.provide(eager=True)
    def settings() -> Settings:
        built.append(1)
        if len(built) < 3:
            raise KeyError("TABLE")
        return Settings()

    for _ in range(2):
        with pytest.raises(KeyError):
            app.warm()
    app.warm()
    app.warm()
    assert built == [1, 1, 1]


def test_threads_build_a_singleton_once() -> None:
    app, built = App(), []

    @app.provide
    def settings() -> Settings:
        built.append(1)
        threading.Event().wait(0.01)
        return Settings()

    @app.queue("orders", concurrency=5)
    def on_order(order: dict[str, int], settings: Settings) -> None: ...

    app.services.check()
    provider = app.services.find(Settings)
    assert provider is not None
    with ThreadPoolExecutor(5) as pool:
        assert len(set(pool.map(lambda _: id(app.services.get(provider, Scope())), range(5)))) == 1
    assert built == [1]


def test_services_that_need_threads_of_their_own() -> None:
    """What opens a connection looks up its name in a thread of the loop's, of which there are few."""
    app = App(middleware=[passing_later, passing])
    opened: list[int] = []

    async def database() -> AsyncIterator[Database]:
        await asyncio.gather(*(asyncio.to_thread(opened.append, 1) for _ in range(3)))
        yield Database(Settings())

    app.provide(database, type=Database, lifetime="invocation")

    @app.queue("orders")
    async def on_order(order: dict[str, int], database: Database) -> None:
        await asyncio.to_thread(opened.append, 2)

    assert Client(app).send("orders", [{"a": 1}] * 60).failures == []
    assert (opened.count(1), opened.count(2)) == (180, 60)
    app.loop.close()


def test_an_invocation_of_another_kind() -> None:
    app = App("shop")

    def caller(request: Request) -> Settings:
        raise AssertionError

    app.provide(caller, lifetime="invocation")

    @app.invocation()
    def handler(event: Any, settings: Settings) -> None: ...

    with pytest.raises(AppError, match=r"caller .*takes a Request, and there is a "):
        app({"a": 1})


def test_a_singleton_cannot_ask_for_an_invocation() -> None:
    app = App()

    @app.provide
    def settings(request: Request) -> Settings:
        raise AssertionError

    app.get("/")(lambda: "a")

    @app.get("/settings")
    def handler(settings: Settings) -> str:
        return ""

    # Before anything is handled, not when the first client of that path comes.
    with pytest.raises(AppError, match="built once per environment and cannot have Request"):
        app(EVENT)
    with pytest.raises(AppError, match="built once per environment"):
        app(EVENT)


def test_what_a_wanted_service_needs_is_looked_at_before_the_first_event() -> None:
    app = App()
    app.provide(Database)
    app.get("/")(lambda: "a")

    @app.get("/orders")
    def handler(database: Database) -> str:
        return database.table

    with pytest.raises(AppError, match="nothing provides its parameter 'settings'"):
        app(EVENT)
    app.provide(Settings)
    assert answer_of(app(EVENT)).text == "a"


def test_a_class_may_bring_its_own_factory() -> None:
    class Caller:
        def __init__(self, path: str) -> None:
            self.path = path

        @staticmethod
        def __lambent_service__(request: Request) -> Any:
            return Caller(request.path)

    app = App()

    @app.get("/")
    def handler(caller: Caller) -> str:
        return caller.path

    assert answer_of(app(EVENT)).text == "/"

    other = App()
    other.provide(lambda: Caller("mine"), type=Caller)
    other.get("/")(handler)
    assert answer_of(other(EVENT)).text == "mine"
