"""Metrics: what reaches the log, beside what Powertools writes for the same calls."""

from __future__ import annotations

import asyncio
import io
import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent import App
from lambent.app import current, emf, metric_set, metrics
from lambent.app.emf import (
    MetricNameError,
    MetricResolution,
    MetricResolutionError,
    MetricsError,
    MetricUnit,
    MetricUnitError,
    MetricValueError,
    SchemaValidationError,
)
from lambent.app.metrics import EphemeralMetrics, Metrics, single_metric

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class Context:
    function_name = "checkout"
    aws_request_id = "79104EXAMPLEB723"


@pytest.fixture(autouse=True)
def _nothing_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for variable in ("NAMESPACE", "DISABLED", "FUNCTION_NAME"):
        monkeypatch.delenv(f"POWERTOOLS_METRICS_{variable}", raising=False)
    for variable in ("POWERTOOLS_SERVICE_NAME", "POWERTOOLS_DEV", "AWS_LAMBDA_INITIALIZATION_TYPE"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(current, "_begun", False)
    yield
    metrics._first.clear()
    current.end()


@pytest.fixture
def log() -> io.StringIO:
    return io.StringIO()


def blobs(log: io.StringIO) -> list[dict[str, Any]]:
    text = log.getvalue()
    assert text == "" or text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


def of_powertools(capsys: pytest.CaptureFixture[str], calls: Callable[[Any], None]) -> list[str]:
    from aws_lambda_powertools.metrics import EphemeralMetrics as Powertools

    oracle = Powertools(namespace="Shop", service="orders")
    calls(oracle)
    oracle.flush_metrics()
    return capsys.readouterr().out.splitlines()


def plain(m: Any) -> None:
    m.add_metric(name="Sold", unit="Count", value=1)


def repeated(m: Any) -> None:
    m.add_metric(name="Latency", unit="Milliseconds", value=12.5)
    m.add_metric(name="Latency", unit="Milliseconds", value=7)


def everything(m: Any) -> None:
    m.set_default_dimensions(stage="test")
    m.add_dimension(name="shop", value=7)
    m.add_metric(name="  Sold ", unit="CountPerSecond", value=1, resolution=1)
    m.add_metric(name="Total", unit="None", value=57.25)
    m.add_metric(name="Größe", unit="Bytes/Second", value=True)
    m.add_metadata(key="order", value={"id": "42", "lines": [1, None, 2.5]})
    m.add_metadata(key=7, value="seven")
    m.set_timestamp(datetime.now(UTC))


def units_change(m: Any) -> None:
    m.add_metric(name="Size", unit="Bytes", value=1)
    m.add_metric(name="Size", unit="Kilobytes", value=2)


def sets(m: Any) -> None:
    m.set_default_dimensions(stage="test")
    m.add_dimensions(region="eu", shop=7)
    m.add_dimensions(region="us")
    m.add_metric(name="Sold", unit="Count", value=1)


def own_service(m: Any) -> None:
    m.add_dimension(name="service", value="other")
    m.add_metric(name="Sold", unit="Count", value=1)


def decimals(m: Any) -> None:
    m.add_metric(name="Price", unit="None", value=Decimal("9.75"))


def hundred_values(m: Any) -> None:
    m.add_dimension(name="shop", value="7")
    m.add_metadata(key="order", value="42")
    for value in range(101):
        m.add_metric(name="Sold", unit="Count", value=value)


def hundred_metrics(m: Any) -> None:
    for number in range(201):
        m.add_metric(name=f"Metric{number}", unit="Count", value=number)


@pytest.mark.parametrize(
    "calls",
    [
        plain,
        repeated,
        everything,
        units_change,
        sets,
        own_service,
        decimals,
        hundred_values,
        hundred_metrics,
    ],
)
def test_blobs_are_those_of_powertools(
    calls: Callable[[Any], None], log: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = [json.loads(line) for line in of_powertools(capsys, calls)]
    m = EphemeralMetrics("Shop", "orders", log)
    calls(m)
    m.flush()
    ours = blobs(log)
    for blob in (
        *expected,
        *ours,
    ):  # the time of writing; a dict compares without order, so that is compared apart
        assert abs(blob["_aws"].pop("Timestamp") - time.time() * 1000) < 60_000
    assert ours == expected
    assert [list(blob) for blob in ours] == [list(blob) for blob in expected]
    assert [list(blob["_aws"]["CloudWatchMetrics"][0]) for blob in ours] == [
        list(blob["_aws"]["CloudWatchMetrics"][0]) for blob in expected
    ]


def test_units_and_resolutions_are_those_of_powertools() -> None:
    from aws_lambda_powertools.metrics import MetricResolution as TheirResolution
    from aws_lambda_powertools.metrics import MetricUnit as TheirUnit

    assert {unit.name: unit.value for unit in MetricUnit} == {unit.name: unit.value for unit in TheirUnit}
    assert {each.name: each.value for each in MetricResolution} == {
        each.name: each.value for each in TheirResolution
    }
    m: Any = EphemeralMetrics("Shop")  # types say ours, but theirs are taken too
    m.add_metric("Sold", TheirUnit.CountPerSecond, 1, TheirResolution.High)
    m.add_metric("Bought", MetricUnit.CountPerSecond, 1, MetricResolution.High)
    m.add_metric("Lost", MetricUnit.Count, 1, MetricResolution.Standard)
    high = {"Unit": "Count/Second", "StorageResolution": 1}
    assert m.serialize_metric_set()["_aws"]["CloudWatchMetrics"][0]["Metrics"] == [
        {"Name": "Sold", **high},
        {"Name": "Bought", **high},
        {"Name": "Lost", "Unit": "Count"},
    ]


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"name": " "}, MetricNameError, "between 1 and 255 characters: this one has 0"),
        ({"name": "_aws"}, MetricNameError, "should not be '_aws'"),
        ({"name": 7}, MetricNameError, "should be text: 7"),
        ({"name": "x" * 256}, MetricNameError, "this one has 256"),
        ({"unit": "Counts"}, MetricUnitError, "Invalid metric unit 'Counts' of 'Sold': one of Seconds, "),
        ({"unit": None}, MetricUnitError, "Invalid metric unit None"),
        ({"unit": ["Count"]}, MetricUnitError, "Invalid metric unit"),
        ({"resolution": 30}, MetricResolutionError, "Invalid metric resolution 30 of 'Sold': 60"),
        ({"resolution": "1"}, MetricResolutionError, "Invalid metric resolution '1'"),
        ({"value": "12"}, MetricValueError, "'12' is not a valid number"),
        ({"value": None}, MetricValueError, "None is not a valid number"),
        ({"value": 1j}, MetricValueError, "1j is not a valid number"),
        ({"value": float("nan")}, MetricValueError, "nan is not a valid number for CloudWatch"),
        ({"value": float("-inf")}, MetricValueError, "-inf is not"),
        ({"value": 2.0**361}, MetricValueError, "for CloudWatch"),
        ({"value": 10**400}, MetricValueError, "is not a valid number"),
    ],
)
def test_what_cloudwatch_would_not_take_is_refused(
    arguments: dict[str, Any], error: type[Exception], text: str
) -> None:
    m = EphemeralMetrics("Shop")
    with pytest.raises(error, match=text) as raised:
        m.add_metric(**{"name": "Sold", "unit": "Count", "value": 1, **arguments})
    assert isinstance(raised.value, MetricsError)
    assert not m._values


