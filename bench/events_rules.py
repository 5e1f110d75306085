"""Events against ten rules and against thousands, and schedules that wait."""

from __future__ import annotations

import datetime
import itertools
import json
import os
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bench import api, events_queues
from bench.figure import Figure
from bench.targets import ROLE, Platform

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_QUEUE_ARN: Final = "arn:aws:sqs:us-east-1:000000000000:"
_FAR: Final = datetime.datetime(2090, 1, 1, tzinfo=datetime.UTC)

# What one rule of many asks for, by its number: the shapes take turns, and none of them matches the event but "all".
SHAPES: Final[list[Callable[[int], dict[str, Any]]]] = [
    lambda at: {"source": ["bench"], "detail": {"id": [f"order-{at}", f"order-{at}-b"]}},
    lambda at: {"source": ["bench"], "detail": {"file": [{"prefix": f"in/{at}/"}]}},
    lambda at: {"detail": {"file": [{"suffix": f"image-{at}.png"}]}},
    lambda at: {"detail": {"file": [{"wildcard": f"in/*/image-{at}.*"}]}},
    lambda at: {"detail": {"id": [{"equals-ignore-case": f"ORDER-{at}"}]}},
    lambda at: {"detail": {"amount": [{"numeric": [">", at, "<=", at + 1]}]}},
    lambda at: {"detail": {"state": [{"anything-but": [f"s{at}"]}], "id": [f"order-{at}"]}},
    lambda at: {"detail": {"state": [{"anything-but": {"prefix": f"s{at}"}}], "amount": [at]}},
    lambda at: {"detail": {"address": [{"cidr": f"10.{at // 256 % 256}.{at % 256}.0/24"}]}},
    lambda at: {"detail": {f"none-{at}": [{"exists": False}], "id": [f"order-{at}"]}},
    lambda at: {"$or": [{"detail": {"id": [f"order-{at}"]}}, {"detail": {"file": [f"f{at}"]}}]},
    lambda at: {"detail": {"items": {"sku": [f"sku-{at}"], "quantity": [{"numeric": [">", 1]}]}}},
]
EVENT: Final = {
    "id": "order--1",
    "file": "in/none/image-none.png",
    "amount": 0.5 - 1,
    "address": "192.0.2.7",
    "state": "placed",
    "items": [{"sku": "sku--1", "quantity": 2}, {"sku": "sku--2", "quantity": 9}],
    "note": "x" * 200,
}


def rules(data: Path, many: int, rounds: int, seconds: float) -> Iterator[Figure]:
    """PutEvents to a bus with ten rules and to one with many; one of them has a queue."""
    with Platform(data) as ours:
        found: dict[str, list[tuple[api.Load, api.Load]]] = {"few": [], "lots": []}
        for name, count in (("few", 10), ("lots", many)):
            new_bus(ours.port, name, count)
        for turn, name in itertools.product(range(rounds + 1), found):
            entry = {
                "EventBusName": name,
                "Source": "bench",
                "DetailType": "Order",
                "Detail": json.dumps(EVENT),
            }
            request = api.post("events", "PutEvents", {"Entries": [entry]})
            runs = api.repeat(ours.port, request, 1, seconds), api.repeat(ours.port, request, 16, seconds)
            if turn:  # the first warms up
                found[name].append(runs)
        for name in found:
            assert delivered(ours.port, name), f"the queue of bus {name} has got nothing"
    p50 = {name: statistics.median(one.p50 for one, _ in runs) for name, runs in found.items()}
    rate = {name: statistics.median(busy.rate for _, busy in runs) for name, runs in found.items()}
    yield Figure(
        f"PutEvents p50 with {many:,} rules; beside it ten",
        "ms",
        p50["lots"],
        p50["few"],
        "<= 2 x ten",
        p50["lots"] <= 2 * p50["few"],
    )
    yield Figure(
        "the same, events/s at 16 connections",
        "/s",
        rate["lots"],
        rate["few"],
        ">= 1/2 of ten",
        rate["lots"] >= rate["few"] / 2,
    )


