"""What Powertools' own suite asks of its logger, asked of ours."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import threading
from collections import namedtuple
from functools import partial
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from lambent.app import current
from lambent.app.log_buffer import LoggerBufferConfig
from lambent.app.logger import Logger

Context = namedtuple(  # noqa: PYI024 - as tests of functions have it
    "Context", ["function_name", "memory_limit_in_mb", "invoked_function_arn", "aws_request_id"]
)
CONTEXT = Context("test", 128, "arn:aws:lambda:eu-west-1:809313241:function:test", "52fdfc07")


def make(**options: Any) -> tuple[Logger, io.StringIO]:
    stream = io.StringIO()
    return Logger(uuid4().hex, stream=stream, **options), stream


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


# ---------------------------------------------------------------------- the decorator


def test_an_async_handler_is_covered_until_its_end() -> None:
    log, stream = make(buffer=True)

    @log.inject_lambda_context(correlation_id_path="id")
    async def handler(event: Any, context: Any, suffix: str = "") -> str:
        log.debug("before")
        await asyncio.sleep(0)
        log.info("after")
        if event["fails"]:
            raise LookupError
        return "done" + suffix

    assert asyncio.iscoroutinefunction(handler)
    assert asyncio.run(handler({"id": "a", "fails": False}, CONTEXT, suffix="!")) == "done!"
    assert [(line["message"], line["correlation_id"]) for line in lines(stream)] == [("after", "a")]
    with pytest.raises(LookupError):
        asyncio.run(handler({"id": "b", "fails": True}, CONTEXT))
    shown = [(line["message"], line["correlation_id"], line["function_name"]) for line in lines(stream)[1:]]
    assert shown == [("after", "b", "test"), ("before", "b", "test")]
    assert current.context is None
    assert log.get_correlation_id() is None


def test_decorators_that_return_coroutines_are_awaited_too() -> None:
    log, stream = make()

    async def work(event: Any, context: Any) -> str | None:
        log.info("x")
        return log.get_correlation_id()

    handler: Any = log.inject_lambda_context(
        lambda event, context: work(event, context), correlation_id_path="id"
    )
    coroutine = handler({"id": "a"}, CONTEXT)
    assert log.get_correlation_id() is None
    assert asyncio.run(coroutine) == "a"
    assert lines(stream)[0]["function_name"] == "test"
    assert current.context is None
    partially = log.inject_lambda_context(partial(work))
    assert asyncio.iscoroutinefunction(partially)


def test_a_durable_context_has_lambdas_within() -> None:
    log, stream = make()
    durable = SimpleNamespace(lambda_context=CONTEXT)
    log.inject_lambda_context(lambda event, context: log.info("x"))({}, durable)
    assert lines(stream)[0]["function_request_id"] == "52fdfc07"


@pytest.mark.parametrize(
    ("path", "event", "found"),
    [
        ("Records[*].powertools_json(body).id", {"Records": [{"body": '{"id": 1}'}]}, [1]),
        ("powertools_json(powertools_base64(data)).id", {"data": "eyJpZCI6ICJhIn0="}, "a"),
        ("a || b", {"b": "x"}, "x"),
        ("powertools_json(body).id", {"body": "no JSON"}, None),
    ],
)
def test_expressions_are_left_to_jmespath(path: str, event: Any, found: Any) -> None:
    log, _ = make()
    handler: Any = log.inject_lambda_context(
        lambda event, context: log.get_correlation_id(), correlation_id_path=path
    )
    assert handler(event, CONTEXT) == found


# ---------------------------------------------------------------------- keys


def test_keys_of_the_logger_itself_can_be_removed_until_the_state_is_cleared() -> None:
    log, stream = make(team="x")
    log.remove_keys(["team", "nothing"])
    log.info("a")
    assert "team" not in log.get_current_keys()
    log.clear_state()
    log.info("b")
    assert ["team" in line for line in lines(stream)] == [False, True]


def test_the_correlation_id_is_a_key_like_others() -> None:
    log, stream = make()
    log.append_keys(correlation_id="a", b=1)
    assert log.get_correlation_id() == "a"
    log.info("x")
    log.remove_keys(["correlation_id"])
    log.info("x")
    assert log.get_correlation_id() is None
    assert [line.get("correlation_id") for line in lines(stream)] == ["a", None]


def test_structure_logs_adds_keys_or_begins_anew() -> None:
    log, stream = make(request_id="old")
    log.structure_logs(append=True, request_id="new", a=1)
    log.info("x")
    log.structure_logs(b=2)
    log.info("x")
    shown = [(line.get("request_id"), line.get("a"), line.get("b")) for line in lines(stream)]
    assert shown == [("new", 1, None), ("old", None, 2)]


def test_keys_of_a_thread_are_its_own() -> None:
    log, stream = make()
    log.append_keys(everywhere=1)

    def work(name: str) -> None:
        log.thread_safe_append_keys(name=name)
        log.info("x")
        log.thread_safe_remove_keys(["name"])
        assert log.thread_safe_get_current_keys() == {}
        log.info("x")

    for name in ("a", "b"):
        thread = threading.Thread(target=work, args=(name,))
        thread.start()
        thread.join()
    log.info("x")
    shown = [(line["everywhere"], line.get("name")) for line in lines(stream)]
    assert shown == [(1, "a"), (1, None), (1, "b"), (1, None), (1, None)]


def test_a_further_logger_of_the_service_has_what_the_first_has(capsys: pytest.CaptureFixture[str]) -> None:
    first = Logger(uuid4().hex, level="DEBUG", team="x", buffer=LoggerBufferConfig(), utc=True)
    second = Logger(first.service)
    assert (second.level, second.name) == (logging.DEBUG, first.name)
    first.debug("one")
    second.debug("two")
    first.flush_buffer()
    shown = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(line["message"], line["team"]) for line in shown] == [("one", "x"), ("two", "x")]
    elsewhere = io.StringIO()
    Logger(first.service, stream=elsewhere).info("three")
    assert "team" not in lines(elsewhere)[0]


def test_of_a_logger_with_a_stream_of_its_own_others_have_but_the_buffer(
    capsys: pytest.CaptureFixture[str],
) -> None:
    first, stream = make(level="DEBUG", team="x", buffer=True)
    second = Logger(first.service)
    first.debug("one")
    second.debug("two")
    first.flush_buffer()
    assert [(line["message"], line.get("team")) for line in lines(stream)] == [("one", "x"), ("two", None)]
    assert second.level == logging.INFO
    second.info("three")
    assert json.loads(capsys.readouterr().out)["message"] == "three"


# ---------------------------------------------------------------------- messages


def test_messages_are_read_with_a_reader_of_ones_own() -> None:
    log, stream = make(json_deserializer=lambda text: {"read": text[::-1]})
    log.info("abc")
    log.info("a %s", "b")
    assert [line["message"] for line in lines(stream)] == [{"read": "cba"}, "a b"]
    assert "json_deserializer" not in lines(stream)[0]


# ---------------------------------------------------------------------- buffers


def test_lines_of_an_earlier_trace_are_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    log, stream = make(buffer=True)
    log.debug("before the first")
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-a;Parent=x;Sampled=1")
    log.debug("one")
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-a;Parent=y;Sampled=1")
    log.flush_buffer()
    log.debug("two")
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-b;Parent=x;Sampled=1")
    log.flush_buffer()
    log.debug("three")
    log.error("four")
    assert [line["message"] for line in lines(stream)] == ["before the first", "one", "three", "four"]


def test_a_buffer_whose_lines_lambda_drops_is_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_LOG_LEVEL", "INFO")
    with pytest.warns(UserWarning, match="holds back"):
        make(buffer=True)


# ---------------------------------------------------------------------- filters, handlers, formatters of logging


class Redaction(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        if getattr(record, "api_key", None):
            record.api_key = "REDACTED"
        return record.msg != "refused"


def test_filters_change_and_refuse_lines() -> None:
    log, stream = make()
    redaction = Redaction()
    log.info("before", api_key="k")
    log.addFilter(redaction)
    log.info("a %s", "b", api_key="k")
    log.info("refused")
    try:
        raise LookupError("x")
    except LookupError:
        log.exception("bad")
    log.removeFilter(redaction)
    log.info("refused", api_key="k")
    shown = [(line["message"], line.get("api_key"), line.get("exception_name")) for line in lines(stream)]
    assert shown == [
        ("before", "k", None),
        ("a b", "REDACTED", None),
        ("bad", None, "LookupError"),
        ("refused", "k", None),
    ]


def test_a_handler_takes_the_lines(tmp_path: Any, capsys: pytest.CaptureFixture[str]) -> None:
    handler = logging.FileHandler(tmp_path / "log.json")
    log = Logger(uuid4().hex, logger_handler=handler, buffer=True, team="x")
    log.debug("held")
    log.info("custom handler")
    log.flush_buffer()
    handler.close()
    written = [json.loads(line) for line in (tmp_path / "log.json").read_text().splitlines()]
    assert [(line["message"], line["team"]) for line in written] == [("custom handler", "x"), ("held", "x")]
    assert capsys.readouterr().out == ""


def test_a_further_handler_takes_them_too_in_its_own_form() -> None:
    log, stream = make()
    other = io.StringIO()
    handler = logging.StreamHandler(other)
    handler.setFormatter(logging.Formatter("%(levelname)s %(message)s %(order)s"))
    handler.setLevel("WARNING")
    log.addHandler(handler)
    log.info("a", order=1)
    log.warning("b", order=2)
    assert other.getvalue() == "WARNING b 2\n"
    assert [line["message"] for line in lines(stream)] == ["a", "b"]


def test_a_formatter_writes_the_line() -> None:
    log, stream = make(logger_formatter=logging.Formatter("%(function_name)s %(team)s %(message)s"), team="x")
    log.inject_lambda_context(lambda event, context: log.info("Hello %s", "you"))({}, CONTEXT)
    assert stream.getvalue() == "test x Hello you\n"


def test_filters_do_not_break_what_they_get() -> None:
    log, stream = make()

    def broken(record: logging.LogRecord) -> bool:
        raise LookupError("in the filter")

    log.addFilter(broken)
    log.info("a secret")
    (line,) = lines(stream)
    assert "in the filter" in line["message"]
    assert "secret" not in stream.getvalue()


def test_sampling_holds_for_all_loggers_of_the_service(capsys: pytest.CaptureFixture[str]) -> None:
    first = Logger(uuid4().hex, sample_rate=1)
    for log in (first, Logger(first.service), Logger(first.service, child=True), first.child("x")):
        log.debug("sampled")
    assert [json.loads(line)["message"] for line in capsys.readouterr().out.splitlines()] == ["sampled"] * 4


def test_keys_named_like_a_records_attributes_are_shown_with_filters_too() -> None:
    log, stream = make()
    log.addFilter(lambda record: True)
    log.info("x", name="n", args=1, taskName="t")
    assert [lines(stream)[0][key] for key in ("name", "args", "taskName")] == ["n", 1, "t"]
