"""HTTP answers as the caller of a gateway sees them.

What gateways make of a function's result: "Lambda proxy integrations" of the API Gateway developer guide (REST, and
HTTP APIs with payload 2.0), "Invoking Lambda function URLs", "Lambda functions as targets" of the guide of Application
Load Balancers.
"""

from __future__ import annotations

import binascii
import re
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from lambent.app.request import Headers

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import TypeAlias

    Source: TypeAlias = Literal["http.v2", "http.v1", "function_url", "alb", "alb_multi"]

_CHARSET = re.compile(r"charset=\"?([\w.:-]+)", re.IGNORECASE)
_WITHOUT_BODY = frozenset({204, 304})


class NoAnswer(Exception):
    """A function's result is none that its gateway understands: the caller would get 502."""


class Answer:
    """An HTTP answer. `result` is what the function itself has returned."""

    __slots__ = ("body", "headers", "result", "status")

    def __init__(self, status: int, headers: dict[str, list[str]], body: bytes, result: Any) -> None:
        self.status = status
        self.headers = Headers(headers)
        self.body = body
        self.result = result

    @property
    def content_type(self) -> str | None:
        """The Content-Type header."""
        return self.headers.get("content-type")

    @property
    def set_cookies(self) -> list[str]:
        """The Set-Cookie headers."""
        return self.headers.get_list("set-cookie")

    @property
    def cookies(self) -> dict[str, str]:
        """The values of the cookies that it sets, by name."""
        pairs = (cookie.partition(";")[0].partition("=") for cookie in self.set_cookies)
        return {name.strip(): value.strip().strip('"') for name, _, value in pairs}

    @property
    def text(self) -> str:
        """The body as text, in the charset of its type or UTF-8."""
        found = _CHARSET.search(self.content_type or "")
        return self.body.decode(found[1] if found else "utf-8")

    def json(self, type: Any = Any) -> Any:  # noqa: A002 - what it is
        """The body, decoded from JSON: `answer.json()` or, checked and converted, `answer.json(Order)`."""
        return msgspec.json.decode(self.body, type=type)

    def __repr__(self) -> str:
        shown = self.body[:200].decode(errors="replace") + ("…" if len(self.body) > 200 else "")
        return f"<Answer {self.status} {self.content_type or 'without type'}: {shown}>"


def answer_of(source: Source, method: str, result: Any) -> Answer:
    """What the caller gets of a function's result. Raises NoAnswer."""
    members: dict[str, Any]
    inferred = not isinstance(result, dict) or "statusCode" not in result
    if inferred and source in ("http.v2", "function_url"):
        text = result if isinstance(result, str) else msgspec.json.encode(result).decode()
        members = {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": text}
    elif inferred:
        raise NoAnswer(f"{source}: a result needs a statusCode, and this is {_shown(result)}")
    else:
        members = result
    try:
        status = int(members["statusCode"])
    except (TypeError, ValueError):
        raise NoAnswer(f"{source}: the statusCode is {members['statusCode']!r}") from None
    headers: dict[str, list[str]] = {}
    for name, value in _fields(source, members):
        headers.setdefault(name.lower(), []).append(_value(source, name, value))
    body = b"" if method == "HEAD" or status in _WITHOUT_BODY else _body(source, members)
    return Answer(status, headers, body, result)


def _fields(source: Source, members: dict[str, Any]) -> Iterable[tuple[str, Any]]:
    """The header fields that a gateway takes: some know several values of a name, some do not."""
    single = members.get("headers") or {}
    several = members.get("multiValueHeaders") or {}
    if source == "alb_multi":
        single = {}
    elif source != "http.v1":
        several = {}
    # Of a name in both, a REST API takes the list.
    named = {name.lower() for name in several}
    for name, value in single.items():
        if name.lower() not in named:
            yield name, value
    for name, values in several.items():
        for value in values:
            yield name, value
    if source in ("http.v2", "function_url"):
        for cookie in members.get("cookies") or ():
            yield "set-cookie", cookie


def _value(source: Source, name: str, value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (str, int, float)):
        return str(value)
    raise NoAnswer(f"{source}: the header {name} is {_shown(value)}: text is allowed")


def _body(source: Source, members: dict[str, Any]) -> bytes:
    body = members.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        raise NoAnswer(f"{source}: the body is {_shown(body)}: text is allowed")
    if not members.get("isBase64Encoded"):
        return body.encode()
    try:
        return binascii.a2b_base64(body)
    except binascii.Error as error:
        raise NoAnswer(f"{source}: the body is not base64: {error}") from None


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 200 else text[:199] + "…"
