"""The text of a template: JSON or YAML becomes a document with long-form functions, and errors have their place.

YAML is 1.1 as CloudFormation takes it: no aliases, merges, binary, sets or times; a map's keys are texts as they stand
there, and of those that it has twice the last counts, in JSON too (measured by cdk-real-drift). Short forms are written
out (`!GetAtt a.b.c` is `{"Fn::GetAtt": ["a", "b.c"]}`). The parser makes events in C (libyaml), from which the document
is built without marks: where a thing stands is looked up only when somebody asks.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

import yaml  # type: ignore[import-untyped]

from lambent.stacks.errors import ValidationError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LARGEST_BYTES: Final = 1_000_000
"""Of a template at a URL; of one in a request 51,200, which the operation's model says."""
DEEPEST: Final = 100
"""Levels of maps and lists; more are no template, but they would exhaust whoever walks it."""

Path = tuple["str | int", ...]


class TemplateError(ValidationError):
    """The text is not a template's. `line` and `column` count from 1; both are 0 where it has no place."""

    def __init__(self, message: str, line: int = 0, column: int = 0) -> None:
        super().__init__(message)
        self.line = line
        self.column = column


class Parsed:
    """A template's document, and where its parts stand."""

    __slots__ = ("_places", "document", "format", "text")

    def __init__(self, text: str, document: dict[str, Any], kind: str) -> None:
        self.text = text
        self.document = document
        self.format = kind
        """`JSON` or `YAML`."""
        self._places: dict[Path, tuple[int, int]] | None = None

    def place(self, path: Sequence[str | int]) -> tuple[int, int] | None:
        """Line and column, from 1, of what is at `path` (`("Resources", "Queue", "Properties")`), of the nearest part
        around it where that is not written out; None for nothing.

        Reads the text a second time.
        """
        if self._places is None:
            # JSON is YAML as well, up to escapes and tabs that no parser of YAML minds the place of.
            try:
                self._places = dict(_places(self.text))
            except yaml.YAMLError:
                self._places = {}
        for length in range(len(path), -1, -1):
            found = self._places.get(tuple(path[:length]))
            if found is not None:
                return found
        return None


def parse(text: str) -> Parsed:
    """Read a template. Raises TemplateError with CloudFormation's words and, where it is known, the place."""
    text = text.removeprefix("\ufeff")
    start = text.lstrip()
    if not start:
        raise TemplateError("Template format error: unsupported structure.")
    kind = "JSON" if start[0] in "{[" else "YAML"
    try:
        size = len(text.encode())
    except UnicodeEncodeError as error:
        raise _malformed(kind, *_line_and_column(text, error.start)) from None
    if size > LARGEST_BYTES:
        raise TemplateError(f"Template may not exceed {LARGEST_BYTES} bytes in size.")
    document = _json(text) if kind == "JSON" else _yaml(text)
    if not isinstance(document, dict):
        raise TemplateError("Template format error: unsupported structure.")
    return Parsed(text, document, kind)


# --- JSON -----------------------------------------------------------------------------------------------------------


def _json(text: str) -> Any:
    try:
        document = json.loads(text, parse_constant=_no_constant, parse_float=_float)
    except json.JSONDecodeError as error:
        # The parser that CloudFormation uses tells the column behind the character that it did not expect.
        raise _malformed("JSON", error.lineno, error.colno + 1) from None
    except RecursionError:
        raise _too_deep(*_place_of_depth(text)) from None
    except ValueError:
        raise _malformed("JSON", *_place_of_number(text)) from None
    if _depth(document) > DEEPEST:
        raise _too_deep(*_place_of_depth(text))
    if "\\ud" in text.lower():
        try:
            json.dumps(document, ensure_ascii=False).encode()
        except UnicodeEncodeError:
            # Half of a pair is no character.
            place = _line_and_column(text, text.lower().index("\\ud"))
            raise _malformed("JSON", *place) from None
    return document


def _no_constant(name: str) -> Any:
    raise ValueError(name)


_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]|[-+.\w]+')


def _place_of_depth(text: str) -> tuple[int, int]:
    """Of the first bracket that is nested too deep."""
    depth = 0
    for token in _TOKEN.finditer(text):
        if token[0] in "[{":
            depth += 1
            if depth > DEEPEST:
                return _line_and_column(text, token.start())
        elif token[0] in "]}":
            depth -= 1
    return 0, 0


