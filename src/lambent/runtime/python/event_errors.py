"""Words for what is wrong with an event that is not JSON.

The managed runtimes read events with another JSON library, which says some things differently from the
standard one. This runs only when an event could not be read, so it may look at the text again.
"""

from __future__ import annotations

import re
from json import JSONDecodeError

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[\]{}]|NaN|-?Infinity', re.DOTALL)


class NotJson(ValueError):
    """One of the names that Python takes for a number and JSON does not; its only argument."""


def describe(error: Exception, payload: str | bytes) -> str:
    """What the managed runtimes say about `error`, which reading `payload` raised."""
    if isinstance(error, NotJson) and isinstance(payload, str):
        name = str(error)
        for token in _TOKEN.finditer(payload):
            if token.group() == name:
                return str(JSONDecodeError("Expecting value", payload, token.start()))
    if not isinstance(error, JSONDecodeError):
        return str(error)
    text, position, message = error.doc, error.pos, error.msg
    if message == "Extra data":
        end = JSONDecodeError("", text, len(text))
        return (
            f"Extra data: line {error.lineno} column {error.colno} - line {end.lineno} column {end.colno} "
            f"(char {position} - {len(text)})"
        )
    message, position = _reword(message, text, position)
    return str(JSONDecodeError(message, text, position))


def _reword(message: str, text: str, position: int) -> tuple[str, int]:
    before = text[:position].rstrip()
    last = before[-1:]
    following = text[position : position + 1]
    if message == "Expecting value":
        if last == "," and following == "]":
            return "Illegal trailing comma before end of array", len(before) - 1
        if last == "[" and not following:
            return "Expecting value or ']'", position
    elif message == "Expecting property name enclosed in double quotes":
        if last == "," and following == "}":
            return "Illegal trailing comma before end of object", len(before) - 1
        if last == "{":
            return message + " or '}'", position
    elif message == "Expecting ',' delimiter":
        return f"{message} or '{_closing(text[:position])}'", position
    elif message == "Invalid control character at":
        return f"Invalid control character {following!r} at", position
    elif message == "Invalid \\escape":
        return f"Invalid \\X escape sequence {text[position + 1 : position + 2]!r}", position + 1
    elif message == "Invalid \\uXXXX escape":
        return "Invalid \\uXXXX escape sequence", position - 1
    return message, position


def _closing(text: str) -> str:
    """The bracket that would close the innermost open one."""
    stack = []
    for found in _TOKEN.findall(text):
        if found in "[{":
            stack.append("]" if found == "[" else "}")
        elif found in "]}" and stack:
            stack.pop()
    return stack[-1] if stack else "}"
