"""Events and results as JSON, the way the managed runtimes read and write it.

They use a JSON library that differs from the standard one: named tuples (anything with `_asdict`) become
objects, bytes become text, Decimals become numbers with all their digits. Results made only of plain types,
which is nearly all, go through the standard library's C encoder; the rest through `_Encoder` below, which also
words the errors.
"""

from __future__ import annotations

import json
import marshal
import math
from decimal import Decimal
from json.encoder import (  # type: ignore[attr-defined]  # the C encoder is not in the stubs
    c_make_encoder,
    encode_basestring,
    encode_basestring_ascii,
)

from .event_errors import NotJson, describe
from .faults import Fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

# These leave non-ASCII characters as they are; older runtimes escape them.
_UNICODE_RUNTIMES = {f"AWS_Lambda_python3.{minor}" for minor in range(12, 16)}


def _refuse(name: str) -> Any:
    raise NotJson(name)


def _plain_encoder(escape: bool, quote: Callable[[str], str]) -> Callable[[Any], str]:
    """An encoder of plain types without cycles."""
    if c_make_encoder is None:
        return json.JSONEncoder(ensure_ascii=escape, default=_not_plain).encode
    # What json.JSONEncoder makes anew for every value. Cycles have been refused before, so none are looked for.
    pieces = c_make_encoder(None, _not_plain, quote, None, ": ", ", ", False, False, True)
    return lambda value: "".join(pieces(value, 0))


def _not_plain(value: Any) -> Any:
    raise TypeError(type(value).__name__)


class Marshaller:
    """Reads events and writes results; `escape` tells whether non-ASCII characters are escaped."""

    def __init__(self, escape: bool) -> None:
        # NaN and Infinity are not JSON; the standard library would take them.
        decoder = json.JSONDecoder(parse_constant=_refuse)
        self._scan = decoder.scan_once  # type: ignore[attr-defined]
        self._decode = decoder.decode
        self._quote = encode_basestring_ascii if escape else encode_basestring
        self._encode = _plain_encoder(escape, self._quote)

    def load(self, payload: str | bytes) -> Any:
        """The event. Raises `Fault` (Runtime.UnmarshalError)."""
        try:
            if isinstance(payload, str):
                try:
                    event, end = self._scan(payload, 0)
                    if end == len(payload):
                        return event
                except StopIteration:
                    pass
            else:
                payload = payload.decode("utf-8")  # raises: it was not
            return self._decode(payload.removeprefix("\ufeff"))
        except Exception as error:
            raise Fault(
                "Runtime.UnmarshalError", f"Unable to unmarshal input: {describe(error, payload)}"
            ) from error

    def dump(self, result: Any) -> str | bytes:
        """The payload for a result; bytes are a payload already. Raises `Fault` (Runtime.MarshalError)."""
        if isinstance(result, bytes):
            return result
        try:
            return self.encode(result)
        except Exception as error:
            raise Fault("Runtime.MarshalError", f"Unable to marshal response: {error}") from error

    def encode(self, value: Any) -> str:
        """`value` as JSON text."""
        try:
            if type(value) is not str:
                # One quick pass in C that refuses every subclass and every type of one's own.
                marshal.dumps(value, 2)
            return self._encode(value)
        except (ValueError, TypeError):
            pass
        try:
            return _Encoder(self._quote).encode(value)
        except RecursionError:
            raise RecursionError("maximum recursion depth exceeded while encoding a JSON object") from None


_ESCAPING = Marshaller(escape=True)
_UNICODE = Marshaller(escape=False)


def marshaller(execution_environment: str | None) -> Marshaller:
    """The marshaller for a runtime, named as in AWS_EXECUTION_ENV."""
    return _UNICODE if execution_environment in _UNICODE_RUNTIMES else _ESCAPING


class _Encoder:
    """The complete rules; slower."""

    def __init__(self, quote: Callable[[str], str]) -> None:
        self._quote = quote
        self._open: set[int] = set()

    def encode(self, value: Any) -> str:
        parts: list[str] = []
        self._write(value, parts.append)
        return "".join(parts)

    def _write(self, value: Any, write: Callable[[str], None]) -> None:
        text = self._scalar(value)
        if text is not None:
            write(text)
            return
        if isinstance(value, list):
            self._write_items(value, value, write)
            return
        as_dict = getattr(value, "_asdict", None)
        if callable(as_dict) and not isinstance(value, type):
            members = as_dict()
            if not isinstance(members, dict):
                raise TypeError(f"_asdict() must return a dict, not {type(members).__name__}")
            self._write_members(value, members, write)
        elif isinstance(value, tuple):
            self._write_items(value, value, write)
        elif isinstance(value, dict):
            self._write_members(value, value, write)
        else:
            raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")

    def _write_items(self, owner: Any, items: Any, write: Callable[[str], None]) -> None:
        self._enter(owner)
        separator = "["
        for item in items:
            write(separator)
            separator = ", "
            self._write(item, write)
        write("[]" if separator == "[" else "]")
        self._open.discard(id(owner))

    def _write_members(self, owner: Any, members: dict[Any, Any], write: Callable[[str], None]) -> None:
        self._enter(owner)
        separator = "{"
        for key, value in members.items():
            write(separator)
            separator = ", "
            write(self._quote(self._key(key)))
            write(": ")
            self._write(value, write)
        write("{}" if separator == "{" else "}")
        self._open.discard(id(owner))

    def _enter(self, owner: Any) -> None:
        if id(owner) in self._open:
            raise ValueError("Circular reference detected")
        self._open.add(id(owner))

    def _scalar(self, value: Any) -> str | None:
        if isinstance(value, str):
            return self._quote(value)
        if isinstance(value, bytes):
            return self._quote(value.decode("utf-8"))
        if isinstance(value, Decimal):
            return "NaN" if value.is_nan() else str(value)
        return _literal(value)

    @staticmethod
    def _key(key: Any) -> str:
        if isinstance(key, str):
            return key
        if isinstance(key, bytes):
            return key.decode("utf-8")
        text = _literal(key)
        if text is None:
            raise TypeError(f"keys must be str, int, float, bool or None, not {type(key).__name__}")
        return text


def _literal(value: Any) -> str | None:
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        if math.isfinite(value):
            return float.__repr__(value)
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    return None
