"""Rules with schedules: when they fire, what their targets get, and what happens around restarts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .conftest import ACCOUNT, REGION, events_in

if TYPE_CHECKING:
    from .conftest import Opened

RULE = f"arn:aws:events:{REGION}:{ACCOUNT}:rule/tick"


async def test_the_event_of_a_schedule(world: Opened) -> None:
    async with world() as here:
        queue = await here.queue("a")
        await here.rule("tick", queue.arn, schedule="rate(1 minute)")
        # A rule without a schedule, whose pattern would match: the event is for the rule that has fired alone.
        other = await here.queue("b")
        await here.rule("other", other.arn, pattern='{"source":["aws.events"]}')
        await here.passing(59)
        assert events_in(queue) == []
        await here.passing(2)
        (event,) = events_in(queue)
        assert event.pop("id")
        assert event == {
            "version": "0",
            "detail-type": "Scheduled Event",
            "source": "aws.events",
            "account": ACCOUNT,
            "time": "2023-11-14T22:14:20Z",
            "region": REGION,
            "resources": [RULE],
            "detail": {},
        }
        assert events_in(other) == []


async def test_disabled_deleted_and_changed_schedules(world: Opened) -> None:
    async with world() as here:
        queue = await here.queue("a")
        await here.rule("tick", queue.arn, schedule="rate(1 minute)")
        await here.buses.rules.enable(ACCOUNT, REGION, None, "tick", on=False)
        await here.passing(120)
        assert events_in(queue) == []
        await here.buses.rules.enable(ACCOUNT, REGION, None, "tick", on=True)
        await here.passing(61)
        assert len(events_in(queue)) == 1
        await here.rule("tick", schedule="rate(1 hour)")
        await here.passing(600)
        assert events_in(queue) == []
        await here.rule("tick", pattern='{"source":["a"]}')
        await here.passing(7200)
        assert events_in(queue) == []
        await here.rule("tick", schedule="cron(0 * * * ? *)")
        await here.passing(3600)
        assert len(events_in(queue)) == 1
        await here.buses.rules.remove_targets(ACCOUNT, REGION, None, "tick", ["0"])
        await here.buses.rules.delete(ACCOUNT, REGION, None, "tick")
        await here.passing(3600)
        assert await here.database.read("SELECT * FROM timetable") == []


async def test_what_was_missed_fires_once(world: Opened) -> None:
    async with world() as here:
        await here.rule("tick", (await here.queue("a")).arn, schedule="rate(1 minute)")
    async with world() as here:
        here.clock.jump(600_000)
    async with world() as here:
        await here.passing(0.2)
        assert len(events_in(await here.queue("a"))) == 1


async def test_targets_may_come_and_go_while_a_schedule_runs(world: Opened) -> None:
    async with world() as here:
        queue = await here.queue("a")
        await here.rule("tick", schedule="rate(1 minute)")
        await here.passing(61)
        await here.rule("tick", queue.arn, schedule="rate(1 minute)")
        await here.passing(61)
        assert len(events_in(queue)) == 1
