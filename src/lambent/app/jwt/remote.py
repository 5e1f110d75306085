"""Key sets of issuers: fetched when first needed, kept for the life of the environment.

- A set is used for as long as its Cache-Control says (between a minute and a day; without one, `max_age`).
- When it is out of date and cannot be fetched anew, the old one is used for a day more. The next attempt is made after
  ten seconds at the earliest, so that an issuer that is down does not hold up every request for the timeout.
- A token with an unknown `kid` has the set fetched, as issuers change their keys; but once in `refetch_after` seconds
  at most, as anybody can make up such tokens.
- Addresses are https, except on the loopback interface, or files. Redirects are not followed. To https
  they go through HTTPS_PROXY, unless NO_PROXY says otherwise.

Times are the wall clock's: the monotonic one may stand still while an environment is frozen, and starts anew where a
snapshot is restored.
"""

from __future__ import annotations

import re
import time
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from lambent.app.jwt.errors import KeysUnavailable
from lambent.app.jwt.keys import KeySet, read_jwks

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.app.client.proxies import Proxy
    from lambent.app.jwt.keys import Key

_MOST = 512 * 1024
"""Bytes of a key set or discovery document."""

_LEAST_AGE, _MOST_AGE = 60.0, 86400.0
_STALE = 86400.0
_RETRY = 10.0

_URL = re.compile(r"(https?)://(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?(/[!-\"$-~]*)?")
_LOOPBACK = re.compile(r"localhost|127\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}|\[::1\]")
_MAX_AGE = re.compile(r"(?:^|[\s,])max-age=\"?([0-9]{1,10})")
_NOT_KEPT = re.compile(r"(?:^|[\s,])(?:no-store|no-cache)\b")


class Location(NamedTuple):
    """Where a document is. A file has only a path."""

    scheme: str
    host: str
    port: int | None
    path: str


def locate(url: str) -> Location:
    """The parts of an address. Raises ValueError for one that is not to be fetched."""
    if url.startswith("file:///"):
        from urllib.parse import unquote

        return Location("file", "", None, unquote(url[7:]))
    match = _URL.fullmatch(url)
    if match is None:
        raise ValueError(f"not an address of https or a file:///: {url!r}")
    if match[1] == "http" and not _LOOPBACK.fullmatch(match[2]):
        raise ValueError(
            f"keys are fetched by https, by http only from this machine (localhost, 127.0.0.1): {url}"
        )
    port = int(match[3]) if match[3] else None
    if port is not None and not 0 < port < 65536:
        raise ValueError(f"not a port: {port}")
    return Location(match[1], match[2], port, match[4] or "/")


