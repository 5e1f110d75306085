"""Signature Version 4: verifying signed requests and presigned URLs.

Method: AWS's "Signature Version 4 signing process"; error codes and texts: the answers of AWS's endpoints.
The signing key of a credential scope is derived once (four HMACs) and kept; verifying then costs one
canonical request, one SHA-256 of it, one of the body, and one HMAC.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from binascii import hexlify
from calendar import timegm
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, NamedTuple, Protocol
from urllib.parse import quote, unquote_to_bytes

from lambent.aws.errors import AuthError

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.aws.credentials import Credentials, Secret, Session

SKEW_SECONDS = 15 * 60
"""How far a signing time may lie before or after now."""
MAX_EXPIRES_SECONDS = 7 * 24 * 3600
"""The longest life of a presigned URL."""

EMPTY_SHA256 = hashlib.sha256(b"").hexdigest().encode()

_ALGORITHM = b"AWS4-HMAC-SHA256"
_UNSIGNED = b"UNSIGNED-PAYLOAD"
_STREAMING = b"STREAMING-"
_AUTHORIZATION = re.compile(
    rb"AWS4-HMAC-SHA256 Credential=([^\s,]+),\s*SignedHeaders=([^\s,]+),\s*Signature=([^\s,]+)"
)
_HEX64 = re.compile(rb"[0-9a-f]{64}")
_PLAIN_PATH = re.compile(rb"(?:/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+/?|/")
_AMZ_DATE = re.compile(rb"\d{8}T\d{6}Z")
_SCOPES_KEPT = 4096
# What the signature covers without listing them: the string to sign, the payload's hash, the token's own
# code.
_SELF_PROTECTED = frozenset({b"x-amz-date", b"x-amz-content-sha256", b"x-amz-security-token"})
_SEPARATORS = re.compile(rb"[,\s]+")

_MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key "
    "and signing method. Consult the service documentation for details."
)


class SignedRequest(Protocol):
    """What of an HTTP request is signed."""

    method: bytes
    headers: list[tuple[bytes, bytes]]
    body: bytes

    @property
    def path(self) -> bytes:
        """The path as sent, undecoded."""

    @property
    def query(self) -> bytes:
        """The query string as sent, undecoded."""


class Scope(NamedTuple):
    """A credential scope: who signed, for which day, place and service."""

    access_key: str
    date: str
    region: str
    service: str


class Signature(NamedTuple):
    """The parts of a request's signature, read but not verified."""

    raw_scope: bytes
    signed_headers: bytes
    signature: bytes
    expires: int | None
    """Seconds that a presigned URL lives; None for a signature in the Authorization header."""
    token: bytes | None
    date: bytes
    """The signing time: `20240501T120000Z`, or an HTTP date."""
    headers: dict[bytes, bytes]
    """The request's headers by name; those that were sent several times are joined by commas."""


class _KnownScope(NamedTuple):
    secret: Secret
    signing_key: bytes
    date: str
    canonical_scope: bytes
    is_s3: bool


def parse_scope(raw: bytes) -> Scope:
    """The credential scope `keyid/date/region/service/aws4_request`; AuthError where it is not one."""
    text = raw.decode("latin-1")
    # An access key id of a generated kind may hold slashes; the last four fields never do.
    fields = text.rsplit("/", 4)
    if len(fields) != 5:
        raise AuthError(
            "IncompleteSignatureException",
            "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, "
            f"got '{text}'",
        )
    if fields[4] != "aws4_request":
        raise AuthError(
            "InvalidSignatureException",
            f"Credential should be scoped with a valid terminator: 'aws4_request', not '{fields[4]}'. ",
        )
    return Scope(*fields[:4])


