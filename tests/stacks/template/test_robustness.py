"""Templates that something is wrong with somewhere, and large ones."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import json
import random
import time
from typing import TYPE_CHECKING, Any

import pytest
from tests.stacks.template.conftest import ACCOUNT, PSEUDO, REGION

from lambent.stacks.errors import ValidationError
from lambent.stacks.template import (
    ResourceValues,
    Scope,
    Template,
    TemplateError,
    capabilities_needed,
    check_export_name,
    check_secure_references,
    expand_extensions,
    graph,
    parameter_values,
    parse,
    resolve_dynamic,
    summary,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lambent.neighbours.service_calls import ServiceCall

TEXT = """
AWSTemplateFormatVersion: "2010-09-09"
Parameters:
  P: {Type: String, Default: x, AllowedPattern: "[a-z]+", AllowedValues: [x, y], MinLength: 1}
  N: {Type: Number, Default: 3, MinValue: 1, MaxValue: 10}
  L: {Type: CommaDelimitedList, Default: "a,b"}
  S: {Type: "AWS::SSM::Parameter::Value<String>", Default: /x}
  V: {Type: "AWS::EC2::VPC::Id", Default: v}
Mappings: {M: {k: {a: 1, l: [x, y]}}}
Conditions:
  C: !Equals [!Ref P, x]
  D: !And [!Condition C, !Not [!Equals [!FindInMap [M, k, a], 2]]]
Rules:
  R:
    RuleCondition: !Equals [!Ref P, x]
    Assertions:
      - {Assert: !Contains [[x, y], !Ref P], AssertDescription: z}
      - Assert: !Not [!Equals [!ValueOf [V, Tags.x], !Ref V]]
      - Assert: !Contains [!RefAll "AWS::EC2::VPC::Id", !Ref V]
Resources:
  A:
    Type: AWS::SQS::Queue
    Condition: D
    DependsOn: [Later]
    DeletionPolicy: Retain
    Metadata: {z: !Ref P}
    Properties:
      P: !If [C, !Ref Later, !FindInMap [M, k, !Ref P]]
      Q: !Sub ["${q}-${P}-${Later.B}", {q: !Ref N}]
      R: !Join ["-", [a, !Ref P, !GetAtt Later.B]]
      S: !Select [0, !Split [",", "a,b"]]
      T: !Base64 {"Fn::Sub": "${P}"}
      U: !Cidr [10.0.0.0/16, 2, 8]
      W: !GetAZs ""
      X: "{{resolve:ssm:a:1}}"
  Later: {Type: AWS::IAM::Role, Properties: {RoleName: !Ref P}}
  E: {Type: Custom::Thing, Properties: {V: !ImportValue {"Fn::Sub": "${P}-x"}}}
Outputs:
  O: {Value: !GetAtt Later.B, Condition: C, Description: dd, Export: {Name: !Sub "${P}-o"}}
