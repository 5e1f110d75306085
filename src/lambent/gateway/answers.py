"""What functions return, as HTTP answers.

Formats: "Lambda function URL response payload" of the Lambda developer guide; "Lambda function response for format
2.0" and "1.0" of the API Gateway developer guide. What is inferred of a result without a statusCode, and that a URL
sends it as compact JSON and a plain string as it is, is recorded (`TestLambdaURL::test_lambda_url_invocation`).
"""

from __future__ import annotations

import re
from binascii import a2b_base64
from typing import Any, Final, NamedTuple

import msgspec

from lambent.gateway.errors import BadAnswer

JSON: Final = "application/json"

_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode

_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # a token: RFC 9110, section 5.6.2
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")

# Between two hops only, or the server's own to say.
_NOT_PASSED_ON: Final = frozenset(
    {"connection", "content-length", "date", "keep-alive", "trailer", "transfer-encoding", "upgrade"}
)


class Answer(NamedTuple):
    """An answer, ready to be sent."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


def answer_v2(result: bytes, default_type: str) -> Answer:
    """The answer of a function that speaks payload 2.0; `default_type` is what a body without a Content-Type is.

    Raises BadAnswer.
    """
    try:
        value = _decode(result)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadAnswer(f"it is not JSON: {error}") from None
    if not isinstance(value, dict) or "statusCode" not in value:
        body = value.encode() if isinstance(value, str) else _encode(value)
        return Answer(200, [("Content-Type", JSON)], body)
    status, headers = status_and_headers(value, default_type)
    return Answer(status, headers, _body(value))


def status_and_headers(value: dict[str, Any], default_type: str) -> tuple[int, list[tuple[str, str]]]:
    """What payload 2.0 says besides the body; without a statusCode 200. Raises BadAnswer."""
    headers = _headers(value.get("headers"), {})
    cookies = value.get("cookies")
    if cookies is not None:
        if not isinstance(cookies, list):
            raise BadAnswer("cookies is no list")
        headers += [("Set-Cookie", _text("a cookie", cookie)) for cookie in cookies]
    return _status(value.get("statusCode", 200)), _typed(headers, default_type)


def answer_v1(result: bytes, default_type: str) -> Answer:
    """The answer of a function that speaks payload 1.0, which has to be an object. Raises BadAnswer."""
    try:
        value = _decode(result)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadAnswer(f"it is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise BadAnswer("it is no object")
    return read_v1(value, default_type)


def read_v1(value: dict[str, Any], default_type: str) -> Answer:
    """The same of an object that has been decoded. Raises BadAnswer."""
    if "statusCode" not in value:
        raise BadAnswer("it has no statusCode")
    several = value.get("multiValueHeaders") or {}
    if not isinstance(several, dict):
        raise BadAnswer("multiValueHeaders is no object")
    headers = _headers(value.get("headers"), several)
    return Answer(_status(value["statusCode"]), _typed(headers, default_type), _body(value))


def _status(given: Any) -> int:
    if isinstance(given, str) and len(given) <= 3 and given.isascii() and given.isdigit():
        given = int(given)
    if isinstance(given, float) and given.is_integer():
        given = int(given)
    if given.__class__ is not int or not 100 <= given <= 599:
        raise BadAnswer(f"its statusCode is {given!r}")
    if given < 200:
        raise BadAnswer(f"its statusCode is {given}: there would have to follow another answer")
    return int(given)


def _headers(given: Any, several: dict[str, Any]) -> list[tuple[str, str]]:
    """Single and multi-value headers as pairs; a name that is in both has its values from both, each once."""
    found: list[tuple[str, str]] = []
    if given is not None:
        if not isinstance(given, dict):
            raise BadAnswer("headers is no object")
        known = {name.lower(): values for name, values in several.items()} if several else {}
        for name, value in given.items():
            if name.lower() in _NOT_PASSED_ON:
                continue
            text = _text(name, value)
            if text not in known.get(name.lower(), ()):
                found.append((_name(name), text))
    for name, values in several.items():
        if name.lower() in _NOT_PASSED_ON:
            continue
        if not isinstance(values, list):
            raise BadAnswer(f"multiValueHeaders: {name} is no list")
        found += [(_name(name), _text(name, value)) for value in values]
    return found


def _name(name: str) -> str:
    if _NAME.fullmatch(name) is None:
        raise BadAnswer(f"{name!r} is no name of a header")
    return name


def _text(name: str, value: Any) -> str:
    if value.__class__ is str:
        if _CONTROL.search(value) is not None:
            raise BadAnswer(f"{name} has a line break or another control character in it")
        return value
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    raise BadAnswer(f"{name} is {type(value).__name__}, and no text")


def _typed(headers: list[tuple[str, str]], default_type: str) -> list[tuple[str, str]]:
    for name, _ in headers:
        if name.lower() == "content-type":
            return headers
    headers.append(("Content-Type", default_type))
    return headers


def _body(value: dict[str, Any]) -> bytes:
    body = value.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        raise BadAnswer(f"its body is {type(body).__name__}, and no text")
    if value.get("isBase64Encoded") is True:
        try:
            # Some encoders break lines.
            return a2b_base64("".join(body.split()), strict_mode=True)
        except ValueError:  # binascii.Error is one
            raise BadAnswer("its body is not what it is said to be: base64") from None
    return body.encode("utf-8", "replace")
