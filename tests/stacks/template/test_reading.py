"""What is refused of a template's form, and in which words."""

from __future__ import annotations

import time
from typing import Any

import pytest
from tests.stacks.template.conftest import read, resource, template

from lambent.stacks.errors import ValidationError
from lambent.stacks.template import Template, parse

FORMAT = "Template format error: "


def refused(document: dict[str, Any]) -> str:
    with pytest.raises(ValidationError) as error:
        Template.read(document)
    return str(error.value)


def resources(**found: Any) -> dict[str, Any]:
    return {"Resources": found}


SECTIONS = [
    ({}, "At least one Resources member must be defined."),
    ({"Resources": {}}, "At least one Resources member must be defined."),
    ({"Resources": [1]}, "Any Resources member must be a JSON object."),
    (template(Outputs=[]), "Any Outputs member must be a JSON object."),
    (template(Parameters="x"), "Any Parameters member must be a JSON object."),
    (template(AWSTemplateFormatVersion="2010"), "unsupported value for AWSTemplateFormatVersion."),
    (template(Description=["x"]), "Every Description member must be a string."),
    (template(Description="x" * 1025), "'Description' length is greater than 1024"),
    (template(Metadata=[1]), "Every Metadata member must be a map."),
    ({"Resources": {f"A{number}": resource() for number in range(501)}},
        "Number of resources, 501, is greater than maximum allowed, 500"),
    (template(Outputs={f"A{number}": {"Value": 1} for number in range(201)}),
        "Number of outputs, 201, is greater than maximum allowed, 200"),
    (template(Parameters={f"A{number}": {"Type": "String"} for number in range(201)}),
        "Number of parameters, 201, is greater than maximum allowed, 200"),
    (template(Hooks={}), "the Hooks section is not supported here."),
]  # fmt: skip

PARAMETERS = [
    ({"Type": "Text"}, "Template format error: Unrecognized parameter type: Text"),
    ({"Type": "List<String>>"}, "Template format error: Unrecognized parameter type: List<String>>"),
    ({}, "Template format error: Every Parameters object must contain a Type member."),
    ("x", "Template format error: Any Parameters member must be a JSON object."),
    ({"Type": "String", "Foo": 1}, "Invalid template parameter property 'Foo'"),
    ({"Type": "String", "Default": ["x"]}, "Template format error: Every Default member must be a string."),
    ({"Type": "String", "AllowedValues": "x"},
        "Template format error: Every AllowedValues member must be a list."),
    ({"Type": "Number", "MinLength": 1},
        "Template error: Parameter 'P' MinLength must be on a parameter of type String"),
    ({"Type": "String", "MaxValue": 1},
        "Template error: Parameter 'P' MaxValue must be on a parameter of type Number"),
    ({"Type": "String", "MaxLength": "x"},
        "Template format error: MaxLength of parameter 'P' must be a number."),
    ({"Type": "String", "Default": "x" * 4097},
        "Template format error: Parameter 'P' default value '[****]' length is greater than 4096."),
    ({"Type": "String", "Default": "{{resolve:ssm:name}}"},
        "Parameters: [P] should not contain ssm versionless resolver"),
]  # fmt: skip

MAPPINGS = [
    ({"M": "x"}, "Every Mappings member M must be a map"),
    ({"M": {"k": "x"}}, "Every Mappings member k must be a map"),
    ({"M": {"k": {"a": {"b": 1}}}}, "Every Mappings attribute must be a String or a List."),
    ({"M": {"k": {"a": [{"b": 1}]}}}, "Every Mappings attribute must be a String or a List."),
    ({"M-1": {"k": {"a": 1}}}, "Mappings name M-1 is non alphanumeric."),
    ({"M": {f"k{number}": {} for number in range(201)}},
        "Number of attributes of mapping M, 201, is greater than maximum allowed, 200"),
]  # fmt: skip

