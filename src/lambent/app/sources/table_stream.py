"""DynamoDB streams: what changed in a table, as plain Python values or as what the handler declares.

Numbers are int when they are whole and Decimal otherwise, exactly as they were stored; binary values are bytes and sets
are sets: see `attribute_values`. What is reported to Lambda is said in `stream`.

A table may have several handlers whose `events` have none in common. They take turns, so that changes are handled in
their order: handlers of whole batches are called for each run of changes that are theirs.

Sources: "Using Lambda with DynamoDB" of the Lambda developer guide; "DynamoDB Streams and Time to Live" of the DynamoDB
developer guide.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, Generic, TypeVar, get_args, get_origin

from lambent.app.attribute_values import from_attributes
from lambent.app.conversion import Invalid, from_object, members
from lambent.app.endpoint import InvalidParameter
from lambent.app.errors import AppError, ValidationFailed
from lambent.app.signature import described
from lambent.app.sources.lanes import LanesBy, lane_of_all
from lambent.app.sources.naming import name_in
from lambent.app.sources.stream import ShardRecord, ShardSource, time_of
from lambent.app.sources.window import window_parameter

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from typing import Literal

    from lambent.app.endpoint import Getter, Resolver
    from lambent.app.onion import Middleware
    from lambent.app.signature import Parameter
    from lambent.app.sources.batch import Failures, Halt, Make
    from lambent.app.sources.chain import Chain
    from lambent.app.sources.lanes import Lanes
    from lambent.app.sources.window import Window

Item = TypeVar("Item")

EVENTS = ("INSERT", "MODIFY", "REMOVE")

_OF_HANDLERS = ("name", "events", "concurrency")
"""Options in which handlers of one table may differ; the others are the event source mapping's."""

_ABSENT_AT = {"new": "REMOVE", "old": "INSERT"}
"""Which event has no such image."""


class Change(ShardRecord, Generic[Item]):
    """What happened to one item: `Change` has dicts, `Change[Order]` makes Orders of them when they are first read."""

    kind = "dynamodb"
    _convert: Callable[[Any], Item] | None = None

    @property
    def event_name(self) -> Literal["INSERT", "MODIFY", "REMOVE"]:
        """What was done."""
        return self.record["eventName"]  # type: ignore[no-any-return]

    @property
    def keys(self) -> dict[str, Any]:
        """The item's key."""
        return self._values("Keys") or {}

    @property
    def new(self) -> Item | None:
        """The item afterwards; None when it was removed, or the stream has no new images. Raises ValidationFailed."""
        return self._image("NewImage")  # type: ignore[no-any-return]

    @property
    def old(self) -> Item | None:
        """The item before; None when it is new, or the stream has no old images. Raises ValidationFailed."""
        return self._image("OldImage")  # type: ignore[no-any-return]

    @property
    def sequence_number(self) -> str:
        """Its place in the shard."""
        return self.record["dynamodb"]["SequenceNumber"]  # type: ignore[no-any-return]

    identifier = sequence_number

    @property
    def size(self) -> int:
        """Bytes of the record."""
        return int(self.record["dynamodb"].get("SizeBytes", 0))

    @property
    def view_type(self) -> str | None:
        """What the stream has: KEYS_ONLY, NEW_IMAGE, OLD_IMAGE or NEW_AND_OLD_IMAGES."""
        return self.record["dynamodb"].get("StreamViewType")  # type: ignore[no-any-return]

    @property
    def created_at(self) -> datetime | None:
        """When it happened, approximately."""
        seconds = self.record["dynamodb"].get("ApproximateCreationDateTime")
        return None if seconds is None else time_of(seconds)

    @property
    def is_ttl(self) -> bool:
        """Whether it was removed because its time to live had passed."""
        who = self.record.get("userIdentity") or {}
        return who.get("type") == "Service" and who.get("principalId") == "dynamodb.amazonaws.com"

    @property
    def table(self) -> str:
        """The table's name."""
        return name_in(self.arn)

    def _values(self, name: str) -> dict[str, Any] | None:
        """Keys or an image as Python values, made once."""
        made: dict[str, Any] = self.__dict__.setdefault("_made", {})
        if name not in made:
            attributes = self.record["dynamodb"].get(name)
            made[name] = None if attributes is None else from_attributes(attributes)
        return made[name]  # type: ignore[no-any-return]

    def _image(self, name: str) -> Any:
        values = self._values(name)
        if values is None or self._convert is None:
            return values
        items: dict[str, Any] = self.__dict__.setdefault("_items", {})
        if name not in items:
            try:
                items[name] = self._convert(values)
            except Invalid as invalid:
                image = "new" if name == "NewImage" else "old"
                details = InvalidParameter(image, image, invalid.errors).details()
                raise ValidationFailed(details=details) from None
        return items[name]


