"""The query protocol's parameters; the property tests of test_parse.py do the rest."""

from __future__ import annotations

from typing import Any

import pytest

from lambent.aws.errors import SerializationError
from lambent.aws.model import load_model
from lambent.aws.querywire import QueryReaders, parameter_tree


def _read(service: str, operation: str, parameters: list[tuple[str, str]]) -> dict[str, Any]:
    shape = load_model(service, "query").operation(operation).input
    assert shape is not None
    read: dict[str, Any] = QueryReaders().fields(shape.members)(parameter_tree(parameters))
    return read


def test_lists_keep_the_order_of_their_numbers() -> None:
    parameters = [(f"Tags.member.{n}.Key", f"k{n}") for n in (10, 2, 1)] + [("Tags.member.2.Value", "v")]
    assert _read("sns", "TagResource", parameters) == {
        "Tags": [{"Key": "k1"}, {"Key": "k2", "Value": "v"}, {"Key": "k10"}]
    }


def test_empty_lists() -> None:
    assert _read("sns", "TagResource", [("Tags", "")]) == {"Tags": []}
    assert _read("sqs", "ReceiveMessage", [("AttributeName", "")]) == {"AttributeNames": []}


def test_sqs_as_older_clients_send_it() -> None:
    assert _read(
        "sqs",
        "SendMessage",
        [
            ("Action", "SendMessage"),
            ("MessageBody", "hi"),
            ("MessageAttribute.1.Name", "a"),
            ("MessageAttribute.1.Value.DataType", "Binary"),
            ("MessageAttribute.1.Value.BinaryValue", "AA=="),
        ],
    ) == {"MessageBody": "hi", "MessageAttributes": {"a": {"DataType": "Binary", "BinaryValue": b"\0"}}}
    assert _read(
        "sqs", "CreateQueue", [("Attribute.1.Name", "DelaySeconds"), ("Attribute.1.Value", "5")]
    ) == {"Attributes": {"DelaySeconds": "5"}}


@pytest.mark.parametrize(
    "parameters",
    [
        [("Tags.member.x.Key", "a")],
        [("Tags.member.-1.Key", "a")],
        [("Tags.member.99999999999999999999.Key", "a")],
        [("Tags.member.¹.Key", "a")],
        [("Tags..1.Key", "a")],
        [("", "a"), (".", "b")],
    ],
)
def test_numbers_that_are_none_are_passed_over(parameters: list[tuple[str, str]]) -> None:
    assert _read("sns", "TagResource", parameters).get("Tags", []) == []


def test_depth_is_limited() -> None:
    with pytest.raises(SerializationError):
        parameter_tree([("a." * 200 + "b", "1")])
