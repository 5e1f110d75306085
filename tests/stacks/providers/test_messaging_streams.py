"""AWS::Kinesis::* and AWS::StepFunctions::*: made, changed, removed, also twice, and read for drift."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from lambent.stacks.errors import ResourceFailure

if TYPE_CHECKING:
    from tests.stacks.providers.conftest import World

STREAM = "AWS::Kinesis::Stream"
MACHINE = "AWS::StepFunctions::StateMachine"
VERSION = "AWS::StepFunctions::StateMachineVersion"
ALIAS = "AWS::StepFunctions::StateMachineAlias"
ROLE = "arn:aws:iam::000000000000:role/any"


def test_a_stream_is_made_changed_and_removed(world: World) -> None:
    stream = world.resource(STREAM, "Clicks", team="a").create(
        ShardCount=2,
        RetentionPeriodHours=48,
        StreamEncryption={"EncryptionType": "KMS", "KeyId": "alias/aws/kinesis"},
        DesiredShardLevelMetrics=["IncomingBytes", "IncomingRecords"],
        Tags=[{"Key": "kind", "Value": "x"}],
    )
    stream.again()
    assert stream.drift() == []
    assert stream.id.startswith("shop-Clicks-")
    assert stream.attributes == {"Arn": f"arn:aws:kinesis:us-east-1:000000000000:stream/{stream.id}"}
    live = stream.read()
    assert live is not None
    assert {tag["Key"] for tag in live.pop("Tags")} == {"team", "kind"}
    assert live | {key: value for key, value in stream.properties.items() if key != "Tags"} == live
    stream.update_twice(ShardCount=3, DesiredShardLevelMetrics=["OutgoingBytes"])
    assert stream.drift() == []
    live = stream.read()
    assert live == {
        "Name": stream.id,
        "ShardCount": 3,
        "RetentionPeriodHours": 24,
        "StreamModeDetails": {"StreamMode": "PROVISIONED"},
        "DesiredShardLevelMetrics": ["OutgoingBytes"],
        "Tags": [{"Key": "team", "Value": "a"}],
    }
    for _ in range(2):  # all of them, and all of them still
        stream.update_twice(ShardCount=3, DesiredShardLevelMetrics=["ALL"])
        assert len((stream.read() or {})["DesiredShardLevelMetrics"]) == 7
    with pytest.raises(ResourceFailure, match="already exists"):
        world.resource(STREAM).create(Name=stream.id)
    stream.update_twice(StreamModeDetails={"StreamMode": "ON_DEMAND"})
    assert stream.drift() == []
    live = stream.read()
    assert live is not None
    assert live["StreamModeDetails"] == {"StreamMode": "ON_DEMAND"}
    stream.delete_twice()
    assert stream.read() is None


def test_a_consumer_and_a_policy(world: World) -> None:
    stream = world.resource(STREAM).create(StreamModeDetails={"StreamMode": "ON_DEMAND"})
    consumer = world.resource("AWS::Kinesis::StreamConsumer").create(
        ConsumerName="reader", StreamARN=stream.attributes["Arn"]
    )
    consumer.again()
    assert consumer.drift() == []
    assert consumer.id == consumer.attributes["ConsumerARN"]
    assert (consumer.attributes["ConsumerName"], consumer.attributes["ConsumerStatus"]) == (
        "reader",
        "ACTIVE",
    )
    assert consumer.read() == consumer.properties
    document = {"Version": "2012-10-17", "Statement": []}
    policy = world.resource("AWS::Kinesis::ResourcePolicy").create(
        ResourceArn=stream.attributes["Arn"], ResourcePolicy=document
    )
    policy.again()
    assert policy.drift() == []
    policy.update_twice(ResourceArn=stream.attributes["Arn"], ResourcePolicy=document | {"Id": "x"})
    assert policy.drift() == []
    assert policy.read() == policy.properties
    policy.delete_twice()
    assert policy.read() is None
    consumer.delete_twice()
    assert consumer.read() is None
    stream.delete()


def definition(state: str) -> dict[str, Any]:
    return {"StartAt": state, "States": {state: {"Type": "Pass", "Result": "${what}", "End": True}}}


def test_a_state_machine_is_made_changed_and_removed(world: World) -> None:
    machine = world.resource(MACHINE, "Flow", team="a").create(
        DefinitionString=json.dumps(definition("One")),
        DefinitionSubstitutions={"what": "it"},
        RoleArn=ROLE,
        TracingConfiguration={"Enabled": True},
        Tags=[{"Key": "kind", "Value": "x"}],
    )
    machine.again()
    assert machine.drift() == []
    name = machine.attributes["Name"]
    assert name.startswith("shop-Flow-")
    assert (
        machine.id
        == machine.attributes["Arn"]
        == f"arn:aws:states:us-east-1:000000000000:stateMachine:{name}"
    )
    live = machine.read()
    assert live is not None
    assert live["Definition"]["States"]["One"]["Result"] == "it"
    assert live["TracingConfiguration"] == {"Enabled": True}
    assert {tag["Key"] for tag in live["Tags"]} == {"team", "kind"}
    machine.update_twice(Definition=definition("Two"), RoleArn=ROLE)
    assert machine.drift() == []
    live = machine.read()
    assert live is not None
    assert live["Definition"] == definition("Two")
    assert live["Tags"] == [{"Key": "team", "Value": "a"}]
    with pytest.raises(ResourceFailure, match="already exists"):
        world.resource(MACHINE).create(StateMachineName=name, Definition=definition("One"), RoleArn=ROLE)
    with pytest.raises(ResourceFailure, match="One of Definition, DefinitionString"):
        world.resource(MACHINE).create(RoleArn=ROLE)

    world.ask("s3", "CreateBucket", Bucket="definitions")
    text = b"StartAt: Three\nStates:\n  Three:\n    Type: Succeed\n    Comment: ${what}\n"
    world.ask("s3", "PutObject", Bucket="definitions", Key="d.yaml", Body=text)
    machine.update_twice(
        DefinitionS3Location={"Bucket": "definitions", "Key": "d.yaml"},
        DefinitionSubstitutions={"what": 3},
        RoleArn=ROLE,
    )
    assert machine.drift() == []
    live = machine.read()
    assert live is not None
    assert live["Definition"]["States"] == {"Three": {"Type": "Succeed", "Comment": "3"}}
    machine.delete_twice()
    assert machine.read() is None


def test_versions_and_an_alias(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = world.resource(MACHINE).create(Definition=definition("One"), RoleArn=ROLE)
    first = world.resource(VERSION, "First").create(StateMachineArn=machine.id, Description="d").again()
    assert first.drift() == []
    assert first.id == f"{machine.id}:1"
    machine.update(Definition=definition("Two"), RoleArn=ROLE)
    second = world.resource(VERSION, "Second").create(StateMachineArn=machine.id).again()
    assert second.drift() == []
    assert second.id == f"{machine.id}:2"
    found = first.read()
    assert found == {"StateMachineArn": machine.id, "Description": "d"}

    alias = world.resource(ALIAS).create(
        Name="live", RoutingConfiguration=[{"StateMachineVersionArn": first.id, "Weight": 100}]
    )
    alias.again()
    assert alias.drift() == []
    assert alias.id == alias.attributes["Arn"] == f"{machine.id}:live"
    both = [
        {"StateMachineVersionArn": first.id, "Weight": 90},
        {"StateMachineVersionArn": second.id, "Weight": 10},
    ]
    alias.update_twice(Name="live", Description="b", RoutingConfiguration=both)
    assert alias.drift() == []
    assert alias.read() == alias.properties
    alias.update_twice(
        Name="live", DeploymentPreference={"Type": "ALL_AT_ONCE", "StateMachineVersionArn": second.id}
    )
    assert alias.drift() == []
    live = alias.read()
    assert live is not None
    assert live["RoutingConfiguration"] == [{"StateMachineVersionArn": second.id, "Weight": 100}]

    # Little by little, by the minutes of the platform's setting; an alarm brings it back.
    monkeypatch.setattr(world.catalogue.parts["deployments"], "minute_s", 0.01)
    alarm = world.resource("AWS::CloudWatch::Alarm").create(
        Namespace="n",
        MetricName="m",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    linear = {
        "Type": "LINEAR",
        "StateMachineVersionArn": first.id,
        "Percentage": 50,
        "Interval": 1,
        "Alarms": [alarm.attributes["Arn"]],
    }
    for state, routed in (("ALARM", second.id), ("OK", first.id)):
        world.ask("cloudwatch", "SetAlarmState", AlarmName=alarm.id, StateValue=state, StateReason="test")
        if state == "ALARM":
            with pytest.raises(ResourceFailure, match=f"Alarms in ALARM state: {alarm.id}"):
                alias.update(Name="live", DeploymentPreference=linear)
        else:
            alias.update(Name="live", DeploymentPreference=linear)
        live = alias.read()
        assert live is not None
        assert live["RoutingConfiguration"] == [{"StateMachineVersionArn": routed, "Weight": 100}]
    alarm.delete()
    alias.delete_twice()
    assert alias.read() is None
    first.delete_twice()
    assert first.read() is None
    machine.delete()


def test_an_activity(world: World) -> None:
    activity = world.resource("AWS::StepFunctions::Activity", team="a").create(Name="work").again()
    assert activity.drift() == []
    assert activity.attributes == {
        "Arn": "arn:aws:states:us-east-1:000000000000:activity:work",
        "Name": "work",
    }
    assert activity.read() == {"Name": "work", "Tags": [{"Key": "team", "Value": "a"}]}
    with pytest.raises(ResourceFailure, match="already exists"):
        world.resource("AWS::StepFunctions::Activity").create(Name="work")
    activity.update_twice(Name="work", Tags=[{"Key": "x", "Value": "y"}])
    assert activity.drift() == []
    activity.delete_twice()
    assert activity.read() is None
