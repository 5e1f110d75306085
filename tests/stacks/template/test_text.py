"""The text of templates: what is read from it, what is refused, and where."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from lambent.stacks.errors import ValidationError
from lambent.stacks.template import TemplateError, parse


def value(text: str) -> Any:
    return parse(f"Key: {text}\n").document["Key"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1", 1), ("-3", -3), ("+3", 3), ("0", 0), ("1.5", 1.5), ("1.0e3", 1000.0), (".5", 0.5),
        ("0755", "0755"), ("012345678901", "012345678901"), ("0x1F", "0x1F"), ("0b1", "0b1"), ("1_000", "1_000"),
        ("12:30", "12:30"), ("1e5", "1e5"), (".inf", ".inf"), (".nan", ".nan"), ("1.0e999", "1.0e999"),
        ("true", True), ("Yes", True), ("ON", True), ("False", False), ("no", False), ("off", False),
        ("y", "y"), ("tRue", "tRue"), ("null", None), ("~", None), ("", None),
        ("2010-09-09", "2010-09-09"), ("2001-12-14T21:59:43Z", "2001-12-14T21:59:43Z"), ("=", "="),
        ("'1'", "1"), ('"true"', "true"), ('"\\u00e4\\n"', "ä\n"), ("!!str 1", "1"), ("!!int '1'", 1),
        ("|\n  a\n  b", "a\nb\n"), (">-\n  a\n  b", "a b"), ("[1, a, 'b']", [1, "a", "b"]), ("{a: 1}", {"a": 1}),
        ("<<", "<<"), ("{<<: {a: 1}}", {"<<": {"a": 1}}), ("{1: a, true: b, 2010-09-09: c, null: d}",
            {"1": "a", "true": "b", "2010-09-09": "c", "null": "d"}),
    ],
)  # fmt: skip
def test_scalars_are_what_cloudformation_takes_them_for(text: str, expected: Any) -> None:
    found = value(text)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("!Ref A", {"Ref": "A"}),
        ("!Condition C", {"Condition": "C"}),
        ("!GetAtt A.Arn", {"Fn::GetAtt": ["A", "Arn"]}),
        ("!GetAtt A.Outputs.Url", {"Fn::GetAtt": ["A", "Outputs.Url"]}),
        ("!GetAtt [A, Arn]", {"Fn::GetAtt": ["A", "Arn"]}),
        ("!GetAtt [A, !Ref B]", {"Fn::GetAtt": ["A", {"Ref": "B"}]}),
        ("!Sub '${A}-1'", {"Fn::Sub": "${A}-1"}),
        ("!Sub ['${a}', {a: !Ref A}]", {"Fn::Sub": ["${a}", {"a": {"Ref": "A"}}]}),
        ("!Base64\n  Fn::Sub: x", {"Fn::Base64": {"Fn::Sub": "x"}}),
        ("!Select [0, !GetAZs '']", {"Fn::Select": [0, {"Fn::GetAZs": ""}]}),
        ("!If [C, 1, !Ref AWS::NoValue]", {"Fn::If": ["C", 1, {"Ref": "AWS::NoValue"}]}),
        ("!Transform {Name: M, Parameters: {a: 1}}", {"Fn::Transform": {"Name": "M", "Parameters": {"a": 1}}}),
        ("!ToJsonString {a: !Length [1]}", {"Fn::ToJsonString": {"a": {"Fn::Length": [1]}}}),
        ("!ImportValue 1", {"Fn::ImportValue": "1"}),
    ]
    + [
        (f"!{name} [x]", {f"Fn::{name}": ["x"]})
        for name in (
            "And", "Cidr", "Contains", "EachMemberEquals", "EachMemberIn", "Equals", "FindInMap", "Join", "Not", "Or",
            "RefAll", "Split", "ValueOf", "ValueOfAll", "GetStackOutput",
        )
    ],
)  # fmt: skip
def test_short_forms_are_written_out(text: str, expected: Any) -> None:
    assert value(text) == expected


def test_yaml_and_json_give_the_same() -> None:
    document = {"Resources": {"A": {"Type": "T", "Properties": {"L": [1, 1.5, True, "x\n\u20ac"], "M": {}}}}}
    read = parse(json.dumps(document, indent=2))
    assert (read.document, read.format) == (document, "JSON")
    read = parse(
        "---\nResources:\n  A:\n    Type: T\n    Properties:\n"
        '      L: [1, 1.5, true, "x\\n\\u20ac"]\n      M: {}\n...\n'
    )
    assert (read.document, read.format) == (document, "YAML")
    assert parse("\ufeff{}").document == {}


def test_the_last_of_equal_keys_counts() -> None:
    assert parse('{"a": 1, "b": 2, "a": 3}').document == {"a": 3, "b": 2}
    assert parse("a: 1\nb: 2\na: 3\n").document == {"a": 3, "b": 2}


_DEEP = 10_000

REFUSED = [
    # LocalStack's test_validations has the first recorded from AWS.
    ('{"this is invalid JSON"}', "JSON not well-formed. (line 1, column 25)"),
    ("{", "JSON not well-formed. (line 1, column 3)"),
    ('{\n  "a": 1,\n}', "JSON not well-formed. (line 3, column 2)"),
    ('{"a": NaN}', "JSON not well-formed. (line 1, column 10)"),
    ('{"a": 1e999}', "JSON not well-formed. (line 1, column 12)"),
    ('{"a": "\\ud800"}', "JSON not well-formed. (line 1, column 8)"),
    ('{"a": "\ud800"}', "JSON not well-formed. (line 1, column 8)"),
    ('a: "\\ud800"', "YAML not well-formed. (line 1, column 7)"),
    ('{"a": 1} x', "JSON not well-formed. (line 1, column 11)"),
    ("a: [1", "YAML not well-formed. (line 2, column 1)"),
    ("a: 'x", "YAML not well-formed. (line 1, column 6)"),
    ("a: b: c", "YAML not well-formed. (line 1, column 5)"),
    ("a:\n\t- 1", "YAML not well-formed. (line 2, column 1)"),
    ("a: \x07", "YAML not well-formed. (line 1, column 4)"),
    ("a: 1\n---\na: 2\n", "YAML not well-formed. (line 2, column 1)"),
    ("a: !Reff B", "YAML not well-formed. (line 1, column 4)"),
    ("a:\n  - !!binary aGk=", "YAML not well-formed. (line 2, column 5)"),
    ("a: !!python/object/apply:os.system [ls]", "YAML not well-formed. (line 1, column 4)"),
    ("a: &x 1\nb: *x\n", "YAML aliases are not allowed in CloudFormation templates"),
    ("a: &x {b: 1}\nc:\n  <<: *x\n", "YAML aliases are not allowed in CloudFormation templates"),
    ("a: &a [x]\nb: &b [*a, *a]\nc: [*b, *b]", "YAML aliases are not allowed in CloudFormation templates"),
    ("a:\n  b:\n    [c]: 1", "[/a/b] map keys must be strings; received a list instead"),
    ("a:\n  - ? {b: 1}\n    : 2", "[/a/0] map keys must be strings; received a map instead"),
    ("!Ref a: 1", "[] map keys must be strings; received a map instead"),
    ("", "unsupported structure."),
    (" \n\t ", "unsupported structure."),
    ("# nothing", "unsupported structure."),
    ("[]", "unsupported structure."),
    ("just words", "unsupported structure."),
    ('"a text"', "unsupported structure."),
    ('{"a":' * _DEEP + "1" + "}" * _DEEP, "maps and lists are nested more than 100 levels deep. (line 1, column 501)"),
    ("[" * 500_000, "maps and lists are nested more than 100 levels deep. (line 1, column 101)"),
    ('{"a":' * 101 + "1" + "}" * 101, "maps and lists are nested more than 100 levels deep. (line 1, column 501)"),
    ("a: " + "[" * _DEEP, "maps and lists are nested more than 100 levels deep. (line 1, column 103)"),
    ("a:\n" + "".join(f"{' ' * level}a:\n" for level in range(1, 1_000)),
        "maps and lists are nested more than 100 levels deep. (line 101, column 101)"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "message"), REFUSED, ids=[text[:24] for text, _ in REFUSED])
def test_what_is_no_template_is_refused_with_its_place(text: str, message: str) -> None:
    started = time.perf_counter()
    with pytest.raises(TemplateError) as refused:
        parse(text)
    assert str(refused.value) == f"Template format error: {message}"
    assert isinstance(refused.value, ValidationError)
    assert time.perf_counter() - started < 1
    if "(line" in message:
        assert message.endswith(f"(line {refused.value.line}, column {refused.value.column})")


def test_aliases_have_a_place() -> None:
    with pytest.raises(TemplateError) as refused:
        parse("a: &x 1\nb:\n  - *x\n")
    assert (refused.value.line, refused.value.column) == (3, 5)


def test_a_hundred_levels_are_read() -> None:
    parse('{"a":' * 100 + "1" + "}" * 100)
    parse("a: " + "[" * 99 + "]" * 99)


def test_a_megabyte_is_read_and_no_more() -> None:
    assert len(parse("a: " + "x" * 999_997).document["a"]) == 999_997
    for text in ("a: " + "x" * 999_998, "a: " + "ä" * 499_999):
        with pytest.raises(TemplateError, match=r"^Template may not exceed 1000000 bytes in size"):
            parse(text)


YAML = """\
Resources:
  Queue:
    Type: AWS::SQS::Queue
    Properties:
      Name: !Sub
        - "${a}"
        - a: 1
      List:
        - x
        - {b: 2}
