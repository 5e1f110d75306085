"""Apps on a platform as their tests see them: the examples, and what goes wrong."""

from __future__ import annotations

import inspect
import re
import runpy
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from lambent.deploy.errors import DeployError
from lambent.pytest_plugin import ConnectionRefused, DeployedApp, FunctionFailed
from lambent.pytest_plugin.fixtures import pytest_runtest_makereport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lambent.pytest_plugin import Platform

REPOSITORY = Path(__file__).parents[2]
EXAMPLES = REPOSITORY / "examples"
NODE = shutil.which("node")

APP = """
from lambent import App, Forbidden, Logger, Queue

app = App("trial", logger=Logger("trial"))
results = Queue("results")
rooms = app.channel("rooms")

@app.queue("jobs.fifo")
def work(job: dict) -> None:
    results.send({"done": job["id"]})

@app.invocation()
def double(event: dict) -> dict:
    app.logger.info("Doubling", extra={"number": event["number"]})
    return {"twice": event["number"] * 2}

@rooms.on_connect
def connect(key: str = "") -> None:
    if key != "tea":
        raise Forbidden

@rooms.on_message
def say(message: dict) -> dict:
    return {"heard": message}

@app.post("/echo", status=202)
def echo(message: dict) -> dict:
    return message

@app.schedule("rate(1 day)")
def daily() -> None:
    app.logger.info("A day has passed")
"""


@pytest.fixture(scope="module")
def trial(platform: Platform, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeployedApp]:
    """A small app that needs no moto, in a folder with a name that not every tool takes."""
    root = tmp_path_factory.mktemp("proj") / "mein Läden"
    root.mkdir()
    (root / "app.py").write_text(APP)
    (root / "lambent.toml").write_text('[resources.queues."jobs.fifo"]\nfifo = true\n')
    app = DeployedApp(platform, root, tmp_path_factory.mktemp("code") / "linked code").deploy()
    yield app
    app.remove()
    assert platform.client("lambda").list_functions()["Functions"] == []


@pytest.mark.parametrize("example", ["http", "worker", "websocket", "shop"])
def test_examples_work_on_the_platform(example: str, platform: Platform, tmp_path: Path) -> None:
    """Their own tests, on a platform that they share."""
    app = DeployedApp(platform, EXAMPLES / example, tmp_path).deploy()
    try:
        for name, test in runpy.run_path(str(EXAMPLES / example / "tests" / "test_on_platform.py")).items():
            needs_node = [mark for mark in getattr(test, "pytestmark", ()) if mark.name == "skipif"]
            if name.startswith("test_") and not (needs_node and NODE is None):
                assert list(inspect.signature(test).parameters) == ["lambent_app"]
                test(app)
        if example == "shop" and NODE is not None:
            app.reset()
            documented("test_an_order_gets_a_receipt")(lambent_app=app)
    finally:
        app.remove()


def documented(name: str) -> Callable[..., None]:
    """A test as the guide shows it."""
    guide = (REPOSITORY / "docs" / "testing-on-the-platform.md").read_text()
    for block in re.findall(r"^```python\n(.*?)^```$", guide, re.DOTALL | re.MULTILINE):
        found: dict[str, Any] = {}
        exec(compile(block, "testing-on-the-platform.md", "exec"), found)  # noqa: S102 - it is ours
        if name in found:
            test: Callable[..., None] = found[name]
            return test
    raise LookupError(name)


