"""AWS::SNS::*: made, changed, removed, also twice, and read for drift."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lambent.stacks.errors import ResourceFailure

if TYPE_CHECKING:
    from tests.stacks.providers.conftest import World

TOPIC = "AWS::SNS::Topic"
SUBSCRIPTION = "AWS::SNS::Subscription"
QUEUE = "arn:aws:sqs:us-east-1:000000000000:"


def test_a_topic_is_made_changed_and_removed(world: World) -> None:
    one, two, three = ({"Protocol": "sqs", "Endpoint": QUEUE + name} for name in ("one", "two", "three"))
    topic = world.resource(TOPIC, "News", team="a").create(
        DisplayName="news", Subscription=[one, two], Tags=[{"Key": "kind", "Value": "x"}]
    )
    topic.again()
    assert topic.drift() == []
    name = topic.attributes["TopicName"]
    assert name.startswith("shop-News-")
    assert topic.id == topic.attributes["TopicArn"] == f"arn:aws:sns:us-east-1:000000000000:{name}"
    live = topic.read()
    assert live is not None
    assert (live["DisplayName"], live["Subscription"]) == ("news", [one, two])
    assert {tag["Key"] for tag in live["Tags"]} == {"team", "kind"}
    tags = world.ask("sns", "ListTagsForResource", ResourceArn=topic.id)["Tags"]
    assert {"Key": "aws:cloudformation:stack-name", "Value": "shop"} in tags

    topic.update_twice(KmsMasterKeyId="alias/k", Subscription=[two, three])
    assert topic.drift() == []
    live = topic.read()
    assert live == {
        "TopicName": name,
        "KmsMasterKeyId": "alias/k",
        "Subscription": [two, three],
        "Tags": [{"Key": "team", "Value": "a"}],
    }
    topic.delete_twice()
    assert topic.read() is None


def test_a_fifo_topic_and_a_taken_name(world: World) -> None:
    topic = world.resource(TOPIC).create(FifoTopic=True, ContentBasedDeduplication=True, TopicName="t.fifo")
    live = topic.read()
    assert live is not None
    assert live["FifoTopic"] is live["ContentBasedDeduplication"] is True
    topic.update_twice(FifoTopic=True, TopicName="t.fifo")
    assert topic.drift() == []
    live = topic.read()
    assert live is not None
    assert live["ContentBasedDeduplication"] is False
    with pytest.raises(ResourceFailure, match=r"identifier 't\.fifo' already exists"):
        world.resource(TOPIC).create(FifoTopic=True, TopicName="t.fifo")
    assert world.resource(TOPIC).adopt(TopicArn=topic.id).attributes["TopicName"] == "t.fifo"
    topic.delete()
    assert world.resource(TOPIC).create(FifoTopic=True).id.endswith(".fifo")


def test_a_subscription(world: World) -> None:
    topic = world.resource(TOPIC).create()
    place: dict[str, Any] = {"TopicArn": topic.id, "Protocol": "sqs", "Endpoint": QUEUE + "inbox"}
    redrive = {"deadLetterTargetArn": QUEUE + "dead"}
    subscription = world.resource(SUBSCRIPTION).create(
        **place, FilterPolicy={"kind": ["a"]}, RawMessageDelivery=True, RedrivePolicy=redrive
    )
    subscription.again()
    assert subscription.drift() == []
    assert subscription.id == subscription.attributes["Arn"]
    assert subscription.id.startswith(topic.id + ":")
    live = subscription.read()
    assert live is not None
    assert live | subscription.properties == live
    nested = {"order": {"kind": ["a", {"prefix": "b"}]}}
    subscription.update_twice(**place, FilterPolicyScope="MessageBody", FilterPolicy=nested)
    assert subscription.drift() == []
    live = subscription.read()
    assert live is not None
    assert live["FilterPolicy"] == nested
    assert live["RawMessageDelivery"] is False
    assert "RedrivePolicy" not in live
    subscription.update_twice(**place)
    assert subscription.drift() == []
    live = subscription.read()
    assert live is not None
    assert "FilterPolicy" not in live
    subscription.delete_twice()
    assert subscription.read() is None
    with pytest.raises(ResourceFailure, match="Region is not served"):
        world.resource(SUBSCRIPTION).create(**place, Region="eu-west-1")
    topic.delete()


def test_policies(world: World) -> None:
    one, two = (world.resource(TOPIC, name).create().id for name in ("One", "Two"))
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": "*",
    }
    document = {"Version": "2012-10-17", "Statement": [statement]}
    policy = (
        world.resource("AWS::SNS::TopicPolicy", "Policy")
        .create(Topics=[one], PolicyDocument=document)
        .again()
    )
    assert policy.drift() == []
    assert policy.id.startswith("shop-Policy-")
    assert policy.read() == policy.properties
    policy.update_twice(Topics=[two], PolicyDocument=document | {"Id": "x"})
    assert policy.drift() == []
    assert policy.read() == policy.properties
    inline = world.resource("AWS::SNS::TopicInlinePolicy")
    with pytest.raises(ResourceFailure, match="Policy already exists"):
        inline.create(TopicArn=two, PolicyDocument=document)
    inline.create(TopicArn=one, PolicyDocument=document).again()
    inline.update_twice(TopicArn=one, PolicyDocument=document | {"Id": "y"})
    assert inline.drift() == []
    assert inline.read() == inline.properties
    inline.delete_twice()
    assert inline.read() is None
    policy.delete_twice()
    assert policy.read() is None
    world.ask("sns", "DeleteTopic", TopicArn=two)
    policy.delete()
