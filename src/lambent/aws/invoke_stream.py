"""The answer of InvokeWithResponseStream: events while the function runs, then how it ended.

An event stream of PayloadChunk events and one InvokeComplete. What goes wrong before the function begins is an
ordinary error answer; what goes wrong afterwards is told by InvokeComplete: ErrorCode is the type of the error,
ErrorDetails its document (as the Runtime API's error trailers say it).
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Final

import msgspec

from lambent.aws.eventstream import CONTENT_TYPE, encode_message, event_headers
from lambent.aws.lambda_.errors import not_run

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.aws.errors import ServiceError
    from lambent.execution.invocation import Invocation
    from lambent.http import Request, ResponseStream

_CHUNK: Final = event_headers("PayloadChunk", "application/octet-stream")
_COMPLETE: Final = event_headers("InvokeComplete", "application/json")
_LARGEST: Final = 1_048_576
"""Bytes of a chunk at most, where the platform cuts an answer that the function gave whole."""


class _ErrorDocument(msgspec.Struct):
    errorType: str = "Unhandled"  # noqa: N815  the wire's name


_decode_error: Final = msgspec.json.Decoder(_ErrorDocument).decode


class StreamedCall:
    """One request on its way. `refuse(request, request_id, error)` answers with an error.

    It is the sink of its invocation: see `lambent.execution.invocation.ResponseSink`.
    """

    __slots__ = ("_refuse", "_request", "_request_id", "_stream", "_trace", "_version")

    def __init__(
        self,
        request: Request,
        request_id: str,
        trace: str,
        version: str,
        refuse: Callable[[Request, str, ServiceError], None],
    ) -> None:
        self._request = request
        self._request_id = request_id
        self._trace = trace
        self._version = version
        self._refuse = refuse
        self._stream: ResponseStream | None = None

    # ------------------------------------------------------------ while the function runs

    def begin(self, content_type: str) -> None:
        """The head of the answer. Its content type is the event stream's, whatever the function's is."""
        self._open()

    def write(self, chunk: bytes) -> None:
        """One PayloadChunk."""
        self._open().write(encode_message(_CHUNK, chunk))

    @property
    def saturated(self) -> bool:
        """Whether the client takes less than the function writes."""
        return self._stream is not None and self._stream.saturated

    def when_drained(self, resume: Callable[[], None]) -> None:
        """Call `resume` when the client can take more, or has left."""
        self._open().when_drained(resume)

    def _open(self) -> ResponseStream:
        if self._stream is None:
            headers = [
                ("Content-Type", CONTENT_TYPE),
                ("X-Amz-Executed-Version", self._version),
                ("x-amzn-RequestId", self._request_id),
                ("X-Amzn-Trace-Id", self._trace),
            ]
            self._stream = self._request.stream(200, headers)
        return self._stream

    # ------------------------------------------------------------ the end

    def answer(self, invocation: Invocation) -> None:
        """Say how it ended."""
        complete: dict[str, str] = {}
        if invocation.failure is not None:
            error = not_run(invocation.failure)
            if self._stream is None:
                self._refuse(self._request, self._request_id, error)
                return
            complete = {"ErrorCode": error.code, "ErrorDetails": str(invocation.failure)}
        elif invocation.function_error:
            complete = {
                "ErrorCode": _error_type(invocation.result),
                "ErrorDetails": invocation.result.decode("utf-8", "replace"),
            }
        else:
            # What a function that does not stream has answered, or nothing.
            for start in range(0, len(invocation.result), _LARGEST):
                self.write(invocation.result[start : start + _LARGEST])
        if invocation.want_tail:
            complete["LogResult"] = base64.b64encode(invocation.log_tail).decode("ascii")
        stream = self._open()
        stream.write(encode_message(_COMPLETE, msgspec.json.encode(complete)))
        stream.close()


def _error_type(document: bytes) -> str:
    try:
        return _decode_error(document).errorType
    except (msgspec.DecodeError, UnicodeDecodeError):
        return "Unhandled"
