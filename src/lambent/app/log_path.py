"""Paths into an event: `requestContext.requestId`, `headers."x-id"`, `Records[0].messageId`.

The part of JMESPath (https://jmespath.org/specification.html) that correlation ids need: identifiers, quoted
identifiers and indices. What a path does not find is None, as there.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

_STEP = re.compile(r'(?:\.?(?P<name>[A-Za-z_][A-Za-z0-9_]*|"(?:[^"\\]|\\.)*")|\[(?P<index>-?\d+)\])')


def compile_path(path: str) -> Callable[[Any], Any]:
    """A function that finds in an event what `path` names. Raises ValueError for a path that is not understood."""
    steps: list[str | int] = []
    position = 0
    while position < len(path):
        match = _STEP.match(path, position)
        if match is None or (match["name"] and (path[position] == ".") != bool(steps)):
            raise ValueError(
                f"path {path!r} is not understood at character {position}: names joined by dots, quoted names and "
                f'indices are, such as requestContext.requestId, headers."x-id" or Records[0].messageId'
            )
        name = match["name"]
        if name is None:
            steps.append(int(match["index"]))
        else:
            steps.append(msgspec.json.decode(name, type=str) if name[0] == '"' else name)
        position = match.end()
    if not steps:
        raise ValueError("a path names at least one key")

    def find(event: Any) -> Any:
        for step in steps:
            if isinstance(step, str):
                event = event.get(step) if isinstance(event, dict) else None
            elif isinstance(event, list) and -len(event) <= step < len(event):
                event = event[step]
            else:
                return None
        return event

    return find
