"""Answers: results and errors of operations into status, headers and body, compiled once an operation."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from lambent.aws.eventstream import CONTENT_TYPE, EventWriters
from lambent.aws.jsonwire import JsonWriters
from lambent.aws.overrides import quirks_of
from lambent.aws.queryjson import QueryJsonWriters, error_document
from lambent.aws.text import text_formatter
from lambent.aws.xmlwire import XmlWriters, escape_attribute, escape_text

if TYPE_CHECKING:
    from lambent.aws.errors import ServiceError
    from lambent.aws.model import ErrorShape, Operation, ServiceModel, Shape


class Reply(NamedTuple):
    """An answer, ready for the wire. A body in pieces is an async iterator of bytes."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes | AsyncIterator[bytes]


Writer = Callable[[Mapping[str, Any], str], Reply]
"""Called with (output members, request id)."""
_HeaderWriter = Callable[[Mapping[str, Any], list[tuple[str, str]]], None]

_XML_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
_BODILESS = frozenset({204, 304})

# How the errors of signing and routing are called outside the JSON protocols: IAM's "Common Errors" and S3's
# "Error responses" pages.
_QUERY_CODES = {
    "MissingAuthenticationTokenException": "MissingAuthenticationToken",
    "IncompleteSignatureException": "IncompleteSignature",
    "UnrecognizedClientException": "InvalidClientTokenId",
    "InvalidSignatureException": "SignatureDoesNotMatch",
    "ExpiredTokenException": "ExpiredToken",
    "AccessDeniedException": "AccessDenied",
    "UnknownOperationException": "InvalidAction",
    "ValidationException": "ValidationError",
    "SerializationException": "MalformedInput",
}
_S3_CODES = {
    **_QUERY_CODES,
    "MissingAuthenticationTokenException": "AccessDenied",
    "IncompleteSignatureException": "AuthorizationHeaderMalformed",
    "UnrecognizedClientException": "InvalidAccessKeyId",
    "UnknownOperationException": "MethodNotAllowed",
}


