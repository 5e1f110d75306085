"""JWT authorizers of HTTP APIs.

What is checked, and in which order: "Control access to HTTP APIs with JWT authorizers" of the API Gateway developer
guide. Answers: "Troubleshooting issues with HTTP API JWT authorizers" has the header of one for a wrong audience;
others as users have seen them in headers and access logs: `Bearer` alone and `missing: token not provided`, `token
contains an invalid number of segments`, `signing method ES256 is invalid`, `issuer does not match`, `expected scopes:
[a b]` with 403, `OIDC discovery endpoint communication error`, `JWKS communication error`. What is said of signatures,
keys and times is worded after those. That claims reach functions as text, lists as `[a b]`, without those that are
null, was measured (floci-io/floci#2011), and that `scopes` is null for routes without scopes
(DefinitelyTyped/DefinitelyTyped#75458).
"""

from __future__ import annotations

import binascii
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from lambent.gateway.authorizers.identity import reader
from lambent.gateway.authorizers.keys import KeysUnavailable
from lambent.gateway.authorizers.verdict import Verdict, forbidden, unauthorized

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from joserfc.jws import JWSRegistry

    from lambent.gateway.apis.deployed import Deployed
    from lambent.gateway.apis.records import Authorizer, Route
    from lambent.gateway.authorizers.keys import IssuerKeys, Issuers
    from lambent.gateway.call import Call

ALGORITHMS: Final = ("RS256", "RS384", "RS512")

# Of a header in base64url; more than fits into a request's.
_HEADER: Final = 16_384

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode

_MISSING: Final = unauthorized("missing: token not provided", (("www-authenticate", "Bearer"),))
_URL_SAFE: Final = str.maketrans("-_", "+/")
_QUOTED: Final = str.maketrans(dict.fromkeys('"\\', "'") | {chr(code): "?" for code in (*range(32), 127)})


class InvalidToken(Exception):
    """A token is no good; the text goes to the client."""


class VerifiedToken(NamedTuple):
    """A token whose signature has been verified."""

    kid: str
    claims: dict[str, Any]
    shown: dict[str, str]
    """The claims as functions get them."""
    scopes: list[str]
    variables: dict[str, str]


class JwtAuthorizer:
    """Checks the tokens of one route. `clock` gives epoch seconds."""

    def __init__(
        self, authorizer: Authorizer, route: Route, issuers: Issuers, clock: Callable[[], float]
    ) -> None:
        jwt = authorizer.jwt_configuration
        self._issuer = (jwt.issuer if jwt is not None else None) or ""
        self._audience = frozenset((jwt.audience if jwt is not None else None) or ())
        self._sources = tuple(map(reader, authorizer.identity_source or ()))
        self._scopes = route.authorization_scopes or ()
        self._route = route
        self._clock = clock
        self._keys: IssuerKeys = issuers.keys(self._issuer)

    def authorize(self, call: Call, deployed: Deployed) -> Verdict | Awaitable[Verdict]:
        """Judge a request; later, when keys have to be fetched."""
        text = ""
        for source in self._sources:
            text = bare_token(source(call, deployed, self._route))
            if text:
                break
        if not text:
            return _MISSING
        token: VerifiedToken | None = self._keys.tokens.get(text)
        try:
            kid = token.kid if token is not None else key_id(text)
        except InvalidToken as error:
            return self._refused(str(error))
        if self._keys.wants(kid):
            return self._later(text, kid)
        return self._now(text, kid)

    async def _later(self, text: str, kid: str) -> Verdict:
        try:
            await self._keys.refresh()
        except KeysUnavailable as error:
            return self._refused(str(error))
        return self._now(text, kid)

    def _now(self, text: str, kid: str) -> Verdict:
        try:
            token: VerifiedToken | None = self._keys.tokens.get(text)
            if token is None:
                token = verified(text, kid, self._keys)
                self._keys.remember(text, token)
            self._check(token.claims)
        except InvalidToken as error:
            return self._refused(str(error))
        scopes: list[str] | None = None
        if self._scopes:
            scopes = token.scopes
            if not any(scope in scopes for scope in self._scopes):
                description = f"expected scopes: [{' '.join(self._scopes)}]".translate(_QUOTED)
                return forbidden(
                    f"insufficient_scope: {description}", self._challenge("insufficient_scope", description)
                )
        said = {"claims": token.shown, "scopes": scopes}
        return Verdict(allowed=True, context={"jwt": said}, context_v1=said, variables=token.variables)

    def _check(self, claims: dict[str, Any]) -> None:
        if claims.get("iss") != self._issuer:
            raise InvalidToken("issuer does not match")
        audience = claims["aud"] if "aud" in claims else claims.get("client_id")
        named = audience if isinstance(audience, list) else [audience]
        if not any(isinstance(one, str) and one in self._audience for one in named):
            raise InvalidToken("the token does not have a valid audience")
        now = self._clock()
        expires = moment_of(claims, "exp")
        if expires is None:
            raise InvalidToken("the token does not have an expiration time")
        if expires <= now:
            raise InvalidToken("the token has expired")
        for name, what in (
            ("nbf", "the token is not valid yet"),
            ("iat", "the token was issued in the future"),
        ):
            moment = moment_of(claims, name)
            if moment is not None and moment > now:
                raise InvalidToken(what)

    def _refused(self, description: str) -> Verdict:
        # Parts of it are the client's, and it goes into a header and into logs.
        description = description.translate(_QUOTED)
        return unauthorized(f"invalid_token: {description}", self._challenge("invalid_token", description))

    def _challenge(self, error: str, description: str) -> tuple[tuple[str, str], ...]:
        scopes = " ".join(self._scopes).translate(_QUOTED)
        return (
            (
                "www-authenticate",
                f'Bearer scope="{scopes}" error="{error}" error_description="{description}"',
            ),
        )


