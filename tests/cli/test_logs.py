from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
from typing import Any

import pytest


@pytest.fixture(scope="module", autouse=True)
def _logged(platform: Any) -> None:
    assert platform.lambent("invoke", "hello", "-d", '{"name": "Ada"}').code == 0


def test_what_a_function_logged(platform: Any) -> None:
    lines = platform.lambent("logs", "hello").out.splitlines()
    assert all(re.match(r"\d\d:\d\d:\d\d\.\d{3} ", line) for line in lines)
    texts = [line.split(" ", 1)[1] for line in lines]
    kinds = [text.split(" ")[0] for text in texts]
    start = kinds.index("START")
    assert "greeting Ada, invocation 1 of this environment" in texts[start + 1]
    assert kinds[start + 2 : start + 4] == ["END", "REPORT"]


def test_by_group_filter_and_age(platform: Any) -> None:
    assert "greeting Ada" in platform.lambent("logs", "/aws/lambda/hello", "--since", "1h").out
    filtered = platform.lambent("logs", "hello", "--filter", "greeting").out
    assert "greeting Ada" in filtered
    assert "START" not in filtered
    assert platform.lambent("logs", "hello", "--since", "2999-01-01T00:00:00").out == ""


def test_json_is_an_object_a_line(platform: Any) -> None:
    events = [json.loads(line) for line in platform.lambent("logs", "hello", "--json").out.splitlines()]
    assert {"timestamp", "message", "logStreamName", "eventId", "ingestionTime"} == set(events[0])
    assert [event["timestamp"] for event in events] == sorted(event["timestamp"] for event in events)


def test_follow_shows_new_events_once_and_ends_quietly(
    platform: Any, environment: Any, wait: Any, tmp_path: Any
) -> None:
    out = tmp_path / "follow.out"
    with out.open("wb") as written:
        following = subprocess.Popen(
            [sys.executable, "-m", "lambent.cli", "logs", "-f", "hello"],
            env=environment(LAMBENT_ENDPOINT_URL=platform.url),
            cwd=tmp_path,
            stdout=written,
            stderr=subprocess.STDOUT,
        )
    wait(lambda: "greeting Ada" in out.read_text())
    assert platform.lambent("invoke", "hello", "-d", '{"name": "Grace"}').code == 0
    wait(lambda: "greeting Grace" in out.read_text())
    assert platform.lambent("invoke", "hello", "-d", '{"name": "Joan"}').code == 0
    wait(lambda: "greeting Joan" in out.read_text())
    following.send_signal(signal.SIGINT)
    assert following.wait(20) == 0
    assert out.read_text().count("greeting Grace") == 1
    assert "Traceback" not in out.read_text()


def test_colours_are_for_terminals(platform: Any, environment: Any, tmp_path: Any) -> None:
    assert "\x1b" not in platform.lambent("logs", "hello").out
    parent, child = pty.openpty()
    shown = subprocess.Popen(
        [sys.executable, "-m", "lambent.cli", "logs", "hello"],
        env=environment(LAMBENT_ENDPOINT_URL=platform.url),
        cwd=tmp_path,
        stdout=child,
    )
    os.close(child)
    seen = b""
    try:
        while piece := os.read(parent, 65536):
            seen += piece
    except OSError:
        pass  # how Linux says that the other side has closed
    os.close(parent)
    assert shown.wait(20) == 0
    assert b"\x1b[2mSTART RequestId" in seen


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nobody"], "Function not found"),
        (["hello", "--since", "yesterday"], "--since yesterday: it must be an age such as 10m"),
        (["hello", "--filter", "{ $.a"], "Invalid filter pattern (InvalidParameterException)"),
    ],
)
def test_errors(platform: Any, arguments: list[str], message: str) -> None:
    ended = platform.lambent("logs", *arguments)
    assert ended.code == 2
    assert message in ended.err


def test_a_reader_that_goes_away_is_no_error(platform: Any, environment: Any, tmp_path: Any) -> None:
    ended = subprocess.run(
        ["bash", "-c", f"'{sys.executable}' -m lambent.cli logs hello | head -1; exit ${{PIPESTATUS[0]}}"],
        env=environment(LAMBENT_ENDPOINT_URL=platform.url),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 0
    assert ended.stderr == ""
