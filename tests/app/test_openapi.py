"""The description of an app, checked by a validator of OpenAPI."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import uuid
from http import HTTPStatus
from typing import Annotated, Any, ClassVar, Literal

import msgspec
import pydantic
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator, validate
from tests.app.conftest import answer_of, event_of

from lambent import ApiKey, App, AppError, Bearer, Cookie, Header, Layer, Query, Request, Response, Verifier

VERIFIER = Verifier(issuer="me", audience="you", keys=b"s" * 32, algorithms=["HS256"])


class Colour(enum.Enum):
    RED = "red"


class Line(msgspec.Struct):
    sku: Annotated[str, msgspec.Meta(pattern="^[a-z]+$", examples=["abc"])]
    quantity: Annotated[int, msgspec.Meta(ge=1, le=9)] = 1
    price: decimal.Decimal | None = None


class Order(msgspec.Struct, rename="camel"):
    order_id: uuid.UUID
    lines: Annotated[list[Line], msgspec.Meta(min_length=1)]
    placed_at: datetime.datetime
    colour: Colour
    parent: Order | None = None


@dataclasses.dataclass
class Plain:
    name: str


class Model(pydantic.BaseModel):
    name: str
    inner: list[Plain] = []


@pytest.fixture
def app() -> App:
    app = App("shop")

    @app.get("/orders/{order_id}", tags=["orders"], responses={404: "There is no such order", 202: Plain})
    def get_order(order_id: int, expand: Annotated[bool, Query] = False) -> Order:
        """One order.

        With everything
        that belongs to it.
        """
        raise NotImplementedError

    @app.post("/orders", status=201, summary="Place an order")
    def place(
        order: Order, key: Annotated[str, Header("idempotency-key")], session: Annotated[str, Cookie]
    ) -> Order:
        raise NotImplementedError

    @app.route("/files/{path+}", methods=["PUT", "DELETE"], deprecated=True)
    def file(request: Request) -> None:
        raise NotImplementedError

    @app.put("/models")
    def models(models: list[Model], tag: list[Literal["a", "b"]]) -> Model:
        raise NotImplementedError

    @app.get("/text")
    def text() -> str:
        raise NotImplementedError

    @app.post("/raw")
    def raw(body: bytes) -> Response:
        raise NotImplementedError

    app.get("/internal", hidden=True)(lambda: 1)
    return app


def test_it_is_valid(app: App) -> None:
    document = msgspec.to_builtins(
        app.openapi(title="Shop", servers=["https://shop.example"], description="All of it")
    )
    validate(document, cls=OpenAPIV31SpecValidator)
    assert document["info"] == {"title": "Shop", "version": "1.0.0", "description": "All of it"}
    assert list(document["paths"]) == [
        "/orders/{order_id}",
        "/orders",
        "/files/{path}",
        "/models",
        "/text",
        "/raw",
    ]


def test_an_operation(app: App) -> None:
    operation = app.openapi()["paths"]["/orders/{order_id}"]["get"]
    assert {key: operation[key] for key in ("operationId", "summary", "description", "tags")} == {
        "operationId": "get_order",
        "summary": "One order",
        "description": "With everything\nthat belongs to it.",
        "tags": ["orders"],
    }
    assert operation["parameters"] == [
        {"name": "order_id", "in": "path", "required": True, "schema": {"type": "integer"}, "example": 1},
        {
            "name": "expand",
            "in": "query",
            "required": False,
            "schema": {"type": "boolean", "default": False},
            "example": False,
        },
    ]
    assert list(operation["responses"]) == ["200", "422", "404", "202", "default"]
    assert operation["responses"]["404"]["description"] == "There is no such order"


def test_examples_fit_their_schemas(app: App) -> None:
    document = app.openapi()
    content = document["paths"]["/orders"]["post"]["requestBody"]["content"]["application/json"]
    assert content["schema"] == {"$ref": "#/components/schemas/Order"}
    order = msgspec.convert(content["example"], Order)
    assert order.lines == [Line("abc", 1, None)]
    models = document["paths"]["/models"]["put"]["requestBody"]["content"]["application/json"]["example"]
    assert [Model.model_validate(one) for one in models]


def test_names_of_parameters_are_those_of_requests(app: App) -> None:
    parameters = app.openapi()["paths"]["/orders"]["post"]["parameters"]
    assert [(one["in"], one["name"], one["required"]) for one in parameters] == [
        ("header", "idempotency-key", True),
        ("cookie", "session", True),
    ]


def test_bodies_and_answers_of_other_kinds(app: App) -> None:
    paths = app.openapi()["paths"]
    assert list(paths["/raw"]["post"]["requestBody"]["content"]) == ["application/octet-stream"]
    assert "content" not in paths["/raw"]["post"]["responses"]["200"]
    assert list(paths["/text"]["get"]["responses"]["200"]["content"]) == ["text/plain"]
    assert list(paths["/files/{path}"]["put"]["responses"]) == ["204", "default"]
    assert {one["operationId"] for one in paths["/files/{path}"].values()} == {"file_put", "file_delete"}


def test_an_app_can_answer_with_it(app: App) -> None:
    app.serve_openapi(version="2")
    answer = answer_of(app(event_of("v2", "GET", "/openapi.json")))
    assert answer.header("content-type") == "application/json"
    assert answer.json["info"]["version"] == "2"
    assert "/openapi.json" not in answer.json["paths"]


def test_security_schemes() -> None:
    app = App()
    app.get("/")(lambda: 1)
    document = app.openapi(security={"key": {"type": "apiKey", "in": "header", "name": "x-api-key"}})
    validate(document, cls=OpenAPIV31SpecValidator)
    assert document["security"] == [{"key": []}]


class Token(Layer):
    """A layer with a scheme that tells no more."""

    security_schemes: ClassVar = {"token": {"type": "http", "scheme": "bearer"}}


@pytest.mark.parametrize(
    ("of_app", "of_route", "everywhere", "there"),
    [
        ([], [], None, None),
        ([ApiKey("k")], [], [{"api_key": []}], None),
        ([], [ApiKey("k", optional=True)], None, [{"api_key": []}, {}]),
        ([], [Token()], None, [{"token": []}]),
        ([ApiKey("k")], [Token()], [{"api_key": []}], [{"api_key": [], "token": []}]),
        (
            [ApiKey("k", query="key")],
            [Token()],
            [{"api_key": []}, {"api_key_query_key": []}],
            [{"api_key": [], "token": []}, {"api_key_query_key": [], "token": []}],
        ),
        (
            [Bearer(VERIFIER, scopes=["read"], optional=True)],
            [Bearer(VERIFIER, scopes=["write"])],
            [{"bearer": ["read"]}, {}],
            [{"bearer": ["read", "write"]}, {"bearer": ["write"]}],
        ),
    ],
)
def test_layers_tell_what_they_need(
    of_app: list[Any], of_route: list[Any], everywhere: Any, there: Any
) -> None:
    app = App(middleware=of_app)
    app.get("/", middleware=of_route)(lambda: 1)
    document = app.openapi()
    validate(document, cls=OpenAPIV31SpecValidator)
    assert document.get("security") == everywhere
    assert document["paths"]["/"]["get"].get("security") == there


def test_operation_ids_are_unique() -> None:
    app = App()

    def same() -> int:
        return 1

    app.get("/")(app.get("/b/{c}")(app.post("/b/{c}")(lambda c="": c)))
    app.get("/d")(same)
    app.put("/d")(same)
    app.route("/e", methods=["GET", "PUT"])(same)
    app.get("/f", operation_id="same")(same)
    document = app.openapi()
    validate(document, cls=OpenAPIV31SpecValidator)
    assert [one["operationId"] for path in document["paths"].values() for one in path.values()] == [
        "lambda_b_c_post",
        "lambda_b_c_get",
        "lambda_root_get",
        "same_d_get",
        "same_d_put",
        "same_get",
        "same_put",
        "same",
    ]


def test_types_of_the_same_name_stay_apart() -> None:
    struct = msgspec.defstruct("Same", [("a", int)])
    models = [
        pydantic.create_model("Same", __module__="one", b=(int, ...)),
        pydantic.create_model("Same", __module__="other", c=(int, ...)),
    ]
    error = msgspec.defstruct("Error", [("reason", str)])
    app = App()
    for path, takes, gives in (("/1", struct, models[0]), ("/2", models[1], error)):

        def one(body: Any) -> Any:
            raise NotImplementedError

        one.__annotations__ = {"body": takes, "return": gives}
        app.post(path)(one)
    document = app.openapi()
    validate(document, cls=OpenAPIV31SpecValidator)

    def members_of(content: dict[str, Any]) -> list[str]:
        reference = content["content"]["application/json"]["schema"]["$ref"]
        return list(document["components"]["schemas"][reference.rpartition("/")[2]]["properties"])

    operations = [path["post"] for path in document["paths"].values()]
    assert [members_of(one["requestBody"]) for one in operations] == [["a"], ["c"]]
    assert [members_of(one["responses"]["200"]) for one in operations] == [["b"], ["reason"]]
    assert [members_of(one["responses"]["422"]) for one in operations] == [["error", "code", "details"]] * 2


def test_a_model_and_a_struct_of_the_same_name() -> None:
    takes = msgspec.defstruct("Same", [("a", int)])
    gives = pydantic.create_model("Same", b=(int, ...))

    def handler(body: Any) -> Any:
        raise NotImplementedError

    handler.__annotations__ = {"body": takes, "return": list[gives]}  # type: ignore[valid-type] # made here
    app = App()
    app.post("/")(handler)
    document = app.openapi()
    validate(document, cls=OpenAPIV31SpecValidator)
    components = document["components"]["schemas"]
    assert {name: list(one["properties"]) for name, one in components.items() if name != "Error"} == {
        "Same": ["a"],
        "SameModel": ["b"],
    }
    content = document["paths"]["/"]["post"]["responses"]["200"]["content"]["application/json"]
    assert content["schema"]["items"] == {"$ref": "#/components/schemas/SameModel"}


def test_what_openapi_has_no_place_for() -> None:
    app = App()
    app.route("/a", methods=["PURGE", "GET"], operation_id="a")(lambda: 1)
    app.get("/f/{name}", operation_id="one")(lambda name: name)
    app.get("/f/{name:path}", operation_id="all")(lambda name: name)
    document = app.openapi()
    validate(document, cls=OpenAPIV31SpecValidator)
    assert list(document["paths"]["/a"]) == ["get"]
    assert document["paths"]["/f/{name}"]["get"]["operationId"] == "one"


def test_keys_of_responses() -> None:
    app = App()
    responses = {HTTPStatus.NOT_FOUND: "No such thing", "4XX": Plain, "default": "All else"}
    app.get("/", responses=responses)(lambda: 1)
    document = app.openapi()
    validate(document, cls=OpenAPIV31SpecValidator)
    found = document["paths"]["/"]["get"]["responses"]
    assert {key: one["description"] for key, one in found.items()} == {
        "200": "OK",
        "404": "No such thing",
        "4XX": "4XX",
        "default": "All else",
    }


def test_mistakes() -> None:
    app = App()

    def same() -> int:
        return 1

    app.get("/a", operation_id="same")(same)
    app.get("/b", operation_id="same")(same)
    with pytest.raises(AppError, match="/a and /b have the same operation id 'same'"):
        app.openapi()
    app = App()
    options: dict[str, Any] = {"sumary": "x"}
    with pytest.raises(AppError, match=r"/a: .*same \(.*\): a route has no option sumary"):
        app.get("/a", **options)(same)
