"""The figures of `make bench`, each measured beside its floor in the same run."""

from __future__ import annotations

import asyncio
import concurrent.futures
import statistics
import time
from typing import TYPE_CHECKING, Any

from bench import deploying, events, framework, front_door, load, memory, runtimes, stacks
from bench.caller import Caller
from bench.figure import Figure
from bench.targets import ECHO, ROLE, RUNTIME, Platform, archive, floor
from lambent.execution.nursery import SPARES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_FLOOR_PATH = "http://127.0.0.1:{}/2015-03-31/functions/f/invocations"


def throughput(data: Path, rounds: int, seconds: float) -> Iterator[Figure]:
    """Warm invocations by wrk: floor, ours unsigned, ours with SigV4 verified; interleaved, medians."""
    names = ("floor", "ours", "signed")
    busy: dict[str, list[load.Load]] = {name: [] for name in names}
    single: dict[str, list[load.Load]] = {name: [] for name in names}
    (data / "verified").mkdir()
    (data / "open").mkdir()
    with (
        floor() as floor_port,
        Platform(data / "open") as ours,
        Platform(data / "verified", verify=True) as verified,
    ):
        ours.create("f")
        verified.create("f")
        targets: list[tuple[str, str, Any]] = [
            ("floor", _FLOOR_PATH.format(floor_port), None),
            ("ours", ours.invoke_url("f"), None),
            ("signed", verified.invoke_url("f"), verified.signed_headers("f", load.BODY)),
        ]
        for _, url, headers in targets:
            load.run(url, 16, 1, headers)
        for _ in range(rounds):
            for name, url, headers in targets:
                busy[name].append(load.run(url, 16, seconds, headers))
                single[name].append(load.run(url, 1, seconds, headers))
    assert not sum(one.errors for runs in (*busy.values(), *single.values()) for one in runs)
    rate = {name: statistics.median(one.rate for one in busy[name]) for name in names}
    p50 = {name: statistics.median(one.p50 for one in single[name]) for name in names}
    p99 = {name: statistics.median(one.p99 for one in single[name]) for name in names}
    tail = {name: statistics.median(one.p99 for one in busy[name]) for name in names}
    middle = {name: statistics.median(one.p50 for one in busy[name]) for name in names}
    yield Figure(
        "invocations/s, 16 connections",
        "/s",
        rate["ours"],
        rate["floor"],
        ">= 60 % of the floor and 20,000",
        rate["ours"] >= max(20_000, 0.6 * rate["floor"]),
    )
    yield Figure(
        "the same, SigV4 verified",
        "/s",
        rate["signed"],
        rate["floor"],
        ">= 50 % of the floor",
        rate["signed"] >= 0.5 * rate["floor"],
    )
    yield Figure(
        "p50 at one connection",
        "ms",
        p50["ours"],
        p50["floor"],
        "<= 1.8 x the floor and 0.15",
        p50["ours"] <= min(0.15, 1.8 * p50["floor"]),
    )
    yield Figure(
        "p99 / p50 at 16 connections",
        "x",
        tail["ours"] / middle["ours"],
        tail["floor"] / middle["floor"],
        "<= 5",
        tail["ours"] <= 5 * middle["ours"],
    )
    yield Figure("p99 at one connection", "ms", p99["ours"], p99["floor"])


def cold_start(data: Path, count: int) -> Iterator[Figure]:
    """From request to answer when no environment is there, the zygote being up."""
    with floor() as floor_port, Platform(data, idle_timeout_s="0.001") as ours:
        ours.create("f")
        cold_floor, cold_ours = [], []
        call_floor = Caller(floor_port, "/2015-03-31/functions/f/invocations")
        call_ours = Caller(ours.port, "/2015-03-31/functions/f/invocations")
        call_floor()
        call_ours()
        zygote = next(pid for pid in memory.children(ours.process.pid))
        for _ in range(count):
            call_floor.delete()
            time.sleep(0.01)
            cold_floor.append(call_floor())
            deadline = time.monotonic() + 10
            while len(memory.children(zygote)) > SPARES and time.monotonic() < deadline:
                time.sleep(0.01)
            cold_ours.append(call_ours())
    p50, floor_p50 = statistics.median(cold_ours), statistics.median(cold_floor)
    yield Figure(
        "cold start p50", "ms", p50, floor_p50, "<= 2 x the floor and 3.5", p50 <= min(3.5, 2 * floor_p50)
    )


def with_boto3(data: Path, count: int) -> Iterator[Figure]:
    """A boto3 client in a process of its own, warm function."""
    with Platform(data) as ours:
        ours.create("f")
        client = ours.client("lambda")
        times = []
        for _ in range(count + 10):
            begin = time.perf_counter()
            client.invoke(FunctionName="f", Payload=load.BODY)["Payload"].read()
            times.append((time.perf_counter() - begin) * 1000)
        p50 = statistics.median(times[10:])
        yield Figure("boto3 invoke p50", "ms", p50, None, "<= 6", p50 <= 6)


