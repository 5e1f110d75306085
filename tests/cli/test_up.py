from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path


def test_it_prints_lines_that_work_as_they_stand(platform: Any, environment: Any) -> None:
    lines = [line.strip() for line in platform.printed.splitlines()]
    shown = [line for line in lines if line.startswith(("export ", "echo ", "aws "))]
    assert len(shown) == 4
    ended = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join(shown)],
        env=environment(),
        cwd=platform.directory,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    assert '"FunctionName": "hello"' in ended.stdout
    assert '"message": "Hello, Ada!"' in ended.stdout
    assert "REPORT RequestId: " in ended.stdout


def test_it_says_where_and_what(platform: Any) -> None:
    assert f"on {platform.url}, data in .lambent" in platform.printed
    assert "hello  python3." in platform.printed
    assert platform.lambent("doctor", "--json").code == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_when_told_to_and_starts_again_with_what_was_there(
    start: Any, number: int, tmp_path: Path
) -> None:
    folder = tmp_path / "f"
    folder.mkdir()
    (folder / "lambent.toml").write_text('[function]\nname = "f"\nhandler = "app.h"\n')
    (folder / "app.py").write_text("def h(event, context):\n    return 1\n")
    first = start("--load", "f")
    assert first.lambent("invoke", "f").out == "1\n"
    assert first.stop(number) == 0
    assert "Traceback" not in first.printed
    again = start()
    assert again.lambent("invoke", "f").out == "1\n"
    revision = json.loads(again.lambent("functions", "f", "--json").out)["Configuration"]["RevisionId"]
    again.stop()
    unchanged = start("--load", "f")
    now = json.loads(unchanged.lambent("functions", "f", "--json").out)["Configuration"]
    assert now["RevisionId"] == revision  # nothing differs: nothing was updated
    unchanged.stop()
    (folder / "app.py").write_text("def h(event, context):\n    return 2\n")
    (folder / "lambent.toml").write_text('[function]\nname = "f"\nhandler = "app.h"\nmemory = 256\n')
    changed = start("--load", "f")
    assert changed.lambent("invoke", "f").out == "2\n"
    assert json.loads(changed.lambent("functions", "f", "--json").out)["Configuration"]["MemorySize"] == 256


def test_a_folder_that_cannot_be_loaded_is_told_and_the_rest_goes_on(start: Any, tmp_path: Path) -> None:
    for name, memory in (("bad", 20_000), ("good", 128)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "lambent.toml").write_text(
            f'[function]\nname = "{name}"\nhandler = "app.h"\nmemory = {memory}\n'
        )
        (tmp_path / name / "app.py").write_text("def h(event, context):\n    return 1\n")
    running = start("--load", "bad", "--load", "good")
    assert re.search(r"^bad: Error: .*memorySize.*\(\w+Exception\)$", running.printed, re.MULTILINE)
    assert running.lambent("invoke", "good").out == "1\n"


def test_a_port_that_is_taken(lambent: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = lambent("up", "--port", str(port))
    assert ended.code == 1
    assert f"Error: 127.0.0.1:{port} is in use." in ended.err
    assert "--port" in ended.err
    assert "Traceback" not in ended.err


def test_a_data_directory_that_is_in_use(start: Any, lambent: Any) -> None:
    running = start()
    ended = lambent("up", "--port", "0")
    assert ended.code == 1
    assert "is in use by another process" in ended.err
    assert str(running.process.pid) in ended.err
    assert "Traceback" not in ended.err


def test_a_data_directory_that_cannot_be_made(lambent: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ended = lambent("up", "--port", "0", "--data", "file")
    assert ended.code == 1
    assert "Error: " in ended.err
    assert "Traceback" not in ended.err


def test_other_machines_need_credentials(lambent: Any) -> None:
    ended = lambent("up", "--host", "0.0.0.0")
    assert ended.code == 2
    assert "needs credentials" in ended.err


def test_configured_credentials_are_asked_for(start: Any, tmp_path: Path) -> None:
    (tmp_path / "lambent.toml").write_text('[credentials]\nAKIATEST = "secret"\n')
    running = start()
    assert "AWS_ACCESS_KEY_ID=AKIATEST" in running.printed
    assert "secret" not in running.printed
    assert running.lambent("functions").code == 0  # signed with the settings' credentials
    (tmp_path / "lambent.toml").write_text('[credentials]\nAKIATEST = "wrong"\n')
    refused = running.lambent("functions")
    assert refused.code == 2
    assert "InvalidSignatureException" in refused.err


def test_ephemeral_leaves_nothing(start: Any, tmp_path: Path) -> None:
    running = start("--ephemeral")
    assert "nothing is kept" in running.printed
    assert running.stop() == 0
    assert not (tmp_path / ".lambent").exists()
