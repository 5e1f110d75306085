"""Headers that concern one connection only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from lambent.http.client import RawHeaders

HOP_BY_HOP: Final = frozenset(
    {
        b"connection",
        b"expect",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
"""Names in lower case."""


def end_to_end(headers: RawHeaders) -> RawHeaders:
    """`headers` without those that concern one connection only (RFC 9110, 7.6.1); names in lower case."""
    named = {
        option.strip().lower()
        for name, value in headers
        if name == b"connection"
        for option in value.split(b",")
    }
    return [header for header in headers if header[0] not in HOP_BY_HOP and header[0] not in named]