def parse_authorization(value: bytes) -> dict[bytes, bytes]:
    """The `Credential`, `SignedHeaders` and `Signature` of an Authorization header, in AWS's words where
    amiss.
    """
    algorithm, _, rest = value.partition(b" ")
    if algorithm.startswith(b"AWS") and algorithm != _ALGORITHM:
        shown = algorithm.decode("latin-1")
        raise AuthError("IncompleteSignatureException", f"Unsupported AWS 'algorithm': '{shown}'.")
    found: dict[bytes, bytes] = {}
    for pair in _SEPARATORS.split(rest.strip()):
        if pair:
            name, equals, content = pair.partition(b"=")
            if not equals:
                raise AuthError(
                    "IncompleteSignatureException",
                    f"'{pair.decode('latin-1')}' not a valid key=value pair (missing equal-sign) in Authorization "
                    f"header: '{value.decode('latin-1')}'.",
                )
            found[name] = content
    return found


def read_signature(request: SignedRequest) -> Signature | None:
    """The signature of `request`, from its Authorization header or its query string; None where it has none."""
    headers = dict(request.headers)
    if len(headers) != len(request.headers):
        headers = _joined(request.headers)
    authorization = headers.get(b"authorization")
    if authorization is None:
        return _presigned(request.query, headers) if b"X-Amz-" in request.query else None
    date = headers.get(b"x-amz-date") or headers.get(b"date")
    found = _AUTHORIZATION.fullmatch(authorization)
    if found is None or date is None:
        raw_scope, signed_headers, signature = _lenient_authorization(authorization, date is not None)
    else:
        raw_scope, signed_headers, signature = found.groups()
    return Signature(
        raw_scope,
        signed_headers,
        signature,
        None,
        headers.get(b"x-amz-security-token"),
        date or b"",
        headers,
    )


