"""Reading back: order, ranges, pages, both directions, over chunks that overlap in time."""

from __future__ import annotations

import random
from typing import Any

from lambent.observe import LogQuery


async def _fill(logs: Any, *, chunks: int = 12, seed: int = 1) -> list[tuple[int, str, str]]:
    """Writes chunks whose times overlap; the events in the order in which they have to be read."""
    choose = random.Random(seed)  # noqa: S311 - made-up logs
    written: list[tuple[int, int, str, str]] = []
    for number in range(chunks):
        streams = [logs.stream(f"stream-{choose.randrange(4)}") for _ in range(2)]
        base = 1000 + number * 10 - choose.randrange(40)
        for index in range(choose.randrange(1, 30)):
            stream = streams[index % 2]
            timestamp = max(base + index, stream.last_ms)
            text = f"{number}/{index}"
            stream.append(base + index, text)
            written.append((timestamp, len(written), stream.name, text))
        await logs.store.flush()
    return [(timestamp, stream, text) for timestamp, _, stream, text in sorted(written)]


def _shape(events: Any) -> list[tuple[int, str, str]]:
    return [(event.timestamp_ms, event.stream, event.message) for event in events]


def test_chunks_merge_in_order_of_time_and_arrival(run: Any, open_logs: Any) -> None:
    async def scenario() -> None:
        async with open_logs() as logs:
            expected = await _fill(logs)
            assert _shape(await logs.events()) == expected
            assert _shape(await logs.events(limit=7)) == expected

    run(scenario)


def test_backward_pages_are_the_newest_in_order(run: Any, open_logs: Any) -> None:
    async def scenario() -> None:
        async with open_logs() as logs:
            expected = await _fill(logs, seed=2)
            found: list[Any] = []
            before = None
            while True:
                page = await logs.store.events(logs.group(), LogQuery(backward=True, before=before, limit=9))
                found = page.events + found
                if not page.more:
                    break
                assert len(page.events) == 9
                before = page.events[0].position
            assert _shape(found) == expected

    run(scenario)


def test_more_than_one_batch_of_chunks(run: Any, open_logs: Any) -> None:
    async def scenario() -> None:
        async with open_logs() as logs:
            expected = await _fill(logs, chunks=600, seed=3)
            assert _shape(await logs.events(limit=10_000)) == expected
            page = await logs.store.events(logs.group(), LogQuery(backward=True, limit=10_000))
            assert _shape(page.events) == expected[-10_000:]

    run(scenario)


def test_time_range_includes_both_ends(run: Any, open_logs: Any) -> None:
    async def scenario() -> None:
        async with open_logs() as logs:
            expected = await _fill(logs, seed=4)
            found = _shape(await logs.events(start_ms=1010, end_ms=1040))
            assert found == [event for event in expected if 1010 <= event[0] <= 1040]
            assert await logs.events(start_ms=5000) == []

    run(scenario)


def test_stream_and_text_conditions(run: Any, open_logs: Any) -> None:
    async def scenario() -> None:
        async with open_logs() as logs:
            expected = await _fill(logs, seed=5)
            found = await logs.events(stream="stream-1".__eq__, match=lambda text: text.endswith("3"))
            assert _shape(found) == [
                event for event in expected if event[1] == "stream-1" and event[2].endswith("3")
            ]

    run(scenario)


def test_a_page_holds_a_megabyte_and_says_that_there_is_more(run: Any, open_logs: Any) -> None:
    async def scenario() -> None:
        async with open_logs() as logs:
            stream = logs.stream()
            for _ in range(30):
                stream.append(1, "x" * 100_000)
            page = await logs.store.events(logs.group(), LogQuery())
            assert len(page.events) == 10
            assert page.more
            assert len(await logs.events()) == 30

    run(scenario)


def test_an_event_larger_than_a_page_is_given_alone(run: Any, open_logs: Any) -> None:
    async def scenario() -> None:
        async with open_logs() as logs:
            logs.stream().append(1, "x" * 3_000_000)
            logs.stream().append(2, "y")
            page = await logs.store.events(logs.group(), LogQuery())
            assert [len(event.message) for event in page.events] == [3_000_000]
            assert page.more

    run(scenario)


def test_empty_group(run: Any, open_logs: Any) -> None:
    async def scenario() -> None:
        async with open_logs() as logs:
            for backward in (False, True):
                page = await logs.store.events(logs.group(), LogQuery(backward=backward))
                assert page == ([], False)

    run(scenario)


def test_events_far_apart_are_found_from_either_end(run: Any, open_logs: Any) -> None:
    async def scenario() -> None:
        async with open_logs() as logs:
            hour = 3_600_000
            times = [number * hour // 4 for number in range(1, 40)]
            for timestamp in times:
                logs.stream("early" if timestamp % hour else "late").append(timestamp, str(timestamp))
            await logs.store.put_events(logs.group(), "early", [(time + 1, "put") for time in times])
            for start, end in ((0, 10 * hour), (hour, 2 * hour), (3 * hour + 1, 3 * hour + 1)):
                expected = sorted(
                    time for time in times + [time + 1 for time in times] if start <= time <= end
                )
                assert [
                    event.timestamp_ms for event in await logs.events(start_ms=start, end_ms=end)
                ] == expected
                page = await logs.store.events(
                    logs.group(), LogQuery(start_ms=start, end_ms=end, backward=True, limit=1000)
                )
                assert [event.timestamp_ms for event in page.events] == expected

    run(scenario)
