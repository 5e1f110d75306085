"""Exceptions mapped to answers, where the layer is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lambent import App, AppError, Conflict, HTTPError, NotFound, Response
from lambent.app.middleware.errors import Errors
from lambent.app.onion import Layer

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.app.conftest import Answer

    Call = Callable[..., Answer]


class Busy(Exception):
    pass


class VeryBusy(Busy):
    pass


ERRORS: dict[str, Exception] = {
    "key": KeyError("secret"),
    "busy": Busy("later"),
    "very": VeryBusy("much later"),
    "own": Conflict("own"),
    "value": ValueError("teapot"),
}


def app_with(seen: list[Exception]) -> App:
    class Watch(Layer):
        def failed(self, invocation: Any, error: Exception) -> Any:
            seen.append(error)
            raise error

    mapping: dict[type[Exception], Any] = {
        LookupError: NotFound,
        Busy: lambda error: Conflict(f"busy: {error}"),
        ValueError: lambda error: Response({"i am": str(error)}, 418),
    }
    app = App(middleware=[Watch(), Errors(mapping)])

    @app.get("/{name}")
    def raises(name: str) -> None:
        raise ERRORS[name]

    @app.put("/{name}")
    async def raises_later(name: str) -> None:
        raise ERRORS[name]

    @app.queue("orders")
    def order(body: str) -> None:
        raise ERRORS[body]

    return app


@pytest.mark.parametrize("method", ["GET", "PUT"])
@pytest.mark.parametrize(
    ("name", "status", "document"),
    [
        ("key", 404, {"error": "Not found", "code": "NOT_FOUND"}),
        ("busy", 409, {"error": "busy: later", "code": "CONFLICT"}),
        ("very", 409, {"error": "busy: much later", "code": "CONFLICT"}),
        ("own", 409, {"error": "own", "code": "CONFLICT"}),
        ("value", 418, {"i am": "teapot"}),
    ],
)
def test_mapped(call: Call, method: str, name: str, status: int, document: dict[str, str]) -> None:
    seen: list[Exception] = []
    answer = call(app_with(seen), method, f"/{name}")
    assert (answer.status, answer.json) == (status, document)
    # Layers outside of it see what it made.
    assert [isinstance(error, HTTPError) for error in seen] == ([] if name == "value" else [True])


def test_other_events_fail_as_they_do() -> None:
    seen: list[Exception] = []
    record = {"eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:orders"}
    record |= {"messageId": "1", "body": "key", "receiptHandle": "r"}
    app_with(seen)({"Records": [record]})
    assert seen == [ERRORS["key"]]


def test_what_cannot_be_mapped() -> None:
    with pytest.raises(AppError, match="KeyError is mapped to 404"):
        Errors({KeyError: 404})  # type: ignore[dict-item] # that is what is tested
    with pytest.raises(AppError, match="no class of exceptions"):
        Errors({int: NotFound})  # type: ignore[dict-item] # that is what is tested
