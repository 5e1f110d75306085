"""DynamoDB's streams: how they are asked, and what functions get of the changes in them.

The event is that of "Using AWS Lambda with Amazon DynamoDB" in Lambda's developer guide, with its members in the order
in which AWS sends them (recorded by LocalStack's tests against AWS, `test_lambda_integration_dynamodbstreams`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

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

_encode = msgspec.json.Encoder().encode
_ABSENT = msgspec.Raw()


class _Range(msgspec.Struct):
    EndingSequenceNumber: str | None = None


class _Shard(msgspec.Struct):
    ShardId: str
    ParentShardId: str | None = None
    SequenceNumberRange: _Range = msgspec.field(default_factory=_Range)


class _Stream(msgspec.Struct):
    StreamLabel: str = ""
    StreamStatus: str = "ENABLED"
    Shards: list[_Shard] = []
    LastEvaluatedShardId: str | None = None


class _Description(msgspec.Struct):
    StreamDescription: _Stream


class _Iterator(msgspec.Struct):
    ShardIterator: str


class _Change(msgspec.Struct, omit_defaults=True):
    """What is in a record's `dynamodb`, in the order of the events of Lambda. Items stay as they came."""

    ApproximateCreationDateTime: int | float = 0
    Keys: msgspec.Raw = _ABSENT
    NewImage: msgspec.Raw = _ABSENT
    OldImage: msgspec.Raw = _ABSENT
    SequenceNumber: str = ""
    SizeBytes: int = 0
    StreamViewType: str = ""


class _Identity(msgspec.Struct):
    PrincipalId: str = ""
    Type: str = ""


class _Record(
    msgspec.Struct, rename={"event_id": "eventID", "event_name": "eventName", "user": "userIdentity"}
):
    event_id: str
    event_name: str
    dynamodb: _Change
    user: _Identity | None = None


class _Records(msgspec.Struct):
    Records: list[_Record]
    NextShardIterator: str | None = None


class TableStream:
    """One stream of a table, by its ARN. `role` gives the ARN of the function's role."""

    most = 1_000

    def __init__(self, arn: str, call_service: CallService, role: Callable[[], str]) -> None:
        self._arn = arn
        _, _, _, self._region, account, resource = arn.split(":", 5)
        self._label = resource.split("/", 3)[3]
        self._calls = StreamCalls(call_service, "dynamodbstreams", self._region, account)
        self._role = role

    async def shards(self) -> Listing:
        """See StreamService."""
        found: list[_Shard] = []
        parameters: dict[str, Any] = {"StreamArn": self._arn}
        while True:
            body = await self._calls.ask("DescribeStream", parameters, self._role())
            stream: _Stream = decode(body, _Description).StreamDescription
            if stream.StreamLabel != self._label:
                # A server that looks at the table's name alone.
                raise StreamMissing(f"the table has another stream now, {stream.StreamLabel or 'or none'}")
            found += stream.Shards
            if not stream.LastEvaluatedShardId:
                break
            parameters = {"StreamArn": self._arn, "ExclusiveStartShardId": stream.LastEvaluatedShardId}
        shards = [
            Shard(
                each.ShardId,
                (each.ParentShardId,) if each.ParentShardId else (),
                each.SequenceNumberRange.EndingSequenceNumber is not None,
            )
            for each in found
        ]
        return Listing(self._label, shards)

    async def iterator(self, shard: Shard, position: Position) -> str:
        """See StreamService. The service knows no times: from a time on means from the beginning on."""
        parameters = {"StreamArn": self._arn, "ShardId": shard.id}
        if position.after is not None:
            parameters |= {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": position.after}
        else:
            parameters |= {"ShardIteratorType": "LATEST" if position.latest else "TRIM_HORIZON"}
        try:
            body = await self._calls.ask("GetShardIterator", parameters, self._role())
        except StreamMissing as error:
            raise PositionLost(str(error)) from error
        return str(decode(body, _Iterator).ShardIterator)

    async def records(self, shard: Shard, iterator: str, limit: int) -> Page:
        """See StreamService."""
        body = await self._calls.ask(
            "GetRecords", {"ShardIterator": iterator, "Limit": min(limit, self.most)}, self._role()
        )
        answer: _Records = decode(body, _Records)
        records = [self._record(each) for each in answer.Records]
        return Page(records, answer.NextShardIterator, not records)

    def _record(self, record: _Record) -> StreamRecord:
        change = record.dynamodb
        # Rounded down to a second (API reference of StreamRecord), whatever the server may have; with a fraction all
        # the same: test_dynamodb_event_filter, which was run against AWS, says that it is a float.
        created = int(change.ApproximateCreationDateTime)
        change.ApproximateCreationDateTime = float(created)
        event: dict[str, Any] = {
            "eventID": record.event_id,
            "eventName": record.event_name,
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": self._region,
            "dynamodb": change,
        }
        if record.user is not None:
            event["userIdentity"] = {
                "principalId": record.user.PrincipalId,
                "type": record.user.Type,
            }
        event["eventSourceARN"] = self._arn
        return StreamRecord(change.SequenceNumber, bytes(change.Keys), _encode(event), created * 1000)


def filtered_view(json: bytes) -> dict[str, Any]:
    """A record as filter patterns see it: as functions get it ("Filter records from a DynamoDB event source")."""
    record: dict[str, Any] = msgspec.json.decode(json)
    return record
