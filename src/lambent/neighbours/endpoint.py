"""Where a service is that is not moto's: what the settings say of a real endpoint."""

from __future__ import annotations

import re
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

_REGION: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_AWS_TABLES: Final = re.compile(r"dynamodb\.[a-z0-9-]+\.amazonaws\.com(\.cn)?")
_KEYS: Final = ("endpoint", "access_key", "secret_key", "session_token", "region")


class Keys(msgspec.Struct, frozen=True):
    """Credentials. Their text does not show the secret."""

    access_key: str
    secret_key: str
    session_token: str | None = None

    def __repr__(self) -> str:
        return f"Keys({self.access_key!r})"


class Endpoint(msgspec.Struct, frozen=True):
    """Where a service is, and with what requests to it are signed."""

    url: str
    """`http://` or `https://`, host and port; no path."""
    keys: Keys | None = None
    """None: the AWS credentials of the platform's environment, as boto3 finds them."""
    region: str | None = None
    """None: the region of each request."""


def streams_of(tables: Endpoint) -> Endpoint:
    """Where the streams are of the tables of DynamoDB: at the same place, but for AWS, which has a host for them."""
    host = urlsplit(tables.url).hostname or ""
    if not _AWS_TABLES.fullmatch(host):
        return tables
    return msgspec.structs.replace(tables, url=tables.url.replace(host, f"streams.{host}", 1))


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
