"""Requests into members: each operation's bindings (labels, query string, headers, body) compiled once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from lambent.aws.errors import SerializationError
from lambent.aws.eventstream import EventReaders
from lambent.aws.jsonwire import JsonReaders, decode_json
from lambent.aws.querywire import QueryReaders, parameter_tree
from lambent.aws.text import text_parser
from lambent.aws.xmlwire import XmlReaders, parse_document

if TYPE_CHECKING:
    from lambent.aws.model import Operation, ServiceModel, Shape

Labels = Mapping[str, str]
Query = Sequence[tuple[str, str]]
Headers = Sequence[tuple[bytes, bytes]]
Parser = Callable[[Labels, Query, Headers, bytes], dict[str, Any]]
"""Called with (decoded URI labels, decoded query parameters, headers with lower-case names, body)."""
_Binding = Callable[[Labels, Query, dict[str, str], dict[str, Any]], None]
_BodyReader = Callable[[bytes, dict[str, Any]], None]


def decode_query(query: bytes) -> list[tuple[str, str]]:
    """The parameters of a raw query string in order; `+` is a space. SerializationError where it cannot be
    read.
    """
    if not query:
        return []
    try:
        return parse_qsl(query.decode("ascii"), keep_blank_values=True, errors="strict")
    except ValueError:
        raise SerializationError("The query string is not valid", code="MalformedQueryString") from None


def split_header_list(value: str) -> list[str]:
    """The elements of a comma-separated header; an element in double quotes may hold commas and `\\"`."""
    elements, current, quoted, was_quoted = [], "", False, False
    position = 0
    while position < len(value):
        character = value[position]
        position += 1
        if quoted and character == "\\" and value[position : position + 1] == '"':
            current += '"'
            position += 1
        elif character == '"' and (quoted or not current.strip()):
            quoted, was_quoted = not quoted, True
            current = "" if quoted else current
        elif character == "," and not quoted:
            elements.append(current if was_quoted else current.strip())
            current, was_quoted = "", False
        elif quoted or not was_quoted:
            current += character
    elements.append(current if was_quoted else current.strip())
    return elements


class InputParsers:
    """The parsers of one service's operations in one protocol, compiled on first use."""

    def __init__(self, model: ServiceModel, protocol: str) -> None:
        self._protocol = protocol
        self._model = model
        self._json = JsonReaders()
        self._xml = XmlReaders()
        self._query = QueryReaders()
        self._parsers: dict[str, Parser] = {}

    def parser(self, operation: Operation) -> Parser:
        """The parser of `operation`'s requests; raises SerializationError for what cannot be read."""
        found = self._parsers.get(operation.name)
        if found is None:
            found = self._parsers[operation.name] = self._compile(operation)
        return found

    def _compile(self, operation: Operation) -> Parser:
        shape = operation.input
        if shape is None:
            return lambda labels, query, headers, body: {}
        if self._protocol == "json":
            return self._json_parser(shape)
        if self._protocol in ("query", "ec2"):
            return self._query_parser(shape)
        return self._rest_parser(operation, shape)

    def _json_parser(self, shape: Shape) -> Parser:
        read = self._json.fields(shape.members)

        def parse(labels: Labels, query: Query, headers: Headers, body: bytes) -> dict[str, Any]:
            request: dict[str, Any] = read(decode_json(body))
            return request

        return parse

    def _query_parser(self, shape: Shape) -> Parser:
        read = self._query.fields(shape.members)

        def parse(labels: Labels, query: Query, headers: Headers, body: bytes) -> dict[str, Any]:
            parameters = [*query, *decode_query(body.strip())]
            request: dict[str, Any] = read(parameter_tree(parameters))
            return request

        return parse

    def _rest_parser(self, operation: Operation, shape: Shape) -> Parser:
        bindings: list[_Binding] = []
        claimed = {literal.partition("=")[0] for literal in operation.uri.partition("?")[2].split("&")}
        maps: list[tuple[str, Shape]] = []
        header_bound = False
        for name, member in shape.members.items():
            if member.location == "uri":
                bindings.append(_label_binding(name, member))
            elif member.location == "querystring":
                if member.type == "map":
                    maps.append((name, member))
                else:
                    claimed.add(member.wire_name(name))
                    bindings.append(_query_binding(name, member))
            elif member.location == "header":
                header_bound = True
                bindings.append(_header_binding(name, member))
            elif member.location == "headers":
                header_bound = True
                bindings.append(_header_map_binding(name, member))
        bindings += [_query_map_binding(name, member, frozenset(claimed)) for name, member in maps]
        read_body = self._body_reader(shape)

        def parse(labels: Labels, query: Query, headers: Headers, body: bytes) -> dict[str, Any]:
            request: dict[str, Any] = {}
            text_headers: dict[str, str] = {}
            if header_bound:
                for key, value in headers:
                    header = key.decode("latin-1")
                    text = _header_text(value)
                    text_headers[header] = (
                        f"{text_headers[header]},{text}" if header in text_headers else text
                    )
            for bind in bindings:
                bind(labels, query, text_headers, request)
            if read_body is not None:
                read_body(body, request)
            return request

        return parse

    def _body_reader(self, shape: Shape) -> _BodyReader | None:
        payload = shape.traits.get("payload")
        if payload is not None:
            return self._payload_reader(payload, shape.members[payload], payload in shape.required)
        members = {name: member for name, member in shape.members.items() if member.location is None}
        if not members:
            return None
        if self._protocol == "rest-json":
            read_json = self._json.fields(members)
            return lambda body, request: request.update(read_json(decode_json(body)))
        read_xml = self._xml.fields(members)

        def read(body: bytes, request: dict[str, Any]) -> None:
            if body:
                request.update(read_xml([parse_document(body)]))

        return read

    def _payload_reader(self, name: str, member: Shape, required: bool) -> _BodyReader:
        if member.traits.get("eventstream"):
            read_events = EventReaders(self._json if self._protocol == "rest-json" else self._xml).reader(
                member
            )

            def read_stream(body: bytes, request: dict[str, Any]) -> None:
                request[name] = read_events(body)

            return read_stream
        if member.type in ("blob", "string"):

            def read_raw(body: bytes, request: dict[str, Any]) -> None:
                if body or required:
                    request[name] = body if member.type == "blob" else _utf8(body)

            return read_raw
        read_json = self._json.reader(member)
        read_xml = self._xml.reader(member)
        is_json = self._protocol == "rest-json"

        def read(body: bytes, request: dict[str, Any]) -> None:
            if body:
                request[name] = read_json(decode_json(body)) if is_json else read_xml([parse_document(body)])

        return read


