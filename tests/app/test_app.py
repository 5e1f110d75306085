"""What an app does around every invocation."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from tests.app.conftest import answer_of, event_of

from lambent import App, Logger, Metrics, Request, Tracer
from lambent.app import current


class Context:
    function_name = "shop"
    memory_limit_in_mb = 256
    invoked_function_arn = "arn:aws:lambda:eu-west-1:123456789012:function:shop"
    aws_request_id = "request-7"


def test_what_is_logged_and_measured_belongs_to_the_invocation() -> None:
    lines, blobs = io.StringIO(), io.StringIO()
    logger = Logger("shop-app", stream=lines, buffer=True)
    metrics = Metrics("Shop", "shop-app", stream=blobs)
    app = App("shop", logger=logger)

    @app.get("/{ok}")
    def handler(ok: bool) -> str | None:
        logger.debug("held back")
        metrics.add_metric("Seen", "Count", 1)
        if not ok:
            raise ValueError("no")
        return current.correlation_id.get()

    answer = answer_of(app(event_of("v2", "GET", "/true"), Context()))
    assert answer.text == "request-1"  # the gateway's id
    assert lines.getvalue() == ""
    assert json.loads(blobs.getvalue())["Seen"] == [1.0]
    answer = answer_of(app(event_of("v2", "GET", "/true", headers=[("X-Correlation-Id", "mine")]), Context()))
    assert answer.text == "mine"
    assert answer_of(app(event_of("v2", "GET", "/false"), Context())).status == 500
    held_back, failed = map(json.loads, lines.getvalue().splitlines())
    assert (held_back["message"], failed["message"]) == ("held back", "GET /{ok} failed")
    assert (failed["function_request_id"], failed["correlation_id"]) == ("request-7", "request-1")
    assert failed["exception_name"] == "ValueError"
    assert len(blobs.getvalue().splitlines()) == 3


def test_metrics_that_cannot_be_written_are_no_reason_to_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("POWERTOOLS_METRICS_NAMESPACE", raising=False)
    lines = io.StringIO()
    metrics = Metrics(service="nameless")
    app = App(logger=Logger("nameless", stream=lines))

    @app.get("/")
    def handler() -> int:
        metrics.add_metric("Seen", "Count", 1)
        return 1

    assert answer_of(app(event_of("v2", "GET", "/"))).status == 200
    assert json.loads(lines.getvalue())["message"] == "What was recorded could not be written"


def test_a_request_written_by_hand() -> None:
    app = App()
    app.get("/a")(lambda: 1)
    assert answer_of(app({"httpMethod": "GET", "path": "/a"})).json == 1


@pytest.mark.parametrize("disabled", [True, False])
def test_tracing(monkeypatch: pytest.MonkeyPatch, disabled: bool) -> None:
    monkeypatch.setenv("POWERTOOLS_TRACE_DISABLED", str(disabled).lower())
    app = App(tracer=Tracer("shop"))
    app.get("/")(lambda: 1)
    assert answer_of(app(event_of("v2", "GET", "/"), Context())).json == 1


def test_an_app_may_call_itself() -> None:
    app = App()
    seen: list[Any] = []

    @app.get("/inner")
    def inner() -> str | None:
        return current.correlation_id.get()

    @app.get("/outer")
    def outer(request: Request) -> Any:
        answer = answer_of(app(event_of("v2", "GET", "/inner", headers=[("X-Correlation-Id", "inner")])))
        seen.append((answer.text, current.correlation_id.get(), current.context, request.app))
        return 1

    context = Context()
    assert answer_of(app(event_of("v2", "GET", "/outer"), context)).json == 1
    assert seen == [("inner", "request-1", context, app)]


def test_layers_of_every_kind_find_the_app() -> None:
    app = App()
    seen: list[Any] = []

    @app.middleware
    def layer(invocation: Any, call_next: Any) -> Any:
        seen.append(invocation.app)
        return call_next(invocation)

    app.get("/")(lambda: 1)
    app.queue("mail")(lambda body: 1)
    app.invocation()(lambda event: 1)
    app(event_of("v2", "GET", "/"))
    app(
        {
            "Records": [
                {"eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:eu-west-1:1:mail", "body": "1"}
            ]
        }
    )
    app({"a": 1})
    assert seen == [app, app, app]


def test_nothing_is_left_of_an_invocation() -> None:
    app = App()
    seen: list[Any] = []

    @app.get("/")
    def handler() -> None:
        seen.append(current.context)

    context = Context()
    app(event_of("v2", "GET", "/"), context)
    assert seen == [context]
    assert current.context is None
    assert current.correlation_id.get() is None
