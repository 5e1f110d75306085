"""Public keys and secrets that verify: JSON Web Keys (RFC 7517, 7518, 8037), PEM files, secrets of HMAC.

A key knows which algorithms it fits: by its type and curve, and by its own `alg`, `use` and `key_ops`. So a public
key is never a secret, whatever a token says.
"""

from __future__ import annotations

import binascii
from time import perf_counter
from typing import TYPE_CHECKING, Any

from lambent.app.jwt import native

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

_EDDSA = ["EdDSA", "Ed25519"]
"""Two names of one algorithm."""

ALGORITHMS = frozenset(
    [family + bits for family in ("HS", "RS", "PS", "ES") for bits in ("256", "384", "512")] + _EDDSA
)
"""RFC 7518, section 3.1, without `none`; EdDSA of RFC 8037 and its other name in RFC 9864."""

_RSA_BITS = range(2048, 8192 + 1)
_RSA_EXPONENTS = range(3, 1 << 32)
_EC_ALGORITHMS = {"P-256": "ES256", "P-384": "ES384", "P-521": "ES512"}
_SECRET_BYTES = {"HS256": 32, "HS384": 48, "HS512": 64}
_MOST = 64 * 1024
"""Bytes of a literal key set. Fetched ones have a limit of their own."""

_URL_SAFE = bytes.maketrans(b"-_", b"+/")
_TO_URL_SAFE = bytes.maketrans(b"+/", b"-_")


def base64url(text: bytes) -> bytes:
    """Decodes base64url without padding (RFC 7515, section 2). Raises ValueError.

    Only the one encoding of the bytes is accepted: no other characters, no padding, no stray bits at the end.
    """
    decoded = binascii.a2b_base64(text.translate(_URL_SAFE) + b"=" * (-len(text) % 4))
    if binascii.b2a_base64(decoded, newline=False).translate(_TO_URL_SAFE).rstrip(b"=") != text:
        raise ValueError("not base64url without padding")
    return decoded


class Key:
    """What verifies signatures of some algorithms. `kid` is None for a key without a name."""

    __slots__ = ("_native", "algorithms", "kid")

    def __init__(self, kid: str | None, algorithms: frozenset[str]) -> None:
        self.kid = kid
        self.algorithms = algorithms
        self._native: Callable[[str, bytes, bytes], bool] | None = None

    def verify(self, alg: str, message: bytes, signature: bytes, backend: native.Backend = "auto") -> bool:
        """Whether it is this key's signature of the message. The algorithm is one of the key's."""
        if native.wanted(backend):
            if self._native is None:
                self._native = self._load()
            return self._native(alg, message, signature)
        began = perf_counter()
        answer = self._verify(alg, message, signature)
        native.spent(perf_counter() - began)
        return answer

    def _verify(self, alg: str, message: bytes, signature: bytes) -> bool:
        raise NotImplementedError

    def _load(self) -> Callable[[str, bytes, bytes], bool]:
        raise NotImplementedError


class Secret(Key):
    """A secret of HMAC. It is as long as the digest at least (RFC 7518, section 3.2), or does not fit the algorithm."""

    __slots__ = ("_secret",)

    def __init__(self, secret: bytes, kid: str | None = None) -> None:
        super().__init__(kid, frozenset(alg for alg, least in _SECRET_BYTES.items() if len(secret) >= least))
        if not self.algorithms:
            raise ValueError(
                "a secret has 32 bytes at least (48 for HS384, 64 for HS512): secrets.token_bytes(32)"
            )
        self._secret = secret

    def verify(self, alg: str, message: bytes, signature: bytes, backend: native.Backend = "auto") -> bool:
        import hmac

        return hmac.compare_digest(hmac.digest(self._secret, message, "sha" + alg[2:]), signature)


class RSAKey(Key):
    __slots__ = ("e", "n")

    def __init__(self, n: int, e: int, kid: str | None = None) -> None:
        super().__init__(kid, frozenset(alg for alg in ALGORITHMS if alg[:2] in ("RS", "PS")))
        if n.bit_length() not in _RSA_BITS or not n & 1:
            raise ValueError("an RSA modulus is odd and has 2048 to 8192 bits")
        if e not in _RSA_EXPONENTS or not e & 1:
            raise ValueError("an RSA exponent is odd, 3 at least and below 2**32")
        self.n, self.e = n, e

    def _verify(self, alg: str, message: bytes, signature: bytes) -> bool:
        from lambent.app.jwt import rsa

        return rsa.verify(alg, self.n, self.e, message, signature)

    def _load(self) -> Callable[[str, bytes, bytes], bool]:
        return native.rsa(self.n, self.e)


