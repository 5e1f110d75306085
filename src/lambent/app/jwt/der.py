"""Public keys in PEM files: the SubjectPublicKeyInfo of RFC 5280, read strictly.

RFC 8017 (appendix A.1.1) describes RSA keys, RFC 5480 those of the curves of NIST, RFC 8410 Ed25519. DER has one form
for each value, and any other is refused: longer lengths than needed, indefinite ones, anything left over.
"""

from __future__ import annotations

import binascii
import re
from typing import Literal, NamedTuple

_PEM = re.compile(rb"\s*-----BEGIN ([A-Z0-9 ]+)-----([A-Za-z0-9+/=\s]*)-----END \1-----\s*")
_MOST = 8192
"""Bytes of a PEM file. An RSA key of 8192 bits has 1,500."""

_INTEGER, _BITS, _NULL, _OID, _SEQUENCE = 0x02, 0x03, 0x05, 0x06, 0x30

_RSA = bytes.fromhex("2a864886f70d010101")
_EC = bytes.fromhex("2a8648ce3d0201")
_ED25519 = bytes.fromhex("2b6570")
_CURVES = {
    bytes.fromhex("2a8648ce3d030107"): ("P-256", 32),
    bytes.fromhex("2b81040022"): ("P-384", 48),
    bytes.fromhex("2b81040023"): ("P-521", 66),
}


class RSA(NamedTuple):
    n: int
    e: int
    kty: Literal["RSA"] = "RSA"


class EC(NamedTuple):
    crv: str
    x: int
    y: int
    kty: Literal["EC"] = "EC"


class OKP(NamedTuple):
    x: bytes
    kty: Literal["OKP"] = "OKP"


def read_pem(pem: bytes) -> RSA | EC | OKP:
    """The key of a PEM file with one "PUBLIC KEY" block. Raises ValueError, also for keys of other kinds."""
    if len(pem) > _MOST:
        raise ValueError(f"a PEM file of a public key is at most {_MOST} bytes long")
    match = _PEM.fullmatch(pem)
    if match is None:
        raise ValueError("not a PEM file with one block")
    if match[1] != b"PUBLIC KEY":
        label = match[1].decode()
        mend = {
            "CERTIFICATE": "openssl x509 -pubkey -noout -in FILE",
            "RSA PUBLIC KEY": "openssl rsa -RSAPublicKey_in -pubout -in FILE",
        }.get(label, "openssl pkey -pubout -in FILE")
        raise ValueError(f'a PEM file with "PUBLIC KEY" is needed, this is "{label}": {mend}')
    try:
        der = binascii.a2b_base64(b"".join(match[2].split()), strict_mode=True)
    except binascii.Error:
        raise ValueError("the PEM file is not base64") from None
    return read_spki(der)


def read_spki(der: bytes) -> RSA | EC | OKP:
    """The key of a SubjectPublicKeyInfo. Raises ValueError."""
    info = _only_sequence(der)
    algorithm = info.within(_SEQUENCE)
    kind = algorithm.take(_OID)
    bits = info.take(_BITS)
    info.finish()
    if not bits or bits[0]:
        raise ValueError("the key is not a whole number of bytes")
    key = bits[1:]
    if kind == _RSA:
        if algorithm.take(_NULL):
            raise ValueError("the algorithm of an RSA key has a NULL for parameters")
        algorithm.finish()
        numbers = _only_sequence(key)
        n, e = numbers.integer(), numbers.integer()
        numbers.finish()
        return RSA(n, e)
    if kind == _EC:
        curve = algorithm.take(_OID)
        algorithm.finish()
        if curve not in _CURVES:
            raise ValueError("the curve is none of P-256, P-384 and P-521")
        crv, size = _CURVES[curve]
        if len(key) != 1 + 2 * size or key[0] != 4:
            raise ValueError("the point of an EC key is given uncompressed, both coordinates in full")
        return EC(crv, int.from_bytes(key[1 : 1 + size]), int.from_bytes(key[1 + size :]))
    if kind == _ED25519:
        algorithm.finish()
        return OKP(key)
    raise ValueError("the key is none of RSA, EC and Ed25519")


def _only_sequence(der: bytes) -> _Reader:
    outer = _Reader(der)
    inner = outer.within(_SEQUENCE)
    outer.finish()
    return inner


class _Reader:
    """One level of a DER encoding."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, tag: int) -> bytes:
        """The content of the next value, which has that tag."""
        data, at = self._data, self._at
        if len(data) < at + 2 or data[at] != tag:
            raise ValueError("not the DER encoding of a public key")
        length, at = data[at + 1], at + 2
        if length & 0x80:
            size = length & 0x7F
            length = int.from_bytes(data[at : at + size])
            at += size
            # 1 to 2 bytes of length: 64 KB, more than any key needs.
            if not 1 <= size <= 2 or length < (0x80, 0x100)[size - 1]:
                raise ValueError("the DER encoding has a length in a form that is not allowed")
        if len(data) < at + length:
            raise ValueError("the DER encoding ends early")
        self._at = at + length
        return data[at : self._at]

    def within(self, tag: int) -> _Reader:
        return _Reader(self.take(tag))

    def integer(self) -> int:
        """A non-negative INTEGER in as few bytes as possible."""
        data = self.take(_INTEGER)
        if not data or data[0] & 0x80 or (len(data) > 1 and data[0] == 0 and not data[1] & 0x80):
            raise ValueError("the DER encoding has a number in a form that is not allowed")
        return int.from_bytes(data)

    def finish(self) -> None:
        if self._at != len(self._data):
            raise ValueError("the DER encoding has something left over")
