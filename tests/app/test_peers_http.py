"""What users of other frameworks expect of routes, parameters, answers and errors.

The behaviours are those that the suite of AWS Lambda Powertools' event handler checks and users of FastAPI know; what
is done otherwise here on purpose (a slash at the end, exceptions that are answered) is here as it is.
"""

from __future__ import annotations

import datetime
import decimal
import enum
import re
import uuid
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import quote

import msgspec
import pydantic
import pytest
from tests.app.conftest import answer_of, event_of

from lambent import (
    CORS,
    App,
    BadRequest,
    Compression,
    Header,
    MethodNotAllowed,
    NotFound,
    Query,
    Response,
    Router,
    SecurityHeaders,
    ValidationFailed,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.app.conftest import Answer

    Call = Callable[..., Answer]

# ---------------------------------------------------------------- paths


@pytest.mark.parametrize(
    "value",
    [
        "123456789",
        "single account",
        "user@example.com",
        "-._~'!*:@,;()=+&$",
        "<>[]{}|^",
        '\\"`',
        "a?b#c",
        ".",
        "..",
        "100%",
        "a+b",
        "ü",
        "\N{SNOWMAN}",
        "\N{ROCKET}",
    ],
)
def test_any_character_may_be_in_a_parameter(call: Call, value: str) -> None:
    app = App()
    app.get("/accounts/{account}")(lambda account: account)
    app.get("/accounts/{account}/networks/{network}")(lambda account, network: account + network)
    encoded = quote(value, safe="")
    assert call(app, "GET", f"/accounts/{encoded}").text == value
    assert call(app, "GET", f"/accounts/{encoded}/networks/{encoded}").text == value * 2


@pytest.mark.parametrize(
    ("path", "status", "body"),
    [
        ("/a/b", 200, "static"),
        ("/a/b/", 200, "static"),
        ("/%61/b", 200, "static"),
        ("/a/c", 200, "one c"),
        ("/A/b", 404, None),
        ("/a//b", 404, None),
        ("/a/./b", 404, None),
        ("/a", 404, None),
        ("/a/b/c", 404, None),
        ("/rest/a/b/", 200, "a/b"),
        ("/rest/a%2Fb", 200, "a/b"),
        ("/rest", 404, None),
        ("/rest/", 404, None),
        ("/", 200, "root"),
        ("", 200, "root"),
    ],
)
def test_which_handler_a_path_reaches(call: Call, path: str, status: int, body: str | None) -> None:
    app = App()
    app.get("/a/{name}")(lambda name: f"one {name}")
    app.get("/a/b")(lambda: "static")
    app.get("/rest/{path+}")(lambda path: path)
    app.get("/")(lambda: "root")
    answer = call(app, "GET", path)
    assert answer.status == status
    if body is not None:
        assert answer.text == body


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/pay/foo", 200),
        ("/payment/foo", 200),
        ("/foo", 200),
        ("/pay", 201),
        ("/pay/", 201),
        ("/pay/pay/foo", 404),
        ("/paying/foo", 404),
    ],
)
def test_one_prefix_is_stripped(call: Call, path: str, status: int) -> None:
    app = App(strip_prefixes=["/pay", "/payment"])
    app.get("/foo")(lambda: 1)
    app.get("/", status=201)(lambda: 1)
    assert call(app, "GET", path).status == status
    assert call(app, "GET", path, stage="prod").status == status


@pytest.mark.parametrize("path", ["/dev/foo", "/stg/foo", "/foo", "/dev", "/"])
def test_prefixes_may_be_patterns(call: Call, path: str) -> None:
    app = App(strip_prefixes=[re.compile("/(dev|stg)")])
    app.get("/foo")(lambda: 1)
    app.get("/")(lambda: 1)
    assert call(app, "GET", path).status == 200


def test_one_handler_for_several_paths(call: Call) -> None:
    app = App()

    @app.get("/my/path")
    @app.get("/my/other")
    def both() -> int:
        return 1

    assert [call(app, "GET", path).status for path in ("/my/path", "/my/other")] == [200, 200]


@pytest.mark.parametrize(
    ("router_prefix", "prefix", "path", "wanted"),
    [
        ("", "/my/path", "/", "/my/path"),
        ("/my/", "", "/path", "/my/path"),
        ("/my", "/v1", "/path", "/v1/my/path"),
        ("", "", "/path", "/path"),
        ("/t/ann", "/u", "/{x}", "/u/t/ann/1"),
    ],
)
def test_prefixes_of_routers(call: Call, router_prefix: str, prefix: str, path: str, wanted: str) -> None:
    app, router = App(), Router(router_prefix)
    router.get(path)(lambda x="": 1)
    app.include(router, prefix)
    assert call(app, "GET", wanted).status == 200
    assert call(app, "GET", f"{wanted}/").status == 200


