"""Calls from function to function, against a server that answers as Lambda does."""

from __future__ import annotations

import asyncio
import base64
import json
import pickle
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from lambent.app import current
from lambent.app.client.errors import AWSError, PayloadTooLarge, TimedOut
from lambent.app.functions import (
    LARGEST,
    LARGEST_ASYNC,
    FunctionCallError,
    UnexpectedResult,
    ainvoke,
    ainvoke_async,
    correlation_of,
    invoke,
    invoke_async,
    unwrap,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.app.client.conftest import Asked, Backend


class Price(msgspec.Struct):
    amount: float
    currency: str = "EUR"


TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
ARN = "arn:aws:lambda:us-west-2:111122223333:function:pricing"


def test_a_call_and_its_result(backend: Backend) -> None:
    backend.answers = [backend.say({"amount": 9.5}, headers={"X-Amz-Executed-Version": "$LATEST"})]
    assert invoke("pricing", Price(1.5), response_type=Price) == Price(9.5)
    assert invoke("pricing") == {"amount": 9.5}
    first, second = backend.asked
    assert (first.method, first.target) == ("POST", "/2015-03-31/functions/pricing/invocations")
    assert first.json == {"amount": 1.5, "currency": "EUR"}
    assert first.headers["content-type"] == "application/json"
    assert "x-amz-invocation-type" not in first.headers
    assert "x-amz-client-context" not in first.headers
    assert second.json is None


NAMES = [
    # name, qualifier, target, region
    ("pricing", None, "/2015-03-31/functions/pricing/invocations", "eu-west-1"),
    ("pricing", "live", "/2015-03-31/functions/pricing/invocations?Qualifier=live", "eu-west-1"),
    ("pricing", "$LATEST", "/2015-03-31/functions/pricing/invocations?Qualifier=%24LATEST", "eu-west-1"),
    ("pricing:live", None, "/2015-03-31/functions/pricing%3Alive/invocations", "eu-west-1"),
    (ARN, None, f"/2015-03-31/functions/{ARN.replace(':', '%3A')}/invocations", "us-west-2"),
]


@pytest.mark.parametrize(("name", "qualifier", "target", "region"), NAMES)
def test_which_function_is_called(
    backend: Backend, name: str, qualifier: str | None, target: str, region: str
) -> None:
    invoke(name, qualifier=qualifier)
    invoke_async(name, qualifier=qualifier)
    for asked in backend.asked:
        assert asked.target == target
        assert f"/{region}/lambda/aws4_request" in asked.headers["authorization"]


def test_functions_of_the_app_are_called_by_what_they_are_named_where_it_is_deployed(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAMBENT_FUNCTION_TAX_RATES", "shop-prod-tax-rates")
    for name in ("tax-rates", "tax-rates:live", "prices"):
        backend.answers.append(backend.say(1))
        invoke(name)
    assert [one.target.split("/")[3] for one in backend.asked] == [
        "shop-prod-tax-rates",
        "shop-prod-tax-rates%3Alive",
        "prices",
    ]


def test_raw_json_is_sent_as_it_is(backend: Backend) -> None:
    invoke("pricing", msgspec.Raw(b'{ "a":1}'))
    assert backend.asked[0].body == b'{ "a":1}'


RESULTS: list[tuple[bytes, Any, Any]] = [
    # answer, type, result
    (b"null", None, None),
    (b"", Price, None),
    (b"[1,2]", list[int], [1, 2]),
    (b'"text"', str, "text"),
    (b'{"a":{"amount":1}}', dict[str, Price], {"a": Price(1)}),
]


@pytest.mark.parametrize(("answer", "kind", "result"), RESULTS)
def test_results_are_of_the_type_wanted(backend: Backend, answer: bytes, kind: Any, result: Any) -> None:
    backend.answers = [backend.say(answer)]
    assert invoke("pricing", response_type=kind) == result


UNEXPECTED = [
    (b'{"amount":"much"}', Price, r"pricing: the result is no Price: amount: Expected `float`, got `str`"),
    (b'{"amount"', Price, r"pricing: the result is no Price: Input data was truncated"),
    (b'["a"]', list[int], r"pricing: the result is no list: "),
]


@pytest.mark.parametrize(("answer", "kind", "reason"), UNEXPECTED)
def test_results_of_another_type(backend: Backend, answer: bytes, kind: Any, reason: str) -> None:
    backend.answers = [backend.say(answer)]
    with pytest.raises(UnexpectedResult, match=reason):
        invoke("pricing", response_type=kind)


ERRORS = [
    # answer, type, message, trace
    (
        b'{"errorMessage":"no such sku","errorType":"LookupError","stackTrace":["  File a\\n","  b\\n"]}',
        ("LookupError", "no such sku", ["  File a", "  b"]),
    ),
    (
        b'{"errorMessage":"2026-11-21T10:00:00Z r Task timed out after 3.00 seconds","errorType":"Sandbox.Timedout"}',
        ("Sandbox.Timedout", "2026-11-21T10:00:00Z r Task timed out after 3.00 seconds", []),
    ),
    (b'{"errorMessage":null}', ("Unhandled", "", [])),
    (b'"what"', ("Unhandled", "what", [])),
    (b"no json", ("Unhandled", "no json", [])),
]


@pytest.mark.parametrize(("answer", "expected"), ERRORS)
def test_the_function_fails(backend: Backend, answer: bytes, expected: tuple[str, str, list[str]]) -> None:
    backend.answers = [backend.say(answer, headers={"X-Amz-Function-Error": "Unhandled"})]
    with pytest.raises(FunctionCallError, match=r"^pricing: ") as raised:
        invoke("pricing", response_type=Price)
    error = raised.value
    assert (error.error_type, error.error_message, error.stack_trace) == expected
    assert (error.name, error.payload) == ("pricing", answer)
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    assert (str(again), again.stack_trace) == (str(error), error.stack_trace)
    assert len(backend.asked) == 1


def test_lambda_refuses(backend: Backend) -> None:
    backend.answers = [
        backend.say(
            {"Type": "User", "Message": "Function not found"},
            404,
            {"x-amzn-ErrorType": "ResourceNotFoundException", "x-amzn-RequestId": "r-1"},
        )
    ]
    with pytest.raises(AWSError, match="ResourceNotFoundException: Function not found") as raised:
        invoke("pricing")
    assert (raised.value.status, raised.value.request_id) == (404, "r-1")


def test_lambdas_own_failures_are_tried_again(backend: Backend) -> None:
    failure = backend.say({"Message": "busy"}, 500, {"x-amzn-ErrorType": "ServiceException"})
    backend.answers = [failure, backend.say({"amount": 1})]
    assert invoke("pricing", response_type=Price) == Price(1)


def test_a_function_that_does_not_answer_in_time_is_not_called_again(backend: Backend) -> None:
    from threading import Event

    held = Event()

    def hold(_asked: Asked) -> Any:
        held.wait(5)
        return backend.drop

    backend.answers = [hold]
    with pytest.raises(TimedOut):
        invoke("pricing", timeout=0.05)
    held.set()
    assert len(backend.asked) == 1


def test_sizes_are_checked(backend: Backend) -> None:
    text = "x" * (LARGEST - 2)
    invoke("pricing", text)
    with pytest.raises(PayloadTooLarge, match="6,291,457 bytes of JSON, and a call takes 6,291,456"):
        invoke("pricing", text + "x")
    invoke_async("pricing", text[: LARGEST_ASYNC - 2])
    with pytest.raises(
        PayloadTooLarge, match="1,048,577 bytes of JSON, and an asynchronous call takes 1,048,576"
    ):
        invoke_async("pricing", text[: LARGEST_ASYNC - 1])
    assert [len(one.body) for one in backend.asked] == [LARGEST, LARGEST_ASYNC]


# ---------------------------------------------------------------- what goes along


@pytest.fixture
def traced(variables: pytest.MonkeyPatch) -> Iterator[None]:
    variables.setenv("AWS_LAMBDA_FUNCTION_NAME", "caller")
    variables.setenv("_X_AMZN_TRACE_ID", TRACE)
    current.begin(SimpleNamespace(aws_request_id="request-1"))
    yield
    current.end()


def _context(asked: Asked) -> Any:
    return json.loads(base64.b64decode(asked.headers["x-amz-client-context"], validate=True))


@pytest.mark.usefixtures("traced")
def test_a_call_carries_correlation_and_trace(backend: Backend, correlation: str) -> None:
    invoke("pricing")
    (asked,) = backend.asked
    assert _context(asked) == {"custom": {"correlation-id": correlation}}
    assert asked.headers["x-amzn-trace-id"] == TRACE
    context = SimpleNamespace(client_context=SimpleNamespace(**_context(asked), env=None, client=None))
    assert correlation_of(context) == correlation


@pytest.mark.usefixtures("traced")
def test_without_a_correlation_id_it_is_the_request_id(backend: Backend) -> None:
    invoke("pricing")
    assert _context(backend.asked[0]) == {"custom": {"correlation-id": "request-1"}}


def test_a_correlation_id_that_is_too_long_stays_here(backend: Backend) -> None:
    token = current.correlation_id.set("x" * 4000)
    invoke("pricing")
    current.correlation_id.reset(token)
    assert "x-amz-client-context" not in backend.asked[0].headers


@pytest.mark.parametrize("context", [None, SimpleNamespace(), SimpleNamespace(client_context=None)])
def test_contexts_without_a_correlation_id(context: Any) -> None:
    assert correlation_of(context) is None


@pytest.mark.usefixtures("traced")
def test_an_event_carries_the_trace(backend: Backend) -> None:
    backend.answers = [backend.say(b"", 202)]
    invoke_async("pricing", Price(1))
    (asked,) = backend.asked
    assert asked.headers["x-amz-invocation-type"] == "Event"
    assert asked.headers["x-amzn-trace-id"] == TRACE
    assert "x-amz-client-context" not in asked.headers
    assert asked.json == {"amount": 1, "currency": "EUR"}
    assert unwrap(asked.json) == (asked.json, None)


def test_an_event_in_an_envelope_carries_the_correlation_id(backend: Backend, correlation: str) -> None:
    invoke_async("pricing", Price(1), correlated=True)
    assert unwrap(backend.asked[0].json) == ({"amount": 1, "currency": "EUR"}, correlation)


@pytest.mark.parametrize(
    "event", [None, 1, [], {"payload": 1}, {"payload": 1, "lambent:call": 2}, {"lambent:call": {}, "a": 1}]
)
def test_other_events_are_their_own_payload(event: Any) -> None:
    assert unwrap(event) == (event, None)


def test_from_async_handlers(backend: Backend, correlation: str) -> None:
    backend.answers = [backend.say({"amount": 1})]

    async def both() -> list[Price]:
        return await asyncio.gather(*(ainvoke("pricing", response_type=Price) for _ in range(2)))

    assert asyncio.run(both()) == [Price(1), Price(1)]
    assert _context(backend.asked[0]) == {"custom": {"correlation-id": correlation}}


@pytest.mark.usefixtures("traced")
def test_events_from_async_handlers(backend: Backend, correlation: str) -> None:
    backend.answers = [backend.say(b"", 202)]
    asyncio.run(ainvoke_async("pricing", Price(1), qualifier="live", correlated=True))
    (asked,) = backend.asked
    assert asked.headers["x-amz-invocation-type"] == "Event"
    assert asked.headers["x-amzn-trace-id"] == TRACE
    assert unwrap(asked.json) == ({"amount": 1, "currency": "EUR"}, correlation)
