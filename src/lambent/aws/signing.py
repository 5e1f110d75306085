"""Signature Version 4: signing the platform's own requests, as `sigv4` verifies them.

What follows from the credentials and the day alone is computed once.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from binascii import hexlify
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lambent.aws.sigv4 import EMPTY_SHA256, Signature, body_digest, canonical_request, signing_key

if TYPE_CHECKING:
    from lambent.aws.credentials import TemporaryCredentials


@dataclass(slots=True)
class _Request:
    method: bytes
    path: bytes
    query: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes


class Signer:
    """Signs requests with these credentials for a service (its signing name) in a region."""

    def __init__(self, credentials: TemporaryCredentials, region: str, service: str) -> None:
        self.credentials = credentials
        self._region = region
        self._service = service
        self._day = ""
        self._key = b""
        self._scope = b""

    def sign(
        self,
        method: bytes,
        target: bytes,
        headers: dict[bytes, bytes],
        body: bytes,
        now: float | None = None,
    ) -> None:
        """Add X-Amz-Date, X-Amz-Security-Token and Authorization to `headers`, all of which are signed.

        Their names are in lower case, `host` among them. `now`: epoch seconds.
        """
        moment = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
        if moment[:8] != self._day:
            self._begin_day(moment[:8])
        headers[b"x-amz-date"] = moment.encode()
        headers[b"x-amz-security-token"] = self.credentials.session_token.encode()
        names = b";".join(sorted(headers))
        path, _, query = target.partition(b"?")
        canonical = canonical_request(
            _Request(method, path, query, [], body),
            Signature(self._scope, names, b"", None, None, b"", headers),
            self._service == "s3",
            body_digest(body) if body else EMPTY_SHA256,
        )
        to_sign = b"AWS4-HMAC-SHA256\n%s\n%s\n%s" % (
            headers[b"x-amz-date"],
            self._scope,
            hexlify(hashlib.sha256(canonical).digest()),
        )
        headers[b"authorization"] = b"AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s" % (
            self.credentials.access_key.encode(),
            self._scope,
            names,
            hexlify(hmac.digest(self._key, to_sign, "sha256")),
        )

    def _begin_day(self, day: str) -> None:
        self._day = day
        self._key = signing_key(self.credentials.secret_key, day, self._region, self._service)
        self._scope = f"{day}/{self._region}/{self._service}/aws4_request".encode()