class ECKey(Key):
    __slots__ = ("_curve", "_table", "x", "y")

    def __init__(self, crv: str, x: int, y: int, kid: str | None = None) -> None:
        from lambent.app.jwt import ecdsa

        super().__init__(kid, frozenset([_EC_ALGORITHMS[crv]]))
        self._curve = ecdsa.CURVES[crv]
        if not ecdsa.on_curve(self._curve, x, y):
            raise ValueError(f"an EC key is not a point of {crv}")
        self.x, self.y = x, y
        self._table: list[ecdsa.Point] | None = None

    def _verify(self, alg: str, message: bytes, signature: bytes) -> bool:
        from lambent.app.jwt import ecdsa

        table = self._table
        if table is None:
            table = self._table = ecdsa.multiples(self._curve, (self.x, self.y))
        return ecdsa.verify(self._curve, table, message, signature)

    def _load(self) -> Callable[[str, bytes, bytes], bool]:
        return native.ecdsa(self._curve.name, self.x, self.y, self._curve.size)


class Ed25519Key(Key):
    __slots__ = ("_point", "_table", "public")

    def __init__(self, public: bytes, kid: str | None = None) -> None:
        from lambent.app.jwt import ed25519

        super().__init__(kid, frozenset(_EDDSA))
        self._point = ed25519.decode(public)
        self.public = public
        self._table: list[ed25519.Multiple] | None = None

    def _verify(self, alg: str, message: bytes, signature: bytes) -> bool:
        from lambent.app.jwt import ed25519

        table = self._table
        if table is None:
            table = self._table = ed25519.multiples(self._point)
        return ed25519.verify(self.public, table, message, signature)

    def _load(self) -> Callable[[str, bytes, bytes], bool]:
        return native.ed25519(self.public)


class KeySet:
    """Keys, found by name and algorithm."""

    __slots__ = ("keys",)

    def __init__(self, keys: Iterable[Key]) -> None:
        self.keys = tuple(keys)

    def find(self, kid: str | None, alg: str) -> list[Key]:
        """The keys that may have signed a token with this header, empty if none fits.

        Those of that name; else those without one, which go by any name. A token without `kid` may be signed by
        the only key that fits its algorithm, or by those without a name.
        """
        fitting = [key for key in self.keys if alg in key.algorithms]
        if kid is None:
            return fitting if len(fitting) == 1 else [key for key in fitting if key.kid is None]
        return [key for key in fitting if key.kid == kid] or [key for key in fitting if key.kid is None]


def read_jwk(jwk: Mapping[str, Any], *, secrets: bool = True) -> Key:
    """The key of a JWK. Raises ValueError for one that cannot verify; `secrets` says whether `oct` is allowed."""
    kid, kty = jwk.get("kid"), jwk.get("kty")
    if kid is not None and not isinstance(kid, str):
        raise ValueError("a key's kid is a string")
    if jwk.get("use", "sig") != "sig":
        raise ValueError("a key's use is not sig")
    operations = jwk.get("key_ops", ["verify"])
    if not isinstance(operations, list) or "verify" not in operations:
        raise ValueError("a key's key_ops do not have verify")
    key: Key
    if kty == "RSA":
        key = RSAKey(_number(jwk, "n"), _number(jwk, "e"), kid)
    elif kty == "EC":
        crv = jwk.get("crv")
        if not isinstance(crv, str) or crv not in _EC_ALGORITHMS:
            raise ValueError("an EC key's crv is none of P-256, P-384 and P-521")
        size = {"P-256": 32, "P-384": 48, "P-521": 66}[crv]
        x, y = _bytes(jwk, "x"), _bytes(jwk, "y")
        if len(x) != size or len(y) != size:
            raise ValueError("an EC key's x and y are as long as its curve's coordinates")
        key = ECKey(crv, int.from_bytes(x), int.from_bytes(y), kid)
    elif kty == "OKP":
        if jwk.get("crv") != "Ed25519":
            raise ValueError("an OKP key's crv is not Ed25519")
        key = Ed25519Key(_bytes(jwk, "x"), kid)
    elif kty == "oct" and secrets:
        key = Secret(_bytes(jwk, "k"), kid)
    else:
        raise ValueError("a key's kty is none of RSA, EC, OKP and, for keys that are not published, oct")
    alg = jwk.get("alg")
    if alg is not None:
        if not isinstance(alg, str):
            raise ValueError("a key's alg is a string")
        key.algorithms = key.algorithms.intersection(_EDDSA if alg in _EDDSA else [alg])
        if not key.algorithms:
            raise ValueError("a key's alg does not fit its kty, crv or length")
    return key


