"""What a handler is called for: an invocation's event, and for HTTP the request in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from lambent.app import current
from lambent.app.errors import BadRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from lambent.app.app import App
    from lambent.app.services import Scope


class Invocation:
    """One call of a handler. Middleware gets it; handlers can ask for it by its type.

    `event` is what Lambda delivered, `context` Lambda's context object. `state` is a place for what middleware wants
    to hand on.
    """

    context: Any
    event: Any
    kind: str = "direct"
    _state: dict[str, Any] | None = None
    scope: Scope | None = None

    def __init__(self, event: Any, context: Any) -> None:
        self.event = event
        self.context = context

    @property
    def app(self) -> App | None:
        """The app, while it handles this."""
        return current.app  # type: ignore[no-any-return]

    @property
    def state(self) -> dict[str, Any]:
        """For middleware and handlers of this invocation."""
        if self._state is None:
            self._state = {}
        return self._state


class Values:
    """Names with one or more values each: headers, query parameters."""

    __slots__ = ("_values",)

    def __init__(self, values: dict[str, list[str]]) -> None:
        self._values = values

    def get(self, name: str, default: str | None = None) -> str | None:
        """The last value."""
        found = self._values.get(name)
        return found[-1] if found else default

    def get_list(self, name: str) -> list[str]:
        """All values in order; none is an empty list."""
        return self._values.get(name, [])

    def __getitem__(self, name: str) -> str:
        return self._values[name][-1]

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def items(self) -> Iterator[tuple[str, str]]:
        """Each name and value, repeated names repeatedly."""
        return ((name, value) for name, values in self._values.items() for value in values)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._values!r})"


class Headers(Values):
    """Header fields. Names are found whatever their case; `get` joins repeated ones with commas, as RFC 9110 has it."""

    __slots__ = ()

    def get(self, name: str, default: str | None = None) -> str | None:
        """The value; of repeated fields all values, joined."""
        found = self._values.get(name.lower())
        if not found:
            return default
        return found[0] if len(found) == 1 else ", ".join(found)

    def get_list(self, name: str) -> list[str]:
        """All values in order; none is an empty list."""
        return self._values.get(name.lower(), [])

    def __getitem__(self, name: str) -> str:
        value = self.get(name)
        if value is None:
            raise KeyError(name)
        return value

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._values


class Request(Invocation):
    """An HTTP request, whichever of Lambda's sources it came from (`kind`).

    `path` is without the stage and without a trailing slash, encoded as it was sent where the source tells that.
    `route` is the template that matched, "" before there is one.
    """

    method: str
    path: str
    route: str = ""
    values: list[str] = []  # noqa: RUF012 - never changed: each request that has some brings its own
    names: tuple[str, ...] = ()
    _headers: Headers | None = None
    _query: Values | None = None
    _cookies: dict[str, str] | None = None
    _body: bytes | str | None = None

    @property
    def path_parameters(self) -> dict[str, str]:
        """The decoded parameters of the path."""
        return dict(zip(self.names, self.values, strict=False))

    @property
    def headers(self) -> Headers:
        """The header fields."""
        if self._headers is None:
            self._headers = Headers(_headers(self.event))
        return self._headers

    @property
    def query(self) -> Values:
        """The decoded query parameters."""
        if self._query is None:
            self._query = Values(_query(self.event, self.kind))
        return self._query

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies by name."""
        if self._cookies is None:
            self._cookies = _cookies(self.event, self.headers)
        return self._cookies

    @property
    def raw_body(self) -> bytes | str:
        """The body as it is at hand: text, or bytes when it came in base64. Raises BadRequest when it is neither."""
        if self._body is None:
            body = self.event.get("body") or ""
            if body.__class__ is not str:
                raise BadRequest("The body is no text")
            if body and self.event.get("isBase64Encoded"):
                from binascii import a2b_base64

                try:
                    body = a2b_base64(body, strict_mode=True)
                except ValueError:  # binascii.Error is one
                    raise BadRequest("The body is not what it is said to be: base64") from None
            self._body = body
        return self._body

    @property
    def body(self) -> bytes:
        """The body's bytes. Raises BadRequest when it is none."""
        body = self.raw_body
        if not isinstance(body, str):
            return body
        try:
            return body.encode()
        except UnicodeEncodeError:
            raise BadRequest("The body is not UTF-8") from None

    @property
    def text(self) -> str:
        """The body as text in UTF-8. Raises BadRequest when it is none."""
        body = self.raw_body
        try:
            if isinstance(body, str):
                if not body.isascii():
                    body.encode()
                return body
            return body.decode()
        except UnicodeError:
            raise BadRequest("The body is not UTF-8") from None

    def json(self) -> Any:
        """The body, decoded from JSON. Raises BadRequest when it is none."""
        try:
            return msgspec.json.decode(self.raw_body)
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise BadRequest(f"The body is not JSON: {error}") from None

    @property
    def authorizer(self) -> dict[str, Any]:
        """What the gateway's authorizer found out; of JWT authorizers their claims are in `["jwt"]["claims"]`."""
        return self.event.get("requestContext", {}).get("authorizer") or {}

    @property
    def source_ip(self) -> str | None:
        """Who has sent it, as far as the gateway knows.

        Behind a load balancer it is the last of X-Forwarded-For, which is what the load balancer itself has seen; those
        before it are what the caller says.
        """
        context = self.event.get("requestContext", {})
        known = (context.get("http") or context.get("identity") or {}).get("sourceIp")
        if known is None:
            known = (self.headers.get("x-forwarded-for") or "").rpartition(",")[2].strip() or None
            if known is not None and known[0] == "[":  # with the client's port, if that is switched on
                known = known[1:].partition("]")[0]
            elif known is not None and known.count(":") == 1:
                known = known.partition(":")[0]
        return known


def _headers(event: Mapping[str, Any]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    several = event.get("multiValueHeaders")
    if several:
        for name, values in several.items():
            found.setdefault(name.lower(), []).extend(values or ())
    else:
        for name, value in (event.get("headers") or {}).items():
            found.setdefault(name.lower(), []).append(value)
    return found


def _pairs(raw: str) -> Iterable[tuple[str, str]]:
    """Names and values of a query as it was sent; urllib.parse takes 3 ms to import, and few need it."""
    if "%" not in raw and "+" not in raw:
        return [pair.partition("=")[::2] for pair in raw.split("&") if pair]
    from urllib.parse import parse_qsl

    return parse_qsl(raw, keep_blank_values=True)


def _query(event: Mapping[str, Any], kind: str) -> dict[str, list[str]]:
    """v2 gives the query as it was sent; v1 gives decoded values, a load balancer encoded ones."""
    found: dict[str, list[str]] = {}
    raw = event.get("rawQueryString")
    if raw is not None:
        for name, value in _pairs(raw):
            found.setdefault(name, []).append(value)
        return found
    several = event.get("multiValueQueryStringParameters")
    if several is None:
        several = {name: [value] for name, value in (event.get("queryStringParameters") or {}).items()}
    if kind != "alb":
        return {name: list(values or ()) for name, values in several.items()}
    from urllib.parse import unquote_plus

    for name, values in several.items():
        found.setdefault(unquote_plus(name), []).extend(map(unquote_plus, values))
    return found


def _cookies(event: Mapping[str, Any], headers: Headers) -> dict[str, str]:
    """RFC 6265; the first of two cookies of one name is the one with the more specific path."""
    pairs = event.get("cookies")
    if pairs is None:
        pairs = [pair for header in headers.get_list("cookie") for pair in header.split(";")]
    found: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if equals:
            found.setdefault(name.strip(), value.strip().strip('"'))
    return found
