"""boto3 for functions: complete, alone, compiled, for every interpreter, and only below the data directory."""

from __future__ import annotations

import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lambent.execution.interpreters import Interpreters
from lambent.execution.libraries import COMPILED, runtime_libraries

if TYPE_CHECKING:
    from lambent.execution.interpreters import Interpreter

ALL = list(Interpreters())
OTHERS = [one for one in ALL if one.cache_tag != sys.implementation.cache_tag]
OWN = Interpreters().find(f"python3.{sys.version_info[1]}")
PACKAGES = {"boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six.py"}
SITE = Path(str(metadata.distribution("boto3").locate_file("")))


def each(interpreters: list[Interpreter]) -> list[object]:
    return [pytest.param(one, id=one.runtime) for one in interpreters]


def wait_until_compiled(directory: Path) -> None:
    deadline = time.monotonic() + 60
    while not (directory / COMPILED).exists():
        assert time.monotonic() < deadline, "the libraries were never compiled"
        time.sleep(0.01)


@pytest.mark.parametrize("interpreter", each(ALL))
def test_boto3_works(tmp_path: Path, interpreter: Interpreter) -> None:
    directory = runtime_libraries(tmp_path, interpreter)
    code = (
        "import sys, warnings\n"
        "warnings.simplefilter('ignore')\n"
        "sys.dont_write_bytecode = True\n"
        f"sys.path.append({str(directory)!r})\n"
        "import boto3, s3transfer.manager, importlib.metadata\n"
        "options = dict(region_name='us-east-1', aws_access_key_id='a', aws_secret_access_key='b')\n"
        "client = boto3.client('lambda', **options)\n"
        "assert 'Invoke' in client.meta.service_model.operation_names\n"
        "boto3.resource('s3', **options)\n"
        "print(boto3.__version__, importlib.metadata.version('botocore'))\n"
    )
    done = subprocess.run(
        [interpreter.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [metadata.version("boto3"), metadata.version("botocore")]


@pytest.mark.parametrize("interpreter", each(ALL))
def test_nothing_else_is_there(tmp_path: Path, interpreter: Interpreter) -> None:
    directory = runtime_libraries(tmp_path, interpreter)
    names = {path.name for path in directory.iterdir()} - {COMPILED}
    assert {name for name in names if not name.endswith(".dist-info")} == PACKAGES
    assert {name.split("-")[0] for name in names if name.endswith(".dist-info")} == {
        *(PACKAGES - {"dateutil", "six.py"}),
        "python_dateutil",
        "six",
    }
    assert {path.name for path in tmp_path.iterdir()} == {"libraries"}


@pytest.mark.parametrize("interpreter", each(OTHERS))
def test_compiled_in_the_background(tmp_path: Path, interpreter: Interpreter) -> None:
    before = {path: path.stat().st_mtime_ns for path in (SITE / "urllib3").rglob("*")}
    directory = runtime_libraries(tmp_path, interpreter)
    wait_until_compiled(directory)
    modules = list((directory / "urllib3").rglob("*.py"))
    assert modules
    for module in modules:
        assert (module.parent / "__pycache__" / f"{module.stem}.{interpreter.cache_tag}.pyc").exists()
    # A second call finds everything, and the platform's own files are as they were.
    assert runtime_libraries(tmp_path, interpreter) == directory
    assert {path: path.stat().st_mtime_ns for path in (SITE / "urllib3").rglob("*")} == before


def test_own_version_is_linked(tmp_path: Path) -> None:
    directory = runtime_libraries(tmp_path, OWN)
    if not (SITE / "boto3" / "__pycache__").exists():
        pytest.skip("this installation is not byte-compiled")
    assert (directory / "boto3").is_symlink()
    assert runtime_libraries(tmp_path, OWN) == directory


@pytest.mark.parametrize("interpreter", each(OTHERS[:1]))
def test_interrupted_compilation_is_taken_up_again(tmp_path: Path, interpreter: Interpreter) -> None:
    directory = runtime_libraries(tmp_path, interpreter)
    wait_until_compiled(directory)
    (directory / COMPILED).unlink()
    compiled = next((directory / "boto3" / "__pycache__").iterdir())
    compiled.unlink()

    # The process that has just ended is forgotten a moment later than its mark appears.
    deadline = time.monotonic() + 60
    while not compiled.exists():
        assert runtime_libraries(tmp_path, interpreter) == directory
        assert time.monotonic() < deadline
        time.sleep(0.01)
    wait_until_compiled(directory)


@pytest.mark.parametrize("interpreter", each(OTHERS[:1]))
def test_read_only_data_is_an_error(tmp_path: Path, interpreter: Interpreter) -> None:
    (tmp_path / "libraries").touch()
    with pytest.raises(OSError, match="libraries"):
        runtime_libraries(tmp_path, interpreter)