def test_the_guide_is_right(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    documented("test_with_a_client")(lambent_platform=platform)
    documented("test_of_code_with_clients_of_its_own")(lambent_platform=platform, monkeypatch=monkeypatch)


def test_functions_are_called_by_their_units_names(trial: DeployedApp) -> None:
    (unit,) = trial.manifest.units
    assert trial.invoke(unit.name, {"number": 21}) == {"twice": 42}
    with pytest.raises(FunctionFailed, match=f"(?s){unit.name}: KeyError: .*app.py") as failed:
        trial.invoke(unit.name, {})
    assert failed.value.type == "KeyError"


def test_requests(trial: DeployedApp) -> None:
    answer = trial.post("/echo?x=1", json={"tea": 1})
    assert (answer.status, answer.json()) == (202, {"tea": 1})
    by_url = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import urllib.request as u; print(u.urlopen('{trial.url}/echo', b'{{}}').status)",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert by_url.stdout == "202\n"


def test_messages(trial: DeployedApp) -> None:
    for number in range(3):
        trial.send("jobs.fifo", {"id": number}, group="one")
    done: list[Any] = []

    def all_done() -> bool:
        done.extend(trial.messages("results"))
        return len(done) == 3

    trial.wait_for(all_done)
    assert sorted(one["done"] for one in done) == [0, 1, 2]
    assert trial.messages("jobs.fifo", dead=True) == []


def test_times(trial: DeployedApp) -> None:
    trial.fire("daily")
    trial.wait_for(lambda: trial.logs(message="A day has passed"))


def test_connections(trial: DeployedApp) -> None:
    with trial.connect("rooms", query="key=tea") as room:
        room.send({"hello": 1})
        assert room.receive() == {"heard": {"hello": 1}}
        with pytest.raises(TimeoutError):
            room.receive(timeout=0.05)
    with pytest.raises(ConnectionRefused, match="403") as refused:
        trial.connect("rooms")
    assert refused.value.status == 403


def test_a_test_that_fails_shows_what_the_functions_have_logged(trial: DeployedApp) -> None:
    (unit,) = trial.manifest.units
    began = time.time()
    trial.invoke(unit.name, {"number": 5})
    trial.post("/echo", json=[])
    with pytest.raises(FunctionFailed):
        trial.invoke(unit.name, {})
    trial.wait_for(lambda: "KeyError" in trial.told_since(began))
    report = SimpleNamespace(failed=True, when="call", sections=[])
    call = SimpleNamespace(start=began)
    hook: Any = pytest_runtest_makereport(SimpleNamespace(funcargs={"lambent_app": trial}), call)  # type: ignore[arg-type]
    next(hook)
    with pytest.raises(StopIteration):
        hook.send(report)
    ((title, text),) = report.sections
    assert title == "Logs of the app's functions"
    # What an earlier test has set going may stand before it.
    assert f"{unit.name} │ INFO Doubling  number=5\n{unit.name} │ " in text
    assert 'app.py", line ' in text


def test_a_reset_leaves_nothing(trial: DeployedApp) -> None:
    (unit,) = trial.manifest.units
    trial.invoke(unit.name, {"number": 1})
    trial.client("sqs").send_message(QueueUrl=trial.physical("queue", "results"), MessageBody="left")
    trial.wait_for(lambda: trial.logs(unit.name))
    trial.reset()
    # A schedule by rate begins with its creation, so it may have logged again.
    assert [line for line in trial.logs() if line["message"] != "A day has passed"] == []
    assert trial.messages("results") == []
    assert trial.invoke(unit.name, {"number": 1}) == {"twice": 2}


MISSING: list[tuple[Callable[[DeployedApp], Any], str]] = [
    (lambda app: app.send("job", {}), "the app trial has no queue 'job'; there are "),
    (lambda app: app.connect("chat"), "the app trial has no channel 'chat'; there are Rooms"),
    (lambda app: app.invoke("nobody"), "the app trial has no function 'nobody'; there are "),
    (lambda app: app.fire("hourly"), "the app trial has no schedule 'hourly'; there are Daily"),
    (lambda app: app.physical("bucket", "b"), "the app trial has no bucket 'b'$"),
]


@pytest.mark.parametrize("missing", MISSING, ids=[one[1] for one in MISSING])
def test_what_is_not_there_is_told(
    missing: tuple[Callable[[DeployedApp], Any], str], trial: DeployedApp
) -> None:
    ask, message = missing
    with pytest.raises(LookupError, match=message):
        ask(trial)


BROKEN = [
    # file, content, message
    ("app.py", "from lambent import App\napp = App('broken')\n1 / 0\n", r"app.py:3.*ZeroDivisionError"),
    ("template.yaml", "Resources: {}\n", "template.yaml is a template, and lambent_app is for apps"),
    ("readme.md", "", "(?i)no app"),
]


@pytest.mark.parametrize(("file", "content", "message"), BROKEN, ids=[one[0] for one in BROKEN])
def test_what_cannot_be_deployed_is_told(
    file: str, content: str, message: str, platform: Platform, tmp_path: Path
) -> None:
    (tmp_path / file).write_text(content)
    with pytest.raises(DeployError, match=message):
        DeployedApp(platform, tmp_path, tmp_path / "code").deploy()
