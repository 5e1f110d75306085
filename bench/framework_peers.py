"""Other frameworks in the same scenarios. Runs in the peers' environment, which Lambent is not in."""

# Without `from __future__ import annotations`: handlers' type hints are evaluated where they are written.
from collections.abc import Callable
from importlib import import_module
from typing import Any

from bench.framework_events import (
    BATCH,
    CONTEXT,
    GET,
    GET_2,
    LAST,
    LAST_2,
    MISSING,
    MISSING_2,
    POST,
    POST_2,
    ROUTES,
)
from bench.framework_scenarios import LAYERS, candidate

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
_BOTH = ("get", "get-2", "last", "last-2", "missing", "missing-2")


def _count(scenario: str) -> int:
    return ROUTES if scenario.startswith(("last", "missing")) else 0


def _models() -> tuple[Any, Any]:
    """What is posted and what is answered, for pydantic."""
    from pydantic import BaseModel, Field

    class Item(BaseModel):
        sku: str
        qty: int = Field(ge=1)
        price: float

    class Order(BaseModel):
        customer_id: str
        items: list[Item]
        note: str | None = None

    class Created(BaseModel):
        id: str
        total: float
        order: Order

    return Order, Created


def _creator() -> Any:
    order_model, created_model = _models()

    def create(order: Any) -> Any:
        total = sum(item.qty * item.price for item in order.items)
        return created_model(id="o-1", total=total, order=order)

    create.__annotations__ = {"order": order_model, "return": created_model}
    return create


# -------------------------------------------------------------------- Powertools


def _powertools(name: str) -> Any:
    return import_module(f"aws_lambda_powertools.{name}")


def _resolver(scenario: str, **options: Any) -> Any:
    handlers = _powertools("event_handler")
    kind = handlers.APIGatewayHttpResolver if scenario.endswith("-2") else handlers.APIGatewayRestResolver
    return kind(**options)


@candidate("Powertools", *_BOTH, "layers")
def _powertools_app(scenario: str) -> Operation:
    app = _resolver(scenario)

    def get_order(id: str) -> dict[str, str]:  # noqa: A002 - the parameter of the path
        return {"id": id, "status": "open"}

    app.get("/orders/<id>")(get_order)
    for n in range(_count(scenario)):
        app.get(f"/r{n}/items/<id>")(get_order)
        app.get(f"/s{n}/health")(lambda: {"ok": True})

    def layer(app: Any, next_middleware: Any) -> Any:
        response = next_middleware(app)
        response.headers["x-layer"] = "1"
        return response

    if scenario == "layers":
        app.use([layer] * LAYERS)
    event = _EVENTS[scenario]
    return lambda: app.resolve(event, CONTEXT)


@candidate("Powertools", "post", "post-2")
def _powertools_post(scenario: str) -> Operation:
    app = _resolver(scenario, enable_validation=True)
    app.post("/orders")(_creator())
    event = _EVENTS[scenario]
    return lambda: app.resolve(event, CONTEXT)


@candidate("Powertools", "batch")
def _powertools_batch() -> Operation:
    from pydantic import BaseModel, Json

    batch = _powertools("utilities.batch")
    record_model: Any = _powertools("utilities.parser.models").SqsRecordModel

    class Job(BaseModel):
        order_id: int
        sku: str
        qty: int
        fail: bool

    class Record(record_model):  # type: ignore[misc] # its class comes from the other environment
        body: Json[Job]

    def work(record: Any) -> None:
        if record.body.fail:
            raise ValueError("fails")

    processor = batch.BatchProcessor(event_type=batch.EventType.SQS, model=Record)
    return lambda: batch.process_partial_response(
        event=BATCH, record_handler=work, processor=processor, context=CONTEXT
    )


@candidate("Powertools", "log")
def _powertools_log() -> Operation:
    logger = _powertools("logging").Logger()
    logger.inject_lambda_context(lambda event, context: None)({}, CONTEXT)
    return lambda: logger.info("order created", order_id="42", total=57.0)


