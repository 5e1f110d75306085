"""Global secondary indexes: what an update may do to them.

One may come or go with an update, and of those that stay only the throughput changes: messages as CloudFormation tells
them (aws/aws-cdk#14920, serverless/serverless#3785).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from lambent.stacks.providers.base import chosen, invalid, told

if TYPE_CHECKING:
    from lambent.stacks.providers.provider import Properties

_CAPACITIES: Final = ("ProvisionedThroughput", "OnDemandThroughput", "WarmThroughput")
_MEMBERS: Final = ("IndexName", "KeySchema", "Projection", *_CAPACITIES)


class IndexChanges(NamedTuple):
    """`added`: as Create takes them. `removed`: names. `updated`: as Update takes them. `kept`: all that stay."""

    added: list[dict[str, Any]]
    removed: list[str]
    updated: list[dict[str, Any]]
    kept: list[dict[str, Any]]


def requested(found: list[Properties] | None) -> list[dict[str, Any]] | None:
    """Indexes as CreateTable takes them; None for none, as an empty list is refused."""
    return [chosen(index, _MEMBERS) for index in found or []] or None


def changes(old: list[Properties] | None, new: list[Properties] | None) -> IndexChanges:
    """Raises ResourceFailure for more than DynamoDB does at once, and for other keys under the same name."""
    before: dict[str, dict[str, Any]] = {index["IndexName"]: index for index in requested(old) or []}
    after: dict[str, dict[str, Any]] = {index["IndexName"]: index for index in requested(new) or []}
    added = [index for name, index in after.items() if name not in before]
    removed = [name for name in before if name not in after]
    if len(added) + len(removed) > 1:
        raise invalid("Cannot perform more than one GSI creation or deletion in a single update")
    kept = [index for name, index in after.items() if name in before]
    updated = []
    for index in kept:
        was = before[index["IndexName"]]
        if any(was.get(member) != index.get(member) for member in ("KeySchema", "Projection")):
            raise invalid(
                "Cannot update GSI's properties other than Provisioned Throughput and Contributor Insights"
                " Specification. You can create a new GSI with a different name."
            )
        capacity: dict[str, Any] = {member: index[member] for member in _CAPACITIES if member in index}
        if any(was.get(member) != value for member, value in capacity.items()):
            updated.append({"IndexName": index["IndexName"], **capacity})
    return IndexChanges(added, removed, updated, kept)


def capacities(kept: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The throughput of each, as Update takes it."""
    return [
        {
            "IndexName": index["IndexName"],
            **{member: index[member] for member in _CAPACITIES if member in index},
        }
        for index in kept
    ]


def throughput(found: dict[str, Any] | None) -> dict[str, Any]:
    """What is set of a throughput that is described."""
    return chosen(found or {}, ("ReadCapacityUnits", "WriteCapacityUnits"))


def read(index: dict[str, Any], billing: str) -> Properties:
    """An index that is described, as a property."""
    return told(
        {
            **chosen(index, ("IndexName", "KeySchema", "Projection", "OnDemandThroughput")),
            "ProvisionedThroughput": throughput(index.get("ProvisionedThroughput"))
            if billing == "PROVISIONED"
            else None,
        }
    )