class OutputWriters:
    """The writers of one service's results and errors in one protocol ("query-json": query's answers in JSON)."""

    def __init__(self, model: ServiceModel, protocol: str) -> None:
        self._model = model
        self._protocol = protocol
        self._json = JsonWriters()
        self._xml = XmlWriters()
        self._writers: dict[str, Writer] = {}
        self._error_members: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {}
        self._json_type = (
            f"application/x-amz-json-{model.json_version}" if protocol == "json" else "application/json"
        )

    def writer(self, operation: Operation) -> Writer:
        """The writer of `operation`'s results."""
        found = self._writers.get(operation.name)
        if found is None:
            found = self._writers[operation.name] = self._compile(operation)
        return found

    def _compile(self, operation: Operation) -> Writer:
        if self._protocol in ("query", "ec2"):
            return self._query_writer(operation)
        if self._protocol == "query-json":
            return self._query_json_writer(operation)
        if self._protocol == "json":
            return self._json_writer(operation)
        return self._rest_writer(operation)

    def _json_writer(self, operation: Operation) -> Writer:
        content_type = ("Content-Type", self._json_type)
        if operation.output is None:
            return lambda output, request_id: Reply(
                200, [content_type, ("x-amzn-RequestId", request_id)], b""
            )
        members = operation.output.members
        stream = next((name for name, member in members.items() if member.traits.get("eventstream")), None)
        if stream is not None:
            return self._json_stream_writer(members, stream)
        write = self._json.fields(members)
        encode = msgspec.json.Encoder().encode

        def write_json(output: Mapping[str, Any], request_id: str) -> Reply:
            return Reply(200, [content_type, ("x-amzn-RequestId", request_id)], encode(write(output)))

        return write_json

    def _json_stream_writer(self, members: dict[str, Shape], stream: str) -> Writer:
        events = EventWriters(self._json)
        write_events = events.writer(members[stream])
        rest = {name: member for name, member in members.items() if name != stream}

        async def frames(output: Mapping[str, Any]) -> AsyncIterator[bytes]:
            yield events.initial_response(rest, output)
            async for frame in write_events(output[stream]):
                yield frame

        def write(output: Mapping[str, Any], request_id: str) -> Reply:
            return Reply(
                200, [("Content-Type", CONTENT_TYPE), ("x-amzn-RequestId", request_id)], frames(output)
            )

        return write

    def _query_writer(self, operation: Operation) -> Writer:
        namespace = self._namespace()
        opening = f"{_XML_DECLARATION}<{operation.name}Response{namespace}>"
        result = operation.result_wrapper or f"{operation.name}Result"
        write_members = self._xml.content(operation.output.members) if operation.output is not None else None

        def write(output: Mapping[str, Any], request_id: str) -> Reply:
            parts = [opening]
            if write_members is not None:
                write_members(parts, dict(output))
                if len(parts) > 1:
                    parts.insert(1, f"<{result}>")
                    parts.append(f"</{result}>")
                else:
                    parts.append(f"<{result}/>")
            parts.append(
                f"<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{operation.name}Response>"
            )
            headers = [("Content-Type", "text/xml"), ("x-amzn-RequestId", request_id)]
            return Reply(200, headers, "".join(parts).encode())

        return write

    def _query_json_writer(self, operation: Operation) -> Writer:
        encode = QueryJsonWriters(quirks_of(self._model.name).query_json_names).answer(operation)
        kind = ("Content-Type", self._json_type)
        return lambda output, request_id: Reply(
            200, [kind, ("x-amzn-RequestId", request_id)], encode(output, request_id)
        )

    def _rest_writer(self, operation: Operation) -> Writer:
        shape = operation.output
        if shape is None:
            headers = [] if operation.status in _BODILESS else [("Content-Type", self._body_type)]
            return lambda output, request_id: Reply(
                operation.status, [*headers, *self._request_id_headers(request_id)], b""
            )
        header_writers = [
            _header_writer(name, member)
            for name, member in shape.members.items()
            if member.location == "header"
        ]
        header_writers += [
            _header_map_writer(name, member)
            for name, member in shape.members.items()
            if member.location == "headers"
        ]
        status_member = next(
            (n for n, member in shape.members.items() if member.location == "statusCode"), None
        )
        content_type, write_body = self._body_writer(shape)
        own_content_type = any(
            member.location == "header" and member.wire_name(name).lower() == "content-type"
            for name, member in shape.members.items()
        )

        def write(output: Mapping[str, Any], request_id: str) -> Reply:
            headers: list[tuple[str, str]] = []
            for write_header in header_writers:
                write_header(output, headers)
            if not own_content_type or not any(name.lower() == "content-type" for name, _ in headers):
                headers.append(("Content-Type", content_type))
            headers += self._request_id_headers(request_id)
            status = operation.status
            if status_member is not None and output.get(status_member) is not None:
                status = output[status_member]
            return Reply(status, headers, b"" if status in _BODILESS else write_body(output))

        return write

    @property
    def _body_type(self) -> str:
        return "application/json" if self._protocol == "rest-json" else "application/xml"

    def _body_writer(
        self, shape: Shape
    ) -> tuple[str, Callable[[Mapping[str, Any]], bytes | AsyncIterator[bytes]]]:
        payload = shape.traits.get("payload")
        if payload is not None:
            return self._payload_writer(payload, shape.members[payload])
        members = {name: member for name, member in shape.members.items() if member.location is None}
        if not members:
            return self._body_type, lambda output: b""
        if self._protocol == "rest-json":
            write_json = self._json.fields(members)
            encode = msgspec.json.Encoder().encode
            return self._body_type, lambda output: encode(write_json(output))
        write_xml = self._xml.content(members)
        name = shape.wire_name(shape.name)
        opening = f"{_XML_DECLARATION}<{name}{self._namespace()}>"

        def write(output: Mapping[str, Any]) -> bytes:
            parts = [opening]
            write_xml(parts, dict(output))
            parts.append(f"</{name}>")
            return "".join(parts).encode()

        return self._body_type, write

    def _payload_writer(
        self, name: str, member: Shape
    ) -> tuple[str, Callable[[Mapping[str, Any]], bytes | AsyncIterator[bytes]]]:
        is_json = self._protocol == "rest-json"
        if member.traits.get("eventstream"):
            write_events = EventWriters(self._json if is_json else self._xml).writer(member)
            return CONTENT_TYPE, lambda output: write_events(output[name])
        if member.type in ("blob", "string"):
            return "application/json" if is_json else "binary/octet-stream", lambda output: _raw(
                output.get(name)
            )
        if is_json:
            write_json = self._json.writer(member)
            return (
                self._body_type,
                lambda output: (
                    b"" if output.get(name) is None else msgspec.json.encode(write_json(output[name]))
                ),
            )
        write_xml = self._xml.writer(member)
        element = member.wire_name(member.name)

        def write(output: Mapping[str, Any]) -> bytes:
            parts = [_XML_DECLARATION]
            if output.get(name) is None:
                return b""
            write_xml(parts, element, output[name])
            return "".join(parts).encode()

        return self._body_type, write

    def _namespace(self) -> str:
        uri = self._model.xml_namespace
        return f' xmlns="{escape_attribute(uri)}"' if uri else ""

    def _request_id_headers(self, request_id: str) -> list[tuple[str, str]]:
        if self._protocol == "rest-xml":
            return [("x-amz-request-id", request_id), ("x-amz-id-2", request_id)]
        return [("x-amzn-RequestId", request_id)]

    def error(self, error: ServiceError, request_id: str) -> Reply:
        """The answer that `error` makes."""
        modelled = self._model.error(error.code)
        if error.fault is not None:
            sender = error.fault == "client"
        elif modelled is not None:
            sender = modelled.sender_fault
        else:
            sender = (error.status or 400) < 500
        status = error.status or (modelled.status if modelled is not None else 400 if sender else 500)
        if self._protocol in ("rest-json", "json"):
            return self._json_error(error, modelled, sender, status, request_id)
        return self._xml_error(error, modelled, sender, status, request_id)

    def _json_error(
        self, error: ServiceError, modelled: ErrorShape | None, sender: bool, status: int, request_id: str
    ) -> Reply:
        quirks = quirks_of(self._model.name)
        code = modelled.name if modelled is not None else error.code
        headers = [("Content-Type", self._json_type), ("x-amzn-RequestId", request_id)]
        body: dict[str, Any] = {}
        members: dict[str, Any] = {"message": error.message}
        if modelled is not None:
            members = {modelled.message_member: error.message}
            if "Type" in modelled.shape.members:
                members = {"Type": "User" if sender else "Service", **members}
        members |= error.members
        if self._protocol == "rest-json":
            headers.append(("x-amzn-ErrorType", code))
        else:
            body["__type"] = f"{quirks.error_namespace}{code}"
            if self._model.query_compatible:
                query_code = quirks.query_error_codes.get(
                    code, modelled.code if modelled is not None else code
                )
                headers.append(("x-amzn-query-error", f"{query_code};{'Sender' if sender else 'Receiver'}"))
        if modelled is not None:
            shapes = modelled.shape.members
            for name, member in shapes.items():
                if member.location == "header" and members.get(name) is not None:
                    headers.append(
                        (member.wire_name(name), text_formatter(member, "rfc822")(members.pop(name)))
                    )
            body |= self._json.fields({n: shapes[n] for n in members if n in shapes})(members)
            members = {name: value for name, value in members.items() if name not in shapes}
        body |= {n: value for n, value in members.items() if value is not None or n == "message"}
        return Reply(status, headers, msgspec.json.encode(body))

    def _xml_error(
        self, error: ServiceError, modelled: ErrorShape | None, sender: bool, status: int, request_id: str
    ) -> Reply:
        quirks = quirks_of(self._model.name)
        if quirks.no_action and error.code == "UnknownOperationException":
            return Reply(
                404, [("Content-Type", "text/xml"), *self._request_id_headers(request_id)], quirks.no_action
            )
        is_s3 = self._model.name == "s3"
        code = modelled.code if modelled is not None else error.code
        if modelled is None:
            code = (_S3_CODES if is_s3 else _QUERY_CODES).get(code, code)
        message = quirks.query_messages.get(code, error.message)
        code = quirks.query_error_codes.get(code, code)
        if self._protocol == "query-json":
            headers = [("Content-Type", self._json_type), *self._request_id_headers(request_id)]
            return Reply(status, headers, error_document(code, message, request_id, sender=sender))
        parts = [f"<Code>{escape_text(code)}</Code><Message>{escape_text(message)}</Message>"]
        if modelled is not None:
            extra = {
                n: m
                for n, m in modelled.shape.members.items()
                if n != modelled.message_member and n != "Type"
            }
            self._xml.content(extra)(parts, error.members)
        elif is_s3:
            parts += (f"<{name}>{escape_text(value)}</{name}>" for name, value in error.members.items())
        if is_s3:
            identity = f"<RequestId>{request_id}</RequestId><HostId>{request_id}</HostId>"
            body = f"<Error>{''.join(parts)}{identity}</Error>"
        else:
            fault = "Sender" if sender else "Receiver"
            detail = "<Detail/>" if quirks.error_detail else ""
            body = (
                f"<ErrorResponse{self._namespace()}><Error><Type>{fault}</Type>{''.join(parts)}{detail}</Error>"
                f"<RequestId>{request_id}</RequestId></ErrorResponse>"
            )
        content_type = "text/xml" if self._protocol in ("query", "ec2") else "application/xml"
        headers = [("Content-Type", content_type), *self._request_id_headers(request_id)]
        return Reply(status, headers, (_XML_DECLARATION + body).encode())


