"""Powertools' own decorators, unchanged, on apps, on their handlers and on functions that these call."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import sys
from typing import TYPE_CHECKING, Any

import pydantic
import pytest
from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics.provider.cold_start import reset_cold_start_flag
from aws_lambda_powertools.middleware_factory import lambda_handler_decorator
from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    batch_processor,
    process_partial_response,
)
from aws_lambda_powertools.utilities.data_classes import APIGatewayProxyEventV2, event_source
from aws_lambda_powertools.utilities.feature_flags import FeatureFlags
from aws_lambda_powertools.utilities.feature_flags.base import StoreProvider
from aws_lambda_powertools.utilities.idempotency import (
    BasePersistenceLayer,
    IdempotencyConfig,
    idempotent,
    idempotent_function,
)
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyItemAlreadyExistsError,
    IdempotencyItemNotFoundError,
)
from aws_lambda_powertools.utilities.parameters.base import BaseProvider
from aws_lambda_powertools.utilities.parser import event_parser

from lambent import App, Router
from lambent.app import current
from lambent.testing import Client, LambdaContext, capture_logs, capture_metrics, events

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from aws_lambda_powertools.utilities.idempotency.persistence.datarecord import DataRecord


class Memory(BasePersistenceLayer):
    """A persistence layer that keeps records in a dict."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # theirs is not typed
        self.records: dict[str, DataRecord] = {}

    def _get_record(self, idempotency_key: str) -> DataRecord:
        try:
            return self.records[idempotency_key]
        except KeyError:
            raise IdempotencyItemNotFoundError from None

    def _put_record(self, data_record: DataRecord) -> None:
        found = self.records.get(data_record.idempotency_key)
        if found is not None:
            raise IdempotencyItemAlreadyExistsError(old_data_record=found)
        self.records[data_record.idempotency_key] = data_record

    def _update_record(self, data_record: DataRecord) -> None:
        self.records[data_record.idempotency_key] = data_record

    def _delete_record(self, data_record: DataRecord) -> None:
        del self.records[data_record.idempotency_key]


@pytest.fixture
def app() -> App:
    return App("shop")


@pytest.fixture
def config() -> IdempotencyConfig:
    """Of functions, which do not see the context themselves."""
    config, context = IdempotencyConfig(), LambdaContext()
    config.register_lambda_context(context)  # type: ignore[arg-type] # theirs is another class
    return config


@pytest.fixture(autouse=True)
def _nothing_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("POWERTOOLS_TRACE_DISABLED", "true")
    monkeypatch.setattr(current, "_begun", False)
    reset_cold_start_flag()  # type: ignore[no-untyped-call]
    yield
    metrics = Metrics()
    metrics.clear_metrics()
    metrics.clear_default_dimensions()
    current.end()


def whole(app: App, decorator: Callable[..., Any]) -> Callable[[Any, Any], Any]:
    """The decorator around the app."""

    @app.invocation()
    def double(event: dict[str, Any]) -> dict[str, Any]:
        return {"double": 2 * event["number"]}

    decorated: Callable[[Any, Any], Any] = decorator(app)
    return decorated


def called(app: App, decorator: Callable[..., Any]) -> Callable[[Any, Any], Any]:
    """The decorator around a function that calls the app: Powertools' middleware factory takes functions only."""

    def handler(event: Any, context: Any) -> Any:
        return app(event, context)

    whole(app, lambda app: app)
    decorated: Callable[[Any, Any], Any] = decorator(handler)
    return decorated


def one(app: App, decorator: Callable[..., Any]) -> Callable[[Any, Any], Any]:
    """The decorator around one of its handlers."""

    @app.invocation()
    @decorator
    def double(event: dict[str, Any], context: Any) -> dict[str, Any]:
        assert context.function_name == "function"
        return {"double": 2 * event["number"]}

    return app


places = pytest.mark.parametrize("place", [whole, called, one])
functions = pytest.mark.parametrize("place", [called, one])


# Decorators of (event, context)


