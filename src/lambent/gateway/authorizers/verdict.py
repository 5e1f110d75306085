"""What an authorizer says of a request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from lambent.gateway.callers import Caller


class Verdict(msgspec.Struct, frozen=True, eq=False):
    """Whether a request may go on, and what functions and logs are told of its caller.

    Refused, it is answered with `status` (401, 403 or 500), `{"message": message}` and `headers` besides.
    """

    allowed: bool
    status: int = 200
    message: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    context: dict[str, Any] | None = None
    """requestContext.authorizer of payload 2.0: `{"jwt": {"claims": …, "scopes": …}}`, `{"lambda": …}`, `{"iam": …}`.
    Not to be changed: it is shared between requests."""
    context_v1: dict[str, Any] | None = None
    """requestContext.authorizer of payload 1.0 and of WebSocket APIs: `{"claims": …, "scopes": …}`, or what a function
    says, flat, with principalId. Not to be changed. WebSocket APIs add `integrationLatency`, from `latency_ms`."""
    principal_id: str = ""
    """Who a Lambda authorizer says it is."""
    caller: Caller | None = None
    """Who has signed the request (AWS_IAM): requestContext.identity of payload 1.0, `$context.identity.*`."""
    variables: dict[str, str] = {}
    """`$context.authorizer.<name>` for parameter mapping and access logs: `claims.sub`, `principalId`, what a function
    says."""
    error: str = ""
    """`$context.authorizer.error`: why not, for access logs."""
    latency_ms: int = 0
    """Milliseconds that a function took; 0 for a verdict that was kept."""
    function_status: int = 0
    """`$context.authorizer.status`: 200 for a function that has run; 0 where none was called."""


OPEN: Final = Verdict(allowed=True)
"""Of routes that everybody may call."""


def unauthorized(error: str, headers: tuple[tuple[str, str], ...] = ()) -> Verdict:
    """401: nobody that is known."""
    return Verdict(allowed=False, status=401, message="Unauthorized", headers=headers, error=error)


def forbidden(error: str, headers: tuple[tuple[str, str], ...] = ()) -> Verdict:
    """403: somebody who may not."""
    return Verdict(allowed=False, status=403, message="Forbidden", headers=headers, error=error)


def broken(error: str) -> Verdict:
    """500: nobody can tell, as the authorizer does not work."""
    return Verdict(allowed=False, status=500, message="Internal Server Error", error=error)
