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
    source_ip: str = ""
    """The client's address; "" where nobody needs to know."""

    def header(self, name: bytes) -> bytes | None:
        """The first value of a header; `name` in lower case."""
        return next((value for key, value in self.headers if key == name), None)
