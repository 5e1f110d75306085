"""Events: accepted, durable, retried."""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.platform.conftest import Gate, Platform


def send(platform: Platform, name: str, event: Any, **options: Any) -> str:
    """Invoke with an event; its request id."""
    answer = platform.invoke(name, event, kind="Event", **options)
    assert (answer.status, answer.body) == (202, b"")
    assert answer.headers["X-Amz-Function-Error"] is None
    return str(answer.headers["x-amzn-RequestId"])


def test_an_event_is_accepted_and_run(platform: Platform, gate: Gate) -> None:
    name = platform.create(gate.source)
    request_id = send(platform, name, {"port": gate.port, "say": "hello"})
    assert gate.wait()[0][::2] == [request_id, "hello"]
    gate.release()


def test_an_event_of_a_version_with_context_and_trace(platform: Platform, gate: Gate) -> None:
    name = platform.create(
        gate.source + "\nwait = handler\n"
        "def handler(event, context):\n"
        "    event['say'] = [context.invoked_function_arn, context.client_context and context.client_context.custom,"
        " os.environ['_X_AMZN_TRACE_ID']]\n"
        "    return wait(event, context)\n"
    )
    platform.aws.publish_version(FunctionName=name)
    headers = {
        "X-Amz-Client-Context": "eyJjdXN0b20iOiB7ImEiOiAiYiJ9fQ==",
        "X-Amzn-Trace-Id": "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1",
    }
    send(platform, name, {"port": gate.port}, qualifier="1", headers=headers)
    arn, custom, trace = gate.wait()[0][2]
    gate.release()
    assert arn == f"arn:aws:lambda:us-east-1:000000000000:function:{name}:1"
    assert custom == {"a": "b"}
    assert trace.startswith(headers["X-Amzn-Trace-Id"])


def test_an_event_with_a_trace_that_is_no_ascii(platform: Platform, gate: Gate) -> None:
    name = platform.create(gate.source)
    request_id = send(platform, name, {"port": gate.port}, headers={"X-Amzn-Trace-Id": "\xe9" * 40_000})
    assert gate.wait()[0][0] == request_id
    gate.release()


@pytest.mark.parametrize(
    ("ends", "shown"),
    [
        ("raise Exception('some error occurred')", "[ERROR] Exception: some error occurred"),
        ("__import__('os')._exit(1)", "Error: Runtime exited with error: exit status 1"),
    ],
)
def test_a_failing_event_is_retried_twice_under_the_same_id(
    platform: Platform, poll: Callable[..., Any], ends: str, shown: str
) -> None:
    name = platform.create(f"def handler(event, context):\n    {ends}\n")
    request_id = send(platform, name, 1)

    def reports() -> list[dict[str, Any]]:
        return [event for event in platform.log_events(name) if event["message"].startswith("REPORT")]

    poll(lambda: len(reports()) == 3)
    assert all(f"RequestId: {request_id}\t" in event["message"] for event in reports())
    lines = platform.logs(name)
    assert sum(line == f"START RequestId: {request_id} Version: $LATEST\n" for line in lines) == 3
    assert sum(shown in line for line in lines) == 3
    first, second, third = (event["timestamp"] for event in reports())
    # The settings of these tests: 0.2 and 0.4 seconds; and no fourth time.
    assert second - first >= 195
    assert third - second >= 395
    other = send(platform, name, 1)
    poll(lambda: sum(f"RequestId: {other}\t" in event["message"] for event in reports()) == 3)
    assert len(reports()) == 6


@pytest.mark.parametrize(("attempts", "runs"), [(0, 1), (1, 2)])
def test_retries_are_as_many_as_are_set(
    platform: Platform, poll: Callable[..., Any], attempts: int, runs: int
) -> None:
    name = platform.create("def handler(event, context):\n    raise ValueError('no')\n")
    platform.aws.put_function_event_invoke_config(FunctionName=name, MaximumRetryAttempts=attempts)
    send(platform, name, {})
    other = platform.create("def handler(event, context):\n    raise ValueError('no')\n")
    send(platform, other, {})
    # What is not limited has three runs: when those are through, so are the others.
    poll(lambda: sum("REPORT" in line for line in platform.logs(other)) == 3)
    assert sum("REPORT" in line for line in platform.logs(name)) == runs


