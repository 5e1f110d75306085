"""What parameter mappings and service integrations say of a value: `$request.header.name`, `${context.stage}-x`, text.

"Transform API requests and responses for HTTP APIs" of the developer guide. Of JSON paths names and indexes are
there, no recursive descent and no filters, as on AWS; they look at the first 100 KB of a body.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from lambent.gateway.event_v2 import query_of
from lambent.gateway.http_api.context import context_value

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.gateway.http_api.exchange import Exchange

_READ_OF_BODY: Final = 102_400
_KINDS: Final = r"(?:request|response|context|stageVariables)"
_WHOLE: Final = re.compile(rf"\$({_KINDS}\.[^\s$}}]+)")
_PLACED: Final = re.compile(rf"\$\{{({_KINDS}\.[^}}]+)\}}")
_STEP: Final = re.compile(r"\.?([^.\[\]]+)|\[(\d+)\]|\[['\"]([^'\"]*)['\"]\]")


class Values:
    """What expressions read: an exchange, and where it is there its integration's answer. For one mapping."""

    def __init__(
        self,
        exchange: Exchange,
        response: tuple[list[tuple[str, str]], bytes] | None = None,
    ) -> None:
        self.exchange = exchange
        self._response = response
        self._bodies: dict[bytes, Any] = {}

    def request(self, path: str) -> Any:
        """`$request.{path}`."""
        call = self.exchange.call
        kind, _, name = path.partition(".")
        if kind == "header":
            if name.lower() == "cookie":
                _ = call.headers
                return "; ".join(call.cookies) or None
            return call.headers.get(name.lower())
        if kind == "querystring":
            return query_of(call.query).get(name)
        if kind == "path":
            return self.exchange.parameters.get(name) if name else self.exchange.path
        return self._body(call.request.body, path)

    def response(self, path: str) -> Any:
        """`$response.{path}`."""
        if self._response is None:
            return None
        headers, body = self._response
        kind, _, name = path.partition(".")
        if kind == "header":
            return ",".join(value for key, value in headers if key.lower() == name.lower()) or None
        return self._body(body, path)

    def _body(self, body: bytes, path: str) -> Any:
        rest = path.removeprefix("body")
        if not path.startswith("body"):
            return None
        if not rest:
            return body.decode("utf-8", "replace")
        if body not in self._bodies:
            try:
                self._bodies[body] = msgspec.json.decode(body[:_READ_OF_BODY])
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                self._bodies[body] = None
        return _at(self._bodies[body], rest)


def _at(value: Any, path: str) -> Any:
    end = 0
    for step in _STEP.finditer(path):
        if step.start() != end:
            return None
        end = step.end()
        name = step[1] if step[1] is not None else step[3]
        if name is not None:
            if not isinstance(value, dict):
                return None
            value = value.get(name)
        else:
            place = int(step[2])
            if not isinstance(value, list) or place >= len(value):
                return None
            value = value[place]
    return value if end == len(path) else None


class Expression:
    """One value, as it was written: read once, evaluated with each request."""

    __slots__ = ("_read", "_texts", "_whole")

    def __init__(self, text: str) -> None:
        whole = _WHOLE.fullmatch(text)
        parts = ["", whole[1], ""] if whole is not None else _PLACED.split(text)
        self._whole = len(parts) == 3 and not parts[0] and not parts[2]
        self._texts = parts[0::2]
        self._read = [_reader(part) for part in parts[1::2]]

    def value(self, values: Values) -> Any:
        """The value as JSON has it; None for one that is not there. Text is text."""
        if self._whole:
            return self._read[0](values)
        return self.text(values)

    def text(self, values: Values) -> str | None:
        """The value as text; None for one that is not there."""
        if self._whole:
            return _text(self._read[0](values))
        found = [self._texts[0]]
        for read, text in zip(self._read, self._texts[1:], strict=True):
            found += (_text(read(values)) or "", text)
        return "".join(found)


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()


def _reader(path: str) -> Callable[[Values], Any]:
    kind, _, name = path.partition(".")
    if kind == "context":
        return lambda values: context_value(values.exchange, name)
    if kind == "stageVariables":
        return lambda values: values.exchange.stage.variables.get(name)
    if kind == "request":
        return lambda values: values.request(name)
    return lambda values: values.response(name)
