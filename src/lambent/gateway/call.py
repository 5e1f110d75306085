"""One HTTP request on its way through the front door."""

from __future__ import annotations

import base64
import time
from typing import TYPE_CHECKING, Final

from lambent.http.hops import HOP_BY_HOP
from lambent.http.request import encode_headers
from lambent.http.status import STATUS_LINES
from lambent.invocation.request_id import random_hex

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.http import Request

MAX_BODY: Final = 10_485_760
"""Bytes of the largest request of an API (10 MB); the event that is made of it may have 6 MB."""


def extended_id() -> str:
    """An id as API Gateway makes them for requests and connections: 15 characters and "=", of 11 random bytes."""
    return base64.urlsafe_b64encode(bytes.fromhex(random_hex(22))).decode()


class Call:
    """A request, read for an API, and its one answer.

    `path` is what follows the address, as it was sent, and `raw_path` the same with the stage where that is part of it;
    `query` is what follows the question mark, as it was sent. `on_answer` is told the status and the length of the body
    when the answer has been given. `counts_nothing` is whether functions are told a Content-Length of 0: those of APIs
    are (captured: aws-lambda-go's apigw-v2-request-no-authorizer.json), those of URLs are not.
    """

    __slots__ = (
        "_counts_nothing",
        "_headers",
        "_source_ip",
        "cookies",
        "host",
        "method",
        "on_answer",
        "path",
        "query",
        "raw_path",
        "request",
        "request_id",
        "time_ms",
    )

    def __init__(
        self, request: Request, host: str, path: str, request_id: str, *, counts_nothing: bool = True
    ) -> None:
        self.request = request
        self._counts_nothing = counts_nothing
        self.host = host
        self.request_id = request_id
        self.method = request.method.decode("latin-1")
        self.path = self.raw_path = path
        self.query = request.query.decode("latin-1")
        self.time_ms = int(time.time() * 1000)
        self.cookies: list[str] = []
        self.on_answer: Callable[[int, int], None] | None = None
        self._headers: dict[str, str] | None = None
        self._source_ip: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        """The header fields as functions get them: names in lower case, repeated ones joined with commas.

        What is between two hops only is left out; what a gateway adds is added (X-Forwarded-*, X-Amzn-Trace-Id).
        Cookies are in `cookies` instead, one a member, once this has been read.
        """
        if self._headers is None:
            self._headers = self._read_headers()
        return self._headers

    def _read_headers(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for name, value in self.request.headers:
            if name in HOP_BY_HOP:
                continue
            text = text_of(value)
            if name == b"cookie":
                self.cookies += [one for one in map(str.strip, text.split(";")) if one]
                continue
            key = name.decode("latin-1")
            found[key] = f"{found[key]},{text}" if key in found else text
        if "content-length" not in found and (self.request.body or self._counts_nothing):
            found["content-length"] = str(len(self.request.body))
        found["host"] = self.host
        forwarded = found.get("x-forwarded-for")
        found["x-forwarded-for"] = f"{forwarded}, {self.source_ip}" if forwarded else self.source_ip
        secure = self.request.secure
        port = self.host.rpartition(":")[2]
        found["x-forwarded-port"] = port if port.isdigit() else "443" if secure else "80"
        found["x-forwarded-proto"] = "https" if secure else "http"
        if "x-amzn-trace-id" not in found:
            digits = random_hex(24)
            found["x-amzn-trace-id"] = f"Root=1-{self.time_ms // 1000:08x}-{digits}"
        return found

    @property
    def source_ip(self) -> str:
        """The address of the client."""
        if self._source_ip is None:
            self._source_ip = self.request.peer[0]
        return self._source_ip

    @property
    def user_agent(self) -> str:
        """The User-Agent header, or nothing."""
        return self.headers.get("user-agent", "")

    @property
    def protocol(self) -> str:
        """`HTTP/1.1`."""
        return f"HTTP/{self.request.connection.http_version}"

    @property
    def answered(self) -> bool:
        """Whether the answer has been given."""
        return self.request.answered

    def answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """Give the answer; the request's id is added. Raises ValueError for a header that cannot be sent."""
        head = STATUS_LINES[status] + encode_headers(headers)
        self.send(head, body, status)

    def send(self, head: bytes, body: bytes, status: int) -> None:
        """Give the answer with a head that is encoded: status line and headers, each ended by CRLF."""
        self.request.send(b"%sapigw-requestid: %s\r\n" % (head, self.request_id.encode()), body, status)
        if self.on_answer is not None:
            self.on_answer(status, len(body))

    def fail(self, status: int, message: str) -> None:
        """Answer as API Gateway does: `{"message": …}`."""
        body = b'{"message":"%s"}' % message.encode()
        self.send(STATUS_LINES[status] + b"Content-Type: application/json\r\n", body, status)


def text_of(value: bytes) -> str:
    """A header's value: UTF-8 where it is that, as most clients send it, and Latin-1 otherwise."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
