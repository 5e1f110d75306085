"""AWS::Logs::* against a running platform."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lambent.neighbours.service_calls import ServiceFailure
from lambent.stacks.errors import ResourceFailure

if TYPE_CHECKING:
    from tests.stacks.providers.conftest import World

GRANT: dict[str, Any] = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "es.amazonaws.com"}, "Action": "logs:*", "Resource": "*"}
    ],
}


def test_log_groups(world: World) -> None:
    group = world.resource("AWS::Logs::LogGroup", "Audit", team="blue")
    group.create(RetentionInDays=7, Tags=[{"Key": "own", "Value": "1"}])
    group.again()
    group.lost()
    assert group.id.startswith("shop-Audit-")
    assert group.attributes == {"Arn": f"arn:aws:logs:us-east-1:000000000000:log-group:{group.id}:*"}
    live = group.read()
    assert live is not None
    tags = {tag["Key"]: tag["Value"] for tag in live.pop("Tags")}
    assert (tags["own"], tags["team"], tags["aws:cloudformation:logical-id"]) == ("1", "blue", "Audit")
    assert live == {"LogGroupName": group.id, "LogGroupClass": "STANDARD", "RetentionInDays": 7}
    made = group.made
    assert group.adopt(LogGroupName=group.id).made == made

    group.update_twice(RetentionInDays=30, Tags=[{"Key": "other", "Value": "2"}])
    live = group.read()
    assert live is not None
    assert live["RetentionInDays"] == 30
    assert "own" not in {tag["Key"] for tag in live["Tags"]}
    group.update()
    live = group.read()
    assert live is not None
    assert "RetentionInDays" not in live

    stream = world.resource("AWS::Logs::LogStream", "Stream").create(LogGroupName=group.id)
    stream.again()
    stream.lost()
    assert stream.read() == {"LogGroupName": group.id, "LogStreamName": stream.id}
    made = stream.made
    assert stream.adopt(LogGroupName=group.id, LogStreamName=stream.id).made == made
    stream.delete_twice()
    assert stream.read() is None
    group.delete_twice()
    assert group.read() is None
    assert stream.read() is None
    stream.delete()


def test_a_group_of_somebody_else_is_not_taken(world: World) -> None:
    world.ask("logs", "CreateLogGroup", logGroupName="lambda-theirs")
    group = world.resource("AWS::Logs::LogGroup", "Mine")
    for again in (False, True):
        with pytest.raises(ServiceFailure, match="The specified log group already exists"):
            group.create(LogGroupName="lambda-theirs", again=again)
    world.ask("logs", "DeleteLogGroup", logGroupName="lambda-theirs")


def test_what_log_groups_do_not_have_here(world: World) -> None:
    with pytest.raises(ResourceFailure, match="The property DataProtectionPolicy is not served"):
        world.resource("AWS::Logs::LogGroup").create(DataProtectionPolicy={"Name": "p"})


def test_resource_policies(world: World) -> None:
    policy = world.resource("AWS::Logs::ResourcePolicy", "Grant")
    policy.create(PolicyName="lambda-grant", PolicyDocument=GRANT)
    policy.again()
    policy.lost()
    assert policy.read() == policy.properties
    made = policy.made
    assert policy.adopt(PolicyName="lambda-grant").made == made
    with pytest.raises(ResourceFailure, match="already exists"):
        world.resource("AWS::Logs::ResourcePolicy").create(PolicyName="lambda-grant", PolicyDocument="{}")
    policy.update_twice(PolicyName="lambda-grant", PolicyDocument='{"Version": "2012-10-17"}')
    assert policy.read() == policy.properties
    policy.delete_twice()
    assert policy.read() is None


def test_subscription_filters(world: World) -> None:
    group = world.resource("AWS::Logs::LogGroup", "Subscribed").create()
    target = world.resource("AWS::Logs::LogGroup", "Target").create()
    role = "arn:aws:iam::000000000000:role/logs"
    world.ask("kinesis", "CreateStream", StreamName="subscribed", ShardCount=1)
    stream = "arn:aws:kinesis:us-east-1:000000000000:stream/subscribed"
    filtered = world.resource("AWS::Logs::SubscriptionFilter", "Errors")
    wanted: dict[str, Any] = {"LogGroupName": group.id, "DestinationArn": stream, "RoleArn": role}
    filtered.create(FilterPattern="ERROR", **wanted)
    filtered.again()
    filtered.lost()
    assert filtered.id.startswith("shop-Errors-")
    live = filtered.read()
    assert live == {
        **wanted,
        "FilterName": filtered.id,
        "FilterPattern": "ERROR",
        "Distribution": "ByLogStream",
    }
    made = filtered.made
    assert filtered.adopt(FilterName=filtered.id, LogGroupName=group.id).made == made
    filtered.update_twice(FilterPattern="", **wanted)
    live = filtered.read()
    assert live is not None
    assert live["FilterPattern"] == ""

    with pytest.raises(ResourceFailure, match="already exists"):
        world.resource("AWS::Logs::SubscriptionFilter").create(
            FilterPattern="", FilterName=filtered.id, **wanted
        )
    with pytest.raises(ResourceFailure, match="was not found"):
        filtered.adopt(FilterName="none", LogGroupName=target.id)
    filtered.adopt(FilterName=filtered.id, LogGroupName=group.id)
    with pytest.raises(ResourceFailure, match="EmitSystemFields"):
        world.resource("AWS::Logs::SubscriptionFilter").create(
            FilterPattern="", EmitSystemFields=["@aws.region"], **wanted
        )
    filtered.delete_twice()
    assert filtered.read() is None
    group.delete()
    assert filtered.read() is None