def _raw(value: Any) -> bytes | AsyncIterator[bytes]:
    if value is None:
        return b""
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    stream: AsyncIterator[bytes] = value
    return stream


def _header_writer(name: str, member: Shape) -> _HeaderWriter:
    header = member.wire_name(name)
    if member.type == "list":
        text = text_formatter(member.member, "rfc822")
        quotes = member.member.type == "string"

        def write_list(output: Mapping[str, Any], headers: list[tuple[str, str]]) -> None:
            values = output.get(name)
            if values:
                headers.append(
                    (header, ",".join(_quoted(text(value)) if quotes else text(value) for value in values))
                )

        return write_list
    text = text_formatter(member, "rfc822")

    def write(output: Mapping[str, Any], headers: list[tuple[str, str]]) -> None:
        value = output.get(name)
        if value is not None:
            headers.append((header, text(value)))

    return write


def _quoted(text: str) -> str:
    if "," not in text and '"' not in text:
        return text
    escaped = text.replace('"', '\\"')
    return f'"{escaped}"'


def _header_map_writer(name: str, member: Shape) -> _HeaderWriter:
    prefix = member.wire_name(name)

    def write(output: Mapping[str, Any], headers: list[tuple[str, str]]) -> None:
        for key, value in (output.get(name) or {}).items():
            headers.append((f"{prefix}{key}", str(value)))

    return write