def test_no_metric_no_namespace_no_blob(log: io.StringIO) -> None:
    m = EphemeralMetrics(stream=log)
    m.flush()
    with pytest.raises(SchemaValidationError, match=r"Must contain at least one metric."):
        m.flush(raise_on_empty_metrics=True)
    m.add_metric("Sold", "Count", 1)
    with pytest.raises(
        SchemaValidationError, match=r"Must contain a metric namespace.*POWERTOOLS_METRICS_NAMESPACE"
    ):
        m.flush()
    m.namespace = "Shop"
    m.flush()
    assert blobs(log) == []


def test_a_name_is_a_metric_or_a_dimension(log: io.StringIO) -> None:
    m = EphemeralMetrics("Shop", "orders", log)
    m.add_metric("service", "Count", 1)
    with pytest.raises(SchemaValidationError, match="'service' is both a metric and a dimension"):
        m.flush()
    with pytest.raises(SchemaValidationError, match="'_aws'"):
        m.add_metadata("_aws", 1)


def test_thirty_dimensions_with_the_service(log: io.StringIO) -> None:
    m = EphemeralMetrics("Shop", "orders", log)
    for number in range(29):
        m.add_dimension(f"d{number}", number)
    m.add_dimension("d3", "3")
    with pytest.raises(
        SchemaValidationError, match=r"Maximum number of dimensions exceeded \(29.* add dimension d29"
    ):
        m.add_dimension("d29", "29")
    with pytest.raises(SchemaValidationError, match=r"Maximum dimensions \(29\) exceeded"):
        m.add_dimensions(one_more="30")
    m.add_dimensions(d0="zero")
    m.add_metric("Sold", "Count", 1)
    m.flush()
    [blob] = blobs(log)
    first, second = blob["_aws"]["CloudWatchMetrics"][0]["Dimensions"]
    assert len(first) == 30
    assert second == ["d0"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("", "x"), (" ", "x"), ("x", ""), ("x", " \t"), ("n" * 256, "x"), ("x", "v" * 1025), ("_aws", "x")],
)
def test_dimensions_that_do_not_fit_are_left_out(name: str, value: str) -> None:
    m = EphemeralMetrics("Shop")
    with pytest.warns(
        UserWarning, match=f"^The dimension {name} doesn't meet the requirements and won't be added"
    ):
        m.add_dimension(name, value)
    with pytest.warns(UserWarning, match="empty name or value"):
        m.add_dimensions(**{name: value})
    m.add_metric("Sold", "Count", 1)
    assert m.serialize_metric_set()["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [[]]


def test_a_dimension_given_twice_warns() -> None:
    m = EphemeralMetrics("Shop")
    m.add_dimension("shop", 7)
    m.add_dimension("shop", "7")
    with pytest.warns(UserWarning, match="'shop' has already been added: '7' is overwritten by '8'"):
        m.add_dimension("shop", "8")
    with pytest.warns(UserWarning, match="Empty dimensions dictionary"):
        m.add_dimensions()


def test_default_dimensions_stay(log: io.StringIO) -> None:
    m = EphemeralMetrics("Shop", stream=log)
    m.set_default_dimensions(stage="test", shard=3)
    for shop in ("a", "b"):
        m.add_dimension("shop", shop)
        m.add_metadata("shop_name", shop)
        m.add_metric("Sold", "Count", 1)
        m.flush()
    m.clear_default_dimensions()
    m.clear_metrics()
    m.add_metric("Sold", "Count", 1)
    m.flush()
    first, second, third = blobs(log)
    assert (first["stage"], first["shard"], first["shop"], first["shop_name"]) == ("test", "3", "a", "a")
    assert (second["stage"], second["shard"], second["shop"], second["shop_name"]) == ("test", "3", "b", "b")
    assert set(third) == {"_aws", "Sold"}


def test_timestamps(log: io.StringIO) -> None:
    m = EphemeralMetrics("Shop", stream=log)
    moment = datetime(2001, 9, 9, 1, 46, 40, 123_000, tzinfo=UTC)
    now = time.time_ns() // 1_000_000
    with pytest.warns(UserWarning, match="doesn't meet the requirements and will be skipped by Amazon"):
        m.set_timestamp(moment)
    m.add_metric("Sold", "Count", 1)
    m.flush()
    m.add_metric("Sold", "Count", 1)  # the timestamp was the other blob's
    m.flush()
    m.set_timestamp(now - 5)
    with pytest.warns(
        UserWarning, match="doesn't meet the requirements.*neither milliseconds nor a datetime"
    ):
        m.set_timestamp("now")  # type: ignore[arg-type] # that is what is tested
    with pytest.warns(UserWarning, match="2 hours future"):
        m.set_timestamp(now + 3 * 3600 * 1000)
    m.set_timestamp(now - 5)
    m.add_metric("Sold", "Count", 1)
    m.flush()
    first, second, third = (blob["_aws"]["Timestamp"] for blob in blobs(log))
    assert first == 1_000_000_000_123
    assert now <= second < now + 60_000
    assert third == now - 5


def test_metadata_is_whatever_it_is(log: io.StringIO) -> None:
    m = EphemeralMetrics("Shop", stream=log)
    m.add_metadata("object", Context)
    m.add_metadata("surrogate", "\ud800")
    m.add_metadata("big", 2**70)
    m.add_metadata("keys", {("a",): 1, "b": 2})
    m.add_metric("Sold", "Count", 1)
    m.flush()
    [blob] = blobs(log)
    assert blob["object"] == str(Context)
    assert blob["surrogate"] == "\ud800"
    assert blob["big"] == 2**70
    assert blob["keys"]["b"] == 2


texts = st.text(min_size=1, max_size=20).filter(lambda text: text.strip() == text != "_aws")


@settings(max_examples=100)
@given(
    added=st.lists(
        st.tuples(
            texts, st.sampled_from(MetricUnit), st.floats(-1e100, 1e100) | st.integers(-(2**80), 2**80)
        ),
        min_size=1,
        max_size=250,
    ),
    repeat=st.integers(1, 3),
)
def test_no_value_gets_lost(added: list[tuple[str, MetricUnit, float]], repeat: int) -> None:
    log = io.StringIO()
    m = EphemeralMetrics("Shop", stream=log)
    for name, unit, value in added * repeat:
        m.add_metric(name, unit, value)
    m.flush()
    written: dict[str, list[float]] = {}
    # Not splitlines(): a name may have a line separator in it, which ends no line of a log.
    for blob in map(json.loads, log.getvalue().removesuffix("\n").split("\n")):
        names = [each["Name"] for each in blob["_aws"]["CloudWatchMetrics"][0]["Metrics"]]
        assert len(names) <= 100
        assert list(blob)[1:] == names
        for name in names:
            assert len(blob[name]) <= 100
            written.setdefault(name, []).extend(blob[name])
    expected: dict[str, list[float]] = {}
    for name, _, value in added * repeat:
        expected.setdefault(name, []).append(float(value))
    assert written == expected


def test_names_made_of_data_do_not_fill_the_memory(log: io.StringIO) -> None:
    m = EphemeralMetrics("Shop", stream=log)
    for number in range(12_000):
        m.add_metric(f"Metric{number}", "Count", 1)
    assert len(emf.definitions) <= 10_000
    for number in range(1_200):
        m.add_dimension(f"dimension{number}", "x")
        m.add_metric("Sold", "Count", 1)
        m.flush()
    assert len(metric_set.frames) <= metric_set.MAX_FRAMES


def test_metrics_of_a_namespace_and_service_are_one(log: io.StringIO) -> None:
    one = Metrics("Shop", "orders", log)
    two = Metrics("Shop", "orders", log)
    other = Metrics("Shop", "receipts", log)
    own = EphemeralMetrics("Shop", "orders", log)
    two.add_dimension("stage", "test")
    for number, m in enumerate((one, two, other, own)):
        m.add_metric(f"Metric{number}", "Count", 1)
    metrics.end_invocation()
    metrics.end_invocation()
    first, second = blobs(log)
    assert set(first) == {"_aws", "stage", "service", "Metric0", "Metric1"}
    assert set(second) == {"_aws", "service", "Metric2"}
    own.flush()
    assert set(blobs(log)[2]) == {"_aws", "service", "Metric3"}


def test_metrics_without_a_namespace_are_those_of_the_first_that_has_one(log: io.StringIO) -> None:
    before = Metrics()  # in a module that was imported earlier
    before.add_metric("Before", "Count", 1)
    before.set_default_dimensions(stage="test")
    named = Metrics("Shop", "orders", log, capture_cold_start_metric=True)
    after = Metrics()
    other = Metrics(service="receipts")
    after.add_metric("After", "Count", 1)
    assert before.metric_set == named.metric_set == after.metric_set
    assert named.default_dimensions == after.default_dimensions == {"stage": "test"}
    assert not other.metric_set
    blob = before.serialize_metric_set()
    assert blob["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Shop"
    assert blob["service"] == "orders"
    metrics.end_invocation()
    assert set(blobs(log)[-1]) == {"_aws", "stage", "service", "Before", "After"}
    assert Metrics("Bank").metric_set == {}


def test_what_is_not_written_yet_can_be_read() -> None:
    m = EphemeralMetrics("Shop", "orders")
    m.set_default_dimensions(stage="test")
    m.add_dimension("shop", 7)
    m.add_dimensions(region="eu")
    m.add_metadata("order", 42)
    m.add_metric("Sold", "Count", 1)
    m.add_metric("Latency", "Milliseconds", 2.5, 1)
    assert m.metric_set == {
        "Sold": {"Unit": "Count", "StorageResolution": 60, "Value": [1.0]},
        "Latency": {"Unit": "Milliseconds", "StorageResolution": 1, "Value": [2.5]},
    }
    assert m.dimension_set == {"stage": "test", "shop": "7"}
    assert m.dimension_sets == [{"stage": "test", "region": "eu"}]
    assert m.default_dimensions == {"stage": "test"}
    assert m.metadata_set == {"order": 42}
    m.clear_metrics()
    assert (m.metric_set, m.dimension_set, m.dimension_sets, m.metadata_set) == (
        {},
        {"stage": "test"},
        [],
        {},
    )


def test_the_environment_names_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Shop")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "orders")
    m = Metrics()
    m.add_metric("Sold", "Count", 1)
    m.flush()
    blob = json.loads(capsys.readouterr().out)
    assert blob["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Shop"
    assert blob["service"] == "orders"


@pytest.mark.parametrize(
    ("environment", "written"),
    [
        ({}, True),
        ({"POWERTOOLS_METRICS_DISABLED": "true"}, False),
        ({"POWERTOOLS_METRICS_DISABLED": "0"}, True),
        ({"POWERTOOLS_DEV": "1"}, False),
        ({"POWERTOOLS_DEV": "1", "POWERTOOLS_METRICS_DISABLED": "false"}, True),
    ],
)
def test_disabled(
    environment: dict[str, str], written: bool, monkeypatch: pytest.MonkeyPatch, log: io.StringIO
) -> None:
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    m = EphemeralMetrics("Shop", stream=log, capture_cold_start_metric=True)
    current.begin(Context())
    for _ in range(100):
        m.add_metric("Sold", "Count", 1)
    m.add_metric("Sold", "Count", 1)
    m.end_invocation()
    with single_metric("Sold", "Count", 1, namespace="Shop", stream=log):
        pass
    assert len(blobs(log)) == (4 if written else 0)
    with pytest.raises(MetricUnitError):
        m.add_metric("Sold", "Counts", 1)


# Invocations


def test_end_invocation_leaves_nothing_for_the_next(log: io.StringIO) -> None:
    m = EphemeralMetrics("Shop", stream=log, capture_cold_start_metric=True)
    m.set_default_dimensions(stage="test")
    current.begin(Context())
    m.add_dimension("shop", "7")
    m.add_metadata("order", "42")
    m.end_invocation()
    current.end()
    current.begin(Context())
    m.add_metric("Sold", "Count", 1)
    m.end_invocation()
    cold, sold = blobs(log)
    assert (cold["ColdStart"], cold["function_name"]) == ([1.0], "checkout")
    assert set(sold) == {"_aws", "stage", "Sold"}


def left_by_dimension(m: Metrics) -> None:
    m.add_dimension("shop", "7")


def left_by_dimensions(m: Metrics) -> None:
    m.add_dimensions(shop="7")


def left_by_default(m: Metrics) -> None:
    with pytest.warns(UserWarning, match="overwritten"):
        m.add_dimension("stage", "other")


def left_by_metadata(m: Metrics) -> None:
    m.add_metadata("order", "42")


def left_by_timestamp(m: Metrics) -> None:
    m.set_timestamp(time.time_ns() // 1_000_000 - 60_000)


@pytest.mark.parametrize(
    "leave", [left_by_dimension, left_by_dimensions, left_by_default, left_by_metadata, left_by_timestamp]
)
def test_an_invocation_without_metrics_leaves_nothing(
    leave: Callable[[Metrics], None], log: io.StringIO
) -> None:
    m = Metrics("Shop", stream=log)
    m.set_default_dimensions(stage="test")
    leave(m)
    m.end_invocation()
    m.add_metric("Sold", "Count", 1)
    m.end_invocation()
    [blob] = blobs(log)
    assert list(blob) == ["_aws", "stage", "Sold"]
    assert blob["stage"] == "test"
    assert blob["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["stage"]]
    assert blob["_aws"]["Timestamp"] > time.time() * 1000 - 30_000


def test_metrics_that_cannot_be_written_take_no_others_along(log: io.StringIO) -> None:
    for m in (Metrics("Bank", stream=log), Metrics("Shop", stream=log)):
        m.add_dimension("Sold", "x")
        m.add_metric("Sold", "Count", 1)
    fine = Metrics("Stock", stream=log)
    fine.add_metric("Sold", "Count", 1)
    with pytest.raises(SchemaValidationError, match="both a metric and a dimension"):
        metrics.end_invocation()
    assert [list(blob) for blob in blobs(log)] == [["_aws", "Sold"]]
    metrics.end_invocation()


def test_log_metrics_writes_at_the_end(log: io.StringIO) -> None:
    m = Metrics("Shop", "orders", log)

    @m.log_metrics(capture_cold_start_metric=True, default_dimensions={"stage": "test"})
    def handler(event: dict[str, Any], context: Context, extra: int = 0) -> tuple[Any, int]:
        """Sells."""
        m.add_metric("Sold", "Count", extra)
        assert current.context is context
        return event, extra

    assert handler.__doc__ == "Sells."
    assert handler({"a": 1}, Context(), extra=3) == ({"a": 1}, 3)
    assert handler({}, Context()) == ({}, 0)
    cold, first, second = blobs(log)
    assert cold["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["function_name", "service"]]
    assert cold["_aws"]["CloudWatchMetrics"][0]["Metrics"] == [{"Name": "ColdStart", "Unit": "Count"}]
    assert (cold["function_name"], cold["service"], cold["ColdStart"]) == ("checkout", "orders", [1.0])
    assert (first["stage"], first["Sold"], second["stage"], second["Sold"]) == ("test", [3.0], "test", [0.0])
    assert current.context is None


def test_metrics_survive_what_the_handler_raises(log: io.StringIO) -> None:
    m = Metrics("Shop", stream=log)

    @m.log_metrics(raise_on_empty_metrics=True, capture_cold_start_metric=True)
    def handler(event: dict[str, Any], context: Context) -> None:
        if event:
            m.add_metric("Failed", "Count", 1)
        raise KeyError("order")

    for event in ({"a": 1}, {}):
        with pytest.raises(KeyError, match="order") as raised:
            handler(event, Context())
        assert not hasattr(raised.value, "__notes__") or not event
    cold, failed = blobs(log)
    assert cold["ColdStart"] == failed["Failed"] == [1.0]
    assert current.context is None


def test_what_is_wrong_with_metrics_does_not_hide_what_the_handler_raised(log: io.StringIO) -> None:
    m = Metrics(stream=log)

    @m.log_metrics
    def handler(event: bool, context: Context) -> None:
        m.add_metric("Sold", "Count", 1)
        if event:
            raise KeyError("order")

    with pytest.raises(KeyError) as raised:
        handler(True, Context())
    assert "Must contain a metric namespace" in raised.value.__notes__[0]
    with pytest.raises(SchemaValidationError, match="Must contain a metric namespace"):
        handler(False, Context())
    assert not m._values
    with (
        pytest.raises(KeyError) as raised,
        single_metric("Sold", "Count", 1, stream=log),
    ):
        raise KeyError("order")
    assert "namespace" in raised.value.__notes__[0]


def test_a_decorator_between_may_hand_on_a_coroutine(log: io.StringIO) -> None:
    m = Metrics("Shop", stream=log)

    async def handler(event: Any, context: Any) -> str:
        await asyncio.sleep(0)
        m.add_metric("Sold", "Count", 1)
        if event:
            raise KeyError("order")
        return "done"

    decorated: Any = m.log_metrics(lambda event, context: handler(event, context))
    assert asyncio.run(decorated({}, Context())) == "done"
    with pytest.raises(KeyError):
        asyncio.run(decorated({"a": 1}, Context()))
    assert [blob["Sold"] for blob in blobs(log)] == [[1.0], [1.0]]
    assert current.context is None


def test_disabled_metrics_need_no_names(monkeypatch: pytest.MonkeyPatch, log: io.StringIO) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_DISABLED", "true")
    m = Metrics(stream=log)

    @m.log_metrics(capture_cold_start_metric=True)
    def handler(event: Any, context: Any) -> str:
        for _ in range(101):
            m.add_metric("Sold", "Count", 1)
        return "done"

    assert handler({}, Context()) == "done"
    assert m.metric_set == {}
    assert log.getvalue() == ""


def test_a_durable_context_names_the_function(log: io.StringIO) -> None:
    class Durable:
        lambda_context = Context()
        state = None

    m = Metrics("Shop", stream=log)
    m.log_metrics(lambda event, context: m.add_metric("Sold", "Count", 1), True)({}, Durable())
    cold, sold = blobs(log)
    assert (cold["function_name"], sold["Sold"]) == ("checkout", [1.0])


def test_no_metrics_warn_or_raise(log: io.StringIO) -> None:
    m = Metrics("Shop", stream=log)

    @m.log_metrics
    def warns(event: Any, context: Any) -> None:
        m.add_dimension("shop", "7")

    @m.log_metrics(raise_on_empty_metrics=True)
    def raises(event: Any, context: Any) -> None:
        pass

    with pytest.warns(UserWarning, match=r"^No application metrics to publish\."):
        warns({}, Context())
    with pytest.warns(UserWarning, match=r"^No application metrics to publish\."):
        m.flush_metrics()
    assert not m._set.dimensions
    with pytest.raises(SchemaValidationError, match="Must contain at least one metric"):
        raises({}, Context())


def test_an_app_inside_the_decorator_has_written_already(log: io.StringIO) -> None:
    m = Metrics("Shop", stream=log)

    @m.log_metrics(raise_on_empty_metrics=True, capture_cold_start_metric=True)
    @m.log_metrics(capture_cold_start_metric=True)
    def handler(event: Any, context: Any) -> None:
        m.add_metric("Sold", "Count", 1)
        metrics.end_invocation()

    handler({}, Context())
    sold, cold = blobs(log)
    assert (list(sold), list(cold)) == (["_aws", "Sold"], ["_aws", "function_name", "ColdStart"])


def test_async_handlers(log: io.StringIO) -> None:
    m = Metrics("Shop", stream=log)

    @m.log_metrics
    async def handler(event: Any, context: Any) -> str:
        await asyncio.sleep(0)
        m.add_metric("Sold", "Count", 1)
        if event:
            raise KeyError("order")
        return "done"

    assert asyncio.run(handler({}, Context())) == "done"
    with pytest.raises(KeyError):
        asyncio.run(handler({"a": 1}, Context()))
    assert [blob["Sold"] for blob in blobs(log)] == [[1.0], [1.0]]


@pytest.mark.parametrize(
    ("initialization", "function_name", "variable", "expected"),
    [
        ("on-demand", None, None, "checkout"),
        ("on-demand", None, "of-the-environment", "of-the-environment"),
        ("on-demand", "given", "of-the-environment", "given"),
        ("snap-start", None, None, "checkout"),
        ("provisioned-concurrency", None, None, None),
    ],
)
def test_cold_starts(
    initialization: str,
    function_name: str | None,
    variable: str | None,
    expected: str | None,
    monkeypatch: pytest.MonkeyPatch,
    log: io.StringIO,
) -> None:
    monkeypatch.setenv("AWS_LAMBDA_INITIALIZATION_TYPE", initialization)
    if variable:
        monkeypatch.setenv("POWERTOOLS_METRICS_FUNCTION_NAME", variable)
    m = Metrics("Shop", stream=log, function_name=function_name)

    @m.log_metrics(capture_cold_start_metric=True)
    def handler(event: Any, context: Any) -> None:
        m.add_metric("Sold", "Count", 1)

    handler({}, Context())
    handler({}, Context())
    cold = [blob["function_name"] for blob in blobs(log) if "ColdStart" in blob]
    assert cold == ([expected] if expected else [])


def test_single_metric(log: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "orders")
    shared = Metrics("Shop", stream=log)
    shared.add_metric("Sold", "Count", 1)
    with single_metric(
        "Refused", MetricUnit.Count, 2, MetricResolution.High, "Bank", {"stage": "test"}, stream=log
    ) as metric:
        metric.add_dimension("card", "debit")
        metric.add_metadata("order", "42")
        with pytest.warns(UserWarning, match="one metric already: 'Another' is not added"):
            metric.add_metric("Another", "Count", 1)
    [blob] = blobs(log)
    assert list(blob) == ["_aws", "stage", "card", "service", "order", "Refused"]
    assert blob["_aws"]["CloudWatchMetrics"] == [
        {
            "Namespace": "Bank",
            "Dimensions": [["stage", "card", "service"]],
            "Metrics": [{"Name": "Refused", "Unit": "Count", "StorageResolution": 1}],
        }
    ]
    with pytest.raises(KeyError), single_metric("Refused", "Count", 1, namespace="Bank", stream=log):
        raise KeyError("order")
    assert len(blobs(log)) == 2


def test_importing_costs_nothing_that_msgspec_did_not_cost() -> None:
    code = (
        "import msgspec, sys; before = set(sys.modules); import lambent.app.metrics, lambent.app.tracing;"
        "print(*sorted(name for name in set(sys.modules) - before if not name.startswith('lambent')))"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert set(output.stdout.split()) <= {
        "__future__",
        "contextvars",
        "_contextvars",
        "enum",
        "typing",
        "functools",
    }


def test_a_cold_start_of_an_app_within_the_decorator(log: io.StringIO) -> None:
    m = Metrics("Shop", stream=log, capture_cold_start_metric=True)
    app = App("shop")

    @app.invocation()
    def sell(event: dict[str, Any]) -> None:
        assert current.cold == (event["number"] == 1)
        m.add_metric("Sold", "Count", event["number"])

    handler: Any = m.log_metrics(app)
    for number in (1, 2):
        handler({"number": number}, Context())
    assert sum("ColdStart" in blob for blob in blobs(log)) == 1
    assert current.context is None


# ------------------------------------------------------------ threads


@pytest.fixture
def impatient() -> Iterator[None]:
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_each_value_of_many_threads_is_written_once(tmp_path: Path, impatient: None) -> None:
    path = tmp_path / "log"
    with path.open("w", buffering=1) as stream:  # writing to a file lets other threads go on
        m = EphemeralMetrics("Shop", "orders", stream)

        def count(first: int) -> None:
            for i in range(8_000):
                m.add_metric(f"m{(i + first) % 150}", "Count", 1)
                if i % 701 == 0:
                    m.flush()

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(count, range(8)))
        m.flush()
    written = [json.loads(line) for line in path.read_text().splitlines()]
    named = [[one["Name"] for one in blob["_aws"]["CloudWatchMetrics"][0]["Metrics"]] for blob in written]
    values = [
        {name: one for name, one in blob.items() if name not in ("_aws", "service")} for blob in written
    ]
    assert [sorted(names) for names in named] == [sorted(each) for each in values]
    assert max(len(each) for each in values) == 100
    assert max(len(one) for each in values for one in each.values()) <= 100
    assert sum(len(one) for each in values for one in each.values()) == 8 * 8_000
