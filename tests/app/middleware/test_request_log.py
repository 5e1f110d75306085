"""A line for each invocation, through the real logger."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.app.conftest import event_of

from lambent import App, AppError, Conflict, Logger, Request, Response
from lambent.app.middleware.cors import CORS
from lambent.app.middleware.request_log import RequestLog

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.app.conftest import Answer

    Call = Callable[..., Answer]


class Log:
    """What was logged."""

    def __init__(self) -> None:
        self.stream = io.StringIO()
        self.logger = Logger("requests", level="DEBUG", stream=self.stream)

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]


@pytest.fixture
def log() -> Log:
    return Log()


def app_with(log: Log, *layers: Any) -> App:
    app = App(middleware=layers, logger=log.logger)

    @app.get("/orders/{order_id}")
    def one(order_id: str) -> dict[str, str]:
        if order_id == "taken":
            raise Conflict
        if order_id == "broken":
            raise ZeroDivisionError
        return {"id": order_id}

    @app.put("/orders/{order_id}")
    async def put(order_id: str, request: Request) -> Any:
        if order_id == "broken":
            raise ZeroDivisionError
        return Response("ä" * 3)

    app.get("/health")(lambda: "up")

    @app.queue("receipts")
    def receipt(body: str) -> None:
        if body == "bad":
            raise LookupError(body)

    @app.queue("later")
    async def later(body: str) -> None:
        if body == "bad":
            raise LookupError(body)

    return app


def line_of(log: Log) -> dict[str, Any]:
    lines = [line for line in log.lines if "duration_ms" in line]
    assert len(lines) == 1
    assert 0 <= lines[0]["duration_ms"] < 1000
    return lines[0]


@pytest.mark.parametrize("layers", [(), (CORS("*"),)])
@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [
        (
            "GET",
            "/orders/1",
            None,
            {"route": "/orders/{order_id}", "status": 200, "request_bytes": 0, "response_bytes": 10},
        ),
        ("GET", "/orders/taken", None, {"status": 409, "error": "Conflict", "level": "INFO"}),
        ("GET", "/orders/broken", None, {"status": 500, "error": "ZeroDivisionError", "level": "ERROR"}),
        ("PUT", "/orders/1", "äö", {"status": 200, "request_bytes": 4, "response_bytes": 6, "level": "INFO"}),
        ("PUT", "/orders/1", b"\xff\x00", {"status": 200, "request_bytes": 2}),
        ("PUT", "/orders/broken", None, {"status": 500, "level": "ERROR"}),
        ("GET", "/nowhere", None, {"status": 404, "message": "GET /nowhere 404", "error": "NotFound"}),
        ("PATCH", "/orders/1", None, {"status": 405}),
    ],
)
def test_requests(
    call: Call, log: Log, layers: Any, method: str, path: str, body: Any, expected: dict[str, Any]
) -> None:
    app = app_with(log, RequestLog(), *layers)
    answer = call(
        app, method, path, body=body, headers=[("Authorization", "Bearer hush")], query=[("q", "hush")]
    )
    line = line_of(log)
    assert answer.status == line["status"]
    assert (line["method"], line["path"]) == (method, path)
    assert line.items() >= expected.items()
    assert ("route" in line) == (path != "/nowhere" and method != "PATCH")
    assert "hush" not in log.stream.getvalue()


def test_fields_of_choice(log: Log) -> None:
    layer = RequestLog(
        fields=["status", "source_ip", "user_agent"],
        headers=["X-Tenant", "X-Missing"],
        extra={"query": lambda request: request.query.get("q")},
        level="debug",
    )
    app = app_with(log, layer)
    app(
        event_of(
            "v1", "GET", "/orders/1", headers=[("X-Tenant", "t"), ("User-Agent", "curl")], query=[("q", "5")]
        )
    )
    (line,) = log.lines
    assert line["level"] == "DEBUG"
    added = {"status": 200, "source_ip": "203.0.113.7", "user_agent": "curl", "x-tenant": "t", "query": "5"}
    assert line.items() >= added.items()
    assert not {"method", "duration_ms", "x-missing", "path"} & line.keys()


def test_what_is_skipped(log: Log) -> None:
    app = app_with(log, RequestLog(skip=["/health", "/orders/{order_id}"]))
    for path in ("/health", "/orders/1", "/orders/taken"):
        app(event_of("v2", "GET", path))
    assert log.lines == []
    app(event_of("v2", "GET", "/orders/broken"))
    assert line_of(log)["status"] == 500


def test_exceptions_that_go_on_to_lambda(log: Log) -> None:
    app = app_with(log, RequestLog())
    app.reraise = True
    with pytest.raises(ZeroDivisionError):
        app(event_of("v2", "GET", "/orders/broken"))
    assert (
        line_of(log).items() >= {"outcome": "failed", "error": "ZeroDivisionError", "kind": "http.v2"}.items()
    )


@pytest.mark.parametrize("queue", ["receipts", "later"])
def test_records(log: Log, queue: str) -> None:
    app = app_with(log, RequestLog(logger=log.logger))
    record = {"eventSource": "aws:sqs", "eventSourceARN": f"arn:aws:sqs:us-east-1:000000000000:{queue}"}
    records = [record | {"messageId": body, "body": body, "receiptHandle": "r"} for body in ("good", "bad")]
    app({"Records": records})
    lines = [line for line in log.lines if "outcome" in line]
    assert [(line["kind"], line["resource"], line["outcome"], line.get("error")) for line in lines] == [
        ("sqs", queue, "ok", None),
        ("sqs", queue, "failed", "LookupError"),
    ]
    assert [line["level"] for line in lines] == ["INFO", "ERROR"]


def test_failures_of_other_events_are_not_touched(log: Log) -> None:
    app = App(middleware=[RequestLog(logger=log.logger)])
    failure = LookupError("gone")

    @app.invocation()
    def fails(event: dict[str, Any]) -> None:
        raise failure

    with pytest.raises(LookupError) as raised:
        app({"a": 1})
    assert raised.value is failure
    assert line_of(log)["error"] == "LookupError"


def test_without_a_logger_for_other_events(capsys: pytest.CaptureFixture[str]) -> None:
    app = App(middleware=[RequestLog()])

    @app.event({"source": ["shop"]})
    def ordered(detail: dict[str, Any]) -> None: ...

    app(
        {
            "version": "0",
            "id": "e",
            "source": "shop",
            "detail-type": "ordered",
            "detail": {},
            "resources": ["arn:aws:events:us-east-1:000000000000:rule/orders"],
            "account": "000000000000",
            "region": "us-east-1",
            "time": "2026-01-01T00:00:00Z",
        }
    )
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (line["message"], line["resource"]) == ("eventbridge ok", "orders")


@pytest.mark.parametrize(
    ("event", "resource"),
    [
        ({"Records": [{"eventSourceARN": "arn:aws:dynamodb:r:1:table/orders/stream/2026"}]}, "orders"),
        ({"Records": [{"eventSourceARN": "arn:aws:kinesis:r:1:stream/clicks"}]}, "clicks"),
        ({"Records": [{"Sns": {"TopicArn": "arn:aws:sns:r:1:alerts"}}]}, "alerts"),
        ({"Records": [{"s3": {"bucket": {"name": "uploads"}}}]}, "uploads"),
        ({"detail-type": "ordered", "resources": []}, "ordered"),
        ({"triggerSource": "PreSignUp_SignUp"}, "PreSignUp_SignUp"),
        ({"requestContext": {"routeKey": "$connect"}}, "$connect"),
        ({"a": 1}, None),
        ([1], None),
    ],
)
def test_resources(event: Any, resource: str | None) -> None:
    from lambent.app.middleware.request_log import resource_of
    from lambent.app.request import Invocation

    assert resource_of(Invocation(event, None)) == resource


def test_what_cannot_be() -> None:
    with pytest.raises(AppError, match="there is no field body"):
        RequestLog(fields=["body"])
    with pytest.raises(AppError, match="there is no level 'loud'"):
        RequestLog(level="loud")
