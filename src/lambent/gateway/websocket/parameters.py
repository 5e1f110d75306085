"""What integrations are told besides the message: request parameters of WebSocket APIs.

Source: "Set up data mapping for WebSocket APIs" of the developer guide: `integration.request.header.Name` and
`integration.request.querystring.Name` from `route.request.body.…`, `route.request.body`, `route.request.header.Name`,
`route.request.querystring.Name` (of the handshake), `context.Name`, `stageVariables.Name`, or `'a text'`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import msgspec

from lambent.gateway.http_api.mapping import RESERVED, RESERVED_PREFIXES
from lambent.gateway.websocket.selection import value_at

if TYPE_CHECKING:
    from collections.abc import Mapping

_HEADER: Final = "integration.request.header."
_QUERY: Final = "integration.request.querystring."


def mapped(
    parameters: Mapping[str, str], event: Mapping[str, Any]
) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Headers and query parameters of a request to an integration. `event` is what functions would get."""
    headers: list[tuple[str, str]] = []
    query: list[tuple[str, str]] = []
    for target, source in parameters.items():
        value = _value(source, event)
        if value is None:
            continue
        if target.startswith(_HEADER):
            name = target[len(_HEADER) :]
            if _can_be_sent(name.lower(), value):
                headers.append((name, value))
        elif target.startswith(_QUERY):
            query.append((target[len(_QUERY) :], value))
    return headers, query


def _can_be_sent(name: str, value: str) -> bool:
    """Whether it is one header, and one that is the integration's to set."""
    if name in RESERVED or name.startswith(RESERVED_PREFIXES):
        return False
    return not any(one in value or one in name for one in "\r\n\0")


def _value(source: str, event: Mapping[str, Any]) -> str | None:
    if len(source) > 1 and source[0] == source[-1] == "'":
        return source[1:-1]
    scope, _, path = source.partition(".")
    if scope == "context":
        return _text(value_at(event.get("requestContext"), path))
    if scope == "stageVariables":
        return _text((event.get("stageVariables") or {}).get(path))
    for prefix, member in (
        ("route.request.header.", "headers"),
        ("route.request.querystring.", "queryStringParameters"),
    ):
        if source.startswith(prefix):
            wanted = source[len(prefix) :].lower()
            return next(
                (value for name, value in (event.get(member) or {}).items() if name.lower() == wanted), None
            )
    body = event.get("body")
    if source == "route.request.body":
        return _text(body)
    if source.startswith("route.request.body.") and isinstance(body, str):
        try:
            return _text(value_at(msgspec.json.decode(body), source.removeprefix("route.request.body.")))
        except (msgspec.DecodeError, RecursionError):
            return None
    return None


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()
