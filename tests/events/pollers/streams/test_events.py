"""Events, member by member, in the order in which AWS sends them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.events.pollers.streams.conftest import World

    OpenWorld = Callable[[], Any]


async def test_kinesis(open_world: OpenWorld) -> None:
    world: World
    async with open_world() as world:
        (sequence,) = world.service.put({"n": 1}, key='quo"ted ü')
        await world.map("kinesis")
        await world.start()
        await world.until(lambda: world.function.events)
        expected = {
            "Records": [
                {
                    "kinesis": {
                        "kinesisSchemaVersion": "1.0",
                        "partitionKey": 'quo"ted ü',
                        "sequenceNumber": sequence,
                        "data": "eyJuIjogMX0=",
                        "approximateArrivalTimestamp": 1_700_000_000,
                    },
                    "eventSource": "aws:kinesis",
                    "eventVersion": "1.0",
                    "eventID": f"shardId-0:{sequence}",
                    "eventName": "aws:kinesis:record",
                    "invokeIdentityArn": "arn:aws:iam::000000000000:role/reader",
                    "awsRegion": "us-east-1",
                    "eventSourceARN": "arn:aws:kinesis:us-east-1:000000000000:stream/orders",
                }
            ]
        }
        assert json.dumps(world.function.events[0]) == json.dumps(expected)
        await world.clock.advance(123)
        world.service.put(2)
        await world.until(lambda: len(world.function.events) == 2)
        arrival = world.function.events[1]["Records"][0]["kinesis"]["approximateArrivalTimestamp"]
        assert isinstance(arrival, float)
        assert round(arrival, 3) == arrival


async def test_kinesis_consumer(open_world: OpenWorld) -> None:
    """A mapping may name a consumer of the stream; its records say so."""
    world: World
    async with open_world() as world:
        arn = "arn:aws:kinesis:us-east-1:000000000000:stream/orders/consumer/me:1700000000"
        await world.map("kinesis", arn=arn)
        world.service.put(1)
        await world.start()
        await world.until(lambda: world.function.events)
        assert world.function.events[0]["Records"][0]["eventSourceARN"] == arn
        named = dict(world.service.asked)["DescribeStreamSummary"]
        assert named == {
            "StreamName": "orders",
            "StreamARN": "arn:aws:kinesis:us-east-1:000000000000:stream/orders",
        }


async def test_dynamodb(open_world: OpenWorld) -> None:
    world: World
    async with open_world() as world:
        await world.clock.advance(567)
        (sequence,) = world.service.put(1, key="a")
        await world.map("dynamodb")
        await world.start()
        await world.until(lambda: world.function.events)
        expected = {
            "Records": [
                {
                    "eventID": f"e{sequence}",
                    "eventName": "INSERT",
                    "eventVersion": "1.1",
                    "eventSource": "aws:dynamodb",
                    "awsRegion": "us-east-1",
                    "dynamodb": {
                        "ApproximateCreationDateTime": 1_700_000_000.0,
                        "Keys": {"id": {"S": "a"}},
                        "NewImage": {"id": {"S": "a"}, "data": {"S": "1"}},
                        "SequenceNumber": sequence,
                        "SizeBytes": 12,
                        "StreamViewType": "NEW_IMAGE",
                    },
                    "eventSourceARN": world.mapping.source_arn,
                }
            ]
        }
        assert json.dumps(world.function.events[0]) == json.dumps(expected)


async def test_dynamodb_removals_by_time_to_live(open_world: OpenWorld) -> None:
    world: World
    async with open_world() as world:
        world.service.identity = {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"}
        world.service.put(1, key="a")
        await world.map("dynamodb")
        await world.start()
        await world.until(lambda: world.function.events)
        record = world.function.events[0]["Records"][0]
        assert record["userIdentity"] == {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
