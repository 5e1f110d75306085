"""Log lines as a person wants them: a framework's JSON as text, paths as they are in the project."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_ERROR: Final = re.compile(
    r"\[(ERROR|CRITICAL|FATAL)\]|Task timed out after|Traceback \(most recent call last\)"
    r"|Runtime\.[A-Z]\w+|^\S*\tERROR\t|Error Type: "
)
_WARNING: Final = re.compile(r"\[WARN(ING)?\]|\tWARN\t")
_LEVELS: Final = {
    "CRITICAL": "error",
    "FATAL": "error",
    "ERROR": "error",
    "WARNING": "warning",
    "WARN": "warning",
    "DEBUG": "debug",
    "TRACE": "debug",
}
_TRACEBACK: Final = "Traceback (most recent call last):"
_FRAME: Final = re.compile(r'\s+File "[^"]*/lambent/app/[^"]*", line \d+, in ')
_TASK: Final = "/var/task/"
_NOT_SHOWN: Final = frozenset(
    {
        "level",
        "message",
        "msg",
        "timestamp",
        "time",
        "location",
        "service",
        "cold_start",
        "function_name",
        "function_arn",
        "function_memory_size",
        "function_request_id",
        "requestId",
        "request_id",
        "xray_trace_id",
        "correlation_id",
        "logger",
        "sampling_rate",
        "exception",
        "exception_name",
        "stack_trace",
        "errorMessage",
        "errorType",
        "stackTrace",
        "handler",
        "source",
        "_aws",
    }
)
"""Members of a JSON line that are the same for all lines of an invocation, or are shown elsewhere."""

# What our runtime and AWS's put before a line: "[ERROR] ", and for logging "2026-11-21T21:40:01.123Z\tid\t".
_PREFIX: Final = re.compile(r"^(\[[A-Z]+\])\t\d{4}-\d\d-\d\dT[\d:.]+Z\t[0-9a-f-]{36}\t")


class Line(NamedTuple):
    """A line to show. `level` is "error", "warning", "debug" or "" for all else."""

    text: str
    level: str


def readable(message: str, folders: Mapping[str, str]) -> Line | None:
    """A log event as it is shown; None for one that only programs read (metrics).

    `folders` says what folders of the function are called in the project: `{"/var/task/": "src/"}`.
    """
    # Lambda indents tracebacks with spaces that do not break.
    text = message.rstrip().replace("\xa0", " ")
    line = _json(text) if text.startswith("{") and text.endswith("}") else None
    if line is None:
        if "LAMBDA_WARNING: Unhandled exception." in text:
            return None  # a paragraph that says no more than the error which follows
        level = "error" if _ERROR.search(text) else "warning" if _WARNING.search(text) else ""
        line = Line(_PREFIX.sub(r"\1 ", text), level)
    if not line.text:
        return None
    return Line(in_project(_without_framework(line.text), folders), line.level)


def _without_framework(text: str) -> str:
    """A traceback without the frames between the event and the handler: they are the same for all."""
    if "/lambent/app/" not in text:
        return text
    kept: list[str] = []
    skipping = False
    for line in text.split("\n"):
        if _FRAME.match(line):
            skipping = True
        elif not (skipping and line.startswith("    ")):  # below a frame are its source, and carets
            skipping = False
            kept.append(line)
    if not any(line.startswith("  File ") for line in kept):
        kept = [line for line in kept if line != _TRACEBACK]
    return "\n".join(kept)


def in_project(text: str, folders: Mapping[str, str]) -> str:
    """`text` with the paths of the project in place of those in the function."""
    for inside, outside in folders.items():
        if inside in text:
            text = text.replace(inside, outside)
    return text


def folders_of(source: Path | None, linked: str | None, directory: Path) -> dict[str, str]:
    """What the folders of a function are called: its source, seen from the directory where `dev` runs."""
    if source is None:
        return {}
    try:
        shown = f"{source.relative_to(directory).as_posix()}/"
    except ValueError:
        shown = f"{source}/"
    shown = "" if shown == "./" else shown
    folders = {_TASK: shown}
    if linked is not None:
        folders[f"{linked}/"] = shown
    return folders


def _json(text: str) -> Line | None:
    """A line of a structured logger; None for other JSON."""
    try:
        document: Any = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return None
    if not isinstance(document, dict):
        return None
    if "_aws" in document:
        return Line("", "")  # metrics in CloudWatch's embedded format
    level = str(document.get("level", "")).upper()
    message = document.get("message", document.get("msg"))
    if message is None and "errorMessage" in document:
        message, level = f"{document.get('errorType', 'Error')}: {document['errorMessage']}", "ERROR"
    if message is None or not (level or "timestamp" in document):
        return None
    parts = [message if isinstance(message, str) else msgspec.json.encode(message).decode()]
    parts += [
        f"{name}={value if isinstance(value, str) else msgspec.json.encode(value).decode()}"
        for name, value in document.items()
        if name not in _NOT_SHOWN
    ]
    shown = "  ".join(parts)
    if level and level != "INFO":
        shown = f"{level} {shown}"
    trace = document.get("exception") or document.get("stackTrace") or document.get("stack_trace")
    if isinstance(trace, list):
        trace = "".join(str(part) for part in trace)
    if isinstance(trace, str) and trace.strip():
        shown += "\n" + trace.rstrip()
    return Line(shown, _LEVELS.get(level, ""))
