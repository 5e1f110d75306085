"""What is let go, and when."""

from __future__ import annotations

import time
from typing import Any


def test_a_group_keeps_its_newest_events(run: Any, open_logs: Any) -> None:
    async def scenario() -> None:
        limit = 3 << 20
        async with open_logs(group_limit_bytes=limit) as logs:
            other = logs.stream("other", "/other")
            other.append(1, "small")
            for number in range(80):
                stream = logs.stream(f"s{number // 8}")
                for _ in range(100):
                    stream.append(1000 + number, f"{number} {'x' * 2000}")
                await logs.store.flush()
            while (await logs.events())[0].timestamp_ms == 1000 or logs.group().trimming:
                await logs.store.flush()
            assert logs.group().stored_bytes <= limit
            texts = await logs.texts()
            assert texts[-1].startswith("79 ")
            assert len(texts) * 2000 > limit * 0.8
            names = [stream.name for stream in await logs.store.streams(logs.group())]
            assert "s0" not in names
            assert "s9" in names
            assert await logs.texts("/other") == ["small"]

    run(scenario)


def test_retention_hides_at_once_and_deletes_later(run: Any, open_logs: Any) -> None:
    async def scenario() -> None:
        async with open_logs() as logs:
            now = int(time.time() * 1000)
            day = 86_400_000
            for age in (10, 3, 0):
                logs.stream(f"s{age}").append(now - age * day, str(age))
                await logs.store.flush()
            await logs.store.delete_stream(logs.group(), "s10")
            assert logs.group().stream_deletions
            await logs.store.set_retention(logs.group(), 5)
            assert await logs.texts() == ["3", "0"]
            before = logs.group().stored_bytes
            await logs.store.expire()
            assert logs.group().stored_bytes < before
            await logs.store.set_retention(logs.group(), 1)
            await logs.store.expire()
            logs.stream("s10").append(now, "back")
            await logs.store.set_retention(logs.group(), None)
            assert sorted(await logs.texts()) == ["0", "back"]

    run(scenario)
