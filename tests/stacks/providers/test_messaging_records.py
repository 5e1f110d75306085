"""What is only kept here: scaling, rules of IoT, delivery streams. Made, changed, removed, also twice, and read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lambent.stacks.errors import ResourceFailure

if TYPE_CHECKING:
    from tests.stacks.providers.conftest import World

TARGET = "AWS::ApplicationAutoScaling::ScalableTarget"
POLICY = "AWS::ApplicationAutoScaling::ScalingPolicy"
RULE = "AWS::IoT::TopicRule"
STREAM = "AWS::KinesisFirehose::DeliveryStream"
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f"
ROLE = "arn:aws:iam::000000000000:role/any"


def test_scaling(world: World) -> None:
    place = {
        "ResourceId": "function:f:live",
        "ScalableDimension": "lambda:function:ProvisionedConcurrency",
        "ServiceNamespace": "lambda",
    }
    action = {
        "ScheduledActionName": "up",
        "Schedule": "rate(1 day)",
        "ScalableTargetAction": {"MinCapacity": 2, "MaxCapacity": 4},
    }
    least: dict[str, Any] = {**place, "MinCapacity": 1, "MaxCapacity": 5, "RoleARN": ROLE}
    target = world.resource(TARGET, "Target").create(**least, ScheduledActions=[action]).again()
    assert (
        target.id
        == target.attributes["Id"]
        == "function:f:live|lambda:function:ProvisionedConcurrency|lambda"
    )
    assert target.drift() == []

    def actions() -> list[str]:
        found = world.ask("application-autoscaling", "DescribeScheduledActions", ServiceNamespace="lambda")
        return [one["ScheduledActionName"] for one in found["ScheduledActions"]]

    assert actions() == ["up"]
    target.update_twice(**{**least, "MaxCapacity": 7})
    assert target.drift() == []
    assert actions() == []
    with pytest.raises(ResourceFailure, match="already exists"):
        world.resource(TARGET).create(**least)

    def tracking(value: int) -> dict[str, Any]:
        metric = {"PredefinedMetricType": "LambdaProvisionedConcurrencyUtilization"}
        return {"TargetValue": value, "PredefinedMetricSpecification": metric}

    policy = world.resource(POLICY).create(
        PolicyName="p",
        PolicyType="TargetTrackingScaling",
        ScalingTargetId=target.id,
        TargetTrackingScalingPolicyConfiguration=tracking(70),
    )
    policy.again()
    assert policy.id == policy.attributes["Arn"]
    assert policy.id.startswith("arn:aws:autoscaling:us-east-1:000000000000:scalingPolicy:")
    policy.update_twice(
        **{**policy.properties, "TargetTrackingScalingPolicyConfiguration": tracking(50)},
    )
    assert policy.drift() == []
    policy.delete_twice()
    assert policy.read() is None
    target.delete_twice()
    assert target.read() is None
    with pytest.raises(ResourceFailure, match="ScalingTargetId, or ResourceId"):
        world.resource(POLICY).create(PolicyName="p", PolicyType="StepScaling")


def test_a_rule_of_iot(world: World) -> None:
    payload = {"Sql": "SELECT * FROM 'a'", "Actions": [{"Lambda": {"FunctionArn": FUNCTION}}]}
    rule = world.resource(RULE, "OnTopic").create(TopicRulePayload=payload).again()
    assert rule.id.startswith("shop_OnTopic_")
    assert rule.attributes == {"Arn": f"arn:aws:iot:us-east-1:000000000000:rule/{rule.id}"}
    assert rule.drift() == []
    rule.update_twice(TopicRulePayload={**payload, "RuleDisabled": True})
    rule.update(tags={**rule.tags, "team": "b"}, **rule.properties)
    assert rule.drift() == []
    with pytest.raises(ResourceFailure, match="already exists"):
        world.resource(RULE).create(RuleName=rule.id, TopicRulePayload=payload)
    rule.delete_twice()
    assert rule.read() is None


def test_a_delivery_stream(world: World) -> None:
    place = {"BucketARN": "arn:aws:s3:::logs", "RoleARN": ROLE}
    stream = world.resource(STREAM, "Logs", team="a").create(
        ExtendedS3DestinationConfiguration={**place, "Prefix": "a/"}, Tags=[{"Key": "kind", "Value": "x"}]
    )
    stream.again()
    assert stream.id.startswith("shop-Logs-")
    assert stream.attributes == {"Arn": f"arn:aws:firehose:us-east-1:000000000000:deliverystream/{stream.id}"}
    assert stream.drift() == []
    stream.update_twice(ExtendedS3DestinationConfiguration={**place, "Prefix": "b/"})
    assert stream.drift() == []
    found = world.ask("firehose", "DescribeDeliveryStream", DeliveryStreamName=stream.id)
    destination = found["DeliveryStreamDescription"]["Destinations"][0]
    assert destination["ExtendedS3DestinationDescription"]["Prefix"] == "b/"
    with pytest.raises(ResourceFailure, match="already exists"):
        world.resource(STREAM).create(DeliveryStreamName=stream.id, ExtendedS3DestinationConfiguration=place)
    stream.delete_twice()
    assert stream.read() is None
