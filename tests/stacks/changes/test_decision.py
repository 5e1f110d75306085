"""What an update does with a resource, by its schema."""

from __future__ import annotations

from typing import Any

import pytest

from lambent.stacks.changes import Kind, decide
from lambent.stacks.schemas import schema_of


@pytest.mark.parametrize(
    ("type_name", "old", "new", "kind", "changed", "replacing"),
    [
        ("AWS::SQS::Queue", {"DelaySeconds": 1}, {"DelaySeconds": 1}, Kind.NOTHING, [], []),
        ("AWS::SQS::Queue", {"DelaySeconds": 1}, {"DelaySeconds": "1"}, Kind.NOTHING, [], []),
        ("AWS::SQS::Queue", {"DelaySeconds": 1}, {"DelaySeconds": 2}, Kind.IN_PLACE, ["DelaySeconds"], []),
        (
            "AWS::SQS::Queue",
            {"QueueName": "a"},
            {"QueueName": "b"},
            Kind.REPLACE,
            ["QueueName"],
            ["QueueName"],
        ),
        ("AWS::SQS::Queue", {"QueueName": "a"}, {}, Kind.REPLACE, ["QueueName"], ["QueueName"]),
        (
            "AWS::SQS::Queue",
            {"QueueName": "a", "Tags": [{"Key": "k", "Value": "1"}]},
            {"QueueName": "b", "Tags": [{"Key": "k", "Value": "2"}]},
            Kind.REPLACE,
            ["QueueName", "Tags.0.Value"],
            ["QueueName"],
        ),
        (
            "AWS::Lambda::Function",
            {"Environment": {"Variables": {"A": "1", "B": "1"}}},
            {"Environment": {"Variables": {"A": "1", "C": "1"}}},
            Kind.IN_PLACE,
            ["Environment.Variables.B", "Environment.Variables.C"],
            [],
        ),
        # What replaces may be within what is added.
        (
            "AWS::EC2::VPCEndpoint",
            {},
            {"DnsOptions": {"DnsRecordIpType": "ipv4", "PrivateDnsPreference": "ALL_DOMAINS"}},
            Kind.REPLACE,
            ["DnsOptions"],
            ["DnsOptions"],
        ),
        (
            "AWS::Pipes::Pipe",
            {},
            {"SourceParameters": {"KinesisStreamParameters": {"StartingPosition": "LATEST"}}},
            Kind.REPLACE,
            ["SourceParameters"],
            ["SourceParameters"],
        ),
        (
            "AWS::Pipes::Pipe",
            {},
            {"SourceParameters": {"KinesisStreamParameters": {"BatchSize": 1}}},
            Kind.IN_PLACE,
            ["SourceParameters"],
            [],
        ),
        # Replaces conditionally: its provider finds out.
        (
            "AWS::DynamoDB::Table",
            {"KeySchema": [{"AttributeName": "a", "KeyType": "HASH"}]},
            {"KeySchema": [{"AttributeName": "b", "KeyType": "HASH"}]},
            Kind.IN_PLACE,
            ["KeySchema.0.AttributeName"],
            [],
        ),
        # A function that is somebody's says itself whether it has made another.
        (
            "Custom::Thing",
            {"ServiceToken": "a", "N": 1},
            {"ServiceToken": "a", "N": 2},
            Kind.IN_PLACE,
            ["N"],
            [],
        ),
        ("Some::Unknown::Type", {"A": [1, 2]}, {"A": [1]}, Kind.IN_PLACE, ["A.1"], []),
    ],
)
def test_decide(
    type_name: str,
    old: dict[str, Any],
    new: dict[str, Any],
    kind: Kind,
    changed: list[str],
    replacing: list[str],
) -> None:
    decision = decide(schema_of(type_name), old, new)
    assert decision.kind is kind
    assert [".".join(path) for path in decision.changed] == changed
    assert [".".join(path) for path in decision.replacing] == replacing
