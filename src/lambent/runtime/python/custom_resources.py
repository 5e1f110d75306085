"""Answers of custom resources.

What answers a ResponseURL by `http.client.HTTPSConnection(host)`, as crhelper does, speaks TLS, to port 443 where it
takes the host's name alone. The platform's URLs are plain HTTP at its own port: connections to its host go there.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_PATH = "/_lambent/responses/"

_ports: dict[str, int] = {}


def hear(url: Any) -> None:
    """Look at the ResponseURL of an event."""
    if not isinstance(url, str) or not url.startswith("http:") or _PATH not in url:
        return
    from http.client import HTTPConnection, HTTPSConnection
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    first = not _ports
    _ports[parts.hostname or ""] = parts.port or 80
    if not first:
        return
    secured = HTTPSConnection.connect

    def connect(self: HTTPSConnection) -> None:
        port = _ports.get(self.host)
        if port is None or self.port not in (443, port):
            secured(self)
            return
        self.port = port
        HTTPConnection.connect(self)

    HTTPSConnection.connect = connect  # type: ignore[method-assign, assignment]