@places
def test_logger(place: Callable[..., Any], app: App) -> None:
    with capture_logs() as lines:
        logger = Logger(f"shop-{place.__name__}", stream=sys.stdout)

        def decorator(handler: Any) -> Any:
            return logger.inject_lambda_context(correlation_id_path="id", log_event=True)(handler)

        answer = Client(place(app, decorator)).invoke({"number": 2, "id": "c-1"})
    assert answer == {"double": 4}
    (line,) = lines
    assert (line["correlation_id"], line["function_name"], line["message"]["number"]) == (
        "c-1",
        "function",
        2,
    )


@places
def test_metrics(place: Callable[..., Any], app: App) -> None:
    metrics = Metrics(namespace="Shop", service="orders")

    def decorator(handler: Any) -> Any:
        return metrics.log_metrics(capture_cold_start_metric=True)(handler)

    metrics.add_metric("Started", "Count", 1)
    with capture_metrics() as blobs:
        assert Client(place(app, decorator)).invoke({"number": 2}) == {"double": 4}
    assert [list(blob)[1:] for blob in blobs] == [
        ["function_name", "service", "ColdStart"],
        ["service", "Started"],
    ]


@functions
def test_idempotent(place: Callable[..., Any], app: App) -> None:
    store = Memory()
    handled: list[int] = []

    @app.middleware
    def count(invocation: Any, call_next: Callable[[Any], Any]) -> Any:
        handled.append(1)
        return call_next(invocation)

    client = Client(place(app, idempotent(persistence_store=store)))
    for number in (2, 2, 3):
        assert client.invoke({"number": number}) == {"double": 2 * number}
    assert len(store.records) == 2
    assert len(handled) == (2 if place is called else 3)


def test_idempotent_fails_with_its_handler(app: App) -> None:
    store = Memory()

    @app.invocation()
    @idempotent(persistence_store=store)
    def fail(event: dict[str, Any], context: Any) -> None:
        raise KeyError("order")

    for _ in range(2):
        with pytest.raises(KeyError):
            Client(app).invoke({"number": 1})
    assert not store.records


@functions
def test_middleware_factory(place: Callable[..., Any], app: App) -> None:
    @lambda_handler_decorator
    def tenfold(handler: Callable[..., Any], event: dict[str, Any], context: Any, times: int = 10) -> Any:
        return handler({"number": times * event["number"]}, context)

    assert Client(place(app, tenfold)).invoke({"number": 2}) == {"double": 40}
    with_times: Any = tenfold
    assert Client(place(App(), with_times(times=3))).invoke({"number": 2}) == {"double": 12}


class Number(pydantic.BaseModel):
    number: int


def test_event_parser(app: App) -> None:
    @app.invocation()
    @event_parser(model=Number)
    def double(event: Any, context: Any) -> dict[str, Any]:
        return {"double": 2 * event.number}

    assert Client(app).invoke({"number": "2"}) == {"double": 4}
    with pytest.raises(pydantic.ValidationError):
        Client(app).invoke({"number": "two"})


def test_event_source(app: App) -> None:
    @event_source(data_class=APIGatewayProxyEventV2)
    def handler(event: APIGatewayProxyEventV2, context: Any) -> Any:
        assert event.http_method == "GET"
        return app(event.raw_event, context)

    @app.get("/orders/{order_id}")
    def find(order_id: int) -> dict[str, int]:
        return {"id": order_id}

    assert Client(handler).get("/orders/7").json() == {"id": 7}

    class Numbered(APIGatewayProxyEventV2):
        @property
        def number(self) -> int:
            return int(self["number"])

    @app.invocation()
    @event_source(data_class=Numbered)
    def double(event: Any, context: Any) -> dict[str, Any]:
        return {"double": 2 * event.number}

    assert Client(app).invoke({"number": 2}) == {"double": 4}


@functions
def test_validator(place: Callable[..., Any], app: App) -> None:
    pytest.importorskip("fastjsonschema")
    from aws_lambda_powertools.utilities.validation import SchemaValidationError, validator

    def decorator(handler: Any) -> Any:
        return validator(
            inbound_schema={"required": ["number"], "properties": {"number": {"type": "integer"}}},
            outbound_schema={"required": ["double"]},
        )(handler)

    client = Client(place(app, decorator))
    assert client.invoke({"number": 2}) == {"double": 4}
    with pytest.raises(SchemaValidationError):
        client.invoke({"number": "two"})