def _joined(headers: list[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    joined: dict[bytes, bytes] = {}
    for name, value in headers:
        joined[name] = b"%s,%s" % (joined[name], value) if name in joined else value
    return joined


def _lenient_authorization(authorization: bytes, dated: bool) -> tuple[bytes, bytes, bytes]:
    """Scope, signed headers and signature of a header in unusual order or spacing; AuthError if one is
    missing.
    """
    found = parse_authorization(authorization)
    missing = [
        f"Authorization header requires '{name}' parameter."
        for name in ("Credential", "Signature", "SignedHeaders")
        if not found.get(name.encode())
    ]
    if not dated:
        missing.append("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
    if missing:
        shown = authorization.decode("latin-1")
        raise AuthError("IncompleteSignatureException", f"{' '.join(missing)} Authorization={shown}")
    return found[b"Credential"], found[b"SignedHeaders"], found[b"Signature"]


def _presigned(query: bytes, headers: dict[bytes, bytes]) -> Signature | None:
    parameters: dict[bytes, bytes] = {}
    for pair in query.split(b"&"):
        name, _, value = pair.partition(b"=")
        if name.startswith(b"X-Amz-"):
            parameters[name] = unquote_to_bytes(value.replace(b"+", b" "))
    algorithm = parameters.get(b"X-Amz-Algorithm")
    if algorithm is None and b"X-Amz-Signature" not in parameters:
        return None
    if algorithm is not None and algorithm != _ALGORITHM:
        shown = algorithm.decode("latin-1")
        raise AuthError("IncompleteSignatureException", f"Unsupported AWS 'algorithm': '{shown}'.")
    wanted = ("Algorithm", "Credential", "Signature", "SignedHeaders", "Date", "Expires")
    missing = [
        f"AWS query-string parameters must include 'X-Amz-{name}'."
        for name in wanted
        if not parameters.get(f"X-Amz-{name}".encode())
    ]
    if missing:
        raise AuthError(
            "IncompleteSignatureException", f"{' '.join(missing)} Re-examine the query-string parameters."
        )
    expires = parameters[b"X-Amz-Expires"]
    if not expires.isdigit() or not 0 < int(expires[:12]) <= MAX_EXPIRES_SECONDS:
        raise AuthError(
            "IncompleteSignatureException",
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than "
            f"{MAX_EXPIRES_SECONDS} seconds",
        )
    return Signature(
        parameters[b"X-Amz-Credential"],
        parameters[b"X-Amz-SignedHeaders"],
        parameters[b"X-Amz-Signature"],
        int(expires),
        parameters.get(b"X-Amz-Security-Token"),
        parameters[b"X-Amz-Date"],
        headers,
    )


class Verifier:
    """Verifies signatures against `credentials`. `clock` gives epoch seconds."""

    def __init__(self, credentials: Credentials, clock: Callable[[], float] = time.time) -> None:
        self._credentials = credentials
        self._clock = clock
        self._scopes: dict[bytes, _KnownScope] = {}
        self._moments: dict[bytes, tuple[int, str]] = {}

    def verify(self, request: SignedRequest, signature: Signature, body_sha256: bytes | None = None) -> str:
        """The account that the signer of `request` acts in; AuthError, worded as by AWS, for any flaw.

        `body_sha256` is the lower-case hex digest of the body where it has been computed already.
        """
        known = self._scopes.get(signature.raw_scope) or self._derive(signature)
        now = self._clock()
        account = known.secret.account(signature.token, now)
        stamp = self._check_time(signature, known.date, int(now))
        canonical = canonical_request(request, signature, known.is_s3, body_sha256)
        to_sign = b"%s\n%s\n%s\n%s" % (
            _ALGORITHM,
            stamp,
            known.canonical_scope,
            hexlify(hashlib.sha256(canonical).digest()),
        )
        expected = hexlify(hmac.digest(known.signing_key, to_sign, "sha256"))
        if not hmac.compare_digest(expected, signature.signature):
            raise AuthError("InvalidSignatureException", _MISMATCH)
        return account

    def session(self, signature: Signature) -> Session | None:
        """What the session token of a verified signature says; None for one without."""
        return self._credentials.session(parse_scope(signature.raw_scope).access_key, signature.token)

    def _derive(self, signature: Signature) -> _KnownScope:
        scope = parse_scope(signature.raw_scope)
        secret = self._credentials.find(scope.access_key)
        if secret is None:
            raise AuthError(
                "UnrecognizedClientException", "The security token included in the request is invalid."
            )
        key = signing_key(secret.value, scope.date, scope.region, scope.service)
        canonical_scope = f"{scope.date}/{scope.region}/{scope.service}/aws4_request".encode("latin-1")
        known = _KnownScope(secret, key, scope.date, canonical_scope, scope.service == "s3")
        if len(self._scopes) >= _SCOPES_KEPT:
            # The oldest goes: yesterday's scopes are never asked for again.
            del self._scopes[next(iter(self._scopes))]
        self._scopes[signature.raw_scope] = known
        return known

    def _check_time(self, signature: Signature, scope_date: str, now: int) -> bytes:
        """The signing time as it was signed; AuthError where it lies outside of what is allowed."""
        moment = self._moments.get(signature.date)
        if moment is None:
            moment = _parse_moment(signature.date)
            if len(self._moments) >= 64:
                self._moments.clear()
            self._moments[signature.date] = moment
        seconds, stamp = moment
        if stamp[:8] != scope_date:
            raise AuthError(
                "InvalidSignatureException",
                "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: "
                f"'{scope_date}' != '{stamp[:8]}', from '{stamp}'.",
            )
        allowed = SKEW_SECONDS if signature.expires is None else signature.expires
        if seconds < now - allowed:
            minutes = f"{SKEW_SECONDS // 60} min." if signature.expires is None else f"{signature.expires} s."
            raise AuthError(
                "InvalidSignatureException",
                f"Signature expired: {stamp} is now earlier than {_stamp(now - allowed)} ({_stamp(now)} - {minutes})",
            )
        if seconds > now + SKEW_SECONDS:
            raise AuthError(
                "InvalidSignatureException",
                f"Signature not yet current: {stamp} is still later than {_stamp(now + SKEW_SECONDS)} "
                f"({_stamp(now)} + {SKEW_SECONDS // 60} min.)",
            )
        return stamp.encode()


def signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    """What requests of a day, place and service are signed with."""
    key = ("AWS4" + secret).encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode("latin-1"), "sha256")
    return key


def canonical_request(
    request: SignedRequest, signature: Signature, is_s3: bool, body_sha256: bytes | None
) -> bytes:
    """What of a request is signed, in the one form that both sides make of it. AuthError for unsigned headers."""
    headers = signature.headers
    names = signature.signed_headers.split(b";")
    if b"host" not in names:
        raise AuthError(
            "InvalidSignatureException",
            "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.",
        )
    for name in headers:
        if name[:6] == b"x-amz-" and name not in names and name not in _SELF_PROTECTED:
            raise AuthError(
                "InvalidSignatureException",
                f"There were headers present in the request which were not signed: {name.decode('latin-1')}",
            )
    lines = [name + b":" + headers.get(name, b"") for name in names]
    if b"  " in b"".join(lines):
        lines = [name + b":" + b" ".join(headers.get(name, b"").split()) for name in names]
    path = request.path
    if not is_s3 and _PLAIN_PATH.fullmatch(path) is None:
        path = _canonical_path(path)
    query = request.query
    if query:
        query = _canonical_query(query, signature.expires is not None)
    payload = _payload_hash(request, signature, is_s3, body_sha256)
    return b"\n".join((request.method, path, query, *lines, b"", signature.signed_headers, payload))


def _payload_hash(
    request: SignedRequest, signature: Signature, is_s3: bool, body_sha256: bytes | None
) -> bytes:
    """The payload's part of the canonical request: what the client declared, if that is true."""
    declared = signature.headers.get(b"x-amz-content-sha256")
    if declared is None:
        if is_s3 and signature.expires is not None:
            return _UNSIGNED
    elif declared == _UNSIGNED or (is_s3 and declared.startswith(_STREAMING)):
        # S3's streamed chunks carry signatures of their own, which the bucket's server checks.
        return declared
    if body_sha256 is None:
        body_sha256 = body_digest(request.body) if request.body else EMPTY_SHA256
    if declared is not None and declared != body_sha256:
        if is_s3 and _HEX64.fullmatch(declared):
            raise AuthError(
                "XAmzContentSHA256Mismatch",
                "The provided 'x-amz-content-sha256' header does not match what was computed.",
                status=400,
            )
        raise AuthError("InvalidSignatureException", _MISMATCH)
    return body_sha256


def _canonical_path(path: bytes) -> bytes:
    """Dot segments and empty segments taken out, then encoded once more, as every service but S3 wants it."""
    segments: list[bytes] = []
    for segment in path.split(b"/"):
        if segment == b"..":
            del segments[-1:]
        elif segment not in (b"", b"."):
            segments.append(segment)
    ending = "/" if segments and path.endswith(b"/") else ""
    return f"/{'/'.join(quote(segment, safe='~') for segment in segments)}{ending}".encode()


def _canonical_query(query: bytes, presigned: bool) -> bytes:
    pairs = []
    for pair in query.split(b"&"):
        name, _, value = pair.partition(b"=")
        if pair and not (presigned and name == b"X-Amz-Signature"):
            pairs.append((_reencoded(name), _reencoded(value)))
    pairs.sort()
    return b"&".join(name + b"=" + value for name, value in pairs)


def _reencoded(part: bytes) -> bytes:
    """Percent-encoded in the one way that is canonical, whatever the client left unencoded on the wire."""
    if part.isalnum():
        return part
    return quote(unquote_to_bytes(part.replace(b"+", b"%20")), safe="-_.~").encode()


def _parse_moment(date: bytes) -> tuple[int, str]:
    """The (epoch seconds, `20240501T120000Z`) of a signing time in either of the two spellings."""
    try:
        if _AMZ_DATE.fullmatch(date):
            text = date.decode()
            seconds = timegm(time.strptime(text, "%Y%m%dT%H%M%SZ"))
            return seconds, text
        seconds = int(parsedate_to_datetime(date.decode("latin-1")).timestamp())
    except (ValueError, TypeError, OverflowError):
        shown = date.decode("latin-1")
        raise AuthError(
            "IncompleteSignatureException",
            f"Date must be in ISO-8601 'basic format'. Got '{shown}'. See http://en.wikipedia.org/wiki/ISO_8601",
        ) from None
    return seconds, _stamp(seconds)


def _stamp(seconds: float) -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(seconds))


def body_digest(body: bytes) -> bytes:
    """The lower-case hex SHA-256 of a body; for large ones to be called in a thread (hashing lets go of the
    GIL).
    """
    return hexlify(hashlib.sha256(body).digest())