def environments(data: Path, count: int) -> Iterator[Figure]:
    """Memory of an idle platform and of idle environments, and the time to start many of them at once."""
    source = "import time\ndef handler(event, context):\n    time.sleep(event.get('sleep', 0))\n"
    with Platform(data) as ours:
        yield Figure("ready after start", "s", ours.ready_seconds, None, "<= 0.6", ours.ready_seconds <= 0.6)
        ours.create("f", source, Timeout=60)
        zygote = memory.children(ours.process.pid)[0]
        idle = memory.share_mb(ours.process.pid) + memory.share_mb(zygote)
        yield Figure("platform idle, zygote included", "MB", idle, None, "<= 80", idle <= 80)
        before = memory.available_mb()
        bursts = [asyncio.run(_all_at_once(ours.port, count, hold=3.0))]
        pids = memory.children(zygote)
        # Blank processes that wait for their first function are among them: the median is none of those.
        private = statistics.median(memory.private_mb(pid) for pid in pids)
        taken = (before - memory.available_mb()) / len(pids)
    for _ in range(2):
        with Platform(data) as again:
            bursts.append(asyncio.run(_all_at_once(again.port, count, hold=3.0)))
    seconds = statistics.median(bursts)
    yield Figure(
        f"{count} environments started", "s", seconds, None, "<= 1.2 for 500", seconds <= 1.2 * count / 500
    )
    # A virtual machine may first have to get a gigabyte from its host, which only the first burst pays for.
    yield Figure("the slowest of three such bursts", "s", max(bursts))
    yield Figure("idle environment, private memory", "MB", private, None, "<= 2", private <= 2)
    yield Figure("the same, of the machine's memory", "MB", taken)


async def _all_at_once(port: int, count: int, hold: float) -> float:
    """Seconds until `count` simultaneous invocations have all begun.

    Each holds its environment until all are there: none can be served by another's.
    """
    body = b'{"sleep": %g}' % hold
    call = (
        b"POST /2015-03-31/functions/f/invocations HTTP/1.1\r\nHost: bench\r\nContent-Length: %d\r\n\r\n"
        % len(body)
    ) + body
    connections = [await asyncio.open_connection("127.0.0.1", port) for _ in range(count)]
    started = time.perf_counter()
    for _, writer in connections:
        writer.write(call)
    for reader, _ in connections:
        assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
    seconds = time.perf_counter() - started - hold
    for _, writer in connections:
        writer.close()
    return seconds


def many_functions(data: Path, count: int) -> Iterator[Figure]:
    """What registered functions cost a start and an invocation."""
    with Platform(data) as empty:
        empty.create("f")
        ready_empty = empty.ready_seconds
        alone = load.run(empty.invoke_url("f"), 1, 2)
        client = empty.client("lambda")
        with concurrent.futures.ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda n: _register(client, f"other-{n}"), range(count)))
    with Platform(data) as full:
        added = full.ready_seconds - ready_empty
        crowded = load.run(full.invoke_url("f"), 1, 2)
    yield Figure(f"start-up added by {count:,} functions", "s", added, None, "<= 2", added <= 2)
    yield Figure("p50 at one connection with them", "ms", crowded.p50, alone.p50, "nothing added")


def _register(client: Any, name: str) -> None:
    client.create_function(
        FunctionName=name,
        Runtime=RUNTIME,
        Handler="app.handler",
        Role=ROLE,
        Code={"ZipFile": archive(ECHO)},
    )


def large_payload(data: Path, count: int) -> Iterator[Figure]:
    """An event of 6 MB that comes back as the result."""
    body = b'"' + b"x" * (6 * 1024 * 1024 - 100) + b'"'
    with floor() as floor_port, Platform(data) as ours:
        ours.create("f", MemorySize=512)
        path = "/2015-03-31/functions/f/invocations"
        call_floor, call_ours = Caller(floor_port, path), Caller(ours.port, path)
        floor_times = [call_floor(body) for _ in range(count)]
        times = [call_ours(body) for _ in range(count)]
    p50 = statistics.median(times)
    yield Figure("6 MB both ways", "ms", p50, statistics.median(floor_times), "<= 40", p50 <= 40)


ALL: dict[str, Callable[[Path, bool], Iterator[Figure]]] = {
    "throughput": lambda data, quick: throughput(data, 1 if quick else 3, 1 if quick else 3),
    "cold": lambda data, quick: cold_start(data, 10 if quick else 40),
    "boto3": lambda data, quick: with_boto3(data, 50 if quick else 300),
    "environments": lambda data, quick: environments(data, 50 if quick else 500),
    "functions": lambda data, quick: many_functions(data, 200 if quick else 10_000),
    "runtimes": runtimes.measure,
    "framework": framework.measure,
    "front_door": front_door.measure,
    "events": events.measure,
    "stacks": stacks.measure,
    "deploying": deploying.measure,
    "payload": lambda data, quick: large_payload(data, 5 if quick else 20),
}