@places
def test_tracer(place: Callable[..., Any], app: App) -> None:
    pytest.importorskip("aws_xray_sdk")
    from aws_lambda_powertools import Tracer

    assert Client(place(app, Tracer("shop").capture_lambda_handler)).invoke({"number": 2}) == {"double": 4}


def test_all_of_them_together(app: App) -> None:
    logger, metrics, store = Logger("shop"), Metrics(namespace="Shop"), Memory()

    @app.get("/orders/{order_id}")
    def find(order_id: int) -> dict[str, int]:
        metrics.add_metric("Found", "Count", 1)
        return {"id": order_id}

    @logger.inject_lambda_context
    @metrics.log_metrics
    @idempotent(persistence_store=store)
    def handler(event: dict[str, Any], context: Any) -> Any:
        return app(event, context)

    with capture_metrics() as blobs:
        assert Client(handler).get("/orders/7").json() == {"id": 7}
    assert blobs[0]["Found"] == [1.0]
    assert current.context is None


# Decorators of any function


@dataclasses.dataclass
class Order:
    customer: str
    total: float


def test_idempotent_function_on_routes(app: App, config: IdempotencyConfig) -> None:
    config.event_key_jmespath = "customer"
    store = Memory()
    made: list[str] = []

    @app.post("/orders/{shop}", status=201)
    @idempotent_function(  # type: ignore[untyped-decorator]
        data_keyword_argument="order",
        persistence_store=store,
        config=config,
    )
    def create(shop: str, order: Order) -> dict[str, Any]:
        assert isinstance(order, Order)
        made.append(order.customer)
        return {"shop": shop, "number": len(made)}

    for customer, number in (("a", 1), ("b", 2), ("a", 1)):
        answer = Client(app).post("/orders/7", json={"customer": customer, "total": 57})
        assert (answer.status, answer.json()) == (201, {"shop": "7", "number": number})
    assert made == ["a", "b"]
    assert Client(app).post("/orders/7", json={"customer": 1}).status == 422


def test_idempotent_function_on_routes_of_a_router_and_parameters(
    app: App, config: IdempotencyConfig
) -> None:
    store = Memory()
    router = Router()
    found: list[str] = []

    @router.get("/{order_id}")
    @idempotent_function(data_keyword_argument="order_id", config=config, persistence_store=store)  # type: ignore[untyped-decorator]
    def find(order_id: str, limit: int = 3) -> dict[str, Any]:
        found.append(order_id)
        return {"id": order_id, "limit": limit}

    app.include(router, prefix="/orders")
    for _ in range(2):
        assert Client(app).get("/orders/7?limit=2").json() == {"id": "7", "limit": 2}
    assert found == ["7"]


def test_idempotent_function_on_queues(app: App, config: IdempotencyConfig) -> None:
    store = Memory()
    handled: list[Order] = []

    @app.queue("orders")
    @idempotent_function(data_keyword_argument="order", config=config, persistence_store=store)  # type: ignore[untyped-decorator]
    def take(order: Order) -> None:
        if order.total < 0:
            raise ValueError("total")
        handled.append(order)

    bodies = [{"customer": "a", "total": total} for total in (1, 2, 1, -1)]
    event = events.sqs([json.dumps(body) for body in bodies], queue="orders")
    answer = app(event, LambdaContext())
    assert answer == {"batchItemFailures": [{"itemIdentifier": event["Records"][3]["messageId"]}]}
    assert [order.total for order in handled] == [1, 2]


