"""Real endpoints: a service of AWS, or one that speaks as AWS's does, instead of moto."""

from __future__ import annotations

import asyncio
import re
import ssl
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import msgspec

from lambent.http.client import ExchangeFailed, HttpClient, Unreachable
from lambent.neighbours.call import Call, end_to_end
from lambent.neighbours.errors import NeighbourDown
from lambent.neighbours.signing import Keys, keys_of_environment, signed

if TYPE_CHECKING:
    from lambent.http.client import Answer

_REGION: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_KEYS: Final = ("endpoint", "access_key", "secret_key", "session_token", "region")


class Endpoint(msgspec.Struct, frozen=True):
    """Where a service is, and with what requests to it are signed."""

    url: str
    """`http://` or `https://`, host and port; no path."""
    keys: Keys | None = None
    """None: the AWS credentials of the platform's environment, as boto3 finds them."""
    region: str | None = None
    """None: the region of each request."""


def read_endpoint(value: Any) -> Endpoint:
    """The endpoint that a setting describes: a URL, or a table. ValueError says what is wrong with it."""
    table = {"endpoint": value} if isinstance(value, str) else value
    if not isinstance(table, dict):
        raise ValueError("it must be a URL, or a table with " + ", ".join(_KEYS))
    for key, found in table.items():
        if key not in _KEYS:
            raise ValueError(f"unknown key {key}: allowed are {', '.join(_KEYS)}")
        if not isinstance(found, str) or not found:
            raise ValueError(f"{key} must be text")
    if "endpoint" not in table:
        raise ValueError('it needs an endpoint such as "https://minio.internal"')
    if ("access_key" in table) != ("secret_key" in table):
        raise ValueError("access_key and secret_key go together")
    if "session_token" in table and "access_key" not in table:
        raise ValueError("session_token needs access_key and secret_key")
    region = table.get("region")
    if region is not None and _REGION.fullmatch(region) is None:
        raise ValueError(f"region {region!r} is none")
    keys = None
    if "access_key" in table:
        keys = Keys(table["access_key"], table["secret_key"], table.get("session_token"))
    return Endpoint(_checked_url(table["endpoint"]), keys, region)


def _checked_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        port_ok = parts.port is None or parts.port > 0
    except ValueError:
        raise ValueError(f"{url!r} is no URL") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_ok or not url.isascii():
        raise ValueError(f'{url!r} is no URL such as "https://minio.internal" or "http://127.0.0.1:9000"')
    if parts.username is not None:
        raise ValueError("a URL holds no credentials: use access_key and secret_key")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise ValueError(f"{url!r} must end after host and port")
    return f"{parts.scheme}://{parts.netloc}"


class RealEndpoint:
    """A service at an endpoint of its own. Requests are signed anew; anonymous ones stay anonymous."""

    def __init__(self, service: str, endpoint: Endpoint) -> None:
        self._service = service
        self._endpoint = endpoint
        parts = urlsplit(endpoint.url)
        secure = parts.scheme == "https"
        self._authority = parts.netloc.encode("ascii")
        self._failure = ""
        self._client = HttpClient(
            host=parts.hostname or "",
            port=parts.port or (443 if secure else 80),
            tls=ssl.create_default_context() if secure else None,
        )

    async def send(self, call: Call) -> Answer:
        """As `Neighbours.send`."""
        headers = [header for header in end_to_end(call.headers) if header[0] != b"host"]
        outgoing = call._replace(
            headers=[(b"host", self._authority), *headers], region=self._endpoint.region or call.region
        )
        if call.access_key is not None:
            keys = self._endpoint.keys or await asyncio.to_thread(keys_of_environment)
            if keys is None:
                raise NeighbourDown(
                    f"There are no AWS credentials for {self._endpoint.url}, which serves {self._service}:"
                    " set access_key and secret_key in the settings, or AWS_ACCESS_KEY_ID and"
                    " AWS_SECRET_ACCESS_KEY in the platform's environment.",
                    502,
                )
            outgoing = signed(outgoing, keys)
        try:
            answer = await self._client.exchange(
                outgoing.method, outgoing.target, outgoing.headers, outgoing.body
            )
        except Unreachable as error:
            raise self._down("cannot be reached", error) from error
        except ExchangeFailed as error:
            raise self._down("did not answer", error) from error
        self._failure = ""
        answer.headers = [header for header in end_to_end(answer.headers) if header[0] != b"date"]
        return answer

    def facts(self) -> dict[str, object]:
        """For people: where it is, and what was wrong the last time."""
        facts: dict[str, object] = {"endpoint": self._endpoint.url, "state": "configured"}
        if self._failure:
            facts |= {"state": "failed", "reason": self._failure}
        return facts

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def _down(self, what: str, error: ExchangeFailed) -> NeighbourDown:
        self._failure = f"{what}: {error}"
        return NeighbourDown(f"{self._endpoint.url}, which serves {self._service} here, {what}: {error}", 502)
