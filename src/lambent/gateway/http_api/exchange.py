"""One request to an HTTP API and all that is known of it: what integrations, parameter mapping and logs read."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from lambent.gateway.http_api.deadlines import Expiring
from lambent.http.request import encode_headers
from lambent.http.status import STATUS_LINES

if TYPE_CHECKING:
    from lambent.gateway.authorizers import Verdict
    from lambent.gateway.call import Call
    from lambent.gateway.http_api.stages import ServedRoute, ServedStage


class Exchange(Expiring):
    """A request and its one answer; a second one is dropped.

    `path` is decoded and without the stage, `raw_path` decoded as functions get it (the stage before it, unless that
    is `$default`), `mapping_path` as payload 1.0 has it (with the API mapping's key in place of the stage).
    """

    __slots__ = (
        "backend_status",
        "call",
        "cors",
        "error",
        "integration_error",
        "integration_latency_ms",
        "integration_request_id",
        "integration_status",
        "mapping_key",
        "mapping_path",
        "parameters",
        "path",
        "raw_path",
        "response_length",
        "response_status",
        "route",
        "stage",
        "started",
        "verdict",
    )

    route: ServedRoute

    def __init__(self, call: Call, stage: ServedStage, path: str, raw_path: str, mapping_path: str) -> None:
        self.call = call
        self.stage = stage
        self.path = path
        self.raw_path = raw_path
        self.mapping_path = mapping_path
        self.parameters: dict[str, str] = {}
        self.verdict: Verdict | None = None
        self.cors: list[tuple[str, str]] | None = None
        """Headers that are added to the answer, in place of what the integration says of CORS; None without CORS."""
        self.error = ""
        """`$context.error.message`: what the answer says went wrong."""
        self.integration_error = ""
        """`$context.integrationErrorMessage`: why the integration has not answered."""
        self.integration_status: int | None = None
        """What the integration's service has answered; of a function that has run 200."""
        self.backend_status: int | None = None
        """What the function, or the other server, says in its answer."""
        self.mapping_key: str | None = None
        """The API mapping's key, where a custom domain name leads here."""
        self.response_status: int | None = None
        self.response_length = 0
        self.integration_latency_ms: int | None = None
        self.integration_request_id = ""
        self.started = 0.0
        """When the integration was called (time.monotonic)."""

    @property
    def matched(self) -> bool:
        """Whether a route was found."""
        return hasattr(self, "route")

    def answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """Give the answer."""
        if self.call.answered:
            return
        if self.cors is not None:
            headers = [one for one in headers if not one[0].lower().startswith("access-control-")]
            headers += self.cors
        try:
            head = STATUS_LINES[status] + encode_headers(headers)
        except ValueError as error:
            status, body, self.error = 500, b'{"message":"Internal Server Error"}', "Internal Server Error"
            self.integration_error = str(error)
            head = STATUS_LINES[status] + b"Content-Type: application/json\r\n"
        self.response_status = status
        self.response_length = len(body)
        self.call.send(head, body, status)
        log = self.stage.access_log
        if log is not None:
            log.write(self)

    def fail(
        self, status: int, message: str, reason: str = "", headers: tuple[tuple[str, str], ...] = ()
    ) -> None:
        """Answer as API Gateway does when it cannot: `{"message": …}`. `reason` is for the access log."""
        self.error = message
        if reason:
            self.integration_error = reason
        body = b'{"message":"%s"}' % message.encode()
        self.answer(status, [("Content-Type", "application/json"), *headers], body)

    # ------------------------------------------------------------ told by integrations

    def begin(self) -> None:
        """The integration is called now: from here its time counts."""
        self.started = time.monotonic()
        self.route.deadlines.add(self)

    def end(self) -> bool:
        """The integration has come to an end. False when it was too late: nobody waits any more."""
        if not self.route.deadlines.remove(self):
            return False
        self.integration_latency_ms = int((time.monotonic() - self.started) * 1000)
        return True

    def break_off(self, status: int, message: str, reason: str) -> None:
        """The integration could not be called, or gave no answer."""
        if self.end():
            self.fail(status, message, reason)

    def integrated(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        """What the integration answers, or what is left of it after the route's mapping."""
        self.backend_status = status
        respond = self.route.respond
        if respond is not None:
            status, headers = respond(self, status, headers, body)
        self.answer(status, headers, body)

    def expired(self) -> None:
        """The integration took too long: its answer will be dropped.

        503, captured in cortexlabs/cortex#1225 and told in serverless/serverless#11222.
        """
        self.integration_latency_ms = int((time.monotonic() - self.started) * 1000)
        self.fail(503, "Service Unavailable", "The integration took longer than its time limit")
