"""Requests and answers, from each of the sources alike."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from tests.app.conftest import answer_of, event_of

from lambent import (
    App,
    AppError,
    Conflict,
    HTTPError,
    Logger,
    NotFound,
    Request,
    RequestLog,
    Response,
    Router,
    SecurityHeaders,
    UnknownEvent,
    redirect,
)
from lambent.app import current

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.app.conftest import Answer

    Call = Callable[..., Answer]

PNG = b"\x89PNG\x00\xff"


class Quiet:
    """A logger that keeps what it is told."""

    def __init__(self) -> None:
        self.said: list[tuple[str, BaseException | None]] = []

    def error(self, message: str, *, exc_info: BaseException | None = None) -> None:
        self.said.append((message, exc_info))

    exception = error

    def end_invocation(self, failed: bool) -> None:
        pass


@pytest.fixture
def app() -> App:
    app = App("shop", logger=Quiet())

    @app.get("/items/{item_id}")
    def item(item_id: str) -> dict[str, str]:
        return {"id": item_id}

    @app.get("/items/special")
    def special() -> dict[str, bool]:
        return {"special": True}

    @app.route("/things/{number}", methods=["PUT", "patch"], status=202)
    def thing(number: int) -> int:
        return number

    @app.post("/echo")
    def echo(request: Request) -> Response:
        return Response(request.body, content_type=request.headers.get("content-type"))

    @app.get("/seen")
    def seen(request: Request) -> dict[str, Any]:
        return {
            "x": ",".join(request.headers.get_list("X-Multi")).replace(" ", "").split(","),
            "q": request.query.get_list("a"),
            "c": request.cookies,
            "route": request.route,
            "ip": request.source_ip,
        }

    @app.get("/boom")
    def boom() -> None:
        raise ValueError("secret detail")

    return app


# ---------------------------------------------------------------- finding the handler


@pytest.mark.parametrize(
    ("path", "document"),
    [
        ("/items/special", {"special": True}),
        ("/items/special/", {"special": True}),
        ("/items/1", {"id": "1"}),
        ("/items/1/", {"id": "1"}),
        ("/items/a%20b", {"id": "a b"}),
        ("/items/%C3%BC", {"id": "ü"}),
        ("/items/100%25", {"id": "100%"}),
    ],
)
def test_paths(app: App, call: Call, path: str, document: Any) -> None:
    answer = call(app, "GET", path)
    assert (answer.status, answer.json) == (200, document)
    assert answer.header("content-type") == "application/json"


def test_an_encoded_slash_is_part_of_a_value(app: App, call: Call) -> None:
    answer = call(app, "GET", "/items/a%2Fb", resource="/items/{item_id}", parameters={"item_id": "a/b"})
    assert answer.json == {"id": "a/b"}


@pytest.mark.parametrize(("source", "resource"), [("v2", None), ("url", None), ("v1", None)])
def test_the_stage_is_not_part_of_the_path(app: App, source: str, resource: str | None) -> None:
    event = event_of(source, "GET", "/items/1", stage="prod")
    assert answer_of(app(event)).json == {"id": "1"}


def test_the_stage_of_an_http_api_that_speaks_1_0(app: App) -> None:
    event = event_of("v1", "GET", "/items/1", stage="dev")
    event |= {"version": "1.0", "path": "/dev/items/1"}
    assert answer_of(app(event)).json == {"id": "1"}


def test_a_path_that_begins_like_the_stage(app: App) -> None:
    app.get("/production")(lambda: {"it": "is"})
    event = event_of("v2", "GET", "/production", stage="prod")
    assert answer_of(app(event)).json == {"it": "is"}
    event["rawPath"] = "/production"  # a custom domain: no stage in the path
    assert answer_of(app(event)).json == {"it": "is"}


DEFAULT = {
    "domainName": "a1b2.execute-api.eu-central-1.amazonaws.com",
    "domainPrefix": "a1b2",
    "apiId": "a1b2",
}
LOCAL = {"domainName": "a1b2.execute-api.us-east-1.localhost:4566", "domainPrefix": "a1b2", "apiId": "a1b2"}
OTHER = {"domainName": "a1b2.gateway.test", "domainPrefix": "a1b2", "apiId": "a1b2"}
CUSTOM = {"domainName": "api.example.com", "domainPrefix": "api", "apiId": "a1b2"}


@pytest.mark.parametrize(
    ("about", "path", "called"),
    [
        (DEFAULT, "/prod/prod/x", "prod/x"),
        (DEFAULT, "/prod/x", "x"),
        (DEFAULT, "/prod", "/"),
        (LOCAL, "/prod/x", "x"),
        (OTHER, "/prod/x", "x"),
        (CUSTOM, "/prod/x", "prod/x"),
        (CUSTOM, "/prod/x/", "prod/x"),
        (CUSTOM, "/x", "x"),
        (CUSTOM, "/prod/y", "y"),  # no such route: a mapping named like the stage
        (CUSTOM, "/production", None),
    ],
)
@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_a_route_that_begins_like_the_stage(
    about: dict[str, str], path: str, called: str | None, version: str
) -> None:
    app = App(logger=Quiet())
    for route in ("/", "/x", "/y", "/prod/x"):
        app.get(route)(lambda route=route: route.strip("/") or "/")
    event = event_of("v1" if version == "1.0" else "v2", "GET", "/", stage="prod")
    event["requestContext"] |= about
    if version == "1.0":
        event |= {"version": "1.0", "path": path}
        event["requestContext"]["path"] = path
    else:
        event["rawPath"] = event["requestContext"]["http"]["path"] = path
    answer = answer_of(app(event))
    assert (answer.status, answer.text) == ((404, answer.text) if called is None else (200, called))


def test_prefixes_of_custom_domains(call: Call) -> None:
    app = App(strip_prefixes=["/v1", "/api/v2/"])
    app.get("/items")(lambda: [1])
    app.get("/")(lambda: "root")
    assert [call(app, "GET", path).status for path in ("/v1/items", "/api/v2/items", "/items")] == [200] * 3
    assert call(app, "GET", "/v1").text == "root"
    assert call(app, "GET", "/v11/items").status == 404


def test_prefixes_may_be_patterns(call: Call) -> None:
    app = App(strip_prefixes=[re.compile(r"/(?:dev|stg)"), "/shop/"])
    app.get("/a")(lambda: "a")
    paths = ["/dev/a", "/stg/a", "/shop/a", "/a", "/developers/a", "/prod/a"]
    assert [call(app, "GET", path).status for path in paths] == [200, 200, 200, 200, 404, 404]
    assert App(strip_prefixes="/shop").http is not None
    with pytest.raises(AppError, match="'shop' is no path"):
        App(strip_prefixes=["shop"])


def test_what_is_added_after_a_router_is_included_would_be_lost() -> None:
    router = Router("/orders")
    App().include(router)
    with pytest.raises(AppError, match="its router has been included already"):
        router.get("/")(lambda: "a")


@pytest.mark.parametrize(
    "late", [lambda router: router.middleware(lambda r, n: n(r)), lambda router: router.include(Router())]
)
def test_layers_and_routers_that_would_be_lost(late: Callable[[Router], Any]) -> None:
    router = Router("/orders")
    App().include(router)
    with pytest.raises(AppError, match="its router has been included already"):
        late(router)


def test_paths_of_routers_begin_with_a_slash() -> None:
    router = Router()
    router.get("{user_id}")(lambda user_id: user_id)
    with pytest.raises(AppError, match=r"'\{user_id\}' is no path"):
        App().include(router, "/users/")


def test_all_methods(call: Call) -> None:
    app = App()
    app.route("/", methods="*")(lambda request: request.method)
    assert [call(app, method, "/").text for method in ("GET", "PUT", "OPTIONS")] == ["GET", "PUT", "OPTIONS"]


def test_what_an_http_api_has_decoded() -> None:
    """The gateway matched one segment, which has a slash in it now."""
    app = App()
    app.get("/orders/{order}")(lambda order: order)
    event = event_of("v2", "GET", "/orders/a/b")
    event |= {"routeKey": "GET /orders/{order}", "pathParameters": {"order": "a/b"}}
    assert answer_of(app(event)).text == "a/b"


@pytest.mark.parametrize("path", ["/orders/1", "/orders/%31"])
def test_what_a_rest_api_matched_is_not_nearer_than_a_route(path: str) -> None:
    app = App()
    app.any("/{proxy+}")(lambda proxy: f"all {proxy}")
    app.get("/orders/{number}")(lambda number: f"order {number}")
    event = event_of("v1", "GET", "/", resource="/{proxy+}", parameters={"proxy": "orders/1"}) | {
        "path": path
    }
    assert answer_of(app(event)).text == "order 1"


@pytest.mark.parametrize("name", ["x-correlation-id", "X-Correlation-Id"])
def test_correlation_ids(source: str, name: str) -> None:
    app = App()
    app.get("/")(lambda: str(current.correlation_id.get()))
    assert answer_of(app(event_of(source, "GET", "/", headers=[(name, "abc")]))).text == "abc"
    without = answer_of(app(event_of(source, "GET", "/", headers=[("x-amzn-trace-id", "Root=1-a")]))).text
    assert without == ("Root=1-a" if source.startswith("alb") else "request-1")


@pytest.mark.parametrize("method", ["DELETE", "POST", "PUT"])
def test_other_methods(app: App, call: Call, method: str) -> None:
    answer = call(app, method, "/items/1")
    assert (answer.status, answer.header("allow")) == (405, "GET, HEAD, OPTIONS")
    assert answer.json == {"error": "Method not allowed", "code": "METHOD_NOT_ALLOWED"}


def test_a_method_of_another_template(call: Call) -> None:
    app = App()
    app.get("/items/special")(lambda: 1)
    app.put("/items/{name}")(lambda name: name)
    assert call(app, "PUT", "/items/special").text == "special"
    assert call(app, "POST", "/items/special").header("allow") == "GET, HEAD, OPTIONS, PUT"


def test_head_is_get_without_the_body(app: App, call: Call) -> None:
    answer = call(app, "HEAD", "/items/1")
    assert (answer.status, answer.body, answer.header("content-type")) == (200, b"", "application/json")
    assert call(app, "HEAD", "/nowhere").body == b""


def test_head_may_have_its_own_handler(call: Call) -> None:
    app = App()
    app.get("/")(lambda: 1)
    app.head("/")(lambda: Response(None, 204, headers={"X-Own": "1"}))
    assert call(app, "HEAD", "/").header("x-own") == "1"


def test_options_tell_the_methods(app: App, call: Call) -> None:
    answer = call(app, "OPTIONS", "/things/1")
    assert (answer.status, answer.header("allow"), answer.body) == (204, "OPTIONS, PATCH, PUT", b"")
    assert call(app, "OPTIONS", "/nowhere").status == 404


def test_nothing_there(app: App, call: Call) -> None:
    answer = call(app, "GET", "/nowhere")
    assert (answer.status, answer.json) == (404, {"error": "Not found", "code": "NOT_FOUND"})


# ---------------------------------------------------------------- what is in a request


def test_repeated_names(app: App, call: Call, source: str) -> None:
    answer = call(
        app,
        "GET",
        "/seen",
        headers=[("X-Multi", "1"), ("X-Multi", "2")],
        query=[("a", "1"), ("a", "x y,ü&=")],
    )
    expected = ["2"] if source == "alb" else ["1", "2"]  # a load balancer passes the last one on
    assert answer.json["x"] == expected
    assert answer.json["q"] == (["x y,ü&="] if source == "alb" else ["1", "x y,ü&="])
    assert answer.json["route"] == "/seen"


def test_cookies_of_requests(app: App, call: Call) -> None:
    answer = call(app, "GET", "/seen", cookies=["s=1", 't="a=b"', "s=later"])
    assert answer.json["c"] == {"s": "1", "t": "a=b"}


def test_who_has_sent_it(app: App, call: Call) -> None:
    """What stands first is what the caller says; a load balancer adds what it has seen."""
    answer = call(app, "GET", "/seen", headers=[("X-Forwarded-For", "10.0.0.1, 203.0.113.7")])
    assert answer.json["ip"] == "203.0.113.7"


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("203.0.113.7:4711", "203.0.113.7"),
        ("2001:db8::7", "2001:db8::7"),
        ("[2001:db8::7]:443", "2001:db8::7"),
        ("", None),
    ],
)
def test_addresses_behind_a_load_balancer(app: App, forwarded: str, address: str | None) -> None:
    headers = [("X-Forwarded-For", forwarded)] if forwarded else []
    assert answer_of(app(event_of("alb", "GET", "/seen", headers=headers))).json["ip"] == address


@pytest.mark.parametrize("body", ["ü", b"\x00\xff", "", None])
def test_bodies_of_requests(app: App, call: Call, body: Any) -> None:
    answer = call(app, "POST", "/echo", body=body, headers=[("Content-Type", "application/octet-stream")])
    assert answer.body == (body.encode() if isinstance(body, str) else body or b"")


@pytest.mark.parametrize("body", ["a", "***", "ü", "eHh\n4", {"a": 1}])
def test_a_body_that_is_not_base64(app: App, source: str, body: Any) -> None:
    event = event_of(source, "POST", "/echo", body=b"x")
    event["body"] = body
    assert answer_of(app(event)).status == 400


HALF = "\ud800"  # of a surrogate pair: JSON can say it, and no text can have it


def test_what_is_no_text(source: str) -> None:
    app = App(logger=Quiet())

    @app.get("/{name}")
    def name(name: str) -> str:
        return name

    @app.post("/any")
    def echo(body: Any) -> Any:
        return body

    @app.post("/text")
    def text(request: Request) -> bytes:
        return request.body

    @app.get("/half/answer")
    def half() -> str:
        return HALF

    for method, path, body in (
        ("GET", f"/{HALF}", None),
        ("POST", "/any", f'"{HALF}"'),
        ("POST", "/text", HALF),
    ):
        event = event_of(source, method, "/" if HALF in path else path, body=body)
        if HALF in path:
            event["rawPath" if "rawPath" in event else "path"] = path
        assert answer_of(app(event)).status == 400, (path, body)
    assert answer_of(app(event_of(source, "GET", "/half/answer"))).status == 500


@pytest.mark.parametrize("resource", [5, ["/a/{b}"], {"a": 1}])
def test_a_resource_that_is_none(app: App, resource: Any) -> None:
    event = event_of("v1", "GET", "/items/1") | {"resource": resource, "pathParameters": {"item_id": "1"}}
    assert answer_of(app(event)).json == {"id": "1"}
    assert answer_of(app(event | {"path": "/nothing/of/it"})).status == 404


@pytest.mark.parametrize(
    "event",
    [
        {"requestContext": {"http": {}}, "rawPath": "/"},
        {"requestContext": {"elb": {}}, "httpMethod": ["x"], "path": "/"},
        {"requestContext": {}, "httpMethod": "GET", "path": "/", "headers": ["x"]},
        {"requestContext": {}, "httpMethod": "GET", "path": 1.5},
        {"requestContext": {}, "httpMethod": "GET", "path": ["/"]},
        {"requestContext": {"http": {"method": "GET"}}, "rawPath": {"a": 1}},
    ],
)
def test_what_only_looks_like_a_request(app: App, event: Any) -> None:
    with pytest.raises(UnknownEvent, match="shop: the event looks like an HTTP request"):
        app(event)


@pytest.mark.parametrize("missing", ["path", "headers", "body", "queryStringParameters", "multiValueHeaders"])
def test_events_written_by_hand_may_have_nothing_there(app: App, missing: str) -> None:
    event = event_of("v1", "POST", "/echo", body="x")
    for absent in ({**event, missing: None}, {name: event[name] for name in event if name != missing}):
        assert answer_of(app(absent)).status == (404 if missing == "path" else 200)


# ---------------------------------------------------------------- answers


@pytest.mark.parametrize(
    ("result", "status", "content_type", "body"),
    [
        ({"a": 1}, 200, "application/json", b'{"a":1}'),
        ([1, "ü"], 200, "application/json", '[1,"ü"]'.encode()),
        (5, 200, "application/json", b"5"),
        (False, 200, "application/json", b"false"),
        ("text", 200, "text/plain; charset=utf-8", b"text"),
        (PNG, 200, "application/octet-stream", PNG),
        (({"a": 1}, 201), 201, "application/json", b'{"a":1}'),
        (("x", 404, {"Content-Type": "text/css"}), 404, "text/css", b"x"),
        (Response(PNG, content_type="image/png"), 200, "image/png", PNG),
        (
            Response({"t": 1}, 400, content_type="application/problem+json"),
            400,
            "application/problem+json",
            b'{"t":1}',
        ),
        (Response(b"<a/>", content_type="image/svg+xml"), 200, "image/svg+xml", b"<a/>"),
        (Response(b"\xff", content_type="text/plain"), 200, "text/plain", b"\xff"),
    ],
)
def test_results(call: Call, result: Any, status: int, content_type: str, body: bytes) -> None:
    app = App()
    app.get("/")(lambda: result)
    answer = call(app, "GET", "/")
    assert (answer.status, answer.header("content-type"), answer.body) == (status, content_type, body)


@pytest.mark.parametrize("result", [None, Response(status=204), Response("x", 204), Response(None, 304)])
def test_answers_without_a_body(call: Call, result: Any) -> None:
    app = App()
    app.get("/")(lambda: result)
    answer = call(app, "GET", "/")
    assert answer.body == b""
    if answer.status == 204:
        assert "content-type" not in answer.headers


@pytest.mark.parametrize("source", ["v1", "v2", "alb"])
def test_text_goes_as_text_and_the_rest_in_base64(source: str) -> None:
    app = App()
    app.get("/{kind+}")(lambda kind: Response(b"abc", content_type=kind))
    for kind in (
        "text/html",
        "application/json",
        "application/ld+json; a=b",
        "image/svg+xml",
        "Application/XML",
    ):
        raw = app(event_of(source, "GET", f"/{kind}"))
        assert (raw["body"], raw["isBase64Encoded"]) == ("abc", False), kind
    for kind in ("image/png", "application/zip", "application/octet-stream"):
        raw = app(event_of(source, "GET", f"/{kind}"))
        assert (raw["body"], raw["isBase64Encoded"]) == (base64.b64encode(b"abc").decode(), True), kind


def test_what_is_compressed_is_no_text(call: Call) -> None:
    app = App()
    app.get("/")(lambda: Response(b"abc", content_type="text/html", headers={"Content-Encoding": "gzip"}))
    assert call(app, "GET", "/").body == b"abc"
    assert app(event_of("v2", "GET", "/"))["isBase64Encoded"] is True


def test_cookies_in_headers_reach_every_target_too(call: Call) -> None:
    app = App()
    response = Response("x", headers={"Set-Cookie": ["a=1; Path=/", "b=2"]}, cookies=["c=3"])
    app.get("/")(lambda: response)
    assert call(app, "GET", "/").cookies == ["a=1; Path=/", "b=2", "c=3"]


def test_several_cookies_reach_every_target(call: Call) -> None:
    app = App()

    @app.get("/")
    def cookies() -> Response:
        response = Response("ok")
        response.set_cookie("a", "1", max_age=60, domain="example.com", same_site="Strict")
        response.set_cookie("b", "2", path=None, secure=False, http_only=False, same_site=None)
        response.delete_cookie("c")
        return response

    assert call(app, "GET", "/").cookies == [
        "a=1; Max-Age=60; Domain=example.com; Path=/; Secure; HttpOnly; SameSite=Strict",
        "b=2",
        "c=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/; Secure; HttpOnly; SameSite=Lax",
    ]


@pytest.mark.parametrize(
    ("name", "value"), [("a;b", "1"), ("a", "1\r\nX: y"), ("", "1"), ("a=b", "1"), ("a", "x;y")]
)
def test_cookies_that_would_be_something_else(name: str, value: str) -> None:
    with pytest.raises(ValueError, match="cookie"):
        Response().set_cookie(name, value)


def test_several_values_of_a_header(call: Call, source: str) -> None:
    app = App()
    app.get("/")(lambda: Response("", headers={"Link": ["<a>", "<b>"]}))
    assert ", ".join(call(app, "GET", "/").headers["link"]) == "<a>, <b>"


def test_redirects(call: Call) -> None:
    app = App()
    app.get("/")(lambda: redirect("/elsewhere"))
    answer = call(app, "GET", "/")
    assert (answer.status, answer.header("location"), answer.body) == (307, "/elsewhere", b"")


def test_structs_are_answers(call: Call) -> None:
    class Order(msgspec.Struct, rename="camel"):
        order_id: int

    app = App()
    app.get("/", status=201)(lambda: Order(1))
    answer = call(app, "GET", "/")
    assert (answer.status, answer.json) == (201, {"orderId": 1})


def test_a_load_balancer_wants_a_phrase() -> None:
    app = App()
    app.get("/")(lambda: (1, 201))
    assert app(event_of("alb", "GET", "/"))["statusDescription"] == "201 Created"


# ---------------------------------------------------------------- what goes wrong


def test_an_unhandled_exception_is_logged_and_hidden(app: App, call: Call) -> None:
    answer = call(app, "GET", "/boom")
    assert (answer.status, answer.json) == (
        500,
        {"error": "Internal server error", "code": "INTERNAL_SERVER_ERROR"},
    )
    ((message, error),) = app.logger.said
    assert (message, str(error)) == ("GET /boom failed", "secret detail")


def test_it_reaches_lambda_when_that_is_wanted(source: str) -> None:
    app = App(reraise=True)

    @app.get("/")
    def boom() -> None:
        raise ValueError("detail")

    @app.get("/known")
    def known() -> None:
        raise NotFound

    with pytest.raises(ValueError, match="detail"):
        app(event_of(source, "GET", "/"))
    assert answer_of(app(event_of(source, "GET", "/known"))).status == 404


def test_errors_with_code_details_and_headers(call: Call) -> None:
    app = App()

    class OutOfStock(Conflict):
        code = "OUT_OF_STOCK"

    @app.get("/")
    def answer() -> None:
        raise OutOfStock("none left", details={"sku": "x"}, headers={"Retry-After": "5"})

    got = call(app, "GET", "/")
    assert (got.status, got.header("retry-after")) == (409, "5")
    assert got.json == {"error": "none left", "code": "OUT_OF_STOCK", "details": {"sku": "x"}}


def test_every_error_has_its_status() -> None:
    def leaves(kind: type[HTTPError]) -> list[type[HTTPError]]:
        return [kind, *(leaf for one in kind.__subclasses__() for leaf in leaves(one))]

    own = [kind for kind in leaves(HTTPError) if kind.__module__ == "lambent.app.errors"]
    statuses = {kind.status for kind in own}
    assert {400, 401, 403, 404, 405, 409, 410, 412, 413, 415, 422, 429, 500, 501, 502, 503, 504} <= statuses
    assert all(400 <= status <= 504 for status in statuses)
    assert len({kind.code for kind in own}) == len(own) - 1  # HTTPError is its own 500
    assert NotFound().document() == {"error": "Not found", "code": "NOT_FOUND"}


def test_exceptions_of_ones_own(call: Call) -> None:
    app = App()

    @app.error_handler(LookupError)
    def missing(error: LookupError, request: Request) -> Any:
        return {"missing": str(error), "path": request.path}, 404

    @app.error_handler(NotFound)
    def not_found(error: NotFound, request: Request) -> Response:
        return Response("nothing", error.status)

    @app.get("/key")
    def key() -> Any:
        return dict[str, int]()["a"]

    answer = call(app, "GET", "/key")
    assert (answer.status, answer.json) == (404, {"missing": "'a'", "path": "/key"})
    answer = call(app, "GET", "/nowhere")
    assert (answer.status, answer.text) == (404, "nothing")


@pytest.mark.parametrize(
    "response",
    [
        Response("x", headers={"X": "a\r\nset-cookie: b=1"}),
        Response("x", headers={"X\n": "a"}),
        Response("x", headers={"X": ["a", "b\n"]}),
        Response("x", cookies=["a=1\r\nX: y"]),
        Response("x", headers={"X": None}),  # type: ignore[dict-item]
        Response("x", headers={"X": [None]}),  # type: ignore[list-item]
        Response("x", headers={"X": {"a": "b"}}),  # type: ignore[dict-item]
    ],
)
def test_answers_that_cannot_be_sent(call: Call, response: Response) -> None:
    app = App(logger=Quiet())
    app.get("/")(lambda: response)
    answer = call(app, "GET", "/")
    assert (answer.status, answer.json["code"]) == (500, "INTERNAL_SERVER_ERROR")
    assert app.logger.said[0][0] == "The answer to GET / failed"


def test_error_handlers_that_fail(call: Call) -> None:
    app = App(logger=Quiet())

    @app.error_handler(ValueError)
    def handler(error: ValueError, request: Request) -> Any:
        raise KeyError("worse")

    @app.get("/")
    def boom() -> None:
        raise ValueError

    @app.get("/details")
    def details() -> None:
        raise Conflict(details=object())

    assert call(app, "GET", "/").status == 500
    assert call(app, "GET", "/details").status == 500


@pytest.mark.parametrize("handler_is_async", [False, True])
def test_error_handlers_may_raise_http_errors(call: Call, handler_is_async: bool) -> None:
    app = App(middleware=[SecurityHeaders()], logger=Quiet())

    @app.error_handler([ValueError, KeyError])
    def answer(error: Exception) -> Any:
        raise Conflict(f"{error}", headers={"x-why": "twice"})

    def boom() -> None:
        raise ValueError("x")

    async def boom_later() -> None:
        raise ValueError("x")

    app.get("/")(boom_later if handler_is_async else boom)
    answered = call(app, "GET", "/")
    assert (answered.status, answered.json["error"]) == (409, "x")
    assert answered.header("x-why") == "twice"
    app.loop.close()


def test_headers_of_errors_stay_whoever_answers_them(call: Call) -> None:
    app = App()

    @app.error_handler(HTTPError)
    def answer(error: HTTPError, request: Request) -> Any:
        return {"mine": error.message}

    app.get("/")(lambda: "a")
    answered = call(app, "DELETE", "/")
    assert (answered.status, answered.json) == (405, {"mine": "Method not allowed"})
    assert answered.header("allow") == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize("kinds", [(), (404,), (lambda error: None,), ([ValueError, 3],), ("ValueError",)])
def test_what_is_no_exception(kinds: Any) -> None:
    with pytest.raises(AppError, match="error_handler: "):
        App().error_handler(*kinds)


def test_what_is_no_error_handler() -> None:
    with pytest.raises(AppError, match="an error handler takes the error and the request"):
        App().error_handler(ValueError)(lambda: None)


@pytest.mark.parametrize("chain", ["plain", "sync layer", "async layer", "hooks", "twin"])
@pytest.mark.parametrize("handler_is_async", [False, True])
def test_error_handlers_may_be_async(call: Call, chain: str, handler_is_async: bool) -> None:
    layers: dict[str, list[Any]] = {
        "plain": [],
        "sync layer": [lambda request, call_next: call_next(request)],
        "async layer": [passing],
        "hooks": [SecurityHeaders(), passing],
        "twin": [RequestLog(), SecurityHeaders()],
    }
    app = App(middleware=layers[chain], logger=Logger(stream=io.StringIO()))

    @app.error_handler(ValueError)
    async def answer(error: ValueError, request: Request) -> Any:
        await asyncio.sleep(0)
        return {"mine": str(error)}, 418

    def boom() -> None:
        raise ValueError("x")

    async def boom_later() -> None:
        raise ValueError("x")

    app.get("/")(boom_later if handler_is_async else boom)
    answered = call(app, "GET", "/")
    assert (answered.status, answered.json) == (418, {"mine": "x"})
    app.loop.close()


async def passing(request: Request, call_next: Any) -> Any:
    return await call_next(request)


def test_a_layer_that_forgets_to_return(call: Call) -> None:
    def forgetful(request: Request, call_next: Any) -> None:
        call_next(request)

    app = App(middleware=[forgetful], logger=Quiet())
    app.get("/")(lambda: "a")
    assert call(app, "GET", "/").status == 500
    assert "forgetful" in str(app.logger.said[0][1])


def test_numbers_in_headers(call: Call) -> None:
    app = App()
    app.get("/")(lambda: Response("x", headers={"X": 1, "Y": [1, "2"]}))  # type: ignore[dict-item, list-item]
    answered = call(app, "GET", "/")
    assert answered.header("x") == "1"
    assert ", ".join(answered.headers["y"]) == "1, 2"


def test_statuses_may_have_names(call: Call) -> None:
    app = App()
    app.get("/")(lambda: ({"a": 1}, HTTPStatus.CREATED))
    app.get("/response")(lambda: Response("a", HTTPStatus.ACCEPTED))
    assert (call(app, "GET", "/").status, call(app, "GET", "/").json) == (201, {"a": 1})
    assert type(call(app, "GET", "/response").status) is int


@pytest.mark.parametrize("status", [99, 600, 0, True, "200", 200.0])
def test_statuses_that_are_none(call: Call, status: Any) -> None:
    app = App(logger=Quiet())
    with pytest.raises((TypeError, ValueError), match="is no HTTP status"):
        Response("a", status)
    with pytest.raises(AppError, match="is no HTTP status"):
        app.get("/registered", status=status)(lambda: "a")
    if type(status) is int:
        app.get("/tuple")(lambda: ("a", status))
        app.get("/both")(lambda: (Response("a"), status))
        assert [call(app, "GET", path).status for path in ("/tuple", "/both")] == [500, 500]


def test_a_registered_status_may_have_a_name() -> None:
    app = App()
    app.get("/", status=HTTPStatus.ACCEPTED)(lambda: {"a": 1})
    assert type(app(event_of("v2", "GET", "/"))["statusCode"]) is int


def test_results_that_json_cannot_hold(call: Call) -> None:
    app = App(logger=Quiet())
    app.get("/")(lambda: {"a": object()})
    assert call(app, "GET", "/").status == 500


# ---------------------------------------------------------------- async, routers, other events


def test_coroutines_run_on_one_loop(call: Call) -> None:
    app = App()
    loops = set()

    @app.get("/{number}")
    async def later(number: int) -> int:
        loops.add(asyncio.get_running_loop())
        await asyncio.sleep(0)
        return number

    try:
        assert [call(app, "GET", f"/{number}").json for number in range(3)] == [0, 1, 2]
        assert len(loops) == 1
    finally:
        app.loop.close()


def test_routers(call: Call) -> None:
    seen: list[str] = []

    def layer(name: str) -> Callable[[Any, Any], Any]:
        def around(request: Any, call_next: Any) -> Any:
            seen.append(name)
            return call_next(request)

        return around

    orders = Router("/orders", tags=["orders"], middleware=[layer("router")])

    @orders.get("/", middleware=[layer("handler")])
    def every() -> list[int]:
        return [1]

    @orders.get("/{order_id}")
    def one(order_id: int) -> int:
        return order_id

    api = Router("/api", middleware=[layer("api")])
    api.include(orders)
    app = App(middleware=[layer("app")])
    app.include(api, "/v1")
    assert call(app, "GET", "/v1/api/orders").json == [1]
    assert seen == ["app", "api", "router", "handler"]
    assert call(app, "GET", "/v1/api/orders/5").json == 5
    assert app.http.routes[0].options["tags"] == ["orders"]


def test_layers_see_what_has_no_route(call: Call) -> None:
    app = App()
    seen = []

    @app.middleware
    def log(request: Request, call_next: Any) -> Any:
        try:
            return call_next(request)
        except HTTPError as error:
            seen.append((request.method, request.path, error.status))
            raise

    app.get("/there")(lambda: 1)
    call(app, "GET", "/nowhere")
    call(app, "PUT", "/there")
    assert seen == [("GET", "/nowhere", 404), ("PUT", "/there", 405)]


def test_two_handlers_for_the_same_requests() -> None:
    app = App()
    app.get("/a/{b}")(lambda b: b)

    def second(b: str) -> str:
        return b

    with pytest.raises(AppError, match=r"GET /a/\{b\}: both .*<lambda> .* and .*second .*test_http.py:\d+\)"):
        app.get("/a/{b}")(second)


def test_events_that_nothing_is_for() -> None:
    app = App("shop")
    app.get("/")(lambda: 1)
    event = {"Records": [{"eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:eu-west-1:1:mail"}]}
    with pytest.raises(
        UnknownEvent, match="shop: no handler is for this event: sqs from arn:aws:sqs:eu-west-1:1:mail"
    ):
        app(event)
    with pytest.raises(UnknownEvent, match="'a', 'b'"):
        app({"a": 1, "b": 2})
    with pytest.raises(UnknownEvent, match="list"):
        app([1])


def test_an_app_is_a_plain_handler() -> None:
    from aws_lambda_powertools import Logger

    app = App()
    app.get("/")(lambda: 1)
    handler: Any = Logger(service="x").inject_lambda_context(app.__call__)
    assert json.loads(handler(event_of("v2", "GET", "/"), Context())["body"]) == 1


class Context:
    function_name = "f"
    memory_limit_in_mb = 128
    invoked_function_arn = "arn"
    aws_request_id = "id"
