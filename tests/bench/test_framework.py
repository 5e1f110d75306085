"""The framework's benchmark: who takes part does the work, and what is printed. Nothing here is timed."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

import pytest
from bench.__main__ import _table
from bench.figure import Figure
from bench.framework_scenarios import SCENARIOS
from rich.console import Console

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("who", ["floor", "lambent"])
@pytest.mark.parametrize("name", ["get", "last-2", "post", "missing", "layers", "batch", "log", "metrics"])
def test_an_answer_is_checked_before_it_is_timed(name: str, who: str) -> None:
    worker = [sys.executable, "-m", "bench.framework_worker", name, who, "0"]
    done = subprocess.run(worker, cwd=ROOT, check=True, capture_output=True, text=True)
    outcome = json.loads(done.stdout)
    assert len(outcome["cpu"]) == 1, done.stderr


def test_a_peer_that_is_not_installed_takes_no_part() -> None:
    # Chalice is in the peers' environment only.
    worker = [sys.executable, "-m", "bench.framework_worker", "get", "Chalice", "0"]
    done = subprocess.run(worker, cwd=ROOT, check=True, capture_output=True, text=True)
    assert json.loads(done.stdout) == {"skipped": "Chalice: No module named 'chalice'"}


def test_middlewares_are_measured_beyond_the_route_without_any() -> None:
    assert SCENARIOS["layers"].beyond in SCENARIOS


@pytest.mark.parametrize(("peers", "shown"), [({}, False), ({"Powertools": 24.4}, True)])
def test_others_have_a_column_when_there_are_any(peers: dict[str, float], shown: bool) -> None:
    console = Console(width=118, record=True, file=io.StringIO())
    console.print(_table([Figure("GET", "µs", 2.0, peers=peers), Figure("POST", "µs", 3.0)]))
    assert ("Powertools 24.4 µs" in console.export_text()) is shown
