"""Cognito user pools as authorizers.

"Control access to REST APIs using Amazon Cognito user pools as an authorizer" of the developer guide: without scopes an
identity token of one of the pools is taken, with scopes an access token that has one of them. A validation expression
is for the audience, which access tokens have not got. Claims reach functions as
text; lists are joined with commas, as on AWS (aws/aws-lambda-go, events/testdata/apigw-request.json, and
`cognito:groups` in aws-powertools/powertools-lambda-python).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from lambent.gateway.authorizers.jwt import InvalidToken, bare_token, key_id, moment_of, verified
from lambent.gateway.authorizers.keys import KeysUnavailable
from lambent.gateway.rest_api.refusals import EXPIRED, UNAUTHORIZED
from lambent.gateway.rest_api.responding import value_of
from lambent.gateway.rest_api.time_limit import matches

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from lambent.gateway.authorizers.jwt import VerifiedToken
    from lambent.gateway.authorizers.keys import IssuerKeys, Issuers
    from lambent.gateway.rest_api.exchange import RestExchange
    from lambent.gateway.rest_api.records import Authorizer
    from lambent.gateway.rest_api.refusals import Refusal

_POOL: Final = re.compile(
    r"arn:(?P<partition>[^:]+):cognito-idp:(?P<region>[^:]+):\d{12}:userpool/(?P<id>.+)"
)


class PoolAuthorizer:
    """Checks the tokens of some user pools. `clock` gives epoch seconds."""

    def __init__(self, record: Authorizer, issuers: Issuers, clock: Callable[[], float]) -> None:
        self.record = record
        self._clock = clock
        self._keys: dict[str, IssuerKeys] = {}
        for arn in record.provider_arns or ():
            found = _POOL.fullmatch(arn)
            if found is not None:
                suffix = ".cn" if found["partition"] == "aws-cn" else ""
                issuer = f"https://cognito-idp.{found['region']}.amazonaws.com{suffix}/{found['id']}"
                self._keys[issuer] = issuers.keys(issuer)
        self._source = (record.identity_source or "method.request.header.Authorization").strip()
        expression = record.identity_validation_expression
        self._audience = re.compile(expression) if expression else None

    def forget(self) -> None:
        """Nothing is kept but keys, which are the pools'."""

    def authorize(self, exchange: RestExchange) -> Refusal | Awaitable[Refusal | None] | None:
        """Judge a request; later, when keys have to be fetched."""
        text = bare_token(value_of(exchange, self._source) or "")
        if not text:
            exchange.authorizer_error = "the request has no token"
            return UNAUTHORIZED
        try:
            kid = key_id(text)
            keys = self._keys_of(text)
        except InvalidToken as error:
            exchange.authorizer_error = str(error)
            return UNAUTHORIZED
        if keys.wants(kid):
            return self._later(exchange, text, kid, keys)
        return self._now(exchange, text, kid, keys)

    async def _later(self, exchange: RestExchange, text: str, kid: str, keys: IssuerKeys) -> Refusal | None:
        try:
            await keys.refresh()
        except KeysUnavailable as error:
            exchange.authorizer_error = str(error)
            return UNAUTHORIZED
        return self._now(exchange, text, kid, keys)

    def _now(self, exchange: RestExchange, text: str, kid: str, keys: IssuerKeys) -> Refusal | None:
        try:
            token: VerifiedToken | None = keys.tokens.get(text)
            if token is None:
                token = verified(text, kid, keys)
                keys.remember(text, token)
            claims = token.claims
            if claims.get("iss") != keys.issuer:
                raise InvalidToken("issuer does not match")
            expires = moment_of(claims, "exp")
            if expires is None or expires <= self._clock():
                exchange.authorizer_error = "the token has expired"
                return EXPIRED
            self._check_use(exchange, token)
        except InvalidToken as error:
            exchange.authorizer_error = str(error)
            return UNAUTHORIZED
        exchange.authorizer = {"claims": {name: _shown(value) for name, value in claims.items()}}
        return None

    def _check_use(self, exchange: RestExchange, token: VerifiedToken) -> None:
        wanted = exchange.method.method.authorization_scopes
        use = token.claims.get("token_use")
        if wanted:
            if not any(scope in token.scopes for scope in wanted):
                raise InvalidToken("the token has none of the scopes")
        elif use != "id":
            raise InvalidToken("the token is no identity token")
        if self._audience is not None:
            audience = token.claims.get("aud")
            if not isinstance(audience, str) or not matches(self._audience, audience):
                raise InvalidToken("the token's audience is not what the validation expression wants")

    def _keys_of(self, text: str) -> IssuerKeys:
        """The keys of the pool that a token says it is from; nothing of it is believed yet. Raises InvalidToken."""
        if len(self._keys) == 1:
            return next(iter(self._keys.values()))
        issuer = _claimed_issuer(text)
        keys = self._keys.get(issuer)
        if keys is None:
            raise InvalidToken("issuer does not match")
        return keys


def _claimed_issuer(text: str) -> str:
    import base64

    segment = text.split(".")[1]
    try:
        claims: Any = msgspec.json.decode(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))
    except (ValueError, msgspec.DecodeError, RecursionError):
        claims = None
    issuer = claims.get("iss") if isinstance(claims, dict) else None
    if not isinstance(issuer, str):
        raise InvalidToken("the token does not name its issuer")
    return issuer


def _shown(value: Any) -> str:
    """A claim as functions get it."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return ",".join(map(_shown, value))
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return msgspec.json.encode(value).decode()
