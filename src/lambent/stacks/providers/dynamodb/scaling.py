"""The capacity of global tables that goes by their use: targets and policies of Application Auto Scaling.

Of the stack's region. Names are those of RegisterScalableTarget and PutScalingPolicy in its API reference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from lambent.stacks.providers.base import chosen, unless

if TYPE_CHECKING:
    from lambent.stacks.providers.provider import Properties, Work

_SERVICE: Final = "application-autoscaling"
_TRACKED: Final = ("TargetValue", "DisableScaleIn", "ScaleInCooldown", "ScaleOutCooldown")


class _Target(NamedTuple):
    resource: str
    dimension: str

    @property
    def metric(self) -> str:
        return (
            "DynamoDBWriteCapacityUtilization"
            if "Write" in self.dimension
            else "DynamoDBReadCapacityUtilization"
        )


def first_capacity(found: Properties | None) -> int | None:
    """The capacity that a table begins with."""
    if not found:
        return None
    capacity: int = found.get("SeedCapacity") or found["MinCapacity"]
    return capacity


async def change(work: Work, name: str, old: Properties, new: Properties) -> None:
    """Register what is new or different, and let go of the rest. Both: properties of AWS::DynamoDB::GlobalTable."""
    before, after = _targets(work, name, old), _targets(work, name, new)
    for target in before:
        if target not in after:
            await unless(
                work.call(_SERVICE, "DeregisterScalableTarget", **_named(target)),
                "ObjectNotFoundException",
                # The word of moto.
                "ValidationException",
            )
    for target, found in after.items():
        if before.get(target) == found:
            continue
        await work.call(
            _SERVICE,
            "RegisterScalableTarget",
            **_named(target),
            MinCapacity=found["MinCapacity"],
            MaxCapacity=found["MaxCapacity"],
        )
        tracking = {
            **chosen(found["TargetTrackingScalingPolicyConfiguration"], _TRACKED),
            "PredefinedMetricSpecification": {"PredefinedMetricType": target.metric},
        }
        await work.call(
            _SERVICE,
            "PutScalingPolicy",
            **_named(target),
            PolicyName=f"{target.metric}:{target.resource}",
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration=tracking,
        )


def _targets(work: Work, name: str, properties: Properties) -> dict[_Target, Properties]:
    if not properties or properties.get("BillingMode", "PROVISIONED") != "PROVISIONED":
        return {}
    own: Properties = next((one for one in properties["Replicas"] if one["Region"] == work.stack.region), {})
    own_indexes = {index["IndexName"]: index for index in own.get("GlobalSecondaryIndexes") or []}
    parts = [(f"table/{name}", "table", properties, own)]
    parts += [
        (f"table/{name}/index/{index['IndexName']}", "index", index, own_indexes.get(index["IndexName"], {}))
        for index in properties.get("GlobalSecondaryIndexes") or []
    ]
    targets = {}
    for resource, kind, shared, replica in parts:
        write = shared.get("WriteProvisionedThroughputSettings", {}).get("WriteCapacityAutoScalingSettings")
        read = replica.get("ReadProvisionedThroughputSettings", {}).get("ReadCapacityAutoScalingSettings")
        for way, found in (("Write", write), ("Read", read)):
            if found:
                targets[_Target(resource, f"dynamodb:{kind}:{way}CapacityUnits")] = found
    return targets


def _named(target: _Target) -> dict[str, Any]:
    return {
        "ServiceNamespace": "dynamodb",
        "ResourceId": target.resource,
        "ScalableDimension": target.dimension,
    }
