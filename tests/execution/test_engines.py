"""What runs a runtime is found by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lambent.execution.engines import Engines
from lambent.execution.engines.node import NodeFamily, arguments, libraries
from lambent.execution.engines.python import PythonFamily
from lambent.execution.errors import InterpreterMissing
from lambent.execution.interpreters import Interpreters
from lambent.execution.nodes import Nodes

if TYPE_CHECKING:
    from pathlib import Path


def engines(path: Path) -> Engines:
    nothing = {"PATH": ""}
    return Engines(
        {
            "nodejs": lambda: NodeFamily(Nodes(path, nothing)),
            "python": lambda: PythonFamily(Interpreters(path, nothing)),
        }
    )


def test_a_family_is_looked_for_when_it_is_asked_for(tmp_path: Path) -> None:
    found: list[str] = []

    def family() -> NodeFamily:
        found.append("nodejs")
        return NodeFamily(Nodes(tmp_path, {"PATH": ""}))

    lazy = Engines({"nodejs": family})
    assert found == []
    for _ in range(2):
        with pytest.raises(InterpreterMissing):
            lazy.find("nodejs22.x")
    assert found == ["nodejs"]


def test_families_of_no_engine_are_named(tmp_path: Path) -> None:
    with pytest.raises(
        InterpreterMissing, match=r"the runtime cobol1 cannot be run here; .*: nodejs, python"
    ):
        engines(tmp_path).find("cobol1")
    with pytest.raises(InterpreterMissing, match="the runtime of a container image cannot be run here"):
        engines(tmp_path).find(None)


def test_a_family_says_what_it_lacks(tmp_path: Path) -> None:
    with pytest.raises(InterpreterMissing, match=r"no Node for nodejs22\.x"):
        engines(tmp_path).find("nodejs22.x")
    with pytest.raises(InterpreterMissing, match=r"no Node for nodejs22\.x"):
        engines(tmp_path).find("nodejs22.x", nearest=True)


@pytest.mark.parametrize(
    ("version", "memory_mb", "options", "expected"),
    [
        ((18, 20, 0), 128, "", ["--max-semi-space-size=6", "--max-old-space-size=116"]),
        ((24, 0, 0), 1024, "", ["--max-semi-space-size=51", "--max-old-space-size=922"]),
        ((18, 20, 0), 128, "--max_old_space_size=50", []),
        ((18, 20, 0), 128, "--max-semi-space-size=5", []),
        (
            (20, 19, 0),
            128,
            "--max-old-space-size=1",
            ["--no-experimental-require-module"],
        ),
        ((20, 16, 0), 128, "--max-old-space-size=1", []),  # that flag was not there yet
        (
            (22, 12, 0),
            128,
            "--max-old-space-size=1",
            ["--no-experimental-require-module", "--no-experimental-detect-module"],
        ),
        (
            (22, 12, 0),
            128,
            "--max-old-space-size=1 --experimental-require-module",
            ["--no-experimental-detect-module"],
        ),
    ],
)
def test_arguments_of_node(
    version: tuple[int, int, int], memory_mb: int, options: str, expected: list[str]
) -> None:
    assert arguments(version, memory_mb, options) == [
        "--expose-gc",
        "--max-http-header-size",
        "81920",
        *expected,
    ]


def test_packages_for_all_node_functions(tmp_path: Path) -> None:
    assert libraries(tmp_path) is None
    (tmp_path / "runtime" / "node_modules").mkdir(parents=True)
    assert libraries(tmp_path) == tmp_path / "runtime"
