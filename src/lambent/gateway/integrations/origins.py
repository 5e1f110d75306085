"""Other servers: connections to them are kept and used again."""

from __future__ import annotations

import ssl
from typing import Final

from lambent.http.client import HttpClient

_KEPT: Final = 256


class Origins:
    """HTTP clients by origin; the one that was opened first goes when there are too many."""

    def __init__(self) -> None:
        self._clients: dict[tuple[str, str, int], HttpClient] = {}
        self._tls: ssl.SSLContext | None = None

    def client(self, scheme: str, host: str, port: int) -> HttpClient:
        """The client for an origin; `scheme` is `http` or `https`."""
        key = (scheme, host, port)
        client = self._clients.get(key)
        if client is None:
            if len(self._clients) >= _KEPT:
                self._clients.pop(next(iter(self._clients))).close()
            if scheme == "https" and self._tls is None:
                self._tls = ssl.create_default_context()
            tls = self._tls if scheme == "https" else None
            client = self._clients[key] = HttpClient(host=host, port=port, tls=tls)
        return client

    def close(self) -> None:
        """Cut all connections."""
        for client in self._clients.values():
            client.close()
        self._clients.clear()
