from __future__ import annotations

import subprocess
import sys
import venv
from typing import TYPE_CHECKING, Any

import pytest

from lambent import __version__

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def test_help_lists_the_commands(lambent: Any) -> None:
    ended = lambent("--help")
    assert ended.code == 0
    for command in ("up", "invoke", "logs", "functions", "doctor"):
        assert f"\n  {command} " in ended.out
    assert lambent().out == ended.out


def test_version(lambent: Any) -> None:
    assert lambent("--version").out == f"lambent {__version__}\n"


@pytest.mark.parametrize(
    "arguments", [["--help"], ["up", "--help"], ["invoke", "--help"], ["logs", "--help"]]
)
def test_help_imports_nothing_heavy(environment: Any, arguments: list[str]) -> None:
    """Answering takes 40 ms because nothing is imported that is not needed."""
    program = (
        "import sys; from lambent.cli import main; sys.argv = ['lambent', *sys.argv[1:]]\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print([name for name in ('rich', 'botocore', 'boto3', 'asyncio', 'lambent.aws') if name in sys.modules])"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert ended.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["invoke"], ["invoke", "f", "--nonsense"], ["up", "--port", "x"]]
)
def test_wrong_usage_is_exit_code_2(lambent: Any, arguments: list[str]) -> None:
    ended = lambent(*arguments)
    assert ended.code == 2
    assert ended.err.startswith("Usage: ")
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    "arguments", [["functions"], ["functions", "--usage"], ["logs", "f"], ["invoke", "f"]]
)
def test_no_platform_is_exit_code_3_and_says_what_to_do(lambent: Any, arguments: list[str]) -> None:
    ended = lambent(*arguments, "--endpoint-url", "http://127.0.0.1:9")
    assert ended.code == 3
    assert ended.err.startswith("Error: No platform answers at http://127.0.0.1:9.")
    assert "lambent up" in ended.err


def test_without_the_extra_the_command_says_which_one_to_install(tmp_path: Path, environment: Any) -> None:
    """`pip install lambent` brings msgspec only; here not even that."""
    venv.create(tmp_path / "bare", symlinks=True)
    ended = subprocess.run(
        [tmp_path / "bare" / "bin" / "python", "-m", "lambent.cli", "up"],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 2
    assert "pip install 'lambent[platform]'" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_settings_that_cannot_be_read_are_told_by_every_command(
    lambent: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "lambent.toml").write_text("prt = 1\n")
    for arguments in (["up"], ["functions"]):
        ended = lambent(*arguments)
        assert ended.code == 2
        assert "lambent.toml: unknown key prt: did you mean port?" in ended.err
