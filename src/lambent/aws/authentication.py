"""Who calls, and for which region: cheap where signatures are not enforced, verified where they are."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl, unquote, unquote_to_bytes

from lambent.aws.credentials import Credentials, account_of_key
from lambent.aws.errors import AuthError
from lambent.aws.sigv4 import SignedRequest, Verifier, parse_scope, read_signature

if TYPE_CHECKING:
    from collections.abc import Callable

MISSING_TOKEN = "MissingAuthenticationTokenException"  # noqa: S105 - the code of an error
"""The code of the refusal of a request without any signature."""

LARGE_BODY = 256 * 1024
"""Bytes from which on a body is hashed in a thread: it takes 0.14 ms, as long as ten requests."""

# The form that AWS's own patterns ask of a region.
_REGION = re.compile(r"(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d")
_OWN_PAGE = re.compile(rb"https?://(?:(?:[a-z0-9.-]+\.)?localhost|127\.0\.0\.1|\[::1\])(?::\d+)?")
_PRESIGNED_TOKEN = re.compile(rb"(?:^|&)X-Amz-Security-Token=([^&]*)")
_PRESIGNED = re.compile(rb"(?:^|&)X-Amz-Credential=([^&]*)")
_IDENTITIES_KEPT = 4096


class Identity(NamedTuple):
    """What the signature of a request says about its caller."""

    account: str
    """12 digits."""
    region: str
    access_key: str | None
    """None for an unsigned request."""
    service: str | None
    """The service's signing name; None for an unsigned request."""
    principal: str = ""
    """Who temporary credentials make their caller (`credentials.Session`); empty for all others."""


class Authenticator:
    """Finds the identity of requests; verifies their signatures where `enforced`.

    Not enforced, the credential scope is believed: an access key id of twelve digits is the account,
    temporary credentials carry theirs, every other key acts in `account`; an unsigned request acts in
    `default_region`. Requests from web pages of other places are refused, but for those that a bucket permits by CORS:
    a browser sends them for anybody who writes a page, and functions are code that runs here.
    """

    def __init__(
        self,
        credentials: Credentials | None,
        *,
        account: str,
        default_region: str,
        enforced: bool | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if enforced and credentials is None:
            raise ValueError("signatures cannot be enforced without credentials")
        self.enforced = credentials is not None if enforced is None else enforced
        self._credentials = credentials
        self._account = account
        self._anonymous = Identity(account, default_region, None, None)
        self._verifier = Verifier(credentials, clock) if credentials is not None and self.enforced else None
        # Identities by the bytes of their credential scope; parsing one is paid once a scope and day.
        self._identities: dict[bytes, Identity] = {}

    def authenticate(
        self, request: SignedRequest, body_sha256: bytes | None = None, *, public: bool = False
    ) -> Identity:
        """The identity of the caller; AuthError for a signature that AWS would refuse.

        `body_sha256`: the body's lower-case hex digest, where it has been computed in a thread. `public`: the request
        is for an API or a function URL, which say with CORS what pages may send them.
        """
        if self._verifier is not None:
            return self._verified(self._verifier, request, body_sha256)
        raw_scope: bytes | None = None
        origin: bytes | None = None
        is_foreign = is_targeted = False
        for name, value in request.headers:
            if name == b"authorization":
                start = value.find(b"Credential=")
                end = value.find(b"/aws4_request", start)
                if start >= 0 and end >= 0:  # else it is signed in some other way, for somebody else
                    raw_scope = value[start + 11 : end + 13]
            elif name == b"origin":
                origin = value
            elif name == b"x-amz-target":
                is_targeted = True
            elif name == b"sec-fetch-site":
                is_foreign = value == b"cross-site"
        if origin is not None and not public and _OWN_PAGE.fullmatch(origin) is None:
            _check_page(origin, raw_scope, is_targeted)
        if raw_scope is not None:
            return self._identities.get(raw_scope) or self._claimed(raw_scope, request)
        if is_foreign and any(name == "Action" for name, _ in parse_qsl(request.query.decode("latin-1"))):
            # Pictures and links of a page have no origin.
            raise AuthError("AccessDeniedException", "Web pages of other places may not name operations.")
        found = _PRESIGNED.search(request.query)
        if found is None:
            return self._anonymous
        raw_scope = unquote(found.group(1).decode("latin-1")).encode("latin-1", "replace")
        return self._identities.get(raw_scope) or self._claimed(raw_scope, request)

    def hashes_in_thread(self, request: SignedRequest) -> bool:
        """Whether the body is to be hashed in a thread before `authenticate` is called."""
        return self._verifier is not None and len(request.body) > LARGE_BODY

    def _verified(self, verifier: Verifier, request: SignedRequest, body_sha256: bytes | None) -> Identity:
        signature = read_signature(request)
        if signature is None:
            raise AuthError(MISSING_TOKEN, "Missing Authentication Token")
        account = verifier.verify(request, signature, body_sha256)
        # Only what a verified signature named is kept here, so a stranger cannot fill the memory.
        found = self._identities.get(signature.raw_scope)
        if found is None:
            session = verifier.session(signature)
            found = self._keep(signature.raw_scope, account, session.principal if session is not None else "")
        return found

    def _claimed(self, raw_scope: bytes, request: SignedRequest) -> Identity:
        access_key = parse_scope(raw_scope).access_key
        account, principal = account_of_key(access_key), ""
        if account is None and self._credentials is not None and access_key.startswith("ASIA"):
            session = self._credentials.session(access_key, _token_of(request))
            if session is not None:
                account, principal = session.account, session.principal
        return self._keep(raw_scope, account or self._account, principal)

    def _keep(self, raw_scope: bytes, account: str, principal: str) -> Identity:
        scope = parse_scope(raw_scope)
        if _REGION.fullmatch(scope.region) is None:
            raise AuthError(
                "InvalidSignatureException",
                f"Credential should be scoped to a valid region, not '{scope.region}'. ",
            )
        if len(self._identities) >= _IDENTITIES_KEPT:
            del self._identities[next(iter(self._identities))]
        identity = Identity(account, scope.region, scope.access_key, scope.service, principal)
        self._identities[raw_scope] = identity
        return identity


def _check_page(origin: bytes, raw_scope: bytes | None, is_targeted: bool) -> None:
    """Raise AuthError for a request of a page of another place, unless it is for S3, where buckets say with CORS what
    pages may do. Any page can write a signature that nobody verifies, and what permits it to send that to a bucket, or
    to an API at the same port, is no permission for other services.
    """
    shown = origin.decode("latin-1")
    if raw_scope is None:
        raise AuthError("AccessDeniedException", f"Web pages of {shown} may not send unsigned requests.")
    service = parse_scope(raw_scope).service
    if is_targeted or service != "s3":
        raise AuthError("AccessDeniedException", f"Web pages of {shown} may not send requests to {service}.")


def _token_of(request: SignedRequest) -> bytes | None:
    """The session token in a request's headers, or in its query where it is presigned."""
    for name, value in request.headers:
        if name == b"x-amz-security-token":
            return value
    found = _PRESIGNED_TOKEN.search(request.query)
    return unquote_to_bytes(found.group(1)) if found is not None else None
