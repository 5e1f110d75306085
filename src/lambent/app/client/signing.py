"""Signature Version 4, in the Authorization header.

Source: "AWS Signature Version 4 for API requests" in the IAM User Guide. What is signed of which request is the same as
botocore.auth.SigV4Auth's, against which it is tested. Not for S3, which does not encode paths twice.
"""

from __future__ import annotations

import hmac
import time
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lambent.app.client.credentials import Credentials

_NOT_SIGNED = frozenset(
    {
        "baggage",
        "connection",
        "expect",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "traceparent",
        "tracestate",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
        "x-amzn-trace-id",
    }
)
"""What proxies on the way may change (botocore.auth.SIGNED_HEADERS_BLACKLIST)."""

_keys: dict[tuple[str, str, str, str], bytes] = {}
"""Derived keys: each is good for one day, region and service."""


def timestamp(seconds: float | None = None) -> str:
    """A time, or now, as `X-Amz-Date` wants it: 20261121T101112Z."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(seconds))


def signed(
    method: str,
    path: str,
    query: str,
    headers: Mapping[str, str],
    body: bytes,
    *,
    service: str,
    region: str,
    credentials: Credentials,
    at: str | None = None,
) -> dict[str, str]:
    """The headers of a request with those that sign it.

    `path` and `query` are as they are on the wire, `headers` are in lower case and include `host`. `at` is the time as
    `timestamp` makes it.
    """
    at = at or timestamp()
    headers = {**headers, "x-amz-date": at}
    if credentials.token:
        headers["x-amz-security-token"] = credentials.token
    names = sorted(name for name in headers if name not in _NOT_SIGNED)
    signed_names = ";".join(names)
    request = "\n".join(
        (
            method,
            quote(_normal(path), safe="/~"),
            _sorted(query),
            *(f"{name}:{' '.join(headers[name].split())}" for name in names),
            "",
            signed_names,
            sha256(body).hexdigest(),
        )
    )
    day = at[:8]
    scope = f"{day}/{region}/{service}/aws4_request"
    text = f"AWS4-HMAC-SHA256\n{at}\n{scope}\n{sha256(request.encode()).hexdigest()}"
    signature = hmac.digest(_key(credentials.secret_key, day, region, service), text.encode(), "sha256").hex()
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={credentials.access_key}/{scope}, "
        f"SignedHeaders={signed_names}, Signature={signature}"
    )
    return headers


def _key(secret: str, day: str, region: str, service: str) -> bytes:
    key = _keys.get((secret, day, region, service))
    if key is None:
        key = f"AWS4{secret}".encode()
        for part in (day, region, service, "aws4_request"):
            key = hmac.digest(key, part.encode(), "sha256")
        if len(_keys) >= 32:  # days and rotated secrets that are over
            _keys.clear()
        _keys[secret, day, region, service] = key
    return key


def _sorted(query: str) -> str:
    """By name and value; `b=1&a` as `a=&b=1`."""
    if not query:
        return ""
    pairs = sorted(pair.partition("=")[::2] for pair in query.split("&"))
    return "&".join([f"{name}={value}" for name, value in pairs])


def _normal(path: str) -> str:
    """Without `.`, `..` and empty segments (RFC 3986, 5.2.4)."""
    if "//" not in path and "/." not in path and path[:1] == "/":
        return path
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            del kept[-1:]
        elif segment not in ("", "."):
            kept.append(segment)
    return f"/{'/'.join(kept)}{'/' if kept and path.endswith('/') else ''}"
