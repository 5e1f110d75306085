"""DynamoDB's attribute values, `{"S": "text"}`, and the Python values that they stand for.

The JSON form, which the API and Lambda's stream events use: numbers are text, binary values base64.
Sources: "Data types and naming rules" of the DynamoDB developer guide for types and the range of numbers, and the
API reference, AttributeValue.

    S     str
    N     int when it is whole, else Decimal: exactly what was stored
    B     bytes
    BOOL  bool
    NULL  None
    L     list
    M     dict
    SS, NS, BS  set of str, of int and Decimal, of bytes
"""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any

import msgspec

from lambent.app.encoding import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_DIGITS = 38
_SMALLEST, _LARGEST = -130, 125
"""Exponents of the first digit of a number."""


def from_attribute(attribute: Mapping[str, Any]) -> Any:
    """The Python value. Raises ValueError for what is no attribute value."""
    try:
        ((kind, value),) = attribute.items()
        return _READ[kind](value)
    except (ValueError, KeyError, AttributeError, TypeError, ArithmeticError):
        raise ValueError(f"{attribute!r} is no attribute value of DynamoDB") from None


def from_attributes(item: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """An item, or a key, as Python values. Raises ValueError."""
    return {name: from_attribute(attribute) for name, attribute in item.items()}


def to_attribute(value: Any) -> dict[str, Any]:
    """A Python value as an attribute value: the types above, float, tuple, frozenset, Structs and what JSON can hold.

    A float becomes the number that it is printed as. Raises ValueError for numbers that DynamoDB cannot hold (38
    digits, 1E-130 to 9.99…E+125) and empty sets, TypeError for other types and for sets of several types.
    """
    write = _WRITE.get(value.__class__)
    if write is not None:
        return write(value)
    if isinstance(value, msgspec.Struct):
        # Not to_builtins, which would make lists of its sets.
        names = zip(value.__struct_encode_fields__, value.__struct_fields__, strict=True)
        return {"M": {name: to_attribute(getattr(value, field)) for name, field in names}}
    if isinstance(value, Enum):
        return to_attribute(value.value)
    for kind, write in _WRITE.items():
        if isinstance(value, kind):
            return write(value)
    try:
        known = msgspec.to_builtins(value, builtin_types=(Decimal, bytes), str_keys=True, enc_hook=plain)
    except NotImplementedError:
        known = value
    if known is value:
        raise TypeError(f"DynamoDB has no type for {type(value).__qualname__}")
    return to_attribute(known)


def to_attributes(item: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """An item, or a key, as attribute values. Raises ValueError and TypeError."""
    return {name: to_attribute(value) for name, value in item.items()}


def number(text: str) -> int | Decimal:
    """A number's text: int when it is whole. Raises ValueError or ArithmeticError."""
    try:
        return int(text)
    except ValueError:
        value = Decimal(text)
        if not value.is_finite() or value.adjusted() > _LARGEST:
            raise ValueError(text) from None
        whole = int(value)
        return whole if whole == value else value


def _binary(value: Any) -> bytes:
    return a2b_base64(value, strict_mode=True) if isinstance(value, str) else bytes(value)


def _same(value: Any) -> Any:
    return value


_READ: dict[str, Callable[[Any], Any]] = {
    "S": _same,
    "N": number,
    "M": from_attributes,
    "L": lambda values: [from_attribute(one) for one in values],
    "BOOL": _same,
    "NULL": lambda _: None,
    "B": _binary,
    "SS": set,
    "NS": lambda values: set(map(number, values)),
    "BS": lambda values: set(map(_binary, values)),
}


def _base64(value: Any) -> str:
    return b2a_base64(value, newline=False).decode()


def _number(value: Any) -> str:
    exact = Decimal(float.__repr__(value)) if isinstance(value, float) else Decimal(value)
    if not exact.is_finite():
        raise ValueError(f"{value} is no number for DynamoDB")
    if not exact:
        return "0"
    significant = len("".join(map(str, exact.as_tuple().digits)).strip("0"))
    if significant > _DIGITS or not _SMALLEST <= exact.adjusted() <= _LARGEST:
        raise ValueError(
            f"{value} is no number for DynamoDB: it has {_DIGITS} digits, from 1E{_SMALLEST} to 9.99…E+{_LARGEST}"
        )
    return str(exact)


def _integer(value: int) -> str:
    return str(value) if -(10**18) < value < 10**18 else _number(value)


def _set(values: Any) -> dict[str, Any]:
    if not values:
        raise ValueError("DynamoDB has no empty sets")
    kinds = {next(iter(to_attribute(value))) for value in values}
    if len(kinds) != 1 or not kinds <= {"S", "N", "B"}:
        raise TypeError("A set for DynamoDB is of text, of numbers or of bytes")
    (kind,) = kinds
    return {f"{kind}S": sorted(to_attribute(value)[kind] for value in values)}


def _map(values: Mapping[Any, Any]) -> dict[str, Any]:
    for name in values:
        if not isinstance(name, str):
            raise TypeError(f"Names of a map for DynamoDB are text, not {name!r}")
    return {"M": to_attributes(values)}


def _list(values: Any) -> dict[str, Any]:
    return {"L": [to_attribute(value) for value in values]}


_WRITE: dict[type, Callable[[Any], dict[str, Any]]] = {
    str: lambda value: {"S": value},
    bool: lambda value: {"BOOL": value},  # before int, which it is too
    int: lambda value: {"N": _integer(value)},
    float: lambda value: {"N": _number(value)},
    Decimal: lambda value: {"N": _number(value)},
    type(None): lambda _: {"NULL": True},
    dict: _map,
    list: _list,
    tuple: _list,
    set: _set,
    frozenset: _set,
    bytes: lambda value: {"B": _base64(value)},
    bytearray: lambda value: {"B": _base64(value)},
    memoryview: lambda value: {"B": _base64(value)},
}
