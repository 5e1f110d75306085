"""AWS::Events::* and AWS::Scheduler::*: made, changed, removed, also twice, and read for drift."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lambent.neighbours.service_calls import ServiceFailure
from lambent.stacks.errors import ReplacementNeeded, ResourceFailure

if TYPE_CHECKING:
    from tests.stacks.providers.conftest import World

RULE = "AWS::Events::Rule"
BUS = "AWS::Events::EventBus"
QUEUE = "arn:aws:sqs:us-east-1:000000000000:orders"
ROLE = "arn:aws:iam::000000000000:role/any"
PREFIX = "arn:aws:events:us-east-1:000000000000"

TARGETS: dict[str, dict[str, Any]] = {
    "queue": {
        "Arn": QUEUE + ".fifo",
        "SqsParameters": {"MessageGroupId": "g"},
        "DeadLetterConfig": {"Arn": QUEUE},
        "RetryPolicy": {"MaximumRetryAttempts": 3, "MaximumEventAgeInSeconds": 60},
    },
    "function": {
        "Arn": "arn:aws:lambda:us-east-1:000000000000:function:f",
        "InputTransformer": {"InputPathsMap": {"a": "$.detail.a"}, "InputTemplate": '"is <a>"'},
    },
    "stream": {
        "Arn": "arn:aws:kinesis:us-east-1:000000000000:stream/s",
        "RoleArn": ROLE,
        "KinesisParameters": {"PartitionKeyPath": "$.id"},
    },
    "task": {
        "Arn": "arn:aws:ecs:us-east-1:000000000000:cluster/c",
        "RoleArn": ROLE,
        "EcsParameters": {
            "TaskDefinitionArn": "arn:aws:ecs:us-east-1:000000000000:task-definition/t",
            "NetworkConfiguration": {"AwsVpcConfiguration": {"Subnets": ["subnet-1"]}},
            "PlacementStrategies": [{"Type": "spread", "Field": "host"}],
            "TagList": [{"Key": "a", "Value": "b"}],
        },
    },
    "api": {
        "Arn": "arn:aws:execute-api:us-east-1:000000000000:abc/prod/GET/x",
        "HttpParameters": {"HeaderParameters": {"h": "v"}, "PathParameterValues": ["x"]},
    },
}


def targets(*names: str) -> list[dict[str, Any]]:
    return [{"Id": name, **TARGETS[name]} for name in names]


def test_a_rule_is_made_changed_and_removed(world: World) -> None:
    pattern = {"source": ["shop"], "detail": {"n": [{"numeric": [">", 1]}]}}
    rule = world.resource(RULE, "OnOrder", team="a").create(
        EventPattern=pattern,
        Description="all",
        Targets=targets(*TARGETS),
        Tags=[{"Key": "kind", "Value": "x"}],
    )
    rule.again()
    assert rule.drift() == []
    assert rule.id.startswith("shop-OnOrder-")
    assert rule.attributes["Arn"] == f"{PREFIX}:rule/{rule.id}"
    live = rule.read()
    assert live is not None
    assert {target["Id"]: target for target in live.pop("Targets")} == {
        target["Id"]: target for target in targets(*TARGETS)
    }
    assert {tag["Key"] for tag in live.pop("Tags")} == {"team", "kind"}
    assert live == {
        "Name": rule.id, "EventBusName": "default", "Description": "all", "EventPattern": pattern, "State": "ENABLED",
    }  # fmt: skip
    tags = world.ask("events", "ListTagsForResource", ResourceARN=rule.attributes["Arn"])["Tags"]
    assert {"Key": "aws:cloudformation:logical-id", "Value": "OnOrder"} in tags

    fewer = [{"Id": "queue", "Arn": QUEUE, "Input": "{}"}, *targets("function")]
    rule.update_twice(ScheduleExpression="rate(5 minutes)", State="DISABLED", Targets=fewer)
    assert rule.drift() == []
    live = rule.read()
    assert live is not None
    assert {target["Id"]: target for target in live.pop("Targets")} == {one["Id"]: one for one in fewer}
    assert live == {
        "Name": rule.id, "EventBusName": "default", "ScheduleExpression": "rate(5 minutes)", "State": "DISABLED",
        "Tags": [{"Key": "team", "Value": "a"}],
    }  # fmt: skip
    world.ask("events", "PutTargets", Rule=rule.id, Targets=[{"Id": "another", "Arn": QUEUE}])
    rule.delete_twice()
    assert rule.read() is None


def test_a_rule_of_a_bus(world: World) -> None:
    bus = (
        world.resource(BUS, "Bus")
        .create(Name="orders", Description="d", Tags=[{"Key": "a", "Value": "b"}])
        .again()
    )
    assert bus.drift() == []
    assert bus.id == "orders"
    assert bus.attributes == {"Arn": f"{PREFIX}:event-bus/orders", "Name": "orders", "Description": "d"}
    rule = world.resource(RULE).create(
        Name="all", EventBusName=bus.attributes["Arn"], EventPattern='{"source":["a"]}'
    )
    assert rule.id == "orders|all"
    assert rule.attributes == {"Arn": f"{PREFIX}:rule/orders/all", "RuleName": "all"}
    live = rule.read()
    assert live is not None
    assert live["EventPattern"] == {"source": ["a"]}
    with pytest.raises(ResourceFailure, match="'AWS::Events::Rule' with identifier 'all' already exists"):
        world.resource(RULE).create(Name="all", EventBusName="orders", EventPattern={"source": ["b"]})
    with pytest.raises(ReplacementNeeded):
        rule.update(Name="all", EventPattern={"source": ["a"]})
    assert world.resource(RULE).adopt(Arn=rule.attributes["Arn"]).id == rule.id
    with pytest.raises(ServiceFailure):
        bus.delete()
    rule.delete_twice()
    policy = {"Version": "2012-10-17", "Statement": [{
        "Sid": "s", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111111111111:root"},
        "Action": "events:PutEvents", "Resource": bus.attributes["Arn"],
    }]}  # fmt: skip
    bus.update_twice(Name="orders", Policy=policy, DeadLetterConfig={"Arn": QUEUE})
    assert bus.drift() == []
    assert bus.read() == bus.properties
    bus.update_twice(Name="orders")
    assert bus.drift() == []
    assert bus.read() == {"Name": "orders"}
    bus.delete_twice()
    assert bus.read() is None


def test_statements_of_a_policy(world: World) -> None:
    bus = world.resource(BUS).create(Name="shared")
    kind = "AWS::Events::EventBusPolicy"
    statement = {
        "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111111111111:root"},
        "Action": "events:PutEvents", "Resource": bus.attributes["Arn"],
    }  # fmt: skip
    first = world.resource(kind).create(EventBusName="shared", StatementId="one", Statement=statement).again()
    assert first.drift() == []
    second = world.resource(kind).create(
        EventBusName="shared", StatementId="two", Action="events:PutEvents", Principal="222222222222"
    )
    second.again()
    assert second.drift() == []
    assert first.id == "shared|one"
    changed = {**statement, "Principal": {"AWS": "arn:aws:iam::333333333333:root"}}
    first.update_twice(EventBusName="shared", StatementId="one", Statement=changed)
    assert first.drift() == []
    found = first.read()
    assert found is not None
    assert found["Statement"] == changed
    assert second.read() is not None
    first.delete_twice()
    second.delete_twice()
    assert bus.read() == bus.properties
    bus.delete()


def test_a_schedule_and_its_group(world: World) -> None:
    group = world.resource("AWS::Scheduler::ScheduleGroup", "Group", team="a").create().again()
    assert group.drift() == []
    assert group.attributes["Arn"].endswith(f":schedule-group/{group.id}")
    assert group.attributes["State"] == "ACTIVE"
    assert group.attributes["CreationDate"].endswith("Z")
    group.update(Tags=[{"Key": "x", "Value": "y"}])
    live = group.read()
    assert live is not None
    assert {tag["Key"] for tag in live["Tags"]} == {"team", "x"}

    schedule = world.resource("AWS::Scheduler::Schedule", "Nightly").create(
        GroupName=group.id,
        ScheduleExpression="cron(0 3 * * ? *)",
        ScheduleExpressionTimezone="Europe/Berlin",
        FlexibleTimeWindow={"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 5.0},
        StartDate="2030-01-01T00:00:00Z",
        Target={"Arn": QUEUE, "RoleArn": ROLE, "Input": "{}", "RetryPolicy": {"MaximumRetryAttempts": 2.0}},
    )
    schedule.again()
    assert schedule.drift() == []
    assert schedule.id.startswith("shop-Nightly-")
    assert schedule.attributes["Arn"].endswith(f":schedule/{group.id}/{schedule.id}")
    live = schedule.read()
    assert live is not None
    assert live["FlexibleTimeWindow"] == {"Mode": "FLEXIBLE", "MaximumWindowInMinutes": 5}
    assert live["StartDate"] == "2030-01-01T00:00:00Z"
    assert live["Target"]["RetryPolicy"]["MaximumRetryAttempts"] == 2
    changed: dict[str, Any] = {
        "GroupName": group.id,
        "ScheduleExpression": "rate(1 day)",
        "State": "DISABLED",
        "FlexibleTimeWindow": {"Mode": "OFF"},
        "Target": {"Arn": QUEUE, "RoleArn": ROLE, "SqsParameters": {"MessageGroupId": "g"}},
    }
    schedule.update_twice(**changed)
    assert schedule.drift() == []
    live = schedule.read()
    assert live is not None
    assert live | changed == live | {"Target": changed["Target"]}
    with pytest.raises(ReplacementNeeded):
        schedule.update(**{**changed, "GroupName": "default"})
    with pytest.raises(ResourceFailure, match="already exists"):
        world.resource("AWS::Scheduler::Schedule").create(**changed, Name=schedule.id)
    schedule.delete_twice()
    assert schedule.read() is None
    group.delete_twice()
    assert group.read() is None


def test_a_pipe(world: World) -> None:
    stream = "arn:aws:kinesis:us-east-1:000000000000:stream/s"
    cluster = "arn:aws:ecs:us-east-1:000000000000:cluster/c"
    started = {"KinesisStreamParameters": {"StartingPosition": "LATEST", "BatchSize": 5}}
    task = {
        "TaskDefinitionArn": "arn:aws:ecs:us-east-1:000000000000:task-definition/t",
        "Overrides": {"ContainerOverrides": [{"Name": "c", "Environment": [{"Name": "a", "Value": "b"}]}]},
    }
    pipe = world.resource("AWS::Pipes::Pipe", "Pipe", team="a").create(
        Source=stream,
        SourceParameters=started,
        Target=cluster,
        TargetParameters={"EcsTaskParameters": task},
        RoleArn=ROLE,
        Tags={"kind": "x"},
    )
    pipe.again()
    assert pipe.drift() == []
    assert pipe.id.startswith("shop-Pipe-")
    assert pipe.attributes["Arn"] == f"arn:aws:pipes:us-east-1:000000000000:pipe/{pipe.id}"
    assert pipe.attributes["CurrentState"] == "RUNNING"
    live = pipe.read()
    assert live is not None
    assert live["Tags"] == {"team": "a", "kind": "x"}
    pipe.update_twice(
        Source=stream,
        SourceParameters=started,
        Target=QUEUE,
        RoleArn=ROLE,
        Description="d",
        DesiredState="STOPPED",
    )
    assert pipe.drift() == []
    live = pipe.read()
    assert live is not None
    assert (live["Target"], live["Description"], live["Tags"]) == (QUEUE, "d", {"team": "a"})
    with pytest.raises(ResourceFailure, match="already exists"):
        world.resource("AWS::Pipes::Pipe").create(Name=pipe.id, Source=stream, Target=QUEUE, RoleArn=ROLE)
    pipe.delete_twice()
    assert pipe.read() is None
