"""What a call to AWS can end with.

AWSError                what the service answered: code, message, status, request_id
├── NotConfigured           no credentials or no region are to be had (status 0)
└── ConnectionFailed        there was no answer: refused, dropped, not trusted (status 0)
    └── TimedOut                it did not come in time
PayloadTooLarge         a ValueError: more than the service takes, found before sending
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping


class AWSError(Exception):
    """An AWS service's refusal.

    `code` is the one that boto3 shows (`ResourceNotFoundException`, `AWS.SimpleQueueService.NonExistentQueue`),
    `status` the answer's HTTP status, 0 when there was none, and `request_id` what AWS's support asks for.
    """

    def __init__(self, code: str, message: str, status: int = 0, request_id: str | None = None) -> None:
        told = f"{code}: {message}" if message else code
        super().__init__(f"{told} (request {request_id})" if request_id else told)
        self.code = code
        self.message = message
        self.status = status
        self.request_id = request_id

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.code, self.message, self.status, self.request_id)


class NotConfigured(AWSError):
    """Something is missing in the environment: credentials, a region."""


class ConnectionFailed(AWSError):
    """No answer came. `sent` tells whether the service may have seen the whole request."""

    sent = False


class TimedOut(ConnectionFailed):
    """No answer came in time."""


class PayloadTooLarge(ValueError):
    """More bytes than the service takes."""


def parsed(status: int, headers: Mapping[str, str], body: bytes) -> AWSError:
    """The error in an answer of a service that speaks JSON.

    The code is in the header `x-amzn-errortype` or in the members `__type` or `code`, with the name of its model
    before a `#` and a URL after a `:`. Services that spoke the Query protocol once (SQS) tell the code of those days
    in `x-amzn-query-error`. Source: Smithy's AWS JSON 1.0/1.1 and restJson1 protocols ("Operation error
    serialization") and the awsQueryCompatible trait; botocore.parsers.
    """
    try:
        document = msgspec.json.decode(body) if body else {}
    except (msgspec.DecodeError, UnicodeDecodeError):
        document = {"message": body[:1000].decode(errors="replace")}
    if not isinstance(document, dict):
        document = {}
    code = (
        headers.get("x-amzn-errortype")
        or document.get("__type")
        or document.get("code")
        or document.get("Code")
    )
    code = str(code or status).partition(":")[0].rpartition("#")[2]
    former, separator, _fault = (headers.get("x-amzn-query-error") or "").partition(";")
    if former and separator:
        code = former
    message = document.get("message") or document.get("Message") or document.get("errorMessage") or ""
    request_id = headers.get("x-amzn-requestid") or headers.get("x-amz-request-id")
    return AWSError(code, str(message), status, request_id)
