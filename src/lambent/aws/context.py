"""What a service method knows about the request it answers, besides the request's members."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

STACKS_SESSION: Final = "AWSCloudFormation"
"""The session in whose name stacks ask services."""


class RequestContext(msgspec.Struct, frozen=True, gc=False):
    """The caller, the place and the operation of one API request."""

    account: str
    """12 digits."""
    region: str
    partition: str
    """`aws`, `aws-cn`, `aws-us-gov`, …: the second field of every ARN of this region."""
    request_id: str
    """A UUID, also sent back as `x-amzn-RequestId`."""
    service: str
    """botocore's service name: `lambda`, `logs`."""
    operation: str
    """As the model spells it: `CreateFunction`."""
    access_key: str | None
    """The caller's access key id; None for an unsigned request."""
    endpoint_url: str
    """Where this platform answers, without a trailing slash: `http://127.0.0.1:4566`."""
    principal: str = ""
    """Who temporary credentials make the caller: `assumed-role/{role}/{session}`; empty for all others."""
    reached_at: str = ""
    """The platform's URL as the client knows it, by its Host header: `http://localhost:4566`."""
    trace: str = ""
    """The request's X-Amzn-Trace-Id; empty for none."""
    protocol: str = ""
    """That of the request: `json`, `query`, `rest-json`, …"""
    waits: bool = False
    """Whether one of an SDK's waiters asks: it asks again much later when the state is not yet what it waits for."""
    when_left: Callable[[Callable[[], None]], None] | None = None
    """Has something called when the client leaves before it is answered; None where nobody can tell."""

    @property
    def from_stacks(self) -> bool:
        """Whether it is CloudFormation that asks: it sets tags whose keys are reserved."""
        return self.principal.endswith(f"/{STACKS_SESSION}")


def partition_of(region: str) -> str:
    """The partition that `region` belongs to, by the prefix that AWS gives the regions of each."""
    if region.startswith("cn-"):
        return "aws-cn"
    if region.startswith("us-gov-"):
        return "aws-us-gov"
    if region.startswith("us-iso-"):
        return "aws-iso"
    if region.startswith("us-isob-"):
        return "aws-iso-b"
    if region.startswith("eusc-"):
        return "aws-eusc"
    return "aws"
