"""What happens to records of which the function wants nothing to know.

Counts and documents as LocalStack's tests have recorded them on AWS (test_lambda_integration_kinesis.snapshot.json).
"""

from __future__ import annotations

import itertools
import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from lambent.store import StorageFull

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.events.conftest import SimulatedClock
    from tests.events.pollers.streams.conftest import World

    OpenWorld = Callable[[], Any]

QUEUE = "arn:aws:sqs:us-east-1:000000000000:failed"
BUCKET = "arn:aws:s3:::failed"
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:reader"


@pytest.fixture(params=["kinesis", "dynamodb"])
def kind(request: pytest.FixtureRequest) -> str:
    """Both kinds of streams."""
    return str(request.param)


def fail_at(world: World, *poison: object) -> None:
    """Make the function fail when one of these is in a batch."""

    def answer(event: dict[str, Any]) -> None:
        if any(one in poison for one in world.function.data(event)):
            raise RuntimeError("poison")

    world.function.answer = answer


def report(world: World, *poison: object) -> None:
    """Make the function report these as failed."""

    def answer(event: dict[str, Any]) -> dict[str, Any]:
        failed = [
            (record.get("kinesis") or record["dynamodb"]).get("sequenceNumber")
            or record["dynamodb"]["SequenceNumber"]
            for record, one in zip(event["Records"], world.function.data(event), strict=True)
            if one in poison
        ]
        return {"batchItemFailures": [{"itemIdentifier": one} for one in failed]}

    world.function.answer = answer


async def test_a_failed_batch_holds_back_its_shard_alone(open_world: OpenWorld, kind: str) -> None:
    world: World
    async with open_world() as world:
        world.service.shards["shardId-1"] = type(world.service.shards["shardId-0"])()
        world.service.put(1, 2, 3)
        world.service.put(11, 12, 13, shard="shardId-1")
        await world.map(kind, batch_size=1)
        fail_at(world, 2)
        await world.start()
        await world.until(lambda: world.function.all.count(2) > 5, 500)
        assert 3 not in world.function.all
        assert [one for one in world.function.all if one > 10] == [11, 12, 13]
        assert world.results[-1] == "PROBLEM: Function call failed"
        world.function.answer = lambda _event: None
        await world.until(lambda: world.results[-1] == "OK", 500)
        await world.until(lambda: world.function.all[-1] == 3, 500)


async def test_retries_are_further_and_further_apart(open_world: OpenWorld, clock: SimulatedClock) -> None:
    world: World
    async with open_world() as world:
        times: list[int] = []

        def answer(_event: dict[str, Any]) -> None:
            times.append(clock.steady_ms())
            raise RuntimeError

        world.function.answer = answer
        world.service.put(1)
        await world.map()
        await world.start()
        await world.until(lambda: len(times) == 11, 250)
        pauses = [later - earlier for earlier, later in itertools.pairwise(times)]
        assert [round(pause, -1) for pause in pauses[:5]] == [250, 500, 1_000, 2_000, 4_000]
        assert 30_000 <= max(pauses) <= 30_250
        assert pauses == sorted(pauses)


async def test_records_that_are_given_up_are_counted_once_a_minute(
    open_world: OpenWorld, caplog: pytest.LogCaptureFixture
) -> None:
    world: World
    async with open_world() as world:
        world.service.put(*range(30))
        await world.map(batch_size=1, retry_attempts=0)
        fail_at(world, *range(30))
        await world.start()
        await world.until(lambda: 29 in world.function.all)
        said = [record.getMessage() for record in caplog.records if "given up" in record.getMessage()]
        assert len(said) == 1
        assert said[0].partition(": ")[2].startswith("1 records are given up, the last ones from ")


async def test_tried_often_enough(open_world: OpenWorld, kind: str) -> None:
    world: World
    async with open_world() as world:
        first, second, last = world.service.put(1, 2, 3)
        await world.map(kind, batch_size=2, retry_attempts=1, on_failure=QUEUE)
        fail_at(world, 2)
        await world.start()
        await world.until(lambda: 3 in world.function.all)
        assert world.function.batches == [[1, 2], [1, 2], [3]]
        (document,) = world.outbox.documents
        info = document.pop("KinesisBatchInfo" if kind == "kinesis" else "DDBStreamBatchInfo")
        assert re.fullmatch(r"[-0-9a-f]{36}", document["requestContext"].pop("requestId"))
        assert re.fullmatch(r"2023-11-14T22:13:\d\d\.\d{3}Z", document.pop("timestamp"))
        assert document == {
            "requestContext": {
                "functionArn": FUNCTION,
                "condition": "RetryAttemptsExhausted",
                "approximateInvokeCount": 2,
            },
            "responseContext": {
                "statusCode": 200,
                "executedVersion": "$LATEST",
                "functionError": "Unhandled",
            },
            "version": "1.0",
        }
        assert info == {
            "shardId": "shardId-0",
            "startSequenceNumber": first,
            "endSequenceNumber": second,
            "approximateArrivalOfFirstRecord": "2023-11-14T22:13:20Z",
            "approximateArrivalOfLastRecord": "2023-11-14T22:13:20Z",
            "batchSize": 2,
            "streamArn": world.mapping.source_arn,
        }
        (parcel,) = world.outbox.parcels
        assert parcel.target_arn == QUEUE
        assert parcel.role_arn == "arn:aws:iam::000000000000:role/reader"
        await world.reached("shardId-0", last)


