"""HTTP connections that stay open for the life of the environment."""

from __future__ import annotations

import http.client
import os
import select
import socket
import threading
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from lambent.app.client.errors import ConnectionFailed, TimedOut
from lambent.app.client.proxies import Proxy, proxy_for, tunnel

if TYPE_CHECKING:
    import ssl
    from collections.abc import Mapping

    from lambent.app.client.endpoints import Endpoint

CONNECT_TIMEOUT = 10.0
"""Seconds for TCP and TLS to be up."""

_KEPT = 16
"""Idle connections to one host that are kept: as many as threads of a function call at once, usually."""

_IDLE = 300.0
"""Seconds after which a connection is not used again: NAT on the way may have forgotten it (350 s at AWS)."""

_RACE = 1.0
"""Seconds within which a kept connection that breaks after a request was sent had been closed before it."""

_KEEP_ALIVE = (("TCP_KEEPIDLE", 60), ("TCP_KEEPALIVE", 60), ("TCP_KEEPINTVL", 30), ("TCP_KEEPCNT", 4))


class _Key(NamedTuple):
    """What requests may share a connection."""

    scheme: str
    host: str
    port: int
    proxy: Proxy | None


class Answer(NamedTuple):
    """A service's answer: names of headers are found in any case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class _Dropped(Exception):
    """The other end had closed a kept connection before it saw the request."""


_idle: dict[_Key, list[tuple[http.client.HTTPConnection, float]]] = {}
_trust: list[ssl.SSLContext] = []
_trust_lock = threading.Lock()


def exchange(
    endpoint: Endpoint,
    method: str,
    target: str,
    headers: Mapping[str, str],
    body: bytes,
    timeout: float,
    *,
    direct: bool = False,
) -> Answer:
    """Send a request and read its whole answer; `timeout` is for each wait, in seconds. `direct`: through no proxy.

    Raises ConnectionFailed and TimedOut. A kept connection that the other end has closed meanwhile, as happens to
    environments that were frozen, is replaced by a new one without the caller's knowing.
    """
    proxy = None if direct else proxy_for(*endpoint[:3])
    key = _Key(*endpoint[:3], proxy)
    if proxy is not None and endpoint.scheme == "http":
        # Proxies are told the whole URL (RFC 9112, 3.2.2); to https there is a tunnel.
        target = f"http://{endpoint.authority}{target}"
        if proxy.authorization is not None:
            headers = {**headers, "proxy-authorization": proxy.authorization}
    connection = _kept(key)
    if connection is not None:
        try:
            return _exchange(connection, key, True, method, target, headers, body, timeout)
        except _Dropped:
            pass
    connection = _opened(key, timeout)
    return _exchange(connection, key, False, method, target, headers, body, timeout)


def _exchange(
    connection: http.client.HTTPConnection,
    key: _Key,
    kept: bool,
    method: str,
    target: str,
    headers: Mapping[str, str],
    body: bytes,
    timeout: float,
) -> Answer:
    began = time.monotonic()
    sent = False
    try:
        connection.sock.settimeout(timeout)
        connection.request(method, target, body or None, headers)
        sent = True
        response = connection.getresponse()
        kept = False
        answer = Answer(response.status, response.headers, response.read())  # type: ignore[arg-type] # Message is one
    except TimeoutError:
        connection.close()
        raise _failure(TimedOut, key, f"no answer within {timeout:g} s", sent) from None
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        if kept and isinstance(error, OSError) and (not sent or time.monotonic() - began < _RACE):
            raise _Dropped from None
        raise _failure(ConnectionFailed, key, _said(error), sent) from error
    except BaseException:
        connection.close()  # interrupted: half an exchange is on it
        raise
    if response.will_close:
        connection.close()
    else:
        idle = _idle.setdefault(key, [])
        if len(idle) < _KEPT:
            idle.append((connection, time.time()))
        else:
            connection.close()
    return answer


def _kept(key: _Key) -> http.client.HTTPConnection | None:
    """The connection used last, if the other end has not closed it."""
    idle = _idle.get(key)
    while idle:
        try:
            connection, since = idle.pop()
        except IndexError:  # another thread was quicker
            return None
        # The wall clock, because the monotonic one stands still while an environment is frozen.
        if 0 <= time.time() - since < _IDLE and not _readable(connection.sock):
            return connection
        connection.close()
    return None


def _readable(sock: socket.socket) -> bool:
    """Whether an idle connection has something to say, which can only be that it is over."""
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(sock, select.POLLIN)
        return bool(poll.poll(0))
    return bool(select.select([sock], [], [], 0)[0])


def _opened(key: _Key, timeout: float) -> http.client.HTTPConnection:
    limit = min(CONNECT_TIMEOUT, timeout)
    scheme, host, port, proxy = key
    first = (host, port) if proxy is None else proxy[:2]
    connection: http.client.HTTPConnection
    if scheme == "https":
        connection = http.client.HTTPSConnection(*first, timeout=limit, context=_trusted())
        if proxy is not None:
            tunnel(connection, proxy, host, port)
    else:
        connection = http.client.HTTPConnection(*first, timeout=limit)
    try:
        connection.connect()
        # Functions that answer after minutes: without probes NAT gateways forget the connection after 350 s.
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEP_ALIVE:
            option = getattr(socket, name, None)
            if option is not None:
                connection.sock.setsockopt(socket.IPPROTO_TCP, option, value)
    except TimeoutError:
        connection.close()
        raise _failure(TimedOut, key, f"no connection within {limit:g} s", False) from None
    except (OSError, http.client.HTTPException) as error:  # proxies may answer with anything
        connection.close()
        raise _failure(ConnectionFailed, key, _said(error), False) from error
    return connection


def _trusted() -> ssl.SSLContext:
    """TLS with the machine's certificate authorities, or those in the file AWS_CA_BUNDLE: read once, 30 ms."""
    with _trust_lock:
        if not _trust:
            import ssl

            _trust.append(ssl.create_default_context(cafile=os.environ.get("AWS_CA_BUNDLE") or None))
        return _trust[0]


def _failure(kind: type[ConnectionFailed], key: _Key, reason: str, sent: bool) -> ConnectionFailed:
    scheme, host, port, proxy = key
    through = "" if proxy is None else f" through the proxy {proxy.host}:{proxy.port}"
    failure = kind(kind.__name__, f"{scheme}://{host}:{port}{through}: {reason}")
    failure.sent = sent
    return failure


def _said(error: Exception) -> str:
    return f"{error.__class__.__name__}: {error}" if str(error) else error.__class__.__name__


def close() -> None:
    """Close what is idle, and read the certificate authorities anew."""
    while _idle:
        _key, connections = _idle.popitem()
        for connection, _since in connections:
            connection.close()
    _trust.clear()


def _forked(*_nothing: Any) -> None:
    global _trust_lock
    _trust_lock = threading.Lock()
    close()


# A child that spoke on its parent's connections would mix up both their answers.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
