"""What is wrong with the head of a request that the parser lets through.

Whoever stands before or behind this server must not see another request than it does, so whatever RFC 9112 leaves open
to a second reading is refused: framing, Host and target each have one meaning or none.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

_HOST: Final = re.compile(rb"(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")

_NOT_HTTP: Final = frozenset(
    (
        b"CONNECT PRI SOURCE DESCRIBE ANNOUNCE SETUP PLAY PAUSE TEARDOWN"
        b" GET_PARAMETER SET_PARAMETER REDIRECT RECORD FLUSH"
    ).split()
)
"""Methods that the parser knows and this server does not: of proxies, HTTP/2, Icecast and RTSP."""


def is_host(value: bytes) -> bool:
    """Whether a Host header is a name or an address, with or without a port."""
    return _HOST.fullmatch(value) is not None


def fault_of(
    method: bytes, target: bytes, version: str, headers: Iterable[tuple[bytes, bytes]]
) -> tuple[int, str] | None:
    """Status and message with which to refuse a head, its names in lower case; None when nothing is wrong.

    RFC 9112: 3.2 (Host, forms of the target), 6.1 (Transfer-Encoding); RFC 9110: 15.6.6 (505).
    """
    if version not in ("1.1", "1.0"):
        return 505, "HTTP Version Not Supported"
    if method in _NOT_HTTP:
        return 400, "Bad Request: the method is not supported"
    if not target.startswith(b"/") and not (target == b"*" and method == b"OPTIONS"):
        return 400, "Bad Request: the target must be a path"
    hosts = [value for name, value in headers if name == b"host"]
    if len(hosts) > 1 or (not hosts and version == "1.1") or not all(map(is_host, hosts)):
        return 400, "Bad Request: one valid Host header is needed"
    codings = [value for name, value in headers if name == b"transfer-encoding"]
    if codings and (version == "1.0" or len(codings) > 1 or codings[0].lower() != b"chunked"):
        return 400, "Bad Request: the only Transfer-Encoding is chunked"
    return None
