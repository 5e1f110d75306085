"""How many invocations run at once, and what the others are told."""

from __future__ import annotations

import contextlib
import json
import socket
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.platform.conftest import Answer, Gate, Platform

RESERVED = "ReservedFunctionConcurrentInvocationLimitExceeded"
ACCOUNT = "ConcurrentInvocationLimitExceeded"


def assert_throttled(answer: Answer, reason: str) -> None:
    # AWS-recorded: test_reserved_concurrency.
    assert answer.status == 429
    assert answer.headers["x-amzn-ErrorType"] == "TooManyRequestsException"
    assert answer.json == {"Reason": reason, "Type": "User", "message": "Rate Exceeded."}


def test_it_scales_out_to_as_many_as_are_asked_for(
    platform: Platform, gate: Gate, background: Callable[..., Any]
) -> None:
    name = platform.create(gate.source)
    calls = [background(lambda: platform.invoke(name, {"port": gate.port})) for _ in range(25)]
    said = gate.wait(25)  # all of them are inside the handler at the same time
    assert len({pid for _, pid, _ in said}) == 25
    gate.release("done")
    assert [call.result().json for call in calls] == ["done"] * 25


def test_one_reserved(platform: Platform, gate: Gate, background: Callable[..., Any]) -> None:
    name = platform.create(gate.source)
    platform.aws.publish_version(FunctionName=name)
    platform.aws.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    call = background(lambda: platform.invoke(name, {"port": gate.port}))
    gate.wait()
    assert_throttled(platform.invoke(name, {"port": gate.port}), RESERVED)
    assert_throttled(platform.invoke(name, {"port": gate.port}, qualifier="1"), RESERVED)
    assert platform.invoke(name, {}, kind="DryRun").status == 204
    gate.release(1)
    assert call.result().json == 1
    # Free again, for the other version too.
    call = background(lambda: platform.invoke(name, {"port": gate.port}, qualifier="1"))
    gate.wait()
    assert_throttled(platform.invoke(name, {"port": gate.port}), RESERVED)
    platform.aws.delete_function_concurrency(FunctionName=name)
    other = background(lambda: platform.invoke(name, {"port": gate.port}))
    gate.wait()
    gate.release(2)
    assert (call.result().json, other.result().json) == (2, 2)


def test_none_reserved_is_an_off_switch(platform: Platform) -> None:
    name = platform.create("def handler(event, context):\n    return event\n")
    platform.aws.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    assert_throttled(platform.invoke(name, 1), RESERVED)
    with pytest.raises(platform.aws.exceptions.TooManyRequestsException) as caught:
        platform.aws.invoke(FunctionName=name)
    assert caught.value.response["Reason"] == RESERVED
    platform.aws.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    assert platform.invoke(name, 1).json == 1


@pytest.mark.parametrize(
    "ends", ["raise ValueError", "import os; os._exit(1)", "import time; time.sleep(600)", "return object()"]
)
def test_what_was_taken_is_given_back_however_it_ends(platform: Platform, ends: str) -> None:
    name = platform.create(f"def handler(event, context):\n    {ends}\n", Timeout=1)
    platform.aws.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    for _ in range(3 if "sleep" not in ends else 2):
        answer = platform.invoke(name, 1)
        assert (answer.status, answer.headers["X-Amz-Function-Error"]) == (200, "Unhandled")


@pytest.fixture
def opened() -> Iterator[contextlib.ExitStack]:
    """Closes what a test opens."""
    with contextlib.ExitStack() as stack:
        yield stack


def test_the_accounts_limit(own: Callable[..., Platform], gate: Gate, opened: contextlib.ExitStack) -> None:
    platform = own(concurrency=103)
    busy = platform.create(gate.source)
    apart = platform.create("def handler(event, context):\n    return event\n")
    platform.aws.put_function_concurrency(FunctionName=apart, ReservedConcurrentExecutions=2)
    settings = platform.aws.get_account_settings()["AccountLimit"]
    assert (settings["ConcurrentExecutions"], settings["UnreservedConcurrentExecutions"]) == (103, 101)
    body = json.dumps({"port": gate.port}).encode()
    request = (
        f"POST /2015-03-31/functions/{busy}/invocations HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body
    host, _, port = platform.url.removeprefix("http://").partition(":")
    connections = [
        opened.enter_context(socket.create_connection((host, int(port)), timeout=30)) for _ in range(101)
    ]
    for connection in connections:
        connection.sendall(request)
    gate.wait(101)
    other = platform.create("def handler(event, context):\n    return event\n")
    assert_throttled(platform.invoke(busy, {"port": gate.port}), ACCOUNT)
    assert_throttled(platform.invoke(other, 1), ACCOUNT)
    assert platform.invoke(apart, 1).json == 1
    # Another region is another account's worth.
    elsewhere = platform.client(region_name="eu-west-1")
    name = platform.create("def handler(event, context):\n    return event\n", client=elsewhere)
    assert json.load(elsewhere.invoke(FunctionName=name, Payload=b"7")["Payload"]) == 7
    gate.release("done")
    for connection in connections:
        assert connection.recv(4096).startswith(b"HTTP/1.1 200")
    assert platform.invoke(other, 1).json == 1


def test_a_dry_run_runs_nothing(platform: Platform, gate: Gate) -> None:
    name = platform.create(gate.source)
    answer = platform.invoke(name, {"port": gate.port}, kind="DryRun")
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["x-amzn-RequestId"]
    assert platform.logs(name) == []
    assert platform.invoke("doesnotexist", 1, kind="DryRun").status == 404
    assert gate.nobody()


def test_usage_is_counted(platform: Platform) -> None:
    name = platform.create("def handler(event, context):\n    return 1 / event\n", MemorySize=256)
    platform.invoke(name, 1)
    platform.invoke(name, 0)
    platform.aws.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    platform.invoke(name, 1)
    rows = platform.request("GET", "/_lambent/usage").json["functions"]
    (row,) = [row for row in rows if row["name"] == name]
    assert (row["requests"], row["errors"], row["throttles"]) == (2, 1, 1)
    assert row["billed_ms"] >= 2
    assert row["gb_seconds"] == pytest.approx(row["billed_ms"] / 1000 * 256 / 1024, abs=1e-6)
