"""Figures from code to running: `lambent dev`, reloading, analysing, building, deploying, and a platform for tests.

The app is examples/shop, in a folder of its own. Commands are measured as a user meets them: whole processes, from
their start to what they print. Beside them what there is to compare with: importing the app alone, Flask's development
server for reloading, moto's CloudFormation as another endpoint for the same commands.
"""

from __future__ import annotations

import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from bench.events_queues import PEERS
from bench.figure import Figure
from bench.targets import KEY, Platform, free_port

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SHOP: Final = Path(__file__).parents[1] / "examples" / "shop"
LAMBENT: Final = [sys.executable, "-m", "lambent.cli"]

_LONG_S: Final = 60.0
_OTHER: Final = "moto server"
_ANALYSE: Final = """
import sys, time
from pathlib import Path
from lambent.deploy.analysis import analyse
from lambent.deploy.project_file import load_project
begin = time.perf_counter()
project = load_project(Path.cwd())
analyse(project, project.stage_named(None))
print((time.perf_counter() - begin) * 1000)
"""
_IMPORT: Final = (
    "import time; begin = time.perf_counter(); import app; print((time.perf_counter() - begin) * 1000)"
)
_START: Final = """
import time
begin = time.perf_counter()
from lambent.pytest_plugin.platform import Platform
platform = Platform.start()
print((time.perf_counter() - begin) * 1000)
platform.stop()
"""
_FLASK: Final = (
    'from flask import Flask\napp = Flask(__name__)\n@app.get("/orders")\ndef orders(): return "{}"\n'
)


def measure(data: Path, quick: bool) -> Iterator[Figure]:
    """All of them; `quick` is fewer rounds."""
    shop = data / "the shop"
    shutil.copytree(SHOP, shop, ignore=shutil.ignore_patterns(".lambent", "__pycache__", ".*_cache"))
    rounds = 2 if quick else 7
    yield from _dev(shop, rounds)
    yield from _analysis(shop, rounds)
    yield from _applying(shop, data, rounds)
    started = statistics.median(_printed(_START, data) for _ in range(rounds))
    yield Figure("pytest's platform, started", "ms", started, None, "<= 500", started <= 500)


# ---------------------------------------------------------------- lambent dev


class _Server:
    """A development server in `folder`, at `url`; `with` it runs."""

    def __init__(self, command: list[str], folder: Path, port: int, ready: bytes) -> None:
        self.url = f"http://127.0.0.1:{port}/orders"
        self._said = folder / "said.log"
        with self._said.open("wb") as log:
            begin = time.perf_counter()
            self._process = subprocess.Popen(
                command, cwd=folder, env=_variables(folder), stdout=log, stderr=subprocess.STDOUT
            )
        _until(lambda: ready in self._said.read_bytes())
        self.ready_s = time.perf_counter() - begin

    def saved(self, file: Path, text: str, answer: bytes) -> float:
        """Milliseconds from saving a file until a request gets what it says. Requests follow one another."""
        begin = time.perf_counter()
        file.write_text(text)
        _until(lambda: answer in self.get())
        return (time.perf_counter() - begin) * 1000

    def get(self) -> bytes:
        """The body that is answered; empty where nobody answers."""
        try:
            with urllib.request.urlopen(self.url, timeout=_LONG_S) as found:  # noqa: S310 - a server of ours
                return bytes(found.read())
        except (urllib.error.URLError, ConnectionError):
            return b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _dev(shop: Path, rounds: int) -> Iterator[Figure]:
    def serve(*options: str) -> _Server:
        port = free_port()
        return _Server([*LAMBENT, "dev", "--port", str(port), *options], shop, port, b" is ready in ")

    first, again = [], []
    for _ in range(rounds):
        shutil.rmtree(shop / ".lambent", ignore_errors=True)
        with serve() as server:
            first.append(server.ready_s)
        with serve() as server:
            again.append(server.ready_s)
    shutil.rmtree(shop / ".lambent")
    yield _at_most("lambent dev ready, the first time", "s", statistics.median(first), 1.5)
    yield _at_most("lambent dev ready, with its data", "s", statistics.median(again), 1.5)

    orders = shop / "shop" / "orders.py"
    text = orders.read_text()
    with serve() as server:
        server.get()
        ours = [
            server.saved(orders, _answering(text, number), b'"version":%d' % number)
            for number in range(rounds * 2)
        ]
    orders.write_text(text)
    yield Figure(
        "from a save to the new code's answer",
        "ms",
        statistics.median(ours),
        None,
        "<= 150",
        statistics.median(ours) <= 150,
        {"flask --debug": _flask(shop.parent / "flask", rounds)},
    )


