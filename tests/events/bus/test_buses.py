"""Events reach the targets of all rules that match them, in one transaction; rules outlast the platform."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from typing import TYPE_CHECKING

import pytest

from lambent.events.bus import Target
from lambent.events.bus.errors import BusNotFound, InvalidRequest
from lambent.events.bus.event import MAX_BYTES
from lambent.events.deliveries import Parcel, Undeliverable
from lambent.store import StoreError

from .conftest import ACCOUNT, REGION, events_in, new

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Opened

PATTERN = '{"source":["shop"]}'
TOPIC = f"arn:aws:sns:{REGION}:{ACCOUNT}:alerts"


async def test_all_targets_of_all_rules_that_match(world: Opened) -> None:
    async with world() as here:
        queues = [await here.queue(name) for name in ("a", "b", "c")]
        await here.rule("one", queues[0].arn, queues[1].arn, pattern=PATTERN)
        await here.rule("two", queues[2].arn, pattern='{"detail":{"n":[1]}}')
        await here.rule("three", queues[2].arn, pattern='{"detail":{"n":[2]}}')
        outcome = await here.put(new(), new("other"))
        assert isinstance(outcome, list)
        first, second = (put.event_id for put in outcome)
        assert [[event["id"] for event in events_in(queue)] for queue in queues] == [
            [first],
            [first],
            [first, second],
        ]


async def test_nothing_is_taken_when_it_cannot_be_stored(world: Opened, tmp_path: Path) -> None:
    async with world() as here:
        queue = await here.queue("a")
        await here.rule("one", queue.arn, TOPIC, pattern=PATTERN)
        with sqlite3.connect(tmp_path / "lambent.db") as other:
            other.execute("DROP TABLE deliveries")
        assert isinstance(await here.put(new()), StoreError)
        assert events_in(queue) == []
        assert here.calls == []


async def test_rules_are_there_after_a_restart(world: Opened) -> None:
    async with world() as here:
        await here.buses.create(ACCOUNT, REGION, "custom", tags={"a": "1"}, description="mine")
        await here.rule("one", (await here.queue("a")).arn, pattern=PATTERN)
        before = here.buses.rules.get(ACCOUNT, REGION, None, "one")
        bus = here.buses.find(ACCOUNT, REGION, "custom").bus
    async with world() as here:
        assert here.buses.rules.get(ACCOUNT, REGION, None, "one") == before
        assert here.buses.find(ACCOUNT, REGION, "custom").bus == bus
        await here.put(new())
        assert len(events_in(await here.queue("a"))) == 1


async def test_deleted_things_stay_away(world: Opened) -> None:
    async with world() as here:
        await here.buses.create(ACCOUNT, REGION, "custom")
        await here.rule("one", pattern=PATTERN)
        await here.buses.rules.delete(ACCOUNT, REGION, None, "one")
        await here.buses.delete(ACCOUNT, REGION, "custom")
    async with world() as here:
        assert here.buses.rules.rules(ACCOUNT, REGION, None) == []
        with pytest.raises(BusNotFound):
            here.buses.find(ACCOUNT, REGION, "custom")


async def test_a_rule_does_not_outlive_the_bus_that_is_deleted_while_it_is_put(
    world: Opened, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with world() as here:
        await here.buses.create(ACCOUNT, REGION, "custom")
        rules = here.buses.rules
        _, put = await asyncio.gather(
            here.buses.delete(ACCOUNT, REGION, "custom"),
            rules.put(ACCOUNT, REGION, "custom", "late", pattern=PATTERN, schedule=None),
            return_exceptions=True,
        )
        assert isinstance(put, BusNotFound)
        assert await here.database.read("SELECT name FROM event_rules") == []
        # What an earlier version may have left does not keep the platform from starting.
        await here.buses.create(ACCOUNT, REGION, "custom")
        await rules.put(ACCOUNT, REGION, "custom", "orphan", pattern=PATTERN, schedule=None)
        with sqlite3.connect(tmp_path / "lambent.db") as other:
            other.execute("DELETE FROM event_buses")
    async with world() as here:
        assert "orphan is left out: its bus is not there" in caplog.text


async def test_what_cannot_be_made_for_a_target_is_no_harm_to_others(world: Opened) -> None:
    async with world() as here:
        letters, queue = await here.queue("letters"), await here.queue("a")
        huge = Target(
            id="huge",
            arn=queue.arn,
            paths={"a": "$.detail.a"},
            template="[" + ",".join(["<a>"] * 1000) + "]",
            dead_letter_arn=letters.arn,
        )
        await here.rule("one", queue.arn, pattern=PATTERN)
        await here.buses.rules.put_targets(ACCOUNT, REGION, None, "one", [huge])
        outcome = await here.put(new(detail=json.dumps({"a": "x" * 100_000})))
        assert isinstance(outcome, list)
        assert outcome[0].event_id is not None
        assert len(events_in(queue)) == 1
        (letter,) = letters.take(1)
        assert b"the input for the target is larger than 1048576 bytes" in letter.attributes
        assert len(letter.body) > 100_000


async def test_partition_keys_are_at_paths(world: Opened) -> None:
    stream = Target(
        id="1",
        arn=f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/s",
        role_arn=f"arn:aws:iam::{ACCOUNT}:role/any",
        parameters={"KinesisParameters": {"PartitionKeyPath": "nowhere"}},
    )
    async with world() as here:
        await here.rule("one", pattern=PATTERN)
        with pytest.raises(InvalidRequest, match="PartitionKeyPath for target 1 contains invalid JSONPath"):
            await here.buses.rules.put_targets(ACCOUNT, REGION, None, "one", [stream])


async def test_clear_forgets_everything(world: Opened) -> None:
    async with world() as here:
        await here.buses.create(ACCOUNT, REGION, "custom")
        await here.rule("one", pattern=PATTERN)
        await here.buses.clear()
        assert [bus.name for bus in here.buses.buses(ACCOUNT, REGION)] == ["default"]
        assert here.buses.rules.rules(ACCOUNT, REGION, None) == []
    async with world() as here:
        assert here.buses.rules.rules(ACCOUNT, REGION, None) == []


async def test_size_is_that_of_all_entries_together(world: Opened) -> None:
    async with world() as here:

        def entry(size: int) -> object:
            fixed = new(time_ms=1, resources=("r",), detail="").size
            return new(time_ms=1, resources=("r",), detail='{"a":"%s"}' % ("x" * (size - fixed - 8)))

        half = MAX_BYTES // 2
        await here.put(entry(half), entry(half))  # type: ignore[arg-type]
        with pytest.raises(InvalidRequest, match="over the limit"):
            await here.put(entry(half), entry(half + 1))  # type: ignore[arg-type]


def delivery(**members: object) -> Parcel:
    given = {
        "target_arn": f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default",
        "body": '{"responsePayload":1}',
        "account": ACCOUNT,
        "region": REGION,
        "principal": "lambda.amazonaws.com",
        "source_arn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f",
        "options": {"Source": "lambda", "DetailType": "Result", "Resources": ["a", "b"]},
    }
    return Parcel(**{**given, **members})  # type: ignore[arg-type]


async def test_what_is_delivered_to_a_bus_becomes_an_event(world: Opened) -> None:
    async with world() as here:
        queue = await here.queue("a")
        await here.rule("one", queue.arn, pattern='{"source":["lambda"]}')
        staged = here.deliveries.stage([delivery()])
        await here.database.write(*staged.statements)
        staged.settled(None)
        (event,) = events_in(queue)
        assert (event["source"], event["detail-type"], event["resources"], event["detail"]) == (
            "lambda",
            "Result",
            ["a", "b"],
            {"responsePayload": 1},
        )


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"target_arn": f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/missing"}, "NO_RESOURCE"),
        ({"target_arn": f"arn:aws:events:{REGION}:111111111111:event-bus/default"}, "NO_PERMISSIONS"),
        ({"body": "what?"}, "INVALID_JSON"),
        ({"body": "what?", "options": {}}, "INVALID_JSON"),
    ],
)
async def test_deliveries_that_a_bus_does_not_take(
    world: Opened, members: dict[str, object], code: str
) -> None:
    async with world() as here:
        with pytest.raises(Undeliverable) as caught:
            here.buses.stage_delivery(delivery(**members))
        assert caught.value.code == code


async def test_a_rule_for_a_service(world: Opened) -> None:
    async with world() as here:
        await here.rule("one", TOPIC, pattern=PATTERN)
        await here.put(new())
        await here.passing(0.01)
        assert [(call.service, call.operation) for call in here.calls] == [("sns", "Publish")]


async def test_each_delivery_to_a_log_group_has_a_stream_of_its_own(world: Opened) -> None:
    group = f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/g:*"
    async with world() as here:
        await here.rule("one", group, group, pattern=PATTERN)
        await here.put(new())
        await here.passing(0.01)
        made = [call.parameters for call in here.calls if call.operation == "CreateLogStream"]
        assert [one["logGroupName"] for one in made] == ["/g", "/g"]
        assert len({one["logStreamName"] for one in made}) == 2
