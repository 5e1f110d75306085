"""One request to a REST API and all that is known of it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from lambent.gateway.http_api.deadlines import Expiring
from lambent.gateway.rest_api.compression import compressed
from lambent.gateway.rest_api.refusals import ENDPOINT_TIMED_OUT, INTERNAL
from lambent.http.request import encode_headers
from lambent.http.status import STATUS_LINES

if TYPE_CHECKING:
    from lambent.gateway.callers import Caller
    from lambent.gateway.rest_api.call import RestCall
    from lambent.gateway.rest_api.records import ApiKey
    from lambent.gateway.rest_api.refusals import Refusal
    from lambent.gateway.rest_api.served import ServedMethod, ServedStage


class RestExchange(Expiring):
    """A request and its one answer; a second one is dropped.

    `path` is without the stage, `context_path` with it, or with what a domain name's mapping has in its place; all as
    they were sent. `event_path` is what events call the path: that without the stage, but with a mapping's base path
    (aws-powertools/powertools-lambda#34, apex/gateway#4: frameworks have options to take it away again).
    """

    __slots__ = (
        "api_key",
        "authorizer",
        "authorizer_error",
        "call",
        "caller",
        "context_path",
        "error",
        "event_path",
        "integration_latency_ms",
        "integration_request_id",
        "integration_status",
        "matched",
        "method",
        "parameters",
        "path",
        "reason",
        "refusal",
        "response_length",
        "response_status",
        "stage",
        "started",
        "usage_key",
    )

    method: ServedMethod

    def __init__(
        self, call: RestCall, stage: ServedStage, path: str, context_path: str, event_path: str
    ) -> None:
        self.call = call
        self.stage = stage
        self.path = path
        self.context_path = context_path
        self.event_path = event_path
        self.parameters: dict[str, str] = {}
        self.matched = False
        self.caller: Caller | None = None
        self.authorizer: dict[str, Any] | None = None
        """`requestContext.authorizer`."""
        self.usage_key: str | None = None
        """The API key that a Lambda authorizer names."""
        self.api_key: ApiKey | None = None
        self.error = ""
        """`$context.error.message`."""
        self.reason = ""
        """Why not, for access logs: `$context.integrationErrorMessage`."""
        self.refusal: Refusal | None = None
        self.authorizer_error = ""
        self.integration_status: int | None = None
        self.integration_latency_ms: int | None = None
        self.integration_request_id = ""
        self.response_status: int | None = None
        self.response_length = 0
        self.started = 0.0

    def answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """Give the answer."""
        if self.call.answered:
            return
        least = self.stage.api.minimum_compression_size
        if least is not None:
            headers, body = compressed(self.call, least, headers, body)
        try:
            head = STATUS_LINES[status] + encode_headers(headers)
        except (ValueError, KeyError) as error:
            self.reason = str(error)
            status, body = 500, b'{"message": "Internal server error"}'
            head = STATUS_LINES[status] + b"Content-Type: application/json\r\n"
        self.response_status = status
        self.response_length = len(body)
        self.call.send(head, body, status)
        if self.stage.access_log is not None:
            self.stage.access_log.write(self)

    def refuse(self, refusal: Refusal, reason: str = "") -> None:
        """Answer as the API's gateway responses say for a kind of error. `reason` is for the log."""
        if self.call.answered:
            return
        self.refusal = refusal
        self.error = refusal.message or ""
        self.reason = reason
        self.answer(*self.stage.refused(self, refusal))

    # ------------------------------------------------------------ told by integrations

    def begin(self) -> None:
        """The integration is called now: from here its time counts."""
        self.started = time.monotonic()
        self.method.deadlines.add(self)

    def end(self) -> bool:
        """The integration has come to an end. False when it was too late: nobody waits any more."""
        if not self.method.deadlines.remove(self):
            return False
        self.integration_latency_ms = int((time.monotonic() - self.started) * 1000)
        return True

    def break_off(self, refusal: Refusal, reason: str) -> None:
        """The integration could not be called, or gave no answer."""
        if self.end():
            self.refuse(refusal, reason)

    def failed(self, reason: str) -> None:
        """Something here has gone wrong."""
        self.method.deadlines.remove(self)
        self.refuse(INTERNAL, reason)

    def expired(self) -> None:
        """The integration took too long: its answer will be dropped."""
        self.integration_latency_ms = int((time.monotonic() - self.started) * 1000)
        self.refuse(ENDPOINT_TIMED_OUT, "The integration took longer than its time limit")
