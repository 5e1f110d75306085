"""The record of a session, and who finds it."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import msgspec

from lambent.cli import endpoint
from lambent.deploy import dev_session
from lambent.deploy.dev_session import DevSession

if TYPE_CHECKING:
    from pathlib import Path

SESSION = DevSession(
    url="http://127.0.0.1:3000",
    pid=os.getpid(),
    app="shop",
    stack="shop-dev",
    stage="dev",
    region="eu-west-1",
)


def test_a_session_is_found_from_below_the_project(tmp_path: Path) -> None:
    below = tmp_path / "shop ö" / "pages"
    below.mkdir(parents=True)
    dev_session.write(tmp_path, SESSION)
    assert dev_session.read(tmp_path) == dev_session.find(below) == SESSION
    assert [path.name for path in (tmp_path / ".lambent").iterdir()] == ["dev.json"]
    dev_session.remove(tmp_path)
    assert dev_session.find(below) is None


def test_that_of_a_process_that_is_gone_counts_for_nothing_and_another_s_stays(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    dev_session.write(tmp_path, msgspec.structs.replace(SESSION, pid=ended.pid))
    assert dev_session.read(tmp_path) is None
    dev_session.remove(tmp_path)
    assert (tmp_path / ".lambent" / "dev.json").exists()
    (tmp_path / ".lambent" / "dev.json").write_text("{")
    assert dev_session.read(tmp_path) is None


def test_commands_go_to_the_session_unless_something_else_is_named(tmp_path: Path) -> None:
    dev_session.write(tmp_path, SESSION)
    found = endpoint.resolve(None, None, environment={}, directory=tmp_path)
    assert (found.url, found.region) == ("http://127.0.0.1:3000", "eu-west-1")
    named = endpoint.resolve(
        None, None, environment={"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"}, directory=tmp_path
    )
    assert named.url == "http://127.0.0.1:4566"
    assert (
        endpoint.resolve("http://h:1", "us-east-2", environment={}, directory=tmp_path).region == "us-east-2"
    )
