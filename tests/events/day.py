"""A platform's events on simulated time: its functions, what was asked of it, and what must be true of it.

Everything is real but time and the processes of functions: registry, queues, mappings, deliveries, buses, schedules and
the async queue, on a database. A crash leaves what was committed at that moment, and nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
from collections import Counter, defaultdict
from functools import partial
from typing import TYPE_CHECKING, Any

from tests.events.conftest import SimulatedClock

from lambent.events.bus import NewEvent, Target
from lambent.events.mapping import Settings as MappingSettings
from lambent.events.queues import NewMessage
from lambent.events.schedules.schedule import Settings as ScheduleSettings
from lambent.execution.invocation import Invocation
from lambent.functions import CodeStore, FunctionRegistry, Limits, Reference, event_invoke
from lambent.functions.attachments import EventInvokeConfig
from lambent.functions.settings import Settings as FunctionSettings
from lambent.invocation.errors import Throttled, ThrottleReason
from lambent.invocation.request_id import new_request_id
from lambent.node.events import Events
from lambent.observe import LogStore, open_log_store
from lambent.store import BlobStore, open_database

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from random import Random

    from lambent.store import Database

ACCOUNT, REGION = "000000000000", "us-east-1"
MINUTE = 60_000
RATE_MINUTES = 20
RECEIVES = 4
TIMEOUT_S = 60
VISIBILITY_S = 6 * TIMEOUT_S


def _message(body: str, group: str | None = None, deduplication_id: str | None = None) -> NewMessage:
    return NewMessage(body=body, group=group, deduplication_id=deduplication_id)


def queue_arn(name: str) -> str:
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"


def function_arn(name: str) -> str:
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"


class Life:
    """The platform from a start to its end, which is a crash."""

    def __init__(self, day: Day, folder: Path, clock: SimulatedClock) -> None:
        self.day = day
        self.folder = folder
        self.clock = clock
        self.dead = False
        self.registry: FunctionRegistry
        self.database: Database
        self.logs: LogStore
        self.events: Events
        self.submitted = 0

    async def open(self, package: bytes | None = None) -> None:
        self.database = await open_database(self.folder / "lambent.db", "normal")
        self.logs = await open_log_store(self.folder / "logs.db")
        submit = self.database.submit

        def counted(statements: Any, done: Any) -> None:
            self.submitted += 1
            submit(statements, done)

        self.database.submit = counted  # type: ignore[method-assign]
        home = self.day.folder
        code = CodeStore(home / "code", BlobStore(home / "blobs"), Limits())
        self.registry = await FunctionRegistry.open(self.database, code)
        self.registry.resume()
        self.events = await Events.open(
            self.database,
            self,  # type: ignore[arg-type]
            self.logs,
            self._no_service,
            {},
            contextlib.AsyncExitStack(),
            retry_seconds=(60.0, 120.0),
            clock=self.clock,
        )
        if package is not None:
            await self._furnish(package)
        await self.events.start()

    async def _furnish(self, package: bytes) -> None:
        """What users would set up, once."""
        for name in ("worker", "ordered", "job", "tick"):
            reference = Reference(ACCOUNT, REGION, name, None)
            settings = FunctionSettings(
                runtime="python3.12", handler="app.handler", role="arn:aws:iam::000000000000:role/r"
            )
            await self.registry.create(reference, package, settings)
            await self.registry.settled(reference)
            config = EventInvokeConfig(
                modified_ms=0, on_success=queue_arn("outcomes"), on_failure=queue_arn("outcomes")
            )
            await self.registry.change(
                reference, partial(event_invoke.put, qualifier="$LATEST", config=config)
            )
        queues = self.events.queues
        policy = {
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "events.amazonaws.com"},
                    "Action": "sqs:SendMessage",
                    "Resource": "*",
                }
            ]
        }
        for suffix, fifo in (("", {}), (".fifo", {"FifoQueue": "true"})):
            await queues.create(ACCOUNT, REGION, f"dead{suffix}", fifo, {})
            redrive = {"deadLetterTargetArn": queue_arn(f"dead{suffix}"), "maxReceiveCount": RECEIVES}
            attributes = {
                **fifo,
                "VisibilityTimeout": str(VISIBILITY_S),
                "RedrivePolicy": json.dumps(redrive),
            }
            await queues.create(ACCOUNT, REGION, f"work{suffix}", attributes, {})
        await queues.create(ACCOUNT, REGION, "outcomes", {"Policy": json.dumps(policy)}, {})
        await queues.create(ACCOUNT, REGION, "orders", {"Policy": json.dumps(policy)}, {})
        for function, source in (("worker", "work"), ("ordered", "work.fifo")):
            await self.events.mappings.create(
                ACCOUNT,
                REGION,
                function_arn(function),
                MappingSettings(batch_size=5, report_item_failures=True),
                source_arn=queue_arn(source),
            )
        buses = self.events.buses
        await buses.rules.put(ACCOUNT, REGION, None, "orders", pattern='{"source": ["shop"]}', schedule=None)
        await buses.rules.put_targets(
            ACCOUNT, REGION, None, "orders", [Target(id="1", arn=queue_arn("orders"), input_path="$.detail")]
        )
        target = {
            "Arn": function_arn("tick"),
            "RoleArn": "arn:aws:iam::000000000000:role/r",
            "Input": '{"at": "<aws.scheduler.scheduled-time>"}',
            "RetryPolicy": {"MaximumEventAgeInSeconds": 86_400, "MaximumRetryAttempts": 185},
        }
        await self.events.schedules.create(
            ScheduleSettings(expression=f"rate({RATE_MINUTES} minutes)", target=target),
            account=ACCOUNT,
            region=REGION,
            partition="aws",
            group="default",
            name="tick",
            token="",
        )

    async def _no_service(self, call: Any) -> Any:
        raise AssertionError(f"{call} was not expected")

    # ------------------------------------------------------------ the invoker, and its runners

    def runner(self, target: Any) -> Runner:
        return Runner(self, target.version.name)

    # ------------------------------------------------------------ time

    async def settle(self) -> None:
        """Wait until everything that was written is durable and has had its consequences."""
        quiet = 0
        while quiet < 2:
            before = self.submitted
            await self.database.write()
            for _ in range(10):
                await asyncio.sleep(0)
            quiet = quiet + 1 if self.submitted == before + 1 else 0

    async def pass_time(self, milliseconds: int) -> None:
        """Let time pass; the disk and the loop take none of it."""
        end = self.clock.steady_ms() + milliseconds
        await self.settle()
        while (due := self.clock.next_ms()) is not None and due <= end:
            before = self.submitted
            await self.clock.advance(max(0, due - self.clock.steady_ms()))
            if self.submitted != before:
                await self.settle()
        await self.clock.advance(end - self.clock.steady_ms())

    async def crash(self, folder: Path) -> None:
        """End at once. What was committed is in `folder`."""
        self.dead = True
        with (
            contextlib.closing(sqlite3.connect(self.folder / "lambent.db")) as source,
            contextlib.closing(sqlite3.connect(folder / "lambent.db")) as copy,
        ):
            source.backup(copy)
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.sleep(0)
        await self.database.close()
        await self.logs.close()


class Runner:
    """Runs a function: when and how it ends is drawn."""

    def __init__(self, life: Life, name: str) -> None:
        self.life = life
        self.name = name

    def invoke(self, payload: bytes, request_id: bytes, trace: bytes, extra: bytes, finished: Any) -> None:
        life, day = self.life, self.life.day
        if life.dead:
            return
        if day.running[self.name] >= day.concurrency[self.name]:
            day.throttled = True
            raise Throttled(ThrottleReason.RESERVED)
        day.running[self.name] += 1
        event = json.loads(payload)
        end = day.began(self.name, event)
        invocation = Invocation(payload, request_id, trace, extra, finished)
        life.clock.at_steady(
            life.clock.steady_ms() + day.random.randint(1, TIMEOUT_S * 1000), self._end, invocation, end
        )

    def _end(self, invocation: Invocation, end: Callable[[], tuple[bytes, bool]]) -> None:
        if self.life.dead:
            return
        self.life.day.running[self.name] -= 1
        invocation.result, invocation.function_error = end()
        invocation.finished(invocation)


class Day:
    """What was asked, what was seen, and what must hold."""

    def __init__(self, folder: Path, random: Random) -> None:
        self.folder = folder
        self.random = random
        self.life: Life
        self.lives = 0
        self.throttled = False
        self.began_ms = 0
        self.down: list[tuple[int, int]] = []
        self.running: Counter[str] = Counter()
        self.concurrency = dict.fromkeys(("worker", "ordered", "job", "tick"), 10)
        self._ids = 0
        # Accepted, in order; what functions saw and did.
        self.messages: set[int] = set()
        self.groups: dict[str, list[int]] = defaultdict(list)
        self.asked: dict[str, int] = {}
        self.published: set[int] = set()
        self.poison: set[int] = set()
        self.starts: Counter[int] = Counter()
        self.succeeded: set[int] = set()
        self.ended_well: set[int] = set()
        self.errors: list[str] = []

    @property
    def crashes(self) -> int:
        return self.lives - 1

    async def begin(self, package: bytes) -> None:
        clock = SimulatedClock()
        self.began_ms = clock.steady_ms()
        await self._live(clock, package)

    async def _live(self, clock: SimulatedClock, package: bytes | None = None) -> None:
        folder = self.folder / f"life-{self.lives}"
        folder.mkdir(exist_ok=True)
        self.lives += 1
        self.running.clear()
        self.life = Life(self, folder, clock)
        await self.life.open(package)

    async def crash(self, down_ms: int) -> None:
        """End at once, and start again after a while."""
        folder = self.folder / f"life-{self.lives}"
        folder.mkdir()
        await self.life.crash(folder)
        wall = self.life.clock.wall_ms()
        self.down.append((wall, wall + down_ms))
        # A new process: its steady clock starts at the wall's time.
        await self._live(SimulatedClock(wall + down_ms))

    # ------------------------------------------------------------ what users do

    def _new(self, poison: float) -> int:
        self._ids += 1
        if self.random.random() < poison:
            self.poison.add(self._ids)
        return self._ids

    def send(self, count: int) -> None:
        """Send messages; accepted are those that are acknowledged before a crash."""
        life = self.life
        ids = [self._new(0.1) for _ in range(count)]

        def done(sent: Any, error: Any) -> None:
            if not life.dead and error is None:
                self.messages.update(ids)

        queue = life.events.queues.queue(ACCOUNT, REGION, "work")
        queue.send([_message(json.dumps({"id": each})) for each in ids], done)

    def send_ordered(self, group: str, count: int) -> None:
        """Send messages of a group, one after the other."""
        life = self.life
        ids = [self._new(0.03) for _ in range(count)]

        def done(sent: Any, error: Any) -> None:
            if not life.dead and error is None:
                self.groups[group].extend(ids)

        queue = life.events.queues.queue(ACCOUNT, REGION, "work.fifo")
        messages = [
            _message(json.dumps({"id": each, "group": group}), group, f"{group}-{each}") for each in ids
        ]
        queue.send(messages, done)

    def invoke(self, count: int) -> None:
        """Invoke a function asynchronously."""
        life = self.life
        target = life.registry.resolve(ACCOUNT, REGION, "job", None)
        for _ in range(count):
            number, request_id = self._new(0.2), new_request_id()
            staged = life.events.async_queue.stage(
                target, None, json.dumps({"id": number}).encode(), request_id, "", b""
            )

            def done(
                results: Any,
                error: Any,
                staged: Any = staged,
                request_id: str = request_id,
                number: int = number,
            ) -> None:
                if life.dead:
                    return
                if error is None:
                    self.asked[request_id] = number
                staged.settled(error)

            life.database.submit(staged.statements, done)

    def publish(self, count: int) -> None:
        """Put events on the bus."""
        life = self.life
        ids = [self._new(0) for _ in range(count)]

        def done(put: Any, error: Any) -> None:
            if not life.dead and error is None:
                self.published.update(ids)

        entries = [
            NewEvent(source="shop", detail_type="order", detail=json.dumps({"id": each})) for each in ids
        ]
        life.events.buses.put_events(ACCOUNT, REGION, entries, done)

    # ------------------------------------------------------------ what functions do

    def began(self, name: str, event: Any) -> Callable[[], tuple[bytes, bool]]:
        """A function was called; returns how it ends."""
        if "Records" in event:
            bodies = [json.loads(record["body"]) for record in event["Records"]]
            names = [record["messageId"] for record in event["Records"]]
            self.starts.update(body["id"] for body in bodies)
            if name == "ordered":
                self._check_order(bodies)
            return lambda: self._processed(bodies, names, ordered=name == "ordered")
        if name == "tick":
            return lambda: (b"null", False)
        self.starts[event["id"]] += 1
        return lambda: self._done(event["id"])

    def _check_order(self, bodies: Sequence[Any]) -> None:
        """FIFO: nothing of a group is seen before everything before it was processed, or given up."""
        seen: set[int] = set()
        dead = {each["id"] for each in self._peek("dead.fifo")}
        for body in bodies:
            for earlier in self.groups[body["group"]]:
                if earlier >= body["id"]:
                    break
                if earlier not in self.succeeded and earlier not in seen and earlier not in dead:
                    self.errors.append(f"{body} came before {earlier}")
            seen.add(body["id"])

    def _processed(self, bodies: Sequence[Any], names: Sequence[str], *, ordered: bool) -> tuple[bytes, bool]:
        if self.random.random() < 0.05:
            return b'{"errorMessage": "whole", "errorType": "Error"}', True
        failed: list[str] = []
        for body, name in zip(bodies, names, strict=True):
            if (ordered and failed) or body["id"] in self.poison or self.random.random() < 0.05:
                failed.append(name)
            else:
                self.succeeded.add(body["id"])
        return json.dumps(
            {"batchItemFailures": [{"itemIdentifier": name} for name in failed]}
        ).encode(), False

    def _done(self, number: int) -> tuple[bytes, bool]:
        if number in self.poison or self.random.random() < 0.1:
            return b'{"errorMessage": "no", "errorType": "Error"}', True
        self.ended_well.add(number)
        return b"null", False

    # ------------------------------------------------------------ what must hold

    def _peek(self, name: str) -> list[Any]:
        rows = sqlite3.connect(self.life.folder / "lambent.db")
        with contextlib.closing(rows):
            queue = self.life.events.queues.queue(ACCOUNT, REGION, name)
            found = rows.execute("SELECT body FROM messages WHERE id >> 42 = ?", (queue.number,)).fetchall()
        return [json.loads(body) for (body,) in found]

    @property
    def at_rest(self) -> bool:
        """Whether nothing is left to be done but what schedules bring."""
        with contextlib.closing(sqlite3.connect(self.life.folder / "lambent.db")) as rows:
            ((jobs,),) = rows.execute("SELECT count(*) FROM async_events WHERE name = 'job'").fetchall()
        return not (jobs or self._peek("work") or self._peek("work.fifo"))

    def check(self) -> None:
        """After everything had its time: nothing lost, nothing twice where it must not be."""
        assert self.errors == []
        dead = Counter(each["id"] for each in self._peek("dead"))
        assert self._peek("work") == [], "messages were never processed"
        assert self._peek("work.fifo") == [], "messages of groups were never processed"
        missing = self.messages - self.succeeded - dead.keys()
        assert not missing, f"messages were lost: {missing}"
        assert not self.poison & self.succeeded
        assert all(count == 1 for count in dead.values()), f"dead letters are there twice: {dead}"
        for number in dead:
            assert self.starts[number] <= RECEIVES + self.crashes
            # What waits for a throttled function is received again and again, as on AWS.
            assert self.starts[number] >= RECEIVES - self.crashes or self.throttled
        ordered = Counter(each["id"] for each in self._peek("dead.fifo"))
        for group, ids in self.groups.items():
            skipped = [each for each in ids if each not in self.succeeded and each not in ordered]
            assert not skipped, f"messages of group {group} were lost: {skipped}"

        outcomes = self._peek("outcomes")
        jobs = Counter(
            each["requestContext"]["requestId"]
            for each in outcomes
            if ":job:" in each["requestContext"]["functionArn"]
        )
        assert not self.asked.keys() - jobs.keys(), "asynchronous events have no outcome"
        assert all(count == 1 for count in jobs.values()), f"events have more than one outcome: {jobs}"
        for each in outcomes:
            number = self.asked.get(each["requestContext"]["requestId"])
            if number is not None and each["requestContext"]["condition"] == "Success":
                assert number in self.ended_well
        orders = Counter(each["id"] for each in self._peek("orders"))
        assert not self.published - orders.keys(), "events were lost"
        assert all(count == 1 for count in orders.values()), f"events were delivered twice: {orders}"
        self._check_ticks(
            [
                each["requestPayload"]["at"]
                for each in outcomes
                if ":tick:" in each["requestContext"]["functionArn"]
            ]
        )

    def _check_ticks(self, times: list[str]) -> None:
        counts = Counter(times)
        assert all(count == 1 for count in counts.values()), f"a schedule fired twice for one time: {counts}"
        assert times, "a schedule never fired"