class TableStreams(ShardSource):
    """The handlers of tables' streams."""

    noun = "table stream"
    kind = "table"
    record = Change
    lanes = LanesBy(lambda record: repr(sorted(record["dynamodb"]["Keys"].items())))

    def __init__(self, app: Any) -> None:
        super().__init__(app)
        self._further: dict[str, list[Chain]] = {}
        """Of tables with several handlers: all but the first, which is in `handlers`."""

    def add(
        self, handler: Callable[..., Any], layers: tuple[Middleware, ...], options: dict[str, Any]
    ) -> None:
        """Add a handler. Raises AppError."""
        name, events = options["name"], options["events"]
        unknown = set(events) - set(EVENTS)
        if unknown or not events:
            raise AppError(f"{described(handler)}: events are some of {', '.join(EVENTS)}, not {events}")
        first = self.handlers.get(name)
        if first is None:
            super().add(handler, layers, options)
            return
        for there in (first, *self._further.get(name, ())):
            self._check_beside(there, handler, options)
        del self.handlers[name]
        try:
            super().add(handler, layers, options)
            self._further.setdefault(name, []).append(self.handlers[name])
        finally:
            self.handlers[name] = first

    def _check_beside(self, there: Chain, handler: Callable[..., Any], options: dict[str, Any]) -> None:
        """Raise AppError if a handler cannot be for the same table as another."""
        name = options["name"]
        both = f"The table stream {name!r}: both {described(there.endpoint.handler)} and {described(handler)} are for"
        shared = [event for event in options["events"] if event in there.options["events"]]
        if shared:
            raise AppError(f"{both} {' and '.join(shared)}: one handler has to do")
        for option, value in options.items():
            if option not in _OF_HANDLERS and value != there.options[option]:
                raise AppError(
                    f"{both} it, with {option}={there.options[option]!r} and {value!r}: it is read once for both, so "
                    "they have to say the same"
                )

    def _wanted(self, handler: Chain, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        events = handler.options["events"]
        for further in self._further.get(handler.options["name"], ()):
            events += further.options["events"]
        if len(events) == len(EVENTS):
            return records
        return [one for one in records if not self._is_own(one) or one.get("eventName") in events]

    def _window_of(self, handler: Chain, event: dict[str, Any]) -> Window | None:
        for further in self._further.get(handler.options["name"], ()):
            super()._window_of(further, event)
        return super()._window_of(handler, event)

    def _run(
        self,
        handler: Chain,
        make: Make,
        records: list[dict[str, Any]],
        event: Any,
        context: Any,
        halt: Halt,
        lanes: Lanes,
    ) -> Failures:
        further = self._further.get(handler.options["name"])
        if further is None:
            return super()._run(handler, make, records, event, context, halt, lanes)
        chains = {name: one.ready(self._app) for one in further for name in one.options["events"]}

        def chain_of(record: Any) -> Chain:
            return chains.get(record.get("eventName"), handler) if self._is_own(record) else handler

        failed: Failures = {}
        begin = 0
        for chain, run in groupby(records, chain_of):
            part = list(run)
            if failed and halt == "batch":
                failed.update((begin + place, None) for place in range(len(part)))
            else:
                lanes = lane_of_all if chain.options["concurrency"] is None else self.lanes
                found = super()._run(chain, make, part, event, context, halt, lanes)
                failed.update((begin + place, error) for place, error in found.items())
            begin += len(part)
        return failed

    def _record_of(self, declared: Any) -> Getter | None:
        if get_origin(declared) is Change:
            return _checked_change(get_args(declared)[0])
        return super()._record_of(declared)

    def _payload_of(self, declared: Any) -> Getter | None:
        return None

    def _is_own(self, record: Any) -> bool:
        return isinstance(record, dict) and isinstance(record.get("dynamodb"), dict)

    def _resolver(self, handler: Callable[..., Any], options: dict[str, Any]) -> Resolver:
        def resolve(parameter: Parameter) -> Getter | None:
            try:
                if get_origin(parameter.type) is Change:
                    return _change(get_args(parameter.type)[0])
                if parameter.name in ("new", "old"):
                    _check_image(handler, parameter, options["events"])
                    return _image(parameter)
                if parameter.name == "keys":
                    return _keys(parameter)
            except TypeError as error:
                raise AppError(
                    f"{described(handler)}: {parameter.name!r} cannot be made from an item: {error}"
                ) from None
            getter = window_parameter(parameter)
            if getter is None:
                raise AppError(
                    f"{described(handler)}: it is not clear what {parameter.name!r} is: it takes a "
                    "Change, or parameters named new, old and keys"
                )
            return getter

        return resolve


def _check_image(handler: Callable[..., Any], parameter: Parameter, events: tuple[str, ...]) -> None:
    """Raise AppError when an image is declared to be there always, and is not: such a record would never be handled."""
    absent = _ABSENT_AT[parameter.name]
    declared = members(parameter.type)
    if absent in events and not any(one in (Any, object, None, type(None)) for one in declared):
        others = tuple(event for event in events if event != absent)
        raise AppError(
            f"{described(handler)}: {parameter.name!r} is None for {absent}: declare it with `| None`, or have only "
            f"events={others}"
        )


def _change(item: Any) -> Getter:
    convert = from_object(item)

    def change(record: Any) -> Any:
        record._convert = convert
        return record

    return change


def _checked_change(item: Any) -> Getter:
    """With its images made: in a whole batch a record fails by itself, and not when the handler comes to it."""
    change = _change(item)

    def checked(record: Any) -> Any:
        change(record)
        _ = record.new, record.old
        return record

    return checked


def _image(parameter: Parameter) -> Getter:
    name = "NewImage" if parameter.name == "new" else "OldImage"
    return _converted(parameter, lambda record: record._values(name))


def _keys(parameter: Parameter) -> Getter:
    return _converted(parameter, lambda record: record.keys)


def _converted(parameter: Parameter, of: Callable[[Any], Any]) -> Getter:
    declared, place = parameter.type, parameter.name
    alternatives = members(declared)
    optional = type(None) in alternatives
    if optional and len(alternatives) == 2:
        # msgspec takes a union apart each time: ten times as long as the item itself.
        (declared,) = (one for one in alternatives if one is not type(None))
    if declared in (dict, dict[str, Any]) and (optional or place == "keys"):
        return of
    convert = from_object(declared)
    if convert is None:
        return of

    def value(record: Any) -> Any:
        found = of(record)
        if found is None and optional:
            return None
        try:
            return convert(found)
        except Invalid as invalid:
            raise InvalidParameter(place, place, invalid.errors) from None

    return value
