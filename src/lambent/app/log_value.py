"""What a log line can hold: everything. Writing a value as JSON for a log never fails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

_DEEPEST = 50
JSON_STARTS = frozenset('{["-0123456789tfn \t\n\r')
_WORDS = {"true": True, "false": False, "null": None}


class ValueEncoder:
    """Writes values as JSON.

    What msgspec knows is written as it writes it: dates and times in ISO 8601, Decimal and UUID as text, sets as
    arrays, bytes in base64, Structs, dataclasses and attrs classes as objects, NaN and infinities as null. pydantic
    models are objects too; anything else becomes what `default` (by default `str`) makes of it.
    """

    __slots__ = ("_default", "encode")

    def __init__(self, default: Callable[[Any], Any] | None = None) -> None:
        self._default = default or str
        self.encode = msgspec.json.Encoder(enc_hook=self._hook).encode
        """The fast way, which raises for texts with lone surrogates, odd keys, cycles and the like."""

    def text(self, value: Any) -> str:
        """`value` as JSON, whatever it is."""
        try:
            return self.encode(value).decode()
        except Exception:  # noqa: BLE001 - what values raise when they are read is anybody's guess
            import json

            return json.dumps(self._plain(value, 0), separators=(",", ":"), allow_nan=False)

    def _hook(self, value: Any) -> Any:
        dump = getattr(type(value), "model_dump", None)  # pydantic
        try:
            return self._default(value) if dump is None else dump(value, mode="json")
        except Exception:  # noqa: BLE001 - the same
            return f"<{type(value).__qualname__} that cannot be shown>"

    def _plain(self, value: Any, depth: int) -> Any:
        """`value` made of JSON's own types. What is too deep, a cycle for example, is cut off."""
        if depth > _DEEPEST:
            return "..."
        if isinstance(value, dict):
            return {
                key if isinstance(key, str) else str(self._plain(key, depth + 1)): self._plain(
                    member, depth + 1
                )
                for key, member in list(value.items())
            }
        if isinstance(value, list | tuple | set | frozenset):
            return [self._plain(member, depth + 1) for member in list(value)]
        if value is None or value is True or value is False or type(value) is str or type(value) is int:
            return value
        try:
            return msgspec.json.decode(self.encode(value))
        except Exception:  # noqa: BLE001 - the same
            return _shown(value)


def _shown(value: Any) -> str:
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - the same
        return f"<{type(value).__qualname__} that cannot be shown>"


def message_of(msg: Any, args: tuple[Any, ...], deserializer: Callable[[str], Any] | None = None) -> Any:
    """The message of a line, as Powertools' formatter finds it.

    Dictionaries are the message; with arguments it is %-formatted, as in `logging`; a text that is JSON is what that
    JSON says, as `deserializer` reads it if there is one. A text that does not fit its arguments is shown with them.
    """
    if isinstance(msg, dict):
        return msg
    if args:
        # As in the standard library, a sole mapping gives names to the text's places.
        values: Any = args[0] if len(args) == 1 and isinstance(args[0], dict) and args[0] else args
        try:
            return str(msg) % values
        except Exception:  # noqa: BLE001 - a log line is no reason to fail
            return f"{msg} {args!r}"
    if deserializer is not None and isinstance(msg, str):
        try:
            return deserializer(msg)
        except Exception:  # noqa: BLE001 - what it cannot read is a text
            return msg
    if isinstance(msg, str) and msg[:1] in JSON_STARTS:
        if msg[0] in "tfn":
            return _WORDS.get(msg.rstrip(" \t\n\r"), msg)
        try:
            return msgspec.json.decode(msg)
        except (msgspec.DecodeError, ValueError, RecursionError):
            return msg
    return msg
