"""What a handler answers with, when a plain value is not enough."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from lambent.app.encoding import encode

if TYPE_CHECKING:
    from collections.abc import Mapping

# Besides text/*, +json and +xml; anything else is sent as binary, base64 on the wire.
_TEXT_TYPES = frozenset(
    {
        "application/json",
        "application/javascript",
        "application/xml",
        "application/x-www-form-urlencoded",
        "application/x-ndjson",
        "application/graphql",
        "application/yaml",
        "image/svg+xml",
    }
)
JSON = "application/json"
TEXT = "text/plain; charset=utf-8"
BINARY = "application/octet-stream"


def is_text(content_type: str) -> bool:
    """Whether content of that type can go over the wire as text: `application/problem+json; v=1` can."""
    essence = content_type.partition(";")[0].strip().lower()
    return essence.startswith("text/") or essence in _TEXT_TYPES or essence.endswith(("+json", "+xml"))


def status_of(status: Any) -> int:
    """A status as a number: `http.HTTPStatus` is one, too. Raises ValueError or TypeError for what is none."""
    if status.__class__ is bool or not isinstance(status, int):
        raise TypeError(f"{status!r} is no HTTP status: it has to be a number")
    if not 100 <= status <= 599:
        raise ValueError(f"{status} is no HTTP status: they are between 100 and 599")
    return int(status)


class Response:
    """An answer: `Response({"id": 1}, 201, headers={"location": "/orders/1"})`.

    `body`: bytes and str are sent as they are, None sends nothing, anything else is encoded as JSON. `headers`: names
    to a value, or to a list of values; names are kept in lower case. `cookies`: values of Set-Cookie headers, see
    `set_cookie`. `content_type` is guessed from the body when it is not given.
    """

    __slots__ = ("body", "cookies", "error", "headers", "status")

    def __init__(
        self,
        body: Any = None,
        status: int = 200,
        *,
        headers: Mapping[str, str | list[str]] | None = None,
        content_type: str | None = None,
        cookies: list[str] | None = None,
    ) -> None:
        self.status = status if status.__class__ is int and 100 <= status <= 599 else status_of(status)
        self.headers: dict[str, str | list[str]] = (
            {name.lower(): value for name, value in headers.items()} if headers else {}
        )
        self.cookies: list[str] = cookies or []
        self.error: BaseException | None = None
        """What was raised, when this answers an exception."""
        if content_type is not None:
            self.headers["content-type"] = content_type
        if body is None or body.__class__ is str or body.__class__ is bytes:
            self.body: str | bytes | None = body
        elif isinstance(body, (str, bytes, bytearray, memoryview)):
            self.body = str(body) if isinstance(body, str) else bytes(body)
        else:
            self.body = encode(body).decode()
            if "content-type" not in self.headers:
                self.headers["content-type"] = JSON
            return
        if body is not None and "content-type" not in self.headers:
            self.headers["content-type"] = TEXT if isinstance(self.body, str) else BINARY

    @property
    def content_type(self) -> str | None:
        """The Content-Type header."""
        value = self.headers.get("content-type")
        return value if value is None or isinstance(value, str) else value[-1]

    def set_cookie(
        self,
        name: str,
        value: str = "",
        *,
        max_age: int | None = None,
        expires: str | None = None,
        path: str | None = "/",
        domain: str | None = None,
        secure: bool = True,
        http_only: bool = True,
        same_site: Literal["Strict", "Lax", "None"] | None = "Lax",
    ) -> None:
        """Add a Set-Cookie header (RFC 6265). `max_age` in seconds, `expires` as an HTTP date.

        Raises ValueError for characters that would end the cookie or the header.
        """
        if not name or any(character in name for character in "= \t"):
            raise ValueError(f"a cookie cannot have the name {name!r}")
        for part in (name, value, path or "", domain or "", expires or ""):
            if any(character in part for character in ";\r\n\0"):
                raise ValueError(f"a cookie cannot have {part!r} in it")
        text = f"{name}={value}"
        if max_age is not None:
            text += f"; Max-Age={max_age}"
        if expires is not None:
            text += f"; Expires={expires}"
        if domain is not None:
            text += f"; Domain={domain}"
        if path is not None:
            text += f"; Path={path}"
        if secure:
            text += "; Secure"
        if http_only:
            text += "; HttpOnly"
        if same_site is not None:
            text += f"; SameSite={same_site}"
        self.cookies.append(text)

    def delete_cookie(self, name: str, *, path: str | None = "/", domain: str | None = None) -> None:
        """Have the browser forget a cookie."""
        self.set_cookie(name, max_age=0, expires="Thu, 01 Jan 1970 00:00:00 GMT", path=path, domain=domain)


_new = Response.__new__


def redirect(location: str, status: int = 307) -> Response:
    """Send the caller elsewhere. 301 and 308 are for ever; 303 makes it a GET."""
    return Response(status=status, headers={"location": location})


def response_of(value: Any, status: int | None = None) -> Response:
    """A handler's value as an answer. `(value, status)` and `(value, status, headers)` are taken apart.

    Without a status, None is answered with 204 and everything else with 200.
    """
    if value.__class__ is Response:
        return value
    if value.__class__ is dict or value.__class__ is list:
        # Most answers: what __init__ would make of it, without finding out what it is.
        response = _new(Response)
        response.status = status or 200
        response.headers = {"content-type": JSON}
        response.cookies = []
        response.error = None
        response.body = encode(value).decode()
        return response
    if isinstance(value, Response):
        return value
    if (
        value.__class__ is tuple
        and len(value) in (2, 3)
        and isinstance(value[1], int)
        and value[1] is not True
        and value[1] is not False
    ):
        headers = value[2] if len(value) == 3 else None
        inner = value[0]
        if isinstance(inner, Response):
            inner.status = status_of(value[1])
            inner.headers.update({name.lower(): one for name, one in (headers or {}).items()})
            return inner
        return Response(inner, value[1], headers=headers)
    if value is None:
        return Response(None, status or 204)
    return Response(value, status or 200)
