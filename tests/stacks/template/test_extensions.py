"""AWS::LanguageExtensions."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.stacks.template.conftest import ACCOUNT, PSEUDO, REGION, resource

from lambent.stacks.errors import ValidationError
from lambent.stacks.template import Template, expand_extensions, parse

FAILED = "Transform AWS::LanguageExtensions failed with: "
PARAMETERS = {"Names": ["a", "b"], "Word": "word", "Stage": "prod"}
TRUE: dict[str, Any] = {"Fn::Equals": ["a", "a"]}


def expanded(document: dict[str, Any], **parameters: Any) -> dict[str, Any]:
    before = json.dumps(document)
    try:
        return expand_extensions(document, PARAMETERS | parameters, PSEUDO)
    finally:
        assert json.dumps(document) == before


def value(given: Any, **sections: Any) -> Any:
    """What becomes of a property."""
    found = expanded({"Resources": {"A": resource(given), "B": resource()}, **sections})
    return found["Resources"]["A"]["Properties"]["P"]


def loop(text: str) -> dict[str, Any]:
    return parse(text).document


def test_resources_properties_outputs_and_conditions_are_repeated() -> None:
    document = loop("""
Conditions:
  Fn::ForEach::Conditions:
    - Name
    - !Ref Names
    - Is${Name}: !Equals [!Ref Stage, !Ref Name]
Resources:
  Fn::ForEach::Queues:
    - Name
    - !Ref Names
    - Queue${Name}:
        Type: AWS::SQS::Queue
        Condition: !Sub Is${Name}
        DependsOn: [!Sub "Topic${Name}"]
        Properties:
          QueueName: !Join [ ".", [!Ref Name, fifo]]
          Text: "${Name}"
          Fn::ForEach::Times:
            - Member
            - [Delay, Timeout]
            - ${Member}Seconds: !Sub "${Name}${Member}-${AWS::Region}-${Kept}"
      Topic${Name}: {Type: AWS::SNS::Topic}
  Kept: {Type: AWS::SNS::Topic}
Outputs:
  Fn::ForEach::Outputs:
    - Name
    - !Ref Names
    - Fn::ForEach::Attributes:
        - Attribute
        - [Arn]
        - Queue${Name}${Attribute}:
            Value: !GetAtt [!Sub "Queue${Name}", !Ref Attribute]
            Export: {Name: !Sub "${AWS::StackName}-${Name}"}
