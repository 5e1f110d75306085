"""Why a payload is not JSON, in the words Lambda uses.

Lambda's answers are those of the Jackson parser; AWS-recorded `test_lambda_invoke_payload_encoding_error`
shows two of them with their positions. Only refused payloads come here, so clarity comes before speed.
"""

from __future__ import annotations

from typing import Final, NoReturn

import msgspec

from lambent.aws.errors import ServiceError

_SOURCE: Final = "REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled)"
_VALUES: Final = "JSON String, Number, Array, Object or token 'null', 'true' or 'false'"
_SPACE: Final = b" \t\r\n"
_DIGITS: Final = b"0123456789"
_HEX_DIGITS: Final = b"0123456789abcdefABCDEF"
_ESCAPES: Final = b'"\\/bfnrtu'
_DEPTH: Final = 1000
_NOT_FINITE: Final = frozenset({"NaN", "Infinity"})


_validate: Final = msgspec.json.Decoder(msgspec.Raw).decode


def check_event(payload: bytes) -> None:
    """Raise InvalidRequestContentException, as ServiceError, for an event that is not JSON."""
    try:
        _validate(payload)
        if not payload.isascii():
            payload.decode()  # msgspec does not look into strings
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        complaint = describe_json_error(payload)
        if complaint is not None:
            raise ServiceError(
                "InvalidRequestContentException",
                f"Could not parse request body into json: {complaint}",
                status=400,
            ) from None


def describe_json_error(data: bytes) -> str | None:
    """The complaint about the first thing in `data` that is not JSON, with line and column; None for JSON.

    Half of a surrogate pair as an escape is JSON here, as for Jackson, which faster parsers refuse.
    """
    try:
        _Scanner(data).document()
    except _Complaint as complaint:
        return f"Could not parse payload into json: {complaint}"
    return None


class _Complaint(Exception):
    pass


