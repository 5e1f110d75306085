"""The answer of a function URL in mode RESPONSE_STREAM: the client gets what the function writes as it writes it.

A function that wants to say status and headers begins with a prelude: a JSON object, eight NUL bytes, then the body
(content type application/vnd.awslambda.http-integration-response: "Response streaming for Lambda functions", and
`HttpResponseStream` of Lambda's Node.js client). A function that does not stream is answered for with its result, as
it is.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

import msgspec

from lambent.gateway.answers import JSON, status_and_headers
from lambent.gateway.errors import BadAnswer

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.execution.invocation import Invocation
    from lambent.http import Request, ResponseStream

_WITH_PRELUDE: Final = "application/vnd.awslambda.http-integration-response"
_END_OF_PRELUDE: Final = b"\0" * 8
_MAX_PRELUDE: Final = 65_536

_log = logging.getLogger(__name__)


class UrlStream:
    """The sink of one invocation, see `lambent.execution.invocation.ResponseSink`; `more` are headers to add."""

    __slots__ = ("_broken", "_more", "_prelude", "_request", "_request_id", "_stream")

    def __init__(self, request: Request, request_id: str, more: list[tuple[str, str]]) -> None:
        self._request = request
        self._request_id = request_id
        self._more = more
        self._prelude: bytes | None = None
        self._stream: ResponseStream | None = None
        self._broken = False

    # ------------------------------------------------------------ while the function runs

    def begin(self, content_type: str) -> None:
        """The function has begun to answer."""
        if content_type.partition(";")[0].strip().lower() == _WITH_PRELUDE:
            self._prelude = b""
        else:
            self._open(200, [("Content-Type", content_type or "application/octet-stream")])

    def write(self, chunk: bytes) -> None:
        """A piece of the answer, or of its prelude."""
        if self._broken:
            return
        if self._prelude is not None:
            self._prelude += chunk
            document, end, body = self._prelude.partition(_END_OF_PRELUDE)
            if not end:
                if len(self._prelude) > _MAX_PRELUDE:
                    self._fail("its prelude does not end")
                return
            self._prelude = None
            self._begin_with(document)
            chunk = body
        if chunk and self._stream is not None:
            self._stream.write(chunk)

    @property
    def saturated(self) -> bool:
        """Whether the client takes less than the function writes."""
        return self._stream is not None and self._stream.saturated

    def when_drained(self, resume: Callable[[], None]) -> None:
        """Call `resume` when the client can take more, or has left."""
        if self._stream is not None:
            self._stream.when_drained(resume)
        else:
            resume()

    def _begin_with(self, document: bytes) -> None:
        try:
            prelude = msgspec.json.decode(document)
            if not isinstance(prelude, dict):
                raise BadAnswer("its prelude is no object")
            status, headers = status_and_headers(prelude, "application/octet-stream")
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            self._fail(f"its prelude is not JSON: {error}")
        except BadAnswer as error:
            self._fail(str(error))
        else:
            self._open(status, headers)

    def _open(self, status: int, headers: list[tuple[str, str]]) -> None:
        self._stream = self._request.stream(
            status, [*headers, *self._more, ("x-amzn-RequestId", self._request_id)]
        )

    def _fail(self, reason: str) -> None:
        _log.warning("the answer of a function URL cannot be sent: %s", reason)
        self._broken = True
        self._bad_gateway()

    def _bad_gateway(self) -> None:
        headers = [("Content-Type", JSON), ("x-amzn-RequestId", self._request_id)]
        self._request.respond(502, headers, b"Internal Server Error")

    # ------------------------------------------------------------ the end

    def answered(self, invocation: Invocation) -> None:
        """The function has ended. What fails after the first piece cuts the answer."""
        if self._broken:
            return
        failed = invocation.failure is not None or invocation.function_error
        if self._stream is None:
            if failed or self._prelude is not None:
                self._bad_gateway()
                return
            self._open(200, [("Content-Type", JSON)])
        stream = self._stream
        assert stream is not None
        if failed:
            stream.abort()
            return
        stream.write(invocation.result)
        stream.close()
