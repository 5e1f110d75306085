"""One request to a REST API, as the front door has read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lambent.gateway.call import Call, extended_id, text_of
from lambent.http.hops import HOP_BY_HOP
from lambent.invocation.request_id import new_request_id

if TYPE_CHECKING:
    from lambent.http import Request

_SPELLED: Final = {
    name.lower().encode(): name
    for name in (
        "Accept",
        "Accept-Charset",
        "Accept-Encoding",
        "Accept-Language",
        "Access-Control-Request-Headers",
        "Access-Control-Request-Method",
        "Authorization",
        "Cache-Control",
        "Content-Encoding",
        "Content-Type",
        "Cookie",
        "Host",
        "If-Match",
        "If-Modified-Since",
        "If-None-Match",
        "Origin",
        "Pragma",
        "Range",
        "Referer",
        "User-Agent",
        "X-Amz-Content-Sha256",
        "X-Amz-Date",
        "X-Amz-Security-Token",
        "X-Amzn-Trace-Id",
        "X-Forwarded-For",
        "X-Forwarded-Port",
        "X-Forwarded-Proto",
        "X-Requested-With",
    )
}
"""How functions get the names of headers. On AWS they get them as they were sent, which nearly all clients do so; here
the server has folded them by then."""

_OWN: Final = (b"x-amzn-trace-id", b"x-forwarded-for", b"x-forwarded-port", b"x-forwarded-proto")
_NOT_SHOWN: Final = HOP_BY_HOP | {b"content-length"} | set(_OWN)


class RestCall(Call):
    """A request with the two ids that REST APIs give it: `request_id`, a UUID, and `extended_id`.

    Both, and the trace id, are in the headers of the answer.
    """

    __slots__ = ("_spelled", "extended_id")

    def __init__(self, request: Request, host: str, path: str) -> None:
        super().__init__(request, host, path, new_request_id())
        self.extended_id = extended_id()
        self._spelled: dict[str, list[str]] | None = None

    @property
    def spelled(self) -> dict[str, list[str]]:
        """The header fields as functions get them: all values of each name."""
        if self._spelled is None:
            found: dict[str, list[str]] = {}
            for name, value in self.request.headers:
                if name not in _NOT_SHOWN:
                    spelled = _SPELLED.get(name) or name.decode("latin-1")
                    found.setdefault(spelled, []).append(text_of(value))
            found["Host"] = [self.host]
            for name in _OWN:
                found[_SPELLED[name]] = [self.headers[name.decode()]]
            self._spelled = found
        return self._spelled

    def header(self, name: str) -> str | None:
        """The last value of a header, by its name in any case."""
        wanted = name.lower().encode("latin-1", "replace")
        found = None
        for key, value in self.request.headers:
            if key == wanted:
                found = value
        return None if found is None else text_of(found)

    def send(self, head: bytes, body: bytes, status: int) -> None:
        """Give the answer with a head that is encoded: status line and headers, each ended by CRLF."""
        own = b"x-amzn-RequestId: %s\r\nx-amz-apigw-id: %s\r\nX-Amzn-Trace-Id: %s\r\n" % (
            self.request_id.encode(),
            self.extended_id.encode(),
            self.headers["x-amzn-trace-id"]
            .encode("latin-1", "replace")
            .replace(b"\r", b"")
            .replace(b"\n", b""),
        )
        self.request.send(head + own, body, status)
        if self.on_answer is not None:
            self.on_answer(status, len(body))
