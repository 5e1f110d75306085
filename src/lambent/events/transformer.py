"""What a target gets made of an event: a part of it, or a text with parts of it.

After EventBridge's guide ("Input transformation") and what AWS delivered for LocalStack's tests
(`test_events_inputs.snapshot.json`): a placeholder outside of quotation marks becomes JSON, one inside becomes text; a
path that leads nowhere is an empty text. Objects and lists inside of quotation marks lose their own ones. A template
that is neither JSON nor in quotation marks is text throughout (`<instance> is in state <status>` in the API reference).
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX_INPUT: Final = 1_048_576
"""Bytes of the largest text that is made: more than that no target takes."""

_PLACEHOLDER: Final = re.compile(r"<([\w.-]+)>", re.ASCII)
_PLAIN_TEXT: Final = re.compile(r'\s*[^\s{\["]')
_STEP: Final = re.compile(r"\.([^.\[\]*]+)|\[(\d+)\]|\.?\*|\[\*\]|\[(?:'([^']*)'|\"([^\"]*)\")\]")
_PREDEFINED: Final = frozenset(
    {"aws.events.rule-arn", "aws.events.rule-name", "aws.events.event.ingestion-time"}
    | {"aws.events.event", "aws.events.event.json"}
)
# These are put in as they are, also where they break the text around them (the guide warns of that).
_RAW: Final = frozenset({"aws.events.event", "aws.events.event.json"})

_encode = msgspec.json.Encoder().encode


class InvalidTransformer(ValueError):
    """A path that is none, or a template with a placeholder for nothing."""


class TooLarge(ValueError):
    """A template has made more of an event than any target takes."""

    def __init__(self) -> None:
        super().__init__(f"the input for the target is larger than {MAX_INPUT} bytes")


class _Nothing:
    pass


_NOTHING: Final = _Nothing()


class _Path:
    """A path in the subset of JSONPath that EventBridge knows: names, indices and asterisks."""

    __slots__ = ("_steps", "_wild")

    def __init__(self, text: str) -> None:
        # A name, an index, or None for all that is there.
        self._steps: list[str | int | None] = []
        at = 1
        while at < len(text):
            step = _STEP.match(text, at)
            if step is None:
                break
            name, index, quoted, quoted_twice = step.groups()
            names = [one for one in (name, quoted, quoted_twice) if one is not None]
            self._steps.append(names[0] if names else int(index) if index is not None else None)
            at = step.end()
        if not text.startswith("$") or at < len(text):
            raise InvalidTransformer(f"contains invalid JSONPath {text}.")
        self._wild = None in self._steps

    def find(self, event: Any) -> Any:
        """What is there: a value, a list of values for a path with an asterisk, _NOTHING for none."""
        found = [event]
        for step in self._steps:
            found = [below for value in found for below in _below(value, step)]
        if self._wild:
            return found
        return found[0] if found else _NOTHING


class Transformer:
    """A target's InputTransformer, compiled."""

    __slots__ = ("_parts", "_paths")

    def __init__(self, paths: Mapping[str, str], template: str) -> None:
        """`paths` are JSONPaths by the names that the template has in angle brackets.

        Raises InvalidTransformer; its text goes behind "InputTemplate for target … ".
        """
        self._paths = {name: _Path(path) for name, path in paths.items() if name not in _PREDEFINED}
        # Texts, and between them placeholders: a name, and how its value is written there.
        self._parts: list[str | tuple[str, Callable[[Any], str]]] = []
        at, quoted = 0, False
        alone = _PLACEHOLDER.fullmatch(template.strip()) is not None
        outside = _as_text if _PLAIN_TEXT.match(template) and not alone else _json
        for found in _PLACEHOLDER.finditer(template):
            name, text = found.group(1), template[at : found.start()]
            if name not in self._paths and name not in _PREDEFINED:
                raise InvalidTransformer(f"contains invalid placeholder {name}.")
            quoted = _quoted_after(text, quoted)
            write = _inside if quoted and outside is _json and name not in _RAW else outside
            self._parts += [text, (name, write)]
            at = found.end()
        self._parts.append(template[at:])

    def render(self, event: dict[str, Any], variables: Mapping[str, Any]) -> bytes:
        """The text for an event; `variables` has the values of names that begin with "aws.events.". Raises TooLarge."""
        pieces, left = [], MAX_INPUT
        for part in self._parts:
            piece = (part if isinstance(part, str) else self._rendered(*part, event, variables)).encode()
            left -= len(piece)
            if left < 0:
                raise TooLarge
            pieces.append(piece)
        return b"".join(pieces)

    def _rendered(
        self, name: str, write: Callable[[Any], str], event: dict[str, Any], variables: Mapping[str, Any]
    ) -> str:
        path = self._paths.get(name)
        value = variables.get(name, _NOTHING) if path is None else path.find(event)
        return write("" if value is _NOTHING else value)


def select(event: Any, path: str) -> bytes:
    """The JSON of the part of an event that an InputPath names, of an empty object if there is none.

    Raises InvalidTransformer.
    """
    found = _Path(path).find(event)
    return b"{}" if found is _NOTHING else _json(found).encode()


def _below(value: Any, step: str | int | None) -> list[Any]:
    if isinstance(value, dict):
        if isinstance(step, str):
            return [value[step]] if step in value else []
        return list(value.values()) if step is None else []
    if isinstance(value, list):
        if isinstance(step, int):
            return value[step : step + 1]
        return value if step is None else []
    return []


def _quoted_after(text: str, quoted: bool) -> bool:
    """Whether one stands inside of quotation marks behind `text`."""
    escaped = False
    for character in text:
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = True
        elif character == '"':
            quoted = not quoted
    return quoted


def _inside(value: Any) -> str:
    """A value between quotation marks, which it does not end."""
    if value is None:
        return ""
    return _json(value)[1:-1] if isinstance(value, str) else _json(value).replace('"', "")


def _as_text(value: Any) -> str:
    """A value in a text that is not JSON."""
    if value is None:
        return ""
    return value if isinstance(value, str) else _json(value)


def _json(value: Any) -> str:
    try:
        return _encode(value).decode()
    except UnicodeEncodeError:
        # Half of a surrogate pair, which JSON texts may have as an escape.
        return json.dumps(value, separators=(",", ":"))
