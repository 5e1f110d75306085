"""Templates as YAML."""

from __future__ import annotations

from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from hypothesis import example, given, settings
from hypothesis import strategies as st

from lambent.deploy.render.text import yaml_text

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.sampled_from(
        ["yes", "No", "~", "1e3", "012", "2012-10-17", "a: b", "a #b", "- a", "<<", "=", "!Ref", "&a", "0x1"]
    )
)
DOCUMENTS = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4)
)


@settings(max_examples=50)
@given(DOCUMENTS)
@example(
    {
        "a": [[1, [2]], {}, [], {"b": {"c": [{"d": "e"}]}}],
        "": "\x7f\x85\u2028\ufeff\U0001f600\n\t",
        "f": [1e16, 1.5e300],
    }
)
def test_it_is_read_as_it_was_written(document: Any) -> None:
    assert yaml.safe_load(yaml_text(document)) == document


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"Type": "AWS::SQS::Queue"}, "Type: AWS::SQS::Queue\n"),
        ({"Fn::Sub": "arn:${AWS::Partition}:x"}, "Fn::Sub: arn:${AWS::Partition}:x\n"),
        ({"Version": "2012-10-17"}, 'Version: "2012-10-17"\n'),
        ({"a": [{"b": 1, "c": 2}, "GET /"]}, "a:\n  - b: 1\n    c: 2\n  - GET /\n"),
        ({"a": True, "b": "true", "c": {}}, 'a: true\nb: "true"\nc: {}\n'),
    ],
)
def test_it_looks_as_people_write_it(value: Any, text: str) -> None:
    assert yaml_text(value) == text
