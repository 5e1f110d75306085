"""JSON as a stream of tokens that know where the reader stands.

Refusals of patterns carry the position at which Jackson's streaming parser stood when AWS's compiler gave up, so
this reader advances as that one does: behind a field's name it has already taken the value's first character, or
the whole value if it is a number or literal, while a text is only read to its end when somebody asks for it.
The positions were recorded from AWS (LocalStack's `test_events_patterns.snapshot.json`); so were the first words of
syntax errors, the others are Jackson's.
"""

from __future__ import annotations

import re
from typing import Final, NoReturn

from lambent.events.patterns.errors import InvalidPattern, TooComplex

OBJECT: Final = "{"
END_OBJECT: Final = "}"
ARRAY: Final = "["
END_ARRAY: Final = "]"
FIELD: Final = "field"
TEXT: Final = "text"
NUMBER: Final = "number"
LITERAL: Final = "literal"
END: Final = "end"

_SPACE: Final = " \t\r\n"
_LITERALS: Final = frozenset({"true", "false", "null"})
_NUMBER: Final = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_PLAIN: Final = re.compile(r'[^"\\\x00-\x1f]*')
_WORD: Final = re.compile(r"\w[\w$]*")
_HEX: Final = re.compile(r"[0-9a-fA-F]{4}")
_ESCAPES: Final = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", '"': '"', "\\": "\\", "/": "/"}
_VALUES: Final = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
_SHOWN: Final = 500
# Patterns may have 4096 characters. Only this project has a limit here: it reads them recursively.
_DEPTH: Final = 100
_LENGTH: Final = 1000


