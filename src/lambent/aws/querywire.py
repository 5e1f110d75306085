"""The query protocol's parameters: `Tags.member.1.Key=a&Tags.member.1.Value=b`, read by the model."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from lambent.aws.errors import SerializationError
from lambent.aws.text import text_parser

if TYPE_CHECKING:
    from lambent.aws.model import Shape

Tree = dict[str, Any]
"""Parameters split at their dots; a value stands under the empty key of its node."""
QueryReader = Callable[[Tree], Any]

_MAX_SEGMENTS = 100


def parameter_tree(parameters: Iterable[tuple[str, str]]) -> Tree:
    """The tree of flat parameters; the last of several with one name wins."""
    root: Tree = {}
    for name, value in parameters:
        segments = name.split(".", _MAX_SEGMENTS)
        if len(segments) > _MAX_SEGMENTS:
            raise SerializationError("A parameter is nested too deeply", code="MalformedQueryString")
        node = root
        for segment in segments:
            # A name with an empty segment ("a..b") would otherwise land where values are kept.
            node = node.setdefault(segment or "\0", {})
        node[""] = value
    return root


def _numbered(node: Tree) -> list[Tree]:
    """The entries `1`, `2`, … of a list or map in their order."""
    indices = sorted((int(key), key) for key in node if key.isascii() and key.isdigit() and len(key) < 10)
    return [node[key] for _, key in indices]


class QueryReaders:
    """Compiles shapes into readers of their part of the tree."""

    def __init__(self) -> None:
        self._compiled: dict[Shape, QueryReader] = {}

    def reader(self, shape: Shape) -> QueryReader:
        """The reader of `shape`."""
        found = self._compiled.get(shape)
        if found is None:
            self._compiled[shape] = lambda node: self._compiled[shape](node)
            found = self._compiled[shape] = self._compile(shape)
        return found

    def fields(self, members: dict[str, Shape]) -> QueryReader:
        """The reader of a node with these members."""
        fields = []
        for name, shape in members.items():
            wire_name = shape.wire_name(name)
            # An empty flattened list is sent under the list's own name, its elements under their member's.
            inner = _inner_name(shape)
            names = (inner, wire_name) if inner is not None and inner != wire_name else (wire_name,)
            fields.append((name, names, self.reader(shape)))

        def read(node: Tree) -> dict[str, Any]:
            result = {}
            for name, wire_names, read_member in fields:
                for wire_name in wire_names:
                    if wire_name in node:
                        result[name] = read_member(node[wire_name])
                        break
            return result

        return read

    def _compile(self, shape: Shape) -> QueryReader:
        if shape.type == "structure":
            return self.fields(shape.members)
        if shape.type == "list":
            read_item = self.reader(shape.member)
            flat = bool(shape.traits.get("flattened"))
            item_name = None if flat else shape.member.wire_name("member")

            def read_list(node: Tree) -> list[Any]:
                holder = node if item_name is None else node.get(item_name, {})
                entries = _numbered(holder)
                if flat and not entries and node.get(""):
                    entries = [node]  # `AttributeName=All`, as old clients of SQS send it
                return [read_item(entry) for entry in entries]

            return read_list
        if shape.type == "map":
            read_key, read_value = self.reader(shape.key), self.reader(shape.value)
            key_name, value_name = shape.key.wire_name("key"), shape.value.wire_name("value")
            flattened = shape.traits.get("flattened", False)

            def read_map(node: Tree) -> dict[str, Any]:
                entries = _numbered(node if flattened else node.get("entry", {}))
                if flattened and not entries and key_name in node:
                    entries = [node]  # `Attribute.Name=DelaySeconds&Attribute.Value=1`
                return {
                    read_key(entry[key_name]): read_value(entry.get(value_name, {}))
                    for entry in entries
                    if key_name in entry
                }

            return read_map
        parse = text_parser(shape)
        return lambda node: parse(node.get("", ""))


def _inner_name(shape: Shape) -> str | None:
    if shape.type == "list" and shape.traits.get("flattened"):
        name: str | None = shape.member.traits.get("locationName")
        return name
    return None
