"""Streaming handlers of Node: what they write, and how they end."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.runtime.conftest import Answer, Environment, NodeStart

HTTP = "application/vnd.awslambda.http-integration-response"
PLAIN = "application/octet-stream"


class Streamed:
    """A whole answer: content type, all pieces together, the frame that ended it."""

    def __init__(self, environment: Environment) -> None:
        self.content_type = ""
        self.logs: list[str] = []
        data = []
        while True:
            answer: Answer = environment.receive()
            self.logs += answer.logs
            if answer.kind == b"H":
                self.content_type = answer.body.decode()
            elif answer.kind == b"C":
                data.append(answer.body)
            else:
                break
        self.pieces = len(data)
        self.body = b"".join(data)
        self.end = answer


def stream(environment: Environment, event: Any = None) -> Streamed:
    environment.send(json.dumps(event).encode())
    return Streamed(environment)


def handler(body: str, options: str = "") -> str:
    return (
        "import { pipeline } from 'node:stream/promises'; import { Readable } from 'node:stream'\n"
        "export const handler = awslambda.streamifyResponse(async (event, stream, context) => {\n"
        f"{body}\n}}{options})"
    )


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        ("stream.write('a'); stream.write('é'); stream.end()", PLAIN, "aé"),
        ("stream.setContentType('text/plain'); stream.write('a'); stream.end('b')", "text/plain", "ab"),
        ("stream.write(Buffer.from('x')); stream.write(new Uint8Array([121])); stream.end()", PLAIN, "xy"),
        ("stream.write({ a: 1 }); stream.end()", PLAIN, '{"a":1}'),
        ("stream.end()", PLAIN, ""),
        ("await pipeline(Readable.from(['one ', 'two ', 'three']), stream)", PLAIN, "one two three"),
        (
            (
                "stream = awslambda.HttpResponseStream.from(stream, { statusCode: 201, headers: { 'X-A': 'b' } });"
                "stream.write('body'); stream.end()"
            ),
            HTTP,
            '{"statusCode":201,"headers":{"X-A":"b"}}' + "\0" * 8 + "body",
        ),
        (
            "stream = awslambda.HttpResponseStream.from(stream, { statusCode: 204 }); stream.end()",
            HTTP,
            '{"statusCode":204}' + "\0" * 8,
        ),
        ("setTimeout(() => { stream.write('late'); stream.end() }, 30)", PLAIN, "late"),
    ],
)
def test_what_is_written(node_start: NodeStart, body: str, content_type: str, expected: str) -> None:
    environment = node_start(handler(body))
    for _ in range(2):
        streamed = stream(environment)
        assert (streamed.content_type, streamed.body.decode()) == (content_type, expected)
        assert (streamed.end.kind, streamed.end.body, streamed.logs) == (b"O", b"", [])


def test_pieces_come_while_the_handler_runs(node_start: NodeStart) -> None:
    environment = node_start(
        handler("stream.write('first'); await new Promise((r) => setTimeout(r, 300)); stream.end('last')")
    )
    begun = time.monotonic()
    environment.send(b"null")
    assert environment.receive().kind == b"H"
    assert environment.receive().body == b"first"
    assert time.monotonic() - begun < 0.25
    assert environment.receive().body == b"last"
    assert time.monotonic() - begun > 0.25
    assert environment.receive().kind == b"O"


def test_large_answers_are_cut_and_wait_for_the_reader(node_start: NodeStart) -> None:
    environment = node_start(
        handler(
            """let waited = 0
            for (let i = 0; i < 40; i++) {
                if (!stream.write(Buffer.alloc(500_000, 97 + i % 26))) {
                    waited++
                    await new Promise((resolve) => stream.once('drain', resolve))
                }
            }
            stream.write(Buffer.alloc(2_500_000, 122))
            stream.end(String(waited))"""
        )
    )
    environment.send(b"null")
    time.sleep(0.1)  # the socket is full by then
    streamed = Streamed(environment)
    expected = b"".join(bytes([97 + i % 26]) * 500_000 for i in range(40)) + b"z" * 2_500_000
    assert streamed.body[: len(expected)] == expected
    assert int(streamed.body[len(expected) :]) > 0
    assert streamed.pieces == 44


def test_timers_and_logs_go_on_while_nobody_reads(node_start: NodeStart) -> None:
    environment = node_start(
        handler(
            """let ticks = 0
            const timer = setInterval(() => ticks++, 2)
            const begun = Date.now()
            const written = new Promise((resolve) => stream.write(Buffer.alloc(3_000_000), resolve))
            console.log('waits')
            await written
            clearInterval(timer)
            console.log('waited')
            stream.end(JSON.stringify([ticks, Date.now() - begun]))"""
        )
    )
    environment.send(b"null")
    time.sleep(0.2)
    streamed = Streamed(environment)
    ticks, waited = json.loads(streamed.body[3_000_000:])
    assert waited > 150
    assert ticks > 30
    assert [line.split("\t")[3] for line in streamed.logs] == ["waits\n", "waited\n"]


def test_what_was_written_is_sent_although_the_process_ends(node_start: NodeStart) -> None:
    environment = node_start(
        handler("stream.write(Buffer.alloc(3_000_000)); console.log('ends'); process.exit(4)")
    )
    environment.send(b"null")
    time.sleep(0.1)
    assert environment.receive().kind == b"H"
    pieces = [environment.receive().body for _ in range(3)]
    assert sum(map(len, pieces)) == 3_000_000
    with pytest.raises(EOFError):
        environment.receive()
    assert environment.gone() == 4 << 8


@pytest.mark.parametrize(
    ("body", "written", "kind", "message"),
    [
        ("throw new TypeError('before')", b"", "TypeError", "before"),
        ("stream.write('some'); throw new RangeError('mid')", b"some", "RangeError", "mid"),
        ("stream.write('x'); stream.destroy(new Error('gone')); await 1", b"x", "Error", "gone"),
        (
            "stream.write('x'); stream.setContentType('text/html')",
            b"x",
            "Runtime.InvalidStreamingOperation",
            None,
        ),
    ],
)
def test_errors(node_start: NodeStart, body: str, written: bytes, kind: str, message: str | None) -> None:
    environment = node_start(handler(body))
    for _ in range(2):
        streamed = stream(environment)
        assert streamed.body == written
        assert streamed.end.kind == b"E"
        assert streamed.end.value["errorType"] == kind
        assert streamed.end.value["errorMessage"] == (message or "Cannot set content-type, too late.")
        assert "\tERROR\tInvoke Error \t" in streamed.logs[-1]


def test_handlers_that_are_not_async_are_refused(node_start: NodeStart) -> None:
    environment = node_start(
        "export const handler = awslambda.streamifyResponse((event, stream) => { stream.write('x') })"
    )
    streamed = stream(environment)
    assert (streamed.body, streamed.end.kind) == (b"x", b"E")
    assert streamed.end.value["errorMessage"] == "Streaming does not support non-async handlers."
    assert streamed.end.value["errorType"] == ("Error" if node_start.modern else "string")


def test_errors_after_the_end_are_only_logged(node_start: NodeStart) -> None:
    streamed = stream(node_start(handler("stream.end('x'); throw new Error('late')")))
    assert (streamed.body, streamed.end.kind, streamed.end.body) == (b"x", b"O", b"")
    assert "\tERROR\tInvoke Error \t" in streamed.logs[0]


def test_streams_that_are_never_ended(node_start: NodeStart) -> None:
    environment = node_start(handler("stream.write('x')"))
    environment.send(b"null")
    if node_start.modern:
        assert environment.receive().kind == b"H"
        assert environment.receive().kind == b"C"
        assert environment.gone() == 0
        return
    streamed = Streamed(environment)
    assert (streamed.body, streamed.end.kind) == (b"x", b"E")
    assert streamed.end.value["errorMessage"] == "Response stream is not finished."


def test_what_streaming_handlers_return_is_ignored(node_start: NodeStart) -> None:
    streamed = stream(node_start(handler("stream.end('x'); return 5")))
    assert (streamed.body, streamed.end.kind, streamed.end.body) == (b"x", b"O", b"")
    assert streamed.logs[0].split("\t")[2:] == ["WARN", "Streaming handlers ignore return values.\n"]


def test_errors_that_nobody_catches_while_streaming(node_start: NodeStart) -> None:
    environment = node_start(
        handler(
            "stream.write('x'); setTimeout(() => { throw new Error('late') }); await new Promise(() => {})"
        )
    )
    environment.send(b"null")
    if node_start.modern:
        assert environment.receive().kind == b"H"
        assert environment.gone() == 1 << 8
        return
    streamed = Streamed(environment)
    assert (streamed.body, streamed.end.kind, streamed.end.body[:1]) == (b"x", b"X", b"E")
    assert json.loads(streamed.end.body[1:])["errorMessage"] == "late"


def test_high_water_marks_are_those_of_the_option(node_start: NodeStart) -> None:
    environment = node_start(
        handler("stream.end(String(stream.writableHighWaterMark))", ", { highWaterMark: 1234 }")
    )
    assert stream(environment).body == b"1234"


def test_the_global_can_be_switched_off(node_start: NodeStart) -> None:
    environment = node_start(
        "export const handler = async () => typeof awslambda",
        variables={"AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA": "1"},
    )
    assert environment.invoke().value == "undefined"


def test_node_24_tells_code_anywhere_about_its_invocation(node_start: NodeStart) -> None:
    environment = node_start(
        """const look = () => { const s = awslambda.InvokeStore; return s && [s.getRequestId(), s.getXRayTraceId()] }
        export const handler = async () => look() ?? null"""
    )
    expected = ["0b27bf56-9d32-4eb2-a8a2-b2cd4b6c5e6a", "Root=1"] if node_start.modern else None
    assert environment.invoke(trace=b"Root=1").value == expected
