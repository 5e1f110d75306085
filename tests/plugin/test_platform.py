"""The platform that tests have: quick, alone, and gone when they are."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from importlib.metadata import entry_points
from pathlib import Path

import boto3
import pytest

from lambent.pytest_plugin.platform import Platform, PlatformFailed
from lambent.pytest_plugin.waiting import wait_for

PLUGIN = "lambent.pytest_plugin.fixtures"


def is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # What has ended and nobody has asked about is in the table of processes still.
    return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()


def test_it_serves_until_it_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    platform = Platform.start()
    sqs = platform.client("sqs")
    assert sqs is platform.client("sqs")
    for name, value in platform.environment.items():
        monkeypatch.setenv(name, value)
    url = boto3.session.Session().client("sqs").create_queue(QueueName="jobs")["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="tea")
    assert [one["Body"] for one in sqs.receive_message(QueueUrl=url)["Messages"]] == ["tea"]
    platform.reset()
    assert "QueueUrls" not in sqs.list_queues()
    platform.stop()
    assert not is_running(platform.pid)


def test_what_it_cannot_start_with_is_told() -> None:
    with pytest.raises(PlatformFailed, match=r"(?s)did not start.*isolation"):
        Platform.start(isolation="none at all")


PROJECT = """
import os
from pathlib import Path

def test_it(lambent_platform):
    Path("pids").open("a").write(f"{lambent_platform.pid} {lambent_platform.url}\\n")
    HANG

def test_another(lambent_platform):
    Path("pids").open("a").write(f"{lambent_platform.pid} {lambent_platform.url}\\n")
"""


def started(project: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", "-q", "-p", PLUGIN, *arguments],
        cwd=project,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},  # others' take longer than the test
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def pids(project: Path) -> list[int]:
    try:
        lines = (project / "pids").read_text().splitlines()
    except FileNotFoundError:
        return []
    return [int(line.split()[0]) for line in lines]


def test_it_ends_with_pytest_even_when_that_is_killed(tmp_path: Path) -> None:
    # A child that outlives pytest holds the pipe too: that its parent is gone has to do then.
    hang = (
        "os.fork() or (os.setsid(), __import__('time').sleep(8), os._exit(0)); __import__('signal').pause()"
    )
    (tmp_path / "test_it.py").write_text(PROJECT.replace("HANG", hang))
    pytest_itself = started(tmp_path, "test_it.py::test_it")
    (pid,) = wait_for(lambda: pids(tmp_path), timeout=30)
    assert is_running(pid)
    pytest_itself.send_signal(signal.SIGKILL)
    pytest_itself.wait()
    began = time.monotonic()
    wait_for(lambda: not is_running(pid), what="the platform's end")
    assert time.monotonic() - began < 8
    assert pytest_itself.stdout is not None
    pytest_itself.stdout.close()


def test_each_worker_of_xdist_has_its_own(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(PROJECT.replace("HANG", "pass"))
    workers = started(tmp_path, "-p", "xdist", "-n2", "--dist=load")
    output, _ = workers.communicate(timeout=60)
    assert workers.returncode == 0, output
    assert len(set(pids(tmp_path))) == 2
    assert not any(map(is_running, pids(tmp_path)))


def test_a_scope_that_there_is_not_is_told(tmp_path: Path) -> None:
    pytest_itself = started(tmp_path, "-o", "lambent_scope=weekly")
    output, _ = pytest_itself.communicate(timeout=60)
    assert pytest_itself.returncode == pytest.ExitCode.USAGE_ERROR
    assert output.startswith("ERROR: lambent_scope is 'weekly': it must be one of session, package, module,")


def test_pytest_finds_it() -> None:
    (found,) = [one for one in entry_points(group="pytest11") if one.name == "lambent"]
    assert found.value == PLUGIN


def test_it_costs_nothing_until_it_is_asked_for() -> None:
    program = "import pytest, sys; before = set(sys.modules); import lambent.pytest_plugin.fixtures; "
    program += "print(sorted(set(sys.modules) - before))"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "['lambent', 'lambent.pytest_plugin', 'lambent.pytest_plugin.fixtures']"


def test_waiting_tells_what_was_there_last() -> None:
    def is_there() -> bool:
        assert 1 + 1 == 3, "not yet"
        return True

    with pytest.raises(AssertionError, match="is_there: still not so after 0 s: not yet"):
        wait_for(is_there, timeout=0)
    with pytest.raises(AssertionError, match=r"the answer: still not so after 0 s; last: \[\]"):
        wait_for(list, timeout=0, what="the answer")
    assert wait_for(lambda: 5) == 5
