"""Figures of runtimes that are not forked: Node.js, custom runtimes, Java. Each beside a bare process of its kind."""

from __future__ import annotations

import concurrent.futures
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench import load
from bench.caller import Caller
from bench.figure import Figure
from bench.targets import Platform

if TYPE_CHECKING:
    from collections.abc import Iterator

_NODE_FLOOR: Final = Path(__file__).parent / "node_floor.cjs"
_EVENT: Final = load.BODY.encode() + b"\n"
_PATH: Final = "/2015-03-31/functions/{}/invocations"

_NODE: Final = "exports.handler = async (event) => event;\n"
_NODE_HOLD: Final = """exports.handler = async (event) => {
  await new Promise((done) => setTimeout(done, event.hold));
  return event;
};
"""
_HOLD_MS: Final = 400

# A client as small as can be: what is measured is the Runtime API, not a language's HTTP library.
_CUSTOM: Final = """#!{python} -IS
import os, re, socket
host, port = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
api = socket.create_connection((host, int(port)))
api.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
def answer():
    data = b""
    while b"\\r\\n\\r\\n" not in data:
        data += api.recv(65536)
    head, _, body = data.partition(b"\\r\\n\\r\\n")
    length = int(re.search(rb"(?i)content-length: *(\\d+)", head)[1])
    while len(body) < length:
        body += api.recv(65536)
    return head, body
while True:
    api.sendall(b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\\r\\nHost: api\\r\\n\\r\\n")
    head, event = answer()
    request = re.search(rb"(?i)aws-request-id: *(\\S+)", head)[1]
    api.sendall(
        b"POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\\r\\nHost: api\\r\\nContent-Length: %d\\r\\n\\r\\n%s"
        % (request, len(event), event)
    )
    answer()
"""

_JAVA: Final = """import java.util.Map;
public class App {
    public Map<String, Object> handle(Map<String, Object> event) { return event; }
}
"""
_JAVA_FLOOR: Final = """public class Floor {
    public static void main(String[] arguments) { System.out.println("{}"); }
}
"""


def measure(data: Path, quick: bool) -> Iterator[Figure]:
    """Every runtime that this machine has, warm and cold."""
    if shutil.which("node"):
        yield from _node(_folder(data, "node"), quick)
    yield from _custom(_folder(data, "custom"), quick)
    if shutil.which("java") and shutil.which("javac"):
        yield from _java(_folder(data, "java"), quick)


def _folder(data: Path, name: str) -> Path:
    folder = data / name
    folder.mkdir()
    return folder


def _warm(ours: Platform, name: str, quick: bool) -> float:
    url = ours.invoke_url(name)
    load.run(url, 1, 1)
    return statistics.median(load.run(url, 1, 1 if quick else 3).p50 for _ in range(1 if quick else 3))


def _node(data: Path, quick: bool) -> Iterator[Figure]:
    module = data / "app.js"
    module.write_text(_NODE)
    count = 5 if quick else 20
    bare_cold, bare_claimed, bare_warm = zip(*(_bare_node(module) for _ in range(count)), strict=True)
    with Platform(data) as ours:
        ours.create("f", {"app.js": _NODE}, Runtime=_node_runtime())
        warm = _warm(ours, "f", quick)
    floor = statistics.median(bare_warm)
    yield Figure("Node.js warm p50", "ms", warm, floor, "<= 0.4", warm <= 0.4)
    with Platform(_folder(data, "cold"), idle_timeout_s="0.001") as ours:
        ours.create("f", {"app.js": _NODE}, Runtime=_node_runtime())
        claimed = statistics.median(_cold(ours, count))
        ours.create("held", {"app.js": _NODE_HOLD}, Runtime=_node_runtime())
        alone = statistics.median(_beyond_the_pool(ours) for _ in range(3 if quick else 10))
    floor = statistics.median(bare_claimed)
    yield Figure("Node.js cold, from the pool", "ms", claimed, floor, "<= 6", claimed <= 6)
    floor = statistics.median(bare_cold)
    yield Figure("Node.js cold, pool empty", "ms", alone, floor, "<= 40", alone <= 40)


