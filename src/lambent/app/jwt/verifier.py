"""Tokens verified: the signature, then the claims.

RFC 7515 and 7519 with the practices of RFC 8725: the algorithms are configured, never the token's choice, `none` is
none of them; keys fit algorithms by their type; the issuer and the audience are always decided. Cognito's access tokens
name their app client in `client_id` instead of `aud`, and say what they are in `token_use`
(docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-tokens-verifying-a-jwt.html).
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast, overload

import msgspec
from msgspec import UNSET, UnsetType

from lambent.app.jwt.errors import (
    BadSignature,
    ExpiredToken,
    MalformedToken,
    MissingClaim,
    NotYetValid,
    UnknownKey,
    WrongAlgorithm,
    WrongAudience,
    WrongIssuer,
    WrongTokenUse,
)
from lambent.app.jwt.keys import ALGORITHMS, base64url, read_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lambent.app.jwt.keys import KeySet
    from lambent.app.jwt.native import Backend
    from lambent.app.jwt.remote import RemoteKeys

C = TypeVar("C")

_MOST = 16 * 1024
"""Characters of a token. API Gateway takes 10 KB of headers, ALB 16 KB for one."""


class _Header(msgspec.Struct):
    """What a token says about its signature. `jku`, `jwk`, `x5u` and `x5c`, keys that it brings along, are not read."""

    alg: str
    kid: str | UnsetType = UNSET
    typ: str | UnsetType = UNSET
    crit: msgspec.Raw | UnsetType = UNSET
    enc: msgspec.Raw | UnsetType = UNSET


_header = msgspec.json.Decoder(_Header)
_claims = msgspec.json.Decoder(dict[str, Any])


class Verifier(Generic[C]):
    """Verifies tokens of one issuer, or of several.

        users = Verifier(
            issuer="https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab12",
            audience="the app client's id",
            token_use="access",
        )
        claims = users.verify(token)  # raises InvalidToken, or KeysUnavailable

    issuer, audience    what `iss` must be and `aud` must have, or several of which one will do. None accepts any, and
                        has to be said: a token for another service is no token for this one (RFC 8725, section 3.9).
                        Cognito's access tokens are asked for their `client_id` if they have no `aud`.
    jwks_url            where the issuer's keys are: https, http://localhost or file:///. Without it and `keys`, the
                        issuer's `/.well-known/openid-configuration` says; each of several issuers has its own keys.
    keys                the keys themselves: PEM, a JWK or JWKS (mapping or JSON), bytes for a secret, a mapping of kid
                        to key, or a list.
    algorithms          those that are accepted, each by its name.
    leeway              seconds that clocks may differ by, for `exp`, `nbf` and `iat`.
    required            claims that must be there. One that is null is not.
    token_use, typ      what the claim (Cognito: "id", "access") and the header (RFC 9068: "at+jwt") must say.
    claims_type         what `verify` returns: a Struct or another type that msgspec reads; without it a dict.
    timeout, max_age, refetch_after
                        seconds: for fetching keys, for how long they are used when Cache-Control does not say, and
                        between two times that unknown keys have them fetched anew; `remote` tells the rest.
    backend             "auto": the standard library, and `cryptography` once it is worth its import; or one of both.

    Making one is cheap and fetches nothing; it raises ValueError if the configuration cannot work. Threads may share
    it. `verify` blocks while keys are fetched: `warm` does that at a time of your choosing.
    """

    @overload
    def __init__(
        self: Verifier[dict[str, Any]],
        *,
        issuer: str | Iterable[str] | None,
        audience: str | Iterable[str] | None,
        jwks_url: str | None = None,
        keys: object = None,
        algorithms: Iterable[str] = ("RS256",),
        leeway: float = 0,
        required: Iterable[str] = ("exp",),
        token_use: str | None = None,
        typ: str | None = None,
        claims_type: None = None,
        timeout: float = 3.0,
        max_age: float = 3600.0,
        refetch_after: float = 300.0,
        backend: Backend = "auto",
        clock: Callable[[], float] = time.time,
    ) -> None: ...

    @overload
    def __init__(
        self,
        *,
        issuer: str | Iterable[str] | None,
        audience: str | Iterable[str] | None,
        jwks_url: str | None = None,
        keys: object = None,
        algorithms: Iterable[str] = ("RS256",),
        leeway: float = 0,
        required: Iterable[str] = ("exp",),
        token_use: str | None = None,
        typ: str | None = None,
        claims_type: type[C],
        timeout: float = 3.0,
        max_age: float = 3600.0,
        refetch_after: float = 300.0,
        backend: Backend = "auto",
        clock: Callable[[], float] = time.time,
    ) -> None: ...

    def __init__(
        self,
        *,
        issuer: str | Iterable[str] | None,
        audience: str | Iterable[str] | None,
        jwks_url: str | None = None,
        keys: object = None,
        algorithms: Iterable[str] = ("RS256",),
        leeway: float = 0,
        required: Iterable[str] = ("exp",),
        token_use: str | None = None,
        typ: str | None = None,
        claims_type: type[C] | None = None,
        timeout: float = 3.0,
        max_age: float = 3600.0,
        refetch_after: float = 300.0,
        backend: Backend = "auto",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._issuers = _names("issuer", issuer)
        self._audiences = _names("audience", audience)
        self._algorithms = _names("algorithms", algorithms) or frozenset()
        unknown = self._algorithms - ALGORITHMS
        if unknown:
            raise ValueError(
                f"algorithms: {', '.join(sorted(unknown))} is none of {', '.join(sorted(ALGORITHMS))}"
            )
        if not 0 <= leeway < float("inf"):
            raise ValueError("leeway is a number of seconds, 0 or more")
        self._leeway = leeway
        self._required = tuple(_names("required", required, empty=True) or ())
        self._token_use = token_use
        self._typ = None if typ is None else _media_type(typ)
        self._backend = backend
        self._clock = clock
        self._claims = None if claims_type is None else msgspec.json.Decoder(claims_type)
        self._sources: dict[str | None, KeySet | RemoteKeys] = {}
        self._remote: list[RemoteKeys] = []
        if keys is not None:
            if jwks_url is not None:
                raise ValueError("keys and jwks_url: give one of them")
            self._sources[None] = read_keys(keys, self._algorithms)
            return
        from lambent.app.jwt.remote import RemoteKeys, locate

        if any(alg[:2] == "HS" for alg in self._algorithms) and (
            jwks_url is None or locate(jwks_url).scheme != "file"
        ):
            raise ValueError("algorithms: HS256, HS384 and HS512 need keys=, as secrets are not published")
        several: Iterable[str | None] = (None,)
        if jwks_url is None:
            if self._issuers is None:
                raise ValueError("without jwks_url and keys, an issuer is needed to discover its keys")
            several = sorted(self._issuers)
        for each in several:
            source = RemoteKeys(
                jwks_url, each, timeout=timeout, max_age=max_age, refetch_after=refetch_after, clock=clock
            )
            self._sources[each] = source
            self._remote.append(source)
        if len(self._remote) == 1:
            self._sources = {None: self._remote[0]}

    def warm(self) -> None:
        """Fetches the keys that are not known yet, to have them before the first token. Raises KeysUnavailable."""
        for source in self._remote:
            source.warm()

    def verify(self, token: str) -> C:
        """The claims of the token (without "Bearer "). Raises InvalidToken, or KeysUnavailable."""
        if len(token) > _MOST:
            raise MalformedToken("the token is longer than 16 KB")
        if not token.isascii():
            raise MalformedToken("the token has characters that tokens do not have")
        message, _, last = token.encode().rpartition(b".")
        parts = message.split(b".")
        if len(parts) != 2:
            raise MalformedToken("the token does not have the three parts of a signed token")
        try:
            header = _header.decode(base64url(parts[0]))
            payload, signature = base64url(parts[1]), base64url(last)
        except (ValueError, RecursionError):
            raise MalformedToken(
                "the token's parts are not base64url, or its header is not that of a token"
            ) from None
        if header.crit is not UNSET or header.enc is not UNSET:
            raise MalformedToken("the token asks for an extension or encryption that is not supported")
        alg = header.alg
        if alg not in self._algorithms:
            raise WrongAlgorithm("the token's algorithm is not allowed")
        source = self._sources.get(None)
        if source is None:
            # Not trusted: it only chooses whose keys are tried, and is checked like every claim afterwards.
            issuer = _object(payload).get("iss")
            source = self._sources.get(issuer) if isinstance(issuer, str) else None
            if source is None:
                raise WrongIssuer("the token is not of an issuer that is accepted")
        keys = source.find(None if header.kid is UNSET else header.kid, alg)
        if not keys:
            raise UnknownKey("the token's key is not known")
        for key in keys:
            if key.verify(alg, message, signature, self._backend):
                break
        else:
            raise BadSignature("the token's signature is wrong")
        if self._typ is not None and (header.typ is UNSET or _media_type(header.typ) != self._typ):
            raise WrongTokenUse("the token is of another type")
        claims = _object(payload)
        self._check(claims)
        if self._claims is None:
            return cast("C", claims)
        try:
            return self._claims.decode(payload)
        except (ValueError, RecursionError):
            raise MalformedToken("the token's claims are not of the types that are expected") from None

    def _check(self, claims: dict[str, Any]) -> None:
        now = self._clock()
        expires, begins, issued = (_date(claims, name) for name in ("exp", "nbf", "iat"))
        if expires is not None and now >= expires + self._leeway:
            raise ExpiredToken("the token has expired")
        if (begins is not None and now < begins - self._leeway) or (
            issued is not None and now < issued - self._leeway
        ):
            raise NotYetValid("the token is not valid yet")
        if self._issuers is not None:
            issuer = claims.get("iss")
            if not isinstance(issuer, str) or issuer not in self._issuers:
                raise WrongIssuer("the token is not of an issuer that is accepted")
        if self._token_use is not None and claims.get("token_use") != self._token_use:
            raise WrongTokenUse("the token is for another use")
        if self._audiences is not None:
            audience = claims.get("aud")
            if audience is None and claims.get("token_use") == "access":
                audience = claims.get("client_id")
            several = audience if isinstance(audience, list) else [audience]
            if not any(isinstance(each, str) and each in self._audiences for each in several):
                raise WrongAudience("the token is for another audience")
        for name in self._required:
            if claims.get(name) is None:
                raise MissingClaim("the token lacks a claim that is required")


def _object(payload: bytes) -> dict[str, Any]:
    try:
        return _claims.decode(payload)
    except (ValueError, RecursionError):
        raise MalformedToken("the token's claims are not a JSON object") from None


def _date(claims: dict[str, Any], name: str) -> float | None:
    """A NumericDate (RFC 7519, section 2), None if it is not there."""
    if name not in claims:
        return None
    value = claims[name]
    # True is an int in Python, and numbers far outside what clocks show are no dates.
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not -1e15 < value < 1e15:
        raise MalformedToken("the token's dates are not numbers of seconds")
    return float(value)


def _media_type(typ: str) -> str:
    """RFC 7515, section 4.1.9: `application/` may be left out, and case does not matter."""
    return typ.lower().removeprefix("application/")


def _names(what: str, names: str | Iterable[str] | None, *, empty: bool = False) -> frozenset[str] | None:
    if names is None:
        return None
    found = frozenset([names] if isinstance(names, str) else names)
    if not all(found) or not (found or empty):
        raise ValueError(f"{what}: a name or several are expected")
    return found
