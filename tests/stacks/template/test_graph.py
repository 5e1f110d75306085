"""Which resources need which."""

from __future__ import annotations

from typing import Any

import pytest
from tests.stacks.template.conftest import resource, scope, template

from lambent.stacks.errors import ValidationError
from lambent.stacks.template import graph

TRUE: dict[str, Any] = {"Fn::Equals": ["a", "a"]}
FALSE: dict[str, Any] = {"Fn::Equals": ["a", "b"]}
CONDITIONS = {"Yes": TRUE, "No": FALSE}


def needs(document: dict[str, Any]) -> dict[str, set[str]]:
    document.setdefault("Conditions", CONDITIONS)
    found = scope(document, {"P": "p"})
    return {name: set(needed) for name, needed in graph(found.template, found).items()}


@pytest.mark.parametrize(
    ("value", "needed"),
    [
        ({"Ref": "A"}, {"A"}),
        ({"Ref": "P"}, set()),
        ({"Ref": "AWS::Region"}, set()),
        ({"Fn::GetAtt": ["A", "Arn"]}, {"A"}),
        ({"Fn::GetAtt": "A.Deep.Arn"}, {"A"}),
        ({"Fn::GetAtt": ["A", {"Ref": "B"}]}, {"A", "B"}),
        ({"Fn::Sub": "${A}-${B.Arn}-${P}-${!C}-${AWS::Region}"}, {"A", "B"}),
        ({"Fn::Sub": ["${A}-${x}", {"A": "own", "x": {"Ref": "B"}}]}, {"B"}),
        ({"Fn::Join": ["", ["x", {"Fn::Select": [0, {"Fn::GetAtt": "A.List"}]}]]}, {"A"}),
        ({"Fn::If": ["Yes", {"Ref": "A"}, {"Ref": "B"}]}, {"A"}),
        ({"Fn::If": ["No", {"Ref": "A"}, {"Fn::If": ["Yes", {"Ref": "B"}, "x"]}]}, {"B"}),
        ([{"Fn::If": ["No", {"Ref": "Off"}, "x"]}], set()),
        ({"deep": [{"er": {"Ref": "A"}}]}, {"A"}),
        ({"Ref": "A", "Other": 1}, set()),
    ],
)
def test_what_a_value_needs(value: Any, needed: set[str]) -> None:
    document = template(Parameters={"P": {"Type": "String"}})
    for name in "AB":
        document["Resources"][name] = resource()
    document["Resources"]["Off"] = resource(Condition="No")
    document["Resources"]["Asks"] = resource(value)
    assert needs(document) == {"A": set(), "B": set(), "Asks": needed}


def test_every_part_of_a_resource_counts() -> None:
    parts = {name: resource() for name in "ABCDE"}
    asks = resource(
        {"Ref": "A"},
        DependsOn=["B"],
        Metadata={"x": {"Ref": "C"}},
        UpdatePolicy={"x": {"Fn::Sub": "${D}"}},
        CreationPolicy={"x": {"Fn::GetAtt": "E.x"}},
    )
    assert needs({"Resources": {**parts, "F": asks}})["F"] == set("ABCDE")


def test_a_dependency_on_what_is_not_made_is_none() -> None:
    document = {
        "Resources": {
            "Off": resource({"Ref": "On"}, Condition="No"),
            "On": resource(DependsOn=["Off", "Other"]),
            "Other": resource(DependsOn="Off"),
        }
    }
    assert needs(document) == {"On": {"Other"}, "Other": set()}


@pytest.mark.parametrize(
    "value", [{"Ref": "Off"}, {"Fn::Sub": "${Off.Arn}"}, {"Fn::If": ["Yes", {"Ref": "Off"}, 1]}]
)
def test_a_reference_to_what_is_not_made_is_an_error(value: Any) -> None:
    message = "Template format error: Unresolved resource dependencies [Off] in the {} block of the template"
    off = resource(Condition="No")
    with pytest.raises(ValidationError) as refused:
        needs({"Resources": {"Off": off, "On": resource(value)}})
    assert str(refused.value) == message.format("Resources")
    with pytest.raises(ValidationError) as refused:
        needs({"Resources": {"Off": off, "On": resource()}, "Outputs": {"O": {"Value": value}}})
    assert str(refused.value) == message.format("Outputs")
    conditional = {"O": {"Value": value, "Condition": "No"}}
    assert needs({"Resources": {"Off": off, "On": resource()}, "Outputs": conditional}) == {"On": set()}


def test_circles_that_conditions_close() -> None:
    document = template(
        {"Fn::If": ["Yes", {"Ref": "C"}, "x"]},
        {"Ref": "A"},
        {"Fn::Sub": "${B}"},
        {"Ref": "A"},
        "alone",
    )
    with pytest.raises(ValidationError) as refused:
        needs(document)
    assert str(refused.value) == "Circular dependency between resources: [A, B, C]"
    document["Resources"]["A"] = resource({"Fn::If": ["No", {"Ref": "C"}, "x"]})
    assert needs(document) == {"A": set(), "B": {"A"}, "C": {"B"}, "D": {"A"}, "E": set()}
