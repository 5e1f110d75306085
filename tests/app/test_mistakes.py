"""Mistakes that are made on the first day: each is an error where it stands, which says what to write instead."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from lambent import CORS, App, AppError, Router

if TYPE_CHECKING:
    from collections.abc import Callable

HTTP = ("get", "post", "put", "patch", "delete", "head", "options")
OTHERS = (
    "alarm",
    "authorizer",
    "channel",
    "custom_resource",
    "event",
    "invocation",
    "logs",
    "queue",
    "schedule",
    "stream",
    "table_stream",
    "topic",
    "bucket",
    "user_pool",
)


@pytest.mark.parametrize("make", [App, Router])
@pytest.mark.parametrize("name", [*HTTP, *OTHERS, "route", "any"])
def test_decorators_without_parentheses(make: Callable[[], Any], name: str) -> None:
    def handler() -> None: ...

    written = "get" if name == "route" else name
    with pytest.raises(AppError, match=rf"handler \(.*\): write @app\.{written}\(…\), with parentheses"):
        getattr(make(), name)(handler)


def test_an_action_without_its_name() -> None:
    chat = App().channel("chat")

    def say() -> None: ...

    with pytest.raises(AppError, match=r'say \(.*\): write @chat\.action\("…"\)'):
        chat.action(say)  # type: ignore[arg-type] # that is the mistake


def layer(request: Any, call_next: Any) -> Any:
    return call_next(request)


NOT_LAYERS: list[tuple[Any, str]] = [
    ([CORS], "CORS is no middleware, which is .*: CORS(…), an instance"),
    (["x"], "'x' is no middleware"),
    ([None], "NoneType(…) is no middleware"),
    (CORS("*"), "middleware is a list of layers: middleware=[CORS(…)]"),
    (CORS, "middleware is a list of layers: middleware=[CORS]"),
    (layer, "middleware is a list of layers: middleware=[layer]"),
    ("x", "middleware is a list of layers: middleware=['x']"),
]
ADDED: list[Callable[[Any], Any]] = [
    lambda given: App(middleware=given),
    lambda given: Router(middleware=given),
    lambda given: App().get("/", middleware=given)(lambda: 1),
    lambda given: App().queue("q", middleware=given)(lambda m: 1),
    lambda given: App().channel("c", middleware=given),
    lambda given: App().custom_resource(middleware=given),
]


@pytest.mark.parametrize("add", ADDED)
@pytest.mark.parametrize(("given", "told"), NOT_LAYERS)
def test_middleware_that_is_none(add: Callable[[Any], Any], given: Any, told: str) -> None:
    with pytest.raises(AppError, match=re.escape(told).replace(r"\.\*", ".*")):
        add(given)


@pytest.mark.parametrize("make", [App, Router])
@pytest.mark.parametrize(("given", "told"), NOT_LAYERS[:3])
def test_a_layer_that_is_none(make: Callable[[], Any], given: Any, told: str) -> None:
    with pytest.raises(AppError, match=re.escape(told).replace(r"\.\*", ".*")):
        make().middleware(given[0])


@pytest.mark.parametrize("make", [App, Router])
@pytest.mark.parametrize("given", [Router, App("another"), "orders"])
def test_what_is_included_and_no_router(make: Callable[[], Any], given: Any) -> None:
    with pytest.raises(AppError, match=r"include: .* is no router: orders = Router\(\"/orders\"\)"):
        make().include(given)


@pytest.mark.parametrize("name", [*HTTP, "any"])
def test_methods_of_a_decorator_that_has_its_own(name: str) -> None:
    options: dict[str, Any] = {"methods": ["GET", "PUT"]}
    with pytest.raises(
        AppError, match=r"/x: a handler for several methods is @app\.route\('/x', methods=…\)"
    ):
        getattr(App(), name)("/x", **options)
