"""A day of a platform with random work, throttles, clocks that are set, and crashes: nothing accepted is lost."""

from __future__ import annotations

import asyncio
import io
import shutil
import tempfile
import zipfile
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from tests.events.day import MINUTE, Day

if TYPE_CHECKING:
    from collections.abc import Coroutine

HOURS = 24
MOST_HOURS_OF_REST = 48


class Work(NamedTuple):
    """What users ask for at one moment."""

    messages: int
    ordered: dict[str, int]
    """How many messages of each group."""
    jobs: int
    events: int

    def ask(self, day: Day) -> None:
        if self.messages:
            day.send(self.messages)
        for group, count in self.ordered.items():
            day.send_ordered(group, count)
        day.invoke(self.jobs)
        if self.events:
            day.publish(self.events)


_WORK = st.builds(
    Work,
    messages=st.integers(0, 30),
    ordered=st.dictionaries(st.sampled_from(["a", "b", "c"]), st.integers(1, 10)),
    jobs=st.integers(0, 8),
    events=st.integers(0, 5),
)


class ADay(RuleBasedStateMachine):
    """Work comes in, functions end as they like, and now and then everything stops at once."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.runner = asyncio.Runner()
        self.day: Day | None = None

    def run(self, work: Coroutine[Any, Any, None]) -> None:
        self.runner.run(work)

    @initialize(seed=st.integers(0, 2**32))
    def begin(self, seed: int) -> None:
        self.day = Day(self.folder, Random(seed))  # noqa: S311 - what functions do
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w") as archive:
            archive.writestr("app.py", "")
        self.run(self.day.begin(target.getvalue()))

    @property
    def _day(self) -> Day:
        assert self.day is not None
        return self.day

    def _pass(self, milliseconds: int) -> None:
        self.run(self._day.life.pass_time(milliseconds))

    @precondition(lambda self: self.day is not None)
    @rule(
        work=_WORK,
        wait_ms=st.sampled_from([0, 1, 40, 1_000, 5 * MINUTE, 30 * MINUTE, 180 * MINUTE]),
        limits=st.dictionaries(
            st.sampled_from(["worker", "ordered", "job", "tick"]), st.sampled_from([0, 1, 10]), max_size=2
        ),
        clock_set=st.sampled_from([0, 0, 0, 0, -1, 30, 120]),
    )
    def go_on(self, work: Work, wait_ms: int, limits: dict[str, int], clock_set: int) -> None:
        """With no wait the next rule comes before any of the work is durable."""
        day = self._day

        async def ask() -> None:
            day.concurrency.update(limits)
            if clock_set:
                day.life.clock.jump(clock_set * MINUTE)
            work.ask(day)
            if wait_ms:
                await day.life.pass_time(wait_ms)

        self.run(ask())

    @precondition(lambda self: self.day is not None)
    @rule(
        work=_WORK,
        wait_ms=st.sampled_from([0, 0, 40, 1_000, 5 * MINUTE]),
        rounds=st.integers(0, 20),
        down=st.sampled_from([0, 0, 1, 30, 90]),
    )
    def crash(self, work: Work, wait_ms: int, rounds: int, down: int) -> None:
        """Everything ends at once, whatever is being done, and starts again after some minutes."""
        day = self._day

        async def kill() -> None:
            work.ask(day)
            if wait_ms:
                await day.life.pass_time(wait_ms)
                work.ask(day)
            for _ in range(rounds):
                await asyncio.sleep(0)
            await day.crash(down * MINUTE)

        self.run(kill())

    def teardown(self) -> None:
        try:
            if self.day is not None:
                self._rest(self.day)
        finally:
            self.runner.close()
            shutil.rmtree(self.folder, ignore_errors=True)

    def _rest(self, day: Day) -> None:
        """Let the day end, and what is left over be done; then look at everything."""
        for name in day.concurrency:
            day.concurrency[name] = 10
        left = day.began_ms + HOURS * 60 * MINUTE - day.life.clock.steady_ms()
        self._pass(max(left, 0))
        for _ in range(MOST_HOURS_OF_REST):
            if day.at_rest:
                break
            self._pass(60 * MINUTE)
        day.check()


ADay.TestCase.settings = settings(
    max_examples=3,
    stateful_step_count=15,
    deadline=None,
    phases=[Phase.generate],  # the store's thread makes every run another: nothing to shrink
    suppress_health_check=list(HealthCheck),
)
TestADay = ADay.TestCase