def test_an_event_that_is_too_old_is_given_up(
    own: Callable[..., Platform], gate: Gate, poll: Callable[..., Any]
) -> None:
    platform = own(async_retry_seconds="0.2,61")
    name = platform.create("def handler(event, context):\n    raise ValueError('no')\n")
    platform.aws.put_function_event_invoke_config(FunctionName=name, MaximumEventAgeInSeconds=60)
    send(platform, name, {})
    poll(lambda: sum("REPORT" in line for line in platform.logs(name)) == 2)
    platform.stop()
    database = sqlite3.connect(platform.data / "lambent.db")
    with contextlib.closing(database), database:
        # A minute passes.
        database.execute("UPDATE async_events SET received_ms = received_ms - 60000, due_ms = 0")
    platform.start()

    def events() -> int:
        with contextlib.closing(sqlite3.connect(platform.data / "lambent.db")) as opened:
            return int(opened.execute("SELECT count(*) FROM async_events").fetchone()[0])

    poll(lambda: events() == 0)


def test_the_old_operation_queues_events_too(platform: Platform, gate: Gate) -> None:
    name = platform.create(gate.source)
    client = platform.aws
    payload = json.dumps({"port": gate.port, "say": "hello"})
    answer = client.invoke_async(FunctionName=name, InvokeArgs=payload)
    assert (answer["Status"], answer["ResponseMetadata"]["HTTPStatusCode"]) == (202, 202)
    assert gate.wait()[0][2] == "hello"
    gate.release()
    with pytest.raises(client.exceptions.InvalidRequestContentException):
        client.invoke_async(FunctionName=name, InvokeArgs="{")
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.invoke_async(FunctionName="nobody", InvokeArgs="{}")


def test_a_retry_that_works_is_the_last(platform: Platform, gate: Gate, poll: Callable[..., Any]) -> None:
    name = platform.create(
        gate.source + "\nwait = handler\n"
        "def handler(event, context):\n"
        "    if wait(event, context) == 'fail':\n"
        "        raise Exception('as told')\n"
    )
    request_id = send(platform, name, {"port": gate.port})
    assert gate.wait()[0][0] == request_id
    gate.release("fail")
    assert gate.wait()[0][0] == request_id
    gate.release("work")
    # It would come a third time at once after this one, if it came.
    later = send(platform, name, {"port": gate.port})
    gate.wait()
    gate.release("work")
    poll(lambda: any(f"REPORT RequestId: {later}" in line for line in platform.logs(name)))
    assert gate.nobody()


def test_events_wait_while_there_is_no_concurrency(platform: Platform, gate: Gate, background: Any) -> None:
    name = platform.create(gate.source)
    platform.aws.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    call = background(lambda: platform.invoke(name, {"port": gate.port, "say": "sync"}))
    assert gate.wait()[0][2] == "sync"
    sent = [send(platform, name, {"port": gate.port, "say": number}) for number in range(3)]
    assert gate.nobody()
    gate.release()
    call.result()
    # One after the other, each once, none counted as failed.
    seen = []
    for _ in sent:
        ((request_id, _, number),) = gate.wait()
        assert gate.nobody()
        seen.append((request_id, number))
        gate.release()
    assert sorted(seen) == sorted(zip(sent, range(3), strict=True))


def test_many_events(platform: Platform, gate: Gate) -> None:
    name = platform.create(gate.source)
    sent = {send(platform, name, {"port": gate.port, "say": number}) for number in range(60)}
    said: list[Any] = []
    while len(said) < len(sent):
        said += gate.wait()
        gate.release()
    assert {request_id for request_id, _, _ in said} == sent
    assert sorted(number for _, _, number in said) == list(range(60))


