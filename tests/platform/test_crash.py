"""kill -9: what was acknowledged is there, and no process is left."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import random
import signal
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.platform.conftest import Gate, Platform

ECHO = "def handler(event, context):\n    return event\n"

# Tells the test that it ran, and leaves a process behind that nothing but the platform would end.
DELIVERY = """
import json, socket, subprocess

def handler(event, context):
    subprocess.Popen(["sleep", "600"], start_new_session=True, stdin=subprocess.DEVNULL,
                     stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with socket.create_connection(("127.0.0.1", event["port"])) as post:
        post.sendall(json.dumps(event["number"]).encode())
"""


class Post:
    """Collects what handlers deliver."""

    def __init__(self) -> None:
        self.received: set[int] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1000)
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._collect, daemon=True)
        self._thread.start()

    def _collect(self) -> None:
        while True:
            with contextlib.suppress(OSError, ValueError):
                connection, _ = self._listener.accept()
                with connection, connection.makefile("rb") as file:
                    data = file.read()
                if data == b"end":
                    return
                self.received.add(int(data))

    def close(self) -> None:
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            connection.sendall(b"end")
        self._thread.join(10)
        self._listener.close()


@pytest.fixture
def post() -> Iterator[Post]:
    post = Post()
    yield post
    post.close()


class Load:
    """Clients that change things as fast as they can and remember what was acknowledged."""

    def __init__(self, platform: Platform, package: bytes, deliver: str, port: int) -> None:
        self.functions: set[str] = set()
        self.versions: set[tuple[str, str]] = set()
        self.tags: dict[str, str] = {}
        self.deleted: set[str] = set()
        self.events: set[int] = set()
        self._platform, self._package, self._deliver, self._port = platform, package, deliver, port
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(target=self._until_stopped, args=(work,), daemon=True)
            for work in (self._make, self._make, self._send, self._send)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(30)
            assert not thread.is_alive()

    def _until_stopped(self, work: Callable[[Any], None]) -> None:
        client = self._platform.client()
        # What fails has not been acknowledged: the platform is dead or dying.
        with contextlib.suppress(BotoCoreError, ClientError, OSError):
            while not self._stopping.is_set():
                work(client)

    def _make(self, client: Any) -> None:
        name = self._platform.create(ECHO, client=client)
        self.functions.add(name)
        client.tag_resource(
            Resource=f"arn:aws:lambda:us-east-1:000000000000:function:{name}", Tags={"made": name}
        )
        self.tags[name] = name
        version = client.publish_version(FunctionName=name)["Version"]
        self.versions.add((name, version))
        if random.random() < 0.2:  # noqa: S311 - which of them is no secret
            doomed = self._platform.create(ECHO, client=client, wait=False)
            client.delete_function(FunctionName=doomed)
            self.deleted.add(doomed)

    def _send(self, client: Any) -> None:
        number = random.getrandbits(60)
        payload = json.dumps({"port": self._port, "number": number})
        client.invoke(FunctionName=self._deliver, InvocationType="Event", Payload=payload)
        self.events.add(number)


def test_what_was_acknowledged_survives_kill_9_at_any_moment(
    own: Callable[..., Platform], post: Post, zipped: Callable[..., bytes], poll: Callable[..., Any]
) -> None:
    platform = own()
    deliver = platform.create(DELIVERY, client=platform.client())
    functions: set[str] = {deliver}
    versions: set[tuple[str, str]] = set()
    client = platform.client()
    for _ in range(5):
        load = Load(platform, zipped({"app.py": ECHO}), deliver, post.port)
        time.sleep(random.uniform(0.02, 0.6))  # noqa: S311 - the moment is what is varied
        platform.kill()
        load.stop()
        left_behind = platform.marked()
        platform.start()
        client = platform.client()
        functions |= load.functions
        versions |= load.versions
        found = {
            (one["FunctionName"], one["Version"])
            for page in client.get_paginator("list_functions").paginate(FunctionVersion="ALL")
            for one in page["Functions"]
        }
        names = {name for name, _ in found}
        assert functions <= names
        assert versions <= found
        assert not load.deleted & names
        for name in load.tags:
            arn = f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
            assert client.list_tags(Resource=arn)["Tags"] == {"made": name}
        # Every event runs, if not before the crash then after it.
        poll(lambda load=load: load.events <= post.received)
        # Processes of the life before are gone; those of this one are below the platform.
        assert not left_behind & platform.marked()
    assert versions
    name, version = next(iter(versions))
    platform.settle(name, client)
    assert platform.invoke(name, "works", qualifier=version).json == "works"
    assert platform.stop() == 0
    assert not platform.marked()


def test_a_platform_that_dies_takes_everything_with_it(
    own: Callable[..., Platform], poll: Callable[..., Any], gate: Gate, background: Any
) -> None:
    platform = own()
    name = platform.create(
        "import subprocess\n" + gate.source.replace(
            "def handler(event, context):",
            "def handler(event, context):\n    subprocess.Popen(['sleep', '600'], start_new_session=True)",
        )
    )  # fmt: skip
    call = background(lambda: platform.invoke(name, {"port": gate.port}))
    gate.wait()
    assert len(platform.marked()) >= 3
    platform.kill()
    with pytest.raises((OSError, http.client.HTTPException)):
        call.result()
    poll(lambda: not platform.marked(), seconds=5)


def test_what_outlives_platform_and_zygote_ends_at_the_next_start(
    own: Callable[..., Platform], living: Callable[[int], bool], poll: Callable[..., Any]
) -> None:
    platform = own()
    name = platform.create(
        "import subprocess\n"
        "child = subprocess.Popen(['sleep', '600'], start_new_session=True)\n"
        "def handler(event, context):\n"
        "    return child.pid\n"
    )
    child = platform.invoke(name, 1).json
    zygotes = platform.zygotes()
    assert zygotes
    # Together, so that neither can clean up: stopped, then killed.
    everyone = [platform.process.pid, *zygotes, *platform.environments()]
    for pid in everyone:
        os.kill(pid, signal.SIGSTOP)
    for pid in everyone:
        os.kill(pid, signal.SIGKILL)
    platform.process.wait()
    poll(lambda: not any(map(living, everyone)))
    assert living(child)
    platform.start()
    assert not living(child)
    assert platform.request("GET", "/_lambent/health").status == 200


def test_directories_of_environments_do_not_outlive_a_crash(own: Callable[..., Platform]) -> None:
    platform = own()
    name = platform.create("def handler(event, context):\n    open('/tmp/big', 'w').write('x' * 100_000)\n")
    platform.invoke(name, 1)
    assert list((platform.data / "environments").iterdir())
    platform.kill()
    platform.start()
    assert list((platform.data / "environments").iterdir()) == []
