"""HTTP as each of Lambda's sources has it: what comes in, what has to go out.

Formats: "Lambda proxy integrations" of the API Gateway developer guide (REST, and HTTP APIs with payload 1.0 and 2.0),
"Invoking Lambda function URLs" of the Lambda developer guide, "Lambda functions as targets" of the guide of
Application Load Balancers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambent.app.response import is_text

if TYPE_CHECKING:
    from lambent.app.response import Response

_WITHOUT_BODY = frozenset({204, 304})


# A load balancer passes on one value per spelling of a header's name, and browsers do not mind how it is spelt.
def _spelt(index: int) -> str:
    """Set-Cookie, in one of its 512 spellings."""
    text = "".join(letter.upper() if index & 1 << bit else letter for bit, letter in enumerate("setcookie"))
    return f"{text[:3]}-{text[3:]}"


def _body(response: Response, head: bool) -> tuple[str, bool]:
    """The body on the wire, and whether it is in base64."""
    body = response.body
    if not body or head or response.status in _WITHOUT_BODY:
        return "", False
    if isinstance(body, str):
        if not body.isascii() and not is_unicode(body):
            raise ValueError("the body has half of a surrogate pair in it, which is no text")
        return body, False
    if is_text(response.content_type or "") and "content-encoding" not in response.headers:
        try:
            return body.decode(), False
        except UnicodeDecodeError:
            pass  # said to be text, and none in UTF-8
    from binascii import b2a_base64

    return b2a_base64(body, newline=False).decode(), True


def is_unicode(text: str) -> bool:
    """Whether text can be sent at all: half of a surrogate pair cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _text(name: str, value: object) -> str:
    """A header's value; numbers become text. Raises TypeError, and ValueError for what would be two headers."""
    if value.__class__ is int:
        return str(value)
    if not isinstance(value, str):
        raise TypeError(f"the header {name!r} is {value!r}: it has to be text")
    if "\r" in value or "\n" in value:
        raise ValueError(f"the header {name!r} has a line break in it")
    return value


def _checked(response: Response) -> dict[str, str | list[str]]:
    """The headers, as they can be sent. Raises TypeError and ValueError."""
    headers: dict[str, str | list[str]] = {}
    for name, value in response.headers.items():
        if isinstance(value, (list, tuple)):
            headers[_text(name, name)] = [_text(name, one) for one in value]
        else:
            headers[_text(name, name)] = _text(name, value)
    for cookie in response.cookies:
        if "\r" in cookie or "\n" in cookie:
            raise ValueError("a cookie has a line break in it")
    return headers


def _head(response: Response) -> dict[str, str | list[str]]:
    headers = _checked(response)
    if response.status == 204:
        headers.pop("content-type", None)
    return headers


def _plain(response: Response, head: bool) -> dict[str, Any] | None:
    """Most answers, which are the same in both of API Gateway's formats: text, no cookies, single headers."""
    body, headers = response.body, response.headers
    if body.__class__ is not str or head or response.cookies or response.status in _WITHOUT_BODY:
        return None
    if not body.isascii() and not is_unicode(body):
        return None
    for name, value in headers.items():
        if value.__class__ is not str or "\n" in value or "\r" in value or "\n" in name or "\r" in name:
            return None
    return {
        "statusCode": response.status,
        "headers": headers.copy(),
        "body": body,
        "isBase64Encoded": False,
    }


def to_v2(response: Response, event: dict[str, Any], head: bool) -> dict[str, Any]:
    """For HTTP APIs and function URLs."""
    plain = _plain(response, head)
    if plain is not None:
        return plain
    body, encoded = _body(response, head)
    headers = _head(response)
    given = headers.pop("set-cookie", [])
    cookies = [*([given] if isinstance(given, str) else given), *response.cookies]
    answer: dict[str, Any] = {
        "statusCode": response.status,
        "headers": {
            name: value if isinstance(value, str) else ", ".join(value) for name, value in headers.items()
        },
        "body": body,
        "isBase64Encoded": encoded,
    }
    if cookies:
        answer["cookies"] = cookies
    return answer


def to_v1(response: Response, event: dict[str, Any], head: bool) -> dict[str, Any]:
    """For REST APIs."""
    plain = _plain(response, head)
    if plain is not None:
        return plain
    body, encoded = _body(response, head)
    single: dict[str, str] = {}
    several: dict[str, list[str]] = {}
    for name, value in _head(response).items():
        if isinstance(value, str):
            single[name] = value
        else:
            several[name] = list(value)
    if response.cookies:
        several["set-cookie"] = [*several.get("set-cookie", []), *response.cookies]
    answer: dict[str, Any] = {
        "statusCode": response.status,
        "headers": single,
        "body": body,
        "isBase64Encoded": encoded,
    }
    if several:
        answer["multiValueHeaders"] = several
    return answer


def to_alb(response: Response, event: dict[str, Any], head: bool) -> dict[str, Any]:
    """For load balancers: one value per name, or lists of values where the target group has that switched on."""
    body, encoded = _body(response, head)
    answer: dict[str, Any] = {
        "statusCode": response.status,
        "statusDescription": f"{response.status} {_phrase(response.status)}",
        "body": body,
        "isBase64Encoded": encoded,
    }
    headers = _head(response)
    if "multiValueHeaders" in event:
        answer["multiValueHeaders"] = several = {
            name: [value] if isinstance(value, str) else list(value) for name, value in headers.items()
        }
        if response.cookies:
            several["set-cookie"] = [*several.get("set-cookie", []), *response.cookies]
        return answer
    answer["headers"] = single = {
        name: value if isinstance(value, str) else ", ".join(value)
        for name, value in headers.items()
        if name != "set-cookie"
    }
    given = headers.get("set-cookie", [])
    cookies = [*([given] if isinstance(given, str) else given), *response.cookies]
    for index, cookie in enumerate(cookies[:512]):
        single[_spelt(index)] = cookie
    return answer


def _phrase(status: int) -> str:
    from http import HTTPStatus

    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
