"""DynamoDB tables: items put, found, changed and removed, as plain dicts or as what the app declares.

    orders = Table("orders", Order, key="id", indexes={"by_item": ("item", "placed")})
    orders.put(Order(1, "tea"))
    order = orders.get(1)

The operations are GetItem, PutItem, UpdateItem, DeleteItem, Query and Scan of the DynamoDB API (version 2012-08-10);
what expressions can say is in "Expressions" and "Key condition expressions" of the Amazon DynamoDB Developer Guide.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from lambent.app.client.errors import AWSError
from lambent.app.errors import AppError
from lambent.app.sources.naming import variable
from lambent.app.table_expressions import Expression, Sought, changes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping

    from lambent.app.table_items import Items
    from lambent.app.table_key import KeyType

Item = TypeVar("Item")
Made = TypeVar("Made")

_NAME = r"[A-Za-z0-9_.-]+"
_CONDITION = "ConditionalCheckFailedException"


class ConditionFailed(Exception):
    """An item was not written: it is not, or is not any more, as the caller wanted it to be.

    `table` is its name in the code, `key` the item's.
    """

    def __init__(self, table: str, key: dict[str, Any]) -> None:
        told = ", ".join(f"{name}={value!r}" for name, value in key.items())
        super().__init__(f"{table}: the item {told} is not as it was expected to be")
        self.table = table
        self.key = key

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.table, self.key)


class UnexpectedItem(ValueError):
    """An item of a table does not fit what the app declares."""


class Table(Generic[Item]):
    """A table: nothing happens until it is used, so it can stand at the top of a module.

    `name` is what the code calls it; deployed, the variable LAMBENT_TABLE_<NAME> has its name or ARN. `item` is what
    items are made to (a Struct, a dataclass, a TypedDict; without it dicts), `key` the attribute of the partition key,
    `sort` that of the sort key. `indexes` are global secondary indexes by name, each the attribute of its partition
    key or a pair with its sort key, and `ttl` is the attribute with the time, in seconds since 1970, after which
    DynamoDB removes an item. Deploying makes the table as it is declared here.

    Conditions and filters are DynamoDB's expressions, in which `#count` stands for the attribute `count` and `:least`
    for the value `least` of `values`: `condition="#count >= :least", values={"least": 2}`.

    Every method raises AWSError for what DynamoDB refuses, UnexpectedItem for items that are no `item`, and ValueError
    and TypeError for values that DynamoDB cannot hold. Those whose names begin with `a` are for async handlers: they
    wait in a thread, and others go on meanwhile.
    """

    @overload
    def __init__(
        self: Table[dict[str, Any]],
        name: str,
        *,
        key: str,
        sort: str | None = None,
        indexes: Mapping[str, str | tuple[str, str]] | None = None,
        ttl: str | None = None,
    ) -> None: ...
    @overload
    def __init__(
        self,
        name: str,
        item: type[Item],
        *,
        key: str,
        sort: str | None = None,
        indexes: Mapping[str, str | tuple[str, str]] | None = None,
        ttl: str | None = None,
    ) -> None: ...
    def __init__(
        self,
        name: str,
        item: Any = None,
        *,
        key: str,
        sort: str | None = None,
        indexes: Mapping[str, str | tuple[str, str]] | None = None,
        ttl: str | None = None,
    ) -> None:
        if not re.fullmatch(_NAME, name):
            raise AppError(f"Table: {name!r} is no name of a table: letters, digits and _ . -")
        self.name = name
        self.item = dict if item is None else item
        self.key = key
        self.sort = sort
        self.indexes: dict[str, tuple[str, str | None]] = {
            index: (keys, None) if isinstance(keys, str) else (keys[0], keys[1])
            for index, keys in (indexes or {}).items()
        }
        self.ttl = ttl
        self._convert: Callable[[Any], Any] | None = None
        self._types: dict[str, Any] | None = None

    def __repr__(self) -> str:
        return f"Table({self.name!r})"

    # ------------------------------------------------------------ what it is

    @property
    def physical(self) -> str:
        """What the table is called where the app is deployed: a name or an ARN."""
        return os.environ.get(variable("table", self.name)) or self.name

    def type_of(self, attribute: str) -> KeyType:
        """The type of a key's attribute, as DynamoDB names it: that which the item declares, without one "S".

        Raises AppError when the item has no such attribute, or one that cannot be a key.
        """
        if self.item is dict:
            return "S"
        if self._types is None:
            from lambent.app.explanation import fields_of

            found = fields_of(self.item)
            if found is None:
                raise AppError(f"{self._where}: {self.item!r} has no members that are known")
            self._types = {name: kind for name, kind, _ in found}
        if attribute not in self._types:
            raise AppError(f"{self._where}: {self._called} has no member {attribute!r}")
        from lambent.app.table_key import key_type

        return key_type(self._types[attribute], f"{self._where}: {self._called}.{attribute}")

    @property
    def _called(self) -> str:
        return str(getattr(self.item, "__name__", self.item))

    # ------------------------------------------------------------ one item

    def get(self, key: Any, sort: Any = None, *, consistent: bool = False) -> Item | None:
        """The item with a key, None when there is none.

        With `consistent` it is as the last write left it; without, it may be as it was a moment before.
        """
        answer = self._call("GetItem", {"Key": self._key(key, sort), "ConsistentRead": consistent})
        return self._read(answer["Item"]) if answer.get("Item") else None

    def put(
        self,
        item: Item,
        *,
        new: bool = False,
        condition: str | None = None,
        values: Mapping[str, Any] | None = None,
    ) -> None:
        """Write an item; one with the same key is replaced.

        Raises ConditionFailed when there is one already and it has to be `new`, or the one that is there does not meet
        the condition.
        """
        attributes = self._written(item)
        expression = Expression(values)
        expression.condition(condition, ("attribute_not_exists", self.key) if new else None)
        self._write("PutItem", {"Item": attributes, **expression.members()}, attributes)

    def update(
        self,
        key: Any,
        sort: Any = None,
        *,
        set: Mapping[str, Any] | None = None,  # noqa: A002 - DynamoDB's word
        add: Mapping[str, Any] | None = None,
        remove: Iterable[str] = (),
        create: bool = False,
        condition: str | None = None,
        values: Mapping[str, Any] | None = None,
    ) -> Item:
        """Change attributes of an item; the item as it is then.

        `set` are attributes to write, `add` numbers to add to those that are there (sets to unite with them), `remove`
        attributes to take away. One that is not there is made only with `create`. Raises ConditionFailed when it is not
        there, or does not meet the condition.
        """
        expression = Expression(values)
        expression.update(changes(set, add, remove))
        expression.condition(condition, None if create else ("attribute_exists", self.key))
        wanted = self._key(key, sort)
        answer = self._write(
            "UpdateItem", {"Key": wanted, "ReturnValues": "ALL_NEW", **expression.members()}, wanted
        )
        return self._read(answer["Attributes"])

    def delete(
        self,
        key: Any,
        sort: Any = None,
        *,
        condition: str | None = None,
        values: Mapping[str, Any] | None = None,
    ) -> Item | None:
        """Remove an item; what it was, None when there was none. Raises ConditionFailed."""
        expression = Expression(values)
        expression.condition(condition, None)
        wanted = self._key(key, sort)
        answer = self._write(
            "DeleteItem", {"Key": wanted, "ReturnValues": "ALL_OLD", **expression.members()}, wanted
        )
        return self._read(answer["Attributes"]) if answer.get("Attributes") else None

    # ------------------------------------------------------------ several

    def query(
        self,
        key: Any,
        *,
        index: str | None = None,
        sort: Any = None,
        begins_with: str | bytes | None = None,
        between: tuple[Any, Any] | None = None,
        least: Any = None,
        most: Any = None,
        reverse: bool = False,
        limit: int | None = None,
        filter: str | None = None,  # noqa: A002 - DynamoDB's word
        values: Mapping[str, Any] | None = None,
        consistent: bool = False,
    ) -> Items[Item]:
        """The items with a partition key, of the table or an index, by their sort key, the last first with `reverse`.

        Of the sort key one thing can be said: that it equals `sort`, begins with a text, lies between two values, or is
        at least or at most a value. `limit` is how many items there are at most. Items that do not meet the filter are
        left out, after DynamoDB has read them.
        """
        name, sort_name = (self.key, self.sort) if index is None else self._index(index)
        expression = Expression(values)
        expression.sought(self._where, name, sort_name, key, Sought(sort, begins_with, between, least, most))
        expression.filter(filter)
        members = {**expression.members(), "ScanIndexForward": not reverse, "ConsistentRead": consistent}
        return self._items("Query", members, index, limit, filtered=filter is not None)

    def scan(
        self,
        *,
        index: str | None = None,
        limit: int | None = None,
        filter: str | None = None,  # noqa: A002 - DynamoDB's word
        values: Mapping[str, Any] | None = None,
        consistent: bool = False,
    ) -> Items[Item]:
        """All items, in no order that could be told: DynamoDB reads, and is paid for, the whole table."""
        if index is not None:
            self._index(index)
        expression = Expression(values)
        expression.filter(filter)
        members = {**expression.members(), "ConsistentRead": consistent}
        return self._items("Scan", members, index, limit, filtered=filter is not None)

    # ------------------------------------------------------------ for async handlers

    async def aget(self, key: Any, sort: Any = None, **options: Any) -> Item | None:
        """`get`."""
        return await _in_thread(lambda: self.get(key, sort, **options))

    async def aput(self, item: Item, **options: Any) -> None:
        """`put`."""
        await _in_thread(lambda: self.put(item, **options))

    async def aupdate(self, key: Any, sort: Any = None, **options: Any) -> Item:
        """`update`."""
        return await _in_thread(lambda: self.update(key, sort, **options))

    async def adelete(self, key: Any, sort: Any = None, **options: Any) -> Item | None:
        """`delete`."""
        return await _in_thread(lambda: self.delete(key, sort, **options))

    def aquery(self, key: Any, **options: Any) -> AsyncIterator[Item]:
        """`query`: `async for order in orders.aquery(…)`."""
        return self.query(key, **options).in_thread()

    def ascan(self, **options: Any) -> AsyncIterator[Item]:
        """`scan`: `async for order in orders.ascan()`."""
        return self.scan(**options).in_thread()

    # ------------------------------------------------------------ how

    @property
    def _where(self) -> str:
        return f"Table {self.name!r}"

    def _index(self, index: str) -> tuple[str, str | None]:
        if index not in self.indexes:
            known = ", ".join(self.indexes) or "none"
            raise AppError(f"{self._where}: there is no index {index!r}; declared: {known}")
        return self.indexes[index]

    def _key(self, key: Any, sort: Any) -> dict[str, Any]:
        from lambent.app.attribute_values import to_attribute

        if (sort is None) != (self.sort is None):
            wanted = f"a key ({self.key})" + ("" if self.sort is None else f" and a sort key ({self.sort})")
            raise TypeError(f"{self._where}: an item is told by {wanted}")
        found = {self.key: to_attribute(key)}
        if self.sort is not None:
            found[self.sort] = to_attribute(sort)
        return found

    def _written(self, item: Any) -> dict[str, Any]:
        """An item as attribute values, without what is None in the key of an index: it is not in the index then."""
        from lambent.app.attribute_values import to_attribute

        made = to_attribute(item)
        if "M" not in made:
            raise TypeError(f"{self._where}: an item has members, and {type(item).__qualname__} has none")
        attributes: dict[str, Any] = made["M"]
        for name in (self.key, self.sort):
            if name is not None and name not in attributes:
                raise ValueError(f"{self._where}: the item has no {name!r}, which is its key")
        for keys in (*self.indexes.values(), (self.ttl, None)):
            for name in keys:
                if name is not None and "NULL" in attributes.get(name, ()):
                    del attributes[name]
        return attributes

    def _read(self, attributes: dict[str, Any]) -> Item:
        from lambent.app.attribute_values import from_attributes

        values = from_attributes(attributes)
        if self.item is dict:
            return values  # type: ignore[return-value] # dicts are its items then
        from lambent.app.conversion import Invalid, from_object

        if self._convert is None:
            self._convert = from_object(self.item) or (lambda value: value)
        try:
            return self._convert(values)  # type: ignore[no-any-return] # it makes items
        except Invalid as error:
            told = "; ".join(f"{place}: {reason}" if place else reason for place, reason in error.errors)
            key = {name: values.get(name) for name in (self.key, self.sort) if name is not None}
            raise UnexpectedItem(f"{self.name}: the item {key} is no {self._called}: {told}") from None

    def _call(self, operation: str, members: dict[str, Any]) -> dict[str, Any]:
        from lambent.app.client.service import service

        name = self.physical
        region = name.split(":")[3] if name.startswith("arn:") else None
        return service("dynamodb").call(operation, {"TableName": name, **members}, region=region)

    def _write(self, operation: str, members: dict[str, Any], item: dict[str, Any]) -> dict[str, Any]:
        try:
            return self._call(operation, members)
        except AWSError as error:
            if error.code != _CONDITION:
                raise
            from lambent.app.attribute_values import from_attribute

            names = [name for name in (self.key, self.sort) if name is not None]
            raise ConditionFailed(self.name, {name: from_attribute(item[name]) for name in names}) from None

    def _items(
        self, operation: str, members: dict[str, Any], index: str | None, limit: int | None, *, filtered: bool
    ) -> Items[Item]:
        from lambent.app.table_items import Items

        if limit is not None and limit < 1:
            raise ValueError(f"{self._where}: limit is {limit!r}: at least 1")
        if index is not None:
            members["IndexName"] = index
        return Items(
            lambda asked: self._call(operation, asked), self._read, members, limit, filtered=filtered
        )


async def _in_thread(work: Callable[[], Made]) -> Made:
    import asyncio

    return await asyncio.to_thread(work)
