"""Kinesis data streams: how they are asked, and what functions get of their records.

The event is that of "Process Amazon Kinesis Data Streams records with Lambda" in Lambda's developer guide, with its
members in the order in which AWS sends them (recorded by LocalStack's tests against AWS,
`test_lambda_integration_kinesis`). Requests name the stream by ARN and by name, as not every server knows both.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any, Final

import msgspec

from lambent.events.pollers.filters import data_of
from lambent.events.pollers.streams.record import StreamRecord
from lambent.events.pollers.streams.service import (
    Listing,
    Page,
    PositionLost,
    Shard,
    StreamCalls,
    StreamMissing,
    decode,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.events.pollers.streams.service import Position
    from lambent.neighbours.service_calls import CallService

_CONSUMER: Final = "/consumer/"


class _Range(msgspec.Struct):
    EndingSequenceNumber: str | None = None


class _Shard(msgspec.Struct):
    ShardId: str
    ParentShardId: str | None = None
    AdjacentParentShardId: str | None = None
    SequenceNumberRange: _Range = msgspec.field(default_factory=_Range)


class _Shards(msgspec.Struct):
    Shards: list[_Shard]
    NextToken: str | None = None


class _Summary(msgspec.Struct):
    StreamStatus: str = "ACTIVE"
    StreamCreationTimestamp: float = 0


class _Description(msgspec.Struct):
    StreamDescriptionSummary: _Summary


class _Iterator(msgspec.Struct):
    ShardIterator: str


class _Record(msgspec.Struct):
    SequenceNumber: str
    Data: str
    PartitionKey: str
    ApproximateArrivalTimestamp: int | float = 0


class _Records(msgspec.Struct):
    Records: list[_Record]
    NextShardIterator: str | None = None
    MillisBehindLatest: int | None = None


class KinesisStream:
    """One data stream, by its ARN or that of a consumer of it. `role` gives the ARN of the function's role."""

    most = 10_000

    def __init__(self, arn: str, call_service: CallService, role: Callable[[], str]) -> None:
        self._arn = arn
        self._stream_arn = arn.partition(_CONSUMER)[0]
        _, _, _, self._region, account, resource = self._stream_arn.split(":", 5)
        self._name = resource.partition("/")[2]
        self._calls = StreamCalls(call_service, "kinesis", self._region, account)
        self._role = role
        self._named = {"StreamName": self._name, "StreamARN": self._stream_arn}

    async def shards(self) -> Listing:
        """See StreamService."""
        role = self._role()
        body = await self._calls.ask("DescribeStreamSummary", self._named, role)
        summary = decode(body, _Description).StreamDescriptionSummary
        if summary.StreamStatus == "DELETING":
            raise StreamMissing(f"the stream {self._name} is being deleted")
        found: list[_Shard] = []
        parameters: dict[str, Any] = self._named
        while True:
            page = decode(await self._calls.ask("ListShards", parameters, role), _Shards)
            found += page.Shards
            if not page.NextToken:
                break
            parameters = {"NextToken": page.NextToken}
        shards = [
            Shard(
                each.ShardId,
                tuple(parent for parent in (each.ParentShardId, each.AdjacentParentShardId) if parent),
                each.SequenceNumberRange.EndingSequenceNumber is not None,
            )
            for each in found
        ]
        return Listing(str(round(summary.StreamCreationTimestamp * 1000)), shards)

    async def iterator(self, shard: Shard, position: Position) -> str:
        """See StreamService."""
        parameters: dict[str, Any] = {**self._named, "ShardId": shard.id}
        if position.after is not None:
            parameters |= {
                "ShardIteratorType": "AFTER_SEQUENCE_NUMBER",
                "StartingSequenceNumber": position.after,
            }
        elif position.latest:
            parameters |= {"ShardIteratorType": "LATEST"}
        elif position.since_ms is not None:
            parameters |= {"ShardIteratorType": "AT_TIMESTAMP", "Timestamp": position.since_ms / 1000}
        else:
            parameters |= {"ShardIteratorType": "TRIM_HORIZON"}
        try:
            body = await self._calls.ask("GetShardIterator", parameters, self._role())
        except StreamMissing as error:
            # Also a shard that is gone is a resource that was not found: the next listing tells which it was.
            raise PositionLost(str(error)) from error
        return str(decode(body, _Iterator).ShardIterator)

    async def records(self, shard: Shard, iterator: str, limit: int) -> Page:
        """See StreamService."""
        role = self._role()
        body = await self._calls.ask(
            "GetRecords", {"ShardIterator": iterator, "Limit": limit, "StreamARN": self._stream_arn}, role
        )
        answer: _Records = decode(body, _Records)
        head, middle = f'"eventID":"{shard.id}:', self._tail(role)
        records = [
            StreamRecord(
                each.SequenceNumber,
                each.PartitionKey,
                _event(each, head, middle),
                round(each.ApproximateArrivalTimestamp * 1000),
            )
            for each in answer.Records
        ]
        at_tip = not answer.MillisBehindLatest if answer.MillisBehindLatest is not None else not records
        return Page(records, answer.NextShardIterator, at_tip)

    def _tail(self, role: str) -> str:
        return (
            f'","eventName":"aws:kinesis:record","invokeIdentityArn":"{role}","awsRegion":"{self._region}",'
            f'"eventSourceARN":"{self._arn}"}}'
        )


def _event(record: _Record, head: str, tail: str) -> bytes:
    arrival = record.ApproximateArrivalTimestamp
    seconds = int(arrival) if arrival == int(arrival) else round(arrival, 3)
    key = msgspec.json.encode(record.PartitionKey).decode()
    return (
        f'{{"kinesis":{{"kinesisSchemaVersion":"1.0","partitionKey":{key},"sequenceNumber":"{record.SequenceNumber}"'
        f',"data":"{record.Data}","approximateArrivalTimestamp":{seconds}}},"eventSource":"aws:kinesis",'
        f'"eventVersion":"1.0",{head}{record.SequenceNumber}{tail}'
    ).encode()


def filtered_view(json: bytes) -> dict[str, Any]:
    """A record as filter patterns see it: `data` decoded, beside what surrounds it.

    From "Filter records from a Kinesis event source": patterns name `data`, and metadata by its own name.
    """
    record: dict[str, Any] = msgspec.json.decode(json)
    inner = record["kinesis"]
    try:
        inner["data"] = data_of(base64.b64decode(inner["data"]))
    except (binascii.Error, ValueError):
        inner["data"] = None
    return {**record, **inner}
