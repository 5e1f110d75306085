"""One request on its way to a neighbour."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import AsyncIterable

    from lambent.http.client import RawHeaders


class Call(NamedTuple):
    """What is passed on, and what the platform knows of it."""

    service: str
    """botocore's name."""
    scope: str
    """The service's signing name."""
    account: str
    region: str
    access_key: str | None
    """None for an anonymous request, which stays one."""
    method: bytes
    target: bytes
    """With the bucket in the path where the client had it in the host name."""
    headers: RawHeaders
    """Names in lower case; those that concern only the client's connection may be among them."""
    body: bytes | AsyncIterable[bytes]
    host: bytes
    """What the client called the platform."""


_HOP_BY_HOP = frozenset(
    (
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
        b"expect",
    )
)


def end_to_end(headers: RawHeaders) -> RawHeaders:
    """`headers` without those that concern one connection only (RFC 9110, 7.6.1)."""
    named = {
        option.strip().lower()
        for name, value in headers
        if name == b"connection"
        for option in value.split(b",")
    }
    return [header for header in headers if header[0] not in _HOP_BY_HOP and header[0] not in named]
