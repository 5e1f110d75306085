"""Handlers that are generator functions answer piece by piece."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from lambent.execution.interpreters import Interpreters

if TYPE_CHECKING:
    from tests.runtime.conftest import Answer, Environment, Start

RUNTIMES = [interpreter.runtime for interpreter in Interpreters()]


def streamed(environment: Environment, event: Any = None) -> tuple[str | None, list[bytes], Answer]:
    """The content type (None when nothing was streamed), the pieces, and the frame that ended them."""
    answer = environment.invoke(event)
    content_type, pieces = None, []
    while answer.kind in (b"H", b"C"):
        if answer.kind == b"H":
            content_type = answer.body.decode()
        else:
            pieces.append(answer.body)
        answer = environment.receive()
    return content_type, pieces, answer


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_generators_stream_on_every_interpreter(start: Start, runtime: str) -> None:
    environment = start(
        "def handler(event, context):\n    yield b'a'\n    yield 'ü'\n    yield bytearray(b'c')\n",
        runtime=runtime,
    )
    for _ in range(2):
        content_type, pieces, last = streamed(environment)
        assert content_type == "application/octet-stream"
        assert pieces == [b"a", "ü".encode(), b"c"]
        assert (last.kind, last.body) == (b"O", b"")


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_asynchronous_generators_stream(start: Start, runtime: str) -> None:
    source = """
import asyncio
async def handler(event, context):
    try:
        for number in range(event):
            await asyncio.sleep(0)
            yield str(number)
    finally:
        print("closed")
"""
    environment = start(source, runtime=runtime)
    assert streamed(environment, 3)[1] == [b"0", b"1", b"2"]
    assert environment.printed(b"closed\n") == b"closed\n"
    assert streamed(environment, 1)[1] == [b"0"]


def test_first_dictionary_is_the_head_of_an_http_answer(start: Start) -> None:
    source = """
def handler(event, context):
    yield {"statusCode": 201, "headers": {"x-a": "b"}}
    yield "<p>"
"""
    content_type, pieces, _ = streamed(start(source))
    assert content_type == "application/vnd.awslambda.http-integration-response"
    head, rest = pieces[0][:-8], pieces[0][-8:]
    assert json.loads(head) == {"statusCode": 201, "headers": {"x-a": "b"}}
    assert rest == bytes(8)
    assert pieces[1:] == [b"<p>"]


@pytest.mark.parametrize(
    "source",
    [
        "class App:\n    def __call__(self, event, context):\n        yield b'x'\nhandler = App()\n",
        "class App:\n    def run(self, event, context):\n        yield b'x'\nhandler = App().run\n",
    ],
    ids=["callable object", "bound method"],
)
def test_other_handlers_that_are_generator_functions(start: Start, source: str) -> None:
    assert streamed(start(source))[1] == [b"x"]


def test_large_pieces_are_cut(start: Start) -> None:
    environment = start("def handler(event, context):\n    yield b'x' * 2_500_000\n")
    pieces = streamed(environment)[1]
    assert [len(piece) for piece in pieces] == [1_048_576, 1_048_576, 402_848]


def test_empty_stream(start: Start) -> None:
    content_type, pieces, last = streamed(start("def handler(event, context):\n    return\n    yield\n"))
    assert (content_type, pieces, last.kind) == ("application/octet-stream", [], b"O")


def test_error_before_the_first_piece_is_an_ordinary_error(start: Start) -> None:
    content_type, _, last = streamed(start("def handler(event, context):\n    yield 1 / 0\n"))
    assert content_type is None
    assert last.kind == b"E"
    assert last.value["errorType"] == "ZeroDivisionError"
    assert len(last.value["stackTrace"]) == 1
    assert "in handler" in last.value["stackTrace"][0]


def test_error_in_the_middle_ends_the_stream(start: Start) -> None:
    environment = start("def handler(event, context):\n    yield b'a'\n    raise KeyError('gone')\n")
    _, pieces, last = streamed(environment)
    assert pieces == [b"a"]
    assert last.value["errorType"] == "KeyError"
    assert streamed(environment)[1] == [b"a"]


@pytest.mark.parametrize("piece", ["1", "None", "['a']"])
def test_other_things_cannot_be_sent(start: Start, piece: str) -> None:
    environment = start(f"def handler(event, context):\n    yield b'a'\n    yield {piece}\n")
    last = streamed(environment)[2]
    assert last.value["errorType"] == "Runtime.MarshalError"
    assert "yields bytes or str" in last.value["errorMessage"]


def test_function_that_only_returns_a_generator_fails_as_in_aws(start: Start) -> None:
    content_type, _, last = streamed(start("def handler(event, context):\n    return (x for x in 'ab')\n"))
    assert content_type is None
    assert last.value["errorType"] == "Runtime.MarshalError"
