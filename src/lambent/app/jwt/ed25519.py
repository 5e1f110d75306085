"""Ed25519 signatures, verified (RFC 8032, section 5.1.7; JWS: RFC 8037, section 3.1).

The equation is the one without the cofactor, and R is compared as the bytes it was sent as: OpenSSL's choice, so that
both ways to verify give the same answers. Keys are decoded strictly, and those of small order are refused: anybody
could sign for them.
"""

from __future__ import annotations

import hashlib

P = (1 << 255) - 19
L = (1 << 252) + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, P) % P
_ROOT = pow(2, (P - 1) // 4, P)
_WINDOW = 5

Extended = tuple[int, int, int, int]
"""x = X/Z, y = Y/Z, xy = T/Z."""
Multiple = tuple[int, int, int]
"""Of an affine point: y + x, y - x, 2dxy."""

_IDENTITY: Extended = (0, 1, 1, 0)
_base_table: list[Multiple] = []


def decode(key: bytes) -> Extended:
    """The point that a public key of 32 bytes encodes (RFC 8032, section 5.1.3). Raises ValueError if it is none."""
    if len(key) != 32:
        raise ValueError("an Ed25519 public key has 32 bytes")
    number = int.from_bytes(key, "little")
    y, sign = number & ((1 << 255) - 1), number >> 255
    if y >= P:
        raise ValueError("an Ed25519 public key is not in its canonical form")
    square = (y * y - 1) * pow(_D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * _ROOT % P
    if (x * x - square) % P or (x == 0 and sign):
        raise ValueError("an Ed25519 public key is not a point of the curve")
    if x & 1 != sign:
        x = P - x
    point = (x, y, 1, x * y % P)
    eighth = _double(_double(_double(point)))
    if eighth[0] == 0 and eighth[1] == eighth[2]:
        raise ValueError("an Ed25519 public key is of small order")
    return point


def multiples(point: Extended) -> list[Multiple]:
    """1, 3, 5 … times the point, for `verify`."""
    twice = _prepare(_double(point))
    found = [point]
    for _ in range((1 << (_WINDOW - 2)) - 1):
        found.append(_add(found[-1], twice))
    return [_prepare(each) for each in found]


def verify(key: bytes, table: list[Multiple], message: bytes, signature: bytes) -> bool:
    """Whether it is the key's signature. `table` is `multiples(decode(key))`."""
    if len(signature) != 64:
        return False
    s = int.from_bytes(signature[32:], "little")
    if s >= L:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + key + message).digest(), "little") % L
    if not _base_table:
        y = 4 * pow(5, -1, P) % P
        _base_table[:] = multiples(decode(y.to_bytes(32, "little")))
    x, y, z = _difference(s, _base_table, h, table)
    inverse = pow(z, -1, P)
    x, y = x * inverse % P, y * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little") == signature[:32]


def _digits(scalar: int) -> list[int]:
    """The windowed non-adjacent form, least significant first."""
    found: list[int] = []
    half, mask = 1 << (_WINDOW - 1), (1 << _WINDOW) - 1
    while scalar:
        digit = 0
        if scalar & 1:
            digit = scalar & mask
            if digit >= half:
                digit -= mask + 1
            scalar -= digit
        found.append(digit)
        scalar >>= 1
    return found


def _difference(s: int, base: list[Multiple], h: int, table: list[Multiple]) -> tuple[int, int, int]:
    """s times the base point minus h times the key. (Not plus L - h times: a key can have a part of small order.)"""
    first, second = _digits(s), _digits(h)
    length = max(len(first), len(second))
    first += [0] * (length - len(first))
    second += [0] * (length - len(second))
    total = _IDENTITY
    for one, two in zip(reversed(first), reversed(second), strict=True):
        total = _double(total)
        if one:
            total = _add(total, base[one >> 1] if one > 0 else _negative(base[-one >> 1]))
        if two:
            total = _add(total, _negative(table[two >> 1]) if two > 0 else table[-two >> 1])
    return total[:3]


def _prepare(point: Extended) -> Multiple:
    inverse = pow(point[2], -1, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y + x) % P, (y - x) % P, 2 * _D * x * y % P


def _negative(multiple: Multiple) -> Multiple:
    return multiple[1], multiple[0], -multiple[2]


def _double(point: Extended) -> Extended:
    """RFC 8032, section 5.1.4."""
    x, y, z, _ = point
    a, b = x * x % P, y * y % P
    h = a + b
    e = h - (x + y) * (x + y) % P
    g = a - b
    f = 2 * z * z + g
    return e * f % P, g * h % P, f * g % P, e * h % P


def _add(point: Extended, other: Multiple) -> Extended:
    """RFC 8032, section 5.1.4; complete: it holds for any two points."""
    x, y, z, t = point
    a, b, c, d = (y - x) * other[1] % P, (y + x) * other[0] % P, t * other[2] % P, 2 * z
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P
