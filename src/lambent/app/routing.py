"""Paths to routes.

Templates are those of API Gateway: `/orders/{order_id}`, and `/files/{path+}` for all that follows. Static paths are
one look-up in a dict; the others descend a tree of segments, where a literal beats a parameter and a parameter
beats the rest of a path, whatever the order in which they were added.

Paths are matched as they were sent, encoded; values are decoded afterwards, once: `/orders/a%2Fb` has one parameter.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from lambent.app.errors import AppError

if TYPE_CHECKING:
    from collections.abc import Iterator

Leaf = TypeVar("Leaf")

_PARAMETER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)(\+|:path)?\}")


class Entry(Generic[Leaf]):
    """The routes of one template, by method."""

    __slots__ = ("methods", "names", "template")

    def __init__(self, template: str) -> None:
        self.template = template
        self.names = tuple(match[1] for match in _PARAMETER.finditer(template))
        self.methods: dict[str, Leaf] = {}


class _Node(Generic[Leaf]):
    __slots__ = ("entry", "literals", "parameter", "rest")

    def __init__(self) -> None:
        self.literals: dict[str, _Node[Leaf]] = {}
        self.parameter: _Node[Leaf] | None = None
        self.rest: Entry[Leaf] | None = None
        self.entry: Entry[Leaf] | None = None


class RouteTable(Generic[Leaf]):
    """All routes of an app."""

    def __init__(self) -> None:
        self.static: dict[str, Entry[Leaf]] = {}
        self.templates: dict[str, Entry[Leaf]] = {}
        self._root: _Node[Leaf] = _Node()

    def add(self, method: str, template: str, leaf: Leaf) -> Leaf | None:
        """Add a route. Returns the one that is there already for the same requests: then nothing is added.

        Raises AppError for a template that is none.
        """
        segments = _segments(template)
        entry = self._entry(template, segments)
        if method in entry.methods:
            return entry.methods[method]
        if entry.names != tuple(match[1] for match in _PARAMETER.finditer(template)):
            raise AppError(
                f"{method} {template} and {entry.template} are the same path with other names of parameters: "
                "give them the same names"
            )
        entry.methods[method] = leaf
        return None

    def _entry(self, template: str, segments: list[str]) -> Entry[Leaf]:
        """The entry of a template, new or there already."""
        if "{" not in template:
            return self.static.setdefault(template, Entry(template))
        node = self._root
        for segment in segments:
            parameter = _PARAMETER.fullmatch(segment)
            if parameter is None:
                node = node.literals.setdefault(segment, _Node())
            elif parameter[2]:
                if node.rest is None:
                    node.rest = Entry(template)
                self._name(node.rest)
                return node.rest
            else:
                if node.parameter is None:
                    node.parameter = _Node()
                node = node.parameter
        if node.entry is None:
            node.entry = Entry(template)
        self._name(node.entry)
        return node.entry

    def _name(self, entry: Entry[Leaf]) -> None:
        # As API Gateway spells it in `resource`.
        self.templates[entry.template.replace(":path}", "+}")] = entry

    def names(self, template: str) -> tuple[str, ...]:
        """The names of a template's parameters."""
        return tuple(match[1] for match in _PARAMETER.finditer(template))

    def by_resource(
        self, resource: str | None, parameters: dict[str, str]
    ) -> tuple[Entry[Leaf], list[str]] | None:
        """What the gateway itself has matched, with the values that it took from the path."""
        entry = self.templates.get(resource) if isinstance(resource, str) else None
        if entry is None:
            return None
        try:
            return entry, [parameters[name] for name in entry.names]
        except KeyError:
            return None

    def find(self, path: str) -> tuple[Entry[Leaf], list[str]] | None:
        """What a path without a trailing slash belongs to, and the decoded values of its parameters."""
        entry = self.static.get(path)
        if entry is not None:
            return entry, []
        node: _Node[Leaf] = self._root
        values: list[str] = []
        choice = False  # whether another way could have been taken
        for segment in path[1:].split("/"):
            found = node.literals.get(segment)
            if found is None:
                found = node.parameter
                if found is None or not segment:
                    return next(self.search(path), None) if choice or node.rest or "%" in path else None
                values.append(segment)
                choice = choice or node.rest is not None
            elif node.parameter is not None or node.rest is not None:
                choice = True
            node = found
        if node.entry is None:
            return next(self.search(path), None) if choice or "%" in path else None
        if "%" in path:
            values = [unquote(value) for value in values]
        return node.entry, values

    def search(self, path: str) -> Iterator[tuple[Entry[Leaf], list[str]]]:
        """All entries that a path fits, the best first: also where a literal is encoded otherwise than it has to be."""
        segments = path.split("/")
        plain = [unquote(segment) for segment in segments] if "%" in path else segments
        entry = self.static.get(path)
        if entry is None and plain is not segments and not any("/" in segment for segment in plain):
            entry = self.static.get("/".join(plain))
        if entry is not None:
            yield entry, []
        for entry, values in _descend(self._root, segments, plain, 1):
            yield entry, [unquote(value) for value in values]


def _descend(
    node: _Node[Any], segments: list[str], plain: list[str], at: int
) -> Iterator[tuple[Entry[Any], list[str]]]:
    """The entries that what follows fits, the best first, with their values as they were sent."""
    if at == len(segments):
        if node.entry is not None:
            yield node.entry, []
        return
    literal = node.literals.get(plain[at])
    if literal is not None:
        yield from _descend(literal, segments, plain, at + 1)
    if node.parameter is not None and segments[at]:
        for entry, values in _descend(node.parameter, segments, plain, at + 1):
            yield entry, [segments[at], *values]
    if node.rest is not None and any(segments[at:]):
        yield node.rest, ["/".join(segments[at:])]


def _segments(template: str) -> list[str]:
    if not template.startswith("/"):
        raise AppError(f"{template!r} is no path: it has to begin with a slash")
    if template != "/" and template.endswith("/"):
        raise AppError(f"{template!r}: leave out the last slash; a path means the same with and without it")
    segments = template[1:].split("/")
    names: set[str] = set()
    for index, segment in enumerate(segments):
        if not segment and template != "/":
            raise AppError(f"{template!r} has an empty segment")
        parameter = _PARAMETER.fullmatch(segment)
        if parameter is None:
            if "{" in segment or "}" in segment or "<" in segment:
                raise AppError(
                    f"{template!r}: {segment!r} is no parameter. A segment is a literal, {{name}}, or {{name+}} for "
                    "all that follows"
                )
        elif parameter[1] in names:
            raise AppError(f"{template!r} has two parameters named {parameter[1]!r}")
        elif parameter[2] and index != len(segments) - 1:
            raise AppError(f"{template!r}: {segment} takes all that follows, so nothing can follow it")
        else:
            names.add(parameter[1])
    return segments


def unquote(text: str) -> str:
    """Decoded; urllib.parse takes 3 ms to import, and most have nothing to decode."""
    if "%" not in text:
        return text
    from urllib.parse import unquote as decode

    return decode(text)