async def test_without_a_destination_records_are_dropped(open_world: OpenWorld, kind: str) -> None:
    world: World
    async with open_world() as world:
        world.service.put(1, 2, 3)
        await world.map(kind, batch_size=1, retry_attempts=0)
        fail_at(world, 2)
        await world.start()
        await world.until(lambda: 3 in world.function.all)
        assert world.function.all == [1, 2, 3]
        assert not world.outbox.parcels


async def test_a_bucket_gets_the_whole_event(open_world: OpenWorld) -> None:
    world: World
    async with open_world() as world:
        world.service.put(1)
        await world.map(batch_size=1, retry_attempts=0, on_failure=BUCKET)
        fail_at(world, 1)
        await world.start()
        await world.until(lambda: world.outbox.parcels)
        (parcel,) = world.outbox.parcels
        assert json.loads(json.loads(parcel.body)["payload"]) == world.function.events[0]
        key = parcel.options["Key"]
        prefix = f"aws/lambda/{world.mapping.id}/shardId-0/2023/11/14/2023-11-14T22.13.20-"
        assert key.startswith(prefix)
        assert re.fullmatch(r"[-0-9a-f]{36}", key.removeprefix(prefix))


async def test_a_batch_is_halved_until_the_poison_is_alone(open_world: OpenWorld, kind: str) -> None:
    world: World
    async with open_world() as world:
        sequences = world.service.put(*range(8))
        await world.map(kind, batch_size=8, bisect_on_error=True, retry_attempts=1, on_failure=QUEUE)
        fail_at(world, 5)
        await world.start()
        await world.until(lambda: 7 in world.function.all and world.outbox.parcels)
        assert world.function.batches == [
            [0, 1, 2, 3, 4, 5, 6, 7],
            [0, 1, 2, 3],
            [4, 5, 6, 7],
            [4, 5],
            [4],
            [5],
            [5],
            [6, 7],
        ]
        (document,) = world.outbox.documents
        info = document["KinesisBatchInfo" if kind == "kinesis" else "DDBStreamBatchInfo"]
        assert info["startSequenceNumber"] == info["endSequenceNumber"] == sequences[5]
        await world.reached("shardId-0", sequences[7])


async def test_reported_failures_are_tried_again_from_the_first_one_on(
    open_world: OpenWorld, kind: str
) -> None:
    """Recorded: the remaining record is tried four times more with three retries, and counted four times."""
    world: World
    async with open_world() as world:
        world.service.put(1, 2, 3, 4, 5, 6)
        await world.map(kind, batch_size=3, retry_attempts=3, report_item_failures=True, on_failure=QUEUE)
        report(world, 6)
        await world.start()
        await world.until(lambda: world.outbox.parcels)
        assert world.function.batches == [[1, 2, 3], [4, 5, 6], [6], [6], [6], [6]]
        (document,) = world.outbox.documents
        assert document["requestContext"]["approximateInvokeCount"] == 4
        assert document["responseContext"]["functionError"] is None
        info = document["KinesisBatchInfo" if kind == "kinesis" else "DDBStreamBatchInfo"]
        assert info["batchSize"] == 1


async def test_several_reported_failures(open_world: OpenWorld, kind: str) -> None:
    world: World
    async with open_world() as world:
        world.service.put(1, 2, 3, 4)
        await world.map(kind, batch_size=4, retry_attempts=1, report_item_failures=True, on_failure=QUEUE)
        report(world, 2, 4)
        await world.start()
        await world.until(lambda: world.outbox.parcels)
        assert world.function.batches == [[1, 2, 3, 4], [2, 3, 4], [2, 3, 4]]
        report(world)
        world.service.put(5)
        await world.until(lambda: world.function.all[-1] == 5)


async def test_reports_and_halves_together(open_world: OpenWorld, kind: str) -> None:
    world: World
    async with open_world() as world:
        world.service.put(1, 2, 3, 4)
        await world.map(
            kind,
            batch_size=4,
            retry_attempts=0,
            report_item_failures=True,
            bisect_on_error=True,
            on_failure=QUEUE,
        )
        report(world, 3)
        await world.start()
        await world.until(lambda: world.function.all.count(4) == 3)
        assert world.function.batches == [[1, 2, 3, 4], [3, 4], [3], [4]]


@pytest.mark.parametrize(
    "result",
    [b"", b"null", b"{}", b"[]", b'""', b'{"batchItemFailures": []}', b'{"batchItemFailures": null}'],
)
async def test_answers_that_report_a_success(open_world: OpenWorld, result: bytes) -> None:
    world: World
    async with open_world() as world:
        world.service.put(1)
        await world.map(batch_size=1, retry_attempts=2, report_item_failures=True, on_failure=QUEUE)
        world.function.answer = lambda _event: result
        await world.start()
        await world.until(lambda: world.function.events)
        await world.rest()
        assert len(world.function.events) == 1


