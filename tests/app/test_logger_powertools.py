"""The same calls to Powertools' logger and to ours: the same keys, values and order."""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from aws_lambda_powertools import Logger as Powertools
from aws_lambda_powertools.logging.buffer import LoggerBufferConfig as PowertoolsBuffer
from hypothesis import given
from hypothesis import strategies as st

from lambent.app import current
from lambent.app.log_buffer import LoggerBufferConfig
from lambent.app.log_keys import bound
from lambent.app.logger import Logger

CONTEXT = SimpleNamespace(
    function_name="orders",
    memory_limit_in_mb=256,
    invoked_function_arn="arn:aws:lambda:us-east-1:000000000000:function:orders",
    aws_request_id="6bc28136-xmpl-4365-b021-0ce6b2e64ab0",
)
TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"


@pytest.fixture(autouse=True)
def _no_invocation(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in list(os.environ):
        if name.startswith(("POWERTOOLS_", "AWS_LAMBDA_", "LOG_LEVEL", "_X_AMZN")):
            monkeypatch.delenv(name)
    yield
    current.end()
    current.correlation_id.set(None)
    bound.set({})


def boom() -> None:
    raise ValueError("no such order")


def plain(log: Any) -> None:
    log.info("order created")
    log.warning('café \u2028 \x00 " \\ \U0001f600')
    log.critical("")


def arguments(log: Any) -> None:
    log.info("%s of %d", "one", 2)
    log.info("%(a)s", {"a": 5})
    log.info("100% sure")
    log.info(5)


def messages(log: Any) -> None:
    for message in (
        *(
            '{"a": {"b": [1, 2.5, null]}}',
            "[1, 2]",
            '"text"',
            "12",
            "-1.5",
            "true",
            "false ",
            "null",
            " null",
            "tr",
            "{",
        ),
        *({"a": {"b": 1}}, ["a"], 12, 1.5, True, None, {}, [], "12 apples", "\n", "-", "[WARN] x"),
    ):
        log.info(message)


def fields(log: Any) -> None:
    log.info("x", order_id="42", total=57.0, gone=None)
    log.info("x", extra={"a": 1, "b": {"c": [1]}}, b=2)
    log.info("x", service="other", correlation_id="c")
    log.info("x", level="L", location="here", timestamp="now")
    log.info("x", exception="mine")


def keys(log: Any) -> None:
    log.append_keys(a=1, b="two", gone=None)
    log.info("x", b=3)
    log.append_keys(a=2, service="other")
    log.info("x")
    log.remove_keys(["b", "never"])
    log.info("x")
    with log.append_context_keys(c=1):
        log.info("x", c=2)
        log.info("x")
    log.thread_safe_append_keys(t=1, a="thread")
    log.info("x")
    log.thread_safe_remove_keys(["t"])
    log.info("x")
    log.thread_safe_clear_keys()
    log.clear_state()
    log.set_correlation_id("id")
    log.info(log.get_correlation_id())
    log.append_keys(correlation=1)
    log.info("x")
    log.set_correlation_id(None)
    log.info("x")


def exceptions(log: Any) -> None:
    try:
        boom()
    except ValueError as error:
        error.add_note("look again")
        log.exception("failed", order=1)
        log.error("failed", exc_info=True)
        log.info("failed", exc_info=error)
        log.exception("quiet", exc_info=False)  # noqa: LOG007 - what is tested
        log.exception("own", exception="mine", exception_name="Mine")
        try:
            raise KeyError("k") from error
        except KeyError:
            log.exception("chained")
    log.exception("nothing is being handled")  # noqa: LOG004 - what is tested
    log.error("given", exc_info=(TypeError, TypeError("t"), None))


def levels(log: Any) -> None:
    log.debug("no")
    log.log(25, "between")
    log.setLevel("DEBUG")
    log.debug("yes")
    log.setLevel("ERROR")
    log.warning("no")
    log.error("yes")


def templates(log: Any) -> None:
    log.append_keys(location="%(module)s.%(funcName)s", level=None, message_id=1)
    log.info("x")
    log.append_keys(location="%(levelname)s", name="somebody")
    log.info("x")
    log.append_keys(timestamp=None, xray_trace_id=None)
    log.info("x")


def invocation(log: Any) -> None:
    @log.inject_lambda_context(correlation_id_path='headers."x-id"', log_event=True, clear_state=True)  # type: ignore[untyped-decorator] # either logger
    def handler(event: dict[str, Any], context: Any) -> str:
        log.append_keys(order=1)
        log.info("x")
        return "done"

    assert handler.__name__ == "handler"
    for header in ("a", None):
        assert handler({"headers": {"x-id": header}}, CONTEXT) == "done"


def stack(log: Any) -> None:
    def helper() -> None:
        log.info("x")
        log.info("x", stacklevel=2)
        log.info("x", stacklevel=3)

    helper()


def run(log: Any, stream: io.StringIO, scenario: Callable[[Any], None]) -> list[list[tuple[str, Any]]]:
    scenario(log)
    shown = []
    for line in stream.getvalue().split("\n")[:-1]:
        document = json.loads(line)
        if "timestamp" in document:
            document["timestamp"] = re.sub(r"\d", "0", document["timestamp"])
        if str(document.get("location")).startswith("decorate:"):
            document["location"] = "decorate"
        document.pop("cold_start", None)
        shown.append(list(document.items()))
    return shown


SCENARIOS = [plain, arguments, messages, fields, keys, exceptions, levels, templates, invocation, stack]


@pytest.mark.parametrize("trace", ["", TRACE], ids=["untraced", "traced"])
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"team": "x", "empty": None},
        {"log_record_order": ["message", "service"], "utc": True},
        {"serialize_stacktrace": False, "use_rfc3339": True, "sampling_rate": 0.0},
        {"location": "%(funcName)s", "process": "%(levelno)d"},
        {"json_serializer": lambda document: json.dumps(document, default=str, sort_keys=True)},
    ],
    ids=["default", "keys", "order", "rfc3339", "templates", "serializer"],
)
def test_the_same_calls_make_the_same_lines(
    scenario: Callable[[Any], None], options: dict[str, Any], trace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if trace:
        monkeypatch.setenv("_X_AMZN_TRACE_ID", trace)
    service = uuid4().hex
    expected, actual = io.StringIO(), io.StringIO()
    theirs = run(Powertools(service=service, stream=expected, **options), expected, scenario)
    ours = run(Logger(service=service, stream=actual, **options), actual, scenario)
    assert len(ours) == len(theirs)
    for line, right in zip(ours, theirs, strict=True):
        assert line == right


@pytest.mark.parametrize(
    "environment",
    [
        {"POWERTOOLS_SERVICE_NAME": "payment"},
        {"POWERTOOLS_LOG_LEVEL": "DEBUG", "LOG_LEVEL": "ERROR"},
        {"LOG_LEVEL": "error"},
        {"AWS_LAMBDA_LOG_LEVEL": "WARN"},
        {"POWERTOOLS_LOGGER_SAMPLE_RATE": "1"},
        {"POWERTOOLS_LOGGER_LOG_EVENT": "true"},
    ],
    ids=lambda environment: "-".join(environment),
)
def test_the_environment_means_the_same(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    # Powertools keeps loggers by name for the life of the process.
    name = environment.get("POWERTOOLS_SERVICE_NAME") and uuid4().hex
    for key, value in environment.items():
        monkeypatch.setenv(key, name or value)
    service = None if name else uuid4().hex

    def scenario(log: Any) -> None:
        log.inject_lambda_context(lambda event, context: [log.debug("d"), log.info("i"), log.error("e")])(
            {}, CONTEXT
        )

    expected, actual = io.StringIO(), io.StringIO()
    theirs = run(Powertools(service=service, stream=expected), expected, scenario)
    assert run(Logger(service=service, stream=actual), actual, scenario) == theirs


@pytest.mark.parametrize("verbosity", ["DEBUG", "INFO", "WARNING"])
@pytest.mark.parametrize("on_error", [True, False])
@pytest.mark.parametrize("level", ["DEBUG", "INFO", "ERROR"])
@pytest.mark.parametrize("fails", [True, False])
def test_buffers_hold_back_the_same(
    verbosity: Any, on_error: bool, level: Any, fails: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", TRACE)

    def scenario(log: Any) -> None:
        @log.inject_lambda_context(flush_buffer_on_uncaught_error=True)  # type: ignore[untyped-decorator] # either logger
        def handler(event: Any, context: Any) -> None:
            for name in ("debug", "info", "warning", "error", "debug"):
                getattr(log, name)(name)
            if event:
                raise LookupError
            log.flush_buffer()
            log.info("left")
            log.clear_buffer()

        for event in (fails, False):
            try:
                handler(event, CONTEXT)
            except LookupError:
                log.critical("caught")

    service, settings = uuid4().hex, {"buffer_at_verbosity": verbosity, "flush_on_error_log": on_error}
    expected, actual = io.StringIO(), io.StringIO()
    powertools = Powertools(
        service=service, level=level, stream=expected, buffer_config=PowertoolsBuffer(**settings)
    )
    ours = Logger(service, level, stream=actual, buffer_config=LoggerBufferConfig(**settings))
    # Powertools' lines keep the context when the invocation is over.
    gone = {"function_name", "function_memory_size", "function_arn", "function_request_id"}
    right, mine = (
        [[(key, value) for key, value in line if key not in gone] for line in run(log, stream, scenario)]
        for log, stream in ((powertools, expected), (ours, actual))
    )
    assert mine == right


WORDS = st.text(max_size=8)
VALUES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | WORDS
)
NESTED = st.recursive(
    VALUES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3)
)
# Powertools raises for names of LogRecord's attributes, and takes its own parameters from the keywords.
NAMES = st.text("abcxyz_é ", min_size=1, max_size=4)


@given(NESTED, st.dictionaries(NAMES, NESTED, max_size=3), st.dictionaries(NAMES, NESTED, max_size=3))
def test_any_keys_and_values(message: Any, appended: dict[str, Any], extra: dict[str, Any]) -> None:
    def scenario(log: Any) -> None:
        log.append_keys(**appended)
        log.info(message, extra=extra)
        log.remove_keys(appended)

    for _log, stream in THEIRS, OURS:
        stream.seek(0)
        stream.truncate()
    assert run(*OURS, scenario) == run(*THEIRS, scenario)


def _pair(make: Any) -> tuple[Any, io.StringIO]:
    stream = io.StringIO()
    return make(service="property", stream=stream), stream


THEIRS, OURS = _pair(Powertools), _pair(Logger)
