from __future__ import annotations

import json
from typing import Any

import pytest


def test_events_of_a_stream_keep_their_order_when_the_clock_does_not(run: Any, open_logs: Any) -> None:
    async def scenario() -> None:
        async with open_logs() as logs:
            stream = logs.stream()
            for timestamp, text in [(1000, "a"), (990, "b"), (1001, "c"), (500, "d")]:
                stream.append(timestamp, text)
            events = await logs.events()
            assert [(event.timestamp_ms, event.message) for event in events] == [
                (1000, "a"),
                (1000, "b"),
                (1001, "c"),
                (1001, "d"),
            ]

    run(scenario)


def test_an_invocation_reads_as_start_user_lines_end_report(run: Any, open_logs: Any) -> None:
    async def scenario() -> None:
        async with open_logs() as logs:
            stream = logs.stream()
            stream.init_start(1, "python:3.12.v38", "arn:x", "f", "$LATEST", 128)
            stream.init_end(1, 5000)
            stream.invocation_start(2, "id", "$LATEST")
            stream.append(2, "hello\n")
            stream.invocation_end(3, "id", 1000, 1, 128, 30, 5000)
            assert [text.split(" ")[0].strip() for text in await logs.texts()] == [
                "INIT_START",
                "START",
                "hello",
                "END",
                "REPORT",
            ]

    run(scenario)


ALWAYS = [
    "platform.runtimeDone error",
    "platform.report error",
    "platform.runtimeDone failure",
    "platform.report failure",
    "platform.initRuntimeDone timeout",
    "platform.initReport timeout",
]


@pytest.mark.parametrize(
    ("level", "before"),
    [
        (
            "DEBUG",
            [
                "platform.initStart",
                "platform.initRuntimeDone success",
                "platform.initReport success",
                "platform.initRuntimeDone success",
                "platform.initReport success",
                "platform.start",
                "platform.runtimeDone success",
                "platform.report success",
            ],
        ),
        (
            "INFO",
            # Ahead of need only: on demand its duration is part of the first report.
            [
                "platform.initStart",
                "platform.initReport success",
                "platform.start",
                "platform.report success",
            ],
        ),
        ("WARN", []),
    ],
)
def test_system_log_level_chooses_platform_lines(
    run: Any, open_logs: Any, level: str, before: list[str]
) -> None:
    async def scenario() -> None:
        async with open_logs() as logs:
            stream = logs.stream(json_level=level)
            stream.init_start(1, "python:3.12.v38", "arn:x", "f", "1", 256)
            stream.init_end(1, 5000)
            stream.init_end(1, 5000, "provisioned-concurrency")
            stream.invocation_start(2, "id", "1")
            stream.append(2, "hello\n")
            stream.invocation_end(3, "id", 1000, 1, 128, 30, 5000)
            stream.invocation_end(4, "id", 1000, 1, 128, 30, None, "error", "Runtime.ExitError")
            stream.invocation_end(4, "id", 1000, 1, 128, 30, None, "failure", "ValueError")
            stream.init_report(5, 10_000_000, "init", "timeout")
            shown = []
            for text in await logs.texts():
                if text != "hello\n":  # what the function prints is none of the system's business
                    event = json.loads(text)
                    shown.append(f"{event['type']} {event['record'].get('status', '')}".strip())
            assert shown == [*before, *ALWAYS]

    run(scenario)


def test_tail_holds_what_the_invocation_logged(run: Any, open_logs: Any) -> None:
    async def scenario() -> None:
        async with open_logs() as logs:
            stream = logs.stream()
            stream.append(1, "earlier\n")
            stream.begin_tail()
            stream.invocation_start(1, "id", "$LATEST")
            stream.append(1, "grüß\n")
            stream.invocation_end(1, "id", 1000, 1, 128, 30)
            stream_end = stream.end_tail().decode()
            assert stream_end.startswith(
                "START RequestId: id Version: $LATEST\ngrüß\nEND RequestId: id\nREPORT "
            )
            stream.append(1, "later\n")
            assert stream.end_tail() == b""

    run(scenario)


def test_tail_is_the_last_4_kb_of_any_amount(run: Any, open_logs: Any) -> None:
    async def scenario() -> None:
        async with open_logs() as logs:
            stream = logs.stream()
            stream.begin_tail()
            written = ""
            for number in range(5000):
                text = f"{number} {'ü' * (number % 7)}\n"
                written += text
                stream.append(1, text)
            assert stream.end_tail() == written.encode()[-4096:]
            stream.begin_tail()
            stream.append(1, "x" * 10_000)
            assert stream.end_tail() == b"x" * 4096

    run(scenario)


def test_a_deleted_group_comes_back_with_the_next_event(run: Any, open_logs: Any) -> None:
    async def scenario() -> None:
        async with open_logs() as logs:
            stream = logs.stream()
            stream.append(1, "before")
            await logs.store.delete_group(logs.group())
            assert logs.store.groups("000000000000", "us-east-1") == []
            stream.append(2, "after")
            assert await logs.texts() == ["after"]

    run(scenario)
