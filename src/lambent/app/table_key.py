"""Which type of DynamoDB a key's attribute has, by what the app declares of it.

Source: "Core components of Amazon DynamoDB", primary key: "The only data types allowed for primary key attributes are
string, number, or binary."
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from lambent.app.conversion import members
from lambent.app.errors import AppError

KeyType: TypeAlias = Literal["S", "N", "B"]

_NEVER = (bool, dict, frozenset, list, set, tuple)


def key_type(declared: Any, where: str) -> KeyType:
    """The type of a key that is declared so; None beside another type is left out: such an item is not in an index.

    Raises AppError, whose message begins with `where`, for what cannot be a key.
    """
    found = {_kind(one) for one in members(declared) if one not in (None, type(None))}
    if len(found) == 1 and None not in found:
        return found.pop()  # type: ignore[return-value]
    raise AppError(f"{where} is {declared!r}, which cannot be a key: text, a number or bytes can")


def _kind(declared: Any) -> KeyType | None:
    """Of what is no union."""
    from decimal import Decimal
    from enum import Enum

    if hasattr(declared, "__metadata__"):  # Annotated
        declared = declared.__origin__
    origin = getattr(declared, "__origin__", None)
    if origin is Literal:
        return _one({_kind(type(value)) for value in declared.__args__})
    kind = origin or declared
    if not isinstance(kind, type) or kind in _NEVER:
        return None
    if issubclass(kind, Enum):
        return _one({_kind(type(member.value)) for member in kind})
    if issubclass(kind, (int, float, Decimal)):
        return "N"
    if issubclass(kind, (bytes, bytearray, memoryview)):
        return "B"
    return None if hasattr(kind, "__struct_fields__") or hasattr(kind, "__dataclass_fields__") else "S"


def _one(kinds: set[KeyType | None]) -> KeyType | None:
    return kinds.pop() if len(kinds) == 1 else None
