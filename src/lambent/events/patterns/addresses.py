"""IP addresses, and blocks of them in CIDR notation."""

from __future__ import annotations

import ipaddress
import re
from typing import Any, Final, TypeAlias

from lambent.events.patterns.errors import InvalidPattern

Address: TypeAlias = tuple[int, int]
"""An IP address: its length in bytes, and the number that it is."""

_IPV4: Final = re.compile(r"[0-9]+(?:\.[0-9]+){3}", re.ASCII)
_IPV6: Final = re.compile(r"[0-9a-fA-F:]*:[0-9a-fA-F:]*", re.ASCII)
_MASK: Final = re.compile(r"[+-]?[0-9]{1,10}", re.ASCII)
_MAX_INTEGER: Final = 2**31 - 1


def address_of(value: Any) -> Address | None:
    """The IP address that a text is, None for anything else.

    Groups of digits are decimal whatever they begin with. Zones, and IPv4 addresses at the end of others, are not read.
    """
    if type(value) is not str:
        return None
    if _IPV4.fullmatch(value):
        parts = value.split(".")
        if any(len(part.lstrip("0")) > 3 or int(part) > 255 for part in parts):
            return None
        return 4, int.from_bytes(bytes(map(int, parts)), "big")
    if _IPV6.fullmatch(value):
        try:
            number = int(ipaddress.IPv6Address(value))
        except ValueError:
            return None
        return 16, number
    return None


def range_of(block: str) -> tuple[Address, Address]:
    """The first and the last address of a block. Raises InvalidPattern, which then names no place, as on AWS."""
    parts = block.rstrip("/").split("/")
    if len(parts) != 2:
        raise InvalidPattern("Malformed CIDR, one '/' required")
    bits = int(parts[1]) if _MASK.fullmatch(parts[1]) else _MAX_INTEGER + 1
    if not -_MAX_INTEGER <= bits <= _MAX_INTEGER:
        raise InvalidPattern("Malformed CIDR, mask bits must be an integer")
    if bits < 0:
        raise InvalidPattern("Malformed CIDR, mask bits must not be negative")
    if not (_IPV4.fullmatch(parts[0]) or _IPV6.fullmatch(parts[0])):
        raise InvalidPattern(f"Nonstandard IP address: {parts[0]}")
    address = address_of(parts[0])
    if address is None:
        raise InvalidPattern(f"Invalid IP address: {parts[0]}")
    size, number = address
    if bits >= size * 8:
        raise InvalidPattern("IPv4 mask bits must be < 32" if size == 4 else "IPv6 mask bits must be < 128")
    others = (1 << (size * 8 - bits)) - 1
    return (size, number & ~others), (size, number | others)