@pytest.mark.parametrize("identifier", ["", None, "not-there", 7])
async def test_answers_that_cannot_be_a_report(open_world: OpenWorld, identifier: object) -> None:
    world: World
    async with open_world() as world:
        world.service.put(1)
        await world.map(batch_size=1, retry_attempts=2, report_item_failures=True, on_failure=QUEUE)
        world.function.answer = lambda _event: {"batchItemFailures": [{"itemIdentifier": identifier}]}
        await world.start()
        await world.until(lambda: world.outbox.parcels)
        (document,) = world.outbox.documents
        assert len(world.function.events) == document["requestContext"]["approximateInvokeCount"] == 3
        assert document["responseContext"]["functionError"] is None


async def test_reports_are_not_looked_at_unless_the_mapping_says_so(open_world: OpenWorld, kind: str) -> None:
    world: World
    async with open_world() as world:
        world.service.put(1, 2)
        await world.map(kind)
        report(world, 1, 2)
        await world.start()
        await world.until(lambda: world.function.events)
        await world.rest()
        assert world.function.batches == [[1, 2]]


async def test_what_is_too_old_is_given_up_before_it_is_tried(open_world: OpenWorld, kind: str) -> None:
    world: World
    async with open_world() as world:
        old = world.service.put(1, 2)
        await world.rest(61_000)
        world.service.put(3)
        await world.map(kind, record_age_s=60, on_failure=QUEUE)
        await world.start()
        await world.until(lambda: world.function.events)
        assert world.function.batches == [[3]]
        (document,) = world.outbox.documents
        assert document["requestContext"]["condition"] == "RecordAgeExceeded"
        assert document["requestContext"]["approximateInvokeCount"] == 1
        assert "responseContext" not in document
        info = document["KinesisBatchInfo" if kind == "kinesis" else "DDBStreamBatchInfo"]
        assert [info["startSequenceNumber"], info["endSequenceNumber"], info["batchSize"]] == [*old, 2]


async def test_what_becomes_too_old_while_it_is_tried(open_world: OpenWorld, kind: str) -> None:
    world: World
    async with open_world() as world:
        world.service.put(1)
        await world.rest(20_000)
        world.service.put(2)
        await world.map(kind, record_age_s=60, on_failure=QUEUE)
        fail_at(world, 1)
        await world.start()
        await world.until(lambda: world.function.batches and world.function.batches[-1] == [2])
        assert set(world.function.all[:-1]) == {1, 2}
        (document,) = world.outbox.documents
        assert document["requestContext"]["condition"] == "RecordAgeExceeded"
        assert document["requestContext"]["approximateInvokeCount"] == 1
        assert "responseContext" not in document


async def test_what_becomes_too_old_while_the_function_takes_no_calls(
    open_world: OpenWorld, kind: str, clock: SimulatedClock
) -> None:
    world: World
    async with open_world() as world:
        world.service.put(1)
        await world.rest(20_000)
        world.service.put(2)
        await world.map(kind, record_age_s=60, on_failure=QUEUE)
        world.function.refuses = True
        await world.start()
        await world.until(lambda: world.function.waiting)
        await world.rest(30_000)
        world.function.give_up(clock.steady_ms())
        assert world.function.waiting
        await world.rest(15_000)
        world.function.give_up(clock.steady_ms())
        await world.until(lambda: world.outbox.parcels and world.function.waiting)
        world.function.accept()
        await world.until(lambda: world.function.all == [2])


async def test_nothing_is_given_up_before_that_is_durable(open_world: OpenWorld, kind: str) -> None:
    """A disk that is full for a while: the destination gets the record later, the shard waits for that."""
    world: World
    async with open_world() as world:
        world.service.put(1, 2)
        await world.map(kind, batch_size=1, retry_attempts=0, on_failure=QUEUE)
        fail_at(world, 1)
        full = True
        submit = world.database.submit

        def submit_or_not(statements: Any, done: Any) -> None:
            if full:
                done(None, StorageFull("no space"))
            else:
                submit(statements, done)

        await world.start()
        world.database.submit = submit_or_not  # type: ignore[method-assign]
        await world.until(lambda: world.function.events)
        await world.rest(20_000)
        assert world.function.all == [1]
        assert not world.outbox.parcels
        full = False
        await world.until(lambda: world.function.all == [1, 2])
        assert len(world.outbox.parcels) == 1


async def test_a_record_that_fits_into_no_event(open_world: OpenWorld) -> None:
    world: World
    async with open_world() as world:
        world.service.put(1, "x" * 6_000_000, 3)
        await world.map(on_failure=QUEUE)
        await world.start()
        await world.until(lambda: 3 in world.function.all)
        assert world.function.batches == [[1], [3]]
        (document,) = world.outbox.documents
        assert document["requestContext"]["condition"] == "PayloadSizeExceeded"
