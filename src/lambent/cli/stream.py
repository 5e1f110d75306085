"""Printing an answer as it comes: what `lambent invoke --stream` does."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_END_OF_HEAD: Final = bytes(8)
_LONGEST_HEAD: Final = 65_536


class HttpHead:
    """Splits what a function streams into the head of an HTTP answer, where there is one, and its body.

    Lambda's HTTP integration puts a JSON object and eight zero bytes before the body.
    """

    def __init__(self, body: Callable[[bytes], None], head: Callable[[bytes], None]) -> None:
        self._body = body
        self._head = head
        self._held: bytes | None = b""

    def write(self, chunk: bytes) -> None:
        """Take a piece: as soon as it is clear whether there is a head, pieces are handed on."""
        if self._held is None:
            self._body(chunk)
            return
        self._held += chunk
        head, separator, rest = self._held.partition(_END_OF_HEAD)
        if separator:
            self._held = None
            self._head(head)
            self._body(rest)
        elif (self._held and not self._held.startswith(b"{")) or len(self._held) > _LONGEST_HEAD:
            self.close()

    def close(self) -> None:
        """Nothing follows: what was held back is body."""
        held, self._held = self._held, None
        if held:
            self._body(held)


def receive(client: Any, request: dict[str, Any], take: Callable[[bytes], None]) -> dict[str, Any]:
    """Invoke with a streamed answer, each piece to `take`; the answer in the shape of Invoke's, less its Payload.

    A function error's document is in "ErrorDetails".
    """
    answer: dict[str, Any] = client.invoke_with_response_stream(**request)
    complete: dict[str, str] = {}
    with contextlib.closing(answer.pop("EventStream")) as events:
        for event in events:
            if "PayloadChunk" in event:
                take(event["PayloadChunk"]["Payload"])
            else:
                complete = event.get("InvokeComplete", {})
    if "ErrorCode" in complete:
        answer["FunctionError"] = complete["ErrorCode"]
        answer["ErrorDetails"] = complete.get("ErrorDetails", "")
    if "LogResult" in complete:
        answer["LogResult"] = complete["LogResult"]
    return answer
