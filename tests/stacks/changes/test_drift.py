"""Drift: what differs between expected and live properties.

The function's and the table's rows are as AWS has told them: LocalStack's test_drift_detection.snapshot.json, and
AWS's CloudFormation workshop (drift detection).
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from lambent.stacks.changes import drift, drifted
from lambent.stacks.schemas import schema_of

PROVISIONED = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}


@pytest.mark.parametrize(
    ("type_name", "expected", "live", "differences"),
    [
        (
            "AWS::Lambda::Function",
            {
                "Code": {"S3Bucket": "b", "S3Key": "k"},
                "Description": "function to test lambda function url",
                "Environment": {"Variables": {"ENDPOINT_URL": "aws.amazon.com"}},
                "Handler": "index.handler",
                "Runtime": "python3.9",
            },
            {
                "Architectures": ["x86_64"],
                "Description": "different description",
                "Environment": {"Variables": {"ENDPOINT_URL": "localhost.localstack.cloud"}},
                "Handler": "index.handler",
                "MemorySize": 128,
                "Runtime": "python3.8",
            },
            [
                (
                    "NOT_EQUAL",
                    "/Description",
                    "function to test lambda function url",
                    "different description",
                ),
                (
                    "NOT_EQUAL",
                    "/Environment/Variables/ENDPOINT_URL",
                    "aws.amazon.com",
                    "localhost.localstack.cloud",
                ),
                ("NOT_EQUAL", "/Runtime", "python3.9", "python3.8"),
            ],
        ),
        (
            "AWS::DynamoDB::Table",
            {"BillingMode": "PROVISIONED", "ProvisionedThroughput": PROVISIONED},
            {"BillingMode": "PAY_PER_REQUEST"},
            [
                ("NOT_EQUAL", "/BillingMode", "PROVISIONED", "PAY_PER_REQUEST"),
                (
                    "REMOVE",
                    "/ProvisionedThroughput",
                    '{"ReadCapacityUnits":1,"WriteCapacityUnits":1}',
                    "null",
                ),
            ],
        ),
        # Variables are all the user's; Environment would have what Lambda adds.
        (
            "AWS::Lambda::Function",
            {"Environment": {"Variables": {"A": "1"}}},
            {"Environment": {"Variables": {"A": "1", "B": "2"}}},
            [("ADD", "/Environment/Variables/B", "null", "2")],
        ),
        # Tags mean the same in any order, CloudFormation's own are not drift.
        (
            "AWS::SQS::Queue",
            {"Tags": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}]},
            {
                "Tags": [
                    {"Key": "aws:cloudformation:stack-name", "Value": "s"},
                    {"Key": "b", "Value": "2"},
                    {"Key": "a", "Value": "1"},
                ]
            },
            [],
        ),
        (
            "AWS::SQS::Queue",
            {"Tags": [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}, {"Key": "c", "Value": "3"}]},
            {"Tags": [{"Key": "b", "Value": "x"}, {"Key": "c", "Value": "3"}, {"Key": "d", "Value": "4"}]},
            [
                ("NOT_EQUAL", "/Tags/1/Value", "2", "x"),
                ("REMOVE", "/Tags/0", '{"Key":"a","Value":"1"}', "null"),
                ("ADD", "/Tags/2", "null", '{"Key":"d","Value":"4"}'),
            ],
        ),
        # Order counts.
        (
            "AWS::DynamoDB::Table",
            {
                "KeySchema": [
                    {"AttributeName": "a", "KeyType": "HASH"},
                    {"AttributeName": "b", "KeyType": "RANGE"},
                ]
            },
            {"KeySchema": [{"AttributeName": "a", "KeyType": "HASH"}]},
            [("REMOVE", "/KeySchema/1", '{"AttributeName":"b","KeyType":"RANGE"}', "null")],
        ),
        # Documents as text, and a list of one as what is in it.
        (
            "AWS::IAM::Role",
            {"AssumeRolePolicyDocument": {"Statement": [{"Action": ["sts:AssumeRole"], "Effect": "Allow"}]}},
            {"AssumeRolePolicyDocument": '{"Statement":[{"Effect":"Allow","Action":"sts:AssumeRole"}]}'},
            [],
        ),
        # Empty and not there are one, numbers and texts too.
        ("AWS::SQS::Queue", {"DelaySeconds": "5", "Tags": []}, {"DelaySeconds": 5}, []),
        # Secrets are not compared.
        (
            "AWS::Lambda::Function",
            {"Environment": {"Variables": {"A": "{{resolve:ssm:name}}", "B": "1"}}},
            {"Environment": {"Variables": {"B": "2"}}},
            [("NOT_EQUAL", "/Environment/Variables/B", "1", "2")],
        ),
        ("Some::Unknown::Type", {"A": [1, 2]}, {"A": [2, 1], "B": 1}, []),
    ],
)
def test_differences(
    type_name: str, expected: dict[str, Any], live: dict[str, Any], differences: list[tuple[str, ...]]
) -> None:
    found = drift(schema_of(type_name), expected, live)
    names = ("DifferenceType", "PropertyPath", "ExpectedValue", "ActualValue")
    assert [tuple(difference[name] for name in names) for difference in found] == differences


def test_what_is_compared_is_told() -> None:
    found = drifted(
        schema_of("AWS::SQS::Queue"),
        {"VisibilityTimeout": 45, "Tags": [{"Key": "team", "Value": "a"}]},
        {
            "VisibilityTimeout": 99,
            "MaximumMessageSize": 262144,
            "Tags": [{"Key": "env", "Value": "test"}, {"Key": "team", "Value": "a"}],
        },
        {"env": "test"},
    )
    # The stack's tags are its resources'.
    assert [difference["PropertyPath"] for difference in found.differences] == ["/VisibilityTimeout"]
    assert json.loads(found.expected) == {
        "VisibilityTimeout": 45,
        "Tags": [{"Key": "team", "Value": "a"}, {"Key": "env", "Value": "test"}],
    }
    assert json.loads(found.actual)["VisibilityTimeout"] == 99
    assert "MaximumMessageSize" not in found.actual


def test_what_is_passed_over_is_not_told() -> None:
    secret = {"Key": "a", "Value": "{{resolve:secretsmanager:s}}"}
    found = drifted(
        schema_of("AWS::SQS::Queue"),
        {"Tags": [secret, {"Key": "b", "Value": "c"}]},
        {"Tags": [{"Key": "a", "Value": "secret"}, {"Key": "b", "Value": "d"}, {"Key": "e", "Value": "f"}]},
    )
    assert json.loads(found.expected) == {"Tags": [{"Key": "a"}, {"Key": "b", "Value": "c"}]}
    assert json.loads(found.actual) == {"Tags": [{"Key": "a"}, {"Key": "b", "Value": "d"}]}
    assert "secret" not in json.dumps(found)
