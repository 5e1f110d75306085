"""Lambent in the framework's scenarios, and the floor of each: as little as could be written by hand for it."""

# Without `from __future__ import annotations`: handlers' type hints are evaluated where they are written.
import json
import os
import time
from collections.abc import Callable
from typing import Annotated, Any

import msgspec

from bench.framework_events import (
    BATCH,
    CONTEXT,
    GET,
    GET_2,
    JSON,
    LAST,
    LAST_2,
    MISSING,
    MISSING_2,
    ORDER,
    POST,
    POST_2,
    ROUTES,
)
from bench.framework_scenarios import LAYERS, NotThere, candidate

Handler = Callable[[Any, Any], Any]
Operation = Callable[[], Any]

_EVENTS = {
    "get": GET,
    "get-2": GET_2,
    "last": LAST,
    "last-2": LAST_2,
    "post": POST,
    "post-2": POST_2,
    "missing": MISSING,
    "missing-2": MISSING_2,
    "layers": GET,
}


class Item(msgspec.Struct):
    """A line of an order."""

    sku: str
    qty: Annotated[int, msgspec.Meta(ge=1)]
    price: float


class Order(msgspec.Struct):
    """What is posted."""

    customer_id: str
    items: list[Item]
    note: str | None = None


class Created(msgspec.Struct):
    """What is answered."""

    id: str
    total: float
    order: Order


class Job(msgspec.Struct):
    """The body of a message."""

    order_id: int
    sku: str
    qty: int
    fail: bool


def _create(order: Order) -> Created:
    return Created("o-1", sum(item.qty * item.price for item in order.items), order)


def _get_order(id: str) -> dict[str, str]:  # noqa: A002 - the parameter of the path
    return {"id": id, "status": "open"}


# -------------------------------------------------------------------- floors


@candidate("floor", "get", "get-2", "last", "last-2", "missing", "missing-2", "layers")
def _routed(scenario: str) -> Operation:
    """A dict of routes, the parameters that the gateway has found, msgspec."""
    encode = msgspec.json.Encoder().encode
    count = ROUTES if scenario.startswith(("last", "missing")) else 0
    routes: dict[str, Callable[..., Any]] = {"GET /orders/{id}": _get_order}
    routes |= {f"GET /r{n}/items/{{id}}": _get_order for n in range(count)}

    def answer(key: str, event: Any) -> Any:
        find = routes.get(key)
        if find is None:
            return {"statusCode": 404, "headers": JSON, "body": '{"message":"Not found"}'}
        body = encode(find(**event["pathParameters"])).decode()
        return {"statusCode": 200, "headers": dict(JSON), "body": body, "isBase64Encoded": False}

    def rest(event: Any, context: Any) -> Any:
        return answer(f"{event['httpMethod']} {event['resource']}", event)

    def http(event: Any, context: Any) -> Any:
        return answer(event["routeKey"], event)

    handler: Handler = http if scenario.endswith("-2") else rest
    for _ in range(LAYERS if scenario == "layers" else 0):
        handler = _layer(handler)
    event = _EVENTS[scenario]
    return lambda: handler(event, CONTEXT)


def _layer(inner: Handler) -> Handler:
    def layer(event: Any, context: Any) -> Any:
        answer = inner(event, context)
        answer["headers"]["x-layer"] = "1"
        return answer

    return layer


@candidate("floor", "post", "post-2")
def _posted(scenario: str) -> Operation:
    decode, encode = msgspec.json.Decoder(Order).decode, msgspec.json.Encoder().encode
    event = _EVENTS[scenario]

    def handler(event: Any, context: Any) -> Any:
        body = encode(_create(decode(event["body"]))).decode()
        return {"statusCode": 200, "headers": dict(JSON), "body": body, "isBase64Encoded": False}

    return lambda: handler(event, CONTEXT)


@candidate("floor", "batch")
def _looped() -> Operation:
    decode = msgspec.json.Decoder(Job).decode

    def handler(event: Any, context: Any) -> Any:
        failures = []
        for record in event["Records"]:
            try:
                _work(decode(record["body"]))
            except Exception:  # noqa: BLE001 - each is reported, as the protocol has it
                failures.append({"itemIdentifier": record["messageId"]})
        return {"batchItemFailures": failures}

    return lambda: handler(BATCH, CONTEXT)