"""

STRANGE: list[Any] = [
    None, True, 0, -1, 1.5, "", "x", "a.b", 10**400, [], {}, [[]], ["a", "b"], {"a": 1}, {"Ref": []},
    {"Ref": {"Ref": "P"}}, {"Ref": "AWS::NoValue"}, {"Ref": "A"}, {"Fn::If": [["C"], 1, 2]}, {"Condition": ["C"]},
    {"Fn::GetAtt": [["A"], "x"]}, {"Fn::Sub": ["${q}", {"q": {"Ref": "L"}}]}, {"Fn::Equals": [["a"], {"b": 1}]},
    {"Fn::FindInMap": [{"Ref": "L"}, "k", "a"]}, {"Fn::FindInMap": ["M", {"Ref": "AWS::NoValue"}, "a"]},
    {"Fn::Join": [{"Ref": "L"}, ["a"]]}, {"Fn::Select": [{"Ref": "L"}, ["a"]]}, {"Fn::Split": ["", "a"]},
    {"Fn::Cidr": ["10.0.0.0/8", "x"]}, {"Fn::GetAZs": {"Ref": "L"}}, {"Fn::ImportValue": {"Ref": "L"}},
    {"Fn::Base64": {"Ref": "L"}}, {"Fn::GetStackOutput": {"StackName": [], "OutputName": 1}},
    {"Fn::ForEach::X": [["V", "W"], {"a": {"b": 1}}, {"K${V}": 1}]}, {"Fn::ForEach::X": ["V", [["a"]], {"K${V}": 1}]},
    {"Fn::Length": {"Ref": "L"}}, {"Fn::ToJsonString": [{"Fn::If": [["C"], 1, 2]}]}, {"Fn::RefAll": ["x"]},
    {"Fn::ValueOf": [["x"], "y"]}, {"Fn::ValueOfAll": [["x"], "y"]}, {"Fn::Contains": ["a", {"b": 1}]},
    "{{resolve:secretsmanager:a:x}}", "{{resolve:ssm-secure:a}}",
]  # fmt: skip


async def ask(call: ServiceCall) -> dict[str, Any]:
    """Everything there is."""
    return {"Vpcs": [{"VpcId": "v"}], "Parameter": {"Value": "x", "Type": "String"}, "SecretString": "{}"}


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    for step, item in (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    ):
        yield from paths(item, (*path, step))


def spoilt(document: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    document = copy.deepcopy(document)
    for _ in range(chance.choice((1, 1, 2))):
        *way, last = chance.choice(list(paths(document)))
        here: Any = document
        for step in way:
            here = here[step]
        if chance.random() < 0.1:
            del here[last]
        elif isinstance(here, dict) and chance.random() < 0.1:
            here["Fn::Sub"] = copy.deepcopy(chance.choice(STRANGE))
        else:
            here[last] = copy.deepcopy(chance.choice(STRANGE))
    return document


async def everything(document: dict[str, Any]) -> None:
    """All that is done with a template."""
    template = Template.read(document)
    summary(template)
    values = await parameter_values(template, {}, {}, ask, ACCOUNT, REGION)
    values.described()
    if template.transforms:
        document = {name: section for name, section in document.items() if name != "Transform"}
        template = Template.read(expand_extensions(document, values.values, PSEUDO))
    scope = Scope(
        template,
        values.values,
        PSEUDO,
        resources={"Later": ResourceValues("r", {"B": 1})}.get,
        imports=lambda name: name,
    )
    capabilities_needed(template, scope)
    graph(template, scope)
    resolved = [
        (template.resources[name].type, scope.resolve(template.resources[name].properties))
        for name in scope.active
    ]
    check_secure_references(resolved)
    for output in template.outputs.values():
        scope.resolve(output.value)
        check_export_name(output.name, str(scope.resolve(output.export_name)))
    await resolve_dynamic([properties for _, properties in resolved], ask, ACCOUNT, REGION, secure=True)


@pytest.mark.parametrize("transform", [None, "AWS::LanguageExtensions"])
def test_whatever_is_wrong_is_a_validation_error(transform: str | None) -> None:
    document = parse(TEXT).document | ({"Transform": transform} if transform else {})
    chance = random.Random(7)  # noqa: S311 (the same every time)

    async def run() -> int:
        await everything(document)
        refused = 0
        for _ in range(250):
            try:
                await everything(spoilt(document, chance))
            except ValidationError:
                refused += 1
        return refused

    assert 100 < asyncio.run(run()) < 250


def test_whatever_text_it_is_is_a_template_error() -> None:
    texts = TEXT, json.dumps(parse(TEXT).document, indent=1)
    chance = random.Random(7)  # noqa: S311 (the same every time)
    for _ in range(400):
        text = list(chance.choice(texts))
        for _ in range(chance.choice((1, 2, 5))):
            place = chance.randrange(len(text))
            text[place : place + chance.randrange(2)] = chance.choice(
                "\t\n :-[]{}!&*#|>'\"%@`,?0aA\\\0\ud800\u2028\x85<."
            )
        with contextlib.suppress(TemplateError):
            parse("".join(text)).place(("Resources", "A", "Properties", "Q", "Fn::Sub", 1, "q"))


def large(resources: int) -> str:
    """A function, its role, queue and alarm over and over, as people write them."""
    part = """
  Role{0}:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: "2012-10-17"
        Statement:
          - Effect: Allow
            Principal: {{Service: lambda.amazonaws.com}}
            Action: sts:AssumeRole
      ManagedPolicyArns:
        - !Sub arn:${{AWS::Partition}}:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole
  Function{0}:
    Type: AWS::Lambda::Function
    Condition: Always
    Properties:
      FunctionName: !Sub "${{AWS::StackName}}-${{Stage}}-{0}"
      Handler: index.handler
      Runtime: !FindInMap [Runtimes, !Ref Stage, name]
      Role: !GetAtt Role{0}.Arn
      MemorySize: 256
      Code: {{ZipFile: "def handler(event, context): return event"}}
      Environment:
        Variables:
          QUEUE: !Ref Queue{0}
          DEBUG: !If [Never, "1", !Ref AWS::NoValue]
      Tags:
        - {{Key: Stage, Value: !Ref Stage}}
  Queue{0}:
    Type: AWS::SQS::Queue
    Properties: {{QueueName: !Join ["-", [!Ref Stage, queue, "{0}"]], VisibilityTimeout: 30}}
  Mapping{0}:
    Type: AWS::Lambda::EventSourceMapping
    DependsOn: Role{0}
    Properties:
      EventSourceArn: !GetAtt Queue{0}.Arn
      FunctionName: !Ref Function{0}
  Alarm{0}:
    Type: AWS::CloudWatch::Alarm
    Properties:
      AlarmName: !Sub ["${{name}}-errors", {{name: !Ref Function{0}}}]
      Dimensions: [{{Name: FunctionName, Value: !Ref Function{0}}}]
      Threshold: 1
"""
    return """
Parameters: {Stage: {Type: String, Default: test}}
Mappings: {Runtimes: {test: {name: python3.13}}}
Conditions:
  Always: !Equals [!Ref Stage, test]
  Never: !Not [!Condition Always]
Resources:
""" + "".join(part.format(number) for number in range(resources // 5))


@pytest.mark.parametrize("form", ["YAML", "JSON"])
def test_500_resources_take_a_fraction_of_a_second(form: str) -> None:
    text = large(500)
    if form == "JSON":
        text = json.dumps(parse(text).document)
    started = time.process_time()
    template = Template.read(parse(text).document)
    scope = Scope(
        template,
        {"Stage": "test"},
        PSEUDO,
        resources=lambda name: ResourceValues(name, {"Arn": f"arn:{name}"}),
    )
    needs = graph(template, scope)
    resolved = {name: scope.resolve(template.resources[name].properties) for name in scope.active}
    took = time.process_time() - started
    assert len(resolved) == 500
    assert needs["Alarm99"] == {"Function99"}
    assert resolved["Function7"]["Role"] == "arn:Role7"
    assert took < 0.3
