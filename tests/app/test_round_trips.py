"""What a client sends arrives, and what a handler answers is received, the same through every source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent import App, Request, Response
from lambent.app.conversion import from_json, from_text
from lambent.app.routing import RouteTable
from lambent.testing import Client

if TYPE_CHECKING:
    from lambent.testing.answers import Answer, Source

_SETTINGS = settings(deadline=None, database=None, derandomize=True, max_examples=60)

_ENCODED: tuple[tuple[Source, dict[str, Any]], ...] = (
    ("http.v1", {}),
    ("http.v2", {"decode_path": False}),
    ("function_url", {}),
    ("alb", {}),
    ("alb_multi", {}),
)
"""Sources whose paths stay encoded: of HTTP APIs behind emulators that is so too."""
_SOURCES: tuple[tuple[Source, dict[str, Any]], ...] = (
    *_ENCODED,
    ("http.v2", {}),
    ("http.v2", {"stage": "live"}),
    ("http.v1", {"http_api": True}),
    ("http.v1", {"http_api": True, "stage": "$default"}),
)

_CHARACTERS = st.characters(exclude_categories=["Cs"])
_TEXT = st.text(_CHARACTERS, max_size=12) | st.text("/%+.&=;?#{} \0\r\nü2Ff", max_size=12)
_VALUE = _TEXT.filter(bool)
_TOKEN = st.text("abcXYZ019-_", min_size=1, max_size=8)
# Visible, and without what separates values or is taken off as blank.
_FIELD = st.text("abcXYZ 019-_/=:.", min_size=1, max_size=12).map(str.strip).filter(bool)


def _everywhere(
    app: App, method: str, path: str, sources: Any = _SOURCES, **members: Any
) -> list[tuple[Any, Answer]]:
    return [
        (source, Client(app, source[0], raise_errors=True).request(method, path, **source[1], **members))
        for source in sources
    ]


def _echo() -> App:
    app = App()

    @app.get("/one/{value}")
    def one(value: str) -> dict[str, str]:
        return {"one": value}

    @app.get("/two/{first}/{second}")
    def two(first: str, second: str) -> dict[str, str]:
        return {"first": first, "second": second}

    @app.get("/rest/{path+}")
    def rest(path: str) -> dict[str, str]:
        return {"rest": path}

    @app.get("/query")
    def query(request: Request) -> list[tuple[str, str]]:
        return list(request.query.items())

    @app.post("/echo")
    def echo(request: Request) -> Any:
        return {
            "headers": {name: request.headers.get_list(name) for name in request.headers},
            "cookies": request.cookies,
            "body": request.body.hex(),
        }

    return app


_ECHO = _echo()


# ---------------------------------------------------------------- requests


@_SETTINGS
@given(_VALUE, _VALUE)
def test_path_parameters(first: str, second: str) -> None:
    pair = f"/two/{quote(first, safe='')}/{quote(second, safe='')}"
    for source, answer in _everywhere(_ECHO, "GET", pair, _ENCODED):
        assert answer.json() == {"first": first, "second": second}, source
    for source, answer in _everywhere(_ECHO, "GET", f"/one/{quote(first, safe='')}", _ENCODED):
        assert answer.json() == {"one": first}, source


@_SETTINGS
@given(st.text(_CHARACTERS, min_size=1, max_size=12).filter(lambda text: not set(text) & set("%/?")))
def test_path_parameters_where_they_are_decoded(value: str) -> None:
    for source, answer in _everywhere(_ECHO, "GET", f"/one/{quote(value, safe='')}"):
        assert answer.json() == {"one": value}, source


@_SETTINGS
@given(st.lists(st.text("ab./ü", max_size=3), min_size=1, max_size=4))
def test_the_rest_of_a_path(segments: list[str]) -> None:
    path = "/rest/x" + "".join("/" + quote(segment, safe="") for segment in segments)
    expected = path.removeprefix("/rest/").rstrip("/")
    plain = "/".join(["x", *segments]) if "%" in expected else expected
    for source, answer in _everywhere(_ECHO, "GET", path, _ENCODED):
        assert answer.json()["rest"].rstrip("/") == plain.rstrip("/"), source


@_SETTINGS
@given(st.lists(st.tuples(_TEXT, _TEXT), max_size=5), st.sampled_from([quote, quote_plus]), st.booleans())
def test_queries(pairs: list[tuple[str, str]], encode: Any, bare: bool) -> None:
    pairs = [(name, value) for name, value in pairs if name]
    raw = "&".join(
        encode(name, safe="") if bare and not value else f"{encode(name, safe='')}={encode(value, safe='')}"
        for name, value in pairs
    )
    several: dict[str, list[str]] = {}
    for name, value in pairs:
        several.setdefault(name, []).append(value)
    grouped = [[name, value] for name, values in several.items() for value in values]
    last = [[name, values[-1]] for name, values in several.items()]
    for source, answer in _everywhere(_ECHO, "GET", "/query", query=raw):
        # A load balancer has one value of a name unless its target group takes more.
        assert answer.json() == (last if source[0] == "alb" else grouped), source


@_SETTINGS
@given(
    st.lists(st.tuples(_TOKEN.map("x-{}".format), _FIELD), max_size=4),
    st.dictionaries(_TOKEN, st.text("abcXYZ019-_/:.=", max_size=8), max_size=3),
)
def test_headers_and_cookies(fields: list[tuple[str, str]], cookies: dict[str, str]) -> None:
    several: dict[str, list[str]] = {}
    for name, value in fields:
        several.setdefault(name.lower(), []).append(value)
    for source, answer in _everywhere(_ECHO, "POST", "/echo", headers=fields, cookies=cookies):
        seen = answer.json()
        assert seen["cookies"] == cookies, source
        for name, values in several.items():
            found = seen["headers"][name]
            if source[0] in ("http.v1", "alb_multi"):
                assert sorted(found) == sorted(values), source  # two spellings are two lists
            elif source[0] == "alb":
                assert found == values[-1:], source
            else:
                assert found == [",".join(values)], source


@_SETTINGS
@given(st.binary(max_size=40) | _TEXT)
def test_bodies(body: str | bytes) -> None:
    expected = (body if isinstance(body, bytes) else body.encode()).hex()
    for source, answer in _everywhere(_ECHO, "POST", "/echo", body=body):
        assert answer.json()["body"] == expected, source


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False, allow_infinity=False) | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


@_SETTINGS
@given(_JSON)
def test_json(value: Any) -> None:
    app = App()

    @app.post("/")
    def same(request: Request) -> Any:
        return Response(request.json() if value is not None else b"null", content_type="application/json")

    if isinstance(value, str):
        return  # a text is a body as it is, not JSON
    for source, answer in _everywhere(app, "POST", "/", body=msgspec.json.encode(value)):
        assert answer.json() == value, source


# ---------------------------------------------------------------- answers


@_SETTINGS
@given(
    st.sampled_from([200, 201, 202, 302, 404, 418, 503]),
    st.dictionaries(_TOKEN.map(lambda token: f"x-{token.lower()}"), _FIELD, max_size=3),
    st.dictionaries(_TOKEN, st.text("abc019-_", max_size=6), max_size=4),
    st.binary(max_size=30) | _TEXT,
)
def test_answers(status: int, headers: dict[str, str], cookies: dict[str, str], body: str | bytes) -> None:
    app = App()

    @app.get("/")
    def answered() -> Response:
        response = Response(body, status, headers=headers)
        for name, value in cookies.items():
            response.set_cookie(name, value)
        return response

    for source, answer in _everywhere(app, "GET", "/"):
        assert answer.status == status, source
        assert answer.body == (body if isinstance(body, bytes) else body.encode()), source
        assert answer.cookies == cookies, source
        assert {name: answer.headers[name] for name in headers} == headers, source


# ---------------------------------------------------------------- what no client may break


@_SETTINGS
@given(
    st.text("ab/%+.;{}:0FfED\0 ü", max_size=10),
    st.text("ab=&%+;0FfED[] ü", max_size=10),
    st.text("ab=;, \"\\ü", max_size=10),
    st.binary(max_size=12),
    st.sampled_from(["application/json", "application/x-www-form-urlencoded", "text/plain", "", ";", "a/b+json"]),
    st.sampled_from(["GET", "POST", "HEAD", "OPTIONS", "PATCH", "TRACE", "BREW", "get", ""]),
)  # fmt: skip
def test_nothing_that_is_sent_is_an_error_of_the_app(
    path: str, query: str, cookie: str, body: bytes, content_type: str, method: str
) -> None:
    class Order(msgspec.Struct):
        a: int = 0
        b: str = ""

    app = App()

    @app.post("/{name}")
    @app.get("/x/{number}/{rest+}")
    def handler(request: Request) -> Any:
        return [request.path_parameters, list(request.query.items()), request.cookies, request.source_ip]

    @app.post("/{number}/b")
    def typed(number: int, order: Order, a: float = 0) -> Any:
        return [number, order, a]

    for at in (f"/{path}", f"/x/{path}", "/1/b"):
        for source in _ENCODED:
            answer = Client(app, source[0], raise_errors=True).request(
                method,
                at,
                query=query,
                headers={"cookie": cookie, "content-type": content_type},
                body=body,
                **source[1],
            )
            assert answer.status < 500, source


# ---------------------------------------------------------------- routing


def _fits(template: str, path: str) -> list[str] | None:
    """The reference: what a template's parameters are in a path, or None."""
    wanted, given_ = template.split("/")[1:], path.split("/")[1:]
    values: list[str] = []
    for index, segment in enumerate(wanted):
        if segment.endswith("+}"):
            rest = given_[index:]
            return [*values, "/".join(rest)] if any(rest) else None
        if index >= len(given_):
            return None
        if segment.startswith("{"):
            if not given_[index]:
                return None
            values.append(given_[index])
        elif segment != given_[index]:
            return None
    return values if len(wanted) == len(given_) else None


