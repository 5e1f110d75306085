"""Awkward requests over real HTTP to an app of the framework: behind a URL, and behind HTTP APIs of both payloads.

What hand-made events only claim, a client asks here. Where the ways in differ, they differ on AWS: HTTP APIs hand
paths on decoded, function URLs as they were sent.
"""

from __future__ import annotations

import base64
import socket
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from bench.targets import framework_files
from tests.platform.front_doors import Door, function_url, http_api

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.platform.conftest import Platform

PNG = b"\x89PNG\x00\xff"

APP = """
import base64
from typing import Annotated

from lambent import App, Header, Query, Request, Response

app = App("edges")

@app.get("/orders/{id}")
def order(id: str):
    return {"id": id}

@app.get("/items/{id}")
def item(id: str):
    return {"id": id}

@app.get("/items/special")
def special():
    return {"special": True}

@app.get("/files/{path+}")
def file(path: str):
    return {"path": path}

@app.post("/echo")
def echo(request: Request):
    return {"b64": base64.b64encode(request.body).decode()}

@app.get("/in")
def taken(request: Request, x_multi: Annotated[str, Header()] = "", a: Annotated[list[str], Query()] = []):
    return {"x": x_multi, "a": a, "c": dict(request.cookies)}

@app.get("/set-cookies")
def cookies():
    answer = Response("ok")
    answer.set_cookie("a", "1")
    answer.set_cookie("b", "2", secure=False)
    return answer

@app.get("/binary")
def binary():
    return Response(b"\\x89PNG\\x00\\xff", content_type="image/png")

@app.get("/empty")
def empty():
    return None

@app.get("/problem")
def problem():
    return Response({"title": "no"}, 400, content_type="application/problem+json")

@app.get("/boom")
def boom():
    raise ValueError("secret detail")

@app.get("/moved")
def moved():
    return Response(status=302, headers={"location": "/orders/1"})
"""


@pytest.fixture(scope="module")
def doors(platform: Platform) -> dict[str, Door]:
    """Every way into one function, by its name."""
    function = platform.create(APP, files=framework_files(), Handler="app.app", MemorySize=256)
    return {
        "url": function_url(platform, function),
        "2.0": http_api(platform, function),
        "1.0": http_api(platform, function, payload="1.0"),
        "2.0 in a stage": http_api(platform, function, stage="live"),
        "1.0 in a stage": http_api(platform, function, payload="1.0", stage="live"),
    }


WAYS = ("url", "2.0", "1.0", "2.0 in a stage", "1.0 in a stage")


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def door(doors: dict[str, Door], way: str) -> Door:
    return doors[way]


class Case(NamedTuple):
    """A request, and the status and JSON of the answer; `apis` is the JSON or the status of HTTP APIs if it differs."""

    path: str
    status: int
    json: Any = None
    apis: Any = None
    method: str = "GET"
    body: bytes | None = None
    headers: Mapping[str, str] = {}


def b64(data: bytes) -> dict[str, str]:
    return {"b64": base64.b64encode(data).decode()}


TEXT = {"Content-Type": "application/json"}
BYTES = {"Content-Type": "application/octet-stream"}
NOTHING: dict[str, Any] = {"x": "", "a": [], "c": {}}

CASES = {
    "static beats parameter": Case("/items/special", 200, {"special": True}),
    "parameter beside static": Case("/items/other", 200, {"id": "other"}),
    "unknown path": Case("/nope", 404),
    "deeper than a route": Case("/orders/1/lines", 404),
    "trailing slash": Case("/orders/1/", 200, {"id": "1"}),
    "rest of the path": Case("/files/a/b/c.txt", 200, {"path": "a/b/c.txt"}),
    "escaped space": Case("/orders/a%20b", 200, {"id": "a b"}),
    "plus is no space in a path": Case("/orders/a+b", 200, {"id": "a+b"}),
    # Decoded by the gateway it is a path of three segments.
    "escaped slash": Case("/orders/a%2Fb", 200, {"id": "a/b"}, apis=404),
    "escaped UTF-8": Case("/orders/%C3%BC", 200, {"id": "ü"}),
    "escaped twice": Case("/orders/a%2520b", 200, {"id": "a%20b"}, apis={"id": "a b"}),
    "letters that need no escape": Case("/orders/a:b@c,d;e=f", 200, {"id": "a:b@c,d;e=f"}),
    "query": Case("/in?a=1", 200, NOTHING | {"a": ["1"]}),
    "escaped query": Case("/in?a=x%20y%2C%C3%BC+z", 200, NOTHING | {"a": ["x y,ü z"]}),
    "query without a value": Case("/in?a", 200, NOTHING | {"a": [""]}),
    "query that is empty": Case("/in?", 200, NOTHING),
    "request cookies": Case(
        "/in", 200, NOTHING | {"c": {"s": "1", "t": "2"}}, headers={"Cookie": "s=1; t=2"}
    ),
    "UTF-8 body": Case("/echo", 200, b64("ü€".encode()), method="POST", body="ü€".encode(), headers=TEXT),
    "binary body": Case("/echo", 200, b64(PNG), method="POST", body=PNG, headers=BYTES),
    "binary body that is said to be text": Case(
        "/echo", 200, b64(PNG), method="POST", body=PNG, headers=TEXT
    ),
    "no body": Case("/echo", 200, b64(b""), method="POST"),
    "body without a type": Case("/echo", 200, b64(b"plain"), method="POST", body=b"plain"),
    "problem": Case("/problem", 400, {"title": "no"}),
}


