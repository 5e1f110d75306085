"""Header fields, cookies, queries and paths, as a client gives them and as events have them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, unquote, urlencode

from lambent.testing.events.values import USER_AGENT, new_trace, to_wire

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import TypeAlias

    Headers: TypeAlias = Mapping[str, str | Sequence[str]] | Iterable[tuple[str, str]]
    Query: TypeAlias = str | Mapping[str, object] | Iterable[tuple[str, object]]
    Cookies: TypeAlias = Mapping[str, str] | Iterable[str]


def _pairs(given: Any) -> list[tuple[str, Any]]:
    """A mapping whose values may be lists, or pairs, as pairs."""
    if not hasattr(given, "items"):
        return [(name, value) for name, value in given]
    pairs: list[tuple[str, Any]] = []
    for name, value in given.items():
        if isinstance(value, (list, tuple)):
            pairs += [(name, each) for each in value]
        else:
            pairs.append((name, value))
    return pairs


def split_target(path: str, query: Query | None) -> tuple[str, list[tuple[str, str]], str]:
    """The path, the query's decoded pairs, and the query as a browser sends it."""
    path, _, raw = path.partition("?")
    if query is not None:
        more = (
            query.lstrip("?") if isinstance(query, str) else urlencode(_query_pairs(query), quote_via=quote)
        )
        raw = f"{raw}&{more}" if raw and more else raw or more
    return path, parse_qsl(raw, keep_blank_values=True), raw


def _query_pairs(query: Any) -> list[tuple[str, str]]:
    return [
        (name, str(value).lower() if isinstance(value, bool) else str(value)) for name, value in _pairs(query)
    ]


def header_fields(
    headers: Headers | None,
    cookies: Cookies | None,
    body: object,
    domain: str,
    source_ip: str,
    port: str = "443",
) -> tuple[list[tuple[str, str]], list[str]]:
    """The header fields, with those that a client and AWS add, and the cookies apart."""
    fields = [(name, str(value)) for name, value in _pairs(headers or ())]
    jar: list[str] = []
    for name, value in fields:
        if name.lower() == "cookie":
            jar += [cookie.strip() for cookie in value.split(";") if cookie.strip()]
    fields = [field for field in fields if field[0].lower() != "cookie"]
    if cookies is not None:
        jar += (
            [f"{name}={value}" for name, value in cookies.items()] if hasattr(cookies, "items") else cookies
        )
    usual = {
        "accept": "*/*",
        "host": domain,
        "user-agent": USER_AGENT,
        "x-amzn-trace-id": new_trace(),
        "x-forwarded-for": source_ip,
        "x-forwarded-port": port,
        "x-forwarded-proto": "https" if port == "443" else "http",
    }
    if body is not None:
        if not isinstance(body, (str, bytes, bytearray, memoryview)):
            usual["content-type"] = "application/json"
        usual["content-length"] = str(_length(body))
    there = {name.lower() for name, _ in fields}
    return fields + [(name, value) for name, value in usual.items() if name not in there], jar


def _length(body: object) -> int:
    text, encoded = to_wire(body)
    if encoded and isinstance(body, (bytes, bytearray, memoryview)):
        return len(bytes(body))
    return len((text or "").encode())


def joined_values(pairs: Iterable[tuple[str, str]], *, lower: bool = True) -> dict[str, str]:
    """Several values of a name, joined by commas as payload 2.0 has them."""
    joined: dict[str, str] = {}
    for name, value in pairs:
        name = name.lower() if lower else name
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def values_by_name(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    several: dict[str, list[str]] = {}
    for name, value in pairs:
        several.setdefault(name, []).append(value)
    return several


def last_values(several: Mapping[str, list[str]]) -> dict[str, str]:
    return {name: values[-1] for name, values in several.items()}


def value_of(fields: Iterable[tuple[str, str]], name: str) -> str | None:
    return next((value for each, value in fields if each.lower() == name), None)


def split_route(method: str, route: str | None) -> tuple[str, str | None]:
    """The route's key, and its path's template."""
    if route is None or route == "$default":
        return "$default", None
    verb, _, template = route.rpartition(" ")
    return f"{verb or method} {template}", template


def match_parameters(template: str, path: str) -> dict[str, str]:
    """What a template's parameters stand for in a path, decoded. ValueError if the path does not fit."""
    names, parts = template.strip("/").split("/"), path.strip("/").split("/")
    found: dict[str, str] = {}
    for index, name in enumerate(names):
        if name.startswith("{") and name.endswith("+}"):
            found[name[1:-2]] = unquote("/".join(parts[index:]))
            return found
        if index >= len(parts) or (not name.startswith("{") and name != parts[index]):
            raise ValueError(f"path {path!r} does not fit the route {template!r}")
        if name.startswith("{"):
            found[name[1:-1]] = unquote(parts[index])
    if len(parts) != len(names):
        raise ValueError(f"path {path!r} does not fit the route {template!r}")
    return found