def _specific(template: str) -> list[int]:
    """The better a template, the smaller: literals before parameters before rests, from the left."""
    return [
        2 if segment.endswith("+}") else 1 if segment.startswith("{") else 0
        for segment in template.split("/")[1:]
    ]


_TEMPLATE = st.lists(st.sampled_from(["a", "b", "{}", "{}"]), min_size=1, max_size=4).flatmap(
    lambda segments: st.sampled_from(
        [segments, [*segments[:-1], "{+}"]],
    )
).map(
    lambda segments: "/" + "/".join(
        segment.replace("{", f"{{p{index}") for index, segment in enumerate(segments)
    )
)  # fmt: skip


@settings(_SETTINGS, max_examples=200)
@given(
    st.lists(_TEMPLATE, min_size=1, max_size=6, unique=True),
    st.lists(st.sampled_from(["a", "b", "c", "c", ""]), min_size=1, max_size=5).map(
        lambda segments: "/" + "/".join(segments)
    ),
    st.randoms(use_true_random=False),
)
def test_routes_are_those_of_the_reference(templates: list[str], path: str, random: Any) -> None:
    fitting = [template for template in templates if _fits(template, path) is not None]
    best = min(fitting, key=_specific, default=None)
    for _ in range(2):
        random.shuffle(templates)
        table: RouteTable[str] = RouteTable()
        for template in templates:
            table.add("GET", template, template)
        found = table.find(path)
        if best is None:
            assert found is None
        else:
            assert found is not None
            assert (found[0].template, found[1]) == (best, _fits(best, path))
        assert [entry.template for entry, _ in table.search(path)] == sorted(fitting, key=_specific)


