"""Parameters of handlers, from type hints."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import functools
import json
import uuid
from typing import Annotated, Any, Literal, TypedDict

import attrs
import msgspec
import pydantic
import pytest
from tests.app.conftest import Answer, answer_of, event_of

from lambent import App, AppError, Body, Cookie, Header, Path, Query, Request

JSON = [("Content-Type", "application/json")]


class Colour(enum.Enum):
    RED = "red"


class Line(msgspec.Struct):
    sku: str
    quantity: Annotated[int, msgspec.Meta(ge=1)] = 1


class Order(msgspec.Struct):
    lines: list[Line]
    note: str | None = None


@dataclasses.dataclass
class Plain:
    name: str
    age: int = 0


@attrs.define
class Attrs:
    name: str


class Typed(TypedDict):
    name: str


class Model(pydantic.BaseModel):
    name: pydantic.constr(min_length=2)  # type: ignore[valid-type]
    tags: list[int] = []


def send(handler: Any, method: str = "GET", path: str = "/", template: str = "/", **members: Any) -> Answer:
    app = App(reraise=True)
    app.route(template, methods=[method])(handler)
    return answer_of(app(event_of("v2", method, path, **members)))


@pytest.mark.parametrize(
    ("declared", "text", "value"),
    [
        (str, "5", "5"),
        (int, "-5", -5),
        (float, "1.5", 1.5),
        (bool, "true", True),
        (bool, "0", False),
        (int | None, "5", 5),
        (Colour, "red", Colour.RED),
        (Literal["a", "b"], "b", "b"),
        (Literal[1, 2], "2", 2),
        (
            uuid.UUID,
            "7e9b8b4c-5f0e-4d0a-9b5e-0a0b0c0d0e0f",
            uuid.UUID("7e9b8b4c-5f0e-4d0a-9b5e-0a0b0c0d0e0f"),
        ),
        (datetime.date, "2026-11-21", datetime.date(2026, 11, 21)),
        (datetime.datetime, "2026-11-21T10:00:00Z", datetime.datetime(2026, 11, 21, 10, tzinfo=datetime.UTC)),
        (decimal.Decimal, "1.10", decimal.Decimal("1.10")),
        (Annotated[int, msgspec.Meta(ge=1)], "1", 1),
    ],
    ids=str,
)
@pytest.mark.parametrize("place", ["path", "query", "header", "cookie"])
def test_values_from_text(place: str, declared: Any, text: str, value: Any) -> None:
    got: list[Any] = []

    def handler(one: Any) -> None:
        got.append(one)

    marker = {"path": Path, "query": Query, "header": Header, "cookie": Cookie}[place]()
    handler.__annotations__ = {"one": Annotated[declared, marker]}
    members: Any = {
        "path": {"path": f"/{text}", "template": "/{one}"},
        "query": {"query": [("one", text)]},
        "header": {"headers": [("One", text)]},
        "cookie": {"cookies": [f"one={text}"]},
    }[place]
    assert send(handler, **members).status == 204
    assert got == [value]


@dataclasses.dataclass
class Ratio:
    part: float
    weights: list[float] = dataclasses.field(default_factory=list)


@pytest.mark.parametrize("text", ["nan", "inf", "-inf", "Infinity", "NaN"])
@pytest.mark.parametrize(
    "declared", [float, float | None, list[float], Annotated[float, msgspec.Meta(title="x")]]
)
def test_words_that_python_takes_for_numbers(declared: Any, text: str) -> None:
    def handler(one: Any) -> Any:
        return one

    handler.__annotations__ = {"one": declared}
    answer = send(handler, query=[("one", text)])
    assert answer.status == 422
    (detail,) = answer.json["details"]
    assert detail["name"] == ("one[0]" if declared == list[float] else "one")
    assert detail["message"].startswith("Expected a number, got `")
    assert send(handler, query=[("one", "1e3")]).json == ([1000.0] if declared == list[float] else 1000.0)


def test_words_that_python_takes_for_numbers_in_forms() -> None:
    def handler(body: Ratio) -> Any:
        return body

    headers = [("content-type", "application/x-www-form-urlencoded")]
    answer = send(handler, "POST", headers=headers, body="part=nan&weights=1&weights=inf")
    assert answer.status == 422
    assert [(one["name"], one["message"]) for one in answer.json["details"]] == [
        ("part", "Expected a number, got `nan`"),
        ("weights[1]", "Expected a number, got `inf`"),
    ]
    assert send(handler, "POST", headers=headers, body="part=0.5").json == {"part": 0.5, "weights": []}


def test_everything_at_once_and_all_that_is_wrong() -> None:
    def handler(
        number: int,
        limit: Annotated[int, msgspec.Meta(le=100)],
        order: Order,
        *,
        agent: Annotated[str, Header("user-agent")],
        session: Annotated[uuid.UUID, Cookie],
        page: int = 1,
    ) -> list[Any]:
        return [number, limit, order, agent, str(session), page]

    answer = send(
        handler, "POST", "/1", "/{number}", query=[("limit", "100")], headers=[*JSON, ("User-Agent", "x")],
        cookies=["session=7e9b8b4c-5f0e-4d0a-9b5e-0a0b0c0d0e0f"], body='{"lines": [{"sku": "a"}]}',
    )  # fmt: skip
    assert answer.json == [
        1, 100, {"lines": [{"sku": "a", "quantity": 1}], "note": None}, "x", "7e9b8b4c-5f0e-4d0a-9b5e-0a0b0c0d0e0f", 1
    ]  # fmt: skip
    answer = send(
        handler, "POST", "/x", "/{number}", query=[("limit", "101"), ("page", "z")], headers=JSON,
        body='{"lines": [{"sku": "a", "quantity": 0}]}',
    )  # fmt: skip
    assert (answer.status, answer.json["code"]) == (422, "VALIDATION_FAILED")
    assert answer.json["details"] == [
        {"in": "path", "name": "number", "message": "Expected `int`, got `str`"},
        {"in": "query", "name": "limit", "message": "Expected `int` <= 100"},
        {"in": "body", "name": "lines[0].quantity", "message": "Expected `int` >= 1"},
        {"in": "header", "name": "user-agent", "message": "It is missing"},
        {"in": "cookie", "name": "session", "message": "It is missing"},
        {"in": "query", "name": "page", "message": "Expected `int`, got `str`"},
    ]


def test_several_values() -> None:
    def handler(
        tag: list[int], kind: set[str] | None = None, x: Annotated[list[str] | None, Header] = None
    ) -> list[Any]:
        return [tag, sorted(kind or ()), x or []]

    answer = send(handler, query=[("tag", "1"), ("tag", "2"), ("kind", "a")], headers=[("X", "1")])
    assert answer.json == [[1, 2], ["a"], ["1"]]
    assert send(handler).json == [[], [], []]
    assert send(handler, query=[("tag", "a")]).json["details"][0]["name"] == "tag[0]"


def test_the_last_of_several_values_counts() -> None:
    assert send(lambda a: a, query=[("a", "1"), ("a", "2")]).text == "2"


@pytest.mark.parametrize(
    ("declared", "body", "result"),
    [
        (Order, '{"lines": []}', {"lines": [], "note": None}),
        (Plain, '{"name": "x"}', {"name": "x", "age": 0}),
        (Attrs, '{"name": "x"}', {"name": "x"}),
        (Typed, '{"name": "x"}', {"name": "x"}),
        (Model, '{"name": "xy", "tags": ["1"]}', {"name": "xy", "tags": [1]}),
        (list[Model], '[{"name": "xy"}]', [{"name": "xy", "tags": []}]),
        (Model | None, '{"name": "xy"}', {"name": "xy", "tags": []}),
        (list[Line], '[{"sku": "a"}]', [{"sku": "a", "quantity": 1}]),
        (dict, '{"a": [1]}', {"a": [1]}),
        (dict[str, int], '{"a": 1}', {"a": 1}),
        (Plain | None, '{"name": "x"}', {"name": "x", "age": 0}),
        (Annotated[list[int], Body], "[1]", [1]),
        (Annotated[int, Body()], "5", 5),
        (Annotated[Colour, Body()], '"red"', "red"),
        (Annotated[Any, Body], '["x"]', ["x"]),
    ],
    ids=str,
)
@pytest.mark.parametrize("as_bytes", [False, True])
def test_bodies(declared: Any, body: str, result: Any, as_bytes: bool) -> None:
    def handler(it: Any) -> Any:
        return it

    handler.__annotations__ = {"it": declared}
    sent = body.encode() if as_bytes else body
    assert send(handler, "POST", body=sent, headers=JSON).json == result
    answer = send(handler, "POST", body="{", headers=JSON)
    assert (answer.status, answer.json["code"]) == (400, "BAD_REQUEST")


@pytest.mark.parametrize(
    ("declared", "body", "name"),
    [
        (Order, '{"lines": [{"quantity": 1}]}', "lines[0].sku"),
        (Order, "[]", ""),
        (Plain, '{"name": "x", "age": "old"}', "age"),
        (Typed, "{}", "name"),
        (Model, '{"name": "x"}', "name"),
        (list[Model], '[{"name": "xy", "tags": ["a"]}]', "[0].tags[0]"),
        (Order, "", ""),
    ],
    ids=str,
)
def test_bodies_that_do_not_fit(declared: Any, body: str, name: str) -> None:
    def handler(it: Any) -> Any:
        return it

    handler.__annotations__ = {"it": declared}
    answer = send(handler, "POST", body=body, headers=JSON)
    assert answer.status == 422
    (detail,) = answer.json["details"]
    assert (detail["in"], detail["name"]) == ("body", name)
    assert detail["message"]


def test_a_body_may_be_left_out() -> None:
    def handler(order: Order | None = None) -> Any:
        return order is None

    assert send(handler, "POST").json is True
    assert send(handler, "POST", body="null", headers=JSON).json is True


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json; charset=utf-8", 200),
        ("Application/JSON", 200),
        ("application/vnd.api+json", 200),
        (None, 200),
        ("text/xml", 415),
        ("multipart/form-data; boundary=x", 415),
    ],
)
def test_content_types(content_type: str | None, status: int) -> None:
    def handler(it: Line) -> Line:
        return it

    headers = [("Content-Type", content_type)] if content_type else []
    assert send(handler, "POST", body='{"sku": "a"}', headers=headers).status == status


class Form(msgspec.Struct):
    name: str
    age: int
    tags: list[str] = []


@pytest.mark.parametrize("declared", [Form, dict, dict[str, str]], ids=str)
def test_forms(declared: Any) -> None:
    def handler(it: Any) -> Any:
        return it

    handler.__annotations__ = {"it": declared}
    headers = [("Content-Type", "application/x-www-form-urlencoded")]
    answer = send(handler, "POST", body="name=a+b&age=5&tags=x", headers=headers)
    expected: Any = {"name": "a b", "age": "5", "tags": "x"}
    assert answer.json == ({"name": "a b", "age": 5, "tags": ["x"]} if declared is Form else expected)
    if declared is Form:
        assert send(handler, "POST", body="name=a&age=x", headers=headers).json["details"][0]["name"] == "age"


def test_raw_bodies() -> None:
    def as_bytes(body: bytes) -> bytes:
        return body

    def as_text(body: str) -> str:
        return body

    assert send(as_bytes, "PUT", body=b"\xff").body == b"\xff"
    assert send(as_text, "PUT", body="ü").text == "ü"
    assert send(as_text, "PUT", body=b"\xff").status == 400


def test_the_request_the_event_and_the_context() -> None:
    def handler(request: Request, event: dict[str, Any], context: Any) -> list[Any]:
        return [request.method, event["version"], context]

    assert send(handler).json == ["GET", "2.0", None]
    assert send(lambda request: request.path, path="/x", template="/x").text == "/x"


def test_signatures_of_all_kinds() -> None:
    class Shop:
        def method(self, number: int) -> int:
            return number

        @staticmethod
        def static(number: int) -> int:
            return number

        def __call__(self, number: int) -> int:
            return number

    def decorated(number: int) -> int:
        return number

    @functools.wraps(decorated)
    def around(*args: Any, **kwargs: Any) -> Any:
        return decorated(*args, **kwargs)

    def anything(number: int, **rest: Any) -> int:
        return number

    for handler in (Shop().method, Shop.static, Shop(), around, anything):
        assert send(handler, path="/5", template="/{number}").json == 5


def test_types_that_are_local_where_the_handler_is() -> None:
    class Local(msgspec.Struct):
        a: int

    def handler(it: Local) -> Local:
        return it

    assert send(handler, "POST", body='{"a": 1}').json == {"a": 1}


# ---------------------------------------------------------------- what is wrong with a handler


def not_taken() -> None: ...
def two_bodies(a: Order, b: Plain) -> None: ...
def body_of_a_get(order: Order) -> None: ...
def no_such_type(a: Nowhere) -> None: ...  # type: ignore[name-defined]  # noqa: F821
def from_no_text(a: Annotated[object, Query] = None) -> None: ...
def not_in_the_path(a: Annotated[int, Path]) -> None: ...
def any_number(*numbers: int) -> None: ...
def unsupported(a: Annotated[complex, Query]) -> None: ...


@pytest.mark.parametrize(
    ("handler", "method", "template", "reason"),
    [
        (not_taken, "GET", "/{number}", "does not take 'number', which is in the path: add the parameter"),
        (two_bodies, "POST", "/", "both 'a' and 'b' would be the body"),
        (body_of_a_get, "GET", "/", "'order' would be the body, which a GET request does not have"),
        (no_such_type, "GET", "/", "the type hint 'Nowhere' is not known"),
        (not_in_the_path, "GET", "/", "'a' is not in the path"),
        (any_number, "GET", "/", "takes \\*numbers: name its parameters"),
        (unsupported, "GET", "/", "'a' cannot be made from a request"),
    ],
)
def test_mistakes_are_told_where_they_are_made(handler: Any, method: str, template: str, reason: str) -> None:
    with pytest.raises(AppError, match=reason) as caught:
        App().route(template, methods=[method])(handler)
    assert f"{handler.__name__} ({__file__}:{handler.__code__.co_firstlineno})" in str(caught.value)


def test_a_handler_that_takes_the_request_may_leave_out_the_path() -> None:
    assert (
        send(lambda request: json.dumps(request.path_parameters), path="/1", template="/{a}").text
        == '{"a": "1"}'
    )


@pytest.mark.parametrize(
    ("text", "flag"),
    [("on", True), ("Yes", True), ("1", True), ("true", True), ("off", False), ("NO", False), ("0", False)],
)
def test_flags(text: str, flag: bool) -> None:
    class Ticks(msgspec.Struct):
        ticked: bool
        other: bool | None = None

    def query(ticked: bool, other: bool | None = None) -> Any:
        return [ticked, other]

    def form(body: Ticks) -> Any:
        return [body.ticked, body.other]

    fields = f"ticked={text}&other={text}"
    form_type = [("Content-Type", "application/x-www-form-urlencoded")]
    assert send(query, "GET", query=[("ticked", text), ("other", text)]).json == [flag, flag]
    assert send(form, "POST", body=fields, headers=form_type).json == [flag, flag]


def test_what_is_no_flag() -> None:
    def query(ticked: bool) -> Any:
        return ticked

    assert send(query, "GET", query=[("ticked", "maybe")]).status == 422


def test_lists_in_headers(source: str) -> None:
    app = App()

    @app.get("/")
    def handler(x_list: Annotated[list[int], Header]) -> Any:
        return x_list

    event = event_of(source, "GET", "/", headers=[("X-List", "1, 2"), ("X-List", "3")])
    expected = (
        [3] if source == "alb" else [1, 2, 3]
    )  # without multi-value headers the last field is all there is
    assert answer_of(app(event)).json == expected
