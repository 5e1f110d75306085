"""The public keys of token issuers: found by discovery, kept, and fetched again when they are old or unknown.

As "Control access to HTTP APIs with JWT authorizers" says: the keys are at the issuer's `jwks_uri`, they may be kept
for two hours, and a token is verified with the key that its `kid` names.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from typing import TYPE_CHECKING, Any, Final

import msgspec

from lambent.gateway.authorizers.fetch import FetchFailed

if TYPE_CHECKING:
    from collections.abc import Callable

    from joserfc.jwk import RSAKey

    from lambent.gateway.authorizers.fetch import Fetch

KEPT_S: Final = 7_200.0
"""Seconds for which keys are believed without asking again."""
PAUSE_S: Final = 5.0
"""Seconds between two fetches of keys that are there: so often may unknown key ids and a silent issuer ask for them."""

_DISCOVERY_FAILED: Final = "OIDC discovery endpoint communication error"
_KEYS_FAILED: Final = "JWKS communication error"
_USER_POOL: Final = re.compile(r"https://cognito-idp\.[a-z0-9-]+\.amazonaws\.com(\.cn)?/[\w-]+")
# Of a modulus in base64url: 8,192 bits. Verifying with more takes the loop's time.
_MODULUS: Final = 1_400
_EXPONENT: Final = 8
_KEYS: Final = 200
_TOKENS: Final = 1_024

_log = logging.getLogger(__name__)
_decode = msgspec.json.Decoder().decode


class KeysUnavailable(Exception):
    """There are no keys, and none can be had; the text is AWS's."""


class IssuerKeys:
    """The keys of one issuer, by key id. `tokens` holds what those keys have verified, and goes with them."""

    def __init__(self, issuer: str, fetch: Fetch, clock: Callable[[], float]) -> None:
        self.issuer = issuer
        self.tokens: dict[str, Any] = {}
        self._fetch = fetch
        self._clock = clock
        self._keys: dict[str, RSAKey] = {}
        self._fetched_at: float | None = None
        self._tried_at = 0.0
        self._under_way: asyncio.Task[None] | None = None
        self._said = ""

    def wants(self, kid: str) -> bool:
        """Whether keys have to be fetched before a token with this key id can be judged."""
        now = self._clock()
        if self._fetched_at is None:
            return True
        if now - self._tried_at < PAUSE_S:
            return False
        return kid not in self._keys or now - self._fetched_at >= KEPT_S

    def key(self, kid: str) -> RSAKey | None:
        """The key with this id."""
        return self._keys.get(kid)

    async def refresh(self) -> None:
        """Fetch the keys, once for all who ask meanwhile; old ones stay when that fails.

        Raises KeysUnavailable when there are none.
        """
        if self._under_way is None:
            # A task of its own, so that it goes on when who has asked for it does not wait any longer.
            self._under_way = asyncio.get_running_loop().create_task(self._refresh())
            self._under_way.add_done_callback(self._refreshed)
        await asyncio.shield(self._under_way)

    def _refreshed(self, task: asyncio.Task[None]) -> None:
        self._under_way = None
        if not task.cancelled():
            task.exception()  # seen, even where nobody waits any more

    async def _refresh(self) -> None:
        try:
            keys = await self._fetched()
        except KeysUnavailable:
            self._tried_at = self._clock()
            if self._fetched_at is None:
                raise
            return
        self._tried_at = self._fetched_at = self._clock()
        self._keys = keys
        self._said = ""
        self.tokens = {}

    async def _fetched(self) -> dict[str, RSAKey]:
        if _USER_POOL.fullmatch(self.issuer):
            # "Verifying JSON web tokens" of the Cognito developer guide says where they are.
            where = f"{self.issuer}/.well-known/jwks.json"
        else:
            url = f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
            named = (await self._json(url, _DISCOVERY_FAILED)).get("jwks_uri")
            if not isinstance(named, str):
                self._say(f"{url} has no jwks_uri")
                raise KeysUnavailable(_DISCOVERY_FAILED)
            where = named
        found = (await self._json(where, _KEYS_FAILED)).get("keys")
        if not isinstance(found, list):
            self._say(f"{where} has no keys")
            raise KeysUnavailable(_KEYS_FAILED)
        # It takes a tenth of a second to import.
        await asyncio.to_thread(_library)
        return _read(found)

    async def _json(self, url: str, failure: str) -> dict[str, Any]:
        try:
            value = _decode(await self._fetch(url))
        except FetchFailed as error:
            self._say(str(error))
            raise KeysUnavailable(failure) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._say(f"{url} is no JSON")
            raise KeysUnavailable(failure) from None
        if not isinstance(value, dict):
            self._say(f"{url} is no JSON object")
            raise KeysUnavailable(failure)
        return value

    def _say(self, what: str) -> None:
        """Log why there are no keys: once, as strangers' requests make it be tried again and again."""
        if what != self._said:
            self._said = what
            _log.warning("no keys of the token issuer %s: %s", self.issuer, what)

    def remember(self, token: str, verified: Any) -> None:
        """Keep what a token says that has been verified."""
        if len(self.tokens) >= _TOKENS:
            del self.tokens[next(iter(self.tokens))]
        self.tokens[token] = verified


class Issuers:
    """The keys of all issuers. `clock` gives seconds."""

    def __init__(self, fetch: Fetch, clock: Callable[[], float] = time.monotonic) -> None:
        self._fetch = fetch
        self._clock = clock
        self._issuers: dict[str, IssuerKeys] = {}

    def keys(self, issuer: str) -> IssuerKeys:
        """The keys of an issuer, fetched or not."""
        found = self._issuers.get(issuer)
        if found is None:
            found = self._issuers[issuer] = IssuerKeys(issuer, self._fetch, self._clock)
        return found

    def clear(self) -> None:
        """Forget all keys."""
        self._issuers.clear()


def _library() -> None:
    import joserfc.jwk
    import joserfc.jws  # noqa: F401


def _read(found: list[Any]) -> dict[str, RSAKey]:
    """The RSA keys for signatures among those of a JSON Web Key Set; others, and what is no key, are left out."""
    import warnings

    from joserfc.errors import JoseError
    from joserfc.jwk import RSAKey

    keys: dict[str, RSAKey] = {}
    for one in found[:_KEYS]:
        if not isinstance(one, dict) or one.get("kty") != "RSA" or one.get("use", "sig") != "sig":
            continue
        kid, modulus, exponent = one.get("kid"), one.get("n"), one.get("e")
        if not (isinstance(kid, str) and isinstance(modulus, str) and isinstance(exponent, str)):
            continue
        if len(modulus) > _MODULUS or len(exponent) > _EXPONENT or kid in keys:
            continue
        try:
            with warnings.catch_warnings(action="ignore"):  # about short ones: that is the issuer's to decide
                keys[kid] = RSAKey.import_key({"kty": "RSA", "n": modulus, "e": exponent, "kid": kid})
        except (JoseError, ValueError, TypeError):
            continue
    return keys
