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
UNLIMITED: Final = -1
"""What takes a limit of OnDemandThroughput away."""

_MEMBERS: Final = ("IndexName", "KeySchema", "Projection", *_CAPACITIES)


class IndexChanges(NamedTuple):
    """`added`: as Create takes them. `removed`: names. `updated`: as Update takes them."""

    added: list[dict[str, Any]]
    removed: list[str]
    updated: list[dict[str, Any]]


def requested(found: list[Properties] | None) -> list[dict[str, Any]] | None:
    """Indexes as CreateTable takes them; None for none, as an empty list is refused."""
    return [chosen(index, _MEMBERS) for index in found or []] or None


def changes(
    live: list[dict[str, Any]], old: list[Properties] | None, new: list[Properties] | None
) -> IndexChanges:
    """What makes those that are there, `live` as described, the new ones. What goes was among the old ones.

    Raises ResourceFailure for more than DynamoDB does at once, and for other keys under the same name. Going by what
    is there, an update that was refused can be taken back.
    """
    there = {index["IndexName"]: index for index in live}
    after: dict[str, dict[str, Any]] = {index["IndexName"]: index for index in requested(new) or []}
    added = [index for name, index in after.items() if name not in there]
    removed = [
        index["IndexName"]
        for index in old or []
        if index["IndexName"] in there and index["IndexName"] not in after
    ]
    if len(added) + len(removed) > 1:
        raise invalid("Cannot perform more than one GSI creation or deletion in a single update")
    updated = []
    for name, index in after.items():
        if name not in there:
            continue
        was = there[name]
        if _keys(was) != _keys(index):
            raise invalid(
                "Cannot update GSI's properties other than Provisioned Throughput and Contributor Insights"
                " Specification. You can create a new GSI with a different name."
            )
        capacity: dict[str, Any] = {member: index[member] for member in _CAPACITIES if member in index}
        if any(value.items() - was.get(member, {}).items() for member, value in capacity.items()):
            updated.append({"IndexName": name, **capacity})
    return IndexChanges(added, removed, updated)


def _keys(index: dict[str, Any]) -> tuple[Any, ...]:
    """What an index is, in a form in which two are the same or not."""
    projection = index["Projection"]
    keys = sorted((key["KeyType"], key["AttributeName"]) for key in index["KeySchema"])
    return keys, projection.get("ProjectionType"), sorted(projection.get("NonKeyAttributes") or [])


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
