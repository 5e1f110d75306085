"""Signatures verified by the `cryptography` package, where it is installed.

It is 6 to 20 times as fast as the arithmetic here, and costs some 20 ms to import. So it is rented or bought: the
standard library does the work until it has spent as much time as that import takes, or until something else has
imported the package. The answers are the same: keys are checked here before either sees them, and so are the forms of
signatures.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

Backend = Literal["auto", "python", "cryptography"]

_LOADED = "cryptography.hazmat.primitives.asymmetric.rsa"
_WORTH = 0.02
"""Seconds of the standard library's arithmetic after which importing the package pays off."""

_spent = 0.0
_missing = False


def wanted(backend: Backend) -> bool:
    """Whether signatures are to be verified by the package now. Raises ImportError if it must be and is missing."""
    global _missing
    if backend == "python" or (
        backend == "auto" and (_missing or not (_spent > _WORTH or _LOADED in sys.modules))
    ):
        return False
    try:
        import cryptography.hazmat.primitives.asymmetric.rsa  # noqa: F401
    except ImportError:
        if backend == "cryptography":
            raise
        _missing = True
    return not _missing


def spent(seconds: float) -> None:
    """The standard library has worked that long."""
    global _spent
    _spent += seconds


def rsa(n: int, e: int) -> Callable[[str, bytes, bytes], bool]:
    """What checks (algorithm, message, signature) with the key."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers

    key = RSAPublicNumbers(e, n).public_key()
    kinds: dict[str, tuple[Any, Any]] = {}
    for bits, function in (("256", hashes.SHA256()), ("384", hashes.SHA384()), ("512", hashes.SHA512())):
        kinds["RS" + bits] = PKCS1v15(), function
        kinds["PS" + bits] = PSS(MGF1(function), PSS.DIGEST_LENGTH), function

    def check(alg: str, message: bytes, signature: bytes) -> bool:
        padding, function = kinds[alg]
        try:
            key.verify(signature, message, padding, function)
        except InvalidSignature:
            return False
        return True

    return check


def ecdsa(crv: str, x: int, y: int, size: int) -> Callable[[str, bytes, bytes], bool]:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    curve: ec.EllipticCurve
    function: hashes.HashAlgorithm
    if crv == "P-256":
        curve, function = ec.SECP256R1(), hashes.SHA256()
    elif crv == "P-384":
        curve, function = ec.SECP384R1(), hashes.SHA384()
    else:
        curve, function = ec.SECP521R1(), hashes.SHA512()
    key = ec.EllipticCurvePublicNumbers(x, y, curve).public_key()
    kind = ec.ECDSA(function)

    def check(alg: str, message: bytes, signature: bytes) -> bool:
        if len(signature) != 2 * size:
            return False
        r, s = int.from_bytes(signature[:size]), int.from_bytes(signature[size:])
        try:
            key.verify(encode_dss_signature(r, s), message, kind)
        except InvalidSignature:
            return False
        return True

    return check


def ed25519(public: bytes) -> Callable[[str, bytes, bytes], bool]:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    key = Ed25519PublicKey.from_public_bytes(public)

    def check(alg: str, message: bytes, signature: bytes) -> bool:
        try:
            key.verify(signature, message)
        except InvalidSignature:
            return False
        return True

    return check
