"""The private view: what an environment sees of the file system, and what happens where there is none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lambent.execution.interpreters import Interpreter
from lambent.execution.libraries import runtime_libraries
from lambent.runtime import PYTHON_FILES

if TYPE_CHECKING:
    from tests.runtime.conftest import Lab, Start

RUN = "def handler(event, context):\n    return eval(event)\n"
LOOK = """
import os, sys
from pathlib import Path
def names(path):
    return sorted(os.listdir(path))
def attempt(path):
    try:
        Path(path).write_text("x")
    except OSError as error:
        return error.errno
    return 0
def handler(event, context):
    return eval(event)
"""
READ_ONLY = 30


@pytest.fixture(autouse=True)
def _needs_a_view(lab: Lab) -> None:
    if not lab.zygote().has_view:
        pytest.skip("this machine gives no private mounts")


def listing(folder: Path | str) -> list[str]:
    return sorted(path.name for path in Path(folder).iterdir())


def test_code_is_at_var_task_read_only(start: Start) -> None:
    environment, _ = start.attempt(
        {"app.py": LOOK, "data/x.txt": "content"}, view=True, variables={"LAMBDA_TASK_ROOT": "/var/task"}
    )
    assert environment.invoke("names('/var/task')").value == ["app.py", "data"]
    assert environment.invoke("os.getcwd()").value == "/var/task"
    assert environment.invoke("open('data/x.txt').read()").value == "content"
    assert environment.invoke("attempt('/var/task/new')").value == READ_ONLY
    assert environment.invoke("attempt('/var/task/app.py')").value == READ_ONLY
    assert environment.invoke("__file__").value == "/var/task/app.py"
    # Nothing was written next to the code either.
    assert listing(start.path / "task-1") == ["app.py", "data"]


def test_tmp_is_private_and_survives_between_invocations(start: Start) -> None:
    first = start(LOOK, view=True)
    second = start(LOOK, view=True)
    assert first.invoke("names('/tmp')").value == []
    assert first.invoke("attempt('/tmp/mine')").value == 0
    assert first.invoke("names('/tmp')").value == ["mine"]
    assert second.invoke("names('/tmp')").value == []
    assert (start.path / "tmp-1" / "mine").read_text() == "x"
    assert first.invoke("__import__('tempfile').gettempdir()").value == "/tmp"


def test_opt_shows_layers_or_nothing(start: Start) -> None:
    layer = start.path / "layer"
    (layer / "python").mkdir(parents=True)
    (layer / "python" / "from_layer.py").write_text("WHERE = __file__")
    without = start(LOOK, view=True)
    assert without.invoke("names('/opt')").value == []
    with_layer = start(LOOK, view=True, opt=[str(layer)])
    assert with_layer.invoke("names('/opt')").value == ["python"]
    assert with_layer.invoke("attempt('/opt/new')").value == READ_ONLY
    assert with_layer.invoke("__import__('from_layer').WHERE").value == "/opt/python/from_layer.py"


def test_interpreter_is_at_var_lang(start: Start) -> None:
    version = f"python3.{sys.version_info[1]}"
    environment = start(LOOK, view=True)
    assert environment.invoke("sys.executable").value == f"/var/lang/bin/{version}"
    assert environment.invoke("[sys.prefix, sys.base_prefix]").value == ["/var/lang", "/var/lang"]
    assert environment.invoke("os.__file__").value == f"/var/lang/lib/{version}/os.py"
    assert environment.invoke("attempt('/var/lang/new')").value == READ_ONLY
    code = (
        "__import__('subprocess').check_output([sys.executable, '-c', 'import json; print(json.dumps(5))'])"
    )
    assert environment.invoke(f"int({code})").value == 5


def test_the_rest_is_the_host(start: Start, tmp_path_factory: pytest.TempPathFactory) -> None:
    environment = start(LOOK, view=True)
    assert environment.invoke("names('/')").value == listing("/")
    assert {*listing("/var")} | {"lang", "runtime", "task"} == set(environment.invoke("names('/var')").value)
    assert environment.invoke("names('/var/lib')").value == listing("/var/lib")
    assert environment.invoke("open('/etc/hostname').read()").value == Path("/etc/hostname").read_text()
    assert environment.invoke("attempt('/var/new')").value == READ_ONLY
    # And the host has noticed nothing.
    assert "runtime" not in listing("/var")
    mounts = Path("/proc/self/mountinfo").read_text()
    assert "/var/lang" not in mounts


def test_module_path_is_lambdas(start: Start) -> None:
    version = f"python3.{sys.version_info[1]}"
    variables = {"PYTHONPATH": "/opt/extra:/var/runtime"}
    environment = start(LOOK, view=True, boto3="/somewhere", variables=variables)
    assert environment.invoke("sys.path").value == [
        "/var/task",
        f"/opt/python/lib/{version}/site-packages",
        "/opt/python",
        "/opt/extra",
        "/var/runtime",
        f"/var/lang/lib/python3{sys.version_info[1]}.zip",
        f"/var/lang/lib/{version}",
        f"/var/lang/lib/{version}/lib-dynload",
    ]
    last = start(LOOK, view=True, boto3="/somewhere")
    assert last.invoke("sys.path[-1]").value == "/var/runtime"


def test_libraries_are_at_var_runtime(start: Start, lab: Lab) -> None:
    interpreter = lab.interpreters.find(f"python3.{sys.version_info[1]}")
    libraries = runtime_libraries(start.path / "data", interpreter)
    zygote = lab.launch(libraries=libraries)
    environment = start(LOOK, zygote=zygote, boto3=str(libraries), view=True)
    assert environment.invoke("__import__('boto3').__file__").value == "/var/runtime/boto3/__init__.py"
    assert environment.invoke("sys.modules['botocore'].__name__").value == "botocore"
    assert environment.invoke("attempt('/var/runtime/boto3/new')").value == READ_ONLY
    assert environment.invoke("__import__('importlib.metadata').metadata.version('boto3')").value
    names = environment.invoke("names('/var/runtime')").value
    assert {"boto3", "botocore", "s3transfer", "jmespath", "dateutil", "urllib3", "six.py"} <= set(names)
    assert "msgspec" not in names
    zygote.close()


def test_a_platform_below_opt_or_tmp_is_reachable(start: Start, lab: Lab, tmp_path: Path) -> None:
    # pytest's directories are below /tmp, which each environment covers: a whole installation there.
    own = lab.interpreters.find(f"python3.{sys.version_info[1]}")
    prefix = tmp_path / "python"
    (prefix / "bin").mkdir(parents=True)
    os.link(own.executable, prefix / "bin" / own.executable.name)
    (prefix / "lib").mkdir()
    for entry in (own.prefix / "lib").iterdir():
        if entry.name == own.executable.name or ".so" in entry.name:
            (prefix / "lib" / entry.name).symlink_to(entry)
    site = tmp_path / "site"
    (site / "boto3").mkdir(parents=True)
    (site / "boto3" / "__init__.py").write_text("X = 1")
    libraries = tmp_path / "libraries"
    libraries.mkdir()
    (libraries / "boto3").symlink_to(site / "boto3")
    moved = Interpreter(own.version, prefix / "bin" / own.executable.name, prefix)
    zygote = lab.launch(moved, libraries=libraries)
    assert zygote.has_view
    environment = start(LOOK, zygote=zygote, boto3=str(libraries), view=True)
    assert environment.invoke("__import__('boto3').X").value == 1
    assert environment.invoke("sys.executable").value.startswith("/var/lang/bin/")
    assert environment.invoke("__import__('decimal').Decimal('1.5')").value == 1.5
    zygote.close()


@pytest.mark.parametrize("place", ["/opt", "/var/tmp", "/tmp"])
def test_directories_may_be_anywhere(start: Start, lab: Lab, place: str) -> None:
    if not os.access(place, os.W_OK):
        pytest.skip(f"{place} is not ours to write to")
    with tempfile.TemporaryDirectory(dir=place) as folder:
        start.path = Path(folder)
        layer = Path(folder) / "layer"
        layer.mkdir()
        (layer / "file").touch()
        environment = start(LOOK, view=True, opt=[str(layer)])
        assert environment.invoke("names('/var/task')").value == ["app.py"]
        assert environment.invoke("[names('/opt'), names('/tmp')]").value == [["file"], []]
        environment.kill()
        environment.gone()


def test_a_directory_that_is_missing_is_told(start: Start) -> None:
    environment = start.lab.zygote().fork()
    environment.send_init(start.path / "nothing", start.path)
    answer = environment.receive()
    assert answer.kind == b"I"
    assert answer.value["errorType"] == "Sandbox.Failure"
    assert "nothing" in answer.value["errorMessage"]
    assert environment.gone() == 1 << 8


NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]


def test_as_an_ordinary_user(start: Start, lab: Lab) -> None:
    """Without root there is a user namespace, and functions have no rights in it."""
    if os.geteuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("only root can become someone else")
    usable = [one for one in _with_a_binary_for_all(lab) if _runs([*NOBODY, str(one), "-c", "import ctypes"])]
    if not usable:
        pytest.skip("no interpreter outside of private directories")
    binary = usable[0]
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        start.path = Path(folder)
        start.path.chmod(0o777)
        files = start.path / "files"
        shutil.copytree(PYTHON_FILES, files)
        version = (3, int(binary.name.rpartition(".")[2]))
        interpreter = Interpreter(version, binary, binary.parent.parent)
        zygote = lab.launch(interpreter, before=NOBODY, launcher=(binary, files))
        if not zygote.has_view:
            zygote.close()
            pytest.skip("this machine gives no user namespaces")
        environment = zygote.fork()
        task, temporary = start.path / "task", start.path / "tmp"
        task.mkdir()
        temporary.mkdir()
        temporary.chmod(0o777)
        (task / "app.py").write_text(LOOK)
        environment.send_init(task, temporary)
        assert environment.receive().kind == b"R"
        assert environment.invoke("[os.getuid(), os.getcwd(), names('/tmp')]").value == [
            65534,
            "/var/task",
            [],
        ]
        assert environment.invoke("attempt('/tmp/x')").value == 0
        assert environment.invoke("attempt('/var/task/x')").value == READ_ONLY
        lines = environment.invoke("open('/proc/self/status').read().splitlines()").value
        rights = {line.split()[0]: int(line.split()[1], 16) for line in lines if line.startswith("Cap")}
        assert [rights[name] for name in ("CapInh:", "CapPrm:", "CapEff:", "CapAmb:")] == [0, 0, 0, 0]
        zygote.close()


def _with_a_binary_for_all(lab: Lab) -> list[Path]:
    system = [Path(f"/usr/bin/python3.{minor}") for minor in range(9, 15)]
    return [path for path in system if path.exists()] + [one.executable for one in lab.interpreters]


def _runs(command: list[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0
