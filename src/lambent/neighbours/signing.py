"""Signing requests anew for a real endpoint: Signature Version 4, over what the client sent."""

from __future__ import annotations

import functools
import hashlib
import hmac
import time
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, unquote_to_bytes

from lambent.neighbours.chunks import decoded_pieces
from lambent.neighbours.endpoint import Keys

if TYPE_CHECKING:
    from lambent.neighbours.call import Call

_SIGNATURE: Final = frozenset({b"authorization", b"x-amz-date", b"x-amz-security-token"})
_CHUNKED: Final = b"STREAMING-AWS4-"
_UNSIGNED: Final = b"UNSIGNED-PAYLOAD"
_SIGNED_HEADERS: Final = (b"host", b"content-type", b"content-md5")


def keys_of_environment() -> Keys | None:
    """The AWS credentials that boto3 would use; None without any. May block: it may have to ask for them."""
    found = _session().get_credentials()
    if found is None:
        return None
    frozen = found.get_frozen_credentials()  # refreshed where that is due
    return Keys(frozen.access_key, frozen.secret_key, frozen.token)


@functools.cache
def _session() -> Any:
    # Imported here: it takes 75 ms and 18 MB, and most platforms never need it.
    from botocore.session import get_session

    return get_session()


def signed(call: Call, keys: Keys, moment: float | None = None) -> Call:
    """`call` without the client's signature, wherever that was, and with one by `keys`, of now or `moment`."""
    call = _plain(call)
    path, _, query = call.target.partition(b"?")
    query = b"&".join(pair for pair in query.split(b"&") if pair and not _of_a_signature(pair))
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(moment)).encode()
    headers = [header for header in call.headers if header[0] not in _SIGNATURE]
    headers.append((b"x-amz-date", stamp))
    if keys.session_token is not None:
        headers.append((b"x-amz-security-token", keys.session_token.encode()))
    payload = _payload(call)
    if call.scope == "s3" or not isinstance(call.body, bytes):
        headers = [header for header in headers if header[0] != b"x-amz-content-sha256"]
        headers.append((b"x-amz-content-sha256", payload))

    # What a proxy on the way may change is sent, and not signed.
    covered: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in _SIGNED_HEADERS or name.startswith(b"x-amz-"):
            value = b" ".join(value.split())
            covered[name] = b"%s,%s" % (covered[name], value) if name in covered else value
    names = sorted(covered)
    listed = b";".join(names)
    canonical = b"\n".join(
        (
            call.method,
            _canonical_path(path, is_s3=call.scope == "s3"),
            b"&".join(sorted(_canonical_pair(pair) for pair in query.split(b"&") if pair)),
            *(name + b":" + covered[name] for name in names),
            b"",
            listed,
            payload,
        )
    )
    scope = f"{stamp[:8].decode()}/{call.region}/{call.scope}/aws4_request".encode()
    to_sign = b"\n".join((b"AWS4-HMAC-SHA256", stamp, scope, _hex(canonical)))
    key = ("AWS4" + keys.secret_key).encode()
    for part in scope.split(b"/"):
        key = hmac.digest(key, part, "sha256")
    signature = hmac.digest(key, to_sign, "sha256").hex()
    headers.append(
        (
            b"authorization",
            b"AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s"
            % (keys.access_key.encode(), scope, listed, signature.encode()),
        )
    )
    return call._replace(target=path + b"?" + query if query else path, headers=headers)


def _canonical_path(path: bytes, *, is_s3: bool) -> bytes:
    """S3 signs the path that it decodes; every other service that path encoded once more."""
    if is_s3:
        return quote(unquote_to_bytes(path), safe="/-_.~").encode()
    return quote(path, safe="/-_.~").encode()


def _canonical_pair(pair: bytes) -> bytes:
    name, _, value = pair.partition(b"=")
    return "=".join(
        quote(unquote_to_bytes(part.replace(b"+", b"%20")), safe="-_.~") for part in (name, value)
    ).encode()


def _hex(data: bytes) -> bytes:
    return hashlib.sha256(data).hexdigest().encode()


def _payload(call: Call) -> bytes:
    """What stands for the body in the signature: what the client declared, or its hash."""
    declared = next((value for name, value in call.headers if name == b"x-amz-content-sha256"), None)
    if declared is not None:
        return declared
    return _hex(call.body) if call.scope != "s3" and isinstance(call.body, bytes) else _UNSIGNED


def _of_a_signature(pair: bytes) -> bool:
    name = unquote_to_bytes(pair.partition(b"=")[0]).lower()
    return name in _QUERY_SIGNATURE


_QUERY_SIGNATURE: Final = frozenset(
    (
        b"x-amz-algorithm",
        b"x-amz-credential",
        b"x-amz-date",
        b"x-amz-expires",
        b"x-amz-signedheaders",
        b"x-amz-signature",
        b"x-amz-security-token",
        b"awsaccesskeyid",
        b"signature",
        b"expires",
    )
)


def _plain(call: Call) -> Call:
    """`call` with a plain body, where its chunks are signed by the client: those signatures end here."""
    headers = dict(call.headers)
    if not headers.get(b"x-amz-content-sha256", b"").startswith(_CHUNKED):
        return call
    length = headers.get(b"x-amz-decoded-content-length")
    kept = [
        (name, value)
        for name, value in call.headers
        if name
        not in (b"content-length", b"x-amz-decoded-content-length", b"x-amz-trailer", b"x-amz-content-sha256")
    ]
    kept = [(name, value if name != b"content-encoding" else _without_chunked(value)) for name, value in kept]
    kept = [(name, value) for name, value in kept if name != b"content-encoding" or value]
    if length is not None:
        kept.append((b"content-length", length))
    kept.append((b"x-amz-content-sha256", _UNSIGNED))
    return call._replace(headers=kept, body=decoded_pieces(call.body))


def _without_chunked(encodings: bytes) -> bytes:
    return b",".join(part for part in encodings.split(b",") if part.strip().lower() != b"aws-chunked")
