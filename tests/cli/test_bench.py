"""`lambent bench cold`: what it measures, and that nothing of it stays."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

from lambent.cli.cold_starts import RUNTIMES, language_of, percentile

if TYPE_CHECKING:
    from collections.abc import Callable

OURS = f"python3.{sys.version_info[1]}"


def test_a_platform_that_runs(platform: Any) -> None:
    before = json.loads(platform.lambent("functions", "--json").out)
    ended = platform.lambent(
        "bench", "cold", "--runtime", OURS, "--count", "3", "--json", "--endpoint-url", platform.url
    )
    assert ended.code == 0, ended.err
    (found,) = json.loads(ended.out)
    assert (found["runtime"], found["count"]) == (OURS, 3)
    assert 0 < found["init_p50_ms"] < found["p50_ms"] <= found["p99_ms"]
    assert json.loads(platform.lambent("functions", "--json").out) == before


def test_a_platform_of_its_own(lambent: Callable[..., Any], tmp_path: Any) -> None:
    ended = lambent(
        "bench", "cold", "--runtime", OURS, "--count", "2", LAMBENT_PORT="1", TMPDIR=str(tmp_path)
    )
    assert ended.code == 0, ended.err
    assert "COLD START (P99)" in ended.out
    assert OURS in ended.out
    assert "2 cold starts each" in ended.out
    assert list(tmp_path.iterdir()) == []


def test_what_is_missing_is_said(lambent: Callable[..., Any]) -> None:
    # No machine has every Ruby; a platform of its own has no stand-in for any.
    ended = lambent("bench", "cold", "--runtime", OURS, "--runtime", "ruby3.2", "--count", "1", "--json")
    assert ended.code == 0, ended.err
    ours, ruby = json.loads(ended.out)
    assert "p50_ms" in ours
    assert "problem" in ruby or "p50_ms" in ruby


def test_wrong_use(lambent: Callable[..., Any]) -> None:
    ended = lambent("bench", "cold", "--runtime", "cobol74")
    assert ended.code == 2
    assert "cobol74" in ended.err
    assert lambent("bench", "cold", "--count", "0").code == 2
    refused = lambent("bench", "cold", "--endpoint-url", "http://127.0.0.1:9", "--runtime", OURS)
    assert refused.code == 3


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_every_runtime_has_a_function(runtime: str) -> None:
    language = language_of(runtime)
    assert language.files
    assert language.note


@pytest.mark.parametrize(
    ("values", "percent", "expected"),
    [
        ([5.0], 99, 5.0),
        ([3.0, 1.0, 2.0], 50, 2.0),
        ([1.0, 2.0, 3.0, 4.0], 50, 2.0),
        ([float(n) for n in range(1, 101)], 99, 99.0),
        ([float(n) for n in range(1, 101)], 50, 50.0),
        ([1.0, 2.0], 99, 2.0),
    ],
)
def test_percentiles_are_values_that_were_measured(
    values: list[float], percent: float, expected: float
) -> None:
    assert percentile(values, percent) == expected
