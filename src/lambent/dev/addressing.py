"""Whether a request to the one port is for the app, or for the platform as a client of AWS asks it.

Clients of AWS sign their requests (the scope names the service), name an operation, or ask below paths of AWS's.
Everything else is somebody who uses the app.

Sources: "AWS Signature Version 4" of the IAM user guide for headers and queries of signed requests; the paths and
headers of unsigned ones are those that AWS's SDKs send with signing turned off.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from lambent.http import Request

_PATHS: Final = (b"/_lambent/", b"/_aws/", b"/2015-03-31/", b"/2021-11-15/response-streaming")
"""Of the platform itself, and of Invoke, which tools send unsigned too."""

_SCOPE: Final = re.compile(rb"(?:Credential=|credential=)[^/]*/\d{8}/[^/]*/([^/]+)/aws4")
_SIGNED_QUERY: Final = re.compile(rb"(?:^|&)(?:X-Amz-Algorithm|AWSAccessKeyId)=")
_QUERY_SCOPE: Final = re.compile(rb"X-Amz-Credential=[^&]*?%2F\d{8}%2F[^&]*?%2F([^&]+?)%2Faws4")
_CLIENTS: Final = (b"aws-cli/", b"Boto3/", b"Botocore/", b"aws-sdk-", b"APN/")
_BUCKET_HOST: Final = re.compile(
    rb"(?:.+\.)?s3(?:[.-].*)?\.(?:localhost|amazonaws\.com)(?::\d+)?", re.IGNORECASE
)
_OPERATION: Final = re.compile(
    rb"(?:^|&)Action=\w+.*&Version=\d{4}-\d\d-\d\d|(?:^|&)Version=\d{4}-.*&Action=\w+"
)

_SENDING: Final = frozenset({b"SendMessage", b"SendMessageBatch", b"PutEvents", b"PutRecord", b"PutRecords"})
"""Of SQS, EventBridge and Kinesis."""
_SENDING_ACTION: Final = re.compile(rb"(?:^|&)Action=(?:SendMessage|Publish)(?:Batch)?(?:&|$)")
"""Of SQS and SNS, by the query protocol."""


def is_for_platform(request: Request) -> bool:
    """Whether a request is one that a client of AWS sends to the platform. To be asked for those only whose host is no
    API's and no function URL's.
    """
    target = request.target
    if target.startswith(_PATHS):
        return True
    form = False
    for name, value in request.headers:
        if name == b"authorization":
            if value.startswith(b"AWS4-HMAC-SHA256"):
                scope = _SCOPE.search(value)
                # Routes with IAM authorization are asked for in the name of the gateway.
                return scope is None or scope[1] != b"execute-api" or b"@connections/" in target
            if value.startswith(b"AWS "):
                return True
        elif name in (b"x-amz-target", b"amz-sdk-invocation-id"):
            return True
        elif name == b"user-agent":
            if value.startswith(_CLIENTS):
                return True
        elif name == b"host":
            if b"s3" in value and _BUCKET_HOST.fullmatch(value):
                return True
        elif name == b"content-type":
            form = value.startswith(b"application/x-www-form-urlencoded")
    query = request.query
    if query and _SIGNED_QUERY.search(query):
        scope = _QUERY_SCOPE.search(query)
        return scope is None or scope[1] != b"execute-api"
    return form and _OPERATION.search(request.body[:4096]) is not None


def begins_invocations(request: Request) -> bool:
    """Whether a request for the platform calls a function, or sends what one will be called with: it has to wait for
    the code that is being loaded.
    """
    if request.method != b"POST":
        return False
    if b"/functions/" in request.target:
        return True
    for name, value in request.headers:
        if name == b"x-amz-target":
            return value.rpartition(b".")[2] in _SENDING
    return _SENDING_ACTION.search(request.body[:4096]) is not None
