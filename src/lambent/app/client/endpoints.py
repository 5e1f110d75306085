"""Where services are, and in which region this is."""

from __future__ import annotations

import os
import re
from typing import NamedTuple
from urllib.parse import urlsplit

from lambent.app.client.errors import NotConfigured

_SUFFIXES = (
    ("cn-", "amazonaws.com.cn"),
    ("eusc-", "amazonaws.eu"),
    ("us-isob-", "sc2s.sgov.gov"),
    ("us-isof-", "csp.hci.ic.gov"),
    ("us-iso-", "c2s.ic.gov"),
    ("eu-isoe-", "cloud.adc-e.uk"),
)
"""Regions of the partitions whose names do not end in amazonaws.com (botocore's data/partitions.json)."""

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")


class Endpoint(NamedTuple):
    """A base URL in parts. `authority` is what a Host header says, `path` has no slash at its end."""

    scheme: str
    host: str
    port: int
    authority: str
    path: str


def region() -> str:
    """The region to work in: AWS_REGION, which Lambda sets, or AWS_DEFAULT_REGION. Raises NotConfigured."""
    found = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if not found:
        raise NotConfigured("NoRegion", "Set AWS_REGION: the region to call AWS in")
    return found


def suffix(region: str) -> str:
    """The end of the host names of a region's partition. Raises NotConfigured for what cannot be a region's name."""
    if _LABEL.fullmatch(region) is None:
        raise NotConfigured("InvalidRegion", f"{region!r} is no name of a region")
    for prefix, end in _SUFFIXES:
        if region.startswith(prefix):
            return end
    return "amazonaws.com"


def configured(variable: str) -> str | None:
    """The URL set for a service, or for all, by AWS_ENDPOINT_URL_<variable> or AWS_ENDPOINT_URL.

    AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true turns both off. Source: "Service-specific endpoints" in the AWS SDKs and
    Tools Reference Guide.
    """
    variables = os.environ
    if variables.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() == "true":
        return None
    return variables.get(f"AWS_ENDPOINT_URL_{variable}") or variables.get("AWS_ENDPOINT_URL") or None


_parsed: dict[str, Endpoint] = {}


def parse(url: str) -> Endpoint:
    """A URL in parts. Raises NotConfigured for one that is not http:// or https:// with a host."""
    endpoint = _parsed.get(url)
    if endpoint is None:
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise NotConfigured("InvalidEndpoint", f"{url!r}: {error}") from None
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise NotConfigured(
                "InvalidEndpoint", f"{url!r} is no URL of a service: http://host or https://host"
            )
        usual = 443 if parts.scheme == "https" else 80
        host = parts.hostname
        name = f"[{host}]" if ":" in host else host
        authority = name if port in (None, usual) else f"{name}:{port}"
        endpoint = Endpoint(parts.scheme, host, port or usual, authority, parts.path.rstrip("/"))
        if len(_parsed) >= 256:  # connections' endpoints come out of events
            _parsed.clear()
        _parsed[url] = endpoint
    return endpoint