def test_a_router_in_two_places(call: Call) -> None:
    app, router, inner = App(), Router("/a"), Router("/{tenant}")
    inner.get("/c")(lambda tenant: tenant)
    router.include(inner)
    app.include(router, "/v1")
    app.include(router, "/v2")
    assert [call(app, "GET", f"/{version}/a/{version}/c").text for version in ("v1", "v2")] == ["v1", "v2"]


# ---------------------------------------------------------------- parameters


def many(
    a: int = 1,
    b: list[int] = [],  # noqa: B006 - as handlers are written
    c: bool = False,
    d: str | None = None,
    e: Literal["x", "y"] = "x",
    f: datetime.date | None = None,
    g: Annotated[int, Query("g-1"), msgspec.Meta(ge=1)] = 1,
) -> Any:
    return {"a": a, "b": b, "c": c, "d": d, "e": e, "f": f, "g": g}


@pytest.mark.parametrize(
    ("query", "result"),
    [
        ([], {}),
        ([("a", "5")], {"a": 5}),
        ([("a", "1"), ("a", "2")], {"a": 2}),
        ([("c", "true")], {"c": True}),
        ([("c", "1")], {"c": True}),
        ([("c", "FALSE")], {"c": False}),
        ([("d", "")], {"d": ""}),
        ([("d", "ü &=+%")], {"d": "ü &=+%"}),
        ([("f", "2026-02-28")], {"f": "2026-02-28"}),
        ([("unknown", "1")], {}),
        ([("g-1", "7")], {"g": 7}),
        ([("b", "3")], {"b": [3]}),
        ([("a", "")], ["a"]),
        ([("a", "five")], ["a"]),
        ([("b", "1,2")], ["b[0]"]),
        ([("e", "z")], ["e"]),
        ([("f", "2026-02-30")], ["f"]),
        ([("g-1", "0")], ["g-1"]),
        ([("a", "x"), ("b", "y"), ("e", "z")], ["a", "b[0]", "e"]),
    ],
)
def test_query_parameters(call: Call, query: list[tuple[str, str]], result: Any) -> None:
    app = App()
    app.get("/x")(many)
    answer = call(app, "GET", "/x", query=query)
    if isinstance(result, dict):
        whole = {"a": 1, "b": [], "c": False, "d": None, "e": "x", "f": None, "g": 1}
        assert answer.json == whole | result
    else:
        assert answer.status == 422
        assert [one["name"] for one in answer.json["details"]] == result
        assert {one["in"] for one in answer.json["details"]} == {"query"}


@pytest.mark.parametrize(
    ("path", "status"),
    [("/x/5", 200), ("/x/-1", 200), ("/x/%35", 200), ("/x/a", 422), ("/x/1.5", 422), ("/x//5", 404)],
)
def test_numbers_in_paths(call: Call, path: str, status: int) -> None:
    app = App()

    @app.get("/x/{number}")
    def get(number: int) -> int:
        return number

    assert call(app, "GET", path).status == status


def test_headers_as_parameters(call: Call) -> None:
    app = App()

    @app.get("/x")
    def get(x_id: Annotated[int, Header], agent: Annotated[str | None, Header("User-Agent")] = None) -> Any:
        return [x_id, agent]

    assert call(app, "GET", "/x", headers=[("X-Id", "5"), ("user-agent", "z")]).json == [5, "z"]
    for headers in ([], [("X-Id", "five")]):
        answer = call(app, "GET", "/x", headers=headers)
        assert (answer.status, answer.json["details"][0]["name"]) == (422, "x-id")


class Struct(msgspec.Struct):
    a: int
    tags: list[str] = []
    on: bool = False


class Model(pydantic.BaseModel):
    a: int
    tags: list[str] = []
    on: bool = False


JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize("kind", [Struct, Model])
@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        (None, '{"a":1}', 200),
        ("application/json; charset=utf-8", '{"a":1}', 200),
        ("APPLICATION/JSON", '{"a":1}', 200),
        ("application/vnd.api+json", '{"a":1}', 200),
        (JSON, b'{"a":1}', 200),
        (JSON, "", 422),
        (JSON, "null", 422),
        (JSON, "[]", 422),
        (JSON, '{"a":"x"}', 422),
        (JSON, "{}", 422),
        (JSON, '{"a":', 400),
        (JSON, "\ufeff{}", 400),
        ("text/xml", "<a/>", 415),
        ("multipart/form-data; boundary=x", "--x--", 415),
        (FORM, "a=1", 200),
        (FORM, b"a=1", 200),
        (FORM, "a=x", 422),
        (FORM, "tags=x", 422),
    ],
)
def test_bodies(call: Call, kind: Any, content_type: str | None, body: str | bytes, status: int) -> None:
    app = App()

    def post(body: Any) -> Any:
        return body

    post.__annotations__ = {"body": kind}
    app.post("/x")(post)
    headers = [] if content_type is None else [("Content-Type", content_type)]
    answer = call(app, "POST", "/x", headers=headers, body=body)
    assert answer.status == status, answer.text
    if status == 200:
        assert answer.json == {"a": 1, "tags": [], "on": False}
    if status == 422:
        assert {one["in"] for one in answer.json["details"]} == {"body"}


# ---------------------------------------------------------------- answers


class Colour(enum.Enum):
    RED = 1


@pytest.mark.parametrize(
    ("value", "document"),
    [
        ({"foo": decimal.Decimal("100.01")}, {"foo": "100.01"}),
        ([Colour.RED, {1}, frozenset([2])], [1, [1], [2]]),
        ([datetime.date(2026, 1, 1), datetime.datetime(2026, 1, 1)], ["2026-01-01", "2026-01-01T00:00:00"]),
        ([uuid.UUID(int=1)], ["00000000-0000-0000-0000-000000000001"]),
        ([b"x", datetime.timedelta(seconds=3)], ["eA==", "PT3S"]),
        (Model(a=1), {"a": 1, "tags": [], "on": False}),
        ([Model(a=1)], [{"a": 1, "tags": [], "on": False}]),
        ([], []),
        ({}, {}),
        (0, 0),
        (False, False),
        (({"a": 1}, 201), {"a": 1}),
        (({"a": 1}, {"b": 2}), [{"a": 1}, {"b": 2}]),
    ],
)
def test_what_json_is_made_of(call: Call, value: Any, document: Any) -> None:
    app = App()
    app.get("/x")(lambda: value)
    answer = call(app, "GET", "/x")
    assert answer.header("content-type") == JSON
    assert answer.json == document


@pytest.mark.parametrize(
    ("value", "status", "headers"),
    [
        (({"a": 1}, 201, {"X-A": "1"}), 201, {"x-a": ["1"]}),
        ((None, 404), 404, {}),
        (("teapot", 418), 418, {}),
        (Response(None, 304, headers={"ETag": '"x"'}), 304, {"etag": ['"x"']}),
        (Response("x", headers={"Content-Type": "a/b"}), 200, {"content-type": ["a/b"]}),
        (Response({"a": 1}, headers={"Content-Type": ["text/x"]}), 200, {"content-type": ["text/x"]}),
        (Response(content_type=JSON), 200, {"content-type": [JSON]}),
        (Response(status=204), 204, {}),
    ],
)
def test_statuses_and_headers(call: Call, value: Any, status: int, headers: dict[str, list[str]]) -> None:
    app = App()
    app.get("/x")(lambda: value)
    answer = call(app, "GET", "/x")
    assert answer.status == status
    assert headers.items() <= answer.headers.items()


# ---------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("kind", "method", "path", "status"),
    [
        (NotFound, "GET", "/nothing", 404),
        (MethodNotAllowed, "POST", "/x", 405),
        (ValidationFailed, "GET", "/x", 422),
        (Exception, "GET", "/nothing", 404),
    ],
)
def test_the_frameworks_own_errors_can_be_answered_otherwise(
    call: Call, kind: type[Exception], method: str, path: str, status: int
) -> None:
    app = App()

    @app.get("/x")
    def get(number: int) -> int:
        return number

    @app.error_handler(kind)
    def answer(error: Exception, request: Any) -> Any:
        return Response(f"{type(error).__name__} {request.path}", 418)

    assert call(app, method, path).status == 418
    assert call(App(), "GET", path).status == 404
    del app._errors[kind]
    assert call(app, method, path).status == status


@pytest.mark.parametrize("path", ["/value", "/key"])
def test_a_handler_of_two_exceptions_that_raises_another(call: Call, path: str) -> None:
    app = App()

    @app.get("/{name}")
    def get(name: str) -> None:
        raise ValueError if name == "value" else KeyError

    @app.error_handler(ValueError, KeyError)
    def answer(error: Exception) -> Any:
        raise BadRequest("Bad", headers={"x-kind": type(error).__name__})

    found = call(app, "GET", path)
    assert (found.status, found.json) == (400, {"error": "Bad", "code": "BAD_REQUEST"})
    assert found.header("x-kind").lower() == f"{path[1:]}error"