# ---------------------------------------------------------------- decoding

_TYPES: list[tuple[Any, Any]] = [
    (int, st.integers(-(2**63), 2**63 - 1)),
    (float, st.floats(allow_nan=False, allow_infinity=False)),
    (bool, st.booleans()),
    (str, _TEXT),
    (list[int], st.lists(st.integers(-9, 9), max_size=3)),
    (dict[str, str], st.dictionaries(_TEXT, _TEXT, max_size=3)),
    (int | None, st.none() | st.integers(-9, 9)),
]


@_SETTINGS
@given(st.lists(st.sampled_from(range(len(_TYPES))), max_size=5), st.data())
def test_structs(kinds: list[int], data: st.DataObject) -> None:
    made = msgspec.defstruct("Made", [(f"m{index}", _TYPES[kind][0]) for index, kind in enumerate(kinds)])
    value = made(*(data.draw(_TYPES[kind][1]) for kind in kinds))
    text = msgspec.json.encode(value)
    decode = from_json(made)
    assert decode(text) == decode(text.decode()) == value


@pytest.mark.parametrize(("declared", "values"), _TYPES[:3], ids=["int", "float", "bool"])
def test_texts(declared: Any, values: Any) -> None:
    convert = from_text(declared)
    assert convert is not None

    @_SETTINGS
    @given(values)
    def same(value: Any) -> None:
        assert convert(str(value).lower()) == value

    same()
