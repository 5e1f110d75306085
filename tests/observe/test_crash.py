"""What `kill -9` of the process leaves."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import Any

_WRITER = """
import asyncio, pathlib, sys, time
from lambent.observe import open_log_store

async def main():
    store = await open_log_store(pathlib.Path(sys.argv[1]))
    group = await store.create_group("000000000000", "us-east-1", "/aws/lambda/f")
    await store.create_stream(group, "put")
    stream = store.stream("000000000000", "us-east-1", "/aws/lambda/f", "appended")
    for number in range(1_000_000):
        stream.append(int(time.time() * 1000), f"appended {number}")
        await store.put_events(group, "put", [(int(time.time() * 1000), f"put {number}")])
        if number % 7 == 0:
            await store.flush()
            print("appended", number, flush=True)
        print("put", number, flush=True)

asyncio.run(main())
"""


def test_what_was_stored_is_there(run: Any, open_logs: Any, tmp_path: Any) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _WRITER, tmp_path / "logs.db"], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    acknowledged: list[str] = []
    for line in process.stdout:
        acknowledged.append(line.strip())
        if len(acknowledged) == 300:
            process.send_signal(signal.SIGKILL)
    process.stdout.close()
    assert process.wait(20) == -signal.SIGKILL

    async def scenario() -> None:
        async with open_logs() as logs:
            texts = set(await logs.texts())
            assert not [text for text in acknowledged[:300] if text not in texts]
            await logs.store.put_events(logs.group(), "put", [(1, "goes on")])
            assert "goes on" in await logs.texts()

    run(scenario)
