from __future__ import annotations

from typing import Any


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
            stream.init_start(1, "python:3.12.v38", "arn:x")
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


def test_json_functions_get_json_platform_lines(run: Any, open_logs: Any) -> None:
    async def scenario() -> None:
        async with open_logs() as logs:
            logs.stream(json=True).invocation_start(2, "id", "1")
            (text,) = await logs.texts()
            assert '"platform.start"' in text

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
