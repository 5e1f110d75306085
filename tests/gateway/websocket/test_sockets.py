"""Frames: what is joined, answered and refused, by clients that send them by hand."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from websockets.exceptions import ConnectionClosed

from lambent.http import HttpServer

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.gateway.websocket.conftest import RawClient, Served

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


def echo(event: dict[str, Any]) -> dict[str, Any]:
    return {"statusCode": 200, "body": event.get("body")}


async def echoing(served: Served) -> str:
    return await served.api({"$default": echo}, answering=("$default",))


def test_messages_in_several_frames_are_joined(serve: Callable[..., Any]) -> None:
    async def work(served: Served) -> None:
        client = await served.raw(await echoing(served))
        client.send(TEXT, "Grüße".encode()[:3], fin=False)
        client.send(PING, b"between")
        client.send(CONT, "Grüße".encode()[3:], fin=False)
        client.send(CONT, b"", fin=True)
        assert await client.frame() == (PONG, True, b"between")
        assert await client.frame() == (TEXT, True, "Grüße".encode())

    serve(work)


def test_empty_frames_without_end_take_no_memory(serve: Callable[..., Any]) -> None:
    async def work(served: Served) -> None:
        client = await served.raw(await echoing(served))
        (held,) = served.apis.clients._clients.values()
        client.send(TEXT, b"a", fin=False)
        client.writer.write(client.framed(CONT, b"", fin=False) * 20_000)
        client.send(PING, b"")
        assert await client.frame() == (PONG, True, b"")
        assert held.socket._frames._parts == [b"a"]
        client.send(CONT, b"b", fin=True)
        assert await client.frame() == (TEXT, True, b"ab")

    serve(work)


def test_frames_that_come_byte_by_byte_are_read(serve: Callable[..., Any]) -> None:
    async def work(served: Served) -> None:
        client = await served.raw(await echoing(served))
        for byte in b"\x81\xfe\x00\xc8" + b"\0\0\0\0" + b"x" * 200:
            client.writer.write(bytes([byte]))
            await asyncio.sleep(0)
        assert await client.frame() == (TEXT, True, b"x" * 200)

    serve(work)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 32_768])
def test_frames_up_to_32_kb_are_taken(serve: Callable[..., Any], size: int) -> None:
    async def work(served: Served) -> None:
        got: list[str] = []
        api_id = await served.api({"$default": lambda event: got.append(event["body"])})
        client = await served.raw(api_id)
        client.send(TEXT, b"a" * size)
        await served.functions.wait(1)
        await asyncio.sleep(0)
        assert got == ["a" * size]

    serve(work)


def test_messages_up_to_128_kb_are_taken_and_sent_in_frames_of_32_kb(serve: Callable[..., Any]) -> None:
    async def work(served: Served) -> None:
        client = await served.raw(await echoing(served))
        for number in range(4):
            client.send(TEXT if number == 0 else CONT, b"a" * 32_768, fin=number == 3)
        frames = [await client.frame() for _ in range(4)]
        assert [(opcode, fin) for opcode, fin, _ in frames] == [
            (TEXT, False),
            (CONT, False),
            (CONT, False),
            (CONT, True),
        ]
        assert b"".join(payload for _, _, payload in frames) == b"a" * 131_072

    serve(work)


def too_large_a_frame(client: RawClient) -> None:
    client.send(TEXT, b"a" * 32_769)


def too_large_a_message(client: RawClient) -> None:
    for number in range(5):
        client.send(TEXT if number == 0 else CONT, b"a" * (32_768 if number < 4 else 1), fin=number == 4)


def a_frame_of_an_exabyte(client: RawClient) -> None:
    client.writer.write(b"\x81\xff" + (1 << 60).to_bytes(8, "big") + b"\0\0\0\0")


def binary(client: RawClient) -> None:
    client.send(BINARY, b"\x00\x01")


def the_beginning_of_a_binary_message(client: RawClient) -> None:
    client.send(BINARY, b"\x00", fin=False)


def broken_text(client: RawClient) -> None:
    client.send(TEXT, b"\xff\xfe")


def text_that_ends_within_a_letter(client: RawClient) -> None:
    client.send(TEXT, "ü".encode()[:1], fin=False)
    client.send(CONT, b"", fin=True)


def no_mask(client: RawClient) -> None:
    client.send(TEXT, b"a", mask=False)


def reserved_bits(client: RawClient) -> None:
    client.send(TEXT, b"a", bits=0x40)


def an_unknown_opcode(client: RawClient) -> None:
    client.send(3, b"a")


def a_continuation_of_nothing(client: RawClient) -> None:
    client.send(CONT, b"a")


def a_message_within_another(client: RawClient) -> None:
    client.send(TEXT, b"a", fin=False)
    client.send(TEXT, b"b")


def a_ping_in_pieces(client: RawClient) -> None:
    client.send(PING, b"a", fin=False)


def a_long_ping(client: RawClient) -> None:
    client.send(PING, b"a" * 126)


def a_close_code_of_one_byte(client: RawClient) -> None:
    client.send(CLOSE, b"\x03")


def a_close_code_that_nobody_may_send(client: RawClient) -> None:
    client.send(CLOSE, (1005).to_bytes(2, "big"))


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (too_large_a_frame, 1009),
        (too_large_a_message, 1009),
        (a_frame_of_an_exabyte, 1009),
        (binary, 1003),
        (the_beginning_of_a_binary_message, 1003),
        (broken_text, 1007),
        (text_that_ends_within_a_letter, 1007),
        (no_mask, 1002),
        (reserved_bits, 1002),
        (an_unknown_opcode, 1002),
        (a_continuation_of_nothing, 1002),
        (a_message_within_another, 1002),
        (a_ping_in_pieces, 1002),
        (a_long_ping, 1002),
        (a_close_code_of_one_byte, 1002),
        (a_close_code_that_nobody_may_send, 1002),
    ],
)
def test_what_is_wrong_closes_the_connection(
    serve: Callable[..., Any], wrong: Callable[[RawClient], None], code: int
) -> None:
    async def work(served: Served) -> None:
        api_id = await served.api({"$default": echo, "$disconnect": echo}, answering=("$default",))
        client = await served.raw(api_id)
        client.send(TEXT, b"before")
        assert await client.frame() == (TEXT, True, b"before")
        wrong(client)
        client.send(TEXT, b"behind")
        assert (await client.closed())[0] == code
        client.writer.close()
        _, end = await served.functions.wait(2)
        assert end["requestContext"]["disconnectStatusCode"] == code
        assert len(served.functions.events) == 2

    serve(work)


@pytest.mark.parametrize(
    ("payload", "code", "reason"),
    [
        ((1000).to_bytes(2, "big") + b"done", 1000, "done"),
        ((4000).to_bytes(2, "big"), 4000, ""),
        (b"", 1005, "Client-side close frame status not set"),
    ],
)
def test_a_goodbye_is_answered_and_told(
    serve: Callable[..., Any], payload: bytes, code: int, reason: str
) -> None:
    async def work(served: Served) -> None:
        client = await served.raw(await served.api({"$disconnect": echo}))
        client.send(CLOSE, payload)
        assert await client.frame() == (CLOSE, True, payload)
        assert await client.reader.read() == b""
        (event,) = await served.functions.wait(1)
        assert event["requestContext"]["disconnectStatusCode"] == code
        assert event["requestContext"]["disconnectReason"] == reason

    serve(work)


def test_connections_over_tls(serve: Callable[..., Any], tmp_path: Path) -> None:
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    subprocess.run(
        f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=localhost"
        f" -addext subjectAltName=DNS:localhost -days 1 -keyout {key} -out {certificate}".split(),
        check=True,
        capture_output=True,
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    trusting = ssl.create_default_context(cafile=str(certificate))

    async def work(served: Served) -> None:
        api_id = await served.api({"$connect": echo, "$default": echo, "$disconnect": echo})
        server = HttpServer(served.server.handler)
        await server.start("127.0.0.1", 0, ssl=context)
        served.functions.servers.append(server)
        url = f"wss://localhost:{server.address[1]}/_aws/execute-api/{api_id}/dev"
        async with served.connect_to(url, ssl=trusting, host="127.0.0.1") as client:
            await (await client.ping())
            (connected,) = served.functions.events
            await client.close(4000, "over")
            assert client.close_code == 4000
        async with served.connect_to(url, ssl=trusting, host="127.0.0.1") as client:
            await client.send(b"binary")
            with pytest.raises(ConnectionClosed):
                await client.recv()
            assert client.close_code == 1003
        assert connected["headers"]["X-Forwarded-Proto"] == "https"
        events = await served.functions.wait(4)
        codes = [event["requestContext"].get("disconnectStatusCode") for event in events]
        assert codes == [None, 4000, None, 1003]

    serve(work)


def test_a_client_that_vanishes_is_told(serve: Callable[..., Any]) -> None:
    async def work(served: Served) -> None:
        client = await served.raw(await served.api({"$disconnect": echo}))
        client.writer.transport.abort()
        (event,) = await served.functions.wait(1)
        assert event["requestContext"]["disconnectStatusCode"] == 1006

    serve(work)


def test_a_client_that_ends_its_side_without_a_word_is_told(serve: Callable[..., Any]) -> None:
    async def work(served: Served) -> None:
        client = await served.raw(await served.api({"$disconnect": echo}))
        client.writer.write_eof()
        assert await client.reader.read() == b""
        (event,) = await served.functions.wait(1)
        assert event["requestContext"]["disconnectStatusCode"] == 1006

    serve(work)


def test_a_client_that_does_not_answer_a_goodbye_is_cut_off(serve: Callable[..., Any]) -> None:
    async def work(served: Served) -> None:
        api_id = await served.api({"$disconnect": echo})
        client = await served.raw(api_id)
        served.apis.clients.close_all()
        assert await client.frame() == (CLOSE, True, (1001).to_bytes(2, "big") + b"Going away")
        with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
            await client.frame()
        assert len(await served.functions.wait(1)) == 1

    serve(work, closing_s=0.05)