def bare_token(value: str) -> str:
    """A token, with `Bearer` before it or without."""
    scheme, _, token = value.strip().partition(" ")
    return token.lstrip() if scheme.lower() == "bearer" else value.strip()


def key_id(text: str) -> str:
    """Whose signature a token has; nothing of it is believed yet. Raises InvalidToken."""
    segments = text.split(".")
    if len(segments) != 3:
        raise InvalidToken("token contains an invalid number of segments")
    header = _object(segments[0], "header")
    algorithm = header.get("alg")
    if algorithm not in ALGORITHMS:
        raise InvalidToken(f"signing method {str(algorithm)[:40]} is invalid")
    kid = header.get("kid")
    if not isinstance(kid, str):
        raise InvalidToken("the token does not name its key")
    return kid


def _object(segment: str, what: str) -> dict[str, Any]:
    try:
        value = _decode(binascii.a2b_base64(segment.translate(_URL_SAFE) + "=" * (-len(segment) % 4)))
    except (ValueError, msgspec.DecodeError, RecursionError):  # binascii.Error, UnicodeError are ValueErrors
        value = None
    if not isinstance(value, dict):
        raise InvalidToken(f"the token's {what} is not valid")
    return value


def verified(text: str, kid: str, keys: IssuerKeys) -> VerifiedToken:
    """A token, verified with the key that it names. Raises InvalidToken."""
    from joserfc.errors import JoseError
    from joserfc.jws import deserialize_compact

    key = keys.key(kid)
    if key is None:
        raise InvalidToken(f"unable to find a signing key that matches '{kid[:100]}'")
    try:
        payload = deserialize_compact(text, key, registry=_registry()).payload
    except (JoseError, ValueError, TypeError):
        raise InvalidToken("signature verification failed") from None
    try:
        claims = _decode(payload)
    except (ValueError, msgspec.DecodeError, RecursionError):
        claims = None
    if not isinstance(claims, dict):
        raise InvalidToken("the token's claims are not valid")
    shown = {name: _shown(value) for name, value in claims.items() if value is not None}
    variables = {f"claims.{name}": value for name, value in shown.items()}
    return VerifiedToken(kid, claims, shown, _scopes(claims), variables)


@cache
def _registry() -> JWSRegistry:
    from joserfc.jws import JWSRegistry

    # Identity providers put what they like into headers; what is marked critical is still checked.
    registry = JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
    registry.max_header_length = _HEADER
    return registry


def _scopes(claims: dict[str, Any]) -> list[str]:
    """The scopes of a token: a text of several, or a list."""
    for name in ("scp", "scope"):
        value = claims.get(name)
        if isinstance(value, str):
            return value.split()
        if isinstance(value, list):
            return [one for one in value if isinstance(one, str)]
    return []


def moment_of(claims: dict[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InvalidToken(f"the token's {name} is not a number")
    return value


def _shown(value: Any) -> str:
    """A claim as functions get it: text, lists as `[a b]`, objects as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return f"[{' '.join(map(_shown, value))}]"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return _encode(value).decode()