class Tokens:
    """`next()` gives the kind of the next token; `text()` is what it says."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._at = 0
        # Where each open container began, with its bracket.
        self._open: list[tuple[str, int]] = []
        self._ahead: str | None = None
        self._fresh = True
        self._kind = END
        self._text: str | None = None
        self._text_ahead: str | None = None

    def next(self) -> str:
        """The kind of the next token. Raises InvalidPattern where the source is not JSON."""
        if self._kind == TEXT and self._text is None:
            self.text()
        if self._ahead is not None:
            kind, self._ahead = self._ahead, None
            self._text = self._text_ahead if kind != TEXT else None
        else:
            kind = self._read()
        self._kind = kind
        return kind

    def text(self) -> str:
        """The current token: a field's name, a text without its quotes, a number as it is written."""
        if self._text is None:
            self._text = self._quoted("string value")
        return self._text

    def fail(self, reason: str) -> NoReturn:
        """Refuse the source where the reader stands. Raises InvalidPattern."""
        raise InvalidPattern(self.placed(reason))

    def placed(self, reason: str) -> str:
        """`reason` with the place at which the reader stands."""
        return f"{reason}\n at {self._place(self._at)}"

    def _place(self, at: int) -> str:
        line = self._source.count("\n", 0, at) + 1
        column = at - (self._source.rfind("\n", 0, at) + 1) + 1
        rest = len(self._source) - _SHOWN
        shown = f'"{self._source[:_SHOWN]}"' + (f"[truncated {rest} chars]" if rest > 0 else "")
        return f"[Source: (String){shown}; line: {line}, column: {column}]"

    def _read(self) -> str:
        character = self._skip_space()
        if character == "":
            return self._ended()
        container = self._open[-1][0] if self._open else None
        if character in "}]":
            return self._close(character)
        if container is not None and not self._fresh:
            if character != ",":
                kind = "Object" if container == OBJECT else "Array"
                self._unexpected(f"was expecting comma to separate {kind} entries")
            self._at += 1
            character = self._skip_space()
            if character == "":
                kind = "Object" if container == OBJECT else "Array"
                self._end_of_input(f" within/between {kind} entries")
        self._fresh = False
        if container == OBJECT:
            return self._field(character)
        kind, self._text = self._value(character, "expected a valid value " + _VALUES)
        return kind

    def _field(self, character: str) -> str:
        if character != '"':
            self._unexpected("was expecting double-quote to start field name")
        self._at += 1
        name = self._quoted("name")
        colon = self._skip_space()
        if colon != ":":
            if colon == "":
                self._end_of_input(" within/between Object entries")
            self._unexpected("was expecting a colon to separate field name and value")
        self._at += 1
        first = self._skip_space()
        if first == "":
            self._end_of_input(" within/between Object entries")
        kind, self._text_ahead = self._value(first, "expected a valid value " + _VALUES)
        self._ahead = kind
        self._text = name
        return FIELD

    def _value(self, character: str, expected: str) -> tuple[str, str | None]:
        if character == '"':
            self._at += 1
            return TEXT, None
        if character in "{[":
            self._open.append((character, self._at))
            if len(self._open) > _DEPTH:
                raise TooComplex(f"Rule is too complex, it is nested more than {_DEPTH} levels deep")
            self._at += 1
            self._fresh = True
            return character, character
        if character == "-" or character.isdigit():
            return NUMBER, self._number(character)
        word = _WORD.match(self._source, self._at)
        if word is None:
            self._unexpected(expected)
        self._at = word.end()
        if word.group() in ("NaN", "Infinity"):
            self.fail(
                f"Non-standard token '{word.group()}': enable `JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS` to allow"
            )
        if word.group() not in _LITERALS:
            self.fail(f"Unrecognized token '{word.group()}': was expecting {_VALUES}")
        return LITERAL, word.group()

    def _number(self, first: str) -> str:
        found = _NUMBER.match(self._source, self._at)
        if found is None:
            self._at += 1
            character = self._source[self._at : self._at + 1]
            if character == "":
                self._end_of_input(" in a Number value")
            self._unexpected("expected digit (0-9) to follow minus sign, for valid numeric value")
        text = found.group()
        if len(text) > _LENGTH:
            self._at = found.end()
            self.fail(
                f"Number value length ({len(text)}) exceeds the maximum allowed ({_LENGTH}, from "
                "`StreamReadConstraints.getMaxNumberLength()`)"
            )
        self._at = found.end()
        following = self._source[self._at : self._at + 1]
        if following.isdigit() and text.lstrip("-") == "0":
            self.fail("Invalid numeric value: Leading zeroes not allowed")
        if following == ".":
            self._at += 1
            self._in_number("Decimal point not followed by a digit")
        if following in ("e", "E"):
            self._at += 1
            if self._source[self._at : self._at + 1] in ("+", "-"):
                self._at += 1
            self._in_number("Exponent indicator not followed by a digit")
        return text

    def _in_number(self, complaint: str) -> NoReturn:
        character = self._source[self._at : self._at + 1]
        if character == "":
            self._end_of_input(" in a Number value")
        self.fail(f"Unexpected character ({_described(character)}) in numeric value: {complaint}")

    def _quoted(self, where: str) -> str:
        source, parts = self._source, []
        while True:
            plain = _PLAIN.match(source, self._at)
            assert plain is not None  # it may be empty
            parts.append(plain.group())
            self._at = plain.end()
            if self._at >= len(source):
                if where == "name":
                    self._end_of_input(" in field name")
                self._end_of_input(": was expecting closing quote for a string value")
            character = source[self._at]
            if character == '"':
                self._at += 1
                return "".join(parts)
            if character == "\\":
                self._at += 1
                parts.append(self._escape())
            else:
                self.fail(
                    f"Illegal unquoted character ({_described(character)}): has to be escaped using backslash to "
                    f"be included in {where}"
                )

    def _escape(self) -> str:
        character = self._source[self._at : self._at + 1]
        if character == "":
            self._end_of_input(" in character escape sequence")
        if character == "u":
            self._at += 1
            return self._unicode()
        if character not in _ESCAPES:
            self.fail(f"Unrecognized character escape {_described(character)}")
        self._at += 1
        return _ESCAPES[character]

    def _unicode(self) -> str:
        code = self._hex_digits()
        source = self._source
        if 0xD800 <= code < 0xDC00 and source[self._at : self._at + 2] == "\\u":
            low = _HEX.match(source, self._at + 2)
            if low is not None and 0xDC00 <= int(low.group(), 16) < 0xE000:
                self._at += 6
                return chr(0x10000 + ((code - 0xD800) << 10) + int(low.group(), 16) - 0xDC00)
        return chr(code)

    def _hex_digits(self) -> int:
        found = _HEX.match(self._source, self._at)
        if found is None:
            while self._source[self._at : self._at + 1] in tuple("0123456789abcdefABCDEF"):
                self._at += 1
            character = self._source[self._at : self._at + 1]
            if character == "":
                self._end_of_input(" in character escape sequence")
            self._unexpected("expected a hex-digit for character escape sequence")
        self._at = found.end()
        return int(found.group(), 16)

    def _close(self, character: str) -> str:
        opened = OBJECT if character == END_OBJECT else ARRAY
        if not self._open:
            self._unexpected("expected a valid value " + _VALUES)
        bracket, begin = self._open[-1]
        if bracket != opened:
            kind = "Object" if bracket == OBJECT else "Array"
            expected = END_OBJECT if bracket == OBJECT else END_ARRAY
            self.fail(
                f"Unexpected close marker '{character}': expected '{expected}' (for {kind} starting at "
                f"{self._place(begin)})"
            )
        self._at += 1
        self._open.pop()
        self._fresh = False
        self._text = character
        return character

    def _ended(self) -> str:
        if self._open:
            bracket, begin = self._open[-1]
            kind = "Object" if bracket == OBJECT else "Array"
            self._end_of_input(f": expected close marker for {kind} (start marker at {self._place(begin)})")
        self._text = ""
        return END

    def _end_of_input(self, where: str) -> NoReturn:
        self.fail(f"Unexpected end-of-input{where}")

    def _unexpected(self, expected: str) -> NoReturn:
        self.fail(f"Unexpected character ({_described(self._source[self._at])}): {expected}")

    def _skip_space(self) -> str:
        source = self._source
        character = source[self._at : self._at + 1]
        while character and character in _SPACE:
            self._at += 1
            character = source[self._at : self._at + 1]
        return character


def _described(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return f"(CTRL-CHAR, code {code})"
    if code > 0xFF:
        return f"'{character}' (code {code} / 0x{code:x})"
    return f"'{character}' (code {code})"