def _answering(text: str, version: int) -> str:
    """The shop's orders.py, where the list of orders tells a version instead."""
    changed = text.replace("-> list[Order]:", "-> list:", 1)
    return changed.replace("    return list(", f'    return [{{"version": {version}}}] or list(', 1)


def _flask(folder: Path, rounds: int) -> float:
    folder.mkdir()
    app, port = folder / "app.py", free_port()
    app.write_text(_FLASK)
    command = [sys.executable, "-m", "flask", "--app", "app", "run", "--debug", "--port", str(port)]
    with _Server(command, folder, port, b"Debugger is active") as server:
        server.get()
        took = []
        for number in range(rounds):
            # It looks once a second, and misses what is saved while it starts anew.
            time.sleep(1.5)
            took.append(server.saved(app, _FLASK.replace("{}", f"version {number}"), b"version %d" % number))
        return statistics.median(took)


# ---------------------------------------------------------------- analysing, building, deploying


def _analysis(shop: Path, rounds: int) -> Iterator[Figure]:
    imported = statistics.median(_printed(_IMPORT, shop) for _ in range(rounds))
    analysed = statistics.median(_printed(_ANALYSE, shop) for _ in range(rounds))
    yield Figure(
        "analysing (floor: importing the app)",
        "ms",
        analysed,
        imported,
        "<= 300 beyond the import",
        analysed - imported <= 300,
    )
    yield Figure("lambent build, the first time", "s", _run(shop, "build"))
    unchanged = statistics.median(_run(shop, "build") for _ in range(rounds))
    yield Figure("lambent build, unchanged", "s", unchanged, None, "< 1", unchanged < 1)


def _applying(shop: Path, data: Path, rounds: int) -> Iterator[Figure]:
    (data / "platform").mkdir()
    with Platform(data / "platform") as platform:
        ours = _deployments(shop, rounds, "--endpoint-url", platform.url)
    (data / "other").mkdir()
    with PEERS[_OTHER](data / "other") as port:
        url = f"http://127.0.0.1:{port}"
        other = (
            _deployments(shop, max(2, rounds // 2), "--provider", "aws", "--endpoint-url", url)
            if port is not None
            else {}
        )
    wanted = {"apply, unchanged": 2.0, "apply, one line changed": 4.0}
    for name, seconds in ours.items():
        asked = wanted.get(name)
        yield Figure(
            f"lambent deploy {name}",
            "s",
            seconds,
            None,
            "" if asked is None else f"<= {asked:g}",
            None if asked is None else seconds <= asked,
            {_OTHER: other[name]} if name in other else {},
        )


def _deployments(shop: Path, rounds: int, *where: str) -> dict[str, float]:
    """Seconds of each command, medians, with the stack gone at the end."""
    orders = shop / "shop" / "orders.py"
    text = orders.read_text()
    found = {"apply, new (54 resources)": _run(shop, "deploy", "apply", *where)}
    try:
        found["plan, unchanged"] = statistics.median(
            _run(shop, "deploy", "plan", *where) for _ in range(rounds)
        )
        found["apply, unchanged"] = statistics.median(
            _run(shop, "deploy", "apply", *where) for _ in range(rounds)
        )
        changed = []
        for number in range(rounds):
            orders.write_text(_answering(text, number))
            changed.append(_run(shop, "deploy", "apply", *where))
        found["apply, one line changed"] = statistics.median(changed)
    finally:
        orders.write_text(text)
        found["destroy"] = _run(shop, "deploy", "destroy", "--yes", *where)
    return found


# ---------------------------------------------------------------- processes


def _run(folder: Path, *command: str) -> float:
    """Seconds of a command. Raises CalledProcessError with what it has said."""
    begin = time.perf_counter()
    done = subprocess.run(
        [*LAMBENT, *command], cwd=folder, env=_variables(folder), capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - begin
    if done.returncode != 0:
        print(done.stdout, done.stderr, file=sys.stderr)
        done.check_returncode()
    return seconds


def _printed(program: str, folder: Path) -> float:
    """The number that a program of Python prints."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env=_variables(folder),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return float(done.stdout)


def _variables(folder: Path) -> dict[str, str]:
    """The machine's, without those that would lead elsewhere."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("LAMBENT_", "AWS_")) and name != "PYTHONDONTWRITEBYTECODE"
    }
    return {
        **kept,
        "PYTHONPATH": str(folder),
        "SHOP_KEY": "open sesame",
        "AWS_ACCESS_KEY_ID": KEY[0],
        "AWS_SECRET_ACCESS_KEY": KEY[1],
        "AWS_DEFAULT_REGION": "us-east-1",
    }


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _LONG_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("what was waited for has not come")
        time.sleep(0.002)


def _at_most(name: str, unit: str, value: float, most: float) -> Figure:
    return Figure(name, unit, value, None, f"<= {most:g}", value <= most)
