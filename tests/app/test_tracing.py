"""Tracing: X-Ray's header, tracing that is off, and spans through OpenTelemetry where that is installed."""

from __future__ import annotations

import asyncio
import contextlib
import io
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent import App, Logger
from lambent.app import current, tracing
from lambent.app.tracing import TraceHeader, Tracer, outgoing_header, parse_header, propagation_headers
from lambent.testing import Client

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Generator, Iterator

ROOT = "1-5759e988-bd862e3fe1be46a994272793"
TRACE = "5759e988bd862e3fe1be46a994272793"
PARENT = "53995c3f42cd8ad8"
HEADER = f"Root={ROOT};Parent={PARENT};Sampled=1"


class Context:
    function_name = "checkout"
    aws_request_id = "79104EXAMPLEB723"
    invoked_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:checkout:live"


@pytest.fixture(autouse=True)
def _nothing_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for variable in (
        "AWS_LAMBDA_FUNCTION_NAME",
        "_X_AMZN_TRACE_ID",
        "OTEL_PROPAGATORS",
        "OTEL_SDK_DISABLED",
        "POWERTOOLS_SERVICE_NAME",
        "POWERTOOLS_TRACE_DISABLED",
        "POWERTOOLS_TRACER_CAPTURE_ERROR",
        "POWERTOOLS_TRACER_CAPTURE_RESPONSE",
    ):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(current, "_begun", False)
    yield
    current.end()


# The header


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (HEADER, TraceHeader(ROOT, PARENT, "1")),
        (f"Root={ROOT}", TraceHeader(ROOT)),
        (f" Sampled=? ; Root={ROOT} ;Parent={PARENT.upper()}", TraceHeader(ROOT, PARENT, "?")),
        (
            f"Self=1-67891233-12456789abcdef012345678;Root={ROOT};Lineage=1:a87bd80c:0",
            TraceHeader(
                ROOT, others=(("Self", "1-67891233-12456789abcdef012345678"), ("Lineage", "1:a87bd80c:0"))
            ),
        ),
        (f"Root={ROOT};Parent=;Sampled=yes;", TraceHeader(ROOT)),
        (f"Root={ROOT};Parent=0000000000000000;Sampled=0", TraceHeader(ROOT, sampled="0")),
        (f"Root={ROOT};Parent=53995c3f42cd8ad", TraceHeader(ROOT)),
        ("", None),
        ("Root", None),
        (f"Parent={PARENT};Sampled=1", None),
        ("Root=1-5e6722a7-cc56xmpl46db7ae02d4da47e", None),  # as AWS's documentation spells examples
        (f"Root=2{ROOT[1:]}", None),
        (f"Root={ROOT}0", None),
        (f"Root={ROOT.replace('-', '')}", None),
        ("Root=1-00000000-000000000000000000000000", None),
    ],
)
def test_headers(text: str, expected: TraceHeader | None) -> None:
    assert parse_header(text) == expected


def test_a_header_as_w3c() -> None:
    header = TraceHeader(ROOT, PARENT, "1")
    assert header.trace_id == TRACE
    assert header.traceparent == f"00-{TRACE}-{PARENT}-01"
    assert TraceHeader(ROOT, PARENT, "0").traceparent == f"00-{TRACE}-{PARENT}-00"
    assert TraceHeader(ROOT).traceparent is None
    assert tracing.root_of(TRACE) == ROOT


ids = st.text("0123456789abcdef", min_size=16, max_size=16).filter(lambda text: text.strip("0") != "")
names = st.text(
    st.characters(codec="ascii", exclude_characters=";= \t\n\r\x0b\x0c\x1c\x1d\x1e\x1f"), min_size=1
)


@given(
    ids,
    ids,
    st.none() | ids,
    st.sampled_from([None, "0", "1", "?"]),
    st.lists(st.tuples(names.filter(lambda name: name not in ("Root", "Parent", "Sampled")), names)),
)
def test_what_is_written_is_read(
    left: str, right: str, parent: str | None, sampled: str | None, others: list[tuple[str, str]]
) -> None:
    header = TraceHeader(tracing.root_of(left + right), parent, sampled, tuple(others))
    assert parse_header(str(header)) == header
    assert header.trace_id == left + right


@given(st.text())
def test_anything_is_read_or_refused(text: str) -> None:
    header = parse_header(text)
    assert header is None or parse_header(str(header)) == header


