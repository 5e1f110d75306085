"""Sessions one after the other in a project; and debuggers."""

from __future__ import annotations

import socket
import threading
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from tests.dev.dap import DapClient
from tests.dev.running import Dev, save
from tests.dev.test_template import CODE, STATE, TEMPLATE

from lambent.deploy import dev_session
from lambent.dev.session import _forget
from lambent.store import DirectoryInUse
from lambent.store.locks import FileLock

if TYPE_CHECKING:
    from pathlib import Path

QUEUE = """
  Box:
    Type: AWS::SQS::Queue
    Properties: {QueueName: box}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "mein Läden"
    (root / "code").mkdir(parents=True)
    (root / "template.yaml").write_text(TEMPLATE + QUEUE)
    (root / "code" / "app.py").write_text(CODE)
    (root / "code" / "state.py").write_text(STATE)
    return root


def sqs(dev: Dev) -> Any:
    return boto3.client(
        "sqs",
        endpoint_url=dev.url,
        region_name="us-east-1",
        aws_access_key_id="lambent",
        aws_secret_access_key="lambent",
    )


def test_a_session_that_was_killed_is_gone_on_with_and_debugged(project: Path) -> None:
    with Dev(project) as first:
        first.ready()
        url = sqs(first).get_queue_url(QueueName="box")["QueueUrl"]
        sqs(first).send_message(QueueUrl=url, MessageBody="kept")
        assert first.get("/").status == 200
        assert dev_session.find(project / "code") == dev_session.read(project)
        assert dev_session.read(project) is not None
        first.kill()
    assert (project / ".lambent" / "dev.json").exists()
    assert dev_session.find(project / "code") is None, "its process is gone"

    with Dev(project, "--debug=0") as second:
        second.ready()
        url = sqs(second).get_queue_url(QueueName="box")["QueueUrl"]
        assert [m["Body"] for m in sqs(second).receive_message(QueueUrl=url)["Messages"]] == ["kept"]
        _debug(second, project / "code" / "app.py")
        second.stop()
    assert not (project / ".lambent" / "dev.json").exists()


def _debug(dev: Dev, path: Path) -> None:
    """As an editor does it: one port, the project's own path, nothing said of where it is in the function."""
    port = dev.session["debug_port"]
    editor = DapClient(port)
    editor.attach({str(path): [4]}, connect={"host": "127.0.0.1", "port": port})
    answers: list[int] = []
    asking = threading.Thread(target=lambda: answers.append(dev.get("/looked-at").status))
    asking.start()
    child = editor.event("debugpyAttach")
    function = DapClient(port)
    function.attach({str(path): [4]}, **child)
    stopped = function.event("stopped")
    assert stopped["reason"] == "breakpoint"
    frame = function.ask("stackTrace", threadId=stopped["threadId"])["stackFrames"][0]
    assert (frame["source"]["path"], frame["line"]) == (str(path), 4)
    found = function.ask("evaluate", expression="event['rawPath']", frameId=frame["id"])
    assert found["result"] == "'/looked-at'"
    assert not answers
    function.ask("continue", threadId=stopped["threadId"])
    asking.join(30)
    assert answers == [200]
    function.close()
    editor.close()


def test_an_app_that_does_not_run_yet_is_waited_for(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("from lambent import App\napp = App('late'\n")
    with Dev(tmp_path) as dev:
        dev.sees("waits for the app: mend it and save.")
        assert "✗ app.py:2: SyntaxError: '(' was never closed" in dev.text
        answer = dev.get("/")
        assert answer.status == 503
        assert answer.json()["message"].startswith("The app is not running: app.py:2: SyntaxError")
        save(
            tmp_path / "app.py",
            "from lambent import App\napp = App('late')\n@app.get('/')\ndef home() -> str:\n    return 'here'\n",
        )
        assert dev.get("/").body == "here"
        dev.sees("late is ready\n")
        dev.sees("GET     /\n")
        dev.stop()


def test_fresh_forgets_what_happened_and_keeps_what_is_not_the_platform_s(tmp_path: Path) -> None:
    for name in ("lambent.db", "lambent.db-wal", "lambent.db.lock", "logs.db", "blobs/a/b", "build/x.zip"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    lock = FileLock(tmp_path / "lambent.db.lock")
    with pytest.raises(DirectoryInUse):
        _forget(tmp_path)
    lock.release()
    assert (tmp_path / "lambent.db").exists()
    _forget(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["build", "lambent.db.lock"]


def test_a_port_for_debuggers_that_is_in_use_is_said(project: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with Dev(project, f"--debug={port}") as dev:
            assert dev.ended() == 1
            assert f"The debugger cannot listen on port {port}: it is in use" in dev.text
            assert "take another port with --debug=PORT" in dev.text
