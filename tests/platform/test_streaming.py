"""Answers that come piece by piece: InvokeWithResponseStream with boto3 and over bare HTTP."""

from __future__ import annotations

import base64
import contextlib
import json
import socket
from typing import TYPE_CHECKING, Any

import botocore.exceptions
import pytest

if TYPE_CHECKING:
    from tests.platform.conftest import Gate, Platform

STREAM = "def handler(event, context):\n    for piece in event:\n        yield piece\n"
LONG = """
def handler(event, context):
    for number in range(event["pieces"]):
        yield b"x" * 262144
"""
TELLING = """
import socket
def handler(event, context):
    told = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for number in range(event["pieces"]):
        told.sendto(str(number).encode(), ("127.0.0.1", event["port"]))
        yield b"x" * 262144
"""


def invoke(platform: Platform, name: str, event: Any, **options: Any) -> tuple[list[bytes], dict[str, Any]]:
    """The payload chunks and InvokeComplete."""
    client = platform.client("lambda")
    answer = client.invoke_with_response_stream(FunctionName=name, Payload=json.dumps(event), **options)
    assert answer["StatusCode"] == 200
    assert answer["ExecutedVersion"] == "$LATEST"
    assert answer["ResponseStreamContentType"] == "application/vnd.amazon.eventstream"
    with contextlib.closing(answer["EventStream"]) as stream:
        events = list(stream)
    *chunks, last = events
    return [chunk["PayloadChunk"]["Payload"] for chunk in chunks], last["InvokeComplete"]


def test_pieces_arrive_as_they_are_written(platform: Platform) -> None:
    function = platform.create(STREAM)
    chunks, complete = invoke(platform, function, ["a", "b", "ü"])
    assert chunks == [b"a", b"b", "ü".encode()]
    assert complete == {}


def test_first_piece_comes_before_the_function_ends(platform: Platform, gate: Gate) -> None:
    source = gate.source.replace("def handler", "def wait") + (
        "def handler(event, context):\n    yield 'first'\n    yield wait(event, context)\n"
    )
    function = platform.create(source)
    payload = json.dumps({"port": gate.port})
    answer = platform.client("lambda").invoke_with_response_stream(FunctionName=function, Payload=payload)
    with contextlib.closing(answer["EventStream"]) as stream:
        events = iter(stream)
        assert next(events)["PayloadChunk"]["Payload"] == b"first"
        gate.wait()
        gate.release("second")
        assert next(events)["PayloadChunk"]["Payload"] == b"second"
        assert next(events) == {"InvokeComplete": {}}


def test_function_that_does_not_stream_answers_in_one_piece(platform: Platform) -> None:
    function = platform.create("def handler(event, context):\n    return {'got': event}\n")
    assert invoke(platform, function, 1) == ([b'{"got": 1}'], {})


def test_invoke_collects_what_is_streamed(platform: Platform) -> None:
    function = platform.create(STREAM)
    answer = platform.client("lambda").invoke(FunctionName=function, Payload=b'["a", "b"]')
    assert "FunctionError" not in answer
    assert answer["Payload"].read() == b"ab"


def test_invoke_refuses_to_collect_too_much(platform: Platform) -> None:
    function = platform.create(LONG)
    client = platform.client("lambda")
    answer = client.invoke(FunctionName=function, Payload=b'{"pieces": 30}')
    assert answer["FunctionError"] == "Unhandled"
    assert json.loads(answer["Payload"].read()) == {
        "errorType": "Function.ResponseSizeTooLarge",
        "errorMessage": "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
    }
    assert client.invoke(FunctionName=function, Payload=b'{"pieces": 1}')["Payload"].read() == b"x" * 262144


def test_more_than_six_megabytes_stream(platform: Platform) -> None:
    function = platform.create(LONG, Timeout=30)
    chunks, complete = invoke(platform, function, {"pieces": 80})
    assert sum(map(len, chunks)) == 80 * 262144
    assert complete == {}


@pytest.mark.parametrize("before", ["", "    yield 'begun'\n"], ids=["at once", "mid-stream"])
def test_error_of_the_function(platform: Platform, before: str) -> None:
    source = f"def handler(event, context):\n{before}    raise KeyError('no')\n    yield\n"
    chunks, complete = invoke(platform, platform.create(source), None, LogType="Tail")
    assert chunks == ([b"begun"] if before else [])
    assert complete["ErrorCode"] == "KeyError"
    document = json.loads(complete["ErrorDetails"])
    assert (document["errorType"], document["errorMessage"]) == ("KeyError", "'no'")
    assert "END RequestId" in base64.b64decode(complete["LogResult"]).decode()


@pytest.mark.parametrize(
    ("ending", "error_type"),
    [("os._exit(3)", "Runtime.ExitError"), ("time.sleep(60)", "Sandbox.Timedout")],
    ids=["crash", "timeout"],
)
def test_stream_that_is_cut(platform: Platform, ending: str, error_type: str) -> None:
    source = f"import os, time\ndef handler(event, context):\n    yield 'begun'\n    {ending}\n"
    function = platform.create(source, Timeout=1)
    chunks, complete = invoke(platform, function, None)
    assert chunks == [b"begun"]
    assert complete["ErrorCode"] == error_type
    assert json.loads(complete["ErrorDetails"])["errorType"] == error_type


def test_client_that_does_not_read_holds_the_function_up(platform: Platform) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as told:
        told.bind(("127.0.0.1", 0))
        told.settimeout(1)
        function = platform.create(TELLING)
        with socket.create_connection(platform.address) as client:
            body = json.dumps({"pieces": 200, "port": told.getsockname()[1]}).encode()
            client.sendall(
                b"POST /2021-11-15/functions/%s/response-streaming-invocations HTTP/1.1\r\n"
                b"Host: localhost\r\nContent-Length: %d\r\n\r\n%s" % (function.encode(), len(body), body)
            )
            assert client.recv(10).startswith(b"HTTP/1.1")
            # 50 MB are not read: far fewer have been written when writing comes to a stand.
            written = 0
            with contextlib.suppress(TimeoutError):
                while True:
                    written = int(told.recv(10))
            assert written < 100
        # The client has left: the function runs to its end, for nobody.
        told.settimeout(30)
        while written < 199:
            written = int(told.recv(10))


def test_refusals_are_ordinary_answers(platform: Platform) -> None:
    client = platform.client("lambda")
    with pytest.raises(botocore.exceptions.ClientError) as missing:
        client.invoke_with_response_stream(FunctionName="nobody")
    assert missing.value.response["Error"]["Code"] == "ResourceNotFoundException"
    function = platform.create(STREAM)
    with pytest.raises(botocore.exceptions.ClientError) as event:
        client.invoke_with_response_stream(FunctionName=function, InvocationType="Event")
    assert event.value.response["Error"]["Code"] == "ValidationException"
    with pytest.raises(botocore.exceptions.ClientError) as broken:
        client.invoke_with_response_stream(FunctionName=function, Payload=b"{")
    assert broken.value.response["Error"]["Code"] == "InvalidRequestContentException"
    dry = client.invoke_with_response_stream(FunctionName=function, InvocationType="DryRun")
    dry["EventStream"].close()
    assert dry["StatusCode"] == 204