def test_the_newest_code_answers_what_waits(
    platform: Platform, gate: Gate, zipped: Callable[..., bytes], background: Any
) -> None:
    name = platform.create(gate.source.replace('event.get("say")', '"old"'))
    platform.aws.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    send(platform, name, {"port": gate.port})
    assert gate.wait()[0][2] == "old"
    for _ in range(3):
        send(platform, name, {"port": gate.port})
    new = gate.source.replace('event.get("say")', '"new"')
    platform.aws.update_function_code(FunctionName=name, ZipFile=zipped({"app.py": new}))
    platform.settle(name)
    gate.release()
    for _ in range(3):
        assert gate.wait()[0][2] == "new"
        gate.release()


def test_events_for_functions_that_go_away_are_dropped(platform: Platform, gate: Gate) -> None:
    name = platform.create(gate.source)
    platform.aws.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    send(platform, name, {"port": gate.port})
    gate.wait()
    send(platform, name, {"port": gate.port})
    platform.aws.delete_function(FunctionName=name)
    gate.release()
    assert platform.invoke(name, 1, kind="Event").status == 404
    assert platform.request("GET", "/_lambent/health").status == 200


def test_events_survive_kill_9_and_run_after_the_restart(own: Callable[..., Platform], gate: Gate) -> None:
    platform = own()
    client = platform.client()
    name = platform.create(gate.source, client=client)
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    sent = [send(platform, name, {"port": gate.port, "say": number}) for number in range(10)]
    ((running, _, first),) = gate.wait()
    platform.kill()
    gate.release()
    platform.start()
    said = []
    for _ in sent:
        said += gate.wait()
        gate.release()
    # The one that was running is run again; each has kept its id.
    assert sorted((request_id, number) for request_id, _, number in said) == sorted(
        zip(sent, range(10), strict=True)
    )
    assert (running, first) in [(request_id, number) for request_id, _, number in said]
    assert gate.nobody()


def test_retries_survive_a_restart(own: Callable[..., Platform], poll: Callable[..., Any]) -> None:
    platform = own(async_retry_seconds="1,600")
    name = platform.create(
        "def handler(event, context):\n    raise Exception('always')\n", client=platform.client()
    )
    request_id = send(platform, name, 1)

    def attempts() -> int:
        # A client of its own: the address changes with the restart.
        events = platform.client("logs").filter_log_events(
            logGroupName=f"/aws/lambda/{name}", filterPattern="REPORT"
        )["events"]
        return sum(f"RequestId: {request_id}\t" in event["message"] for event in events)

    poll(lambda: attempts() == 1)
    assert platform.stop() == 0
    platform.start()
    poll(lambda: attempts() == 2)
    assert platform.stop() == 0
    platform.start()
    assert attempts() == 2
    assert re.fullmatch(r"[0-9a-f-]{36}", request_id)


def test_reserving_nothing_gives_events_up(platform: Platform, gate: Gate, poll: Callable[..., Any]) -> None:
    """Lambda hands such events to the failure destination at once, or drops them where there is none."""
    name = platform.create(gate.source)
    platform.aws.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    send(platform, name, {"port": gate.port, "say": "given up"})
    platform.aws.delete_function_concurrency(FunctionName=name)
    send(platform, name, {"port": gate.port, "say": "run"})
    assert gate.wait()[0][2] == "run"
    gate.release()


def test_payloads_are_passed_on_as_they_are(platform: Platform, gate: Gate) -> None:
    name = platform.create(gate.source)
    event = {"port": gate.port, "say": {"text": "\u00e9\U0001f600" * 1000, "number": 1.5, "none": None}}
    platform.invoke(name, payload=json.dumps(event, ensure_ascii=False).encode(), kind="Event")
    assert gate.wait()[0][2] == event["say"]
    gate.release()
