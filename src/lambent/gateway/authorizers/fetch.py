"""Getting documents of identity providers: their configuration and keys."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import urljoin, urlsplit

from lambent.http.client import ExchangeFailed, HttpClient
from lambent.neighbours.call import Call
from lambent.neighbours.errors import NeighbourError

if TYPE_CHECKING:
    from urllib.parse import SplitResult

    from lambent.http.client import Answer
    from lambent.neighbours.neighbours import Neighbours

Fetch: TypeAlias = Callable[[str], Awaitable[bytes]]
"""The document at a URL. Raises FetchFailed."""

TIMEOUT_S: Final = 1.5
"""How long an identity provider may take ("Quotas for configuring and running an HTTP API")."""
MAX_DOCUMENT: Final = 150_000
"""Bytes of the largest key set (the same quotas)."""

_REDIRECTS: Final = 3
_MOVED: Final = frozenset({301, 302, 303, 307, 308})
# The neighbour that serves user pools may have to be started first.
_POOL_TIMEOUT_S: Final = 15.0
_USER_POOLS: Final = re.compile(r"cognito-idp\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?")


class FetchFailed(Exception):
    """A document cannot be had; the text says why."""


class Fetcher:
    """Gets documents by http and https; those of the platform's own user pools from the neighbour that has them.

    `timeout_s` bounds one document as a whole.
    """

    def __init__(self, neighbours: Neighbours | None = None, *, timeout_s: float = TIMEOUT_S) -> None:
        self._neighbours = neighbours
        self._timeout_s = timeout_s
        self._trust: ssl.SSLContext | None = None

    async def __call__(self, url: str) -> bytes:
        """The document at `url`, redirects followed, but never from https to http. Raises FetchFailed."""
        timeout_s = self._timeout_s
        try:
            pool = self._pool_of(url)
            if pool is not None:
                timeout_s = _POOL_TIMEOUT_S
            async with asyncio.timeout(timeout_s):
                return await (self._follow(url) if pool is None else self._from_pool(url, pool))
        except TimeoutError:
            raise FetchFailed(f"{url}: no answer within {timeout_s:g} seconds") from None
        except (ExchangeFailed, NeighbourError, ValueError) as error:
            raise FetchFailed(f"{url}: {error}") from None

    def _pool_of(self, url: str) -> str | None:
        """The region of the user pools that `url` leads to, if those are the platform's."""
        neighbours = self._neighbours
        found = _USER_POOLS.fullmatch(urlsplit(url).hostname or "")
        if neighbours is None or found is None or neighbours.is_real("cognito-idp"):
            return None
        return found[1] if neighbours.serves("cognito-idp", "cognito-idp") else None

    async def _from_pool(self, url: str, region: str) -> bytes:
        assert self._neighbours is not None
        parts = urlsplit(url)
        host = parts.netloc.encode("idna")
        answer = await self._neighbours.send(
            Call(
                service="cognito-idp",
                scope="cognito-idp",
                account="000000000000",
                region=region,
                access_key=None,
                method=b"GET",
                target=_target(parts),
                headers=[(b"accept", b"application/json")],
                body=b"",
                host=host,
            )
        )
        return await _document(url, answer)

    async def _follow(self, url: str) -> bytes:
        for _ in range(_REDIRECTS + 1):
            parts = urlsplit(url)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise FetchFailed(f"{url} is no URL of http or https")
            secure = parts.scheme == "https"
            # Names below localhost are this machine (RFC 6761), which not every resolver knows.
            own = not secure and parts.hostname.endswith(".localhost")
            client = HttpClient(
                host="127.0.0.1" if own else parts.hostname,
                port=parts.port or (443 if secure else 80),
                tls=self._tls() if secure else None,
            )
            try:
                host = parts.netloc.rpartition("@")[2].encode("ascii")
                answer = await client.exchange(
                    b"GET",
                    _target(parts),
                    [(b"Host", host), (b"Accept", b"application/json"), (b"User-Agent", b"lambent")],
                )
                where = answer.header(b"location") if answer.status in _MOVED else None
                if where is None:
                    return await _document(url, answer)
            finally:
                client.close()
            there = urljoin(url, where.decode("ascii"))
            if secure and not there.startswith("https:"):
                raise FetchFailed(f"{url} leads away from https, to {there}")
            url = there
        raise FetchFailed(f"{url}: too many redirects")

    def _tls(self) -> ssl.SSLContext:
        if self._trust is None:
            self._trust = ssl.create_default_context()
        return self._trust


async def _document(url: str, answer: Answer) -> bytes:
    if answer.status != 200:
        answer.close()
        raise FetchFailed(f"{url}: status {answer.status}")
    body = await answer.read(MAX_DOCUMENT)
    if body is None:
        raise FetchFailed(f"{url}: more than {MAX_DOCUMENT} bytes")
    return body


def _target(parts: SplitResult) -> bytes:
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if any(letter <= " " or letter > "~" for letter in target):
        raise FetchFailed(f"{target!r} is no path of a URL")
    return target.encode("ascii")
