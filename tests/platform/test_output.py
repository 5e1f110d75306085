"""What functions print and log, in any amount and shape."""

from __future__ import annotations

import base64
import json
import re
import time
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.platform.conftest import Platform


def said(platform: Platform, name: str) -> list[str]:
    """A function's own log events."""
    return [
        line
        for line in platform.logs(name)
        if not re.match(r"(INIT_START|START|END|REPORT|INIT_REPORT) ?", line)
    ]


@pytest.mark.parametrize(
    ("body", "events"),
    [
        ("print('one\\ntwo')", ["one\n", "two\n"]),
        ("print('no newline', end='')", ["no newline"]),
        ("sys.stderr.write('to stderr\\n')", ["to stderr\n"]),
        (
            "sys.stdout.buffer.write(b'\\xff\\xfe\\x00 binary \\x80\\n'); sys.stdout.flush()",
            ["\ufffd\ufffd\0 binary \ufffd\n"],
        ),
        ("os.write(1, 'h\\u00e9'.encode()[:2])", ["h\ufffd"]),
        ("print('\\u00e9\\u2028\\U0001f600')", ["\u00e9\u2028\U0001f600\n"]),
        ("print('a\\rb\\x0bc')", ["a\rb\x0bc\n"]),
        ("print()", ["\n"]),
        ("print('')\n    print('', end='')", ["\n"]),
        ("subprocess.run(['echo', 'from a child'])", ["from a child\n"]),
        ("os.system('echo one; echo two >&2')", ["one\n", "two\n"]),
        ("print('x' * 300_000)", ["x" * 262_144, "x" * (300_000 - 262_144) + "\n"]),
        (
            "logging.getLogger().setLevel('INFO'); print('before'); logging.info('a\\nb'); print('after')",
            None,
        ),
    ],
)
def test_output_becomes_events(platform: Platform, body: str, events: list[str] | None) -> None:
    name = platform.create(
        f"import logging, os, subprocess, sys\ndef handler(event, context):\n    {body}\n    return 'fine'\n"
    )
    answer = platform.invoke(name, 1)
    assert answer.json == "fine"
    if events is None:
        before, record, after = said(platform, name)
        request_id = answer.headers["x-amzn-RequestId"]
        assert (before, after) == ("before\n", "after\n")
        assert re.fullmatch(
            rf"\[INFO\]\t\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{{3}}Z\t{request_id}\ta\nb\n", record
        )
    else:
        assert said(platform, name) == events


def test_events_stand_between_start_and_end_in_order(platform: Platform) -> None:
    name = platform.create(
        "import logging, sys\n"
        "def handler(event, context):\n"
        "    for number in range(50):\n"
        "        print(number)\n"
        "        logging.warning(number)\n"
        "        print(number, file=sys.stderr)\n"
    )
    platform.invoke(name, 1)
    lines = platform.logs(name)
    numbers = [int(line.split()[-1]) for line in lines[2:-2]]
    assert numbers == [number for number in range(50) for _ in range(3)]
    assert [line.split()[0] for line in (lines[1], *lines[-2:])] == ["START", "END", "REPORT"]


def test_json_logs(platform: Platform) -> None:
    name = platform.create(
        "import logging\n"
        "def handler(event, context):\n"
        "    logging.getLogger('shop').info('sold', extra={'item': 'tea'})\n"
        "    logging.debug('not shown')\n"
        "    print('plain')\n"
        "    raise ValueError('wrong')\n",
        LoggingConfig={"LogFormat": "JSON", "ApplicationLogLevel": "INFO"},
    )
    request_id = platform.invoke(name, 1).headers["x-amzn-RequestId"]
    lines = platform.logs(name)
    assert "plain\n" in lines
    events = [json.loads(line) for line in lines if line != "plain\n"]
    assert [event.get("type") for event in events] == [
        "platform.initStart", "platform.start", None, None, "platform.runtimeDone", "platform.report"
    ]  # fmt: skip
    sold, wrong = events[2:4]
    assert (sold["message"], sold["item"], sold["logger"], sold["level"]) == ("sold", "tea", "shop", "INFO")
    assert (wrong["errorType"], wrong["errorMessage"], wrong["level"]) == ("ValueError", "wrong", "ERROR")
    assert sold["requestId"] == wrong["requestId"] == request_id
    assert events[5]["record"]["requestId"] == request_id
    assert events[5]["record"]["status"] == "failure"


