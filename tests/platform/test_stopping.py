"""SIGTERM: what runs ends, what waits is kept; one platform a data directory."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.platform.conftest import Gate, Platform


def stopping(platform: Platform) -> bool:
    """Whether a platform takes no more connections."""
    try:
        platform.request("GET", "/_lambent/health")
    except OSError:
        return True
    return False


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stopping_waits_for_what_runs(
    own: Callable[..., Platform], gate: Gate, background: Any, poll: Callable[..., Any], number: int
) -> None:
    platform = own()
    client = platform.client()
    name = platform.create(gate.source, client=client)
    call = background(lambda: platform.invoke(name, {"port": gate.port}))
    gate.wait()
    assert platform.invoke(name, {"port": gate.port, "say": "async"}, kind="Event").status == 202
    gate.wait()
    platform.process.send_signal(number)
    poll(lambda: stopping(platform))
    assert platform.process.poll() is None
    assert not call.done
    gate.release("in time")
    answer = call.result()
    assert (answer.status, answer.json) == (200, "in time")
    assert platform.process.wait(10) == 0
    assert "Traceback" not in platform.printed
    assert not platform.marked()
    platform.start()
    assert gate.nobody()  # the event had been run


def test_a_second_signal_ends_it_at_once(
    own: Callable[..., Platform], gate: Gate, background: Any, poll: Callable[..., Any]
) -> None:
    platform = own()
    name = platform.create(gate.source)
    background(lambda: platform.invoke(name, {"port": gate.port}))
    gate.wait()
    platform.process.send_signal(signal.SIGTERM)
    poll(lambda: stopping(platform))
    assert platform.process.poll() is None
    began = time.monotonic()
    platform.process.send_signal(signal.SIGTERM)
    platform.process.wait(10)
    assert time.monotonic() - began < 5
    poll(lambda: not platform.marked(), seconds=5)


def test_events_that_wait_are_kept_by_a_stop(
    own: Callable[..., Platform], gate: Gate, poll: Callable[..., Any]
) -> None:
    platform = own()
    client = platform.client()
    name = platform.create(gate.source, client=client)
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=1)
    for number in range(3):
        assert platform.invoke(name, {"port": gate.port, "say": number}, kind="Event").status == 202
    said = [gate.wait()[0][2]]
    platform.process.send_signal(signal.SIGTERM)
    poll(lambda: stopping(platform))
    gate.release()
    assert platform.process.wait(10) == 0
    platform.start()
    for _ in range(2):
        said.append(gate.wait()[0][2])
        gate.release()
    assert sorted(said) == [0, 1, 2]
    assert gate.nobody()


def test_a_second_platform_on_the_same_data_says_so_and_ends(own: Callable[..., Platform]) -> None:
    platform = own()
    other = own(start=False, data=platform.data)
    process = other.launch()
    assert process.wait(20) == 1
    assert "is in use by another process" in other.printed
    assert str(platform.process.pid) in other.printed
    assert "Traceback" not in other.printed
    assert platform.request("GET", "/_lambent/health").status == 200
