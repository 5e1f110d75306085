"""The Runtime API as a runtime sees it: raw bytes on real sockets, everything that may be done wrong included."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import queue
import re
import resource
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from lambent.execution import frames
from lambent.execution.invocation import Invocation
from lambent.execution.process import MAX_RESULT
from lambent.execution.runtime_api import RuntimeApi

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ARN = "arn:aws:lambda:us-east-1:000000000000:function:f"
FIRST = "11111111-1111-4111-8111-111111111111"
SECOND = "22222222-2222-4222-8222-222222222222"
API = "/2018-06-01/runtime"
ACCEPTED = (202, {"status": "OK"})


class Answer(NamedTuple):
    """An HTTP answer; header names in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        assert self.headers["content-type"] == "application/json"
        return json.loads(self.body)


class Client:
    """One connection of a runtime."""

    def __init__(self, address: str) -> None:
        host, _, port = address.partition(":")
        self.socket = socket.create_connection((host, int(port)), 10)
        self._data = b""

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def request(
        self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
    ) -> Answer:
        self.ask(method, path, body, headers)
        return self.answer()

    def ask(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        """Send a request and do not wait."""
        lines = [f"{method} {path} HTTP/1.1", "Host: api", *(f"{k}: {v}" for k, v in (headers or {}).items())]
        if body or method == "POST":
            lines.append(f"Content-Length: {len(body)}")
        self.send("\r\n".join([*lines, "", ""]).encode("latin-1") + body)

    def answer(self) -> Answer:
        while b"\r\n\r\n" not in self._data:
            self._receive()
        head, _, self._data = self._data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        length = int(headers.get("content-length", 0))
        while len(self._data) < length:
            self._receive()
        body, self._data = self._data[:length], self._data[length:]
        return Answer(int(first.split()[1]), headers, body)

    def _receive(self) -> None:
        data = self.socket.recv(1 << 20)
        if not data:
            raise ConnectionError("closed")
        self._data += data

    def silent(self) -> bool:
        """Whether nothing comes for a moment: there is nothing to wait for."""
        self.socket.settimeout(0.05)
        try:
            self._receive()
        except TimeoutError:
            return True
        finally:
            self.socket.settimeout(10)
        return False

    def closed(self) -> bool:
        """Whether the other end closes the connection without another word."""
        try:
            return not self.socket.recv(1)
        except ConnectionResetError:
            return True


class Bench:
    """A Runtime API on a loop of its own, and what its listener hears."""

    def __init__(self, pid: Callable[[], int] = os.getpid) -> None:
        self.heard: queue.SimpleQueue[tuple[int, bytes]] = queue.SimpleQueue()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.clients: list[Client] = []
        self.pausing = False  # whether each chunk is more than can be passed on
        self.api = self.call(self._open, pid)

    async def _open(self, pid: Callable[[], int]) -> RuntimeApi:
        return RuntimeApi(self, ARN, pid)

    def said(self, kind: int, body: bytes) -> None:
        self.heard.put((kind, body))
        if self.pausing and kind == frames.CHUNK:
            self.api.pause()

    def said_too_much(self, length: int) -> None:
        self.heard.put((-1, str(length).encode()))

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call something on the loop, and wait."""

        async def run() -> Any:
            result = function(*arguments)
            return await result if asyncio.iscoroutine(result) else result

        return asyncio.run_coroutine_threadsafe(run(), self._loop).result(10)

    def client(self) -> Client:
        self.clients.append(Client(self.api.address))
        return self.clients[-1]

    def invoke(self, payload: bytes = b"{}", request_id: str = FIRST, extra: Any = None) -> None:
        told = b"" if extra is None else json.dumps(extra).encode()
        invocation = Invocation(payload, request_id.encode(), b"Root=1-2-3;Sampled=0", told, lambda _: None)
        self.call(self.api.invoke, invocation, 1_700_000_000_123)

    def running(self, payload: bytes = b"{}", request_id: str = FIRST) -> Client:
        """A client that has an invocation."""
        client = self.client()
        client.ask("GET", f"{API}/invocation/next")
        assert self.next() == (frames.READY, b"")
        self.invoke(payload, request_id)
        assert client.answer().status == 200
        return client

    def next(self) -> tuple[int, bytes]:
        return self.heard.get(timeout=10)

    def quiet(self) -> bool:
        """Whether nothing has been said that was not listened to."""
        self.call(lambda: None)
        return self.heard.empty()

    def close(self) -> None:
        self.call(self.api.close)
        for client in self.clients:
            client.socket.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    with contextlib.closing(bench):
        yield bench


def refusal(status: int, kind: str, message: str) -> tuple[int, dict[str, str]]:
    return status, {"errorMessage": message, "errorType": kind}


def told(answer: Answer) -> tuple[int, Any]:
    return answer.status, answer.json


def transition(now: str, wanted: str, reason: str = "State transition is not allowed") -> Any:
    message = f"State transition from {now} to {wanted} failed for runtime. Error: {reason}"
    return refusal(403, "InvalidStateTransition", message)


INVALID_ID = refusal(400, "InvalidRequestID", "Invalid request ID")


# ---------------------------------------------------------------- in good order


def test_an_invocation_goes_round(bench: Bench) -> None:
    client = bench.client()
    client.ask("GET", f"{API}/invocation/next")
    assert bench.next() == (frames.READY, b"")
    assert client.silent()
    bench.invoke(b'{"a": 1}')
    status, headers, body = client.answer()
    assert (status, body) == (200, b'{"a": 1}')
    assert headers == {
        "content-type": "application/json",
        "content-length": "8",
        "lambda-runtime-aws-request-id": FIRST,
        "lambda-runtime-deadline-ms": "1700000000123",
        "lambda-runtime-invoked-function-arn": ARN,
        "lambda-runtime-trace-id": "Root=1-2-3;Sampled=0",
    }
    assert told(client.request("POST", f"{API}/invocation/{FIRST}/response", b"[1]")) == ACCEPTED
    assert bench.next() == (frames.RESULT, b"[1]")
    client.ask("GET", f"{API}/invocation/next")
    assert bench.next() == (frames.READY, b"")
    bench.invoke(b"2", SECOND)
    assert client.answer().headers["lambda-runtime-aws-request-id"] == SECOND


def test_what_is_special_about_an_invocation_comes_in_headers(bench: Bench) -> None:
    client = bench.client()
    client.ask("GET", f"{API}/invocation/next")
    bench.next()
    bench.invoke(
        extra={
            "arn": f"{ARN}:live",
            "client_context": '{"custom":\n{"name": "Ä"}}',
            "cognito_identity": '{"cognitoIdentityId":"i","cognitoIdentityPoolId":"p"}',
            "tenant_id": "blue",
        }
    )
    headers = client.answer().headers
    assert headers["lambda-runtime-invoked-function-arn"] == f"{ARN}:live"
    assert json.loads(headers["lambda-runtime-client-context"]) == {"custom": {"name": "Ä"}}
    assert (
        headers["lambda-runtime-cognito-identity"] == '{"cognitoIdentityId":"i","cognitoIdentityPoolId":"p"}'
    )
    assert headers["lambda-runtime-aws-tenant-id"] == "blue"


def test_an_invocation_waits_until_the_runtime_asks(bench: Bench) -> None:
    bench.invoke(b"7")
    assert bench.client().request("GET", f"{API}/invocation/next").body == b"7"
    assert bench.quiet()


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_537, MAX_RESULT])
def test_payloads_of_every_size(bench: Bench, size: int) -> None:
    client = bench.client()
    client.ask("GET", f"{API}/invocation/next")
    bench.next()
    bench.invoke(b"p" * size)
    assert len(client.answer().body) == size
    answer = client.request("POST", f"{API}/invocation/{FIRST}/response", b"r" * size)
    assert told(answer) == ACCEPTED
    assert bench.next() == (frames.RESULT, b"r" * size)


def test_each_request_may_have_a_connection_of_its_own(bench: Bench) -> None:
    bench.running()
    answer = bench.client().request(
        "POST", f"{API}/invocation/{FIRST}/response", b"1", {"Connection": "close"}
    )
    assert told(answer) == ACCEPTED
    assert bench.next() == (frames.RESULT, b"1")


def test_a_body_in_chunks(bench: Bench) -> None:
    client = bench.running()
    head = f"POST {API}/invocation/{FIRST}/response HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
    client.send(head.encode() + b"2\r\n[1\r\n1\r\n]\r\n0\r\n\r\n")
    assert told(client.answer()) == ACCEPTED
    assert bench.next() == (frames.RESULT, b"[1]")


def test_an_answer_and_the_next_question_in_one_piece(bench: Bench) -> None:
    client = bench.running()
    client.send(
        f"POST {API}/invocation/{FIRST}/response HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n1"
        f"GET {API}/invocation/next HTTP/1.1\r\nHost: a\r\n\r\n".encode()
    )
    assert client.answer().status == 202
    assert bench.next() == (frames.RESULT, b"1")
    assert bench.next() == (frames.READY, b"")


def test_large_bodies_are_asked_for(bench: Bench) -> None:
    client = bench.running()
    head = f"POST {API}/invocation/{FIRST}/response HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    client.send(head.encode())
    assert client.answer().status == 100
    client.send(b"{}")
    assert client.answer().status == 202


def test_an_offer_of_http_2_is_passed_over(bench: Bench) -> None:
    client = bench.running()
    upgrade = {
        "Connection": "Upgrade, HTTP2-Settings",
        "Upgrade": "h2c",
        "HTTP2-Settings": "AAEAAEAAAAIAAAABAAMAAABk",
    }
    answer = client.request("POST", f"{API}/invocation/{FIRST}/response", b"{}", upgrade)
    assert told(answer) == ACCEPTED
    assert bench.next() == (frames.RESULT, b"{}")
    client.ask("GET", f"{API}/invocation/next", headers=upgrade)
    assert bench.next() == (frames.READY, b"")


# ---------------------------------------------------------------- errors of the function


ERROR = {"errorMessage": "no", "errorType": "Custom.Error", "stackTrace": ["a", "b"]}


@pytest.mark.parametrize(
    ("headers", "body", "document"),
    [
        ({}, json.dumps(ERROR).encode(), ERROR),
        ({"Lambda-Runtime-Function-Error-Type": "Other"}, json.dumps(ERROR).encode(), ERROR),
        (
            {"Lambda-Runtime-Function-XRay-Error-Cause": json.dumps({"exceptions": ["x" * 20_000]})},
            json.dumps(ERROR).encode(),
            ERROR,
        ),
        (
            {"Lambda-Runtime-Function-Error-Type": "Runtime.Empty"},
            b"",
            {"errorMessage": "", "errorType": "Runtime.Empty"},
        ),
        ({}, b"", {"errorMessage": "", "errorType": "Runtime.Unknown"}),
        (
            {"Content-Type": "application/vnd.aws.lambda.error.cause+json"},
            json.dumps({**ERROR, "errorCause": {"exceptions": []}}).encode(),
            ERROR,
        ),
        ({"Content-Type": "application/vnd.aws.lambda.error.cause+json"}, b"{no", "Invalid error body"),
        ({"Content-Type": "application/vnd.aws.lambda.error.cause+json"}, b"7", "Invalid error body"),
    ],
)
def test_the_function_fails(bench: Bench, headers: dict[str, str], body: bytes, document: Any) -> None:
    client = bench.running()
    assert told(client.request("POST", f"{API}/invocation/{FIRST}/error", body, headers)) == ACCEPTED
    kind, said = bench.next()
    assert kind == frames.FUNCTION_ERROR
    assert json.loads(said) == document


def test_what_is_no_json_is_passed_on(bench: Bench) -> None:
    client = bench.running()
    client.request("POST", f"{API}/invocation/{FIRST}/error", b"\xff not json")
    assert bench.next() == (frames.FUNCTION_ERROR, b"\xff not json")


def test_init_fails(bench: Bench) -> None:
    client = bench.client()
    body = json.dumps(ERROR).encode()
    assert told(client.request("POST", f"{API}/init/error", body)) == ACCEPTED
    assert bench.next() == (frames.INIT_ERROR, body)
    assert told(client.request("POST", f"{API}/init/error", body)) == transition("InitError", "InitError")
    assert told(client.request("GET", f"{API}/invocation/next")) == transition("InitError", "Ready")
    assert bench.quiet()


def test_init_cannot_fail_any_more(bench: Bench) -> None:
    client = bench.running()
    assert told(client.request("POST", f"{API}/init/error", b"{}")) == transition("Ready", "InitError")
    assert bench.quiet()


def test_init_cannot_fail_while_the_runtime_waits(bench: Bench) -> None:
    waiting = bench.client()
    waiting.ask("GET", f"{API}/invocation/next")
    bench.next()
    answer = bench.client().request("POST", f"{API}/init/error", b"{}")
    assert told(answer) == transition("Started", "InitError")
    assert bench.quiet()


# ---------------------------------------------------------------- streamed answers


STREAMING = {"Lambda-Runtime-Function-Response-Mode": "streaming", "Transfer-Encoding": "chunked"}


def begin_stream(client: Client, headers: dict[str, str] | None = None) -> None:
    lines = "".join(f"{name}: {value}\r\n" for name, value in {**STREAMING, **(headers or {})}.items())
    client.send(f"POST {API}/invocation/{FIRST}/response HTTP/1.1\r\nHost: a\r\n{lines}\r\n".encode())


def test_a_streamed_answer(bench: Bench) -> None:
    client = bench.running()
    begin_stream(client, {"Content-Type": "text/plain"})
    assert bench.next() == (frames.STREAM, b"text/plain")
    for piece in (b"one", b"two"):
        client.send(b"%x\r\n%s\r\n" % (len(piece), piece))
        assert bench.next() == (frames.CHUNK, piece)
    assert client.silent()
    client.send(b"0\r\n\r\n")
    assert bench.next() == (frames.RESULT, b"")
    assert told(client.answer()) == ACCEPTED


def test_a_streamed_answer_has_a_type(bench: Bench) -> None:
    begin_stream(bench.running())
    assert bench.next() == (frames.STREAM, b"application/octet-stream")


@pytest.mark.parametrize(
    ("body", "document"),
    [
        (base64.b64encode(json.dumps(ERROR).encode()), json.dumps(ERROR).encode()),
        (b"", b'{"errorMessage":"","errorType":"Late"}'),
        (b"{not base64}", b"{not base64}"),
    ],
)
def test_a_streamed_answer_that_fails_in_the_middle(bench: Bench, body: bytes, document: bytes) -> None:
    client = bench.running()
    begin_stream(
        client, {"Trailer": "Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body"}
    )
    client.send(b"3\r\none\r\n0\r\nLambda-Runtime-Function-Error-Type: Late\r\n")
    client.send(b"Lambda-Runtime-Function-Error-Body: %s\r\n\r\n" % body)
    bench.next()
    assert bench.next() == (frames.CHUNK, b"one")
    assert bench.next() == (frames.FUNCTION_ERROR, document)
    assert told(client.answer()) == ACCEPTED


def test_a_streamed_answer_that_is_cut(bench: Bench) -> None:
    client = bench.running()
    begin_stream(client)
    client.send(b"3\r\none\r\n9\r\ntw")
    client.socket.close()
    assert [bench.next()[0] for _ in range(3)] == [frames.STREAM, frames.CHUNK, frames.CHUNK]
    kind, said = bench.next()
    assert (kind, json.loads(said)["errorType"]) == (frames.FUNCTION_ERROR, "Runtime.TruncatedResponse")


def test_a_streamed_answer_in_chunks_that_are_none(bench: Bench) -> None:
    client = bench.running()
    begin_stream(client)
    client.send(b"zzz\r\n")
    assert client.answer().status == 400
    bench.next()
    assert json.loads(bench.next()[1])["errorType"] == "Runtime.TruncatedResponse"


def test_a_runtime_that_dies_while_it_streams_has_not_cut_its_answer(bench: Bench) -> None:
    client = bench.running()
    begin_stream(client)
    bench.next()
    client.socket.close()
    bench.call(bench.api.close)  # what its end leads to
    time.sleep(0.15)  # longer than a cut is waited for
    assert bench.quiet()


@pytest.mark.parametrize("accepted", [False, True])
def test_the_last_words_of_a_runtime_count(bench: Bench, accepted: bool) -> None:
    bench.running()
    request = (
        f"POST {API}/invocation/{FIRST}/response HTTP/1.1\r\nHost: api\r\nTransfer-Encoding: chunked\r\n"
        "Lambda-Runtime-Function-Response-Mode: streaming\r\n\r\n3\r\none\r\n"
    )
    last_words = (
        "import os, socket, sys; s = socket.create_connection(('127.0.0.1', int(sys.argv[1])));"
        "s.sendall(sys.argv[2].encode()); os.kill(os.getpid(), 9)"
    )
    port = bench.api.address.rpartition(":")[2]
    # On the loop, so that it is over before anything of it is seen.
    bench.call(lambda: subprocess.run([sys.executable, "-c", last_words, port, request], check=False))
    if accepted:
        assert bench.client().request("GET", "/2018-06-01/ping").body == b"pong"
        assert bench.quiet()  # it could have been anybody
    bench.call(bench.api.read_rest)
    assert bench.next()[0] == frames.STREAM
    assert bench.next() == (frames.CHUNK, b"one")


def test_a_mode_that_does_not_exist(bench: Bench) -> None:
    client = bench.running()
    answer = client.request(
        "POST", f"{API}/invocation/{FIRST}/response", b"1", {"Lambda-Runtime-Function-Response-Mode": "lazy"}
    )
    assert told(answer) == refusal(400, "InvalidFunctionResponseMode", "Invalid function response mode")
    kind, said = bench.next()
    assert (kind, json.loads(said)["errorType"]) == (
        frames.FUNCTION_ERROR,
        "Runtime.InvalidResponseModeHeader",
    )


def test_a_slow_reader_holds_up_a_streamed_answer(bench: Bench) -> None:
    client = bench.running()
    begin_stream(client)
    bench.next()
    bench.call(bench.api.pause)
    client.send(b"3\r\none\r\n")
    time.sleep(0.05)
    assert bench.quiet()
    bench.call(bench.api.resume)
    assert bench.next() == (frames.CHUNK, b"one")


def test_a_streamed_answer_that_ends_where_it_is_held_up(bench: Bench) -> None:
    # The reader is slow with the last piece, and the end has come together with it.
    bench.pausing = True
    client = bench.running()
    begin_stream(client)
    bench.next()
    client.send(b"4\r\nlast\r\n0\r\n\r\n")
    assert bench.next() == (frames.CHUNK, b"last")
    assert bench.next()[0] == frames.RESULT
    assert told(client.answer()) == ACCEPTED
    client.ask("GET", f"{API}/invocation/next")
    assert bench.next() == (frames.READY, b"")


# ---------------------------------------------------------------- misuse


@pytest.mark.parametrize("kind", ["response", "error"])
@pytest.mark.parametrize("request_id", [SECOND, "x", "", FIRST.upper().replace("1", "A")])
def test_an_answer_for_another_request(bench: Bench, kind: str, request_id: str) -> None:
    client = bench.running()
    assert told(client.request("POST", f"{API}/invocation/{request_id}/{kind}", b"{}")) == INVALID_ID
    assert bench.quiet()
    # The one that runs can still be answered.
    assert client.request("POST", f"{API}/invocation/{FIRST}/response", b"1").status == 202


@pytest.mark.parametrize("kind", ["response", "error"])
def test_an_answer_before_any_invocation(bench: Bench, kind: str) -> None:
    assert told(bench.client().request("POST", f"{API}/invocation/{FIRST}/{kind}", b"{}")) == INVALID_ID
    assert bench.quiet()


@pytest.mark.parametrize("first", ["response", "error"])
@pytest.mark.parametrize(
    ("second", "wanted"), [("response", "InvocationResponse"), ("error", "InvocationErrorResponse")]
)
def test_a_second_answer(bench: Bench, first: str, second: str, wanted: str) -> None:
    client = bench.running()
    assert client.request("POST", f"{API}/invocation/{FIRST}/{first}", b"{}").status == 202
    bench.next()
    answer = client.request("POST", f"{API}/invocation/{FIRST}/{second}", b"{}")
    assert told(answer) == transition("RuntimeResponseSentState", wanted)
    assert bench.quiet()


def test_an_answer_to_the_invocation_before(bench: Bench) -> None:
    client = bench.running()
    client.request("POST", f"{API}/invocation/{FIRST}/response", b"1")
    client.ask("GET", f"{API}/invocation/next")
    bench.next()
    bench.next()
    bench.invoke(request_id=SECOND)
    client.answer()
    assert told(client.request("POST", f"{API}/invocation/{FIRST}/response", b"1")) == INVALID_ID
    assert bench.quiet()


def test_two_answers_at_once(bench: Bench) -> None:
    slow, quick = bench.running(), bench.client()
    slow.send(f"POST {API}/invocation/{FIRST}/response HTTP/1.1\r\nContent-Length: 2\r\n\r\n1".encode())
    bench.call(lambda: None)
    answer = quick.request("POST", f"{API}/invocation/{FIRST}/error", b"{}")
    assert told(answer) == transition("InvocationResponse", "InvocationErrorResponse")
    assert told(quick.request("GET", f"{API}/invocation/next")) == transition("InvocationResponse", "Ready")
    slow.send(b"2")
    assert told(slow.answer()) == ACCEPTED
    assert bench.next() == (frames.RESULT, b"12")


def test_asking_twice_gives_the_same_invocation(bench: Bench) -> None:
    client = bench.running(b'{"n": 1}')
    again = bench.client().request("GET", f"{API}/invocation/next")
    assert (again.headers["lambda-runtime-aws-request-id"], again.body) == (FIRST, b'{"n": 1}')
    assert told(client.request("POST", f"{API}/invocation/{FIRST}/response", b"1")) == ACCEPTED


def test_asking_twice_at_once(bench: Bench) -> None:
    first = bench.client()
    first.ask("GET", f"{API}/invocation/next")
    bench.next()
    second = bench.client().request("GET", f"{API}/invocation/next")
    assert told(second) == transition("Started", "Ready", "ErrGateIntegrity")
    bench.invoke(b"1")
    assert first.answer().body == b"1"


def test_one_that_no_longer_waits_may_ask_anew(bench: Bench) -> None:
    first = bench.client()
    first.ask("GET", f"{API}/invocation/next")
    bench.next()
    first.socket.close()
    deadline = time.monotonic() + 10
    while bench.call(lambda: bench.api.asking):
        assert time.monotonic() < deadline
    second = bench.client()
    second.ask("GET", f"{API}/invocation/next")
    assert bench.next() == (frames.READY, b"")
    bench.invoke(b"1")
    assert second.answer().body == b"1"


@pytest.mark.parametrize("kind", ["response", "error"])
@pytest.mark.parametrize("declared", [True, False])
def test_an_answer_that_is_too_large(bench: Bench, kind: str, declared: bool) -> None:
    client = bench.running()
    body = b"x" * (MAX_RESULT + 1)
    path = f"{API}/invocation/{FIRST}/{kind}"
    if declared:
        client.ask("POST", path, body)
    else:
        head = f"POST {path} HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{len(body):x}\r\n"
        client.send(head.encode() + body + b"\r\n0\r\n\r\n")
    assert bench.next()[0] == -1
    message = "Exceeded maximum allowed payload size (6291556 bytes)."
    assert told(client.answer()) == refusal(413, "RequestEntityTooLarge", message)
    client.ask("GET", f"{API}/invocation/next")
    assert bench.next() == (frames.READY, b"")


@pytest.mark.parametrize("kind", ["response", "error"])
def test_a_connection_cut_in_the_middle_of_an_answer(bench: Bench, kind: str) -> None:
    client = bench.running()
    client.send(f"POST {API}/invocation/{FIRST}/{kind} HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf".encode())
    client.socket.close()
    said, document = bench.next()
    assert (said, json.loads(document)["errorType"]) == (frames.FUNCTION_ERROR, "Runtime.TruncatedResponse")
    again = bench.client()
    answer = again.request("POST", f"{API}/invocation/{FIRST}/response", b"{}")
    assert answer.json["errorType"] == "InvalidStateTransition"
    again.ask("GET", f"{API}/invocation/next")
    assert bench.next() == (frames.READY, b"")


def test_asking_after_having_cut_an_answer(bench: Bench) -> None:
    client = bench.running()
    client.send(f"POST {API}/invocation/{FIRST}/response HTTP/1.1\r\nContent-Length: 10\r\n\r\nhalf".encode())
    client.socket.close()
    bench.client().ask("GET", f"{API}/invocation/next")
    assert bench.next()[0] == frames.FUNCTION_ERROR
    assert bench.next() == (frames.READY, b"")


def test_asking_again_before_the_answer_ends_the_connection(bench: Bench) -> None:
    client = bench.client()
    client.ask("GET", f"{API}/invocation/next")
    bench.next()
    client.ask("GET", f"{API}/invocation/next")
    assert client.closed()
    assert not bench.call(lambda: bench.api.asking)


@pytest.mark.parametrize(
    ("method", "path", "status", "body"),
    [
        ("GET", "/", 404, b"404 page not found\n"),
        ("GET", "/2018-06-01", 404, b"404 page not found\n"),
        ("GET", "/2018-06-02/runtime/invocation/next", 404, b"404 page not found\n"),
        ("POST", f"{API}/unsupported", 404, b"404 page not found\n"),
        ("GET", f"{API}/invocation", 404, b"404 page not found\n"),
        ("GET", f"{API}/invocation/next/", 404, b"404 page not found\n"),
        ("POST", f"{API}/invocation/{FIRST}/response/more", 404, b"404 page not found\n"),
        ("GET", f"{API}/restore/next", 404, b"404 page not found\n"),
        ("POST", f"{API}/restore/error", 404, b"404 page not found\n"),
        ("POST", f"{API}/invocation/next", 405, b""),
        ("GET", f"{API}/invocation/{FIRST}/response", 405, b""),
        ("DELETE", f"{API}/invocation/{FIRST}/error", 405, b""),
        ("PUT", f"{API}/invocation/{FIRST}/error", 405, b""),
        ("GET", f"{API}/init/error", 405, b""),
        ("GET", "/2018-06-01/ping", 200, b"pong"),
    ],
)
def test_paths_and_methods(bench: Bench, method: str, path: str, status: int, body: bytes) -> None:
    client = bench.running()
    answer = client.request(method, path, b"{}" if method != "GET" else b"")
    assert (answer.status, answer.body) == (status, body)
    assert bench.quiet()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/2020-01-01/extension/register"),
        ("GET", "/2020-01-01/extension/event/next"),
        ("PUT", "/2020-08-15/logs"),
        ("PUT", "/2022-07-01/telemetry"),
    ],
)
def test_there_are_no_extensions(bench: Bench, method: str, path: str) -> None:
    answer = bench.client().request(method, path, b"{}")
    assert (answer.status, answer.json["errorType"]) == (404, "ExtensionsNotSupported")


@pytest.mark.parametrize(
    "garbage",
    [
        b"\0\0\0\0\r\n\r\n",
        b"hello\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"POST /x HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST /x HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET /" + b"x" * 10_000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"x" * 1_100_000 + b"\r\n\r\n",
    ],
    ids=range(9),
)
def test_what_is_not_http(bench: Bench, garbage: bytes) -> None:
    client = bench.client()
    with contextlib.suppress(ConnectionError):
        client.send(garbage)
        assert client.answer().status in (400, 431)
        assert client.closed()
    # Others are served as before.
    assert bench.client().request("GET", "/2018-06-01/ping").body == b"pong"
    assert bench.quiet()


def test_a_connection_that_says_nothing(bench: Bench) -> None:
    bench.client().send(b"GET")
    bench.running()


def test_connections_without_end(bench: Bench) -> None:
    # Their other ends are the platform's descriptors, which all functions share.
    client = bench.running()
    held = [bench.client() for _ in range(200)]
    with pytest.raises(ConnectionError):
        held[-1].request("GET", "/2018-06-01/ping")
    assert told(client.request("POST", f"{API}/invocation/{FIRST}/response", b"1")) == ACCEPTED
    for one in held:
        one.socket.close()
    bench.next()
    assert bench.client().request("GET", "/2018-06-01/ping").body == b"pong"


def test_no_descriptor_is_free(bench: Bench) -> None:
    held: list[socket.socket] = []
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)

    def exhaust() -> float:
        client = bench.client()
        client.ask("GET", "/2018-06-01/ping")
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
        with contextlib.suppress(OSError):
            while True:
                held.append(socket.socket())
        return time.thread_time()

    try:
        before = bench.call(exhaust)
        time.sleep(0.3)  # nothing is to happen: it is about how much of the processor that takes
        assert bench.call(time.thread_time) - before < 0.1
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for one in held:
            one.close()
    assert bench.clients[-1].answer().body == b"pong"


def test_others_may_not_connect() -> None:
    # The environment is a process that has nothing to do with this one.
    environment = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        with contextlib.closing(Bench(lambda: environment.pid)) as bench:
            with pytest.raises(ConnectionError):
                bench.client().request("GET", f"{API}/invocation/next")
            assert bench.quiet()
    finally:
        environment.kill()
        environment.communicate()


def test_descendants_may_connect(bench: Bench) -> None:
    port = bench.api.address.rpartition(":")[2]
    client = (
        "import http.client, sys; c = http.client.HTTPConnection('127.0.0.1', int(sys.argv[1]));"
        "c.request('GET', '/2018-06-01/ping'); print(c.getresponse().read())"
    )
    nested = "import subprocess, sys; subprocess.run([sys.executable, '-c', *sys.argv[1:]], check=True)"
    done = subprocess.run(
        [sys.executable, "-c", nested, client, port], check=True, capture_output=True, text=True
    )
    assert re.fullmatch(r"b'pong'\s*", done.stdout)


def test_an_environment_without_a_process_yet_keeps_its_runtime_waiting() -> None:
    pid = 0
    with contextlib.closing(Bench(lambda: pid)) as bench:
        client = bench.client()
        client.ask("GET", "/2018-06-01/ping")
        assert client.silent()
        pid = os.getpid()
        assert client.answer().body == b"pong"
