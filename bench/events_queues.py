"""Messages over HTTP: sent, received and deleted; the floor, ours, and others in memory."""

from __future__ import annotations

import contextlib
import json
import os
import re
import statistics
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any, Final

import boto3

from bench import api, peers
from bench.figure import Figure
from bench.targets import KEY, Platform, free_port, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

BODY: Final = "x" * 1024
_PARTS: Final = 10
# No more may be in flight in a standard queue.
_MOST: Final = 100_000
_HANDLE: Final = re.compile(rb'"ReceiptHandle":\s*"([^"]+)"')
_NUMBER: Final = re.compile(rb"\[(\d+),")

STEPS: Final = {
    "send": ("messages/s sent, 16 connections", 8_000),
    "send ten": ("the same, ten in a request", 40_000),
    "receive ten": ("messages/s received, ten in a request", 40_000),
    "delete ten": ("messages/s deleted, ten in a request", 40_000),
    "receive": ("messages/s received one by one", 8_000),
    "delete": ("messages/s deleted one by one", 8_000),
}


class SqsQueue:
    """The requests to a queue that is there, as bytes."""

    def __init__(self, url: str) -> None:
        self._url = url
        entries = [{"Id": str(at), "MessageBody": BODY} for at in range(_PARTS)]
        self.send = api.post("sqs", "SendMessage", {"QueueUrl": url, "MessageBody": BODY})
        self.send_ten = api.post("sqs", "SendMessageBatch", {"QueueUrl": url, "Entries": entries})
        self.receive = api.post("sqs", "ReceiveMessage", {"QueueUrl": url, "MaxNumberOfMessages": 1})
        self.receive_ten = api.post("sqs", "ReceiveMessage", {"QueueUrl": url, "MaxNumberOfMessages": _PARTS})

    @staticmethod
    def handles(answer: bytes) -> list[bytes]:
        """What an answer to a receive is deleted with."""
        return _HANDLE.findall(answer)

    def delete(self, handles: list[bytes]) -> bytes:
        """Delete these, which are one or up to ten."""
        texts = [handle.decode() for handle in handles]
        if len(texts) == 1:
            return api.post("sqs", "DeleteMessage", {"QueueUrl": self._url, "ReceiptHandle": texts[0]})
        entries = [{"Id": str(at), "ReceiptHandle": text} for at, text in enumerate(texts)]
        return api.post("sqs", "DeleteMessageBatch", {"QueueUrl": self._url, "Entries": entries})


class FloorQueue:
    """The same of `bench.events_floor`."""

    def __init__(self) -> None:
        self.send = self._post("send", BODY)
        self.send_ten = self._post("batch", json.dumps([BODY] * _PARTS))
        self.receive = self._post("receive-one", "")
        self.receive_ten = self._post("receive", "")

    @staticmethod
    def handles(answer: bytes) -> list[bytes]:
        """The numbers of messages."""
        return _NUMBER.findall(answer)

    def delete(self, handles: list[bytes]) -> bytes:
        """Delete these."""
        return self._post("delete", f"[{','.join(handle.decode() for handle in handles)}]")

    @staticmethod
    def _post(path: str, body: str) -> bytes:
        return f"POST /{path} HTTP/1.1\r\nHost: bench\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


