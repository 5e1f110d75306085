"""The forms of functions' arguments: what is refused of them before anything is known, and what is taken."""

from __future__ import annotations

from typing import Any

import pytest
from tests.stacks.template.conftest import read

from lambent.stacks.errors import ValidationError

FUNCTIONS = [
    ({"Fn::Nope": 1}, ("encountered unsupported function: Fn::Nope Supported functions are: [Fn::Base64, Fn::GetAtt, "
        "Fn::GetAZs, Fn::ImportValue, Fn::Join, Fn::Split, Fn::FindInMap, Fn::Select, Ref, Fn::Equals, Fn::If, "
        "Fn::Not, Condition, Fn::And, Fn::Or, Fn::Contains, Fn::EachMemberEquals, Fn::EachMemberIn, Fn::ValueOf, "
        "Fn::ValueOfAll, Fn::RefAll, Fn::Sub, Fn::Cidr]")),
    ({"Ref": ["A"]}, "every Ref object must have a single String value."),
    ({"Ref": ""}, "every Ref object must have a single String value."),
    ({"Fn::GetAtt": "A"}, ("every Fn::GetAtt object requires two non-empty parameters, the resource name and the "
        "resource attribute")),
    ({"Fn::GetAtt": ["A", ""]}, ("every Fn::GetAtt object requires two non-empty parameters, the resource name and the "
        "resource attribute")),
    ({"Fn::GetAtt": ["A", "b", "c"]}, ("every Fn::GetAtt object requires two non-empty parameters, the resource name "
        "and the resource attribute")),
    ({"Fn::Join": ["-"]}, ("every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of "
        "strings to be joined or a function that returns a list of strings (such as Fn::GetAZs) to be joined.")),
    ({"Fn::Join": ["-", "x"]}, ("every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list "
        "of strings to be joined or a function that returns a list of strings (such as Fn::GetAZs) to be joined.")),
    ({"Fn::Split": ["-", ["x"]]}, ("every Fn::Split object requires two parameters, (1) a string delimiter and (2) a "
        "string to be split or a function that returns a string to be split.")),
    ({"Fn::Select": ["x", ["a"]]}, "Fn::Select requires a list argument with a valid index value as its first element"),
    ({"Fn::Select": [0]}, "Fn::Select requires a list argument with two elements: an integer index and a list"),
    ({"Fn::Sub": ["x"]}, ("One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a string "
        "as first argument, and an optional second argument to specify a mapping of values to replace in the string")),
    ({"Fn::Sub": 1}, ("One or more Fn::Sub intrinsic functions don't specify expected arguments. Specify a string "
        "as first argument, and an optional second argument to specify a mapping of values to replace in the string")),
    ({"Fn::Sub": "${a b}"}, ("variable names in Fn::Sub syntax must contain only alphanumeric characters, underscores, "
        "periods, and colons")),
    ({"Fn::Sub": "${}"}, ("variable names in Fn::Sub syntax must contain only alphanumeric characters, underscores, "
        "periods, and colons")),
    ({"Fn::Sub": ["${a}", {"a-b": 1}]}, ("every key of the context object of every Fn::Sub object must contain only "
        "alphanumeric characters and underscores")),
    ({"Fn::Sub": ["${a}", {"a": [1]}]}, ("every value of the context object of every Fn::Sub object must be a string "
        "or a function that returns a string")),
    ({"Fn::If": ["C", 1]}, "Fn::If requires a list argument with three elements"),
    ({"Fn::If": [{"Ref": "A"}, 1, 2]}, "Fn::If requires a list argument with the first element being a condition"),
    ({"Fn::FindInMap": ["M", "k"]}, ("every Fn::FindInMap object requires three parameters, the map name, map key and "
        "the attribute for return value")),
    ({"Fn::ImportValue": {"a": 1}}, ("the attribute in Fn::ImportValue must be a string or a function that returns a "
        "string")),
    ({"Fn::ImportValue": {"Fn::GetAtt": "A.Arn"}}, ("the attribute in Fn::ImportValue must not depend on any "
        "resources, imported values, or Fn::GetAZs")),
    ({"Fn::Base64": ["x"]}, "every Fn::Base64 object must have a String-typed value."),
    ({"Fn::GetAZs": ["x"]}, "every Fn::GetAZs object must have a String-typed value."),
    ({"Fn::Cidr": ["10.0.0.0/16"]}, ("every Fn::Cidr object requires two parameters, (1) a CIDR block and (2) the "
        "number of CIDRs to generate, and an optional third, the number of subnet bits")),
    ({"Fn::GetStackOutput": "x"}, ("every Fn::GetStackOutput object requires a map with StackName and OutputName, and "
        "optionally Region and RoleArn")),
] + [({name: ["a", "b"]}, "Fn::Equals cannot be partially collapsed")
     for name in ("Fn::Equals", "Fn::And", "Fn::Or", "Fn::Not")]  # fmt: skip


@pytest.mark.parametrize(("value", "message"), FUNCTIONS)
def test_the_words_of_a_refusal(value: Any, message: str) -> None:
    with pytest.raises(ValidationError) as refused:
        read([{"x": value}])
    assert str(refused.value) == f"Template error: {message}"


def test_functions_stand_alone() -> None:
    with pytest.raises(ValidationError, match="Fn::Sub must be the only member of the map it stands in"):
        read({"Fn::Sub": "x", "other": 1})


@pytest.mark.parametrize(
    "value",
    [
        {"Fn::If": ["C", {"Fn::If": ["C", {"Ref": "A"}, 1]}, {"Ref": "AWS::NoValue"}]},
        {"Fn::FindInMap": [{"Ref": "AWS::Region"}, "k", "a"]},
        {"Fn::FindInMap": ["M", {"Ref": "AWS::Region"}, "a"]},
        {"Fn::Select": [{"Ref": "Q"}, {"Fn::Split": [",", {"Fn::ImportValue": {"Fn::Sub": "${Q}-x"}}]}]},
        {"Fn::Sub": ["${x_y}${!No.Thing}${A.Arn}${ Q }", {"x_y": {"Fn::Join": ["", ["a"]]}}]},
        {"Fn::Sub": ""},
        {"Fn::GetAtt": ["A", {"Ref": "Q"}]},
        {"Fn::GetStackOutput": {"StackName": "s", "OutputName": "o", "Region": {"Ref": "AWS::Region"}}},
        {"Condition": {"StringEquals": {"aws:Ref": "x"}}},
        {"Ref": "A", "Other": 1},
        [{"Ref": f"AWS::{name}"} for name in ("AccountId", "Partition", "URLSuffix", "NotificationARNs", "StackId")],
    ],
)  # fmt: skip
def test_what_is_right_is_taken(value: Any) -> None:
    sections = {
        "Parameters": {"Q": {"Type": "String"}},
        "Mappings": {"M": {"k": {"a": 1}}},
        "Conditions": {"C": {"Fn::Equals": ["a", "b"]}},
    }
    found = read(0, value, **sections)
    assert found.resources["B"].properties == {"P": value}