CONDITIONS = [
    ({"C": "x"}, "Template format error: Conditions can only be boolean operations on parameters and other conditions"),
    ({"C": {"Ref": "A"}},
        "Template format error: Conditions can only be boolean operations on parameters and other conditions"),
    ({"C": {"Fn::Equals": ["x"]}}, "Template error: every Fn::Equals object requires a list of 2 string parameters."),
    ({"C": {"Fn::Equals": [{"Ref": "A"}, "x"]}},
        ("Template format error: Unresolved dependencies [A]. Cannot reference resources in the Conditions block of "
        "the template")),
    ({"C": {"Fn::Equals": [{"Fn::GetAtt": "A.Arn"}, {"Fn::Sub": "${B.Arn}${Q}"}]}},
        ("Template format error: Unresolved dependencies [Q, A, B]. Cannot reference resources in the Conditions block "
        "of the template")),
    ({"C": {"Fn::Not": [{"Condition": "D"}]}},
        "Template format error: Unresolved condition dependencies [D] in the Conditions block of the template"),
    ({"C": {"Condition": "D"}, "D": {"Fn::Not": [{"Condition": "E"}]}, "E": {"Condition": "C"}},
        "Template error: Found circular condition dependency between C and E"),
    ({"C": {"Condition": "C"}}, "Template error: Found circular condition dependency between C and C"),
    ({"C": {"Fn::Not": [{"Fn::Equals": ["a", "b"]}] * 2}},
        "Template error: every Fn::Not object requires a list of 1 boolean parameter."),
    ({"C": {"Fn::And": [{"Fn::Equals": ["a", "b"]}]}},
        "Template error: every Fn::And object requires a list of at least 2 and at most 10 boolean parameters."),
    ({"C": {"Fn::Or": [{"Fn::Equals": ["a", "b"]}] * 11}},
        "Template error: every Fn::Or object requires a list of at least 2 and at most 10 boolean parameters."),
    ({"C": {"Condition": ["D"]}}, "Template error: All Conditions must be of type string"),
    ({"C": {"Fn::Equals": [{"Fn::ImportValue": "x"}, "x"]}},
        "Template error: Cannot use Fn::ImportValue in Conditions."),
    ({"C": {"Fn::Equals": [{"Fn::FindInMap": ["M", "k", "a"]}, "x"]}},
        "Template error: Mapping named 'M' is not present in the 'Mappings' section of template."),
]  # fmt: skip