def steps(port: int, queue: SqsQueue | FloorQueue, seconds: float) -> dict[str, float]:
    """Messages a second of each step, at 16 connections. Empties what it fills."""
    rates = {
        "send": api.repeat(port, queue.send, 16, seconds).rate,
        "send ten": api.repeat(port, queue.send_ten, 16, seconds).rate * _PARTS,
    }
    sent = int((rates["send"] + rates["send ten"]) * seconds)
    for name, request, most in (
        ("receive", queue.receive, min(_MOST, sent // 4)),
        ("receive ten", queue.receive_ten, _MOST),
    ):
        begin = time.perf_counter()
        received = _receive(port, queue, request, seconds, most)
        rates[name] = sum(map(len, received)) / (time.perf_counter() - begin)
        # Whoever looks through a list for each is not waited for.
        deleted = api.each(port, [queue.delete(handles) for handles in received], seconds=seconds * 2)
        rates[name.replace("receive", "delete")] = deleted.rate * (len(received[0]) if received else 0)
    return rates


def _receive(
    port: int, queue: SqsQueue | FloorQueue, request: bytes, seconds: float, most: int
) -> list[list[bytes]]:
    received: list[list[bytes]] = []
    end = time.perf_counter() + seconds
    count = 0

    def following(answer: bytes | None) -> bytes | None:
        nonlocal count
        if answer is not None:
            handles = queue.handles(answer)
            if not handles:
                return None
            received.append(handles)
            count += len(handles)
        return request if count < most and time.perf_counter() < end else None

    api.drive(port, following, 16)
    return received


@contextlib.contextmanager
def floor(folder: Path) -> Iterator[int]:
    """The floor program; its port."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.events_floor", str(port), str(folder / "floor.db")]
    )
    try:
        wait_for(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(10)


@contextlib.contextmanager
def ministack(folder: Path) -> Iterator[int | None]:
    """MiniStack's port; None where it cannot be installed."""
    installed = peers.ministack()
    if installed is None:
        yield None
        return
    port = free_port()
    environment = {**os.environ, "GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "LOG_LEVEL": "WARNING"}
    with _running([str(installed.python), "-m", "ministack"], folder, port, environment):
        yield port


@contextlib.contextmanager
def moto_server(folder: Path) -> Iterator[int | None]:
    """The port of moto's server, which the platform has for its neighbours."""
    port = free_port()
    with _running([sys.executable, "-m", "moto.server", "-p", str(port)], folder, port, dict(os.environ)):
        yield port


PEERS: Final[dict[str, Callable[[Path], contextlib.AbstractContextManager[int | None]]]] = {
    "MiniStack": ministack,
    "moto server": moto_server,
}


def client(port: int, service: str) -> Any:
    """A boto3 client of whoever serves AWS's APIs at a port."""
    return boto3.client(
        service,
        endpoint_url=f"http://127.0.0.1:{port}",
        region_name="us-east-1",
        aws_access_key_id=KEY[0],
        aws_secret_access_key=KEY[1],
    )


def new_queue(port: int, name: str) -> str:
    """The URL of a new queue; what is received stays in flight for long."""
    made = client(port, "sqs").create_queue(QueueName=name, Attributes={"VisibilityTimeout": "3600"})
    url: str = made["QueueUrl"]
    return url


@contextlib.contextmanager
def _running(command: list[str], folder: Path, port: int, environment: dict[str, str]) -> Iterator[None]:
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    try:
        wait_for(port, process, 60)
        yield
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def measure(data: Path, rounds: int, seconds: float) -> Iterator[Figure]:
    """Every step: the floor and ours in turn, medians; then others."""
    found: dict[str, dict[str, list[float]]] = {
        who: {step: [] for step in STEPS} for who in ("floor", "ours")
    }
    (data / "ours").mkdir()
    with floor(data) as floor_port, Platform(data / "ours") as ours:
        for turn in range(rounds + 1):
            queue = SqsQueue(new_queue(ours.port, f"q{turn}"))
            length = seconds if turn else min(seconds, 0.5)  # the first warms up
            for who, port, requests in (("floor", floor_port, FloorQueue()), ("ours", ours.port, queue)):
                for step, rate in steps(port, requests, length).items():
                    if turn:
                        found[who][step].append(rate)
    others = _others(data, seconds)
    for step, (title, wanted) in STEPS.items():
        value = statistics.median(found["ours"][step])
        yield Figure(
            title,
            "/s",
            value,
            statistics.median(found["floor"][step]),
            f">= {wanted:,}",
            value >= wanted,
            peers={who: rates[step] for who, rates in others.items()},
        )


def _others(data: Path, seconds: float) -> dict[str, dict[str, float]]:
    """By name; those that are not there and cannot be installed take no part. None of them keeps messages on disk."""
    found = {}
    for name, serve in PEERS.items():
        folder = data / name.replace(" ", "-").lower()
        folder.mkdir()
        with serve(folder) as port:
            if port is None:
                print(f"{name} takes no part: it cannot be installed here", file=sys.stderr)
                continue
            found[name] = steps(port, SqsQueue(new_queue(port, "q")), seconds)
    return found