def _place_of_number(text: str) -> tuple[int, int]:
    """Of the first one that is none (NaN) or too large."""
    for token in _TOKEN.finditer(text):
        if token[0][0] not in '"[]{}' and token[0] not in ("true", "false", "null"):
            try:
                json.loads(token[0], parse_constant=_no_constant, parse_float=_float)
            except ValueError:
                return _line_and_column(text, token.end())
    return 1, 1


def _float(text: str) -> float:
    number = float(text)
    if number - number != 0:
        raise ValueError(text)
    return number


def _depth(document: Any) -> int:
    """Levels of maps and lists, counted no further than is allowed."""
    level, depth = [document], 0
    while level and depth <= DEEPEST:
        inner: list[Any] = []
        for value in level:
            if isinstance(value, dict):
                inner.extend(value.values())
            elif isinstance(value, list):
                inner.extend(value)
        level = [value for value in inner if isinstance(value, (dict, list))]
        depth += 1
    return depth


# --- YAML -----------------------------------------------------------------------------------------------------------

_SHORT: Final = {
    name: f"Fn::{name}"
    for name in (
        "And", "Base64", "Cidr", "Contains", "EachMemberEquals", "EachMemberIn", "Equals", "FindInMap", "GetAZs",
        "GetAtt", "GetStackOutput", "If", "ImportValue", "Join", "Length", "Not", "Or", "RefAll", "Select", "Split",
        "Sub", "ToJsonString", "Transform", "ValueOf", "ValueOfAll",
    )
} | {"Ref": "Ref", "Condition": "Condition"}  # fmt: skip

_EVENTS: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""Only its events are used. Wheels of PyYAML have libyaml's; a build without is ten times slower."""
_STRING: Final = "tag:yaml.org,2002:str"
_WORDS: Final[dict[str, bool | None]] = {
    form: value
    for value, words in ((True, "true yes on"), (False, "false no off"), (None, "null"))
    for word in words.split()
    for form in (word, word.capitalize(), word.upper())
} | {"": None, "~": None}
_NUMBER: Final = re.compile(r"[-+]?(?:(0|[1-9][0-9]{0,99})|(?:0|[1-9][0-9]*)?\.[0-9]+(?:[eE][-+]?[0-9]+)?)")


def _yaml(text: str) -> Any:
    try:
        return _built(_EVENTS(text))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _malformed("YAML", mark.line + 1 if mark else 1, mark.column + 1 if mark else 1) from None
    except yaml.reader.ReaderError as error:
        line, column = _line_and_column(text, error.position)
        raise _malformed("YAML", line, column) from None


def _built(parser: Any) -> Any:
    plain: dict[str, Any] = {}
    containers: list[Any] = []
    tags: list[str | None] = []
    keys: list[str | None] = []
    document: Any = None
    documents = 0
    container: Any = None
    key: str | None = None
    get = parser.get_event
    while True:
        event = get()
        kind = type(event)
        if kind is yaml.ScalarEvent:
            text, tag = event.value, event.tag
            if type(container) is dict and key is None:
                key = _key(event, container, containers, keys)
                continue
            if tag is None:
                if not event.style:
                    try:
                        value = plain[text]
                    except KeyError:
                        value = plain[text] = _plain(text)
                else:
                    value = text
            else:
                value = _tagged(text, tag, event)
        elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
            if len(containers) >= DEEPEST:
                raise _too_deep(event.start_mark.line + 1, event.start_mark.column + 1)
            if type(container) is dict and key is None:
                raise _no_string(
                    event, containers, keys, "a map" if kind is yaml.MappingStartEvent else "a list"
                )
            containers.append(container)
            keys.append(key)
            tags.append(_short(event.tag, event))
            container = {} if kind is yaml.MappingStartEvent else []
            key = None
            continue
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            tag = tags.pop()
            value = container if tag is None else {tag: container}
            container = containers.pop()
            key = keys.pop()
        elif kind is yaml.AliasEvent:
            raise TemplateError(
                "Template format error: YAML aliases are not allowed in CloudFormation templates",
                event.start_mark.line + 1,
                event.start_mark.column + 1,
            )
        elif kind is yaml.DocumentStartEvent:
            documents += 1
            if documents > 1:
                raise _malformed("YAML", event.start_mark.line + 1, event.start_mark.column + 1)
            continue
        elif kind is yaml.StreamEndEvent:
            return document
        else:
            continue
        if container is None:
            document = value
        elif type(container) is dict:
            container[key] = value
            key = None
        else:
            container.append(value)


