"""HTTP integrations of WebSocket APIs: each message is a request to another server."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode, urlsplit

import msgspec

from lambent.gateway.integrations.origins import Origins
from lambent.gateway.websocket.parameters import mapped
from lambent.http.client import ExchangeFailed

if TYPE_CHECKING:
    from lambent.gateway.apis.records import Integration

MAX_ANSWER: Final = 131_072
"""Bytes of the longest answer that can be sent to a client as one message (128 KB)."""


class HttpCallFailed(Exception):
    """No answer. The text says why."""


class HttpCalls:
    """Calls other servers, over connections that are kept."""

    def __init__(self) -> None:
        self._origins = Origins()

    async def call(
        self, integration: Integration, uri: str, event: bytes, seconds: float
    ) -> tuple[int, bytes]:
        """Send a message; a handshake has no body. The status and the body of the answer. Raises HttpCallFailed."""
        told = msgspec.json.decode(event)
        headers, query = mapped(integration.request_parameters or {}, told)
        url = urlsplit(uri)
        if url.scheme not in ("http", "https") or not url.hostname:
            raise HttpCallFailed(f"{uri} is no URL")
        queries = [part for part in (url.query, urlencode(query)) if part]
        target = (url.path or "/") + ("?" + "&".join(queries) if queries else "")
        sent = [(name.encode("latin-1"), value.encode()) for name, value in headers]
        given = {name.lower() for name, _ in headers}
        if "host" not in given:
            sent.append((b"Host", url.netloc.rpartition("@")[2].encode("latin-1")))
        if "content-type" not in given:
            sent.append((b"Content-Type", b"application/json"))
        method = (integration.integration_method or "POST").upper()
        method = "POST" if method == "ANY" else method
        body = (told.get("body") or "").encode()
        port = url.port or (443 if url.scheme == "https" else 80)
        client = self._origins.client(url.scheme, url.hostname, port)
        try:
            async with asyncio.timeout(seconds):
                answer = await client.exchange(method.encode(), target.encode("latin-1"), sent, body)
                read = await answer.read(MAX_ANSWER)
        except TimeoutError:
            raise HttpCallFailed(f"{uri} took longer than {seconds:g} seconds") from None
        except (ExchangeFailed, UnicodeError) as error:
            raise HttpCallFailed(f"{uri}: {error}") from None
        if read is None:
            raise HttpCallFailed(f"{uri} answered more than {MAX_ANSWER} bytes")
        return answer.status, read

    def close(self) -> None:
        """Cut all connections."""
        self._origins.close()
