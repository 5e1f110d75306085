"""Tables in this process, for tests without a platform.

    with memory_tables(orders):
        client.post("/orders", json={"item": "tea"})
        assert orders.get(1) == Order(1, "tea")

A listener stands for DynamoDB. It is found through the environment (AWS_ENDPOINT_URL_DYNAMODB), so it makes no
difference which client is used: `lambent.Table`, or boto3 for the operations that are here.

Source: the DynamoDB API's GetItem, PutItem, UpdateItem, DeleteItem, Query and Scan, in the AWS JSON protocol.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from lambent.app.attribute_values import from_attribute
from lambent.app.client.errors import AWSError
from lambent.app.sources.naming import name_in
from lambent.testing.environment import Environment
from lambent.testing.events.values import REGION, new_uuid
from lambent.testing.expressions import Expression, invalid
from lambent.testing.listener import Listener, Reply

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lambent.app.table import Table
    from lambent.testing.listener import Asked

Item = dict[str, dict[str, Any]]


@contextmanager
def memory_tables(*tables: Table[Any]) -> Iterator[None]:
    """Empty tables within the `with` block, as they are declared.

    Within it the environment has credentials that are good for nothing, and a region if it had none. Clients of boto3
    look at the environment when they are made: those made before go where they went before.
    """
    from threading import Lock

    kept = {name_in(table.physical): _Kept(table) for table in tables}
    lock = Lock()

    def answer(asked: Asked) -> Reply:
        try:
            with lock:
                document = _answer(kept, asked)
        except AWSError as error:
            document = {"__type": error.code, "message": error.message}
            return Reply(400, msgspec.json.encode(document), {"x-amzn-requestid": new_uuid()})
        headers = {"content-type": "application/x-amz-json-1.0", "x-amzn-requestid": new_uuid()}
        return Reply(200, msgspec.json.encode(document), headers)

    listener = Listener(answer)
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or REGION
    environment = Environment(
        {
            "AWS_ENDPOINT_URL_DYNAMODB": listener.url,
            "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false",
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_SESSION_TOKEN": None,
            "AWS_SECURITY_TOKEN": None,
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": os.environ.get("AWS_DEFAULT_REGION") or region,
        }
    )
    try:
        yield
    finally:
        environment.restore()
        listener.close()


def _answer(kept: dict[str, _Kept], asked: Asked) -> dict[str, Any]:
    operation = asked.headers.get("x-amz-target", "").partition(".")[2]
    members = msgspec.json.decode(asked.body or b"{}")
    if operation not in _OPERATIONS:
        raise AWSError("UnsupportedOperation", f"memory_tables has no answer to {operation}", 400)
    unknown = sorted(_NOT_HERE & members.keys())
    if members.get("ReturnValues", "NONE") not in _RETURNED:
        unknown.append(f"ReturnValues {members['ReturnValues']}")
    if unknown:
        raise AWSError(
            "UnsupportedOperation",
            f"memory_tables has no answer to {operation} with {', '.join(unknown)}",
            400,
        )
    name = name_in(members["TableName"])
    if name not in kept:
        raise AWSError(
            "ResourceNotFoundException",
            f"Requested resource not found: the table {name} (memory_tables was given {', '.join(kept) or 'none'})",
            400,
        )
    return _OPERATIONS[operation](kept[name], members)


class _Kept:
    """A table's items by their key, in the order in which they came."""

    def __init__(self, table: Table[Any]) -> None:
        self._table = table
        self._items: dict[tuple[Any, ...], Item] = {}

    def get(self, members: dict[str, Any]) -> dict[str, Any]:
        found = self._items.get(self._key(members["Key"], exact=True))
        return {} if found is None else {"Item": found}

    def put(self, members: dict[str, Any]) -> dict[str, Any]:
        key = self._key(members["Item"])
        for name, keys in self._table.indexes.items():
            for attribute in keys:
                there = members["Item"].get(attribute)
                if attribute is not None and there is not None and self._type(attribute) not in there:
                    raise invalid(
                        "One or more parameter values were invalid: Type mismatch for Index Key "
                        f"{attribute}; index: {name}"
                    )
        before = self._checked(key, members)
        self._items[key] = members["Item"]
        return _told(members, before, None)

    def delete(self, members: dict[str, Any]) -> dict[str, Any]:
        key = self._key(members["Key"], exact=True)
        before = self._checked(key, members)
        self._items.pop(key, None)
        return _told(members, before, None)

    def update(self, members: dict[str, Any]) -> dict[str, Any]:
        key = self._key(members["Key"], exact=True)
        before = self._checked(key, members)
        after = {**(before or {}), **members["Key"]}
        if "UpdateExpression" in members:
            self._expression(members, "UpdateExpression").apply(after)
        if self._key(after) != key:
            raise invalid(
                "One or more parameter values were invalid: Cannot update attribute: it is part of the key"
            )
        self._items[key] = after
        return _told(members, before, after)

    def read(self, members: dict[str, Any]) -> dict[str, Any]:
        """Query and Scan."""
        names = (self._table.key, self._table.sort)
        if "IndexName" in members:
            if members["IndexName"] not in self._table.indexes:
                raise invalid(f"The table does not have the specified index: {members['IndexName']}")
            names = self._table.indexes[members["IndexName"]]
        found = [item for item in self._items.values() if all(name is None or name in item for name in names)]
        if "KeyConditionExpression" in members:
            sought = self._expression(members, "KeyConditionExpression")
            found = [item for item in found if sought.holds(item)]
            if names[1] is not None:
                # Keys of dicts may be of several types here, which have no order among them.
                found.sort(key=lambda item: _value(item[str(names[1])]))
            if members.get("ScanIndexForward") is False:
                found.reverse()
        if "ExclusiveStartKey" in members:
            start = self._key(members["ExclusiveStartKey"])
            keys = [self._key(item) for item in found]
            found = found[keys.index(start) + 1 :] if start in keys else []
        answer: dict[str, Any] = {}
        limit = members.get("Limit")
        if limit is not None and len(found) > limit:
            found = found[:limit]
            wanted = {self._table.key, self._table.sort, *names}
            answer["LastEvaluatedKey"] = {name: found[-1][name] for name in wanted if name is not None}
        answer["ScannedCount"] = len(found)
        if "FilterExpression" in members:
            wanted_ones = self._expression(members, "FilterExpression")
            found = [item for item in found if wanted_ones.holds(item)]
        return {"Items": found, "Count": len(found), **answer}

    # ------------------------------------------------------------ how

    def _type(self, attribute: str) -> str:
        return self._table.type_of(attribute)

    def _key(self, item: Item, *, exact: bool = False) -> tuple[Any, ...]:
        names = [name for name in (self._table.key, self._table.sort) if name is not None]
        for name in names:
            # Of tables whose items are dicts the type is not known: any will do.
            allowed = "SNB" if self._table.item is dict else self._type(name)
            if name not in item or not any(kind in item[name] for kind in allowed):
                raise invalid(
                    "One or more parameter values were invalid: Missing the key or type mismatch for key "
                    f"{name}: {item.get(name)}"
                )
            if item[name] in ({"S": ""}, {"B": ""}):
                raise invalid(
                    "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain "
                    f"an empty string value. Key: {name}"
                )
        if exact and len(item) != len(names):
            raise invalid("The provided key element does not match the schema")
        return tuple(_value(item[name]) for name in names)

    def _expression(self, members: dict[str, Any], which: str) -> Expression:
        names = members.get("ExpressionAttributeNames") or {}
        values = members.get("ExpressionAttributeValues") or {}
        return Expression(members[which], names, values)

    def _checked(self, key: tuple[Any, ...], members: dict[str, Any]) -> Item | None:
        """The item that is there, if it meets the request's condition."""
        there = self._items.get(key)
        if members.get("ConditionExpression") and not self._expression(members, "ConditionExpression").holds(
            there or {}
        ):
            raise AWSError("ConditionalCheckFailedException", "The conditional request failed", 400)
        return there


def _value(attribute: dict[str, Any]) -> tuple[str, Any]:
    """An attribute's type and value, which can be compared with others and looked up."""
    return next(iter(attribute)), from_attribute(attribute)


def _told(members: dict[str, Any], before: Item | None, after: Item | None) -> dict[str, Any]:
    wanted = {"ALL_OLD": before, "ALL_NEW": after}.get(members.get("ReturnValues", "NONE"))
    return {"Attributes": wanted} if wanted else {}


_RETURNED = frozenset({"NONE", "ALL_OLD", "ALL_NEW"})
_NOT_HERE = frozenset(
    {"AttributeUpdates", "AttributesToGet", "ConditionalOperator", "Expected", "KeyConditions", "ProjectionExpression",
     "QueryFilter", "ScanFilter", "Segment", "Select", "TotalSegments"}
)  # fmt: skip
"""Members of requests that would be passed over: what an answer would then say is not what DynamoDB's would."""

_OPERATIONS = {
    "GetItem": _Kept.get,
    "PutItem": _Kept.put,
    "DeleteItem": _Kept.delete,
    "UpdateItem": _Kept.update,
    "Query": _Kept.read,
    "Scan": _Kept.read,
}
