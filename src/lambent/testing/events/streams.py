"""Batches of records as Lambda reads them from Kinesis and from DynamoDB's streams.

Shapes: "Using Lambda with Kinesis" and "with DynamoDB" of the Lambda developer guide, with their tumbling windows;
attribute values as in DynamoDB's API reference (AttributeValue), in JSON.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambent.app.attribute_values import to_attribute as to_attribute_value
from lambent.app.attribute_values import to_attributes as to_attribute_values
from lambent.testing.events.values import (
    ACCOUNT,
    REGION,
    iso,
    iso_millis,
    new_digits,
    new_hex,
    new_uuid,
    seconds,
    to_base64,
    to_bytes,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lambent.testing.events.values import Moment

__all__ = [
    "KinesisRecord",
    "Window",
    "dynamodb_stream",
    "kinesis",
    "to_attribute_value",
    "to_attribute_values",
]


class KinesisRecord:
    """A record whose envelope matters to a test; bare data does otherwise."""

    __slots__ = ("data", "partition_key", "sequence_number", "time")

    def __init__(
        self,
        data: object,
        *,
        partition_key: str | None = None,
        sequence_number: str | None = None,
        time: Moment | None = None,
    ) -> None:
        self.data = data
        self.partition_key = partition_key
        self.sequence_number = sequence_number
        self.time = time


class Window:
    """A tumbling window: the state so far, and whether this is its last invocation."""

    __slots__ = ("end", "final", "start", "state", "terminated_early")

    def __init__(
        self,
        start: Moment,
        end: Moment,
        *,
        state: Mapping[str, Any] | None = None,
        final: bool = False,
        terminated_early: bool = False,
    ) -> None:
        self.start = start
        self.end = end
        self.state = dict(state or {})
        self.final = final
        self.terminated_early = terminated_early

    def members(self, shard: str, stream: str) -> dict[str, Any]:
        """What the event has beside its records."""
        return {
            "window": {"start": iso(self.start), "end": iso(self.end)},
            "state": self.state,
            "shardId": shard,
            "eventSourceARN": stream,
            "isFinalInvokeForWindow": self.final,
            "isWindowTerminatedEarly": self.terminated_early,
        }


def kinesis(
    records: Iterable[object],
    *,
    stream: str = "stream",
    shard: int = 0,
    window: Window | None = None,
) -> dict[str, Any]:
    """A batch of one shard: of data or of `KinesisRecord`s.

    Data is bytes, text in UTF-8 or any object, which becomes JSON. Sequence numbers rise; a record without a partition
    key gets one of its own.
    """
    arn = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/{stream}"
    shard_id = f"shardId-{shard:012d}"
    first = int(new_digits(56)) // 2
    batch: list[dict[str, Any]] = []
    for index, each in enumerate(records):
        record = each if isinstance(each, KinesisRecord) else KinesisRecord(each)
        sequence = record.sequence_number or str(first + index)
        batch.append(
            {
                "kinesis": {
                    "kinesisSchemaVersion": "1.0",
                    "partitionKey": record.partition_key or new_uuid(),
                    "sequenceNumber": sequence,
                    "data": to_base64(to_bytes(record.data)),
                    "approximateArrivalTimestamp": round(seconds(record.time), 3),
                },
                "eventSource": "aws:kinesis",
                "eventVersion": "1.0",
                "eventID": f"{shard_id}:{sequence}",
                "eventName": "aws:kinesis:record",
                "invokeIdentityArn": f"arn:aws:iam::{ACCOUNT}:role/function",
                "awsRegion": REGION,
                "eventSourceARN": arn,
            }
        )
    return {"Records": batch, **(window.members(shard_id, arn) if window else {})}


def dynamodb_stream(
    changes: Iterable[tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]],
    *,
    table: str = "table",
    keys: Sequence[str] = ("id",),
    view: str = "NEW_AND_OLD_IMAGES",
    expired: bool = False,
    shard: int = 0,
    time: Moment | None = None,
    window: Window | None = None,
) -> dict[str, Any]:
    """A batch of changes of items, each `(old, new)` in Python's values: `(None, new)` is an INSERT, `(old, None)` a
    REMOVE.

    `keys` names the key's attributes; ValueError if an item lacks one, or if a change has neither image. `view` says
    which images the stream has: KEYS_ONLY, NEW_IMAGE, OLD_IMAGE or NEW_AND_OLD_IMAGES. `expired` is for items that
    their time to live removed.
    """
    created = iso_millis(time, zone="")
    arn = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{table}/stream/{created}"
    first = int(new_digits(21)) // 2
    batch: list[dict[str, Any]] = []
    for index, (old, new) in enumerate(changes):
        item = new if new is not None else old
        if item is None:
            raise ValueError("a change has an old image, a new one or both")
        if missing := [key for key in keys if key not in item]:
            raise ValueError(
                f"the item lacks its key {', '.join(missing)}: name the key's attributes in `keys`"
            )
        images = {"Keys": to_attribute_values({key: item[key] for key in keys})}
        if new is not None and view in ("NEW_IMAGE", "NEW_AND_OLD_IMAGES"):
            images["NewImage"] = to_attribute_values(new)
        if old is not None and view in ("OLD_IMAGE", "NEW_AND_OLD_IMAGES"):
            images["OldImage"] = to_attribute_values(old)
        record: dict[str, Any] = {
            "eventID": new_hex(32),
            "eventName": "INSERT" if old is None else "REMOVE" if new is None else "MODIFY",
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": REGION,
            "dynamodb": {
                "ApproximateCreationDateTime": float(int(seconds(time))),
                **images,
                "SequenceNumber": str(first + index),
                "SizeBytes": sum(_size(image) for image in images.values()),
                "StreamViewType": view,
            },
            "eventSourceARN": arn,
        }
        if expired:
            record["userIdentity"] = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
        batch.append(record)
    return {"Records": batch, **(window.members(f"shardId-{shard:020d}-{new_hex(8)}", arn) if window else {})}


def _size(image: Mapping[str, Any]) -> int:
    """Bytes of names and values, near enough: DynamoDB packs numbers."""
    total = 0
    for name, value in image.items():
        total += len(name.encode())
        for content in value.values():
            if isinstance(content, dict):
                total += _size(content)
            elif isinstance(content, list):
                total += sum(_size({"": each}) if isinstance(each, dict) else len(each) for each in content)
            else:
                total += len(content.encode()) if isinstance(content, str) else 1
    return total