def test_a_log_group_of_its_own(platform: Platform) -> None:
    name = platform.create(
        "import os\n"
        "def handler(event, context):\n"
        "    print('here')\n"
        "    return os.environ['AWS_LAMBDA_LOG_GROUP_NAME'], context.log_group_name, context.log_stream_name\n",
        LoggingConfig={"LogGroup": "/shop/all"},
    )
    *groups, stream = platform.invoke(name, 1).json
    assert groups == ["/shop/all", "/shop/all"]
    events = platform.client("logs").get_log_events(logGroupName="/shop/all", logStreamName=stream)["events"]
    assert "here\n" in [event["message"] for event in events]


def test_the_tail_is_the_last_four_kilobytes(platform: Platform) -> None:
    name = platform.create(
        "def handler(event, context):\n    for n in range(event):\n        print(n, 'x' * 50)\n"
    )
    short = platform.invoke(name, 2, tail=True)
    request_id = short.headers["x-amzn-RequestId"]
    tail = base64.b64decode(short.headers["X-Amz-Log-Result"]).decode()
    assert tail.startswith(f"START RequestId: {request_id} Version: $LATEST\n0 x")
    assert f"END RequestId: {request_id}\nREPORT RequestId: {request_id}\tDuration: " in tail
    assert len(tail.splitlines()) == 5
    long = base64.b64decode(platform.invoke(name, 500, tail=True).headers["X-Amz-Log-Result"]).decode()
    assert len(long.encode()) <= 4096
    assert "499 x" in long
    assert "START" not in long
    assert "X-Amz-Log-Result" not in platform.invoke(name, 1).headers


def test_a_hundred_megabytes_of_logs(own: Callable[..., Platform], background: Callable[..., Any]) -> None:
    platform = own()
    talker = platform.create(
        "def handler(event, context):\n"
        "    line = 'x' * 999\n"
        "    for number in range(event):\n"
        "        print(line)\n"
        "    print('the last line')\n",
        Timeout=60,
    )
    echo = platform.create("def handler(event, context):\n    return event\n")
    platform.invoke(echo, 0)
    before = platform.resident_mb
    call = background(lambda: platform.invoke(talker, 100_000))
    peak, slowest, answered = before, 0.0, 0
    while not call.done:
        began = time.monotonic()
        assert platform.invoke(echo, answered).json == answered
        slowest = max(slowest, time.monotonic() - began)
        answered += 1
        peak = max(peak, platform.resident_mb)
    assert call.result().json is None
    assert answered > 20
    assert slowest < 2
    assert peak - before < 150, f"{before:.0f} MB before, {peak:.0f} MB at most"
    # Everything but the oldest (64 MB are kept) can be read, and the end is there.
    client = platform.client("logs")
    group = f"/aws/lambda/{talker}"
    (stream,) = client.describe_log_streams(logGroupName=group)["logStreams"]
    page = client.get_log_events(logGroupName=group, logStreamName=stream["logStreamName"])["events"]
    messages = [event["message"] for event in page]
    assert messages[-3] == "the last line\n"
    assert messages[-1].startswith("REPORT")


def test_printing_without_end_is_stopped_by_the_clock(platform: Platform) -> None:
    name = platform.create(
        "import os\ndef handler(event, context):\n    while event:\n        os.write(1, b'y' * 50_000 + b'\\n')\n",
        Timeout=1,
    )
    began = time.monotonic()
    assert platform.invoke(name, 1).json["errorType"] == "Sandbox.Timedout"
    assert time.monotonic() - began < 5
    assert platform.invoke(name, 0).json is None


def test_a_child_that_goes_on_printing_does_not_hold_the_answer(platform: Platform) -> None:
    name = platform.create(
        "import subprocess\n"
        "def handler(event, context):\n"
        "    if event:\n"
        "        subprocess.Popen(['yes', 'still here'])\n"
        "    return 'answered'\n"
    )
    assert platform.invoke(name, 1).json == "answered"
    assert platform.invoke(name, 0).json == "answered"
    platform.aws.delete_function(FunctionName=name)
