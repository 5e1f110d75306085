"""The floor of queues: the least that keeps messages over HTTP durably, in Python.

`python -m bench.events_floor PORT FILE`: one uvloop process with an httptools protocol and one thread that writes
what has come since its last commit in one transaction, with synchronous=FULL. `POST /send` keeps its body, `/batch`
each of ten parts of it, `/receive` hands out the next ten of those kept with their numbers, `/receive-one` the next,
`/delete` forgets such numbers. No names, no validation, no digests, no attributes, no visibility.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sqlite3
import sys
import threading
from collections import deque
from queue import Empty, SimpleQueue
from typing import Any

import httptools
import uvloop

_PARTS = 10


class _Store:
    def __init__(self, path: str) -> None:
        self.loop = asyncio.get_running_loop()
        self.kept: deque[tuple[int, str]] = deque()
        self.count = 0
        self.jobs: SimpleQueue[tuple[str, list[tuple[Any, ...]], Any]] = SimpleQueue()
        self.connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        for statement in ("journal_mode = WAL", "synchronous = FULL"):
            self.connection.execute(f"PRAGMA {statement}")
        self.connection.execute("CREATE TABLE messages (seq INTEGER PRIMARY KEY, body TEXT NOT NULL)")
        threading.Thread(target=self.run, daemon=True).start()

    def run(self) -> None:
        while True:
            batch = [self.jobs.get()]
            try:
                while len(batch) < 1024:
                    batch.append(self.jobs.get_nowait())
            except Empty:
                pass
            self.connection.execute("BEGIN")
            for sql, rows, _ in batch:
                self.connection.executemany(sql, rows)
            self.connection.execute("COMMIT")
            self.loop.call_soon_threadsafe(self.finish, batch)

    @staticmethod
    def finish(batch: list[tuple[str, list[tuple[Any, ...]], Any]]) -> None:
        for _, _, done in batch:
            done()


class _Http(asyncio.Protocol):
    def __init__(self, store: _Store) -> None:
        self.store = store

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.parser = httptools.HttpRequestParser(self)
        self.body = b""

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self.path = url

    def on_body(self, body: bytes) -> None:
        self.body = self.body + body if self.body else body

    def on_message_complete(self) -> None:
        body, self.body = self.body, b""
        if self.path.startswith(b"/receive"):
            wanted = 1 if self.path == b"/receive-one" else _PARTS
            taken = [self.store.kept.popleft() for _ in range(min(wanted, len(self.store.kept)))]
            self.answer(json.dumps(taken).encode())
        elif self.path == b"/delete":
            rows = [(number,) for number in json.loads(body)]
            self.store.jobs.put(("DELETE FROM messages WHERE seq = ?", rows, lambda: self.answer(b"{}")))
        else:
            self.keep([body.decode()] if self.path == b"/send" else json.loads(body))

    def keep(self, bodies: list[str]) -> None:
        rows = []
        for body in bodies:
            self.store.count += 1
            rows.append((self.store.count, body))

        def done() -> None:
            self.store.kept.extend(rows)
            self.answer(b"{}")

        self.store.jobs.put(("INSERT INTO messages VALUES (?, ?)", rows, done))

    def answer(self, body: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
                + body
            )


async def _main(port: int, path: str) -> None:
    store = _Store(path)
    await store.loop.create_server(lambda: _Http(store), "127.0.0.1", port)
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        store.loop.add_signal_handler(number, stopped.set)
    await stopped.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("file")
    arguments = parser.parse_args()
    sys.setswitchinterval(0.001)
    uvloop.run(_main(arguments.port, arguments.file))
