"""CORS: the headers that browsers look for, from each source."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from lambent import App, AppError, Conflict, Response
from lambent.app.middleware.cors import CORS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.app.conftest import Answer

    Call = Callable[..., Answer]

SHOP = "https://shop.example"


class Quiet:
    """A logger that says nothing."""

    def error(self, message: str, **about: Any) -> None:
        pass


def app_with(layer: CORS) -> App:
    app = App(middleware=[layer], logger=Quiet())

    @app.get("/orders/{order_id}")
    def one(order_id: str) -> dict[str, str]:
        if order_id == "taken":
            raise Conflict
        if order_id == "broken":
            raise ZeroDivisionError
        return {"id": order_id}

    @app.delete("/orders/{order_id}")
    async def delete(order_id: str) -> None:
        if order_id == "broken":
            raise ZeroDivisionError

    app.post("/orders")(
        lambda: Response(None, 201, headers={"vary": "Accept", "access-control-allow-origin": "x"})
    )
    app.any("/any")(lambda: "any")
    return app


def ask(
    call: Call, app: App, path: str, origin: str = SHOP, method: str = "GET", headers: str | None = None
) -> Answer:
    fields = [("Origin", origin), ("Access-Control-Request-Method", method)]
    if headers is not None:
        fields.append(("Access-Control-Request-Headers", headers))
    return call(app, "OPTIONS", path, headers=fields)


def cors_headers(answer: Answer) -> dict[str, list[str]]:
    return {name: value for name, value in answer.headers.items() if name.startswith("access-control-")}


def test_preflight(call: Call) -> None:
    app = app_with(CORS([SHOP], expose=["x-total"], credentials=True, max_age=60))
    answer = ask(call, app, "/orders/1", method="DELETE")
    assert answer.status == 204
    assert answer.body == b""
    assert cors_headers(answer) == {
        "access-control-allow-origin": [SHOP],
        "access-control-allow-methods": ["DELETE, GET, HEAD"],
        "access-control-allow-headers": ["authorization, content-type"],
        "access-control-allow-credentials": ["true"],
        "access-control-max-age": ["60"],
    }
    assert answer.header("vary") == "Origin"
    # A handler for OPTIONS is not asked.
    assert (
        ask(call, app, "/any").header("access-control-allow-methods") == "DELETE, GET, HEAD, PATCH, POST, PUT"
    )


def test_preflights_that_are_refused(call: Call) -> None:
    app = app_with(CORS([SHOP]))
    refused = ask(call, app, "/orders/1", "https://evil.example")
    assert refused.status == 403
    assert cors_headers(refused) == {}
    assert refused.header("vary") == "Origin"
    assert ask(call, app, "/nowhere").status == 404


def test_options_that_are_no_preflight(call: Call) -> None:
    app = app_with(CORS([SHOP]))
    answer = call(app, "OPTIONS", "/orders/1", headers=[("Origin", SHOP)])
    assert (answer.status, answer.header("allow")) == (204, "DELETE, GET, HEAD, OPTIONS")
    assert answer.header("access-control-allow-origin") == SHOP
    assert call(app, "OPTIONS", "/any").text == "any"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/orders/1", 200),
        ("HEAD", "/orders/1", 200),
        ("GET", "/orders/taken", 409),
        ("GET", "/orders/broken", 500),
        ("DELETE", "/orders/1", 204),
        ("DELETE", "/orders/broken", 500),
        ("GET", "/nowhere", 404),
        ("PATCH", "/orders/1", 405),
        ("POST", "/orders", 201),
    ],
)
def test_answers_and_errors_alike(call: Call, method: str, path: str, status: int) -> None:
    app = app_with(CORS([SHOP], expose=["x-total", "x-page"], credentials=True))
    answer = call(app, method, path, headers=[("Origin", SHOP)])
    assert answer.status == status
    assert cors_headers(answer) == {
        "access-control-allow-origin": [SHOP],
        "access-control-expose-headers": ["x-total, x-page"],
        "access-control-allow-credentials": ["true"],
    }
    assert answer.header("vary") == ("Accept, Origin" if path == "/orders" else "Origin")
    for others in ([], [("Origin", "https://evil.example")]):
        answer = call(app, method, path, headers=others)
        assert answer.status == status
        assert "access-control-allow-credentials" not in answer.headers
        assert "Origin" in answer.header("vary")


def test_any_origin(call: Call) -> None:
    app = app_with(CORS("*", headers="*", methods=["get"]))
    answer = call(app, "GET", "/orders/1")
    assert answer.header("access-control-allow-origin") == "*"
    assert "vary" not in answer.headers
    answer = ask(call, app, "/orders/1", "null", headers="x-one, X-Two")
    assert answer.header("access-control-allow-origin") == "*"
    assert answer.header("access-control-allow-methods") == "GET"
    assert answer.header("access-control-allow-headers") == "x-one, X-Two"
    assert answer.header("vary") == "Access-Control-Request-Headers"
    assert "access-control-allow-headers" not in ask(call, app, "/any", headers="a\r\nset-cookie: b").headers


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://shop.example", True),
        ("https://www.shop.example", False),
        ("https://a.test.example", True),
        ("https://a.b.test.example", True),
        ("https://test.example", False),
        ("https://a.test.example.evil.example", False),
        ("https://evil.example/.test.example", False),
        ("https://a.testXexample", False),
        ("http://a.test.example", False),
        ("http://localhost:8080", True),
        ("http://localhost:", False),
        ("https://pr-12.preview.example", True),
        ("https://pr-12.preview.example\n", False),
        ("https://pr-x.preview.example", False),
        ("null", False),
        ("", False),
    ],
)
def test_which_origins_are_allowed(origin: str, allowed: bool) -> None:
    layer = CORS(
        [
            "https://Shop.example",
            "https://*.test.example",
            "http://localhost:*",
            re.compile(r"https://pr-\d+\.preview\.example"),
        ]
    )
    assert layer._allows(origin) is allowed


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"origins": "*", "credentials": True}, "with credentials any origin could act"),
        ({"origins": ["https://shop.example/"]}, "'https://shop.example/' is no origin"),
        ({"origins": ["shop.example"]}, "is no origin"),
        ({"origins": ["https://shop.example*"]}, "others could register"),
        ({"origins": ["https://*shop.example"]}, "others could register"),
        ({"origins": ["https://shop.*"]}, "others could register"),
        ({"origins": ["null"], "credentials": True}, "is any page in a sandbox"),
        ({}, "no origins are allowed"),
    ],
)
def test_what_cannot_be(options: dict[str, Any], message: str) -> None:
    with pytest.raises(AppError, match=message):
        CORS(**options)


def test_other_events_pass() -> None:
    app = App(middleware=[CORS("*")])

    @app.queue("orders")
    def order(body: dict[str, Any]) -> None:
        raise LookupError

    record = {"eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:orders"}
    record |= {"messageId": "1", "body": "{}", "receiptHandle": "r"}
    with_failures = app({"Records": [record]})
    assert with_failures == {"batchItemFailures": [{"itemIdentifier": "1"}]}