def _node_runtime() -> str:
    version = subprocess.run(["node", "--version"], check=True, capture_output=True, text=True).stdout
    return f"nodejs{version.removeprefix('v').split('.')[0]}.x"


def _bare_node(module: Path) -> tuple[float, float, float]:
    """Milliseconds to a first answer from nothing, from a process that waits, and of a warm answer."""
    line = f"{module}\n".encode()
    begin = time.perf_counter()
    with _node_process() as process:
        process.stdin.write(line + _EVENT)  # type: ignore[union-attr]
        process.stdout.readline()  # type: ignore[union-attr]
        cold = time.perf_counter() - begin
        process.kill()
    with _node_process() as process:
        # Nothing tells that it has started: long enough for any.
        time.sleep(0.2)
        begin = time.perf_counter()
        process.stdin.write(line + _EVENT)  # type: ignore[union-attr]
        process.stdout.readline()  # type: ignore[union-attr]
        claimed = time.perf_counter() - begin
        times = []
        for _ in range(200):
            begin = time.perf_counter()
            process.stdin.write(_EVENT)  # type: ignore[union-attr]
            process.stdout.readline()  # type: ignore[union-attr]
            times.append(time.perf_counter() - begin)
        process.kill()
    return cold * 1000, claimed * 1000, statistics.median(times) * 1000


def _node_process() -> subprocess.Popen[bytes]:
    return subprocess.Popen(["node", _NODE_FLOOR], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)


def _cold(ours: Platform, count: int) -> list[float]:
    """Milliseconds of invocations that each find no environment; idle ones are reaped at once."""
    call = Caller(ours.port, _PATH.format("f"))
    times = []
    for _ in range(count):
        # The reaper looks once a second; by then the pool of blank processes is full again too.
        time.sleep(1.5)
        times.append(call())
    return times


def _beyond_the_pool(ours: Platform) -> float:
    """Milliseconds of a cold start when the blank processes have just been taken by others."""
    time.sleep(1.5)
    body = b'{"hold": %d}' % _HOLD_MS

    def held(number: int) -> float:
        time.sleep(number * 0.008)
        return Caller(ours.port, _PATH.format("held"))(body) - _HOLD_MS

    with concurrent.futures.ThreadPoolExecutor(3) as threads:
        return list(threads.map(held, range(3)))[-1]


def _custom(data: Path, quick: bool) -> Iterator[Figure]:
    bootstrap = _CUSTOM.format(python=sys.executable)
    with Platform(data) as ours:
        ours.create("f", {"bootstrap": bootstrap}, Runtime="provided.al2023", Handler="any")
        warm = _warm(ours, "f", quick)
    yield Figure("custom runtime warm p50", "ms", warm, None, "<= 0.4", warm <= 0.4)
    with Platform(_folder(data, "cold"), idle_timeout_s="0.001") as ours:
        ours.create("f", {"bootstrap": bootstrap}, Runtime="provided.al2023", Handler="any")
        cold = statistics.median(_cold(ours, 3 if quick else 15))
    yield Figure("custom runtime cold (a Python script)", "ms", cold)


def _java(data: Path, quick: bool) -> Iterator[Figure]:
    for name, source in (("App", _JAVA), ("Floor", _JAVA_FLOOR)):
        (data / f"{name}.java").write_text(source)
        subprocess.run(["javac", f"{name}.java"], cwd=data, check=True)
    count = 3 if quick else 15
    floors = [_bare_java(data) for _ in range(count)]
    files = {"App.class": (data / "App.class").read_bytes()}
    with Platform(_folder(data, "warm")) as ours:
        ours.create("f", files, Runtime="java17", Handler="App::handle", MemorySize=512)
        warm = _warm(ours, "f", quick)
    yield Figure("Java warm p50", "ms", warm)
    with Platform(_folder(data, "cold"), idle_timeout_s="0.001") as ours:
        ours.create("f", files, Runtime="java17", Handler="App::handle", MemorySize=512)
        cold = statistics.median(_cold(ours, count))
    yield Figure("Java 17 cold", "ms", cold, statistics.median(floors), "<= 120", cold <= 120)


def _bare_java(folder: Path) -> float:
    begin = time.perf_counter()
    subprocess.run(
        ["java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", folder, "Floor"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return (time.perf_counter() - begin) * 1000
