"""The framework's function calls, against the platform's own Lambda."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import msgspec
import pytest

from lambent.app import current
from lambent.app.client import connection
from lambent.app.client.errors import AWSError
from lambent.app.functions import FunctionCallError, correlation_of, invoke, invoke_async

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.platform.conftest import Gate, Platform

TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"

SOURCE = """
import os

def handler(event, context):
    if event["amount"] < 0:
        raise ValueError("less than nothing")
    return {
        "amount": event["amount"] * 2,
        "custom": context.client_context.custom,
        "trace": os.environ["_X_AMZN_TRACE_ID"],
    }
"""


class Price(msgspec.Struct):
    amount: float


class Doubled(msgspec.Struct):
    amount: float
    custom: dict[str, str]
    trace: str


@pytest.fixture
def caller(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """This process is a function on the platform, in the middle of an invocation."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", platform.url)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "caller")
    monkeypatch.setenv("_X_AMZN_TRACE_ID", TRACE)
    current.begin(SimpleNamespace(aws_request_id="request-1"))
    yield
    current.end()
    connection.close()


@pytest.mark.usefixtures("caller")
def test_a_call_is_typed_and_correlated(platform: Platform) -> None:
    name = platform.create(SOURCE)
    result = invoke(name, Price(1.5), response_type=Doubled)
    assert result.amount == 3.0
    assert (
        correlation_of(SimpleNamespace(client_context=SimpleNamespace(custom=result.custom))) == "request-1"
    )
    assert result.trace.startswith("Root=1-5759e988-bd862e3fe1be46a994272793;")


@pytest.mark.usefixtures("caller")
def test_errors_of_the_function_and_of_lambda(platform: Platform) -> None:
    name = platform.create(SOURCE)
    with pytest.raises(FunctionCallError, match=f"{name}: ValueError: less than nothing") as raised:
        invoke(name, Price(-1), response_type=Doubled)
    assert any("handler" in line for line in raised.value.stack_trace)
    with pytest.raises(AWSError, match="ResourceNotFoundException: Function not found"):
        invoke(name + "-gone")
    with pytest.raises(AWSError, match="ResourceNotFoundException"):
        invoke_async(name, qualifier="gone")


@pytest.mark.usefixtures("caller")
def test_an_event_is_queued(platform: Platform, gate: Gate) -> None:
    name = platform.create(gate.source, Handler="app.handler")
    invoke_async(name, {"port": gate.port, "say": "queued"})
    ((_request_id, _pid, said),) = gate.wait()
    assert said == "queued"