def _utf8(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise SerializationError("The body is not valid UTF-8") from None


def _header_text(value: bytes) -> str:
    """Clients send header values in UTF-8; what is no UTF-8 was meant as Latin-1."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _label_binding(name: str, member: Shape) -> _Binding:
    label = member.wire_name(name)
    parse = text_parser(member)

    def bind(labels: Labels, query: Query, headers: dict[str, str], request: dict[str, Any]) -> None:
        if label in labels:
            request[name] = parse(labels[label])

    return bind


def _query_binding(name: str, member: Shape) -> _Binding:
    key = member.wire_name(name)
    is_list = member.type == "list"
    parse = text_parser(member.member if is_list else member)

    def bind(labels: Labels, query: Query, headers: dict[str, str], request: dict[str, Any]) -> None:
        for parameter, value in query:
            if parameter == key:
                if is_list:
                    request.setdefault(name, []).append(parse(value))
                else:
                    request[name] = parse(value)

    return bind


def _query_map_binding(name: str, member: Shape, claimed: frozenset[str]) -> _Binding:
    """A map in the query string takes every parameter that belongs to nobody else."""
    is_list = member.value.type == "list"

    def bind(labels: Labels, query: Query, headers: dict[str, str], request: dict[str, Any]) -> None:
        found: dict[str, Any] = {}
        for parameter, value in query:
            if parameter not in claimed and not parameter.startswith("X-Amz-"):
                if is_list:
                    found.setdefault(parameter, []).append(value)
                else:
                    found[parameter] = value
        if found:
            request[name] = found

    return bind


def _header_binding(name: str, member: Shape) -> _Binding:
    header = member.wire_name(name).lower()
    is_list = member.type == "list"
    # HTTP dates hold a comma of their own, so their elements come in pairs.
    dates = is_list and member.member.type == "timestamp" and "timestampFormat" not in member.member.traits
    parse = text_parser(member.member if is_list else member)

    def bind(labels: Labels, query: Query, headers: dict[str, str], request: dict[str, Any]) -> None:
        value = headers.get(header)
        if value is None:
            return
        if not is_list:
            request[name] = parse(value)
            return
        elements = split_header_list(value)
        if dates:
            elements = [", ".join(elements[index : index + 2]) for index in range(0, len(elements), 2)]
        request[name] = [parse(element) for element in elements]

    return bind


def _header_map_binding(name: str, member: Shape) -> _Binding:
    prefix = member.wire_name(name).lower()

    def bind(labels: Labels, query: Query, headers: dict[str, str], request: dict[str, Any]) -> None:
        found = {
            header[len(prefix) :]: value for header, value in headers.items() if header.startswith(prefix)
        }
        if found:
            request[name] = found

    return bind
