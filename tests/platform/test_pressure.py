"""Changes, deaths and shortages while invocations go on."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.platform.conftest import Answer, Gate, Platform

ECHO = "def handler(event, context):\n    return event\n"


def variant(number: int) -> str:
    return f"def handler(event, context):\n    return {number}\n"


def test_updates_under_load_lose_no_invocation(platform: Platform, zipped: Callable[..., bytes]) -> None:
    name = platform.create(variant(0))
    wrong: list[Answer] = []
    stopping = threading.Event()
    settled = 0

    def invoke() -> None:
        while not stopping.is_set():
            before = settled
            answer = platform.invoke(name, 1)
            # What was in effect when it was sent, or something newer.
            if answer.status != 200 or not isinstance(answer.json, int) or answer.json < before:
                wrong.append(answer)

    threads = [threading.Thread(target=invoke) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(1, 21):
        platform.aws.update_function_code(FunctionName=name, ZipFile=zipped({"app.py": variant(number)}))
        platform.settle(name)
        settled = number
    stopping.set()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert platform.invoke(name, 1).json == 20


def test_deleting_and_making_again_under_load(platform: Platform, zipped: Callable[..., bytes]) -> None:
    name = platform.create(ECHO)
    role = platform.aws.get_function_configuration(FunctionName=name)["Role"]
    seen: set[int] = set()
    strange: list[Answer] = []
    stopping = threading.Event()

    def invoke() -> None:
        while not stopping.is_set():
            answer = platform.invoke(name, 1)
            seen.add(answer.status)
            if answer.status not in (200, 404, 409) or (answer.status == 200 and answer.body != b"1"):
                strange.append(answer)

    threads = [threading.Thread(target=invoke) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(15):
        platform.aws.delete_function(FunctionName=name)
        platform.aws.create_function(
            FunctionName=name,
            Runtime=platform.runtime,
            Handler="app.handler",
            Role=role,
            Code={"ZipFile": zipped({"app.py": ECHO})},
        )
        platform.settle(name)
    stopping.set()
    for thread in threads:
        thread.join()
    assert strange == []
    assert 200 in seen


def test_an_idle_environment_that_is_killed_is_missed_by_nobody(
    platform: Platform, living: Callable[[int], bool], poll: Callable[..., Any]
) -> None:
    name = platform.create("import os\ndef handler(event, context):\n    return os.getpid()\n")
    pid = platform.invoke(name, 1).json
    for _ in range(5):
        os.kill(pid, signal.SIGKILL)
        poll(lambda pid=pid: not living(pid))
        answer = platform.invoke(name, 1)
        # It may be asked for before the platform has heard of its end; then the end is told.
        if answer.headers["X-Amz-Function-Error"]:
            assert answer.json["errorMessage"].endswith("Runtime exited with error: signal: killed")
            answer = platform.invoke(name, 1)
        assert answer.json != pid
        pid = answer.json


def test_a_zygote_that_is_killed_again_and_again(
    own: Callable[..., Platform], background: Any, poll: Callable[..., Any]
) -> None:
    platform = own()
    name = platform.create(ECHO)
    for round_ in range(5):
        # An environment may have been killed that has not been missed yet.
        poll(lambda round_=round_: platform.invoke(name, round_).json == round_, seconds=5)
        for zygote in platform.zygotes():
            os.kill(zygote, signal.SIGKILL)
        calls = [background(lambda: platform.invoke(name, 7)) for _ in range(4)]
        answers = [call.result() for call in calls]
        # Those that were handed to an environment which then died say so; none is lost or refused.
        assert {answer.status for answer in answers} == {200}
        assert all(answer.json == 7 or answer.json["errorType"] == "Runtime.ExitError" for answer in answers)
    poll(lambda: platform.invoke(name, 8).json == 8, seconds=5)


def test_too_few_file_descriptors(own: Callable[..., Platform], gate: Gate, background: Any) -> None:
    platform = own(command=("bash", "-c", 'ulimit -n 90 && exec "$@"', "bash"))
    client = platform.client()
    held = platform.create(gate.source, client=client)

    def attempt() -> int:
        try:
            return platform.invoke(held, {"port": gate.port}).status
        except OSError:
            return 0  # no descriptor for the connection

    calls = [background(attempt) for _ in range(40)]
    gate.wait(5)
    # The others are refused, or wait for descriptors that those before them give back.
    while not all(call.done for call in calls):
        gate.release()
        if not gate.nobody():
            gate.wait()
    statuses = [call.result() for call in calls]
    assert set(statuses) <= {200, 500, 0}
    assert statuses.count(200) >= 5
    assert platform.request("GET", "/_lambent/health").status == 200
    assert platform.invoke(platform.create(ECHO, client=client), 1).json == 1
    assert "Traceback" not in platform.printed
