"""What intrinsic functions give."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from tests.stacks.template.conftest import ACCOUNT, REGION, STACK, resource, scope, template

from lambent.stacks.errors import ValidationError
from lambent.stacks.template import UNKNOWN, Pseudo, ResourceValues, Scope, Template, Unknown

NO_VALUE = {"Ref": "AWS::NoValue"}
SECTIONS = {
    "Parameters": {
        "Name": {"Type": "String"},
        "Names": {"Type": "CommaDelimitedList"},
        "Size": {"Type": "Number"},
    },
    "Mappings": {"M": {"eu-west-1": {"a": "ami-1", "list": ["x", "y"], "number": 3, "no": False}}},
    "Conditions": {"Yes": {"Fn::Equals": ["a", "a"]}, "No": {"Fn::Not": [{"Condition": "Yes"}]}},
    "Resources": {
        "Made": resource(),
        "Later": resource(),
        "Inactive": resource(Condition="No"),
        "Nested": {"Type": "AWS::CloudFormation::Stack", "Properties": {}},
        "Custom": {"Type": "Custom::Thing"},
    },
}
MADE = {
    "Made": ResourceValues(
        "queue-1", {"Arn": "arn:queue-1", "Deep.Name": "deep", "Map": {"In": {"Side": 7}}}
    ),
    "Nested": ResourceValues("stack-2", {"Outputs.Url": "http://x"}),
    "Custom": ResourceValues("custom-1", {"A": ["b", "c"], "Flag": True, "O": {"k": 1}}),
}


def outputs(stack: str, output: str, region: str, role: str) -> str:
    return f"{stack}/{output}/{region}/{role}"


@pytest.fixture(scope="module")
def there() -> Scope:
    return scope(
        SECTIONS,
        {"Name": "shop", "Names": ["a", "b", "c"], "Size": "3"},
        MADE,
        imports={"shop-vpc": "vpc-1"}.__getitem__,
        outputs=outputs,
    )


VALUES = [
    ("text", "text"),
    (7, 7),
    ({"a": [1, {"b": True}]}, {"a": [1, {"b": True}]}),
    # Ref
    ({"Ref": "Name"}, "shop"),
    ({"Ref": "Names"}, ["a", "b", "c"]),
    ({"Ref": "Made"}, "queue-1"),
    ({"Ref": "Later"}, UNKNOWN),
    ({"Ref": "AWS::AccountId"}, ACCOUNT),
    ({"Ref": "AWS::Region"}, REGION),
    ({"Ref": "AWS::Partition"}, "aws"),
    ({"Ref": "AWS::URLSuffix"}, "amazonaws.com"),
    ({"Ref": "AWS::StackId"}, STACK),
    ({"Ref": "AWS::StackName"}, "shop"),
    ({"Ref": "AWS::NotificationARNs"}, ["arn:t1", "arn:t2"]),
    # AWS::NoValue
    ({"a": 1, "b": NO_VALUE}, {"a": 1}),
    ([1, NO_VALUE, 2], [1, 2]),
    ({"a": {"b": NO_VALUE}}, {"a": {}}),
    (NO_VALUE, None),
    ({"a": {"Fn::If": ["No", 1, NO_VALUE]}}, {}),
    ([{"Fn::If": ["Yes", NO_VALUE, 1]}], []),
    ({"Fn::Join": ["-", ["a", NO_VALUE, "b"]]}, "a-b"),
    # Fn::GetAtt
    ({"Fn::GetAtt": ["Made", "Arn"]}, "arn:queue-1"),
    ({"Fn::GetAtt": "Made.Arn"}, "arn:queue-1"),
    ({"Fn::GetAtt": ["Made", "Deep.Name"]}, "deep"),
    ({"Fn::GetAtt": ["Made", "Map.In.Side"]}, 7),
    ({"Fn::GetAtt": ["Made", {"Fn::Select": [0, ["Arn"]]}]}, "arn:queue-1"),
    ({"Fn::GetAtt": ["Later", "Arn"]}, UNKNOWN),
    ({"Fn::GetAtt": ["Nested", "Outputs.Url"]}, "http://x"),
    ({"Fn::GetAtt": ["Custom", "A"]}, ["b", "c"]),
    ({"Fn::GetAtt": ["Custom", "O"]}, {"k": 1}),
    # Fn::If
    ({"Fn::If": ["Yes", "a", {"Fn::GetAtt": "Later.x"}]}, "a"),
    ({"Fn::If": ["No", "a", {"Fn::If": ["Yes", ["b"], "c"]}]}, ["b"]),
    # Fn::Join
    ({"Fn::Join": [":", ["a", 1, True, {"Ref": "Size"}, 1.5]]}, "a:1:true:3:1.5"),
    ({"Fn::Join": ["", {"Ref": "Names"}]}, "abc"),
    ({"Fn::Join": ["", []]}, ""),
    ({"Fn::Join": ["-", ["a", {"Ref": "Later"}]]}, UNKNOWN),
    ({"Fn::Join": [",", {"Fn::GetAtt": "Later.List"}]}, UNKNOWN),
    # Fn::Split, Fn::Select
    ({"Fn::Split": ["-", "a--b-"]}, ["a", "", "b", ""]),
    ({"Fn::Split": [", ", {"Fn::Join": [", ", {"Ref": "Names"}]}]}, ["a", "b", "c"]),
    ({"Fn::Split": [",", {"Ref": "Later"}]}, UNKNOWN),
    ({"Fn::Select": [1, ["a", "b"]]}, "b"),
    ({"Fn::Select": ["2", {"Ref": "Names"}]}, "c"),
    ({"Fn::Select": [{"Ref": "Size"}, [0, 1, 2, {"k": "v"}]]}, {"k": "v"}),
    ({"Fn::Select": [5, {"Fn::Split": ["/", {"Ref": "Later"}]}]}, UNKNOWN),
    ({"Fn::Select": [1, ["a", {"Ref": "Later"}]]}, UNKNOWN),
    ({"Fn::Select": [0, ["a", {"Ref": "Later"}]]}, "a"),
    # Fn::Sub
    ({"Fn::Sub": "${Name}/${AWS::Region}/${Made}/${Made.Arn}/${Made.Deep.Name}"},
        "shop/eu-west-1/queue-1/arn:queue-1/deep"),
    ({"Fn::Sub": "${!Name} ${!a.b} $Name $ {Name} ${ Name }"}, "${Name} ${a.b} $Name $ {Name} shop"),
    ({"Fn::Sub": ["${a}-${Name}-${b}", {"a": {"Ref": "Made"}, "b": 2}]}, "queue-1-shop-2"),
    ({"Fn::Sub": ["${Name}", {"Name": "own"}]}, "own"),
    ({"Fn::Sub": ["${b}", {"b": True}]}, "true"),
    ({"Fn::Sub": "${Later.Arn}/*"}, UNKNOWN),
    ({"Fn::Sub": ["${a}", {"a": {"Fn::GetAtt": "Later.x"}}]}, UNKNOWN),
    ({"Fn::Sub": "${Custom.Flag}"}, "true"),
    ({"Fn::Sub": "no variables"}, "no variables"),
    # Fn::FindInMap
    ({"Fn::FindInMap": ["M", {"Ref": "AWS::Region"}, "a"]}, "ami-1"),
    ({"Fn::FindInMap": ["M", "eu-west-1", "list"]}, ["x", "y"]),
    ({"Fn::FindInMap": ["M", "eu-west-1", "number"]}, 3),
    ({"Fn::FindInMap": ["M", "eu-west-1", "no"]}, False),
    # Fn::Base64
    ({"Fn::Base64": "häh"}, "aMOkaA=="),
    ({"Fn::Base64": {"Fn::Sub": "${Name}"}}, "c2hvcA=="),
    ({"Fn::Base64": {"Ref": "Later"}}, UNKNOWN),
    # Fn::GetAZs
    ({"Fn::GetAZs": ""}, ["eu-west-1a", "eu-west-1b", "eu-west-1c"]),
    ({"Fn::GetAZs": {"Ref": "AWS::Region"}}, ["eu-west-1a", "eu-west-1b", "eu-west-1c"]),
    ({"Fn::GetAZs": "us-east-1"}, []),
    ({"Fn::Select": [1, {"Fn::GetAZs": ""}]}, "eu-west-1b"),
    # Fn::Cidr
    ({"Fn::Cidr": ["10.0.0.0/16", 3, 8]}, ["10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24"]),
    ({"Fn::Cidr": ["192.168.0.0/24", "6", "5"]},
        ["192.168.0.0/27", "192.168.0.32/27", "192.168.0.64/27", "192.168.0.96/27", "192.168.0.128/27",
         "192.168.0.160/27"]),
    ({"Fn::Cidr": ["10.0.0.0/16", {"Ref": "Size"}]}, ["10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24"]),
    ({"Fn::Cidr": ["2001:db8::/56", 2]}, ["2001:db8::/64", "2001:db8:0:1::/64"]),
    ({"Fn::Cidr": [{"Fn::GetAtt": "Later.Cidr"}, 2]}, UNKNOWN),
    ({"Fn::Select": [0, {"Fn::Cidr": [{"Ref": "Later"}, 2]}]}, UNKNOWN),
    # other stacks
    ({"Fn::ImportValue": "shop-vpc"}, "vpc-1"),
    ({"Fn::ImportValue": {"Fn::Sub": "${AWS::StackName}-vpc"}}, "vpc-1"),
    ({"Fn::GetStackOutput": {"StackName": "s", "OutputName": "o"}}, "s/o/eu-west-1/"),
    ({"Fn::GetStackOutput": {"StackName": {"Ref": "Name"}, "OutputName": "o", "Region": "us-east-1", "RoleArn": "r"}},
        "shop/o/us-east-1/r"),
    # what is no function
    ({"Condition": {"StringEquals": {"Ref": "Name"}}}, {"Condition": {"StringEquals": "shop"}}),
    ({"Ref": "Made", "Other": 1}, {"Ref": "Made", "Other": 1}),
]  # fmt: skip


@pytest.mark.parametrize(("value", "expected"), VALUES)
def test_what_a_value_becomes(there: Scope, value: Any, expected: Any) -> None:
    before = json.dumps(value)
    assert there.resolve(value) == expected
    found = there.resolve({"a": [value], "b": 1}).get("a")
    assert found == ([] if expected is None else [expected])
    assert json.dumps(value) == before


GET_ATT = "Requested attribute Nope does not exist in schema for AWS::SQS::Queue"
FAILURES = [
    ({"Fn::GetAtt": ["Made", "Nope"]}, GET_ATT),
    ({"Fn::Sub": "${Made.Nope}"}, GET_ATT),
    ({"Fn::GetAtt": ["Made", "Map.In.Nope"]}, GET_ATT.replace("Nope", "Map.In.Nope")),
    ({"Fn::GetAtt": ["Nothing", "Arn"]},
        "Template error: instance of Fn::GetAtt references undefined resource Nothing"),
    ({"Fn::GetAtt": ["Nested", "Outputs.Nope"]},
        "Template error: resource Nested does not support attribute type Outputs.Nope in Fn::GetAtt"),
    ({"Fn::GetAtt": ["Custom", "Nope"]},
        f"CustomResource attribute error: Vendor response doesn't contain Nope attribute in object {STACK}|Custom"),
    ({"Ref": "Inactive"},
        "Template format error: Unresolved resource dependencies [Inactive] in the Resources block of the template"),
    ({"Fn::GetAtt": "Inactive.Arn"},
        "Template format error: Unresolved resource dependencies [Inactive] in the Resources block of the template"),
    ({"Ref": "Nothing"},
        "Template format error: Unresolved resource dependencies [Nothing] in the Resources block of the template"),
    ({"Fn::Select": [3, {"Ref": "Names"}]}, "Template error: Fn::Select cannot select nonexistent value at index 3"),
    ({"Fn::Select": [-1, {"Ref": "Names"}]}, "Template error: Fn::Select cannot select nonexistent value at index -1"),
    ({"Fn::Select": [{"Ref": "Name"}, ["a"]]},
        "Template error: Fn::Select requires a list argument with a valid index value as its first element"),
    ({"Fn::Select": [0, {"Ref": "Name"}]},
        "Template error: Fn::Select requires a list argument with two elements: an integer index and a list"),
    ({"Fn::Sub": "${Names}"},
        "Template error: variable Names in Fn::Sub expression does not resolve to a string"),
    ({"Fn::Sub": ["${a}", {"a": {"Ref": "Names"}}]},
        ("Template error: every value of the context object of every Fn::Sub object must be a string or a function "
        "that returns a string")),
    ({"Fn::FindInMap": ["M", {"Ref": "AWS::AccountId"}, "a"]},
        f"Template error: Unable to get mapping for M::{ACCOUNT}::a"),
    ({"Fn::FindInMap": [{"Ref": "Name"}, "k", "a"]},
        "Template error: Mapping named 'shop' is not present in the 'Mappings' section of template."),
    ({"Fn::If": ["Maybe", 1, 2]}, "Template error: unresolved condition dependency Maybe in Fn::If"),
    ({"Fn::Cidr": ["10.0.0.0/16", 300, 8]},
        ("Template error: Fn::Cidr cannot make 300 blocks of 8 bits in 10.0.0.0/16; it makes 1 to 256, as many as "
        "there is room for.")),
    ({"Fn::Cidr": ["10.0.0.0/30", 1, 8]}, "Template error: Fn::Cidr cannot split 10.0.0.0/30 into blocks of 8 bits."),
    ({"Fn::Transform": {"Name": "M"}}, "Template error: encountered unsupported function: Fn::Transform"),
    ({"Fn::Nope": 1}, "Template error: encountered unsupported function: Fn::Nope"),
]  # fmt: skip


@pytest.mark.parametrize(("value", "message"), FAILURES)
def test_the_words_of_a_failure(there: Scope, value: Any, message: str) -> None:
    with pytest.raises(ValidationError) as failed:
        there.resolve(value)
    assert str(failed.value).partition(" Supported functions")[0] == message


def test_nobody_exports_anything_by_default() -> None:
    with pytest.raises(ValidationError, match=r"^No export named x found\.$"):
        scope().resolve({"Fn::ImportValue": "x"})
    with pytest.raises(ValidationError, match=r"^Stack with id x does not exist$"):
        scope().resolve({"Fn::GetStackOutput": {"StackName": "x", "OutputName": "y"}})


@pytest.mark.parametrize(
    ("region", "letters"), [("us-east-1", "abcdef"), ("eu-west-1", "abc"), ("us-west-1", "ab")]
)
def test_zones_of_regions(region: str, letters: str) -> None:
    there = Scope(Template.read(template()), {}, Pseudo.of(ACCOUNT, region, STACK, "s"))
    assert there.resolve({"Fn::GetAZs": {"Ref": "AWS::Region"}}) == [
        f"{region}{letter}" for letter in letters
    ]


def test_the_unknown_is_told_from_texts_and_can_be_written() -> None:
    found = scope().resolve({"a": {"Ref": "A"}, "b": str(UNKNOWN)})
    assert isinstance(found["a"], Unknown)
    assert not isinstance(found["b"], Unknown)
    assert found["a"] == "{{changeSet:KNOWN_AFTER_APPLY}}"
    assert json.loads(json.dumps(found)) == msgspec.json.decode(msgspec.json.encode(found, enc_hook=str))


@pytest.mark.parametrize(
    ("region", "partition", "suffix"),
    [
        ("us-east-1", "aws", "amazonaws.com"),
        ("cn-north-1", "aws-cn", "amazonaws.com.cn"),
        ("us-gov-west-1", "aws-us-gov", "amazonaws.com"),
        ("us-isob-east-1", "aws-iso-b", "sc2s.sgov.gov"),
    ],
)
def test_partitions_of_regions(region: str, partition: str, suffix: str) -> None:
    pseudo = Pseudo.of(ACCOUNT, region, STACK, "s")
    assert (pseudo.partition, pseudo.url_suffix, pseudo.notification_arns) == (partition, suffix, ())


# --- conditions ------------------------------------------------------------------------------------------------------


def equals(first: Any, second: Any) -> dict[str, Any]:
    return {"Fn::Equals": [first, second]}


TRUE, FALSE = equals("a", "a"), equals("a", "b")


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (equals({"Ref": "Name"}, "shop"), True),
        (equals({"Ref": "Name"}, "Shop"), False),
        (equals({"Ref": "Size"}, 3), True),
        (equals("true", True), True),
        (equals(1, "1.0"), False),
        (equals({"Ref": "Names"}, ["a", "b", "c"]), True),
        (equals({"Ref": "Names"}, ["a", "b"]), False),
        (equals({"Fn::FindInMap": ["M", {"Ref": "AWS::Region"}, "a"]}, "ami-1"), True),
        (equals({"Fn::Join": ["", {"Ref": "Names"}]}, "abc"), True),
        (equals({"Fn::Select": [0, {"Ref": "Names"}]}, {"Fn::Sub": "${Name}"}), False),
        (equals({"Ref": "AWS::Region"}, REGION), True),
        ({"Fn::Not": [TRUE]}, False),
        ({"Fn::And": [TRUE, TRUE, FALSE]}, False),
        ({"Fn::And": [TRUE] * 10}, True),
        ({"Fn::Or": [FALSE, FALSE, TRUE]}, True),
        ({"Fn::Or": [FALSE, FALSE]}, False),
        ({"Condition": "Last"}, True),
        ({"Fn::And": [{"Condition": "Last"}, {"Fn::Not": [{"Condition": "Last"}]}]}, False),
        ({"Fn::Or": [{"Fn::And": [TRUE, {"Condition": "Last"}]}, FALSE]}, True),
    ],
)
def test_whether_conditions_hold(condition: dict[str, Any], holds: bool) -> None:
    document = template(
        Conditions={
            "C": condition,
            "D&3": {"Condition": "C"},
            "Last": {"Condition": "VeryLast"},
            "VeryLast": TRUE,
        },
        Parameters=SECTIONS["Parameters"],
        Mappings=SECTIONS["Mappings"],
    )
    document["Resources"]["B"] = resource(Condition="C")
    found = scope(document, {"Name": "shop", "Names": ["a", "b", "c"], "Size": "3"})
    assert found.conditions["C"] is found.conditions["D&3"] is holds
    assert found.active == (["A", "B"] if holds else ["A"])
    assert found.resolve({"Fn::If": ["C", "yes", "no"]}) == ("yes" if holds else "no")


def test_fn_if_works_wherever_a_value_stands() -> None:
    document = template(
        {"Fn::If": ["C", {"a": 1}, NO_VALUE]},
        [{"Fn::If": ["C", {"Fn::If": ["D", 1, 2]}, 3]}, {"Fn::If": ["D", "x", NO_VALUE]}],
        {"Fn::Join": ["-", {"Fn::If": ["C", ["a", "b"], ["c"]]}]},
        {"Fn::Select": [{"Fn::If": ["C", 1, 0]}, ["a", "b"]]},
        {"Fn::Sub": ["${v}", {"v": {"Fn::If": ["C", "1", "2"]}}]},
        {"Fn::FindInMap": ["M", {"Fn::If": ["C", "k", "l"]}, "a"]},
        {"Fn::GetAtt": ["A", {"Fn::If": ["C", "Arn", "Name"]}]},
        {"Fn::ImportValue": {"Fn::If": ["C", "one", "two"]}},
        {"Fn::Base64": {"Fn::If": ["C", "a", "b"]}},
        Conditions={"C": TRUE, "D": FALSE},
        Mappings={"M": {"k": {"a": 1}, "l": {"a": 2}}},
    )
    made = {"A": ResourceValues("a", {"Arn": "arn:a", "Name": "a"})}
    found = scope(document, made=made, imports=lambda name: f"import-{name}")
    values = [found.resolve(one.properties).get("P") for one in found.template.resources.values()]
    assert values == [{"a": 1}, [2], "a-b", "b", "1", 1, "arn:a", "import-one", "YQ=="]
