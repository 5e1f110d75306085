"""Calls of AWS services by the platform's own parts.

What sends them is given to these parts: wire formats are a floor above them.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec


class ServiceCall(NamedTuple):
    """What is asked of a service."""

    service: str
    """As botocore names it: `sqs`, `events`, `kinesis`, `stepfunctions`, `appconfig`."""
    operation: str
    """`SendMessage`."""
    parameters: dict[str, Any]
    """The operation's input, as botocore takes it."""
    region: str
    account: str
    role: str
    """The ARN of the role in whose name it is sent; empty for none."""


class ServiceAnswer(NamedTuple):
    """What a service has answered."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


_CODE: Final = re.compile(rb"<Code>([^<]*)</Code>")
_MESSAGE: Final = re.compile(rb"<Message>([^<]*)</Message>", re.IGNORECASE)


def error_of(answer: ServiceAnswer) -> tuple[str, str]:
    """Code and message of an error answer, in whichever protocol; empty where there are none."""
    code = {name.lower(): value for name, value in answer.headers}.get("x-amzn-errortype", "")
    message = ""
    if answer.body.lstrip()[:1] == b"{":
        try:
            document = msgspec.json.decode(answer.body, type=dict[str, Any])
        except msgspec.DecodeError:
            document = {}
        code = code or str(document.get("__type") or document.get("code") or "")
        message = str(document.get("message") or document.get("Message") or "")
    else:
        found, said = _CODE.search(answer.body), _MESSAGE.search(answer.body)
        code = code or (found[1].decode("utf-8", "replace") if found else "")
        message = said[1].decode("utf-8", "replace") if said else ""
    return code.partition(":")[0].rpartition("#")[2], message


class ServiceMissing(Exception):
    """Nothing here serves that; the message says what."""


CallService: TypeAlias = Callable[[ServiceCall], Awaitable[ServiceAnswer]]
"""Sends a request to a service of the platform, an error answer included. Raises ServiceMissing, ValueError for
parameters that are not the operation's.
"""


class ServiceFailure(Exception):
    """What a service has refused or failed at: its error's code (`ResourceNotFoundException`), message, HTTP status and
    request id.
    """

    def __init__(
        self, service: str, operation: str, code: str, message: str, status: int, request_id: str = ""
    ) -> None:
        super().__init__(f"{code}: {message}" if message else code)
        self.service = service
        self.operation = operation
        self.code = code
        self.message = message
        self.status = status
        self.request_id = request_id


AskService: TypeAlias = Callable[[ServiceCall], Awaitable[dict[str, Any]]]
"""Sends a request to a service of the platform and gives the members of its answer, as botocore parses them: blobs as
bytes, timestamps as datetimes. Raises ServiceFailure for an error answer, ServiceMissing, and ValueError for parameters
that are not the operation's.
"""
