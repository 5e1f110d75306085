"""JSON values by shape; the property tests of test_parse.py and test_serialize.py do the rest."""

from __future__ import annotations

import math
from typing import Any

import pytest

from lambent.aws.errors import MalformedBodyError, SerializationError
from lambent.aws.jsonwire import JsonReaders, JsonWriters, decode_json
from lambent.aws.model import Shape, load_model


def _shape(service: str, name: str) -> Shape:
    return load_model(service).shape({"shape": name})


def test_shapes_that_contain_themselves() -> None:
    shape = _shape("dynamodb", "AttributeValue")
    wire = {"M": {"a": {"L": [{"B": "AA=="}, {"NULL": True}]}}}
    value = {"M": {"a": {"L": [{"B": b"\0"}, {"NULL": True}]}}}
    assert JsonReaders().reader(shape)(wire) == value
    assert JsonWriters().writer(shape)(value) == wire


def test_numbers() -> None:
    weights = _shape("lambda", "AdditionalVersionWeights")
    read: dict[str, Any] = JsonReaders().reader(weights)({"1": 1, "2": 0.5, "3": "NaN", "4": "-Infinity"})
    assert isinstance(read["1"], float)
    assert (read["1"], read["2"], read["4"]) == (1.0, 0.5, -math.inf)
    assert math.isnan(read["3"])
    timeout = JsonReaders().reader(_shape("lambda", "Timeout"))
    assert timeout(3.0) == 3
    with pytest.raises(SerializationError):
        timeout(True)


def test_null_in_lists_and_maps_is_kept_for_validation() -> None:
    assert JsonReaders().reader(_shape("lambda", "LayerList"))([None]) == [None]
    assert JsonReaders().reader(_shape("lambda", "Tags"))({"a": None}) == {"a": None}


def test_text_given_for_a_blob_is_encoded() -> None:
    assert JsonWriters().writer(_shape("lambda", "Blob"))("é") == "w6k="


def test_decode_json() -> None:
    assert decode_json(b"") == {}
    assert decode_json(b' {"a": [1, "\\u00e9"]} ') == {"a": [1, "é"]}
    for body in (b"{", b"nul", b"\xff\xfe", b'"\\ud800', b"{}{}"):
        with pytest.raises(MalformedBodyError):
            decode_json(body)