""")
    found = expanded(document)
    assert found["Conditions"] == {
        "Isa": {"Fn::Equals": [{"Ref": "Stage"}, "a"]},
        "Isb": {"Fn::Equals": [{"Ref": "Stage"}, "b"]},
    }
    assert list(found["Resources"]) == ["Queuea", "Topica", "Queueb", "Topicb", "Kept"]
    assert found["Resources"]["Queueb"] == {
        "Type": "AWS::SQS::Queue",
        "Condition": "Isb",
        "DependsOn": ["Topicb"],
        "Properties": {
            "QueueName": {"Fn::Join": [".", ["b", "fifo"]]},
            "Text": "${Name}",
            "DelaySeconds": {"Fn::Sub": "bDelay-${AWS::Region}-${Kept}"},
            "TimeoutSeconds": {"Fn::Sub": "bTimeout-${AWS::Region}-${Kept}"},
        },
    }
    assert found["Outputs"]["QueueaArn"] == {
        "Value": {"Fn::GetAtt": ["Queuea", "Arn"]},
        "Export": {"Name": {"Fn::Sub": "${AWS::StackName}-a"}},
    }
    found["Parameters"] = {"Stage": {"Type": "String"}}
    Template.read(found)


def test_members_of_properties_may_have_any_names() -> None:
    given = {"Fn::ForEach::X": ["I", ["a-b", "c.d"], {"${I}/": {"Ref": "I"}, "&{I}": 1}], "Z": 2}
    assert value(given) == {"a-b/": "a-b", "ab": 1, "c.d/": "c.d", "cd": 1, "Z": 2}


@pytest.mark.parametrize(
    ("loop", "keys"),
    [
        (["I", ["a", "b"], {"X${I}": {}}], ["Xa", "Xb"]),
        (["I", ["a-1", "b/2"], {"X&{I}": {}}], ["Xa1", "Xb2"]),
        (["I", [1, True], {"X${I}": {}}], ["X1", "Xtrue"]),
        (["I", {"Ref": "Names"}, {"X${I}": {}}], ["Xa", "Xb"]),
        (["I", ["a", {"Ref": "Word"}], {"X${I}": {}, "Y${I}": {}}], ["Xa", "Ya", "Xword", "Yword"]),
        (["I", {"Fn::Split": ["-", {"Fn::Sub": "${Word}-x"}]}, {"X${I}": {}}], ["Xword", "Xx"]),
        (["I", {"Fn::FindInMap": ["M", {"Ref": "Stage"}, "names"]}, {"X${I}": {}}], ["Xm", "Xn"]),
        (["I", {"Fn::If": ["C", ["x"], ["y"]]}, {"X${I}": {}}], ["Xx"]),
        (["I", [], {"X${I}": {}}], []),
        ([{"Ref": "Word"}, ["a"], {"X${word}": {}}], ["Xa"]),
        ([["I", "J"], [["a", 1], ["b", 2]], {"X${I}${J}": {}}], ["Xa1", "Xb2"]),
        ([["I", "J"], {"Web": 443, "Ssh": 22}, {"${I}${J}": {}}], ["Web443", "Ssh22"]),
        (["I", ["a"], {"Fn::ForEach::In": ["J", ["x", "y"], {"X${I}${J}": {}}], "Y${I}": {}}], ["Xax", "Xay", "Ya"]),
    ],
)  # fmt: skip
def test_collections_and_identifiers(loop: Any, keys: list[str]) -> None:
    document = {
        "Conditions": {"C": TRUE},
        "Mappings": {"M": {"prod": {"names": ["m", "n"]}}},
        "Resources": {"Fn::ForEach::L": loop, "Z": resource()},
    }
    assert list(expanded(document)["Resources"]) == [*keys, "Z"]


def to_json(given: Any) -> Any:
    return {"Fn::ToJsonString": given}


VALUES = [
    # Fn::Length
    ({"Fn::Length": [1, 2, 3]}, 3),
    ({"Fn::Length": {"Ref": "Names"}}, 2),
    ({"Fn::Length": {"Fn::Split": ["|", "a|b|c|d"]}}, 4),
    ({"Fn::Length": {"Fn::FindInMap": ["M", "prod", "names"]}}, 2),
    # Fn::FindInMap
    ({"Fn::FindInMap": ["M", "prod", "size"]}, {"Fn::FindInMap": ["M", "prod", "size"]}),
    ({"Fn::FindInMap": ["M", {"Ref": "Stage"}, {"Fn::Select": [0, ["size"]]}]}, 3),
    ({"Fn::FindInMap": ["M", "nope", "size", {"DefaultValue": 7}]}, 7),
    ({"Fn::FindInMap": ["M", "prod", "size", {"DefaultValue": 7}]}, 3),
    ({"Fn::FindInMap": ["Nope", "a", "b", {"DefaultValue": {"Ref": "AWS::NoValue"}}]}, {"Ref": "AWS::NoValue"}),
    ({"Fn::FindInMap": [{"Fn::Sub": "M"}, "prod", "names"]}, ["m", "n"]),
    # Ref and Fn::GetAtt
    ({"Ref": {"Fn::Sub": "${Word}"}}, {"Ref": "word"}),
    ({"Fn::GetAtt": [{"Fn::Join": ["", ["B"]]}, {"Fn::Sub": "Arn"}]}, {"Fn::GetAtt": ["B", "Arn"]}),
    # Fn::ToJsonString
    (to_json({"a": 1, "b": [True, 1.5, "ä\"", {}]}), '{"a":1,"b":[true,1.5,"ä\\"",{}]}'),
    (to_json([{"Ref": "Stage"}, {"Ref": "Names"}, {"Ref": "AWS::AccountId"}]), f'["prod",["a","b"],"{ACCOUNT}"]'),
    (to_json({"a": {"Ref": "AWS::NoValue"}, "b": [{"Ref": "AWS::NoValue"}, 1]}), '{"b":[1]}'),
    (to_json({"a": {"Fn::If": ["C", {"x": 1}, "no"]}}), '{"a":{"x":1}}'),
    (to_json({"a": {"Fn::Sub": "${Word}-${AWS::Region}"}}), f'{{"a":"word-{REGION}"}}'),
    (to_json({"a": {"Fn::GetAtt": ["B", "Arn"]}, "b": 2}),
        {"Fn::Join": ["", ['{"a":"', {"Fn::GetAtt": ["B", "Arn"]}, '","b":2}']]}),
    (to_json([{"Ref": "B"}, {"Fn::ImportValue": "x"}]),
        {"Fn::Join": ["", ['["', {"Ref": "B"}, '","', {"Fn::ImportValue": "x"}, '"]']]}),
    (to_json({"a": {"Fn::Length": [1, 2]}}), '{"a":2}'),
    # what stays
    ({"Fn::Sub": "${Word}"}, {"Fn::Sub": "${Word}"}),
    ({"Ref": "Names"}, {"Ref": "Names"}),
    ("${Word}", "${Word}"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "expected"), VALUES)
def test_what_a_value_becomes(given: Any, expected: Any) -> None:
    mappings = {"M": {"prod": {"size": 3, "names": ["m", "n"]}}}
    found = value(given, Mappings=mappings, Conditions={"C": TRUE})
    assert (found, type(found)) == (expected, type(expected))


def test_attributes_of_resources() -> None:
    found = expanded(
        {
            "Conditions": {"C": TRUE},
            "Resources": {
                "A": resource(
                    DeletionPolicy={"Fn::If": ["C", "Retain", "Delete"]},
                    UpdateReplacePolicy={"Fn::FindInMap": ["M", "k", "p"]},
                    Condition={"Fn::Sub": "C"},
                    DependsOn={"Fn::Split": [",", "B,C"]},
                ),
                "B": resource(DependsOn=["A", {"Ref": "AWS::NoValue"}, {"Fn::Sub": "C"}], DeletionPolicy="Retain"),
                "C": resource(DependsOn={"Ref": "AWS::NoValue"}),
            },
            "Mappings": {"M": {"k": {"p": "Retain"}}},
        }
    )["Resources"]  # fmt: skip
    a = {name: item for name, item in found["A"].items() if name not in ("Type", "Properties")}
    assert a == {
        "DeletionPolicy": "Retain",
        "UpdateReplacePolicy": "Retain",
        "Condition": "C",
        "DependsOn": ["B", "C"],
    }
    assert (found["B"]["DependsOn"], found["C"]["DependsOn"]) == (["A", "C"], [])


FOR_EACH = [
    (["V", "text", {"I${V}": {}}], "Fn::ForEach layout is incorrect"),
    (["V", ["a"]], "Fn::ForEach layout is incorrect"),
    ("text", "Fn::ForEach layout is incorrect"),
    (["V", ["a"], "text"], "Fn::ForEach layout is incorrect"),
    (["", ["a"], {}], "Fn::ForEach layout is incorrect"),
    (["V", [{"a": 1}], {"I${V}": {}}], "Fn::ForEach layout is incorrect"),
    ([["V", "W"], [["a"]], {"I${V}": {}}], "Fn::ForEach layout is incorrect"),
    (["V", {"Ref": "Nope"}, {"I${V}": {}}], "Could not find a collection or could not be resolved for Fn::ForEach"),
    (["V", {"Fn::GetAtt": ["Z", "L"]}, {"I${V}": {}}],
        "Could not find a collection or could not be resolved for Fn::ForEach"),
    (["V", [{"Ref": "Z"}], {"I${V}": {}}], "Could not find a collection or could not be resolved for Fn::ForEach"),
    (["V", ["a-b"], {"I${V}": {}}], "OutputKey 'Ia-b' should be alphanumeric"),
    (["V", ["a", "a"], {"I${V}": {}}], "Duplicate key 'Ia' when merging keys to parent object in Fn::ForEach"),
    (["V", ["Z"], {"${V}": {}}], "Duplicate key 'Z' when merging keys to parent object in Fn::ForEach"),
    (["Word", ["a"], {}], "Fn::ForEach::L: identifier 'Word' conflicts with a parameter"),
    (["V", ["a"], {"Fn::ForEach::M": ["V", ["b"], {}]}],
        "Fn::ForEach::M: identifier 'V' conflicts with that of another loop"),
    (["V", ["a"], {"Fn::ForEach::L": ["W", ["b"], {}]}],
        "Fn::ForEach::L: the name of a loop has to be unique within the template"),
    (["V", ["a", "b"] * 200, {"Fn::ForEach::M": ["W", ["a"] * 400, {"Fn::ForEach::N": ["X", [], {}]}]}],
        "Template may not exceed 1000000 bytes in size."),
]  # fmt: skip


@pytest.mark.parametrize(("loop", "message"), FOR_EACH)
def test_loops_that_are_refused(loop: Any, message: str) -> None:
    with pytest.raises(ValidationError) as refused:
        expanded({"Resources": {"Fn::ForEach::L": loop, "Z": resource()}})
    # The loop comes first, so what is in the way of a key may also come behind it.
    assert str(refused.value) == FAILED + message


def test_loops_are_nested_five_deep_at_most() -> None:
    inner: dict[str, Any] = {"${V1}${V2}${V3}${V4}${V5}": {}}
    for level in range(5, 0, -1):
        inner = {f"Fn::ForEach::L{level}": [f"V{level}", ["a"], inner]}
    assert list(expanded({"Resources": inner})["Resources"]) == ["aaaaa"]
    with pytest.raises(ValidationError, match="loops can be nested 5 deep at most"):
        expanded({"Resources": {"Fn::ForEach::L0": ["V0", ["a"], inner]}})


VALUES_REFUSED = [
    ({"Fn::Length": "x"}, "Fn::Length layout is incorrect"),
    ({"Fn::Length": {"Fn::GetAtt": ["B", "L"]}}, "The Fn::Length value could not be resolved for properties"),
    (to_json("x"), "Fn::ToJsonString layout is incorrect"),
    (to_json({"Ref": "Word"}), "Fn::ToJsonString layout is incorrect"),
    (to_json({"Ref": "AWS::NoValue"}), "Fn::ToJsonString layout is incorrect"),
    (to_json({"a": {"Fn::Equals": [1, 2]}}), "Fn::ToJsonString does not support Fn::Equals intrinsic function"),
    (to_json({"a": {"Ref": "AWS::NotificationARNs"}}),
        "Fn::ToJsonString does not support AWS::NotificationARNs pseudo parameter"),
    (to_json({"a": {"Fn::Split": [",", {"Ref": "B"}]}}), "Unable to resolve Fn::Split intrinsic function"),
    ({"Fn::FindInMap": ["M", "k"]}, "Fn::FindInMap layout is incorrect"),
    ({"Ref": {"Ref": "B"}}, "Ref layout is incorrect"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "message"), VALUES_REFUSED)
def test_values_that_are_refused(given: Any, message: str) -> None:
    with pytest.raises(ValidationError) as refused:
        value(given)
    assert str(refused.value) == FAILED + message


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"DeletionPolicy": {"Ref": "AWS::NoValue"}},
            "AWS::NoValue is not supported for DeletionPolicy or UpdateReplacePolicy"),
        ({"DeletionPolicy": {"Fn::GetAtt": ["B", "x"]}}, "Unsupported expression for DeletionPolicy in resource A"),
        ({"UpdateReplacePolicy": {"Ref": "Names"}}, "Unsupported expression for UpdateReplacePolicy in resource A"),
        ({"UpdateReplacePolicy": ["Retain"]}, "Every UpdateReplacePolicy member must be a string"),
        ({"Condition": {"Fn::Sub": "Nope"}}, "Key Nope is missing in the map."),
    ],
)  # fmt: skip
def test_attributes_that_are_refused(attributes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as refused:
        expanded({"Resources": {"A": resource(**attributes), "B": resource()}})
    assert str(refused.value) == FAILED + message


def test_what_grows_too_large_is_refused() -> None:
    document = {"Resources": {"Fn::ForEach::L": ["V", list(range(400)), {"X${V}": resource("x" * 3000)}]}}
    with pytest.raises(ValidationError, match=f"^{FAILED}Template may not exceed 1000000 bytes in size"):
        expanded(document)
