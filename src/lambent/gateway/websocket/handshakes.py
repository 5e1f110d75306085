"""The opening handshake: what is a WebSocket client's request, and the answers to it (RFC 6455, section 4)."""

from __future__ import annotations

import binascii
from base64 import b64decode
from typing import TYPE_CHECKING, Final

from lambent.http.dates import http_date

if TYPE_CHECKING:
    from lambent.http import Request

_HEAD: Final = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\nSec-WebSocket-Accept: "
)


def offered(request: Request) -> bool:
    """Whether a client wants to speak WebSocket."""
    return request.method == b"GET" and request.upgrade == b"websocket"


def flaw(request: Request) -> tuple[int, str] | None:
    """What is wrong with a handshake: the status to refuse it with, and why."""
    if request.header(b"sec-websocket-version") != b"13":
        return 426, "Upgrade Required"
    try:
        key = b64decode(request.header(b"sec-websocket-key") or b"", validate=True)
    except binascii.Error:
        key = b""
    return None if len(key) == 16 else (400, "Bad Request")


def accepting(request: Request, subprotocol: str | None) -> bytes:
    """The answer that switches protocols."""
    from websockets.utils import accept_key  # here, as in clients.py

    key = (request.header(b"sec-websocket-key") or b"").decode("latin-1")
    lines = [_HEAD, accept_key(key).encode(), b"\r\n"]
    if subprotocol is not None:
        lines += [b"Sec-WebSocket-Protocol: ", subprotocol.encode("latin-1"), b"\r\n"]
    return b"".join((*lines, http_date(), b"\r\n"))