def read_jwks(jwks: object, *, secrets: bool = False) -> KeySet:
    """The keys of a JWK Set that can verify; the others are passed over (RFC 7517, section 5).

    Raises ValueError if it is no JWK Set.
    """
    entries = jwks.get("keys") if isinstance(jwks, dict) else None
    if not isinstance(entries, list):
        raise ValueError('a JWK Set is an object with a list "keys"')
    found: list[Key] = []
    for entry in entries:
        try:
            if isinstance(entry, dict):
                found.append(read_jwk(entry, secrets=secrets))
        except ValueError:
            continue
    return KeySet(found)


def read_keys(source: object, algorithms: frozenset[str]) -> KeySet:
    """The keys that a developer gives. Raises ValueError if they are none, or do not fit one of the algorithms.

    PEM text, a JWK or JWK Set (as a mapping or as JSON), bytes for a secret, a mapping of kid to any of those but
    a set, or a list of any.
    """
    found = list(_read(source, None))
    unfit = [key for key in found if not key.algorithms & algorithms]
    if unfit or not found:
        raise ValueError(
            f"keys: {len(unfit)} of {len(found)} fit none of the algorithms {', '.join(sorted(algorithms))}"
        )
    return KeySet(found)


def _read(source: object, kid: str | None) -> Iterable[Key]:
    if isinstance(source, (str, bytes)):
        yield from _read_text(source, kid)
    elif isinstance(source, dict):
        if "kty" in source:
            key = read_jwk(source)
            key.kid = key.kid if kid is None else kid
            yield key
        elif isinstance(source.get("keys"), list):
            yield from read_jwks(source, secrets=True).keys
        else:
            for name, each in source.items():
                if not isinstance(name, str):
                    raise ValueError("keys: names are strings")
                yield from _read(each, name)
    elif isinstance(source, (list, tuple)):
        for each in source:
            yield from _read(each, kid)
    else:
        raise ValueError(
            f"keys: PEM, JWK, JWKS or the bytes of a secret are expected, not {type(source).__name__}"
        )


def _read_text(source: str | bytes, kid: str | None) -> Iterable[Key]:
    text = source.encode() if isinstance(source, str) else source
    if len(text) > _MOST:
        raise ValueError(f"keys: at most {_MOST} bytes are read")
    start = text.lstrip()
    if start.startswith(b"-----BEGIN "):
        from lambent.app.jwt import der

        key = der.read_pem(text)
        if key.kty == "RSA":
            yield RSAKey(key.n, key.e, kid)
        elif key.kty == "EC":
            yield ECKey(key.crv, key.x, key.y, kid)
        else:
            yield Ed25519Key(key.x, kid)
    elif start.startswith(b"{") and isinstance(source, str):
        import msgspec

        yield from _read(msgspec.json.decode(text), kid)
    elif isinstance(source, str) or start.startswith((b"ssh-", b"ecdsa-sha2-")):
        # A secret is given as bytes, so that a path or another format of key is never taken for one.
        raise ValueError("keys: a string is PEM or JSON; a secret is given as bytes")
    else:
        yield Secret(source, kid)


def _bytes(jwk: Mapping[str, Any], name: str) -> bytes:
    value = jwk.get(name)
    if not isinstance(value, str) or not value.isascii():
        raise ValueError(f"a key's {name} is not base64url without padding")
    if len(value) > 2048:
        raise ValueError(f"a key's {name} is too long")
    try:
        return base64url(value.encode())
    except ValueError:
        raise ValueError(f"a key's {name} is not base64url without padding") from None


def _number(jwk: Mapping[str, Any], name: str) -> int:
    return int.from_bytes(_bytes(jwk, name))
