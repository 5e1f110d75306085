"""From queues to functions, and queues with many messages."""

from __future__ import annotations

import re
import statistics
import time
from typing import TYPE_CHECKING, Any, Final

from bench import api, events_queues, memory
from bench.figure import Figure
from bench.targets import Platform

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_QUEUE_ARN: Final = "arn:aws:sqs:us-east-1:000000000000:"
_PAUSE_S: Final = 0.01
_PATIENCE_S: Final = 120.0
_LATENCY: Final = re.compile(r"latency (-?[\d.]+)")
_TELLS: Final = """
import time

def handler(event, context):
    now = time.time() * 1000
    for record in event["Records"]:
        print("latency", now - float(record["body"]))
"""
_NOTHING: Final = "def handler(event, context):\n    return {'batchItemFailures': []}\n"


def latency(data: Path, count: int) -> Iterator[Figure]:
    """From the sending of a message to the function that gets it: one after the other, no batching window."""
    with Platform(data) as ours:
        ours.create("f", _TELLS, Timeout=30)
        url = _mapped(ours, "q", BatchSize=1)

        def messages(number: int) -> Iterator[bytes]:
            for _ in range(number):
                time.sleep(_PAUSE_S)
                body = {"QueueUrl": url, "MessageBody": str(time.time() * 1000)}
                yield api.post("sqs", "SendMessage", body)

        api.each(ours.port, messages(20), connections=1)
        api.each(ours.port, messages(count), connections=1)
        times = sorted(_told(ours, count + 20)[20:])
    p50, p99 = statistics.median(times), times[len(times) * 99 // 100]
    yield Figure("queue to function, p50 of send to handler", "ms", p50, None, "<= 5", p50 <= 5)
    yield Figure("the same, p99", "ms", p99)


def _told(ours: Platform, count: int) -> list[float]:
    """What functions have printed of latencies, in the order of its printing."""
    pages = ours.client("logs").get_paginator("filter_log_events")
    deadline = time.monotonic() + _PATIENCE_S
    found: list[float] = []
    while time.monotonic() < deadline:
        said = [
            _LATENCY.match(event["message"])
            for page in pages.paginate(logGroupName="/aws/lambda/f")
            for event in page["events"]
        ]
        found = [float(match[1]) for match in said if match is not None]
        if len(found) >= count:
            return found
        time.sleep(0.2)
    raise AssertionError(f"the function has got {len(found)} of {count} messages")


def throughput(data: Path, count: int) -> Iterator[Figure]:
    """A queue that is full, a function that does nothing, ten messages an invocation."""
    with Platform(data) as ours:
        ours.create("f", _NOTHING, Timeout=30)
        url = _mapped(ours, "q", BatchSize=10, Enabled=False)
        fill(ours.port, url, count, "x" * 100)
        functions = ours.client("lambda")
        uuid = functions.list_event_source_mappings()["EventSourceMappings"][0]["UUID"]
        functions.update_event_source_mapping(UUID=uuid, Enabled=True)
        begin, first = 0.0, count
        while left := _left(ours, url):
            if left == count:
                continue
            if not begin:
                begin, first = time.perf_counter(), left
            time.sleep(0.02)
        rate = first / (time.perf_counter() - begin)
    yield Figure("messages/s through a mapping, batches of ten", "/s", rate, None, ">= 8,000", rate >= 8_000)


def _left(ours: Platform, url: str) -> int:
    attributes = _sqs(ours).get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
    names = "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"
    return sum(int(attributes[name]) for name in names)


_clients: Final[dict[int, Any]] = {}


def _sqs(ours: Platform) -> Any:
    return _clients.setdefault(ours.port, ours.client("sqs"))


def _mapped(ours: Platform, name: str, **settings: Any) -> str:
    """The URL of a new queue whose messages function `f` gets."""
    url = events_queues.new_queue(ours.port, name)
    functions = ours.client("lambda")
    made = functions.create_event_source_mapping(
        FunctionName="f", EventSourceArn=f"{_QUEUE_ARN}{name}", MaximumBatchingWindowInSeconds=0, **settings
    )
    wanted = "Enabled" if settings.get("Enabled", True) else "Disabled"
    deadline = time.monotonic() + _PATIENCE_S
    while functions.get_event_source_mapping(UUID=made["UUID"])["State"] != wanted:
        assert time.monotonic() < deadline, f"the mapping does not become {wanted}"
        time.sleep(0.02)
    return url


def fill(port: int, url: str, count: int, body: str) -> None:
    """Send so many messages of this body."""
    entries = [{"Id": str(at), "MessageBody": body} for at in range(10)]
    request = api.post("sqs", "SendMessageBatch", {"QueueUrl": url, "Entries": entries})
    api.each(port, (request for _ in range(count // 10)))


def many(data: Path, count: int, rounds: int, seconds: float) -> Iterator[Figure]:
    """What a long queue costs in memory, and those who send to it and receive from it."""
    with Platform(data) as ours:
        empty = events_queues.new_queue(ours.port, "empty")
        full = events_queues.new_queue(ours.port, "full")
        _round_trip(ours.port, empty, seconds)  # warms up
        alone = statistics.median([_round_trip(ours.port, empty, seconds) for _ in range(rounds)])
        before = memory.share_mb(ours.process.pid)
        fill(ours.port, full, count, "x" * 100)
        time.sleep(2)
        grown = memory.share_mb(ours.process.pid) - before
        crowded = statistics.median([_round_trip(ours.port, full, seconds) for _ in range(rounds)])
    yield Figure(
        f"send, receive, delete with {count:,} queued; beside none",
        "ms",
        crowded,
        alone,
        "<= 1.3 x none",
        crowded <= 1.3 * alone,
    )
    yield Figure(f"memory of {count:,} queued messages", "MB", grown, None, "<= 150", grown <= 150)


def _round_trip(port: int, url: str, seconds: float) -> float:
    """The medians of sending one, receiving one and deleting it at one connection, together; in ms."""
    queue = events_queues.SqsQueue(url)
    sent = api.repeat(port, queue.send, 1, seconds)
    handles: list[bytes] = []
    end = time.perf_counter() + seconds

    def receive(answer: bytes | None) -> bytes | None:
        if answer is not None:
            found = queue.handles(answer)
            handles.extend(found)
            if not found:
                return None
        return queue.receive if time.perf_counter() < end else None

    received = api.drive(port, receive, 1)
    deleted = api.each(port, [queue.delete([handle]) for handle in handles], connections=1)
    return sent.p50 + received.p50 + deleted.p50
