"""Which function URL or API a request is addressed to, by its Host or by its path.

Hosts are AWS's with any ending: `{url id}.lambda-url.{region}.localhost:4566`, `{api id}.execute-api.{region}.…`,
`….amazonaws.com` where a client is told to connect here. For clients that cannot resolve such names the same is
reached by path: `/_aws/lambda-url/{url id}/…` and `/_aws/execute-api/{api id}/{stage}/…`.
"""

from __future__ import annotations

import re
from typing import Final, Literal, NamedTuple

_HOST: Final = re.compile(
    rb"([a-z0-9-]+)\.(lambda-url|execute-api)\.(?:.+\.)?[a-z0-9-]+\.?(?::\d+)?", re.IGNORECASE
)
_PATH: Final = re.compile(rb"/_aws/(lambda-url|execute-api)/([A-Za-z0-9-]+)(?=[/?]|$)")
_KINDS: Final[dict[bytes, Literal["url", "api"]]] = {b"lambda-url": "url", b"execute-api": "api"}
_MAX_HOSTS: Final = 4096


class Address(NamedTuple):
    """What is addressed. `skip` is how many bytes of the request target are the address and no path."""

    kind: Literal["url", "api", "domain", "refused"]
    id: str
    """The URL's or the API's id; of a domain its name, in lower case, as of a host that is not answered."""
    skip: int = 0


class Addresses:
    """Reads addresses, and remembers those of hosts that it has seen."""

    def __init__(self) -> None:
        self._hosts: dict[bytes, Address | None] = {}

    def of(self, host: bytes, target: bytes) -> Address | None:
        """The address of a request; None for one that is for the platform itself, or for a domain of somebody's.

        `host` is the Host header, `target` the request target; both as sent.
        """
        if target.startswith(b"/_aws/"):
            found = _PATH.match(target)
            if found is not None:
                return Address(_KINDS[found[1]], found[2].decode().lower(), found.end())
        try:
            return self._hosts[host]
        except KeyError:
            pass
        named = _HOST.fullmatch(host)
        address = None if named is None else Address(_KINDS[named[2].lower()], named[1].decode().lower())
        if len(self._hosts) >= _MAX_HOSTS:
            self._hosts.clear()
        self._hosts[host] = address
        return address


def domain_of(host: bytes) -> str:
    """The name in a Host header, without its port and in lower case."""
    text = host.decode("latin-1").lower()
    name = text.rpartition(":")[0] if re.search(r":\d+$", text) else text
    return name.removesuffix(".")