def _work(job: Job) -> None:
    if job.fail:
        raise ValueError("fails")


@candidate("floor", "log")
def _logged() -> Operation:
    encode = msgspec.json.Encoder().encode
    constants = {"service": "bench", "function_request_id": CONTEXT.aws_request_id}

    def info(message: str, **keys: Any) -> None:
        line = {"level": "INFO", "message": message, "timestamp": time.time(), **constants, **keys}
        os.write(1, encode(line) + b"\n")

    return lambda: info("order created", order_id="42", total=57.0)


@candidate("floor", "metrics")
def _measured() -> Operation:
    encode = msgspec.json.Encoder().encode
    directive = {
        "Namespace": "bench",
        "Dimensions": [["service", "env"]],
        "Metrics": [
            {"Name": "Orders", "Unit": "Count"},
            {"Name": "Total", "Unit": "None"},
            {"Name": "Latency", "Unit": "Milliseconds"},
        ],
    }

    def flush() -> None:
        blob = {
            "_aws": {"Timestamp": time.time_ns() // 1_000_000, "CloudWatchMetrics": [directive]},
            "service": "bench",
            "env": "prod",
            "Orders": 1,
            "Total": 57.0,
            "Latency": 12,
            "order_id": "42",
        }
        os.write(1, encode(blob) + b"\n")

    return flush


@candidate("floor", "tracing")
def _untraced() -> Operation:
    return lambda: _nothing(None, CONTEXT)


def _nothing(event: Any, context: Any) -> None:
    return None


# -------------------------------------------------------------------- lambent


@candidate("lambent", "get", "get-2", "last", "last-2", "missing", "missing-2", "layers")
def _app(scenario: str) -> Operation:
    import lambent

    app: Any = lambent.App("bench")
    app.get("/orders/{id}")(_get_order)
    for n in range(ROUTES if scenario.startswith(("last", "missing")) else 0):
        app.get(f"/r{n}/items/{{id}}")(_get_order)
        app.get(f"/s{n}/health")(lambda: {"ok": True})

    def layer(request: Any, call_next: Any) -> Any:
        response = call_next(request)
        response.headers["x-layer"] = "1"
        return response

    for _ in range(LAYERS if scenario == "layers" else 0):
        app.middleware(layer)
    event = _EVENTS[scenario]
    return lambda: app(event, CONTEXT)


@candidate("lambent", "post", "post-2")
def _typed(scenario: str) -> Operation:
    import lambent

    app: Any = lambent.App("bench")
    app.post("/orders")(_create)
    event = _EVENTS[scenario]
    assert json.loads(app(event, CONTEXT)["body"])["order"] == ORDER
    return lambda: app(event, CONTEXT)


@candidate("lambent", "batch")
def _queue() -> Operation:
    import lambent

    app: Any = lambent.App("bench")
    if not hasattr(app, "queue"):
        raise NotThere("lambent has no queues yet")
    app.queue("q")(_work)
    return lambda: app(BATCH, CONTEXT)


@candidate("lambent", "log")
def _logger() -> Operation:
    import lambent

    logger: Any = lambent.Logger("bench")

    @logger.inject_lambda_context  # type: ignore[untyped-decorator] # Any, so that a release without it can be measured
    def timed(event: Any, context: Any) -> None:
        return None

    timed({}, CONTEXT)
    return lambda: logger.info("order created", order_id="42", total=57.0)


@candidate("lambent", "metrics")
def _metrics() -> Operation:
    import lambent

    metrics = lambent.Metrics("bench", "bench")
    unit = lambent.MetricUnit

    @metrics.log_metrics
    def handler(event: Any, context: Any) -> None:
        metrics.add_dimension("env", "prod")
        metrics.add_metric("Orders", unit.Count, 1)
        metrics.add_metric("Total", unit.NoUnit, 57.0)
        metrics.add_metric("Latency", unit.Milliseconds, 12)
        metrics.add_metadata("order_id", "42")

    return lambda: handler({}, CONTEXT)


@candidate("lambent", "tracing")
def _tracer() -> Operation:
    import lambent

    handler = lambent.Tracer(disabled=True).capture_lambda_handler(_nothing)
    return lambda: handler(None, CONTEXT)