@pytest.mark.parametrize("name", CASES)
def test_an_awkward_request(door: Door, way: str, name: str) -> None:
    case = CASES[name]
    answer = door(case.method, case.path, case.body, case.headers)
    status, value = case.status, case.json
    if way != "url" and case.apis is not None:
        status, value = (case.apis, None) if isinstance(case.apis, int) else (case.status, case.apis)
    assert answer.status == status, answer.body
    if value is not None:
        assert answer.json == value


def test_repeated_headers_are_one(door: Door) -> None:
    fields = b"x-multi: 1\r\nx-multi: 2\r\n"
    status, _, body = ask(door, b"GET " + door.prefix.encode() + b"/in HTTP/1.1", fields)
    assert status == 200
    # Payload 1.0 keeps both apart, and of two the last is what a text gets.
    assert (b'"x":"1,2"' in body.replace(b" ", b"")) or b'"x":"2"' in body.replace(b" ", b"")


def test_repeated_queries(door: Door, way: str) -> None:
    answer = door("GET", "/in?a=1&b=0&a=2")
    # Payload 2.0 has them twice, decoded and joined, and as they were sent: the app reads the latter.
    assert answer.json["a"] == ["1", "2"], way


def test_cookies_in_two_headers(door: Door) -> None:
    fields = b"cookie: s=1\r\ncookie: t=2\r\n"
    _, _, body = ask(door, b"GET " + door.prefix.encode() + b"/in HTTP/1.1", fields)
    assert b'"c":{"s":"1","t":"2"}' in body.replace(b" ", b"")


def test_wrong_method(door: Door) -> None:
    answer = door("DELETE", "/orders/1")
    assert answer.status == 405
    assert "GET" in answer.headers["allow"]


def test_head(door: Door) -> None:
    answer = door("HEAD", "/orders/1")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["content-type"].startswith("application/json")


def test_two_cookies_are_set(door: Door) -> None:
    answer = door("GET", "/set-cookies")
    cookies = answer.headers.get_all("set-cookie")
    assert [cookie.partition(";")[0] for cookie in cookies or ()] == ["a=1", "b=2"]


def test_binary_answer(door: Door) -> None:
    answer = door("GET", "/binary", headers={"Accept": "image/png"})
    assert (answer.status, answer.body) == (200, PNG)
    assert (answer.headers["content-type"], answer.headers["content-length"]) == ("image/png", str(len(PNG)))


def test_nothing(door: Door) -> None:
    answer = door("GET", "/empty")
    assert (answer.status, answer.body) == (204, b"")
    # RFC 9110, 8.6: an answer with 204 has no Content-Length.
    assert answer.headers["content-length"] is None
    assert answer.headers["transfer-encoding"] is None


def test_problem(door: Door) -> None:
    assert door("GET", "/problem").headers["content-type"] == "application/problem+json"


def test_redirection(door: Door) -> None:
    answer = door("GET", "/moved")
    assert (answer.status, answer.headers["location"]) == (302, "/orders/1")


def test_unhandled_error(door: Door) -> None:
    answer = door("GET", "/boom")
    assert answer.status == 500
    assert b"secret" not in answer.body
    assert answer.headers["content-type"].startswith("application/json")


def test_ids_of_requests(door: Door, way: str) -> None:
    name = "x-amzn-requestid" if way == "url" else "apigw-requestid"
    ids = {door("GET", path).headers[name] for path in ("/orders/1", "/nope", "/boom")}
    assert len(ids) == 3
    assert None not in ids


# ---------------------------------------------------------------- routes of the gateway itself


@pytest.fixture(scope="module")
def routed(platform: Platform, doors: dict[str, Door]) -> Door:
    """An API that names its routes, so that it refuses what it has none for."""
    keys = ("GET /orders/{id}", "ANY /items/{proxy+}", "GET /items/special", "POST /echo")
    return http_api(platform, doors["url"].function, keys=keys)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/orders/1", 200),
        ("GET", "/items/special", 200),
        ("DELETE", "/items/special", 405),  # reaches the app by {proxy+}
        ("POST", "/echo", 200),
        # The gateway's own answers are 404, whatever is missing: HTTP APIs have no 405.
        ("DELETE", "/orders/1", 404),
        ("HEAD", "/orders/1", 404),
        ("GET", "/echo", 404),
        ("GET", "/nope", 404),
        ("GET", "/items", 404),
    ],
)
def test_what_the_gateway_routes(routed: Door, method: str, path: str, status: int) -> None:
    answer = routed(method, path)
    assert answer.status == status
    if status == 404:
        assert answer.body == (b"" if method == "HEAD" else b'{"message":"Not Found"}')
        assert answer.headers["content-type"] == "application/json"


def ask(door: Door, line: bytes, fields: bytes) -> tuple[int, bytes, bytes]:
    """What a request of these fields gets: status, head, body. `http.client` cannot repeat a field."""
    with socket.create_connection(door.platform.address, timeout=30) as client:
        client.sendall(b"%s\r\nHost: %s\r\nConnection: close\r\n%s\r\n" % (line, door.host.encode(), fields))
        received = b""
        while piece := client.recv(65536):
            received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    return int(head.split()[1]), head, body
