"""What Node functions log: formats, levels, and the order with what they print."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.runtime.conftest import NodeStart

ID = "0b27bf56-9d32-4eb2-a8a2-b2cd4b6c5e6a"
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
JSON = {"AWS_LAMBDA_LOG_FORMAT": "JSON"}


@pytest.mark.parametrize(
    ("call", "level", "text"),
    [
        ("console.log('a')", "INFO", "a"),
        ("console.info('a', 1, { b: [2] })", "INFO", "a 1 { b: [ 2 ] }"),
        ("console.debug('%s is %d%%', 'x', 5)", "DEBUG", "x is 5%"),
        ("console.trace('t')", "TRACE", "t"),
        ("console.warn('two\\nlines')", "WARN", "two\nlines"),
        ("console.error('')", "ERROR", ""),
        ("console.fatal('f')", "FATAL", "f"),
        ("console.log()", "INFO", "undefined"),
        ("console.log(undefined, null)", "INFO", "undefined null"),
        ("console.log('é\\ud83d\\ude00')", "INFO", "é\U0001f600"),
        ("console.table([])", "INFO", "┌─────────┐\n│ (index) │\n├─────────┤\n└─────────┘"),
    ],
)
def test_text(node_start: NodeStart, call: str, level: str, text: str) -> None:
    environment = node_start(f"export const handler = async () => {{ {call} }}")
    (line,) = environment.invoke().logs
    time, request_id, told_level, message = line.split("\t", 3)
    assert TIME.fullmatch(time)
    assert (request_id, told_level, message) == (ID, level, text + "\n")


def test_errors_are_printed_with_their_stack(node_start: NodeStart) -> None:
    environment = node_start("export const handler = async () => console.error('it', new TypeError('broke'))")
    (line,) = environment.invoke().logs
    assert "\tERROR\tit TypeError: broke\n    at " in line


def test_logs_before_the_first_invocation_have_no_request(node_start: NodeStart) -> None:
    _, answer = node_start.attempt("console.log('loading'); export const handler = async () => 1")
    nobody = "-" if node_start.modern else "undefined"
    assert answer.logs[0].split("\t")[1:] == [nobody, "INFO", "loading\n"]


@pytest.mark.parametrize(
    ("call", "level", "message"),
    [
        ("console.log('a')", "INFO", "a"),
        ("console.info({ a: 1, b: [2] })", "INFO", {"a": 1, "b": [2]}),
        ("console.debug('%s %d', 'x', 5)", "DEBUG", "x 5"),
        ("console.trace('t', { a: 1 })", "TRACE", "t { a: 1 }"),
        ("console.warn('two\\nlines')", "WARN", "two\nlines"),
        ("console.fatal(5)", "FATAL", 5),
        ("console.error(null)", "ERROR", None),
        ("console.log({ big: 1n })", "INFO", "{ big: 1n }"),
        ("const a = {}; a.a = a; console.log(a)", "INFO", "<ref *1> { a: [Circular *1] }"),
    ],
)
def test_json(node_start: NodeStart, call: str, level: str, message: Any) -> None:
    environment = node_start(f"export const handler = async () => {{ {call} }}", variables=JSON)
    (line,) = environment.invoke().logs
    record = json.loads(line)
    assert list(record) == ["timestamp", "level", "requestId", "message"]
    assert TIME.fullmatch(record["timestamp"])
    assert (record["level"], record["requestId"], record["message"]) == (level, ID, message)


def test_errors_in_json(node_start: NodeStart) -> None:
    environment = node_start(
        """export const handler = async () => {
            class Mine extends Error {}
            const error = Object.assign(new Mine('m'), { code: 7 })
            console.error(error)
            console.warn('it', error)
            console.log({ inner: error })
            throw error
        }""",
        variables=JSON,
    )
    alone, beside, inner, thrown = (json.loads(line) for line in environment.invoke().logs)
    assert {**alone["message"], "stackTrace": None} == {
        "errorType": "Mine",
        "errorMessage": "m",
        "stackTrace": None,
        "code": 7,
    }
    assert alone["message"]["stackTrace"][0] == "Error: m"
    assert beside["message"].startswith("it Mine [Error]: m\n    at ")
    assert (beside["errorType"], beside["errorMessage"]) == ("Mine", "m")
    assert beside["stackTrace"][0] == "Error: m"
    assert inner["message"]["inner"]["errorType"] == "Mine"
    assert (thrown["level"], thrown["message"]["errorMessage"]) == ("ERROR", "m")


def test_tenants_are_named_in_json(node_start: NodeStart) -> None:
    environment = node_start("export const handler = async () => console.log('x')", variables=JSON)
    (line,) = environment.invoke(extra={"tenant_id": "blue"}).logs
    assert list(json.loads(line)) == ["timestamp", "level", "requestId", "tenantId", "message"]
    assert "tenantId" not in json.loads(environment.invoke().logs[0])


@pytest.mark.parametrize(
    ("level", "seen"),
    [
        ("TRACE", "trace debug info log warn error fatal"),
        ("debug", "debug info log warn error fatal"),
        ("INFO", "info log warn error fatal"),
        ("WARN", "warn error fatal"),
        ("ERROR", "error fatal"),
        ("FATAL", "fatal"),
        ("nonsense", "trace debug info log warn error fatal"),
    ],
)
def test_levels(node_start: NodeStart, level: str, seen: str) -> None:
    environment = node_start(
        """export const handler = async () => {
            for (const name of ['trace', 'debug', 'info', 'log', 'warn', 'error', 'fatal']) console[name](name)
        }""",
        variables={**JSON, "AWS_LAMBDA_LOG_LEVEL": level},
    )
    assert " ".join(json.loads(line)["message"] for line in environment.invoke().logs) == seen


def test_what_is_printed_is_marked_with_what_was_logged_before(node_start: NodeStart) -> None:
    environment = node_start(
        """import { writeSync } from 'node:fs'
        export const handler = async () => {
            process.stdout.write('one\\n'); console.log('a'); console.log('b')
            process.stdout.write('two\\n'); process.stderr.write('three\\n'); writeSync(1, 'four\\n')
            process.exit(0)
        }"""
    )
    environment.send(b"null")
    environment.gone()
    assert environment.output() == b"one\n\0lambent:00000002\0two\nthree\nfour\n"


def test_very_long_messages_are_cut_where_the_platform_would_drop_them(node_start: NodeStart) -> None:
    environment = node_start("export const handler = async () => console.log('x'.repeat(3_000_000))")
    (line,) = environment.invoke().logs
    assert len(line) == 1_048_568


def test_logs_while_nobody_reads_wait_without_harm(node_start: NodeStart) -> None:
    environment = node_start(
        "export const handler = async () => { for (let i = 0; i < 20000; i++) console.log('line', i); return 1 }"
    )
    answer = environment.invoke()
    assert answer.value == 1
    assert len(answer.logs) == 20000
    assert answer.logs[-1].endswith("line 19999\n")
