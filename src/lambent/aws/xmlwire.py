"""XML bodies: reading by the model for rest-xml requests, writing by the model for rest-xml and query
answers.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from xml.etree.ElementTree import Element, ParseError, XMLParser

from lambent.aws.errors import SerializationError
from lambent.aws.text import TextFormatter, TextParser, text_formatter, text_parser

if TYPE_CHECKING:
    from lambent.aws.model import Shape

XmlReader = Callable[["list[Element]"], Any]
XmlWriter = Callable[["list[str]", str, Any], None]
"""Called with (parts, element name, value): appends the element's text to parts."""

_ESCAPED = re.compile('[&<>"\r\n\t]')
_ESCAPES = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
    "\r": "&#xD;",
    "\n": "&#xA;",
    "\t": "&#x9;",
}
# Quotes need not be, but AWS does: TestSqsQueryApi and LocalStack's SqsQueryResponseSerializer; S3's ETags.
_TEXT_ESCAPED = re.compile('[&<>"\r]')
# XML 1.0 has no way to write these at all. (Told as what is left, it takes six times as long to compile.)
_UNWRITABLE = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_MAX_DEPTH = 200


def escape_text(text: str) -> str:
    """`text` as the content of an element; characters that XML cannot hold become U+FFFD."""
    return _TEXT_ESCAPED.sub(lambda found: _ESCAPES[found.group()], _UNWRITABLE.sub("\ufffd", text))


def escape_attribute(text: str) -> str:
    """`text` as the value of an attribute in double quotes."""
    return _ESCAPED.sub(lambda found: _ESCAPES[found.group()], _UNWRITABLE.sub("\ufffd", text))


def parse_document(body: bytes) -> Element:
    """The root element of `body`. SerializationError (MalformedXML) where it is none, or brings a document
    type.
    """
    message = "The XML you provided was not well-formed or did not validate against our published schema"
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body or b"\0" in body:
        raise SerializationError(message, code="MalformedXML")
    try:
        parser = XMLParser(encoding="utf-8")  # noqa: S314 - no document type gets here, and so no entity either
        parser.feed(body)
        root: Element = parser.close()
    except (ParseError, ValueError):
        raise SerializationError(message, code="MalformedXML") from None
    if _depth(root) > _MAX_DEPTH:
        raise SerializationError(message, code="MalformedXML")
    return root


def _depth(root: Element) -> int:
    depth, level = 0, [root]
    while level and depth <= _MAX_DEPTH:
        depth, level = depth + 1, [child for node in level for child in node]
    return depth


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def _children(nodes: list[Element]) -> dict[str, list[Element]]:
    found: dict[str, list[Element]] = {}
    for node in nodes:
        for child in node:
            found.setdefault(_local(child.tag), []).append(child)
    return found


class XmlReaders:
    """Compiles shapes into readers; a reader takes the elements that a member stands in (several where
    flattened).
    """

    def __init__(self) -> None:
        self._compiled: dict[Shape, XmlReader] = {}

    def reader(self, shape: Shape) -> XmlReader:
        """The reader of `shape`."""
        found = self._compiled.get(shape)
        if found is None:
            self._compiled[shape] = lambda nodes: self._compiled[shape](nodes)
            found = self._compiled[shape] = self._compile(shape)
        return found

    def _compile(self, shape: Shape) -> XmlReader:
        if shape.type == "structure":
            return self.fields(shape.members)
        if shape.type == "list":
            return self._list(shape)
        if shape.type == "map":
            return self._map(shape)
        parse = text_parser(shape)
        if shape.type == "string":
            return lambda nodes: parse(nodes[0].text or "")
        return lambda nodes: parse((nodes[0].text or "").strip())

    def fields(self, members: dict[str, Shape]) -> XmlReader:
        """The reader of an element with these members."""
        elements: list[tuple[str, tuple[str, ...], XmlReader]] = []
        attributes: list[tuple[str, str, TextParser]] = []
        for name, shape in members.items():
            wire_name = shape.wire_name(name)
            if shape.traits.get("xmlAttribute"):
                attributes.append((name, wire_name.rpartition(":")[2], text_parser(shape)))
            else:
                # botocore writes a flattened list under its own name, other clients under its member's.
                inner = shape.member.traits.get("locationName") if _flattened_list(shape) else None
                elements.append((name, (wire_name, inner) if inner else (wire_name,), self.reader(shape)))

        def read(nodes: list[Element]) -> dict[str, Any]:
            result = {}
            children = _children(nodes[:1])
            for name, wire_names, read_member in elements:
                for wire_name in wire_names:
                    if wire_name in children:
                        result[name] = read_member(children[wire_name])
                        break
            if attributes and nodes:
                found = {_local(key): value for key, value in nodes[0].attrib.items()}
                for name, wire_name, parse in attributes:
                    if wire_name in found:
                        result[name] = parse(found[wire_name])
            return result

        return read

    def _list(self, shape: Shape) -> XmlReader:
        read_item = self.reader(shape.member)
        if shape.traits.get("flattened"):
            return lambda nodes: [read_item([node]) for node in nodes]
        return lambda nodes: [read_item([child]) for child in nodes[0]]

    def _map(self, shape: Shape) -> XmlReader:
        read_key, read_value = self.reader(shape.key), self.reader(shape.value)
        key_name, value_name = shape.key.wire_name("key"), shape.value.wire_name("value")
        flattened = shape.traits.get("flattened", False)

        def read(nodes: list[Element]) -> dict[str, Any]:
            result = {}
            for entry in nodes if flattened else list(nodes[0]):
                children = _children([entry])
                if key_name in children and value_name in children:
                    result[read_key(children[key_name])] = read_value(children[value_name])
            return result

        return read


