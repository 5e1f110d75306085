"""AWS::SQS::*: made, changed, removed, also twice, and read for drift."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from lambent.stacks.errors import ResourceFailure

if TYPE_CHECKING:
    from tests.stacks.providers.conftest import World

QUEUE = "AWS::SQS::Queue"


def attributes(world: World, url: str) -> dict[str, str]:
    found: dict[str, str] = world.ask("sqs", "GetQueueAttributes", QueueUrl=url, AttributeNames=["All"])[
        "Attributes"
    ]
    return found


def test_a_queue_is_made_changed_and_removed(world: World) -> None:
    queue = world.resource(QUEUE, "Orders", team="a").create(
        VisibilityTimeout=90,
        Tags=[{"Key": "kind", "Value": "x"}],
        RedriveAllowPolicy={"redrivePermission": "denyAll"},
    )
    queue.again()
    assert queue.drift() == []
    name = queue.attributes["QueueName"]
    assert (queue.attributes["VisibilityTimeout"], queue.attributes["DelaySeconds"]) == (90, 0)
    assert name.startswith("shop-Orders-")
    assert (
        queue.id
        == queue.attributes["QueueUrl"]
        == world.ask("sqs", "GetQueueUrl", QueueName=name)["QueueUrl"]
    )
    assert (
        queue.attributes["Arn"]
        == f"arn:aws:sqs:us-east-1:000000000000:{name}"
        == attributes(world, queue.id)["QueueArn"]
    )
    assert world.ask("sqs", "ListQueueTags", QueueUrl=queue.id)["Tags"] == {"team": "a", "kind": "x"}

    queue.update_twice(DelaySeconds=5, Tags=[{"Key": "other", "Value": "y"}])
    assert queue.drift() == []
    now = attributes(world, queue.id)
    assert (now["DelaySeconds"], now["VisibilityTimeout"]) == ("5", "30")
    assert "RedriveAllowPolicy" not in now
    assert world.ask("sqs", "ListQueueTags", QueueUrl=queue.id)["Tags"] == {"team": "a", "other": "y"}
    queue.update(tags={"team": "b"}, DelaySeconds=5)
    assert world.ask("sqs", "ListQueueTags", QueueUrl=queue.id)["Tags"] == {"team": "b"}

    world.ask("sqs", "SetQueueAttributes", QueueUrl=queue.id, Attributes={"DelaySeconds": "7"})
    assert [one["PropertyPath"] for one in queue.drift()] == ["/DelaySeconds"]

    queue.delete_twice()
    assert queue.read() is None


def test_a_fifo_queue_with_dead_letters(world: World) -> None:
    dead = world.resource(QUEUE, "Dead").create(FifoQueue=True)
    assert dead.attributes["QueueName"].endswith(".fifo")
    redrive = {"deadLetterTargetArn": dead.attributes["Arn"], "maxReceiveCount": 3}
    queue = world.resource(QUEUE, "Live").create(
        FifoQueue=True,
        ContentBasedDeduplication=True,
        DeduplicationScope="messageGroup",
        FifoThroughputLimit="perMessageGroupId",
        RedrivePolicy=redrive,
    )
    live = queue.read()
    assert live is not None
    assert live["RedrivePolicy"] == redrive
    assert live["ContentBasedDeduplication"] is True
    assert live["FifoQueue"] is True
    assert live["DelaySeconds"] == 0
    queue.update_twice(FifoQueue=True)
    assert queue.drift() == []
    assert "RedrivePolicy" not in attributes(world, queue.id)
    queue.delete()
    dead.delete()


def test_encryption_comes_and_goes(world: World) -> None:
    queue = world.resource(QUEUE).create(KmsMasterKeyId="alias/aws/sqs", KmsDataKeyReusePeriodSeconds=600)
    assert attributes(world, queue.id)["KmsDataKeyReusePeriodSeconds"] == "600"
    queue.update_twice(SqsManagedSseEnabled=False)
    assert queue.drift() == []
    now = attributes(world, queue.id)
    assert "KmsMasterKeyId" not in now
    assert now["SqsManagedSseEnabled"] == "false"
    queue.delete()


def test_a_name_that_is_taken(world: World) -> None:
    world.ask("sqs", "CreateQueue", QueueName="taken")
    with pytest.raises(
        ResourceFailure, match="'AWS::SQS::Queue' with identifier 'taken' already exists"
    ) as failed:
        world.resource(QUEUE).create(QueueName="taken")
    assert failed.value.code == "AlreadyExists"
    url = world.ask("sqs", "GetQueueUrl", QueueName="taken")["QueueUrl"]
    adopted = world.resource(QUEUE).adopt(QueueUrl=url)
    assert adopted.attributes["QueueName"] == "taken"
    adopted.delete()
    with pytest.raises(ResourceFailure, match="was not found"):
        world.resource(QUEUE).adopt(QueueUrl=url)


def policy(queue: str) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": queue}
    return {"Version": "2012-10-17", "Statement": [statement]}


def test_policies(world: World) -> None:
    queues = [world.resource(QUEUE, name).create() for name in ("One", "Two")]
    one, two = (queue.id for queue in queues)
    shared = world.resource("AWS::SQS::QueuePolicy", "Policy")
    shared.create(Queues=[one], PolicyDocument=policy("*")).again()
    assert shared.id.startswith("shop-Policy-")
    assert json.loads(attributes(world, one)["Policy"]) == policy("*")
    assert shared.read() == shared.properties
    shared.update_twice(Queues=[two], PolicyDocument=policy("arn:aws:sqs:*:*:x"))
    assert shared.drift() == []
    assert "Policy" not in attributes(world, one)
    assert json.loads(attributes(world, two)["Policy"]) == policy("arn:aws:sqs:*:*:x")
    shared.delete_twice()
    assert "Policy" not in attributes(world, two)

    inline = world.resource("AWS::SQS::QueueInlinePolicy", "Inline")
    inline.create(Queue=one, PolicyDocument=policy("*")).again()
    assert inline.id == one
    inline.update_twice(Queue=one, PolicyDocument=policy("arn:aws:sqs:*:*:y"))
    assert inline.drift() == []
    assert inline.read() == inline.properties
    inline.delete_twice()
    assert inline.read() is None
    for queue in queues:
        queue.delete()
