"""Answers of the query protocol in JSON, as clients get them that accept it rather than XML.

`{"SendMessageResponse": {"SendMessageResult": {"MessageId": …, "SequenceNumber": null}, "ResponseMetadata": {…}}}`:
members have the model's names and are null when there is nothing to tell, maps are lists of their entries, times are
seconds since the epoch. After LocalStack's TestSqsQueryApi::test_get_queue_attributes_json_format and
test_get_list_queues_fails_json_format, validated against AWS, and what integrations of API Gateway with SQS get.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from lambent.aws.jsonwire import JsonWriters

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from lambent.aws.jsonwire import JsonCodec
    from lambent.aws.model import Operation, Shape

_JSON = b"application/json"


def accepts_json(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    """Whether a client has named JSON, and XML not before it."""
    accepted = next((value for name, value in headers if name == b"accept"), b"")
    before, found, _ = accepted.partition(_JSON)
    return bool(found) and b"xml" not in before


class QueryJsonWriters(JsonWriters):
    """Compiles shapes into writers of their JSON values. `names` are members that are called differently here."""

    def __init__(self, names: Mapping[str, str]) -> None:
        super().__init__()
        self._names = names

    def fields(self, members: dict[str, Shape]) -> JsonCodec:
        """The writer of an object with these members, all of them."""
        fields = [(name, self._names.get(name, name), self.writer(shape)) for name, shape in members.items()]

        def write(value: Any) -> dict[str, Any]:
            return {
                called: None if value.get(name) is None else write_member(value[name])
                for name, called, write_member in fields
            }

        return write

    def _compile(self, shape: Shape) -> JsonCodec:
        if shape.type != "map":
            return super()._compile(shape)
        write_value = self.writer(shape.value)
        key_name, value_name = shape.key.wire_name("key"), shape.value.wire_name("value")
        return lambda value: [
            {key_name: key, value_name: None if item is None else write_value(item)}
            for key, item in value.items()
        ]

    def answer(self, operation: Operation) -> Callable[[Mapping[str, Any], str], bytes]:
        """The writer of an operation's answer: called with (output members, request id)."""
        result = operation.result_wrapper or f"{operation.name}Result"
        write = self.fields(operation.output.members) if operation.output is not None else None

        def encode(output: Mapping[str, Any], request_id: str) -> bytes:
            content: dict[str, Any] = {} if write is None else {result: write(output)}
            content["ResponseMetadata"] = {"RequestId": request_id}
            return msgspec.json.encode({f"{operation.name}Response": content})

        return encode


def error_document(code: str, message: str, request_id: str, *, sender: bool) -> bytes:
    """The answer that an error makes."""
    error = {"Code": code, "Message": message, "Type": "Sender" if sender else "Receiver"}
    return msgspec.json.encode({"Error": error, "RequestId": request_id})
