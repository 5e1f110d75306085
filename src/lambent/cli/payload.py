"""What is given to commands as text, a file or standard input: messages and events."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from lambent.cli.failure import Failure

if TYPE_CHECKING:
    from collections.abc import Callable

    Command = TypeVar("Command", bound=Callable[..., Any])


def message_options(of: str) -> Callable[[Command], Command]:
    """Adds what messages to a queue and to a topic have in common (`of` is which): the command gets `text`, `group`,
    `deduplication` and `attributes`, for `message_members`.
    """

    def add(command: Command) -> Command:
        for option in (
            click.option(
                "--attribute",
                "attributes",
                metavar="NAME[:Number]=VALUE",
                multiple=True,
                help="A message attribute, which filters look at; repeatable.",
            ),
            click.option(
                "--deduplication", metavar="ID", help=f"What makes it the same message, of a FIFO {of}."
            ),
            click.option(
                "--group", metavar="ID", help=f"The message group, of a FIFO {of}.  [default: default]"
            ),
            click.option("--text", is_flag=True, help="The message goes as it is, JSON or not."),
        ):
            command = option(command)
        return command

    return add


def message_text(message: str, *, text: bool) -> str:
    """The message that JSON|@FILE|- stands for. Raises Failure."""
    hint = "Text in quotes is JSON, too: '\"hello\"'. With --text it goes as it is."
    return read_text(message) if text else read_json(message, hint=hint)


def message_members(
    *, group: str | None, deduplication: str | None, attributes: tuple[str, ...]
) -> dict[str, Any]:
    """Members of a message that SQS and SNS call alike. Raises Failure."""
    members: dict[str, Any] = {}
    if attributes:
        members["MessageAttributes"] = read_attributes(attributes)
    if deduplication is not None:
        members["MessageDeduplicationId"] = deduplication
    if group is not None:
        members["MessageGroupId"] = group or "default"
    return members


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
