"""Answers of the Runtime API, encoded once."""

from __future__ import annotations

from typing import Final

import msgspec

from lambent.execution.process import MAX_RESULT

_encode = msgspec.json.encode

_PHRASES: Final = {
    200: b"OK",
    202: b"Accepted",
    400: b"Bad Request",
    403: b"Forbidden",
    404: b"Not Found",
    405: b"Method Not Allowed",
    413: b"Request Entity Too Large",
    431: b"Request Header Fields Too Large",
}


def answer(status: int, body: bytes, content_type: bytes = b"application/json") -> bytes:
    """A whole answer."""
    return b"HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s" % (
        status,
        _PHRASES[status],
        content_type,
        len(body),
        body,
    )


def refusal(status: int, error_type: str, message: str) -> bytes:
    """An answer with the API's error document."""
    return answer(status, _encode({"errorMessage": message, "errorType": error_type}) + b"\n")


ACCEPTED: Final = answer(202, b'{"status":"OK"}\n')
PONG: Final = answer(200, b"pong", b"text/plain; charset=utf-8")
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
INVALID_REQUEST_ID: Final = refusal(400, "InvalidRequestID", "Invalid request ID")
INVALID_RESPONSE_MODE: Final = refusal(400, "InvalidFunctionResponseMode", "Invalid function response mode")
TOO_LARGE: Final = refusal(
    413, "RequestEntityTooLarge", f"Exceeded maximum allowed payload size ({MAX_RESULT} bytes)."
)
NOT_HTTP: Final = answer(400, b"400 Bad Request", b"text/plain; charset=utf-8")
HEADERS_TOO_LARGE: Final = answer(431, b"431 Request Header Fields Too Large", b"text/plain; charset=utf-8")
NOT_FOUND: Final = answer(404, b"404 page not found\n", b"text/plain; charset=utf-8")
NOT_ALLOWED: Final = b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n"
NO_EXTENSIONS: Final = refusal(
    404,
    "ExtensionsNotSupported",
    "Extensions, and the Logs and Telemetry APIs that serve them, do not exist here",
)


def wrong_state(now: str, wanted: str, reason: str = "State transition is not allowed") -> bytes:
    """For a request that the runtime may not make now."""
    message = f"State transition from {now} to {wanted} failed for runtime. Error: {reason}"
    return refusal(403, "InvalidStateTransition", message)
