"""The benchmark of queues and events: what is measured does its work. Nothing here is timed."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from bench.targets import Platform

from bench import api, events_queues, events_rules
from lambent.events.patterns import Pattern

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_EVENT = {"source": "bench", "detail-type": "Order", "detail": events_rules.EVENT}


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with Platform(tmp_path_factory.mktemp("events")) as platform:
        yield platform


def test_every_step_of_a_queue_is_taken(ours: Platform) -> None:
    queue = events_queues.SqsQueue(events_queues.new_queue(ours.port, "steps"))
    assert all(events_queues.steps(ours.port, queue, 0.1).values())


def test_every_step_of_the_floor_is_taken(tmp_path: Path) -> None:
    with events_queues.floor(tmp_path) as port:
        assert all(events_queues.steps(port, events_queues.FloorQueue(), 0.1).values())


def test_an_answer_that_is_no_success_ends_a_run(ours: Platform) -> None:
    request = api.post("sqs", "ReceiveMessage", {"QueueUrl": f"{ours.url}/000000000000/not-there"})
    with pytest.raises(AssertionError, match="400"):
        api.each(ours.port, [request], connections=2)


def test_of_many_rules_only_the_last_matches(ours: Platform) -> None:
    events_rules.new_bus(ours.port, "bus", 30)
    client = events_queues.client(ours.port, "events")
    rules: list[Any] = client.list_rules(EventBusName="bus")["Rules"]
    matching = [rule["Name"] for rule in rules if Pattern.parse(rule["EventPattern"]).matches(_EVENT)]
    assert (len(rules), matching) == (30, ["all"])
    entry = {
        "EventBusName": "bus",
        "Source": "bench",
        "DetailType": "Order",
        "Detail": json.dumps(_EVENT["detail"]),
    }
    assert client.put_events(Entries=[entry])["FailedEntryCount"] == 0
    deadline = time.monotonic() + 10
    while not events_rules.delivered(ours.port, "bus"):
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.parametrize("shape", events_rules.SHAPES)
def test_shapes_of_rules_are_patterns_that_do_not_match(shape: Any) -> None:
    for at in (0, 1, 255, 9_999):
        assert not Pattern.parse(json.dumps(shape(at))).matches(_EVENT)
