"""ECDSA signatures on the curves of NIST, verified (FIPS 186-5, section 6.4.2; JWS: RFC 7518, section 3.4).

The arithmetic is on Jacobian coordinates; both scalars are read together, in windowed non-adjacent form. It takes no
care to be of constant time: a verifier knows no secret.
"""

from __future__ import annotations

import hashlib
from typing import NamedTuple

Point = tuple[int, int]
_Jacobian = tuple[int, int, int]


class Curve(NamedTuple):
    """y² = x³ - 3x + b over the integers modulo p; the base point `g` has the prime order n (SP 800-186)."""

    name: str
    p: int
    b: int
    n: int
    g: Point
    size: int
    """Bytes of a coordinate."""
    digest: str
    """The hash function that RFC 7518 pairs it with. It is never longer than n: nothing has to be cut off."""


CURVES = {
    "P-256": Curve(
        "P-256",
        0xFFFFFFFF00000001000000000000000000000000FFFFFFFFFFFFFFFFFFFFFFFF,
        0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
        0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551,
        (
            0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
            0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
        ),
        32,
        "sha256",
    ),
    "P-384": Curve(
        "P-384",
        (1 << 384) - (1 << 128) - (1 << 96) + (1 << 32) - 1,
        0xB3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE8141120314088F5013875AC656398D8A2ED19D2A85C8EDD3EC2AEF,
        0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973,
        (
            0xAA87CA22BE8B05378EB1C71EF320AD746E1D3B628BA79B9859F741E082542A385502F25DBF55296C3A545E3872760AB7,
            0x3617DE4A96262C6F5D9E98BF9292DC29F8F41DBD289A147CE9DA3113B5F0B8C00A60B1CE1D7E819D7A431D7C90EA0E5F,
        ),
        48,
        "sha384",
    ),
    "P-521": Curve(
        "P-521",
        (1 << 521) - 1,
        int(
            "0051953EB9618E1C9A1F929A21A0B68540EEA2DA725B99B315F3B8B489918EF109E156193951EC7E937B1652C0BD3BB1BF07"
            "3573DF883D2C34F1EF451FD46B503F00",
            16,
        ),
        (1 << 521) - (1 << 260) + 0xA51868783BF2F966B7FCC0148F709A5D03BB5C9B8899C47AEBB6FB71E91386409,
        (
            int(
                "00C6858E06B70404E9CD9E3ECB662395B4429C648139053FB521F828AF606B4D3DBAA14B5E77EFE75928FE1DC127A2FFA8DE"
                "3348B3C1856A429BF97E7E31C2E5BD66",
                16,
            ),
            int(
                "011839296A789A3BC0045C8A5FB42C7D1BD998F54449579B446817AFBD17273E662C97EE72995EF42640C550B9013FAD0761"
                "353C7086A272C24088BE94769FD16650",
                16,
            ),
        ),
        66,
        "sha512",
    ),
}

_BASE_WINDOW = 7
_KEY_WINDOW = 5
_base_tables: dict[str, list[Point]] = {}


def on_curve(curve: Curve, x: int, y: int) -> bool:
    """Whether it is a point of the curve. The curves have cofactor 1: every point is of order n."""
    p = curve.p
    return 0 <= x < p and 0 <= y < p and (y * y - (x * x - 3) * x - curve.b) % p == 0


def verify(curve: Curve, table: list[Point], message: bytes, signature: bytes) -> bool:
    """Whether it is the key's signature, r and s in `curve.size` bytes each. `table` is `multiples` of the key."""
    size, n, p = curve.size, curve.n, curve.p
    if len(signature) != 2 * size:
        return False
    r, s = int.from_bytes(signature[:size]), int.from_bytes(signature[size:])
    if not (0 < r < n and 0 < s < n):
        return False
    z = int.from_bytes(hashlib.new(curve.digest, message).digest())
    inverse = pow(s, -1, n)
    base = _base_tables.get(curve.name)
    if base is None:
        base = _base_tables[curve.name] = multiples(curve, curve.g, _BASE_WINDOW)
    x, _, denominator = _sum(p, base, z * inverse % n, table, r * inverse % n)
    if denominator == 0:
        return False
    # x / denominator² ≡ r (mod n), without the division: x is below p, so it is r or r + n.
    square = denominator * denominator % p
    return x == r * square % p or (r + n < p and x == (r + n) * square % p)


def multiples(curve: Curve, point: Point, window: int = _KEY_WINDOW) -> list[Point]:
    """1, 3, 5 … times the point, as many as a window of that many bits needs."""
    p = curve.p
    x, y, z = _double(p, (*point, 1))
    twice = _affine(p, [(x, y, z)])[0]
    found: list[_Jacobian] = [(*point, 1)]
    for _ in range((1 << (window - 2)) - 1):
        found.append(_add(p, found[-1], twice))
    return _affine(p, found)


def _affine(p: int, points: list[_Jacobian]) -> list[Point]:
    """The points with z = 1, for the price of one inversion (Montgomery's trick)."""
    products = [1]
    for _, _, z in points:
        products.append(products[-1] * z % p)
    inverse = pow(products[-1], -1, p)
    found: list[Point] = []
    for (x, y, z), before in zip(reversed(points), reversed(products[:-1]), strict=True):
        own = inverse * before % p
        inverse = inverse * z % p
        square = own * own % p
        found.append((x * square % p, y * square * own % p))
    return found[::-1]


def _digits(scalar: int, window: int) -> list[int]:
    """The windowed non-adjacent form, least significant first: odd digits, at least `window - 1` zeros between two."""
    found: list[int] = []
    half, mask = 1 << (window - 1), (1 << window) - 1
    while scalar:
        if scalar & 1:
            digit = scalar & mask
            if digit >= half:
                digit -= mask + 1
            scalar -= digit
            found.append(digit)
        else:
            found.append(0)
        scalar >>= 1
    return found


def _sum(p: int, base: list[Point], u1: int, table: list[Point], u2: int) -> _Jacobian:
    """u1 times the base point plus u2 times the key."""
    first, second = _digits(u1, _BASE_WINDOW), _digits(u2, _KEY_WINDOW)
    length = max(len(first), len(second))
    first += [0] * (length - len(first))
    second += [0] * (length - len(second))
    total: _Jacobian = (0, 1, 0)
    for one, two in zip(reversed(first), reversed(second), strict=True):
        total = _double(p, total)
        if one:
            x, y = base[abs(one) >> 1]
            total = _add(p, total, (x, y if one > 0 else p - y))
        if two:
            x, y = table[abs(two) >> 1]
            total = _add(p, total, (x, y if two > 0 else p - y))
    return total


def _double(p: int, point: _Jacobian) -> _Jacobian:
    x, y, z = point
    square = z * z % p
    gamma = y * y % p
    beta = x * gamma % p
    alpha = 3 * (x - square) * (x + square) % p
    doubled = (alpha * alpha - 8 * beta) % p
    return doubled, (alpha * (4 * beta - doubled) - 8 * gamma * gamma) % p, 2 * y * z % p


def _add(p: int, point: _Jacobian, other: Point) -> _Jacobian:
    """A point plus an affine one, which is never the point at infinity."""
    x, y, z = point
    if z == 0:
        return (*other, 1)
    square = z * z % p
    h = (other[0] * square - x) % p
    r = (other[1] * square * z - y) % p
    if h == 0:
        return _double(p, point) if r == 0 else (0, 1, 0)
    hh = h * h % p
    hhh = h * hh % p
    v = x * hh % p
    added = (r * r - hhh - 2 * v) % p
    return added, (r * (v - added) - y * hhh) % p, z * h % p
