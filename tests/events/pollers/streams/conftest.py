"""A stream's service that can be made to fail, a function that can be made to wait, and a poller between them.

What it is like to read from a real server is tested on the platform (tests/platform/test_mappings_streams.py).
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
import uuid
from collections import defaultdict, deque
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from lambent.events.mapping import Mapping, Settings
from lambent.events.pollers.calls import FAILED, Called
from lambent.events.pollers.poller import Parts
from lambent.events.pollers.streams import StreamPoller, check_stream
from lambent.events.sources import KINDS, completed
from lambent.neighbours.service_calls import ServiceAnswer
from lambent.store import Statement, open_database
from lambent.store.staged import Staged

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable
    from pathlib import Path

    from tests.events.conftest import SimulatedClock

    from lambent.events.deliveries import Parcel
    from lambent.neighbours.service_calls import ServiceCall
    from lambent.store import Database, StoreError

ROLE = "arn:aws:iam::000000000000:role/reader"
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:reader"
ARNS = {
    "kinesis": "arn:aws:kinesis:us-east-1:000000000000:stream/orders",
    "dynamodb": "arn:aws:dynamodb:us-east-1:000000000000:table/orders/stream/2026-01-01T00:00:00.000",
}
_ITERATORS_LAST_MS = 300_000


class Shard:
    """A shard of the service. `trimmed`: how many of its records are gone."""

    def __init__(self, parents: tuple[str, ...] = ()) -> None:
        self.parents = parents
        self.closed = False
        self.trimmed = 0
        self.records: list[dict[str, Any]] = []


class Service:
    """Serves Kinesis and DynamoDB streams in their protocols' shapes.

    `faults[operation]` holds what is answered instead, in order: `(code, status)`, or an exception. `asked` is what was
    asked. A page has at most `page` records.
    """

    def __init__(self, clock: SimulatedClock) -> None:
        self.clock = clock
        self.created = 1_700_000_000
        self.shards: dict[str, Shard] = {"shardId-0": Shard()}
        self.faults: dict[str, deque[tuple[str, int] | Exception]] = defaultdict(deque)
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.page = 10_000
        self.largest = 10_000
        self.identity: dict[str, str] = {}
        self._sequence = 49_000

    def put(self, *data: object, shard: str = "shardId-0", key: str = "k") -> list[str]:
        """Add records of JSON data; their sequence numbers."""
        sequences = []
        for one in data:
            self._sequence += 1
            text = one if isinstance(one, bytes) else json.dumps(one).encode()
            self.shards[shard].records.append(
                {"sequence": str(self._sequence), "key": key, "data": text, "ms": self.clock.wall_ms()}
            )
            sequences.append(str(self._sequence))
        return sequences

    def split(self, shard: str, *children: str) -> None:
        """Close a shard; others take its place."""
        self.shards[shard].closed = True
        self.shards |= {child: Shard((shard,)) for child in children}

    def count(self, operation: str) -> int:
        """How often it was asked for."""
        return sum(one == operation for one, _ in self.asked)

    async def __call__(self, call: ServiceCall) -> ServiceAnswer:
        self.asked.append((call.operation, call.parameters))
        if self.faults[call.operation]:
            fault = self.faults[call.operation].popleft()
            if isinstance(fault, Exception):
                raise fault
            return _refusal(*fault)
        answer = getattr(self, f"_{call.service}_{call.operation}", None) or getattr(
            self, f"_{call.operation}"
        )
        found: ServiceAnswer | dict[str, Any] = answer(call.parameters)
        return (
            found if isinstance(found, ServiceAnswer) else ServiceAnswer(200, [], json.dumps(found).encode())
        )

    def _DescribeStreamSummary(self, _parameters: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        summary = {"StreamStatus": "ACTIVE", "StreamCreationTimestamp": self.created}
        return {"StreamDescriptionSummary": summary}

    def _ListShards(self, parameters: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        """One at a time, as if there were more than a page holds."""
        ids = list(self.shards)
        at = int(parameters.get("NextToken", 0))
        page = [self._described(name) for name in ids[at : at + 1]]
        return {"Shards": page, **({"NextToken": str(at + 1)} if at + 1 < len(ids) else {})}

    def _DescribeStream(self, parameters: dict[str, Any]) -> dict[str, Any]:  # noqa: N802
        ids = list(self.shards)
        after = parameters.get("ExclusiveStartShardId")
        at = ids.index(after) + 1 if after else 0
        stream = {
            "StreamLabel": parameters["StreamArn"].rpartition("/")[2],
            "Shards": [self._described(name) for name in ids[at : at + 1]],
        }
        if at + 1 < len(ids):
            stream["LastEvaluatedShardId"] = ids[at]
        return {"StreamDescription": stream}

    def _described(self, name: str) -> dict[str, Any]:
        shard = self.shards[name]
        described: dict[str, Any] = {"ShardId": name, "SequenceNumberRange": {"StartingSequenceNumber": "1"}}
        if shard.closed:
            described["SequenceNumberRange"]["EndingSequenceNumber"] = "99999"
        names = ("ParentShardId", "AdjacentParentShardId")
        return {**described, **dict(zip(names, shard.parents, strict=False))}

    def _GetShardIterator(self, parameters: dict[str, Any]) -> dict[str, Any] | ServiceAnswer:  # noqa: N802
        name = parameters["ShardId"]
        if name not in self.shards:
            return _refusal("ResourceNotFoundException", 400)
        shard = self.shards[name]
        records = shard.records
        match parameters["ShardIteratorType"]:
            case "TRIM_HORIZON":
                at = shard.trimmed
            case "LATEST":
                at = len(records)
            case "AT_TIMESTAMP":
                since = parameters["Timestamp"] * 1000
                at = next((n for n, one in enumerate(records) if one["ms"] >= since), len(records))
            case _:
                after = parameters.get("StartingSequenceNumber") or parameters["SequenceNumber"]
                at = next(n for n, one in enumerate(records) if one["sequence"] == after) + 1
                if at <= shard.trimmed:
                    return _refusal("TrimmedDataAccessException", 400)
        return {"ShardIterator": self._iterator(name, at)}

    def _iterator(self, name: str, at: int) -> str:
        return f"{name}|{at}|{self.clock.steady_ms()}"

    def _found(
        self, parameters: dict[str, Any]
    ) -> tuple[list[dict[str, Any]], str | None, int] | ServiceAnswer:
        name, at, given_ms = parameters["ShardIterator"].split("|")
        if self.clock.steady_ms() - int(given_ms) > _ITERATORS_LAST_MS:
            return _refusal("ExpiredIteratorException", 400)
        records = self.shards[name].records
        found = records[int(at) : int(at) + min(self.page, parameters["Limit"])]
        if len(found) > self.largest:
            return ServiceAnswer(200, [], b"")
        after = int(at) + len(found)
        behind = len(records) - after
        ended = self.shards[name].closed and not behind
        return found, None if ended else self._iterator(name, after), behind

    def _kinesis_GetRecords(self, parameters: dict[str, Any]) -> dict[str, Any] | ServiceAnswer:  # noqa: N802
        page = self._found(parameters)
        if isinstance(page, ServiceAnswer):
            return page
        found, iterator, behind = page
        records = [
            {
                "SequenceNumber": one["sequence"],
                "ApproximateArrivalTimestamp": one["ms"] / 1000,
                "Data": base64.b64encode(one["data"]).decode(),
                "PartitionKey": one["key"],
            }
            for one in found
        ]
        return {"Records": records, "NextShardIterator": iterator, "MillisBehindLatest": behind}

    def _dynamodbstreams_GetRecords(self, parameters: dict[str, Any]) -> dict[str, Any] | ServiceAnswer:  # noqa: N802
        page = self._found(parameters)
        if isinstance(page, ServiceAnswer):
            return page
        found, iterator, _behind = page
        records = [
            {
                "eventID": f"e{one['sequence']}",
                "eventName": "INSERT",
                "eventVersion": "1.1",
                "eventSource": "aws:dynamodb",
                "awsRegion": "us-east-1",
                "dynamodb": {
                    "ApproximateCreationDateTime": one["ms"] / 1000,
                    "Keys": {"id": {"S": one["key"]}},
                    "NewImage": {"id": {"S": one["key"]}, "data": {"S": one["data"].decode()}},
                    "SequenceNumber": one["sequence"],
                    "SizeBytes": 12,
                    "StreamViewType": "NEW_IMAGE",
                },
                **({"userIdentity": self.identity} if self.identity else {}),
            }
            for one in found
        ]
        return {"Records": records, **({"NextShardIterator": iterator} if iterator else {})}


def _refusal(code: str, status: int) -> ServiceAnswer:
    body = {"__type": f"com.amazonaws.kinesis#{code}", "message": f"{code}, as was asked for"}
    return ServiceAnswer(status, [], json.dumps(body).encode())


class Function:
    """Takes the place of FunctionCalls. `answer(event)` is what the function returns; an exception is its error.

    With `held` set to a list, calls stay there until `release` is called. While it `refuses`, calls are not begun:
    `accept` begins them, `give_up` tells those whose time is up.
    """

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.running = 0
        self.most = 0
        self.answer: Callable[[dict[str, Any]], Any] = lambda _event: None
        self.held: list[Callable[[], None]] | None = None
        self.life = 0
        self.refuses = False
        self.waiting: list[tuple[Callable[[], None], Callable[[], None], int | None]] = []

    @property
    def batches(self) -> list[list[Any]]:
        """The data of the records of each call."""
        return [self.data(event) for event in self.events]

    def data(self, event: dict[str, Any]) -> list[Any]:
        """The data of the records of a call."""
        return [data_of(record) for record in event["Records"]]

    @property
    def all(self) -> list[Any]:
        """The data of all records, in the order of the calls."""
        return [one for batch in self.batches for one in batch]

    def invoke(
        self,
        mapping: Mapping,
        payload: bytes,
        _trace: str | None,
        finished: Callable[[Called], None],
        *,
        until_ms: int | None = None,
    ) -> Any:
        assert len(payload) <= 6_291_456
        loop = asyncio.get_running_loop()
        request_id, life = str(uuid.uuid4()), self.life

        def tell(called: Called) -> None:
            if life == self.life:
                finished(called)

        def run() -> None:
            event = json.loads(payload)
            self.events.append(event)
            self.running += 1
            self.most = max(self.most, self.running)
            if self.held is None:
                loop.call_soon(end, event)
            else:
                self.held.append(lambda: end(event))

        def end(event: dict[str, Any]) -> None:
            self.running -= 1
            try:
                result = self.answer(event)
            except RuntimeError as error:
                tell(Called("FunctionError", FAILED, str(error).encode(), request_id, "$LATEST", FUNCTION))
            else:
                encoded = result if isinstance(result, bytes) else msgspec.json.encode(result)
                tell(Called("Success", "OK", encoded, request_id, "$LATEST", FUNCTION))

        def refuse() -> None:
            tell(Called("Refused", FAILED, b"", request_id, "", FUNCTION))

        waiting = (run, refuse, until_ms)
        if self.refuses:
            self.waiting.append(waiting)
        else:
            loop.call_soon(run)

        def cancel() -> bool:
            if waiting in self.waiting:
                self.waiting.remove(waiting)
                return True
            return False

        return SimpleNamespace(cancel=cancel)

    def accept(self) -> None:
        """Begin what was refused."""
        self.life = 0
        self.refuses = False
        waiting, self.waiting = self.waiting, []
        for run, _, _ in waiting:
            run()

    def give_up(self, now_ms: int) -> None:
        """Tell those calls that are refused and whose time is up."""
        late = [one for one in self.waiting if one[2] is not None and one[2] <= now_ms]
        self.waiting = [one for one in self.waiting if one not in late]
        for _, refuse, _ in late:
            refuse()

    def problem(self, _mapping: Mapping) -> str:
        return "PROBLEM: Function call was throttled" if self.waiting else ""

    def target(self, _mapping: Mapping) -> Any:
        return SimpleNamespace(version=SimpleNamespace(role=ROLE))

    def release(self) -> None:
        """Let all calls that are held come to their end."""
        held, self.held = self.held or [], None
        for end in held:
            end()


def data_of(record: dict[str, Any]) -> Any:
    """What was put."""
    if "kinesis" in record:
        return json.loads(base64.b64decode(record["kinesis"]["data"]))
    return json.loads(record["dynamodb"]["NewImage"]["data"]["S"])


class Outbox:
    """Takes the place of Deliveries: what is durable is in `parcels`."""

    def __init__(self) -> None:
        self.parcels: list[Parcel] = []

    def stage(self, parcels: Iterable[Parcel]) -> Staged:
        kept = list(parcels)

        def settled(error: StoreError | None) -> None:
            if error is None:
                self.parcels += kept

        return Staged((), settled)

    @property
    def documents(self) -> list[dict[str, Any]]:
        return [json.loads(parcel.body) for parcel in self.parcels]


class World:
    """A mapping's surroundings; `start` begins to read, `stop` ends it and `crash` does so without a word."""

    def __init__(self, database: Database, clock: SimulatedClock) -> None:
        self.database = database
        self.clock = clock
        self.service = Service(clock)
        self.function = Function()
        self.outbox = Outbox()
        self.results: list[str] = []
        self.mapping: Mapping
        self.poller: StreamPoller
        self.running: list[StreamPoller] = []
        self.elsewhere: frozenset[str] = frozenset()

    async def map(self, kind: str = "kinesis", position: str = "TRIM_HORIZON", **settings: Any) -> None:
        """A new mapping."""
        members = {"starting_timestamp": settings.pop("timestamp", None)}
        self.mapping = Mapping(
            id=str(uuid.uuid4()),
            account="000000000000",
            region="us-east-1",
            source_kind=kind,
            source_arn=settings.pop("arn", ARNS[kind]),
            function_arn=FUNCTION,
            settings=completed(KINDS[kind], Settings(**settings)),
            state="Enabled",
            target="Enabled",
            modified_ms=0,
            starting_position=position,
            **members,
        )
        insert = "INSERT INTO event_source_mappings VALUES (?, '000000000000', 'us-east-1', 1, '{}')"
        await self.database.write(Statement(insert, (self.mapping.id,)))

    async def start(self) -> None:
        """Read, from where it had come to."""
        self.poller = StreamPoller(self.mapping, self._parts())
        self.running.append(self.poller)
        await self.poller.start()

    async def check(self) -> None:
        """What a new mapping meets."""
        await check_stream(self.mapping, self._parts())

    def _parts(self) -> Parts:
        return Parts(
            calls=self.function,  # type: ignore[arg-type]
            queues=None,  # type: ignore[arg-type]
            deliveries=self.outbox,  # type: ignore[arg-type]
            call_service=self.service,
            clock=self.clock,
            database=self.database,
            elsewhere=self.elsewhere,
            processed=lambda _mapping, text: self.results.append(text),
        )

    async def stop(self) -> None:
        await self.poller.stop()
        self.running.remove(self.poller)

    def crash(self) -> None:
        """As if the process had ended: nothing of the poller happens any more, what is in the database stays."""
        poller = self.poller
        self.running.remove(poller)
        readers = list(poller._readers.values())
        for task in (poller._task, *(reader._task for reader in readers)):
            if task is not None:
                task.cancel()
        for reader in readers:
            reader.stopped = True
            for lane in reader._lanes:
                lane.stop()
        self.function.life += 1
        self.function.waiting.clear()
        self.function.release()

    async def until(self, condition: Callable[[], object], step_ms: int = 100) -> None:
        """Let time pass until something is so."""
        end = time.monotonic() + 10
        while not condition():
            assert time.monotonic() < end, (self.function.batches[-5:], self.outbox.parcels, self.results)
            await self.clock.advance(step_ms)
            await asyncio.sleep(0.0005)

    async def seen(self, records: int) -> None:
        """Wait until the function has been called with so many records."""
        await self.until(lambda: len(self.function.all) == records)

    async def rest(self, ms: int = 5_000) -> None:
        """Let time pass, whatever happens."""
        for _ in range(10):
            await self.clock.advance(ms // 10)
            await asyncio.sleep(0.001)

    async def progress(self) -> dict[str, Any]:
        """The last record of each shard that is done with, as it is written down."""
        rows = await self.database.read("SELECT shard_id, sequence FROM stream_progress")
        return {str(shard): sequence for shard, sequence in rows}

    async def keeps(self, *shards: str) -> None:
        """Wait until these are the shards of which anything is written down."""
        end = time.monotonic() + 10
        while set(await self.progress()) != set(shards):
            assert time.monotonic() < end, await self.progress()
            await self.rest(10_000)

    async def reached(self, shard: str, sequence: str) -> None:
        """Wait until progress is written down."""
        end = time.monotonic() + 10
        while (await self.progress()).get(shard) != sequence:
            assert time.monotonic() < end, await self.progress()
            await self.clock.advance(100)
            await asyncio.sleep(0.001)


@pytest.fixture
def open_world(tmp_path: Path, clock: SimulatedClock) -> Callable[[], Any]:
    """Opens worlds, closed when the `async with` ends."""
    import contextlib

    @contextlib.asynccontextmanager
    async def opened() -> AsyncIterator[World]:
        database = await open_database(tmp_path / "lambent.db", "normal")
        world = World(database, clock)
        try:
            yield world
        finally:
            world.function.release()
            for poller in world.running:
                await poller.stop()
            await database.close()

    return opened