def test_an_error_keeps_its_headers_whoever_answers_it(call: Call) -> None:
    app = App()
    app.get("/x")(lambda: 1)

    @app.error_handler(MethodNotAllowed)
    def answer(error: Exception, request: Any) -> Any:
        return {"answer": "no"}

    found = call(app, "POST", "/x")
    assert (found.status, found.json) == (405, {"answer": "no"})
    assert found.header("allow") == "GET, HEAD, OPTIONS"


# ---------------------------------------------------------------- middleware

ORIGIN = "https://shop.example"
ASKED = [("Origin", ORIGIN), ("Access-Control-Request-Method", "PUT")]


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "allowed"),
    [
        ("GET", "/x", [("Origin", ORIGIN)], 200, True),
        ("GET", "/x", [("Origin", "https://another.example")], 200, True),
        ("GET", "/nothing", [("Origin", ORIGIN)], 404, True),
        ("DELETE", "/x", [("Origin", ORIGIN)], 405, True),
        ("GET", "/broken", [("Origin", ORIGIN)], 500, True),
        ("GET", "/x", [("Origin", "https://evil.example")], 200, False),
        ("GET", "/x", [], 200, False),
        ("OPTIONS", "/x", ASKED, 204, True),
        ("OPTIONS", "/nothing", ASKED, 404, True),
        ("OPTIONS", "/x", [("Origin", "https://evil.example"), *ASKED[1:]], 403, False),
        ("OPTIONS", "/own", [("Origin", ORIGIN)], 200, True),
    ],
)
def test_cors(
    call: Call, method: str, path: str, headers: list[tuple[str, str]], status: int, allowed: bool
) -> None:
    app = App(middleware=[CORS(origins=[ORIGIN, "https://another.example"], credentials=True)])
    app.route("/x", methods=["GET", "PUT"])(lambda: 1)
    app.options("/own")(lambda: Response("own"))

    @app.get("/broken")
    def broken() -> None:
        raise RuntimeError("secret")

    answer = call(app, method, path, headers=headers)
    assert answer.status == status
    assert answer.headers.get("access-control-allow-origin") == ([headers[0][1]] if allowed else None)
    assert answer.headers.get("access-control-allow-credentials") == (["true"] if allowed else None)
    assert answer.header("vary") == "Origin"
    if status == 204:
        assert answer.header("access-control-allow-methods") == "GET, HEAD, PUT"


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        (None, None),
        ("", None),
        ("deflate, gzip", "gzip"),
        ("GZIP", "gzip"),
        ("br, gzip;q=0.5", "gzip"),
        (" gzip ; q=1 ", "gzip"),
        ("*", "gzip"),
        ("gzip;q=0", None),
        ("*;q=0", None),
        ("identity", None),
        ("deflate", None),
    ],
)
def test_compression(call: Call, accepted: str | None, encoding: str | None) -> None:
    app = App(middleware=[Compression(10, encodings=["gzip"])])
    app.get("/x")(lambda: Response({"test": "value" * 100}, headers={"ETag": '"a"'}))
    answer = call(app, "GET", "/x", headers=[] if accepted is None else [("Accept-Encoding", accepted)])
    assert answer.headers.get("content-encoding") == (None if encoding is None else [encoding])
    assert answer.header("etag") == ('"a"' if encoding is None else 'W/"a"')
    assert answer.header("vary") == "Accept-Encoding"


def test_what_a_handler_has_set_stays(call: Call) -> None:
    app = App(middleware=[SecurityHeaders(cache_control="no-store")])
    app.get("/x")(
        lambda: Response(1, headers={"X-Frame-Options": "SAMEORIGIN", "Cache-Control": "max-age=600"})
    )
    answer = call(app, "GET", "/x")
    assert answer.header("x-frame-options") == "SAMEORIGIN"
    assert answer.header("cache-control") == "max-age=600"
    assert call(app, "GET", "/nothing").header("cache-control") == "no-store"


def test_state_ends_with_the_request() -> None:
    def layer(request: Any, call_next: Callable[[Any], Any]) -> Any:
        request.state["count"] = request.state.get("count", 0) + 1
        return call_next(request)

    app = App(middleware=[layer])
    app.get("/x")(lambda request: request.state)
    for _ in range(2):
        assert answer_of(app(event_of("v2", "GET", "/x"))).json == {"count": 1}
