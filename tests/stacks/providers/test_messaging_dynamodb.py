"""AWS::DynamoDB::*: made, changed, removed, also twice, and read for drift."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lambent.stacks.errors import ReplacementNeeded, ResourceFailure

if TYPE_CHECKING:
    from tests.stacks.providers.conftest import World

TABLE = "AWS::DynamoDB::Table"


def definitions(*names: str, kind: str = "S") -> list[dict[str, str]]:
    return [{"AttributeName": name, "AttributeType": kind} for name in names]


def key(name: str) -> list[dict[str, str]]:
    return [{"AttributeName": name, "KeyType": "HASH"}]


def index(name: str, **more: Any) -> dict[str, Any]:
    return {
        "IndexName": f"by-{name}",
        "KeySchema": key(name),
        "Projection": {"ProjectionType": "ALL"},
        **more,
    }


SIMPLE: dict[str, Any] = {
    "KeySchema": key("id"),
    "AttributeDefinitions": definitions("id"),
    "BillingMode": "PAY_PER_REQUEST",
}


def described(world: World, name: str) -> dict[str, Any]:
    found: dict[str, Any] = world.ask("dynamodb", "DescribeTable", TableName=name)["Table"]
    return found


def test_a_table_is_made_changed_and_removed(world: World) -> None:
    policy = {"Version": "2012-10-17", "Statement": []}
    table = world.resource(TABLE, "Orders", team="a").create(
        **SIMPLE,
        StreamSpecification={"StreamViewType": "NEW_IMAGE"},
        TimeToLiveSpecification={"AttributeName": "until", "Enabled": True},
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
        Tags=[{"Key": "kind", "Value": "x"}],
        ResourcePolicy={"PolicyDocument": policy},
    )
    table.again()
    assert table.drift() == []
    assert table.id.startswith("shop-Orders-")
    assert table.attributes["Arn"] == f"arn:aws:dynamodb:us-east-1:000000000000:table/{table.id}"
    assert table.attributes["StreamArn"].startswith(table.attributes["Arn"] + "/stream/")
    live = table.read()
    assert live is not None
    for member, value in table.properties.items():
        if member != "Tags":
            assert live[member] == value
    assert {tag["Key"] for tag in live["Tags"]} == {"team", "kind"}

    table.update_twice(
        **SIMPLE,
        TimeToLiveSpecification={"AttributeName": "other", "Enabled": True},
        DeletionProtectionEnabled=True,
    )
    assert table.drift() == []
    live = table.read()
    assert live is not None
    assert "StreamSpecification" not in live
    assert "StreamArn" not in table.attributes
    assert live["TimeToLiveSpecification"]["AttributeName"] == "other"
    assert live["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": False}
    assert live["DeletionProtectionEnabled"] is True
    assert live["Tags"] == [{"Key": "team", "Value": "a"}]
    assert "ResourcePolicy" not in live

    table.update(tags={"team": "b"}, **SIMPLE, StreamSpecification={"StreamViewType": "KEYS_ONLY"})
    assert table.drift() == []
    assert "TimeToLiveSpecification" not in (table.read() or {})
    table.update_twice(**SIMPLE, StreamSpecification={"StreamViewType": "NEW_AND_OLD_IMAGES"})
    assert table.drift() == []
    live = table.read()
    assert live is not None
    assert live["StreamSpecification"] == {"StreamViewType": "NEW_AND_OLD_IMAGES"}
    table.delete_twice()
    assert table.read() is None


def test_indexes_come_and_go_one_at_a_time(world: World) -> None:
    table = world.resource(TABLE).create(**SIMPLE)
    one = SIMPLE | {"AttributeDefinitions": definitions("id", "a"), "GlobalSecondaryIndexes": [index("a")]}
    table.update_twice(**one)
    assert table.drift() == []
    assert described(world, table.id)["GlobalSecondaryIndexes"][0]["IndexName"] == "by-a"
    with pytest.raises(ResourceFailure, match="The property VectorIndexes is not served"):
        table.update(**one, VectorIndexes=[{}])
    other = SIMPLE | {"AttributeDefinitions": definitions("id", "b"), "GlobalSecondaryIndexes": [index("b")]}
    with pytest.raises(
        ResourceFailure, match="Cannot perform more than one GSI creation or deletion in a single update"
    ):
        table.update(**other)
    changed = one | {"GlobalSecondaryIndexes": [index("a", Projection={"ProjectionType": "KEYS_ONLY"})]}
    with pytest.raises(
        ResourceFailure, match="Cannot update GSI's properties other than Provisioned Throughput"
    ):
        table.update(**changed)
    # As a rollback does: back from what was refused.
    table.properties = {
        **SIMPLE,
        "AttributeDefinitions": definitions("id", "b", "c"),
        "GlobalSecondaryIndexes": [index("b"), index("c")],
    }
    table.update_twice(**one)
    assert table.drift() == []
    assert [one["IndexName"] for one in described(world, table.id)["GlobalSecondaryIndexes"]] == ["by-a"]
    table.update_twice(**SIMPLE)
    assert table.drift() == []
    assert not described(world, table.id).get("GlobalSecondaryIndexes")
    table.delete()


def test_billing_and_throughput(world: World) -> None:
    few = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
    many = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}
    provisioned = SIMPLE | {
        "BillingMode": "PROVISIONED",
        "ProvisionedThroughput": few,
        "AttributeDefinitions": definitions("id", "a"),
        "GlobalSecondaryIndexes": [index("a", ProvisionedThroughput=few)],
    }
    table = world.resource(TABLE).create(**provisioned)
    assert table.read() == table.properties | {"TableName": table.id, "DeletionProtectionEnabled": False} | {
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": False}
    }
    table.update_twice(
        **provisioned
        | {"ProvisionedThroughput": many, "GlobalSecondaryIndexes": [index("a", ProvisionedThroughput=many)]}
    )
    assert table.drift() == []
    live = table.read()
    assert live is not None
    assert live["ProvisionedThroughput"] == live["GlobalSecondaryIndexes"][0]["ProvisionedThroughput"] == many
    on_demand = SIMPLE | {
        "AttributeDefinitions": definitions("id", "a"),
        "GlobalSecondaryIndexes": [index("a")],
    }
    table.update_twice(**on_demand)
    assert table.drift() == []
    assert described(world, table.id)["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    table.update_twice(**provisioned)
    assert table.drift() == []
    live = table.read()
    assert live is not None
    assert live["ProvisionedThroughput"] == few
    table.delete()


@pytest.mark.parametrize(
    "changes",
    [
        {"KeySchema": key("other"), "AttributeDefinitions": definitions("other")},
        {"AttributeDefinitions": definitions("id", kind="N")},
    ],
)
def test_what_replaces_a_table(world: World, changes: dict[str, Any]) -> None:
    table = world.resource(TABLE).create(**SIMPLE)
    with pytest.raises(ReplacementNeeded):
        table.update(**SIMPLE | changes)
    table.delete()


def test_refusals(world: World) -> None:
    with pytest.raises(
        ResourceFailure, match="Property AttributeDefinitions is inconsistent with the KeySchema"
    ):
        world.resource(TABLE).create(**SIMPLE | {"AttributeDefinitions": definitions("id", "unused")})
    table = world.resource(TABLE).create(TableName="taken", **SIMPLE)
    assert table.id == "taken"
    with pytest.raises(
        ResourceFailure, match="'AWS::DynamoDB::Table' with identifier 'taken' already exists"
    ):
        world.resource(TABLE).create(TableName="taken", **SIMPLE)
    assert world.resource(TABLE).adopt(TableName="taken").attributes["Arn"] == table.attributes["Arn"]
    table.delete()


def test_a_global_table(world: World) -> None:
    kind = "AWS::DynamoDB::GlobalTable"
    own: dict[str, Any] = {
        "Region": "us-east-1",
        "PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True},
        "Tags": [{"Key": "kind", "Value": "x"}],
    }
    indexed: dict[str, Any] = {
        **SIMPLE,
        "AttributeDefinitions": definitions("id", "a"),
        "GlobalSecondaryIndexes": [index("a")],
        "StreamSpecification": {"StreamViewType": "NEW_AND_OLD_IMAGES"},
    }
    table = world.resource(kind, "Orders").create(**indexed, Replicas=[own]).again()
    assert table.drift() == []
    assert table.id.startswith("shop-Orders-")
    assert set(table.attributes) == {"Arn", "StreamArn", "TableId"}
    live = table.read()
    assert live is not None
    assert live["Replicas"] == [{**own, "DeletionProtectionEnabled": False}]
    assert live["GlobalSecondaryIndexes"] == indexed["GlobalSecondaryIndexes"]
    table.update_twice(**SIMPLE, Replicas=[{"Region": "us-east-1", "DeletionProtectionEnabled": True}])
    assert table.drift() == []
    live = table.read()
    assert live is not None
    assert live["Replicas"][0]["DeletionProtectionEnabled"] is True
    assert "Tags" not in live["Replicas"][0]
    table.update_twice(**SIMPLE, Replicas=[{"Region": "us-east-1"}])
    assert table.drift() == []
    table.delete_twice()
    assert table.read() is None
    two = [{"Region": "us-east-1"}, {"Region": "eu-west-1"}]
    with pytest.raises(ResourceFailure, match="eu-west-1, another one than the stack's, is not served"):
        world.resource(kind).create(TableName="two", **indexed, Replicas=two)
    with pytest.raises(ResourceFailure, match="one in the region of the stack, us-east-1"):
        world.resource(kind).create(**SIMPLE, Replicas=[{"Region": "eu-west-1"}])


def test_a_global_table_that_scales(world: World) -> None:
    def scaled(least: int) -> dict[str, Any]:
        return {
            "MinCapacity": least,
            "MaxCapacity": 9,
            "TargetTrackingScalingPolicyConfiguration": {"TargetValue": 70},
        }

    def properties(least: int) -> dict[str, Any]:
        return {
            **SIMPLE,
            "BillingMode": "PROVISIONED",
            "WriteProvisionedThroughputSettings": {"WriteCapacityAutoScalingSettings": scaled(least)},
            "Replicas": [
                {
                    "Region": "us-east-1",
                    "ReadProvisionedThroughputSettings": {"ReadCapacityAutoScalingSettings": scaled(least)},
                }
            ],
        }

    def targets() -> list[tuple[str, int]]:
        found = world.ask("application-autoscaling", "DescribeScalableTargets", ServiceNamespace="dynamodb")
        return sorted((one["ScalableDimension"], one["MinCapacity"]) for one in found["ScalableTargets"])

    table = world.resource("AWS::DynamoDB::GlobalTable").create(**properties(2)).again()
    assert table.drift() == []
    throughput = described(world, table.id)["ProvisionedThroughput"]
    assert (throughput["ReadCapacityUnits"], throughput["WriteCapacityUnits"]) == (2, 2)
    assert targets() == [("dynamodb:table:ReadCapacityUnits", 2), ("dynamodb:table:WriteCapacityUnits", 2)]
    table.update_twice(**properties(3))
    assert table.drift() == []
    assert targets() == [("dynamodb:table:ReadCapacityUnits", 3), ("dynamodb:table:WriteCapacityUnits", 3)]
    table.delete_twice()
    assert targets() == []