class RemoteKeys:
    """The keys at `jwks_url`, or at the address that the issuer's discovery document names. Threads may share it."""

    def __init__(
        self,
        jwks_url: str | None,
        issuer: str | None = None,
        *,
        timeout: float = 3.0,
        max_age: float = 3600.0,
        refetch_after: float = 300.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Nothing is fetched yet. Raises ValueError for an address that is not to be fetched."""
        self._jwks_url = jwks_url
        self._issuer = issuer
        locate(jwks_url if jwks_url is not None else issuer or "")
        self._timeout = timeout
        self._max_age = max_age
        self._refetch_after = refetch_after
        self._clock = clock
        self._lock = Lock()
        self._keys: KeySet | None = None
        self._fetched = self._until = 0.0
        self._failed: float | None = None
        self._asked: float | None = None

    def find(self, kid: str | None, alg: str) -> list[Key]:
        """The keys that may have signed a token with this header. Raises KeysUnavailable if no key is known at all."""
        now = self._clock()
        keys, fetched = self._keys, self._fetched
        if keys is None or not fetched <= now < self._until:
            keys = self._refresh(now, wait=keys is None)
        found = keys.find(kid, alg)
        if found or kid is None or self._fetched != fetched:
            return found
        due = not _is_within(self._asked, self._refetch_after, now)
        # Another thread may just be fetching what this one lacks.
        if due or self._lock.locked():
            found = self._refresh(now, wait=True, anew=due).find(kid, alg)
        return found

    def warm(self) -> None:
        """Fetches the keys, if they are not known. Raises KeysUnavailable."""
        if self._keys is None:
            self._refresh(self._clock(), wait=True)

    def _refresh(self, now: float, *, wait: bool, anew: bool = False) -> KeySet:
        """The set of now: fetched, or the one that another thread has fetched, or the old one."""
        fetched = self._fetched
        if not self._lock.acquire(blocking=wait):
            return self._old(now)
        try:
            if self._keys is not None and (
                self._fetched != fetched or (not anew and fetched <= now < self._until)
            ):
                return self._keys
            if _is_within(self._failed, _RETRY, now):
                return self._old(now)
            try:
                keys, age = self._fetch()
            except (OSError, ValueError, RecursionError) as error:
                self._failed = self._clock()
                return self._old(now, error)
            self._keys, self._failed = keys, None
            if anew:
                self._asked = now
            self._fetched = self._clock()
            self._until = self._fetched + age
            return keys
        finally:
            self._lock.release()

    def _old(self, now: float, error: Exception | None = None) -> KeySet:
        if self._keys is not None and now < self._until + _STALE:
            return self._keys
        reason = "an attempt failed a moment ago" if error is None else str(error) or type(error).__name__
        address = self._jwks_url or self._issuer
        raise KeysUnavailable(f"the keys of {address} cannot be fetched: {reason}") from error

    def _fetch(self) -> tuple[KeySet, float]:
        """The set and the seconds it may be used for. Raises OSError, ValueError or RecursionError."""
        url = self._jwks_url if self._jwks_url is not None else self._discover()
        location = locate(url)
        document, age = fetch(location, self._timeout)
        keys = read_jwks(msgspec.json.decode(document), secrets=location.scheme == "file")
        return keys, min(max(self._max_age if age is None else age, _LEAST_AGE), _MOST_AGE)

    def _discover(self) -> str:
        """The address of the keys in OpenID Connect Discovery 1.0 (section 4)."""
        assert self._issuer is not None
        document, _ = fetch(
            locate(self._issuer.rstrip("/") + "/.well-known/openid-configuration"), self._timeout
        )
        found = msgspec.json.decode(document)
        # Section 4.3: a document that speaks for another issuer must not be used.
        if not isinstance(found, dict) or found.get("issuer") != self._issuer:
            raise ValueError("the discovery document is not that of the issuer")
        url = found.get("jwks_uri")
        if not isinstance(url, str) or not url.startswith("http"):
            raise ValueError("the discovery document has no jwks_uri")
        if not url.startswith("https:") and self._issuer.startswith("https:"):
            raise ValueError("the discovery document leads to keys that are not behind TLS")
        return url


def fetch(location: Location, timeout: float) -> tuple[bytes, float | None]:
    """A document and, if it says so, the seconds it may be kept for. Raises OSError or ValueError.

    `timeout` is for all of it, in seconds, but starts anew once the connection is there.
    """
    if location.scheme == "file":
        from pathlib import Path

        with Path(location.path).open("rb") as file:
            return _bounded(file.read(_MOST + 1)), None
    from http.client import HTTPConnection, HTTPException, HTTPSConnection

    if location.scheme == "https":
        from ssl import create_default_context

        context = create_default_context()
        port = location.port or 443
        proxy = _proxy(location.host, port)
        connection: HTTPConnection = HTTPSConnection(
            *((location.host, port) if proxy is None else proxy[:2]), timeout=timeout, context=context
        )
        if proxy is not None:
            from lambent.app.client.proxies import tunnel

            tunnel(connection, proxy, location.host, port)
    else:
        connection = HTTPConnection(location.host, location.port, timeout=timeout)
    try:
        connection.connect()
        deadline = time.monotonic() + timeout
        connection.request(
            "GET", location.path, headers={"Accept": "application/json", "User-Agent": "lambent"}
        )
        # Closed by itself: an answer after which the connection ends keeps the socket.
        with connection.getresponse() as response:
            if response.status != 200:
                raise ValueError(f"answered {response.status}")
            body = b""
            while len(body) <= _MOST and (chunk := response.read1(65536)):
                body += chunk
                if time.monotonic() > deadline:
                    raise TimeoutError("timed out")
            if len(body) <= _MOST and response.length:
                raise ValueError("the answer ends early")
            kept = response.getheader("Cache-Control", "").lower()
            age = response.getheader("Age", "0")
    except HTTPException as error:
        raise ValueError(f"not an answer of HTTP: {type(error).__name__}") from None
    finally:
        connection.close()
    document = _bounded(body)
    if _NOT_KEPT.search(kept):
        return document, 0.0
    found = _MAX_AGE.search(kept)
    if found is None:
        return document, None
    return document, float(int(found[1]) - (int(age) if age.isdecimal() and len(age) < 10 else 0))


def _proxy(host: str, port: int) -> Proxy | None:
    """The proxy on the way. Raises ValueError for one that cannot be used."""
    from lambent.app.client.errors import NotConfigured
    from lambent.app.client.proxies import proxy_for

    try:
        return proxy_for("https", host.strip("[]"), port)
    except NotConfigured as error:
        raise ValueError(str(error)) from None


def _is_within(since: float | None, seconds: float, now: float) -> bool:
    return since is not None and since <= now < since + seconds


def _bounded(document: bytes) -> bytes:
    if len(document) > _MOST:
        raise ValueError(f"it is larger than {_MOST // 1024} KB")
    return document
