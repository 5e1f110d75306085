"""What mapping templates are made of."""

from __future__ import annotations

from typing import Any, NamedTuple


class TemplateRefused(Exception):
    """A template that cannot be read or run; the text says why."""


class Text(NamedTuple):
    """Text as it is."""

    text: str


class Step(NamedTuple):
    """`.name`, `.name(arguments)` or `[index]`; the last has no name."""

    name: str
    arguments: tuple[Any, ...] | None


class Reference(NamedTuple):
    """`$name.step…`; `source` is what stands in the template, and in the result where there is no value."""

    name: str
    steps: tuple[Step, ...]
    source: str
    quiet: bool


class Interpolated(NamedTuple):
    """A text in double quotes, with references in it."""

    parts: tuple[Any, ...]


class Operator(NamedTuple):
    """`left operator right`, or `! right` without left."""

    operator: str
    left: Any
    right: Any


class Listed(NamedTuple):
    """`[a, b]`."""

    items: tuple[Any, ...]


class Ranged(NamedTuple):
    """`[1..n]`."""

    first: Any
    last: Any


class Mapped(NamedTuple):
    """`{"a": b}`."""

    items: tuple[tuple[Any, Any], ...]


class Literal(NamedTuple):
    """A number, a text in single quotes, true, false, null."""

    value: Any


class Set(NamedTuple):
    """`#set(target = value)`."""

    target: Reference
    value: Any


class If(NamedTuple):
    """Conditions with what follows them; `rest` is what follows `#else`."""

    branches: tuple[tuple[Any, tuple[Any, ...]], ...]
    rest: tuple[Any, ...]


class Each(NamedTuple):
    """`#foreach($name in items)`."""

    name: str
    items: Any
    body: tuple[Any, ...]


Nodes = tuple[Any, ...]
