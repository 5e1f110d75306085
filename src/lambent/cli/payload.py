"""What is given to commands as text, a file or standard input: messages and events."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from lambent.cli.failure import Failure


def read_text(data: str) -> str:
    """The text that JSON|@FILE|- stands for. Raises Failure when it cannot be read or is not UTF-8."""
    if data != "-" and not data.startswith("@"):
        return data
    place = "standard input" if data == "-" else data[1:]
    try:
        found = sys.stdin.buffer.read() if data == "-" else Path(data[1:]).read_bytes()
        return found.decode()
    except OSError as error:
        raise Failure(f"{place}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise Failure(f"{place} is not text in UTF-8: {error}") from error


def read_json(data: str, *, hint: str | None = None) -> str:
    """The same, which must be JSON. `hint` says what to do where it is not. Raises Failure."""
    text = read_text(data)
    try:
        json.loads(text)
    except ValueError as error:
        place = "standard input" if data == "-" else data[1:] if data.startswith("@") else text
        raise Failure(f"{_shortened(place)} is not JSON: {error}", hint=hint) from error
    return text


def read_attributes(given: tuple[str, ...]) -> dict[str, dict[str, Any]]:
    """Message attributes, as SQS and SNS take them, of NAME=VALUE and NAME:TYPE=VALUE. Raises Failure."""
    attributes = {}
    for one in given:
        named, equals, value = one.partition("=")
        name, _, kind = named.partition(":")
        kind = kind or "String"
        if not equals or not name or kind.partition(".")[0] not in ("String", "Number"):
            raise Failure(
                f"--attribute {one}: it must be NAME=VALUE, or NAME:Number=VALUE",
                hint="Types are String and Number.",
            )
        attributes[name] = {"DataType": kind, "StringValue": value}
    return attributes


def _shortened(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}…"