"""


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ((), (1, 1)),
        (("Resources",), (1, 1)),
        (("Resources", "Queue"), (2, 3)),
        (("Resources", "Queue", "Type"), (3, 5)),
        (("Resources", "Queue", "Properties", "Name"), (5, 7)),
        (("Resources", "Queue", "Properties", "Name", "Fn::Sub", 1), (7, 11)),
        (("Resources", "Queue", "Properties", "Name", "Fn::Sub", 1, "a"), (7, 11)),
        (("Resources", "Queue", "Properties", "List", 0), (9, 11)),
        (("Resources", "Queue", "Properties", "List", 1, "b"), (10, 12)),
        (("Resources", "Queue", "Properties", "Nothing", "There"), (4, 5)),
        (("Outputs",), (1, 1)),
    ],
)
def test_parts_are_found_where_they_stand(path: tuple[str | int, ...], place: tuple[int, int]) -> None:
    assert parse(YAML).place(path) == place


def test_parts_of_json_are_found_too() -> None:
    parsed = parse('{\n  "Resources": {\n    "A": {"Type": "T", "L": [1,\n 2]}}}')
    assert parsed.place(("Resources", "A")) == (3, 5)
    assert parsed.place(("Resources", "A", "Type")) == (3, 11)
    assert parsed.place(("Resources", "A", "L", 1)) == (4, 2)
