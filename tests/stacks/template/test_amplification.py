"""Small templates that stand for more than anybody has memory for."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import pytest
from tests.stacks.template.conftest import PSEUDO

from lambent.stacks.errors import ValidationError
from lambent.stacks.template import Scope, Template, expand_extensions

MANY = [str(number) for number in range(140)]
MAPPINGS = {"M": {"a": {"eu-west-1": ["x" * 10] * 30_000}}}
MAPPED: Any = [{"Fn::FindInMap": ["M", "a", {"Ref": "AWS::Region"}]}] * 14_000


def joined(depth: int) -> Any:
    value: Any = "a," * 1000
    for _ in range(depth):
        value = {"Fn::Join": ["a," * 1000, {"Fn::Split": [",", value]}]}
    return value


SUB = {"Fn::Sub": ["${a}" * 10_000, {"a": {"Fn::Sub": ["${b}" * 1000, {"b": "x" * 1000}]}}]}


def template(value: Any, **sections: Any) -> dict[str, Any]:
    return {"Resources": {"A": {"Type": "AWS::SQS::Queue", "Properties": {"P": value}}}, **sections}


@pytest.mark.parametrize(
    "document",
    [
        template(joined(4)),
        template(SUB),
        template(MAPPED, Mappings=MAPPINGS),
        template({"Fn::Split": [",", {"Fn::Join": [",", [{"Ref": "P"}] * 2000]}]}),
        template([{"Ref": "P"}] * 2000),
        template("", Conditions={"C": {"Fn::Equals": [joined(4), "x"]}}),
        template(
            "",
            Conditions={
                f"C{number}": {"Fn::Equals": [{"Fn::Join": ["x" * 4000, [""] * 400]}, ""]}
                for number in range(100)
            },
        ),
    ],
)
def test_functions_make_no_more_than_a_template_needs(document: dict[str, Any]) -> None:
    document["Parameters"] = {"P": {"Type": "String"}}
    began = time.process_time()
    with pytest.raises(ValidationError, match="make texts that are too long together"):
        Scope(Template.read(document), {"P": ",p" * 2000}, PSEUDO).resolve(
            document["Resources"]["A"]["Properties"]
        )
    assert time.process_time() - began < 1


@pytest.mark.parametrize(
    "document",
    [
        template(
            {
                "Fn::ForEach::L": [
                    "I",
                    MANY,
                    {"Fn::ForEach::M": ["J", MANY, {"${I}-${J}": [{"y": 1}] * 2_000}]},
                ]
            }
        ),
        template(
            {"Fn::ForEach::L": ["I", MANY, {"Fn::ForEach::M": ["J", MANY, {"${I}-${J}": "x" * 50_000}]}]}
        ),
        template({"Fn::ForEach::L": ["I", ["x" * 3000], {"a": {"Fn::Sub": "${I}" * 100_000}}]}),
        template({"Fn::ForEach::L": ["I", ["x" * 3000], {"${I}" * 1000: 1}]}),
        template(MAPPED, Mappings=MAPPINGS),
        template({"Fn::ToJsonString": MAPPED}, Mappings=MAPPINGS),
        template({"Fn::Length": {"Fn::Split": [",", joined(4)]}}),
    ],
)
def test_extensions_make_no_more_than_a_template(document: dict[str, Any]) -> None:
    began = time.process_time()
    with pytest.raises(ValidationError, match=r"Template may not exceed|not be resolved"):
        expand_extensions(document, {}, PSEUDO)
    assert time.process_time() - began < 3


def test_what_templates_need_is_made() -> None:
    value = {"Fn::Join": ["\n", [{"Fn::Sub": "line ${P} " + "x" * 80}] * 10_000]}
    document = template(value, Parameters={"P": {"Type": "String"}})
    made = Scope(Template.read(document), {"P": "p"}, PSEUDO).resolve(value)
    assert len(made) == 10_000 * (len("line p ") + 80) + 9_999


@pytest.mark.parametrize("text", ["${" * 200_000, "${x" * 100_000 + "}", "${P}" * 100_000 + "${" * 200_000])
def test_braces_that_are_never_closed_take_no_time(text: str) -> None:
    document = template({"Fn::Sub": text}, Parameters={"P": {"Type": "String"}})
    began = time.process_time()
    with contextlib.suppress(ValidationError):
        Scope(Template.read(document), {"P": "p"}, PSEUDO).resolve({"Fn::Sub": text})
    loop = template({"Fn::ForEach::L": ["I", ["1"], {"${" * 200_000 + "&{" * 200_000: {"Fn::Sub": text}}]})
    with contextlib.suppress(ValidationError):
        expand_extensions(loop, {"P": "p"}, PSEUDO)
    assert time.process_time() - began < 2
