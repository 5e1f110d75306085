"""Requests without a signature of version 4 that are let in where signatures are enforced.

Those that AWS takes without one: public objects, browsers' preflights, operations that need no credentials
(signing in with Cognito); S3's presigned URLs of the way before version 4, which boto3 still makes; and forms
that browsers send to S3, which carry a signature inside. Sources: the models' auth traits; "Signing and
authenticating REST requests" of the S3 user guide for version 2.
"""

from __future__ import annotations

import base64
import functools
import hmac
import time
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_to_bytes

from lambent.aws.authentication import Identity
from lambent.aws.errors import AuthError, ModelError
from lambent.aws.model import read_description
from lambent.aws.post_policy import check_form, is_form, read_form
from lambent.aws.s3_addressing import path_style

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.aws.catalog import Entry
    from lambent.aws.credentials import Credentials
    from lambent.aws.sigv4 import SignedRequest

_READS: Final = (b"GET", b"HEAD")
_OF_OBJECTS: Final = (b"versionId", b"partNumber", b"x-id")
_NO_AUTH: Final = "smithy.api#noAuth"
_MISMATCH: Final = (
    "The request signature we calculated does not match the signature you provided. "
    "Check your key and signing method."
)
# What of a query string is part of the resource.
_SUBRESOURCES: Final = frozenset(
    b"acl cors delete lifecycle location logging notification partNumber policy requestPayment restore "
    b"tagging torrent uploadId uploads versionId versioning versions website response-cache-control "
    b"response-content-disposition response-content-encoding response-content-language response-content-type "
    b"response-expires".split()
)


class Guests:
    """Decides over requests that carry no signature of version 4; everything else must not come here."""

    def __init__(
        self,
        credentials: Credentials,
        *,
        account: str,
        default_region: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._credentials = credentials
        self._nobody = Identity(account, default_region, None, None)
        self._clock = clock

    def identity(self, request: SignedRequest, entry: Entry, *, is_real: bool) -> Identity | None:
        """Who may send `request` to the service of `entry`; None when nobody may.

        `is_real`: the service is a real endpoint, which knows by itself what anonymous callers may do. Raises
        AuthError for a signature of version 2 that does not hold.
        """
        if entry.name == "s3":
            query = _parameters(request.query)
            if b"Signature" in query and b"AWSAccessKeyId" in query:
                return self._presigned(request, query)
            if request.method == b"POST" and not is_real:
                return self._posted(request)
            permitted = is_real or request.method == b"OPTIONS" or _reads_object(request, query)
            return self._nobody if permitted else None
        target = next((value for name, value in request.headers if name == b"x-amz-target"), b"")
        operation = target.decode("latin-1").rpartition(".")[2]
        if operation in _open_operations(entry.name) or request.path.endswith(_WELL_KNOWN):
            return self._nobody
        return None

    def _posted(self, request: SignedRequest) -> Identity | None:
        content_type = next((value for name, value in request.headers if name == b"content-type"), b"")
        form = read_form(content_type, request.body) if is_form(content_type) else None
        if form is None:
            return None
        bucket, _, rest = path_style(request).partition(b"?")[0][1:].partition(b"/")
        if rest:
            return None
        account, access_key = check_form(form, bucket.decode("latin-1"), self._credentials, self._clock())
        return Identity(account, self._nobody.region, access_key, "s3")

    def _presigned(self, request: SignedRequest, query: dict[bytes, bytes]) -> Identity:
        access_key = query[b"AWSAccessKeyId"].decode("latin-1")
        secret = self._credentials.find(access_key)
        if secret is None:
            message = "The AWS Access Key Id you provided does not exist in our records."
            raise AuthError("InvalidAccessKeyId", message)
        now, expires = self._clock(), query.get(b"Expires", b"")
        if not expires.isdigit() or int(expires[:12]) < now:
            raise AuthError("AccessDenied", "Request has expired")
        headers = dict(request.headers)
        token = query.get(b"x-amz-security-token")
        account = secret.account(token, now)
        amz = {name: value for name, value in headers.items() if name.startswith(b"x-amz-")}
        if token is not None:
            amz[b"x-amz-security-token"] = token
        to_sign = b"\n".join(
            (
                request.method,
                headers.get(b"content-md5", b""),
                headers.get(b"content-type", b""),
                expires,
                *(b"%s:%s" % (name, amz[name].strip()) for name in sorted(amz)),
                _resource(request, query),
            )
        )
        expected = base64.b64encode(hmac.digest(secret.value.encode(), to_sign, "sha1"))
        if not hmac.compare_digest(expected, query[b"Signature"]):
            raise AuthError("SignatureDoesNotMatch", _MISMATCH)
        return Identity(account, self._nobody.region, access_key, "s3")


_WELL_KNOWN: Final = (b"/.well-known/jwks.json", b"/.well-known/openid-configuration")


def _parameters(query: bytes) -> dict[bytes, bytes]:
    pairs = (pair.partition(b"=") for pair in query.split(b"&") if pair)
    return {unquote_to_bytes(name): unquote_to_bytes(value.replace(b"+", b" ")) for name, _, value in pairs}


def _reads_object(request: SignedRequest, query: dict[bytes, bytes]) -> bool:
    """Whether this asks for an object's content: moto looks after whether that is public."""
    if request.method not in _READS or not all(name in _OF_OBJECTS for name in query):
        return False
    _, _, key = path_style(request).partition(b"?")[0][1:].partition(b"/")
    return bool(key)


def _resource(request: SignedRequest, query: dict[bytes, bytes]) -> bytes:
    path = path_style(request).partition(b"?")[0]
    parts = [
        name + b"=" + query[name] if query[name] else name for name in sorted(query) if name in _SUBRESOURCES
    ]
    return path + b"?" + b"&".join(parts) if parts else path


@functools.lru_cache(maxsize=16)
def _open_operations(service: str) -> frozenset[str]:
    """The operations of a service that need no credentials."""
    try:
        operations = read_description(service)["operations"]
    except ModelError:
        return frozenset()
    return frozenset(
        name
        for name, operation in operations.items()
        if operation.get("auth") == [_NO_AUTH] or operation.get("authtype") == "none"
    )