RESOURCES = [
    ({"Resources": "", "Outputs": ""}, "Template format error: Any Resources member must be an object."),
    (resources(A="x"), "Template format error: [/Resources/A] resource definition is malformed"),
    (resources(A={}), "Template format error: [/Resources/A] Every Resources object must contain a Type member."),
    (resources(A={"Properties": {}}),
        "Template format error: [/Resources/A] Every Resources object must contain a Type member."),
    (resources(A={"Type": ["x"]}), "Template format error: Every Type member must be a string."),
    (resources(A=resource(Foo=1)), "Invalid template resource property 'Foo'"),
    (resources(A=resource(Version="1.0")), "Invalid template resource property 'Version'"),
    ({"Resources": {"A-1": resource()}}, "Template format error: Resource name A-1 is non alphanumeric."),
    ({"Resources": {"A" * 256: resource()}},
        f"Template format error: Resource name {'A' * 32}... may not exceed 255 characters."),
    (resources(A={"Type": "T", "Properties": ["x"]}),
        "Template format error: [/Resources/A/Properties] Every Properties member must be a map."),
    (resources(A=resource(Metadata="x")), "Template format error: Every Metadata member must be a map."),
    (resources(A=resource(DependsOn={"a": 1})),
        "Template format error: DependsOn must be a string or list of strings."),
    (resources(A=resource(DependsOn=["B", 1])), "Template format error: Every DependsOn value must be a string."),
    (resources(A=resource(DependsOn="B")),
        "Template format error: Unresolved resource dependencies [B] in the Resources block of the template"),
    (resources(A=resource(Condition="C")), "Template format error: Condition C is not defined."),
    (resources(A=resource(Condition=["C"])), "Template format error: Every Condition member must be a string."),
    (resources(A=resource(DeletionPolicy="Keep")),
        "Template format error: Unrecognized DeletionPolicy Keep for resource A"),
    (resources(A=resource(UpdateReplacePolicy="RetainExceptOnCreate")),
        "Template format error: Unrecognized UpdateReplacePolicy RetainExceptOnCreate for resource A"),
    (resources(A=resource(DeletionPolicy=["Retain"])),
        "Template format error: Every DeletionPolicy member must be a string."),
    (resources(A=resource(DeletionPolicy={"Ref": "P"}), ),
        "Template format error: Every DeletionPolicy member must be a string."),
    (resources(A=resource(DeletionPolicy="Snapshot")),
        "Template error: resource type AWS::SQS::Queue does not support deletion policy Snapshot"),
    (template(Parameters={"A": {"Type": "String"}}),
        "Template error: all resources and parameters must have unique names. Common name(s):[A]"),
    (resources(A=resource({"Ref": "B"}), C=resource({"Fn::Sub": "${D}${AWS::Region}"})),
        "Template format error: Unresolved resource dependencies [B, D] in the Resources block of the template"),
    (resources(A=resource({"Fn::Sub": "${AWS::Regoin}"})),
        "Template format error: Unresolved resource dependencies [AWS::Regoin] in the Resources block of the template"),
    (resources(A=resource({"Fn::GetAtt": ["B", "Arn"]})),
        "Template error: instance of Fn::GetAtt references undefined resource B"),
    (resources(A=resource({"Fn::Sub": "${B.Arn}"})),
        "Template error: instance of Fn::Sub references invalid resource attribute B.Arn"),
    (resources(A=resource({"Fn::If": ["C", 1, 2]})),
        "Template error: unresolved condition dependency C in Fn::If"),
    (resources(A=resource({"Fn::FindInMap": ["M", "k", "a"]})),
        "Template error: Mapping named 'M' is not present in the 'Mappings' section of template."),
    (template({"Fn::FindInMap": ["M", "k", "b"]}, Mappings={"M": {"k": {"a": 1}}}),
        "Template error: Unable to get mapping for M::k::b"),
    (template({"Ref": "B"}, {"Fn::GetAtt": "C.Arn"}, {"Fn::Sub": "${A}"}, {"Ref": "A"}),
        "Circular dependency between resources: [A, B, C]"),
    (resources(A=resource({"Ref": "A"})), "Circular dependency between resources: [A]"),
    (resources(A=resource(DependsOn="B"), B=resource(DependsOn=["A"])),
        "Circular dependency between resources: [A, B]"),
    (resources(A={"Type": "T", "Properties": {"a": [1, {"b": None}]}}),
        "[/Resources/A/Type/a/1/b] 'null' values are not allowed in templates"),
    (resources(A={"Type": "T", "Properties": None}),
        "[/Resources/A/Properties] 'null' values are not allowed in templates"),
    (template(Foo=1, Bar=2), "Invalid template property or properties [Foo, Bar]"),
    # As recorded by LocalStack.
    (template(Outputs={"O": {"Value": None}}), "[/Outputs/O/Value] 'null' values are not allowed in templates"),
    (template(Outputs=None), "[/Outputs] 'null' values are not allowed in templates"),
]  # fmt: skip