@pytest.mark.parametrize(
    "header",
    [
        HEADER,
        f"Root={ROOT};Parent={PARENT};Sampled=0;Lineage=1:a87bd80c:0",
        "foo-\x7f;é \r\nX-Evil: 1/2",
        '{"a\'b"}',
    ],
)
def test_propagation_is_that_of_botocore(header: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from botocore.handlers import add_recursion_detection_header

    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "checkout")
    monkeypatch.setenv("_X_AMZN_TRACE_ID", header)
    request: dict[str, dict[str, str]] = {"headers": {}}
    add_recursion_detection_header(request)
    assert propagation_headers() == request["headers"]
    assert tracing.current_header() == header


def test_nothing_to_propagate(monkeypatch: pytest.MonkeyPatch) -> None:
    assert propagation_headers() == {}
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "")
    assert propagation_headers() == {}
    assert tracing.current_header() is None


# Off


@pytest.mark.parametrize(
    ("environment", "disabled"),
    [
        ({"POWERTOOLS_TRACE_DISABLED": "true"}, True),
        ({"POWERTOOLS_TRACE_DISABLED": "1"}, True),
        ({"OTEL_SDK_DISABLED": "True"}, True),
        ({"POWERTOOLS_TRACE_DISABLED": "false"}, False),
        ({"OTEL_SDK_DISABLED": "1"}, False),  # the specification: only "true"
        ({}, False),
    ],
)
def test_what_disables_it(
    environment: dict[str, str], disabled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    assert (Tracer()._otel is None) is disabled
    assert Tracer(disabled=True).disabled
    assert Tracer(disabled=False)._otel is not None


def test_off_it_is_not_there() -> None:
    tracer = Tracer("orders", disabled=True)

    def handler(event: Any, context: Any) -> None: ...

    async def task() -> None: ...

    @contextlib.contextmanager
    def block() -> Iterator[None]:
        yield

    method = staticmethod(handler)
    for function in (handler, task, block, method):
        assert tracer.capture_method(function) is function
        assert tracer.capture_method(capture_response=True)(function) is function
    assert tracer.capture_lambda_handler(handler) is handler
    assert tracer.capture_lambda_handler(capture_error=False)(handler) is handler
    with tracer.span("charge", attributes={"a": 1}, kind="CLIENT", links=[HEADER]) as span:
        span.put_annotation("a", 1)
        span.put_metadata("b", object())
        span.record_exception(KeyError("c"))
        tracer.put_annotation("a", 1)
        tracer.put_metadata("b", object())
    assert span is tracer.span("another") is tracer.invocation({}, None)
    with pytest.raises(KeyError), tracer.span("charge"):
        raise KeyError("left alone")


def run(code: str) -> str:
    """What a program prints in an interpreter of its own."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_without_opentelemetry_it_is_off() -> None:
    # None in sys.modules is how Python spells "not installed".
    code = """
import sys
sys.modules["opentelemetry"] = None
from lambent.app.tracing import Tracer, propagation_headers
def f(): pass
tracer = Tracer()
print(tracer.capture_method(f) is f, tracer.disabled, tracer.span("x") is tracer.invocation({}, None))
tracer.put_annotation("a", 1); tracer.put_metadata("b", 2); print(propagation_headers())
"""
    assert run(code).split("\n") == ["True True True", "{}", ""]


def test_disabled_it_imports_nothing() -> None:
    code = """
import sys
from lambent.app.tracing import Tracer
enabled, tracer = Tracer(), Tracer(disabled=True)
tracer.capture_method(print); tracer.span("x"); tracer.put_annotation("a", 1)
print([name for name in sys.modules if name.startswith("opentelemetry") or name == "lambent.app.otel"])
"""
    assert run(code) == "[]\n"


# Through OpenTelemetry


@pytest.fixture(scope="module")
def exporter() -> Any:
    sdk = pytest.importorskip("opentelemetry.sdk.trace", reason="opentelemetry-sdk is not installed")
    export = pytest.importorskip("opentelemetry.sdk.trace.export")
    memory = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")
    trace = pytest.importorskip("opentelemetry.trace")
    recorded = memory.InMemorySpanExporter()
    provider = sdk.TracerProvider()
    # Batches, as in production: what a span leaves behind is there only because it was sent in time.
    provider.add_span_processor(export.BatchSpanProcessor(recorded, schedule_delay_millis=3_600_000))
    trace.set_tracer_provider(provider)
    return recorded


class Spans:
    """What came of the spans of a test, by the last part of their names."""

    def __init__(self, exporter: Any) -> None:
        self._exporter = exporter

    def sent(self) -> dict[str, Any]:
        """Those that have been sent."""
        return {span.name.rpartition(".")[2]: span for span in self._exporter.get_finished_spans()}

    def recorded(self) -> dict[str, Any]:
        """All that have ended."""
        return {span.name.rpartition(".")[2]: span for span in self.all()}

    def all(self) -> list[Any]:
        from lambent.app import otel

        otel.trace.get_tracer_provider().force_flush()
        return list(self._exporter.get_finished_spans())


@pytest.fixture
def spans(exporter: Any) -> Iterator[Spans]:
    from opentelemetry import context

    token = context.attach(context.Context())  # not within what another test has left open
    result = Spans(exporter)
    result.recorded()
    exporter.clear()
    yield result
    result.recorded()
    exporter.clear()
    context.detach(token)


tracer = Tracer("orders", disabled=False)


def parent_of(span: Any) -> int | None:
    return span.parent.span_id if span.parent is not None else None


def test_spans(spans: Spans) -> None:
    with tracer.span("outer", attributes={"shop": 7}, kind="CONSUMER", links=[HEADER, "nonsense"]) as outer:
        with tracer.span("inner") as inner:
            inner.put_annotation("paid", True)
            tracer.put_annotation("decimal", object)  # type: ignore[arg-type] # whatever it is, it is no error
            tracer.put_metadata("order", {"id": 42}, namespace="shop")
        outer.put_metadata("note", "plain")
        outer.put_metadata("odd", [2**70])
        outer.record_exception(KeyError("handled"))
    recorded = spans.recorded()
    assert recorded["inner"].attributes == {"paid": True, "decimal": str(object), "shop.order": '{"id":42}'}
    assert recorded["outer"].attributes == {"shop": 7, "note": "plain", "odd": f"[{2**70}]"}
    assert parent_of(recorded["inner"]) == recorded["outer"].context.span_id
    assert recorded["outer"].kind.name == "CONSUMER"
    [link] = recorded["outer"].links
    assert (f"{link.context.trace_id:032x}", f"{link.context.span_id:016x}") == (TRACE, PARENT)
    [event] = recorded["outer"].events
    assert event.attributes["exception.type"] == "KeyError"
    assert recorded["outer"].status.is_unset


@pytest.mark.parametrize("capture_error", [True, False])
def test_what_leaves_a_span_is_recorded(capture_error: bool, spans: Spans) -> None:
    @tracer.capture_method(capture_error=capture_error)
    def fails() -> None:
        raise KeyError("secret")

    with pytest.raises(KeyError):
        fails()
    span = spans.recorded()["fails"]
    assert not span.status.is_ok
    assert span.status.description == ("KeyError: 'secret'" if capture_error else "KeyError")
    assert len(span.events) == capture_error


@pytest.mark.parametrize("capture_error", [True, False])
def test_a_failure_that_does_not_leave_its_span(capture_error: bool, spans: Spans) -> None:
    own = Tracer(disabled=False, capture_error=capture_error)
    with own.span("outer"), own.span("request"):
        own.record_failure(KeyError("secret"))
    recorded = spans.recorded()
    assert recorded["outer"].status.is_unset
    assert recorded["request"].status.status_code.name == "ERROR"
    assert recorded["request"].status.description == ("KeyError: 'secret'" if capture_error else "KeyError")
    assert len(recorded["request"].events) == capture_error
    own.record_failure(KeyError("outside of any"))
    Tracer(disabled=True).record_failure(KeyError("off"))


def test_what_an_app_answers_or_reports_is_no_success(spans: Spans) -> None:
    app = App("shop", tracer=Tracer(disabled=False), logger=Logger(stream=io.StringIO()))

    @app.get("/")
    def boom() -> None:
        raise KeyError("lost")

    @app.queue("orders")
    def on_order(order: dict[str, int]) -> None:
        raise KeyError("lost")

    client = Client(app)
    assert client.get("/").status == 500
    assert client.send("orders", [{"a": 1}]).failures
    assert [span.status.status_code.name for span in spans.all()] == ["ERROR", "ERROR"]


def test_requests_are_told_apart(spans: Spans) -> None:
    app = App("shop", tracer=Tracer(disabled=False), logger=Logger(stream=io.StringIO()))

    @app.route("/orders/{order_id}", methods=["GET", "PUT"], status=202)
    def order(order_id: int) -> int:
        return order_id

    @app.get("/boom")
    def boom() -> None:
        raise KeyError("lost")

    client = Client(app)
    answers = [client.get("/orders/7"), client.put("/orders/7"), client.get("/boom"), client.get("/nothing")]
    assert [answer.status for answer in answers] == [202, 202, 500, 404]
    told = [(span.name, dict(span.attributes)) for span in spans.all()]
    named = ("http.route", "http.request.method", "http.response.status_code")
    assert [(name, *map(attributes.get, named)) for name, attributes in told] == [
        ("GET /orders/{order_id}", "/orders/{order_id}", "GET", 202),
        ("PUT /orders/{order_id}", "/orders/{order_id}", "PUT", 202),
        ("GET /boom", "/boom", "GET", 500),
        (told[3][0], None, None, 404),
    ]
    assert "nothing" not in told[3][0]


def test_what_an_app_calls_or_sends_names_the_span(spans: Spans) -> None:
    from lambent.app.client.propagation import trace_header

    with tracer.span("call"):
        header = parse_header(trace_header() or "")
    assert header is not None
    assert header.parent == f"{spans.recorded()['call'].context.span_id:016x}"


def test_methods(spans: Spans) -> None:
    class Checkout:
        @tracer.capture_method(capture_response=True)
        def pay(self, amount: int) -> dict[str, int]:
            """Pays."""
            return {"amount": self.charge(amount)}

        @tracer.capture_method
        @staticmethod
        def charge(amount: int) -> int:
            return amount

        @tracer.capture_method
        @classmethod
        def name(cls) -> str:
            return cls.__name__

    assert Checkout().pay(7) == {"amount": 7}
    assert Checkout.name() == "Checkout"
    assert Checkout.pay.__doc__ == "Pays."
    recorded = spans.recorded()
    assert recorded["pay"].name == f"{__name__}.test_methods.<locals>.Checkout.pay"
    assert recorded["pay"].attributes == {"response": '{"amount":7}'}
    assert parent_of(recorded["charge"]) == recorded["pay"].context.span_id
    assert recorded["charge"].attributes == {}


def test_coroutines_that_run_at_once(spans: Spans) -> None:
    @tracer.capture_method(capture_response=True)
    async def part(name: str) -> str:
        with tracer.span(name):
            await asyncio.sleep(0)
        return name

    @tracer.capture_method
    async def whole() -> list[str]:
        return list(await asyncio.gather(part("one"), part("two")))

    assert asyncio.run(whole()) == ["one", "two"]
    finished = {span.context.span_id: span for span in spans.all()}
    chains = set()
    for span in finished.values():
        chain, each = [], span
        while each is not None:
            chain.append(each.name.rpartition(".")[2])
            each = finished.get(parent_of(each))
        chains.add(tuple(chain))
    assert chains == {("whole",), ("part", "whole"), ("one", "part", "whole"), ("two", "part", "whole")}


def test_generators(spans: Spans) -> None:
    @tracer.capture_method(capture_response=True)
    def numbers() -> Generator[int, str, str]:
        with tracer.span("first"):
            got = yield 1
        try:
            yield len(got)
        except LookupError:
            yield -1
        return "done"

    with tracer.span("consumer"):
        generator = numbers()
        assert next(generator) == 1
        with tracer.span("between"):
            assert generator.send("four") == 4
        assert generator.throw(KeyError("x")) == -1
        with pytest.raises(StopIteration) as stopped:
            next(generator)
    assert stopped.value.value == "done"
    recorded = spans.recorded()
    assert recorded["numbers"].attributes == {"response": "done"}
    assert parent_of(recorded["numbers"]) == recorded["consumer"].context.span_id
    assert parent_of(recorded["first"]) == recorded["numbers"].context.span_id
    assert parent_of(recorded["between"]) == recorded["consumer"].context.span_id
    assert recorded["numbers"].status.is_unset


def test_generators_that_end_early(spans: Spans) -> None:
    closed = []

    @tracer.capture_method
    def stopped() -> Iterator[int]:
        try:
            yield 1
        finally:
            closed.append(1)

    @tracer.capture_method
    def broken() -> Iterator[int]:
        yield 1
        raise KeyError("x")

    generator: Any = stopped()
    next(generator)
    generator.close()
    with pytest.raises(KeyError):
        list(broken())
    assert closed == [1]
    recorded = spans.recorded()
    assert recorded["stopped"].status.is_unset
    assert recorded["broken"].status.description == "KeyError: 'x'"


def test_async_generators(spans: Spans) -> None:
    @tracer.capture_method
    async def numbers() -> AsyncIterator[int]:
        for number in range(2):
            with tracer.span(f"step{number}"):
                await asyncio.sleep(0)
            yield number

    async def consume() -> list[int]:
        first: Any = numbers()
        await anext(first)
        await first.aclose()
        return [number async for number in numbers()]

    assert asyncio.run(consume()) == [0, 1]
    recorded = spans.recorded()
    assert parent_of(recorded["step1"]) == recorded["numbers"].context.span_id
    assert recorded["numbers"].status.is_unset


def test_context_managers(spans: Spans) -> None:
    @tracer.capture_method
    @contextlib.contextmanager
    def block(value: int) -> Iterator[int]:
        yield value

    @tracer.capture_method
    @contextlib.asynccontextmanager
    async def async_block(value: int) -> AsyncIterator[int]:
        yield value

    async def use() -> None:
        async with async_block(8) as value:
            with tracer.span("async_inside"):
                assert value == 8

    def fail() -> None:
        with block(7) as value, tracer.span("inside"):
            raise KeyError(value)

    with pytest.raises(KeyError, match="7"):
        fail()
    asyncio.run(use())
    recorded = spans.recorded()
    assert parent_of(recorded["inside"]) == recorded["block"].context.span_id
    assert parent_of(recorded["async_inside"]) == recorded["async_block"].context.span_id
    assert recorded["block"].status.description == "KeyError: 7"


def test_handlers(spans: Spans, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", HEADER)

    @tracer.capture_lambda_handler(capture_response=True)
    def handler(event: dict[str, Any], context: Context) -> dict[str, bool]:
        assert current.context is context
        return {"cold": current.cold}

    attributes = {
        "faas.invocation_id": "79104EXAMPLEB723",
        "aws.lambda.invoked_arn": Context.invoked_function_arn,
        "cloud.account.id": "123456789012",
        "service.name": "orders",
    }
    for cold in (True, False):
        assert handler({}, Context()) == {"cold": cold}
        span = spans.sent()["checkout"]  # without asking for it: the environment may be frozen now
        assert span.attributes == {
            **attributes,
            "faas.coldstart": cold,
            "response": f'{{"cold":{str(cold).lower()}}}',
        }
        assert span.kind.name == "SERVER"
        assert f"{span.context.trace_id:032x}" == TRACE
        assert f"{parent_of(span):016x}" == PARENT
    assert current.context is None


def test_async_handlers_and_failures(spans: Spans) -> None:
    @tracer.capture_lambda_handler(capture_error=False)
    async def handler(event: Any, context: Any) -> None:
        await asyncio.sleep(0)
        raise KeyError("secret")

    with pytest.raises(KeyError):
        asyncio.run(handler({}, None))
    span = spans.sent()["handler"]
    assert span.attributes == {"faas.coldstart": True, "service.name": "orders"}
    assert (span.status.description, len(span.events)) == ("KeyError", 0)


W3C = f"00-{'a' * 32}-{'b' * 16}-01"
UNSAMPLED = f"Root={ROOT};Parent={PARENT};Sampled=0;Lineage=1:a87bd80c:0"


@pytest.mark.parametrize(
    ("header", "propagators", "event", "w3c", "trace_id"),
    [
        (HEADER, None, {"headers": {"traceparent": W3C}}, {}, TRACE),
        (HEADER, "tracecontext,baggage", {"headers": {"Traceparent": W3C}}, {}, "a" * 32),
        (UNSAMPLED, None, {"headers": {"TRACEPARENT": W3C}}, {}, "a" * 32),
        (UNSAMPLED, None, {}, {"traceparent": W3C}, "a" * 32),
        (f"Root={ROOT}", None, {"headers": None}, {"traceparent": W3C}, "a" * 32),
        (UNSAMPLED, "tracecontext,xray-lambda", {"headers": {"traceparent": W3C}}, {}, None),
        ("", None, {"headers": {"traceparent": "nonsense"}}, {}, ""),
        (UNSAMPLED, None, [], {}, ""),
    ],
)
def test_parents(
    header: str,
    propagators: str | None,
    event: Any,
    w3c: dict[str, str],
    trace_id: str | None,
    spans: Spans,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Invoked(Context):
        def w3c(self) -> dict[str, str]:
            return w3c

    monkeypatch.setenv("_X_AMZN_TRACE_ID", header)
    if propagators:
        monkeypatch.setenv("OTEL_PROPAGATORS", propagators)
    with tracer.invocation(event, Invoked(), "/orders/{id}"):
        pass
    sent = spans.sent()
    if trace_id is None:  # the parent is not sampled, so neither is this
        assert not sent
        return
    span = sent["/orders/{id}"]
    if trace_id:
        assert f"{span.context.trace_id:032x}" == trace_id
    else:
        assert span.parent is None


def test_an_invocation_that_another_instrumentation_began(spans: Spans) -> None:
    with tracer.span("theirs"):
        with tracer.invocation({}, Context()):
            pass
        assert not spans.sent()
    recorded = spans.recorded()
    assert recorded["checkout"].kind.name == "INTERNAL"
    assert parent_of(recorded["checkout"]) == recorded["theirs"].context.span_id


def test_a_span_is_propagated(spans: Spans, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", f"{HEADER};Self=1-67891233-12456789;Lineage=1:a87bd80c:0")
    with tracer.invocation({}, Context()), tracer.span("call"):
        headers = propagation_headers()
    span = spans.recorded()["call"]
    assert headers == {
        "X-Amzn-Trace-Id": f"Root={ROOT};Parent={span.context.span_id:016x};Sampled=1;Lineage=1:a87bd80c:0"
    }
    assert propagation_headers()["X-Amzn-Trace-Id"].startswith(HEADER)
    assert outgoing_header() == f"{HEADER};Self=1-67891233-12456789;Lineage=1:a87bd80c:0"


def test_a_message_has_the_header_as_it_is(spans: Spans, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", f"{HEADER};Lineage=a%b")
    assert outgoing_header() == f"{HEADER};Lineage=a%b"
    assert propagation_headers() == {"X-Amzn-Trace-Id": f"{HEADER};Lineage=a%25b"}
    with tracer.span("call"):
        header = parse_header(outgoing_header() or "")
    assert header is not None
    assert header.parent == f"{spans.recorded()['call'].context.span_id:016x}"
    monkeypatch.delenv("_X_AMZN_TRACE_ID")
    assert outgoing_header() is None


def test_handlers_may_be_called_by_keyword(spans: Spans) -> None:
    @tracer.capture_lambda_handler(capture_response=True)
    def handler(event: Any, context: Any, extra: int = 0) -> int:
        return extra

    assert handler(context=Context(), event={}, extra=3) == 3
    assert handler({}, Context(), 2) == 2
    assert [span.attributes["response"] for span in spans.all()] == [3, 2]


def test_a_span_that_is_not_sampled_says_so(spans: Spans, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", UNSAMPLED)
    monkeypatch.setenv("OTEL_PROPAGATORS", "xray-lambda")
    with tracer.invocation({}, Context()):
        header = parse_header(propagation_headers()["X-Amzn-Trace-Id"])
    assert header is not None
    assert (header.root, header.sampled, header.others) == (ROOT, "0", (("Lineage", "1:a87bd80c:0"),))
    assert header.parent != PARENT


def test_propagators_find_headers_whatever_their_case(spans: Spans) -> None:
    propagate = pytest.importorskip("opentelemetry.propagate")
    asked: list[Any] = []

    class Propagator:
        def extract(self, carrier: Any, context: Any = None, getter: Any = None) -> Any:
            asked.append(
                (getter.get(carrier, "X-Amzn-Trace-Id"), getter.get(carrier, "absent"), getter.keys(carrier))
            )

    before = propagate.get_global_textmap()
    propagate.set_global_textmap(Propagator())
    try:
        with tracer.invocation({"headers": {"x-AMZN-trace-id": HEADER}}, Context()):
            pass
    finally:
        propagate.set_global_textmap(before)
    assert asked == [([HEADER], None, ["x-amzn-trace-id"])]


def test_propagation_is_that_of_opentelemetry(spans: Spans) -> None:
    xray = pytest.importorskip(
        "opentelemetry.propagators.aws", reason="the X-Ray propagator is not installed"
    )
    with tracer.span("call"):
        theirs: dict[str, str] = {}
        xray.AwsXRayPropagator().inject(theirs)
        assert propagation_headers() == theirs