@candidate("Powertools", "metrics")
def _powertools_metrics() -> Operation:
    metrics = _powertools("metrics").Metrics()

    def handler(event: Any, context: Any) -> None:
        metrics.add_dimension(name="env", value="prod")
        metrics.add_metric(name="Orders", unit="Count", value=1)
        metrics.add_metric(name="Total", unit="None", value=57.0)
        metrics.add_metric(name="Latency", unit="Milliseconds", value=12)
        metrics.add_metadata(key="order_id", value="42")

    decorated = metrics.log_metrics(handler)
    return lambda: decorated({}, CONTEXT)


@candidate("Powertools", "tracing")
def _powertools_tracing() -> Operation:
    tracer = _powertools("tracing").Tracer()
    handler = tracer.capture_lambda_handler(lambda event, context: None)
    return lambda: handler(None, CONTEXT)


# -------------------------------------------------------------------- Chalice


@candidate("Chalice", "get", "last")
def _chalice(scenario: str) -> Operation:
    """It has REST APIs only, and no 404 of its own: the gateway knows its routes."""
    app = import_module("chalice").Chalice(app_name="bench")

    def get_order(id: str) -> dict[str, str]:  # noqa: A002 - the parameter of the path
        return {"id": id, "status": "open"}

    app.route("/orders/{id}", name="order")(get_order)
    for n in range(_count(scenario)):
        app.route(f"/r{n}/items/{{id}}", name=f"item{n}")(get_order)
        app.route(f"/s{n}/health", name=f"health{n}")(lambda: {"ok": True})
    event = _EVENTS[scenario]
    return lambda: app(event, CONTEXT)


# -------------------------------------------------------------------- Mangum


def _mangum(app: Any, scenario: str) -> Operation:
    handler = import_module("mangum").Mangum(app, lifespan="off")
    event = _EVENTS[scenario]
    return lambda: handler(event, CONTEXT)


class _Layer:
    """A middleware of ASGI."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def sent(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"].append((b"x-layer", b"1"))
            await send(message)

        await self.app(scope, receive, sent)


@candidate("Starlette", *_BOTH, "layers")
def _starlette(scenario: str) -> Operation:
    answer = import_module("starlette.responses").JSONResponse
    route = import_module("starlette.routing").Route

    async def get_order(request: Any) -> Any:
        return answer({"id": request.path_params["id"], "status": "open"})

    async def health(request: Any) -> Any:
        return answer({"ok": True})

    routes = [route("/orders/{id}", get_order)]
    for n in range(_count(scenario)):
        routes += [route(f"/r{n}/items/{{id}}", get_order), route(f"/s{n}/health", health)]
    app = import_module("starlette.applications").Starlette(routes=routes)
    for _ in range(LAYERS if scenario == "layers" else 0):
        app.add_middleware(_Layer)
    return _mangum(app, scenario)


@candidate("FastAPI", *_BOTH, "post", "post-2", "layers")
def _fastapi(scenario: str) -> Operation:
    app = import_module("fastapi").FastAPI()

    async def get_order(id: str) -> dict[str, str]:  # noqa: A002 - the parameter of the path
        return {"id": id, "status": "open"}

    async def health() -> dict[str, bool]:
        return {"ok": True}

    app.get("/orders/{id}")(get_order)
    for n in range(_count(scenario)):
        app.get(f"/r{n}/items/{{id}}")(get_order)
        app.get(f"/s{n}/health")(health)
    if scenario.startswith("post"):
        create = _creator()

        async def acreate(order: Any) -> Any:
            return create(order)

        acreate.__annotations__ = create.__annotations__
        app.post("/orders")(acreate)
    for _ in range(LAYERS if scenario == "layers" else 0):
        app.add_middleware(_Layer)
    return _mangum(app, scenario)