def _plain(text: str) -> Any:
    """What a scalar without quotes is: as in YAML 1.1, but of numbers only decimal ones, which CloudFormation reads as
    such; account ids with leading zeros, `0755` and `12:30` are texts.
    """
    match = _NUMBER.fullmatch(text)
    if match is None:
        return _WORDS.get(text, text)
    if match[1] is not None:
        return int(text)
    number = float(text)
    # Infinity has no form in JSON.
    return number if number - number == 0 else text


def _short(tag: str | None, event: Any) -> str | None:
    if tag is None or tag in ("tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"):
        return None
    function = _SHORT.get(tag[1:]) if tag[0] == "!" else None
    if function is None:
        raise _malformed("YAML", event.start_mark.line + 1, event.start_mark.column + 1)
    return function


def _tagged(text: str, tag: str, event: Any) -> Any:
    if tag in (_STRING, "!"):
        return text
    if tag.startswith("tag:yaml.org,2002:") and tag.rpartition(":")[2] in ("null", "bool", "int", "float"):
        return _plain(text)
    function = _short(tag, event)
    if function is None:
        raise _malformed("YAML", event.start_mark.line + 1, event.start_mark.column + 1)
    if function == "Fn::GetAtt":
        resource, dot, attribute = text.partition(".")
        return {function: [resource, attribute] if dot else text}
    return {function: text}


def _key(event: Any, container: dict[str, Any], containers: list[Any], keys: list[str | None]) -> str:
    text: str = event.value
    if event.tag is not None and event.tag not in (_STRING, "!"):
        raise _no_string(event, containers, keys, "a map")
    return text


def _no_string(event: Any, containers: list[Any], keys: list[str | None], what: str) -> TemplateError:
    path = "".join(
        f"/{key if key is not None else len(container)}"
        for container, key in zip(containers[1:], keys[1:], strict=True)
    )
    mark = event.start_mark
    return TemplateError(
        f"Template format error: [{path}] map keys must be strings; received {what} instead",
        mark.line + 1,
        mark.column + 1,
    )


def _malformed(kind: str, line: int, column: int) -> TemplateError:
    return TemplateError(
        f"Template format error: {kind} not well-formed. (line {line}, column {column})", line, column
    )


def _too_deep(line: int = 0, column: int = 0) -> TemplateError:
    where = f" (line {line}, column {column})" if line else ""
    return TemplateError(
        f"Template format error: maps and lists are nested more than {DEEPEST} levels deep.{where}",
        line,
        column,
    )


def _line_and_column(text: str, position: int) -> tuple[int, int]:
    before = text[:position]
    return before.count("\n") + 1, position - before.rfind("\n")


def _places(text: str) -> Iterator[tuple[Path, tuple[int, int]]]:
    """Where each part of a well-formed text stands: a map's members at their keys, a list's at themselves."""
    path: list[str | int] = []
    # Of each open container: how many path members it has added, and the next index (None in a map).
    frames: list[tuple[int, bool]] = []
    key_next = False
    parser = _EVENTS(text)
    while True:
        event = parser.get_event()
        kind = type(event)
        if kind is yaml.StreamEndEvent:
            return
        if kind in (yaml.MappingEndEvent, yaml.SequenceEndEvent):
            added, _ = frames.pop()
            del path[len(path) - added :]
        elif kind in (yaml.ScalarEvent, yaml.MappingStartEvent, yaml.SequenceStartEvent):
            place = event.start_mark.line + 1, event.start_mark.column + 1
            if frames and frames[-1][1] and key_next:
                path[-1] = event.value if kind is yaml.ScalarEvent else "?"
                yield tuple(path), place
                key_next = False
                continue
            if not frames:
                yield (), place
            elif not frames[-1][1]:
                last = path[-1]
                assert isinstance(last, int)
                path[-1] = last + 1
                yield tuple(path), place
            if kind is not yaml.ScalarEvent:
                function = _SHORT.get(event.tag[1:]) if event.tag else None
                if function:
                    path.append(function)
                is_map = kind is yaml.MappingStartEvent
                path.append("" if is_map else -1)
                frames.append((2 if function else 1, is_map))
                key_next = is_map
                continue
        else:
            continue
        key_next = bool(frames) and frames[-1][1]