class _Scanner:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def document(self) -> None:
        self.space()
        if self.at >= len(self.data):
            self.fail("No content to map due to end-of-input", self.at)
        # Containers are kept on a stack: (is object, where it began).
        open_containers: list[tuple[bool, int]] = []
        self.value(open_containers)
        while open_containers:
            self.after_value(open_containers)
        self.space()
        if self.at < len(self.data):
            self.value([])

    def after_value(self, containers: list[tuple[bool, int]]) -> None:
        is_object, start = containers[-1]
        kind, closing = ("Object", 0x7D) if is_object else ("Array", 0x5D)
        self.space()
        if self.at >= len(self.data):
            where = f"[Source: {_SOURCE}; {self.position(start)}]"
            self.fail(
                f"Unexpected end-of-input: expected close marker for {kind} (start marker at {where})",
                self.at,
            )
        if self.data[self.at] == closing:
            self.at += 1
            containers.pop()
            return
        if not self.just_opened(start):
            if self.data[self.at] != 0x2C:
                self.unexpected(f"was expecting comma to separate {kind} entries")
            self.at += 1
            self.space()
        if is_object:
            self.name()
        self.value(containers)

    def just_opened(self, start: int) -> bool:
        return not self.data[start + 1 : self.at].strip(_SPACE)

    def name(self) -> None:
        self.need("Unexpected end-of-input within/between Object entries")
        if self.data[self.at] != 0x22:
            self.unexpected("was expecting double-quote to start field name")
        self.string("in field name")
        self.space()
        self.need("Unexpected end-of-input within/between Object entries")
        if self.data[self.at] != 0x3A:
            self.unexpected("was expecting a colon to separate field name and value")
        self.at += 1

    def value(self, containers: list[tuple[bool, int]]) -> None:
        self.space()
        self.need("Unexpected end-of-input within/between Object entries")
        first = self.data[self.at]
        if first in b"{[":
            containers.append((first == 0x7B, self.at))
            if len(containers) > _DEPTH:
                self.fail(
                    f"Document nesting depth ({_DEPTH + 1}) exceeds the maximum allowed ({_DEPTH}, from "
                    "`StreamReadConstraints.getMaxNestingDepth()`)",
                    self.at + 1,
                )
            self.at += 1
        elif first == 0x22:
            self.string("in VALUE_STRING")
        elif first in b"-0123456789":
            self.number()
        else:
            self.word()

    def string(self, where: str) -> None:
        self.at += 1
        while True:
            self.need(f"Unexpected end-of-input {where}")
            byte = self.data[self.at]
            if byte == 0x22:
                self.at += 1
                return
            if byte < 0x20:
                self.fail(
                    f"Illegal unquoted character ((CTRL-CHAR, code {byte})): has to be escaped using backslash "
                    f"to be included in {'name' if 'field' in where else 'string value'}",
                    self.at + 1,
                )
            if byte == 0x5C:
                self.at += 1
                self.need(f"Unexpected end-of-input {where}")
                if self.data[self.at] not in _ESCAPES:
                    self.fail(f"Unrecognized character escape {self.shown(self.at)}", self.at + 1)
                self.at += 1
                if self.data[self.at - 1] == 0x75:
                    self.hexadecimal()
            elif byte < 0x80:
                self.at += 1
            else:
                self.multibyte()

    def hexadecimal(self) -> None:
        for _ in range(4):
            self.need("Unexpected end-of-input in character escape sequence")
            if self.data[self.at] not in _HEX_DIGITS:
                self.unexpected("expected a hex-digit for character escape sequence")
            self.at += 1

    def multibyte(self) -> None:
        byte = self.data[self.at]
        length = 2 if 0xC2 <= byte < 0xE0 else 3 if 0xE0 <= byte < 0xF0 else 4 if 0xF0 <= byte < 0xF5 else 0
        if not length:
            self.fail(f"Invalid UTF-8 start byte 0x{byte:x}", self.at + 1)
        for n in range(1, length):
            if self.at + n >= len(self.data):
                self.fail("Unexpected end-of-input in VALUE_STRING", self.at + n)
            if self.data[self.at + n] & 0xC0 != 0x80:
                self.fail(f"Invalid UTF-8 middle byte 0x{self.data[self.at + n]:x}", self.at + n + 1)
        try:
            self.data[self.at : self.at + length].decode()
        except UnicodeDecodeError:  # half of a surrogate pair, a longer form than needed, above U+10FFFF
            self.fail(f"Invalid UTF-8 middle byte 0x{self.data[self.at + 1]:x}", self.at + 2)
        self.at += length

    def number(self) -> None:
        if self.data[self.at] == 0x2D:
            self.at += 1
            self.need("Unexpected end-of-input: was expecting digit after '-'")
            if self.data.startswith(b"Infinity", self.at):
                self.at += 8
                self.not_finite("-Infinity")
            if self.data[self.at] not in _DIGITS:
                self.unexpected("expected digit (0-9) to follow minus sign, for valid numeric value")
        if self.data[self.at] == 0x30 and self.data[self.at + 1 : self.at + 2].isdigit():
            self.fail("Invalid numeric value: Leading zeroes not allowed", self.at + 1)
        self.digits()
        if self.data[self.at : self.at + 1] == b".":
            self.at += 1
            self.needs_digit("Decimal point not followed by a digit")
        if self.data[self.at : self.at + 1] in (b"e", b"E"):
            self.at += 1
            if self.data[self.at : self.at + 1] in (b"+", b"-"):
                self.at += 1
            self.needs_digit("Exponent indicator not followed by a digit")
        if self.at < len(self.data) and self.data[self.at] not in b" \t\r\n,]}:":
            self.unexpected("Expected space separating root-level values")

    def needs_digit(self, message: str) -> None:
        self.need(f"Unexpected end-of-input: {message}")
        if self.data[self.at] not in _DIGITS:
            self.unexpected(message)
        self.digits()

    def digits(self) -> None:
        while self.at < len(self.data) and self.data[self.at] in _DIGITS:
            self.at += 1

    def word(self) -> None:
        for token in (b"null", b"true", b"false"):
            end = self.at + len(token)
            if self.data[self.at : end] == token and not self.data[end : end + 1].isalnum():
                self.at = end
                return
        start = self.at
        if not (
            chr(self.data[start]).isascii() and (chr(self.data[start]).isalpha() or self.data[start] == 0x5F)
        ):
            self.unexpected(f"expected a valid value ({_VALUES})")
        while self.at < len(self.data):
            byte = self.data[self.at]
            if byte >= 0x80:
                self.multibyte()
            elif chr(byte).isalnum() or byte in b"_$":
                self.at += 1
            else:
                break
        token_text = self.data[start : self.at].decode("utf-8", "replace")
        if token_text in _NOT_FINITE:
            self.not_finite(token_text)
        self.fail(f"Unrecognized token '{token_text}': was expecting ({_VALUES})", self.at)

    def not_finite(self, token: str) -> NoReturn:
        self.fail(
            f"Non-standard token '{token}': enable `JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS` to allow",
            self.at,
        )

    def space(self) -> None:
        while self.at < len(self.data) and self.data[self.at] in _SPACE:
            self.at += 1

    def need(self, message: str) -> None:
        if self.at >= len(self.data):
            self.fail(message, self.at)

    def unexpected(self, expected: str) -> NoReturn:
        self.fail(f"Unexpected character ({self.shown(self.at)}): {expected}", self.at)

    def shown(self, at: int) -> str:
        code = self.data[at]
        if code < 0x20 or 0x7F <= code < 0xA0:
            return f"(CTRL-CHAR, code {code})"
        return f"'{chr(code)}' (code {code})"

    def position(self, at: int) -> str:
        line = self.data.count(b"\n", 0, at) + 1
        column = at - self.data.rfind(b"\n", 0, at)
        return f"line: {line}, column: {column}"

    def fail(self, message: str, at: int) -> NoReturn:
        raise _Complaint(f"{message}\n at [Source: {_SOURCE}; {self.position(at)}]")