def _flattened_list(shape: Shape) -> bool:
    return shape.type == "list" and bool(shape.traits.get("flattened"))


class XmlWriters:
    """Compiles shapes into writers of their elements."""

    def __init__(self) -> None:
        self._compiled: dict[Shape, XmlWriter] = {}

    def writer(self, shape: Shape) -> XmlWriter:
        """The writer of `shape`."""
        found = self._compiled.get(shape)
        if found is None:
            self._compiled[shape] = lambda parts, name, value: self._compiled[shape](parts, name, value)
            found = self._compiled[shape] = self._compile(shape)
        return found

    def _compile(self, shape: Shape) -> XmlWriter:
        if shape.type == "structure":
            return self._structure(shape)
        if shape.type == "list":
            return self._list(shape)
        if shape.type == "map":
            return self._map(shape)
        text = text_formatter(shape, "iso8601")
        opening = _namespace(shape)

        def write(parts: list[str], name: str, value: Any) -> None:
            parts.append(f"<{name}{opening}>{escape_text(text(value))}</{name}>")

        return write

    def content(self, members: dict[str, Shape]) -> Callable[[list[str], dict[str, Any]], None]:
        """The writer of what stands inside an element with these members; None members are left out."""
        fields = []
        for name, shape in members.items():
            if not shape.traits.get("xmlAttribute"):
                wire_name = shape.wire_name(name)
                if _flattened_list(shape):
                    wire_name = shape.member.wire_name(wire_name)
                fields.append((name, wire_name, self.writer(shape)))

        def write(parts: list[str], value: dict[str, Any]) -> None:
            for name, wire_name, write_member in fields:
                item = value.get(name)
                if item is not None:
                    write_member(parts, wire_name, item)

        return write

    def _structure(self, shape: Shape) -> XmlWriter:
        opening = _namespace(shape)
        attributes: list[tuple[str, str, TextFormatter]] = [
            (name, member.wire_name(name), text_formatter(member, "iso8601"))
            for name, member in shape.members.items()
            if member.traits.get("xmlAttribute")
        ]
        write_content = self.content(shape.members)

        def write(parts: list[str], name: str, value: Any) -> None:
            parts.append(f"<{name}{opening}")
            for member, wire_name, text in attributes:
                if value.get(member) is not None:
                    parts.append(f' {wire_name}="{escape_attribute(text(value[member]))}"')
            parts.append(">")
            write_content(parts, value)
            parts.append(f"</{name}>")

        return write

    def _list(self, shape: Shape) -> XmlWriter:
        write_item = self.writer(shape.member)
        opening = _namespace(shape)
        item_name = shape.member.wire_name("member")

        def write_flattened(parts: list[str], name: str, value: Any) -> None:
            for item in value:
                write_item(parts, name, item)

        def write(parts: list[str], name: str, value: Any) -> None:
            parts.append(f"<{name}{opening}>")
            for item in value:
                write_item(parts, item_name, item)
            parts.append(f"</{name}>")

        return write_flattened if shape.traits.get("flattened") else write

    def _map(self, shape: Shape) -> XmlWriter:
        write_key, write_value = self.writer(shape.key), self.writer(shape.value)
        key_name, value_name = shape.key.wire_name("key"), shape.value.wire_name("value")
        flattened = bool(shape.traits.get("flattened"))

        def write(parts: list[str], name: str, value: Any) -> None:
            entry = name if flattened else "entry"
            if not flattened:
                parts.append(f"<{name}>")
            for key, item in value.items():
                parts.append(f"<{entry}>")
                write_key(parts, key_name, key)
                write_value(parts, value_name, item)
                parts.append(f"</{entry}>")
            if not flattened:
                parts.append(f"</{name}>")

        return write


def _namespace(shape: Shape) -> str:
    """The xmlns attribute that the model asks for, with the space before it."""
    declared = shape.traits.get("xmlNamespace")
    if not declared:
        return ""
    uri = declared if isinstance(declared, str) else declared["uri"]
    prefix = "" if isinstance(declared, str) or not declared.get("prefix") else f":{declared['prefix']}"
    return f' xmlns{prefix}="{escape_attribute(uri)}"'
