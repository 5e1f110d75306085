"""Tables of a settings file as Structs, with errors in the words of who writes them."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec

from lambent.deploy.errors import ProjectError

if TYPE_CHECKING:
    from collections.abc import Iterable

_T = TypeVar("_T")

_CHOICES: Final = {"architecture": '"x86_64" or "arm64"', "url": '"iam" or "none"'}
_WORDS: Final = {
    "Expected `int | null`, got": "it must be a number, and is a",
    "Expected `str | null`, got": "it must be a text, and is a",
    "Expected `bool | null`, got": "it must be true or false, and is a",
    "Expected `array`, got": "it must be a list, and is a",
    "Expected `object`, got": "it must be a table, and is a",
    "Expected `str`, got": "it must be a text, and is a",
    "Object missing required field": "there is no",
    "`str`": "text",
    "`int`": "number",
    "`float`": "number",
    "`bool`": "boolean",
    "`array`": "list",
    "`object`": "table",
}
"""What msgspec says, in the words of who writes settings."""


def converted(kind: type[_T], table: Any, place: str, others: Iterable[str] = ()) -> _T:
    """A table as a Struct. Raises ProjectError that names the key."""
    if isinstance(table, dict):
        known = [*others, *kind.__struct_fields__]  # type: ignore[attr-defined]
        for key in table:
            if key not in known:
                raise unknown(place, key, known)
    variables = table.get("environment") if isinstance(table, dict) else None
    for name, value in variables.items() if isinstance(variables, dict) else ():
        if not isinstance(value, str):
            raise ProjectError(
                f"{place} environment: {name} is {value!r}: variables are texts",
                hint=f'Write it in quotes: {name} = "{str(value).lower() if isinstance(value, bool) else value}"',
            )
    try:
        return msgspec.convert(table, kind)
    except msgspec.ValidationError as error:
        text, _, path = str(error).partition(" - at `$")
        key = path.rstrip("`").lstrip(".")
        allowed = _CHOICES.get(key)
        if allowed is not None:
            text = f"it must be {allowed}, and is {table.get(key)!r}"
        else:
            for said, word in _WORDS.items():
                text = text.replace(said, word)
        raise ProjectError(f"{place}{f' {key}' if key else ''}: {text.replace('`', '')}") from None


def unknown(place: str, key: str, known: Iterable[str]) -> ProjectError:
    """The error for a key that nothing understands, with the likely one."""
    names = list(known)
    near = difflib.get_close_matches(key, names, n=1)
    return ProjectError(
        f"{place}: unknown key {key}",
        hint=f"Did you mean {near[0]}?" if near else f"Allowed are {', '.join(names)}.",
    )
