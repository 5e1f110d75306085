"""All that is wrong with a value: msgspec tells the first thing that it comes upon.

Only looked at when something is wrong, so it may take its time. Members of objects and of lists are converted one by
one, with what they were declared as.
"""

from __future__ import annotations

from typing import Any, NotRequired, get_args, get_origin

import msgspec

from lambent.app.conversion import Invalid, is_pydantic, members

_MOST = 100
"""Errors that are told at most."""

_LOOKS = 2000
"""Values that are looked at one by one, which takes some microseconds each; then the first error has to do."""


def explained(declared: Any, value: Any, first: tuple[str, str], strict: bool) -> Invalid:
    """Everything that is wrong with `value`; `first` is what msgspec has said."""
    search = _Search(strict)
    search.look(declared, value, "")
    return Invalid(search.found or [first])


class _Search:
    __slots__ = ("_left", "_strict", "found")

    def __init__(self, strict: bool) -> None:
        self._strict = strict
        self._left = _LOOKS
        self.found: list[tuple[str, str]] = []

    def look(self, declared: Any, value: Any, where: str) -> None:
        """Find what is wrong with a value that stands at `where`."""
        self._left -= 1
        if self._left < 0 or len(self.found) >= _MOST:
            return
        before = len(self.found)
        fields = fields_of(declared)
        if fields is not None and isinstance(value, dict):
            for name, kind, required in fields:
                place = f"{where}.{name}" if where else name
                if name in value:
                    self.look(kind, value[name], place)
                elif required:
                    self.found.append((place, "It is missing"))
        elif _is_list(declared) and isinstance(value, list) and len(value) <= self._left:
            (kind,) = get_args(declared)[:1] or (Any,)
            for index, one in enumerate(value):
                self.look(kind, one, f"{where}[{index}]")
        if len(self.found) > before or self._left < 0:
            return
        try:
            msgspec.convert(value, declared, strict=self._strict)
        except msgspec.ValidationError as error:
            reason, at, place = str(error).partition(" - at `")
            inner = place[:-1].removeprefix("$") if at else ""
            self.found.append(((where + inner).removeprefix("."), reason))


def fields_of(declared: Any) -> list[tuple[str, Any, bool]] | None:
    """Names in JSON, types, and whether they must be there; None for what has no members of its own."""
    kinds = [one for one in members(declared) if one is not type(None) and one is not None]
    if len(kinds) != 1 or is_pydantic(declared):
        return None
    kind = kinds[0]
    if hasattr(kind, "__metadata__"):
        kind = kind.__origin__
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        if kind.__struct_config__.array_like or kind.__struct_config__.tag is not None:
            return None
        return [(one.encode_name, one.type, one.required) for one in msgspec.structs.fields(kind)]
    from typing import get_type_hints

    if hasattr(kind, "__dataclass_fields__"):
        from dataclasses import MISSING, fields

        hints = get_type_hints(kind, include_extras=True)
        return [
            (one.name, hints[one.name], one.default is MISSING and one.default_factory is MISSING)
            for one in fields(kind)
            if one.init
        ]
    if hasattr(kind, "__attrs_attrs__"):
        from attr import NOTHING

        hints = get_type_hints(kind, include_extras=True)
        return [(one.name, hints[one.name], one.default is NOTHING) for one in kind.__attrs_attrs__]
    if hasattr(kind, "__required_keys__"):
        plain, marked = get_type_hints(kind), get_type_hints(kind, include_extras=True)
        return [
            # What is NotRequired in a module whose annotations are texts, Python itself does not see as that.
            (name, hint, name in kind.__required_keys__ and get_origin(marked[name]) is not NotRequired)
            for name, hint in plain.items()
        ]
    return None


def _is_list(declared: Any) -> bool:
    return (get_origin(declared) or declared) in (list, set, frozenset)
