"""Clients that leave before they are answered, and who is told so."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from lambent.http import Request

ONE = b"GET /one HTTP/1.1\r\nHost: x\r\n\r\n"
TWO = b"GET /two HTTP/1.1\r\nHost: x\r\n\r\n"


class Held:
    """Requests that are not answered yet, and the paths of those whose clients have left."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.left: list[bytes] = []

    def __call__(self, request: Request) -> None:
        self.requests.append(request)
        request.when_left(lambda: self.left.append(request.path))

    async def until(self, requests: int = 0, left: int = 0) -> None:
        while len(self.requests) < requests or len(self.left) < left:
            await asyncio.sleep(0)


@pytest.mark.parametrize("way", ["reset", "eof"])
def test_the_one_that_is_handled_is_told(run: Any, serve: Any, connect: Any, way: str) -> None:
    async def scenario() -> None:
        held = Held()
        async with serve(held) as server, connect(server) as client:
            client.writer.write(ONE)
            await held.until(requests=1)
            assert held.left == []
            client.reset() if way == "reset" else client.writer.write_eof()
            await held.until(left=1)
            assert held.left == [b"/one"]
            held.requests[0].respond(200, [], b"late")
            if way == "eof":
                assert (await client.response())[2] == b"late"

    run(scenario)


def test_an_answer_comes_before(run: Any, serve: Any, connect: Any) -> None:
    async def scenario() -> None:
        held = Held()
        async with serve(held) as server, connect(server) as client:
            client.writer.write(ONE)
            await held.until(requests=1)
            held.requests[0].respond(200, [], b"1")
            assert (await client.response())[2] == b"1"
            client.writer.write(TWO)
            await held.until(requests=2)
            client.reset()
            await held.until(left=1)
            assert held.left == [b"/two"]

    run(scenario)


def test_one_that_comes_to_its_turn_when_the_client_has_said_all(run: Any, serve: Any, connect: Any) -> None:
    async def scenario() -> None:
        held = Held()
        async with serve(held) as server, connect(server) as client:
            client.writer.write(ONE + TWO)
            client.writer.write_eof()
            await held.until(left=1)
            held.requests[0].respond(200, [], b"1")
            await held.until(requests=2, left=2)
            held.requests[1].respond(200, [], b"2")
            assert [(await client.response())[2] for _ in range(2)] == [b"1", b"2"]
            assert held.left == [b"/one", b"/two"]

    run(scenario)
