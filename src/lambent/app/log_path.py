"""Paths into an event: `requestContext.requestId`, `headers."x-id"`, `Records[0].messageId`.

The part of JMESPath (https://jmespath.org/specification.html) that correlation ids need: identifiers, quoted
identifiers and indices. Other expressions are left to the `jmespath` package, which Lambda's runtime has with boto3,
with Powertools' functions `powertools_json`, `powertools_base64` and `powertools_base64_gzip`. What a path does not
find is None, as there.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

_STEP = re.compile(r'(?:\.?(?P<name>[A-Za-z_][A-Za-z0-9_]*|"(?:[^"\\]|\\.)*")|\[(?P<index>-?\d+)\])')


def compile_path(path: str) -> Callable[[Any], Any]:
    """A function that finds in an event what `path` names. Raises ValueError for a path that is not understood.

    Expressions beyond the simple ones are not understood where there is no `jmespath`.
    """
    steps: list[str | int] = []
    position = 0
    while position < len(path):
        match = _STEP.match(path, position)
        if match is None or (match["name"] and (path[position] == ".") != bool(steps)):
            compiled = _compile_expression(path)
            if compiled is not None:
                return compiled
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


def _compile_expression(path: str) -> Callable[[Any], Any] | None:
    """The expression as jmespath understands it; None if it does not, or is not there."""
    try:
        import jmespath  # type: ignore[import-untyped] # it ships no types
    except ImportError:
        return None
    from jmespath import functions

    class Functions(functions.Functions):  # type: ignore[misc] # jmespath has no types
        @functions.signature({"types": ["string"]})  # type: ignore[untyped-decorator] # the same
        def _func_powertools_json(self, value: str) -> Any:
            return msgspec.json.decode(value)

        @functions.signature({"types": ["string"]})  # type: ignore[untyped-decorator] # the same
        def _func_powertools_base64(self, value: str) -> str:
            from base64 import b64decode

            return b64decode(value).decode()

        @functions.signature({"types": ["string"]})  # type: ignore[untyped-decorator] # the same
        def _func_powertools_base64_gzip(self, value: str) -> str:
            import gzip
            from base64 import b64decode

            return gzip.decompress(b64decode(value)).decode()

    try:
        expression = jmespath.compile(path)
        options = jmespath.Options(custom_functions=Functions())
        expression.search(None, options)
    except (jmespath.exceptions.ParseError, jmespath.exceptions.UnknownFunctionError):
        return None
    except jmespath.exceptions.JMESPathError:
        pass  # an argument of nothing: events may have better ones

    def find(event: Any) -> Any:
        try:
            return expression.search(event, options)
        except Exception:  # noqa: BLE001 - an event without an id is no reason to fail
            return None

    return find