def test_idempotent_function_on_what_handlers_call(app: App, config: IdempotencyConfig) -> None:
    store = Memory()
    charged: list[float] = []

    @idempotent_function(data_keyword_argument="payment", config=config, persistence_store=store)  # type: ignore[untyped-decorator]
    def charge(payment: dict[str, Any]) -> dict[str, Any]:
        charged.append(payment["amount"])
        return {"charged": payment["amount"]}

    @app.post("/payments")
    def pay(payment: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = charge(payment=payment)
        return answer

    @app.post("/payments/async")
    async def pay_async(payment: dict[str, Any]) -> dict[str, Any]:
        answer: dict[str, Any] = await asyncio.to_thread(charge, payment=payment)
        return answer

    with Client(app) as client:
        for path in ("/payments", "/payments", "/payments/async"):
            assert client.post(path, json={"amount": 5}).json() == {"charged": 5}
    assert charged == [5]


def test_capture_method(app: App) -> None:
    pytest.importorskip("aws_xray_sdk")
    from aws_lambda_powertools import Tracer

    tracer = Tracer("shop")

    @tracer.capture_method
    def double(number: int) -> int:
        return 2 * number

    @app.get("/sync/{number}")
    @tracer.capture_method(capture_response=False)
    def sync(number: int) -> dict[str, int]:
        return {"double": double(number)}

    @app.get("/async/{number}")
    @tracer.capture_method
    async def later(number: int) -> dict[str, int]:
        await asyncio.sleep(0)
        return {"double": double(number)}

    with Client(app) as client:
        for path in ("/sync/2", "/async/2"):
            assert client.get(path).json() == {"double": 4}


class Flags(StoreProvider):
    @property
    def get_raw_configuration(self) -> dict[str, Any]:
        return self.get_configuration()

    def get_configuration(self) -> dict[str, Any]:
        condition = {"action": "EQUALS", "key": "tier", "value": "premium"}
        return {
            "discount": {
                "default": False,
                "rules": {"premium": {"when_match": True, "conditions": [condition]}},
            }
        }


def test_feature_flags(app: App) -> None:
    flags = FeatureFlags(store=Flags())

    @app.get("/discount/{tier}")
    def discount(tier: str) -> dict[str, Any]:
        return {"discount": flags.evaluate(name="discount", context={"tier": tier}, default=False)}

    assert Client(app).get("/discount/premium").json() == {"discount": True}
    assert Client(app).get("/discount/free").json() == {"discount": False}


class Settings(BaseProvider):
    def _get(self, name: str, **options: Any) -> str:
        return json.dumps({"name": name})

    def _get_multiple(self, path: str, **options: Any) -> dict[str, str]:
        return {"shop.json": '{"open": true}', "shop.binary": "b3Blbg=="}


def test_parameters(app: App) -> None:
    settings = Settings()  # type: ignore[no-untyped-call]

    @app.get("/settings/{name}")
    def setting(name: str) -> Any:
        one: Any = settings.get(name, transform="json")
        return {
            **one,
            **{key: str(value) for key, value in settings.get_multiple(name, transform="auto").items()},
        }

    assert Client(app).get("/settings/shop").json() == {
        "name": "shop",
        "shop.json": "{'open': True}",
        "shop.binary": "b'open'",
    }


# Batches beside an app


def take(record: Any) -> None:
    if record.body == "bad":
        raise ValueError(record.body)


def by_call(event: dict[str, Any], context: Any) -> Any:
    processor = BatchProcessor(event_type=EventType.SQS)
    return process_partial_response(event, take, processor, context)


_processor = BatchProcessor(event_type=EventType.SQS)


@batch_processor(record_handler=take, processor=_processor)  # type: ignore[untyped-decorator]
def by_decorator(event: dict[str, Any], context: Any) -> Any:
    return _processor.response()


@pytest.mark.filterwarnings("ignore:The `batch_processor` decorator is deprecated")
@pytest.mark.parametrize("batch", [by_call, by_decorator])
def test_batches_beside_an_app(batch: Callable[[Any, Any], Any], app: App) -> None:
    @app.get("/health")
    def health() -> dict[str, bool]:
        return {"ok": True}

    def handler(event: dict[str, Any], context: Any) -> Any:
        return batch(event, context) if "Records" in event else app(event, context)

    event = events.sqs(["good", "bad"])
    assert handler(event, LambdaContext()) == {
        "batchItemFailures": [{"itemIdentifier": event["Records"][1]["messageId"]}]
    }
    assert Client(handler).get("/health").json() == {"ok": True}