OUTPUTS = [
    ({}, "Template format error: Every Outputs member must contain a Value object"),
    ({"Value": [1]},
        "Template format error: The Value field of every Outputs member must evaluate to a String."),
    ({"Value": {"a": 1}}, ("Template format error: The Value field of every Outputs member must evaluate to a String "
        "and not a Map.")),
    ({"Value": 1, "Foo": 1}, "Invalid template output property 'Foo'"),
    ({"Value": 1, "Condition": "C"}, "Template format error: Condition C is not defined."),
    ({"Value": {"Ref": "B"}},
        "Template format error: Unresolved resource dependencies [B] in the Outputs block of the template"),
    ({"Value": {"Fn::GetAtt": ["B", "x"]}}, "Template error: instance of Fn::GetAtt references undefined resource B"),
    ({"Value": 1, "Export": "x"}, ("Template format error: Output O is malformed. The Export field of every Outputs "
        "member must be a Map.")),
    ({"Value": 1, "Export": {}}, ("Template format error: Output O is malformed. The Name field of every Export member "
        "must be specified and consist only of alphanumeric characters, colons, or hyphens.")),
    ({"Value": 1, "Export": {"Name": "a_b"}}, ("Template format error: Output O is malformed. The Name field of every "
        "Export member must be specified and consist only of alphanumeric characters, colons, or hyphens.")),
    ({"Value": 1, "Export": {"Name": "a" * 257}}, ("Template format error: Output O is malformed. The Name field of "
        "every Export member must not be longer than 256 characters.")),
    ({"Value": 1, "Export": {"Name": {"Ref": "A"}}}, ("Template format error: Output O is malformed.  The Name field "
        "of Export must not depend on any resources, imported values, or Fn::GetAZs.")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("document", "message"),
    [(document, FORMAT + message) for document, message in SECTIONS]
    + [(template(Parameters={"P": item}), message) for item, message in PARAMETERS]
    + [(template(Mappings=item), FORMAT + message) for item, message in MAPPINGS]
    + [(template(Conditions=item), message) for item, message in CONDITIONS]
    + RESOURCES
    + [(template(Outputs={"O": item}), message) for item, message in OUTPUTS]
    + [
        (
            template(Outputs={name: {"Value": 1, "Export": {"Name": "x"}} for name in "OP"}),
            FORMAT
            + "The Outputs section contains duplicate Export names: [x]. Specify a unique name for each export.",
        ),
        (template(Outputs={"O-1": {"Value": 1}}), FORMAT + "Outputs name O-1 is non alphanumeric."),
        (template(Outputs={"O": "x"}), FORMAT + "Any Outputs member must be a JSON object."),
        (template(Transform={"Parameters": {}}), "Key Name of transform definition must be a string."),
    ],
)
def test_the_words_of_a_refusal(document: dict[str, Any], message: str) -> None:
    assert refused(document) == message


def test_everything_of_a_template_is_read() -> None:
    document = parse("""
AWSTemplateFormatVersion: 2010-09-09
Description: All of it
Metadata: {a: 1}
Parameters:
  Size: {Type: Number, Default: 3, MinValue: 1, MaxValue: 9, Description: How many, NoEcho: true}
  Names:
    Type: CommaDelimitedList
    AllowedValues: [1, true, x]
    AllowedPattern: "[a-z]+"
    ConstraintDescription: letters
    MinLength: "1"
    MaxLength: 5
Mappings: {M: {k: {a: 1, b: [x, y]}}}
Conditions: {Big: !Equals [!Ref Size, 9]}
Rules:
  R:
    RuleCondition: !Equals [!Ref Size, 1]
    Assertions:
      - {Assert: !Contains [[a], a], AssertDescription: It has to}
      - Assert: !Not [!Equals [a, b]]
Resources:
  A:
    Type: AWS::SQS::Queue
    Condition: Big
    DependsOn: [B, B]
    DeletionPolicy: RetainExceptOnCreate
    UpdateReplacePolicy: Retain
    UpdatePolicy: {x: 1}
    CreationPolicy: {y: 1}
    Metadata: {z: 1}
    Description: said to readers of the template
    Properties: {P: !If [Big, !Ref B, !FindInMap [M, k, !Ref Size]]}
  B: {Type: Custom::Thing, Version: 1.0}
Outputs:
  O: {Value: !Ref A, Condition: Big, Description: An output, Export: {Name: !Sub "${AWS::StackName}-o"}}
  P: {Value: 1, Export: {Name: 12}}
""").document
    found = Template.read(document)
    assert (found.description, found.metadata, found.transforms) == ("All of it", {"a": 1}, [])
    assert found.document is document
    size, names = found.parameters["Size"], found.parameters["Names"]
    assert (size.type, size.default, size.min_value, size.max_value) == ("Number", "3", 1, 9)
    assert (size.description, size.no_echo, size.is_list, size.is_ssm) == ("How many", True, False, False)
    assert (names.allowed_values, names.allowed_pattern) == (("1", "true", "x"), "[a-z]+")
    assert (names.min_length, names.max_length, names.is_list) == (1, 5, True)
    assert found.mappings["M"]["k"]["b"] == ["x", "y"]
    assert list(found.conditions) == ["Big"]
    rule = found.rules["R"]
    assert rule.condition == {"Fn::Equals": [{"Ref": "Size"}, 1]}
    assert rule.assertions == (
        ({"Fn::Contains": [["a"], "a"]}, "It has to"),
        ({"Fn::Not": [{"Fn::Equals": ["a", "b"]}]}, ""),
    )
    a = found.resources["A"]
    assert (a.logical_id, a.type, a.condition, a.depends_on) == ("A", "AWS::SQS::Queue", "Big", ("B",))
    assert (a.deletion_policy, a.update_replace_policy) == ("RetainExceptOnCreate", "Retain")
    assert (a.update_policy, a.creation_policy, a.metadata) == ({"x": 1}, {"y": 1}, {"z": 1})
    assert a.properties["P"]["Fn::If"][1] == {"Ref": "B"}
    assert (found.resources["B"].properties, found.resources["B"].deletion_policy) == ({}, None)
    o, p = found.outputs["O"], found.outputs["P"]
    assert (o.value, o.condition, o.description) == ({"Ref": "A"}, "Big", "An output")
    assert o.export_name == {"Fn::Sub": "${AWS::StackName}-o"}
    assert (p.value, p.export_name, p.condition, p.description) == (1, "12", None, None)


def test_circles_that_conditions_may_open_are_no_error_yet() -> None:
    found = read(
        {"Fn::If": ["C", {"Ref": "B"}, "x"]},
        {"Fn::If": ["C", "x", {"Ref": "A"}]},
        Conditions={"C": {"Fn::Equals": ["a", "b"]}},
    )
    assert list(found.resources) == ["A", "B"]


@pytest.mark.parametrize(
    ("declared", "names"),
    [
        ("AWS::Serverless-2016-10-31", ["AWS::Serverless-2016-10-31"]),
        (["A", "B"], ["A", "B"]),
        ([["A", {"Name": "AWS::Include", "Parameters": {"Location": "s3://b/k"}}], "C"], ["A", "AWS::Include", "C"]),
    ],
)  # fmt: skip
def test_what_transforms_may_change_is_not_refused_before(declared: Any, names: list[str]) -> None:
    document = {
        "Transform": declared,
        "Globals": {"Function": {"Timeout": 3}},
        "Parameters": {"P": {"Type": "String", "Default": 1}},
        "Resources": {
            "A": {
                "Type": "AWS::Serverless::Function",
                "Properties": {"P": {"Ref": "Made"}},
                "Connectors": {},
            },
            "Fn::ForEach::X": ["I", ["a"], {"B${I}": {"Type": "T"}}],
            "Fn::Transform": {"Name": "M"},
            "B": {"Properties": {"x": None}},
        },
        "Outputs": {"O": {"Value": {"Ref": "Made"}}, "Fn::ForEach::Y": ["I", ["a"], {}]},
    }
    found = Template.read(document)
    assert found.transforms == names
    assert list(found.parameters) == ["P"]
    assert {name: one.type for name, one in found.resources.items()}["A"] == "AWS::Serverless::Function"
    assert found.outputs["O"].value == {"Ref": "Made"}


def test_a_transform_within_counts_as_one() -> None:
    found = read({"Fn::Transform": {"Name": "AWS::Include", "Parameters": {}}}, {"Ref": "Unknown"})
    assert list(found.resources) == ["A", "B"]


def test_parameters_are_checked_even_before_transforms() -> None:
    document = template(Transform="M", Parameters={"P": {"Type": "Text"}})
    assert refused(document) == "Template format error: Unrecognized parameter type: Text"


def test_long_chains_and_large_circles_take_no_time() -> None:
    chain = {f"A{number}": resource({"Ref": f"A{number + 1}"}) for number in range(499)}
    chain["A499"] = resource()
    conditions: dict[str, Any] = {f"C{number}": {"Condition": f"C{number + 1}"} for number in range(999)}
    conditions["C999"] = {"Fn::Equals": ["a", "a"]}
    started = time.perf_counter()
    Template.read({"Conditions": conditions, "Resources": chain})
    chain["A499"] = resource({"Ref": "A0"})
    assert refused({"Resources": chain}).count("A") == 500
    conditions["C999"] = {"Condition": "C0"}
    assert refused({"Conditions": conditions, "Resources": {"A": resource()}}).endswith("between C0 and C999")
    assert time.perf_counter() - started < 0.5
