"""What the logger does that Powertools' logger does not, or not as safely: values, levels, buffers, state."""

from __future__ import annotations

import io
import json
import logging
import os
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.app import current
from lambent.app import logger as logger_module
from lambent.app.log_buffer import LineBuffer, LoggerBufferConfig
from lambent.app.log_keys import bound
from lambent.app.logger import Logger

CONTEXT = SimpleNamespace(
    function_name="orders",
    memory_limit_in_mb=256,
    invoked_function_arn="arn:aws:lambda:us-east-1:000000000000:function:orders",
    aws_request_id="6bc28136-xmpl-4365-b021-0ce6b2e64ab0",
)


@pytest.fixture(autouse=True)
def _no_invocation(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in list(os.environ):
        if name.startswith(("POWERTOOLS_", "AWS_LAMBDA_", "LOG_LEVEL", "_X_AMZN")):
            monkeypatch.delenv(name)
    yield
    current.end()
    current.correlation_id.set(None)
    bound.set({})


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    text = stream.getvalue()
    assert not text or text.endswith("\n")
    return [json.loads(line, parse_constant=lambda name: pytest.fail(name)) for line in text.split("\n")[:-1]]


def only(stream: io.StringIO) -> dict[str, Any]:
    (line,) = lines(stream)
    return line


class Money(msgspec.Struct):
    amount: Decimal


@dataclass
class Point:
    x: int


class Mute:
    def __str__(self) -> str:
        raise RuntimeError("no")

    __repr__ = __str__


class Contrary:
    def __eq__(self, other: object) -> bool:
        raise RuntimeError("no")

    __hash__ = object.__hash__

    def __str__(self) -> str:
        return "contrary"


CYCLE: dict[str, Any] = {}
CYCLE["self"] = CYCLE


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05Z"),
        (date(2026, 1, 2), "2026-01-02"),
        (Decimal("1.10"), "1.10"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        ({1}, [1]),
        (b"x", "eA=="),
        (Money(Decimal("2.5")), {"amount": "2.5"}),
        (Point(1), {"x": 1}),
        (ValueError("wrong"), "wrong"),
        (float("nan"), None),
        ([float("inf")], [None]),
        (2**100, 2**100),
        ("\ud800 half", "\ud800 half"),
        ({(1, 2): "tuple key", None: 1, "b": Point(2)}, {"(1, 2)": "tuple key", "None": 1, "b": {"x": 2}}),
        (Contrary(), "contrary"),
        (Mute(), "<Mute that cannot be shown>"),
        ({"deep": [Mute(), {3: {Mute(): 1}}]}, None),
        (CYCLE, None),
        (int, "<class 'int'>"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_any_value_is_written(value: Any, shown: Any) -> None:
    stream = io.StringIO()
    log = Logger("values", stream=stream)
    log.info("field", value=value)
    log.info({"value": value})
    log.info(value)
    log.info("%s", value)
    with log.append_context_keys(value=value):
        log.info("bound")
    field, message, _, _, context = lines(stream)
    if shown is not None:
        assert field["value"] == shown
        assert message["message"] == {"value": shown}
        assert context["value"] == shown


@pytest.mark.parametrize(
    ("msg", "args", "message"),
    [
        ("%d apples", ("three",), "%d apples ('three',)"),
        ("%s and %s", ("one",), "%s and %s ('one',)"),
        ("[not json", (), "[not json"),
        ("[" * 100_000, (), "[" * 100_000),
        ("true story", (), "true story"),
        ("NaN", (), "NaN"),
    ],
)
def test_messages_that_are_not_what_they_look_like(msg: str, args: tuple[Any, ...], message: str) -> None:
    stream = io.StringIO()
    Logger("messages", stream=stream).info(msg, *args)
    assert only(stream)["message"] == message


def test_calls_that_make_no_sense_are_logged_all_the_same() -> None:
    stream = io.StringIO()
    log = Logger("odd", stream=stream)
    log.info("a", extra=5)  # type: ignore[arg-type] # what is tested
    log.info("b", stacklevel=500)
    log.info("c", extra={1: 2})  # type: ignore[dict-item] # what is tested
    log.info("d", exc_info="yes")  # noqa: LOG014 - what is tested
    log.info("e", message="not this", level="nor this")
    assert [line["message"] for line in lines(stream)] == ["a", "b", "c", "d", "e"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.text(),
    st.dictionaries(st.text(min_size=1), JSON, max_size=4),
    st.dictionaries(st.text(), JSON, max_size=2),
)
def test_both_ways_of_making_a_line_make_the_same(
    msg: str, fields: dict[str, Any], keys: dict[str, Any]
) -> None:
    fast, careful = io.StringIO(), io.StringIO()
    # A serializer of one's own sends every line the careful way.
    quick, slow = Logger("a", stream=fast), Logger("a", stream=careful, json_serializer=_to_json)
    quick._lines.appended.keys = keys
    for log in (quick, slow):
        log.info(msg, extra=fields)
    one, other = only(fast), only(careful)
    if "timestamp" not in keys:
        del one["timestamp"], other["timestamp"]
    assert list(one.items()) == list(other.items())


def _to_json(document: dict[str, Any]) -> str:
    return msgspec.json.encode(document).decode()


# ---------------------------------------------------------------------- levels


@pytest.mark.parametrize(
    ("code", "environment", "number"),
    [
        (None, {}, 20),
        ("debug", {}, 10),
        (logging.ERROR, {"LOG_LEVEL": "DEBUG"}, 40),
        (None, {"LOG_LEVEL": "warning"}, 30),
        (None, {"LOG_LEVEL": "DEBUG", "POWERTOOLS_LOG_LEVEL": "ERROR"}, 40),
        ("ERROR", {"AWS_LAMBDA_LOG_LEVEL": "WARN"}, 30),
        (None, {"AWS_LAMBDA_LOG_LEVEL": "FATAL"}, 50),
        (None, {"AWS_LAMBDA_LOG_LEVEL": "TRACE"}, 0),
    ],
)
def test_the_level_in_force(
    code: Any, environment: dict[str, str], number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    log = Logger("levels", code, stream=io.StringIO())
    assert log.log_level == number
    assert [log.isEnabledFor(level) for level in (10, 20, 30, 40, 50)] == [
        level >= number for level in (10, 20, 30, 40, 50)
    ]


def test_asking_for_more_than_lambda_lets_through_is_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_LOG_LEVEL", "ERROR")
    with pytest.warns(UserWarning, match="INFO shows more than .* AWS_LAMBDA_LOG_LEVEL is ERROR"):
        log = Logger("levels", "INFO", stream=io.StringIO())
    assert log.log_level == logging.ERROR


def test_levels_change() -> None:
    stream = io.StringIO()
    log = Logger("levels", stream=stream)
    log.debug("no")
    log.setLevel("DEBUG")
    log.debug("yes")
    log.log("WARNING", "by name")
    log.log(25, "between")
    log.setLevel(logging.CRITICAL)
    log.error("no")
    log.exception("no")  # noqa: LOG004 - it is not shown
    log.log(25, "no")
    log.critical("yes")
    assert [(line["level"], line["message"]) for line in lines(stream)] == [
        ("DEBUG", "yes"),
        ("WARNING", "by name"),
        ("Level 25", "between"),
        ("CRITICAL", "yes"),
    ]


def test_an_unknown_level_is_an_error_that_names_it() -> None:
    with pytest.raises(ValueError, match=r"'loud'.*WARNING"):
        Logger("levels", "loud")
    with pytest.raises(ValueError, match="'loud'"):
        Logger("levels").log("loud", "x")


# ---------------------------------------------------------------------- where lines come from and go to


def test_locations() -> None:
    stream = io.StringIO()
    log = Logger("places", stream=stream)
    here = sys._getframe().f_lineno

    def helper() -> None:
        log.info("a")
        log.info("b", stacklevel=3)
        log.log("INFO", "c")
        log.info(["careful"])

    helper()
    name = "test_locations"
    assert [line["location"] for line in lines(stream)] == [
        f"helper:{here + 3}",
        f"{name}:{here + 8}",
        f"helper:{here + 5}",
        f"helper:{here + 6}",
    ]
    odd = compile("log.info('x')", "f", "exec").replace(co_name='a"b')
    exec(odd, {"log": log})  # noqa: S102 - the way to a function with such a name
    assert lines(stream)[-1]["location"] == 'a"b:1'


def test_standard_output_is_the_one_of_now(capsys: pytest.CaptureFixture[str]) -> None:
    log = Logger("out")
    log.info("one")
    assert json.loads(capsys.readouterr().out)["message"] == "one"


def test_a_stream_that_knows_only_ascii_gets_escapes() -> None:
    raw = io.BytesIO()
    log = Logger("ascii", stream=io.TextIOWrapper(raw, "ascii"))
    log.info("grün \U0001f600", ü=1)
    log.info("\ud800")
    one, two = map(json.loads, raw.getvalue().splitlines())
    assert (one["message"], one["ü"], two["message"]) == ("grün \U0001f600", 1, "\ud800")


def test_a_closed_stream_raises_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    stream = io.StringIO()
    stream.close()
    Logger("closed", stream=stream).info("lost")
    assert "could not be written" in capsys.readouterr().err


def test_lines_of_threads_do_not_mix() -> None:
    stream = io.StringIO()
    log = Logger("threads", stream=stream)

    def work(number: int) -> None:
        with log.append_context_keys(worker=number):
            for turn in range(100):
                log.info("turn %d of %d", turn, number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    shown = lines(stream)
    assert len(shown) == 400
    assert all(line["message"].endswith(f"of {line['worker']}") for line in shown)


# ---------------------------------------------------------------------- time


@pytest.mark.parametrize(
    ("options", "zone", "shown"),
    [
        ({}, "UTC", "2026-11-21 10:00:00,062+0000"),
        ({}, "Asia/Kolkata", "2026-11-21 15:30:00,062+0530"),
        ({"utc": True}, "Asia/Kolkata", "2026-11-21 10:00:00,062+0000"),
        ({"use_rfc3339": True}, "America/St_Johns", "2026-11-21T06:30:00.062-03:30"),
        ({"use_rfc3339": True, "utc": True}, "Asia/Kolkata", "2026-11-21T10:00:00.062+00:00"),
        ({"datefmt": "%H:%M %F"}, "UTC", "10:00 062"),
        ({"datefmt": '"%Y"'}, "UTC", '"2026"'),
        ({"datefmt": "%H.%f %F", "use_datetime_directive": True, "utc": True}, "UTC", "10.062500 062"),
    ],
)
def test_timestamps(
    options: dict[str, Any],
    zone: str,
    shown: str,
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import time

    request.addfinalizer(time.tzset)
    with monkeypatch.context() as patch:
        patch.setenv("TZ", zone)
        time.tzset()
        clock = Logger("times", stream=io.StringIO(), **options)._lines.options.clock
        assert json.loads(f'"{clock(1795255200.0625)}"') == shown


def test_lambdas_json_format_gets_timestamps_that_it_understands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_LOG_FORMAT", "JSON")
    monkeypatch.setenv("POWERTOOLS_DEV", "true")
    stream = io.StringIO()
    Logger("json", stream=stream).error("one line each")
    assert datetime.fromisoformat(only(stream)["timestamp"]).tzinfo is not None


def test_development_mode_spreads_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POWERTOOLS_DEV", "1")
    stream = io.StringIO()
    Logger("dev", stream=stream).info("x")
    assert stream.getvalue().startswith('{\n    "level": "INFO",\n')
    assert json.loads(stream.getvalue())["message"] == "x"


# ---------------------------------------------------------------------- keys


def test_keys_are_shared_by_the_loggers_of_a_service() -> None:
    streams = [io.StringIO() for _ in range(3)]
    one, two, other = (Logger(s, stream=stream) for s, stream in zip(("s", "s", "t"), streams, strict=True))
    one.append_keys(order=1)
    for log in (one, two, other):
        log.info("x")
    assert [only(stream).get("order") for stream in streams] == [1, 1, None]
    two.remove_keys(["order", "never there"])
    assert "order" not in one.get_current_keys()


def test_children() -> None:
    stream = io.StringIO()
    parent = Logger("family", "DEBUG", stream=stream, team="x")
    by_service = Logger("family", child=True)
    by_method = parent.child("area", area="orders")
    parent.append_keys(order=1)
    for log in (by_service, by_method):
        log.debug("x")
    first, second = lines(stream)
    assert (first["team"], first["order"], by_service.name) == ("x", 1, f"family.{__name__}")
    assert (second["team"], second["order"], second["area"]) == ("x", 1, "orders")
    assert by_method.name == "family.area"


def test_a_child_may_come_before_its_parent() -> None:
    early, stream = io.StringIO(), io.StringIO()
    child = Logger("orphans", child=True, stream=early, area="orders")
    stubborn = Logger("orphans", "ERROR", child=True)
    child.info("alone")
    parent = Logger("orphans", "DEBUG", stream=stream, team="x", buffer=LoggerBufferConfig(max_bytes=5000))
    parent.append_keys(order=1)
    child.debug("held")
    child.error("adopted")
    stubborn.info("no")
    assert only(early)["message"] == "alone"
    held, adopted = lines(stream)
    assert held["message"] == "held"
    assert (adopted["team"], adopted["area"], adopted["order"]) == ("x", "orders", 1)


def test_context_keys_end_with_their_block() -> None:
    log = Logger("blocks", stream=io.StringIO())
    log.append_keys(a=1)
    with log.append_context_keys(a=2, b=2):
        with log.append_context_keys(b=3):
            log.thread_safe_append_keys(c=4)
            assert log.get_current_keys() == {
                "service": "blocks",
                "sampling_rate": None,
                "a": 2,
                "b": 3,
                "c": 4,
            }
        assert log.thread_safe_get_current_keys() == {"a": 2, "b": 2, "c": 4}
    assert log.thread_safe_get_current_keys() == {"c": 4}
    log.thread_safe_remove_keys(["c"])
    assert log.get_current_keys()["a"] == 1


# ---------------------------------------------------------------------- invocations


def test_the_invocation_shows_without_a_decorator_and_ends() -> None:
    stream = io.StringIO()
    log = Logger("invocations", stream=stream)
    log.info("before")
    for number in range(2):
        current.begin(CONTEXT)
        log.info("during %d", number)
        current.end()
    log.info("after")
    before, first, second, after = lines(stream)
    assert "cold_start" not in before
    assert first["function_request_id"] == CONTEXT.aws_request_id
    assert second["cold_start"] is False
    assert "function_name" not in after


@pytest.mark.parametrize(
    ("path", "event", "found"),
    [
        ("id", {"id": "a"}, "a"),
        ("requestContext.requestId", {"requestContext": {"requestId": "b"}}, "b"),
        ('headers."x-amzn-trace-id"', {"headers": {"x-amzn-trace-id": "c"}}, "c"),
        ('"a \\"b\\" \\u00fc"', {'a "b" ü': "d"}, "d"),
        ("Records[0].messageId", {"Records": [{"messageId": "e"}]}, "e"),
        ("Records[-1]", {"Records": ["f", "g"]}, "g"),
        ("Records[2]", {"Records": ["f", "g"]}, None),
        ("a.b.c", {"a": None}, None),
        ("a.b", ["a"], None),
    ],
)
def test_correlation_id_paths(path: str, event: Any, found: str | None) -> None:
    import jmespath  # type: ignore[import-untyped] # it ships no types

    log = Logger("paths", stream=io.StringIO())

    @log.inject_lambda_context(correlation_id_path=path)
    def seen(event: Any, context: Any) -> str | None:
        return log.get_correlation_id()

    assert seen(event, CONTEXT) == found == jmespath.search(path, event)
    assert log.get_correlation_id() is None


@pytest.mark.parametrize("path", ["a..b", ".a", "a.", "a b", "a[*", "a ||", "[", 'a"b"', "f(a)"])
def test_paths_that_are_not_understood(path: str) -> None:
    log = Logger("paths", stream=io.StringIO())
    with pytest.raises(ValueError, match="path"):
        log.inject_lambda_context(lambda event, context: None, correlation_id_path=path)


def test_an_invocation_with_the_context_of_another_shows_its_own_trace(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stream = io.StringIO()
    log = Logger("traces", stream=stream)
    handler: Any = log.inject_lambda_context(lambda event, context: log.info("x"))
    for number in range(4):
        monkeypatch.setenv("_X_AMZN_TRACE_ID", f"Root={number};Sampled=1")
        handler({}, CONTEXT)
    assert [line["xray_trace_id"] for line in lines(stream)] == list("0123")


def test_clear_state_removes_keys_of_earlier_invocations() -> None:
    log = Logger("clearing", stream=io.StringIO(), team="x")
    seen: list[dict[str, Any]] = []

    @log.inject_lambda_context(clear_state=True)
    def handler(event: dict[str, Any], context: Any) -> None:
        seen.append(log.get_current_keys())
        log.append_keys(order=1)
        log.thread_safe_append_keys(thread=1)

    handler({}, CONTEXT)
    handler({}, CONTEXT)
    assert seen[0].keys() == seen[1].keys()
    assert seen[1]["team"] == "x"


def test_the_decorator_inside_an_app_leaves_the_invocation_to_it() -> None:
    log = Logger("nested", stream=io.StringIO())
    current.begin(CONTEXT)
    log.set_correlation_id("outer")
    log.inject_lambda_context(lambda event, context: None)({}, SimpleNamespace())
    assert current.context is CONTEXT
    assert log.get_correlation_id() == "outer"


# ---------------------------------------------------------------------- held back


def test_lines_are_held_back_and_come_out_before_the_error() -> None:
    stream = io.StringIO()
    log = Logger("held", stream=stream, buffer=True)

    @log.inject_lambda_context
    def handler(event: str, context: Any) -> None:
        log.debug("detail")
        log.info("info")
        if event == "error":
            log.error("error")
        log.debug("later")
        if event == "raise":
            raise LookupError

    handler("good", CONTEXT)
    assert [line["message"] for line in lines(stream)] == ["info"]
    handler("error", CONTEXT)
    assert [line["message"] for line in lines(stream)] == ["info", "info", "detail", "error"]
    stream.truncate(0), stream.seek(0)
    with pytest.raises(LookupError):
        handler("raise", CONTEXT)
    assert [line["message"] for line in lines(stream)] == ["info", "detail", "later"]


def test_the_end_of_an_invocation_by_hand() -> None:
    stream = io.StringIO()
    log = Logger(
        "held",
        stream=stream,
        buffer=LoggerBufferConfig(buffer_at_verbosity="warning", flush_on_error_log=False),
    )
    log.warning("dropped")
    logger_module.end_invocation(False)
    log.warning("shown")
    log.error("at once")
    log.end_invocation(True)
    assert [line["message"] for line in lines(stream)] == ["at once", "shown"]


def test_the_buffer_keeps_the_latest_and_says_so() -> None:
    stream = io.StringIO()
    log = Logger("held", stream=stream, buffer=LoggerBufferConfig(max_bytes=1000))
    for number in range(50):
        log.debug("number %d", number)
    log.debug("x" * 1000)
    log.flush_buffer()
    large, *kept, warning = lines(stream)
    assert large["message"] == "x" * 1000
    assert [line["message"] for line in kept] == [f"number {n}" for n in range(50 - len(kept), 50)]
    assert sum(len(json.dumps(line, separators=(",", ":"))) + 1 for line in kept) <= 1000
    assert warning["level"] == "WARNING"
    assert warning["message"].startswith(f"{50 - len(kept)} earlier lines")


@given(st.lists(st.text(max_size=20), max_size=30), st.integers(1, 60))
def test_a_buffer_never_holds_more_than_it_may(texts: list[str], room: int) -> None:
    buffer = LineBuffer(room)
    kept = [text for text in texts if buffer.add(text)]
    held, evicted = buffer.take()
    assert sum(len(text.encode("utf-8", "surrogatepass")) for text in held) <= room
    assert held == kept[evicted:]
    assert buffer.take() == ([], 0)


@pytest.mark.parametrize(
    "settings",
    [
        {"max_bytes": 0},
        {"buffer_at_verbosity": "ERROR"},
        {"buffer_at_verbosity": 5},
        {"flush_on_error_log": 1},
    ],
)
def test_buffer_settings_are_checked(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(settings))):
        LoggerBufferConfig(**settings)


# ---------------------------------------------------------------------- sampling


def test_sampled_invocations_log_at_debug(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POWERTOOLS_LOGGER_SAMPLE_RATE", "1")
    stream = io.StringIO()
    log = Logger("sampled", "ERROR", stream=stream)
    log.debug("x")
    assert only(stream)["sampling_rate"] == "1"
    log.setLevel("ERROR")
    log.end_invocation(False)
    log.debug("y")
    assert len(lines(stream)) == 2
    assert log.log_level == logging.DEBUG


def test_each_invocation_is_drawn_and_all_loggers_agree() -> None:
    one, two = (Logger("sampled", stream=io.StringIO(), sample_rate=0.5) for _ in range(2))
    drawn = set()
    for _ in range(100):
        logger_module.end_invocation(False)
        assert one.log_level == two.log_level
        drawn.add(one.log_level)
    assert drawn == {logging.DEBUG, logging.INFO}


def test_a_sample_rate_that_is_none_is_an_error() -> None:
    with pytest.raises(ValueError, match="'often'"):
        Logger("sampled", sample_rate="often")  # type: ignore[arg-type] # what is tested


# ---------------------------------------------------------------------- the standard library


def test_records_of_the_standard_library_become_lines() -> None:
    stream = io.StringIO()
    log = Logger("std", stream=stream)
    source = logging.getLogger("test_logger.library")
    handler = log.capture_stdlib(source.name, level="INFO")
    try:
        source.debug("no")
        source.info("hello %s", "you", extra={"order": 1})
        source.info("%(a)s", {"a": 5})
        try:
            raise KeyError("k")
        except KeyError:
            source.exception("failed")
    finally:
        source.removeHandler(handler)
    first, second, third = lines(stream)
    assert (first["message"], first["order"], first["logger"]) == ("hello you", 1, source.name)
    assert first["location"].startswith("test_records_of_the_standard_library_become_lines:")
    assert (first["service"], second["message"]) == ("std", "5")
    assert (third["level"], third["exception_name"]) == ("ERROR", "KeyError")


def test_library_lines_are_held_back_too() -> None:
    stream = io.StringIO()
    log = Logger("std", stream=stream, buffer=True)
    source = logging.getLogger("test_logger.held")
    source.addHandler(handler := log.handler())
    source.setLevel("DEBUG")
    source.propagate = False
    try:
        source.debug("detail")
        assert not lines(stream)
        source.error("error")
    finally:
        source.removeHandler(handler)
    assert [line["message"] for line in lines(stream)] == ["detail", "error"]


# ---------------------------------------------------------------------- what it costs


def test_a_line_and_its_logger_import_nothing_heavy() -> None:
    program = """
import msgspec, sys
before = set(sys.modules)
from lambent.app.logger import Logger
log = Logger("x", sample_rate=0.5, buffer=True)
log.inject_lambda_context(lambda event, context: log.info("x"), correlation_id_path="a.b")({}, object())
print(*set(sys.modules) - before)
"""
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    line, loaded = answer.stdout.splitlines()
    assert json.loads(line)["message"] == "x"
    heavy = {
        "asyncio",
        "inspect",
        "dataclasses",
        "logging",
        "http",
        "json",
        "random",
        "traceback",
        "threading",
    }
    assert not heavy & set(loaded.split())


def test_uncaught_exceptions_can_be_logged() -> None:
    program = 'from lambent.app.logger import Logger\nLogger("x", log_uncaught_exceptions=True)\n1/0\n'
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert json.loads(answer.stdout)["exception_name"] == "ZeroDivisionError"


def test_loggers_leave_nothing_behind() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Logger("ephemeral", stream=io.StringIO()).append_keys(left=1)
    assert "left" not in Logger("ephemeral", stream=io.StringIO()).get_current_keys()