def new_bus(port: int, name: str, count: int) -> None:
    """A bus with so many rules, one of which matches and has a queue of the bus's name."""
    events = events_queues.client(port, "events")
    events.create_event_bus(Name=name)
    _open(port, events_queues.new_queue(port, name))
    # Rules for the same events are as cheap as one look at them: numbers are for each shape anew.
    api.each(
        port,
        [
            api.post(
                "events",
                "PutRule",
                {
                    "Name": f"rule-{at}",
                    "EventBusName": name,
                    "EventPattern": json.dumps(SHAPES[at % len(SHAPES)](at)),
                },
            )
            for at in range(count - 1)
        ],
    )
    events.put_rule(Name="all", EventBusName=name, EventPattern=json.dumps({"source": ["bench"]}))
    put = events.put_targets(
        Rule="all", EventBusName=name, Targets=[{"Id": "queue", "Arn": f"{_QUEUE_ARN}{name}"}]
    )
    assert not put["FailedEntryCount"], put


def delivered(port: int, name: str) -> int:
    """How many messages a queue has."""
    sqs = events_queues.client(port, "sqs")
    asked = {"QueueUrl": sqs.get_queue_url(QueueName=name)["QueueUrl"], "AttributeNames": ["All"]}
    return int(sqs.get_queue_attributes(**asked)["Attributes"]["ApproximateNumberOfMessages"])


def _open(port: int, url: str) -> None:
    """Let rules send to a queue, as AWS wants it."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": f"{_QUEUE_ARN}{url.rpartition('/')[2]}",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    events_queues.client(port, "sqs").set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})


def schedules(data: Path, many: int, seconds: float) -> Iterator[Figure]:
    """What schedules that are not due cost, and how late those are that are."""
    with Platform(data) as ours:
        events_queues.new_queue(ours.port, "fired")
        idle = _busy(ours.process.pid, seconds)
        api.each(ours.port, [_schedule(f"s{at}", _expression(at)) for at in range(many)])
        time.sleep(2)  # what they cost to be made is over
        waiting = _busy(ours.process.pid, seconds)
        due = datetime.datetime.now(datetime.UTC).replace(microsecond=0) + datetime.timedelta(seconds=4)
        soon = [due + datetime.timedelta(seconds=at % 3) for at in range(150)]
        api.each(
            ours.port,
            [_schedule(f"due{at}", f"at({when:%Y-%m-%dT%H:%M:%S})") for at, when in enumerate(soon)],
        )
        late = _lateness(ours.port, len(soon), due)
    yield Figure(
        f"CPU with {many:,} schedules that wait; beside it none",
        "%",
        waiting,
        idle,
        "<= 1 of a core",
        waiting <= 1,
    )
    yield Figure(f"the latest of {len(soon)} of their times", "s", max(late), None, "<= 1", max(late) <= 1)


def _expression(at: int) -> str:
    """Times that do not come soon."""
    match at % 3:
        case 0:
            return f"at({_FAR:%Y-%m-%d}T00:{at % 60:02}:00)"
        case 1:
            return f"cron({at % 60} {at // 60 % 24} 29 2 ? *)"
        case _:
            return f"rate({1000 + at} hours)"


def _schedule(name: str, expression: str) -> bytes:
    target = {"Arn": f"{_QUEUE_ARN}fired", "RoleArn": ROLE, "Input": json.dumps({"expression": expression})}
    return api.rest(
        "scheduler",
        "POST",
        f"/schedules/{name}",
        {
            "ScheduleExpression": expression,
            # Those with a rate would begin now.
            **({"StartDate": _FAR.timestamp()} if expression.startswith("rate") else {}),
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "ClientToken": name,
            "Target": target,
        },
    )


def _lateness(port: int, count: int, due: datetime.datetime) -> list[float]:
    """Seconds between the time that each of `count` messages was due and the time that it was sent."""
    sqs = events_queues.client(port, "sqs")
    url = sqs.get_queue_url(QueueName="fired")["QueueUrl"]
    late: list[float] = []
    deadline = due.timestamp() + 30
    while len(late) < count:
        assert time.time() < deadline, f"{len(late)} of {count} schedules have fired"
        received = sqs.receive_message(
            QueueUrl=url,
            MaxNumberOfMessages=10,
            WaitTimeSeconds=2,
            MessageSystemAttributeNames=["SentTimestamp"],
        )
        for message in received.get("Messages", []):
            when = json.loads(message["Body"])["expression"].removeprefix("at(").removesuffix(")")
            wanted = datetime.datetime.fromisoformat(when).replace(tzinfo=datetime.UTC).timestamp()
            late.append(int(message["Attributes"]["SentTimestamp"]) / 1000 - wanted)
    assert min(late) > -0.01, min(late)
    return late


def _busy(pid: int, seconds: float) -> float:
    """Percent of a core that a process uses for a while."""
    before = _cpu_seconds(pid)
    time.sleep(seconds)
    return (_cpu_seconds(pid) - before) / seconds * 100


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
