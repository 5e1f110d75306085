"""Proxies that requests go through: HTTPS_PROXY, HTTP_PROXY and NO_PROXY.

Source: what urllib.request.getproxies_environment and proxy_bypass_environment make of the variables, as botocore uses
them (botocore.utils.get_environ_proxies): small letters go before capitals, and a name in NO_PROXY stands for all
that ends in it, too. Other than there, this machine itself is never reached through a proxy, as with curl and Go: what
listens here for tests and for functions of a local platform is nothing that a proxy could find.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urlsplit

from lambent.app.client.errors import NotConfigured

if TYPE_CHECKING:
    from http.client import HTTPConnection


class Proxy(NamedTuple):
    """Where a proxy is. `authorization` is the header that it wants, None without a user in its URL."""

    host: str
    port: int
    authorization: str | None


_parsed: dict[str, Proxy] = {}


def proxy_for(scheme: str, host: str, port: int) -> Proxy | None:
    """The proxy between here and a host; None where there is none. Raises NotConfigured for a URL that is none."""
    url = _variable(f"{scheme}_proxy")
    if not url or _is_direct(host, port):
        return None
    proxy = _parsed.get(url)
    if proxy is None:
        proxy = _parsed[url] = _parse(url, f"{scheme}_proxy".upper())
    return proxy


def _variable(name: str) -> str | None:
    """An empty one in small letters turns off the one in capitals."""
    found = os.environ.get(name)
    if found is not None:
        return found
    upper = name.upper()
    if upper == "HTTP_PROXY" and "REQUEST_METHOD" in os.environ:
        return None  # a CGI script's: a header of the request, not a setting (CVE-2016-1000110)
    return os.environ.get(upper)


def tunnel(connection: HTTPConnection, proxy: Proxy, host: str, port: int) -> None:
    """Have a connection to a proxy, which is not open yet, go on to a host."""
    headers = {"Host": f"{host}:{port}"}
    if proxy.authorization is not None:
        headers["Proxy-Authorization"] = proxy.authorization
    connection.set_tunnel(host, port, headers)


def _is_direct(host: str, port: int) -> bool:
    host = host.lower()
    if host in ("localhost", "::1") or host.startswith("127.") or host.endswith(".localhost"):
        return True
    excepted = _variable("no_proxy")
    if not excepted:
        return False
    if excepted == "*":
        return True
    both = (host, f"{host}:{port}")
    for entry in excepted.lower().split(","):
        name = entry.strip().lstrip(".")
        if name and (name in both or any(one.endswith(f".{name}") for one in both)):
            return True
    return False


def _parse(url: str, variable: str) -> Proxy:
    whole = url if "://" in url else f"http://{url.removeprefix('//')}"
    # The URL is not repeated: it may have a password.
    failure = NotConfigured("InvalidProxy", f"{variable} is no proxy that can be used: http://host:port")
    try:
        parts = urlsplit(whole)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise failure from None
    if not host or parts.scheme != "http":
        raise failure
    authorization = None
    if parts.username is not None and parts.password is not None:
        from binascii import b2a_base64

        user = f"{unquote(parts.username)}:{unquote(parts.password)}"
        authorization = f"Basic {b2a_base64(user.encode(), newline=False).decode()}"
    return Proxy(host, port or 80, authorization)
