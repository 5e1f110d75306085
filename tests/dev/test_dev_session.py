"""The record of a session, and who finds it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import msgspec
import pytest

from lambent.cli import endpoint
from lambent.deploy import dev_session
from lambent.deploy.dev_session import DevSession

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SESSION = DevSession(
    url="",
    pid=os.getpid(),
    app="shop",
    stack="shop-dev",
    stage="dev",
    region="eu-west-1",
)


@pytest.fixture
def session() -> Iterator[DevSession]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        yield msgspec.structs.replace(SESSION, url=url)


def test_a_session_is_found_from_below_the_project(session: DevSession, tmp_path: Path) -> None:
    below = tmp_path / "shop ö" / "pages"
    below.mkdir(parents=True)
    dev_session.write(tmp_path, session)
    assert dev_session.read(tmp_path) == dev_session.find(below) == session
    assert [path.name for path in (tmp_path / ".lambent").iterdir()] == ["dev.json"]
    dev_session.remove(tmp_path)
    assert dev_session.find(below) is None


def test_that_of_a_process_that_is_gone_counts_for_nothing_and_another_s_stays(
    session: DevSession, tmp_path: Path
) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    dev_session.write(tmp_path, msgspec.structs.replace(session, pid=ended.pid))
    assert dev_session.read(tmp_path) is None
    dev_session.remove(tmp_path)
    assert (tmp_path / ".lambent" / "dev.json").exists()
    (tmp_path / ".lambent" / "dev.json").write_text("{")
    assert dev_session.read(tmp_path) is None


@pytest.mark.parametrize(
    "url", ["http://192.0.2.1:3000", "https://example.com", "http://127.0.0.1:x", "file:///"]
)
def test_one_of_another_machine_counts_for_nothing(url: str, tmp_path: Path) -> None:
    dev_session.write(tmp_path, msgspec.structs.replace(SESSION, url=url))
    assert dev_session.read(tmp_path) is None


def test_one_of_somebody_else_counts_for_nothing(
    session: DevSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dev_session.write(tmp_path, session)
    mine = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: mine + 1)
    assert dev_session.find(tmp_path) is None


def test_that_of_a_process_whose_number_another_one_has_counts_for_nothing(tmp_path: Path) -> None:
    with socket.socket() as bound:  # so that nobody else takes it; nothing listens there
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        dev_session.write(tmp_path, msgspec.structs.replace(SESSION, url=url))
        assert dev_session.read(tmp_path) is None


def test_commands_go_to_the_session_unless_something_else_is_named(
    session: DevSession, tmp_path: Path
) -> None:
    dev_session.write(tmp_path, session)
    found = endpoint.resolve(None, None, environment={}, directory=tmp_path)
    assert (found.url, found.region) == (session.url, "eu-west-1")
    named = endpoint.resolve(
        None, None, environment={"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"}, directory=tmp_path
    )
    assert named.url == "http://127.0.0.1:4566"
    assert (
        endpoint.resolve("http://h:1", "us-east-2", environment={}, directory=tmp_path).region == "us-east-2"
    )
