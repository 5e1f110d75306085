"""The description of an app, checked by a validator of OpenAPI."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import uuid
from typing import Annotated, Any, Literal

import msgspec
import pydantic
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator, validate
from tests.app.conftest import answer_of, event_of

from lambent import App, AppError, Cookie, Header, Query, Request, Response


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
        {"name": "expand", "in": "query", "required": False, "schema": {"type": "boolean"}, "example": True},
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


def test_mistakes() -> None:
    app = App()

    def same() -> int:
        return 1

    app.get("/a")(same)
    app.get("/b")(same)
    with pytest.raises(AppError, match="/b and /a have the same operation id 'same'"):
        app.openapi()
    app = App()
    options: dict[str, Any] = {"sumary": "x"}
    with pytest.raises(AppError, match=r"/a: .*same \(.*\): a route has no option sumary"):
        app.get("/a", **options)(same)
