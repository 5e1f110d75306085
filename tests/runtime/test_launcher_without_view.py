"""Where no private view is wanted or none can be had: functions run all the same, at their real paths."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lambent.runtime import PYTHON_FILES

if TYPE_CHECKING:
    from tests.runtime.conftest import Lab, Start

LOOK = """
import os, sys
def handler(event, context):
    return eval(event)
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_paths_are_the_real_ones(start: Start) -> None:
    environment = start(LOOK, boto3="/somewhere", variables={"PYTHONPATH": "/else"})
    task = start.path / "task-1"
    assert not start.lab.zygote(view=False).has_view
    assert environment.invoke("os.getcwd()").value == str(task)
    path = environment.invoke("sys.path").value
    assert path[0] == str(task)
    assert path[3] == "/else"
    assert path[-1] == "/somewhere"
    assert environment.invoke("sys.prefix").value == sys.base_prefix
    # Code is content-addressed: importing it must not change it.
    assert names(task) == ["app.py"]


def test_layers_are_on_the_module_path(start: Start) -> None:
    layer = start.path / "layer"
    (layer / "python").mkdir(parents=True)
    (layer / "python" / "from_layer.py").write_text("X = 1")
    environment = start(LOOK, opt=[str(layer)])
    assert environment.invoke("__import__('from_layer').X").value == 1


# Root without the right to mount, in a user namespace that allows no further ones.
POWERLESS = [
    "unshare",
    "--user",
    "--map-root-user",
    "sh",
    "-c",
    'echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --bounding-set=-sys_admin "$0" "$@"',
]


def test_where_mounting_is_not_permitted(start: Start, lab: Lab) -> None:
    if shutil.which("setpriv") is None or subprocess.run([*POWERLESS, "true"], check=False).returncode:
        pytest.skip("rights cannot be taken away here")
    zygote = lab.launch(before=POWERLESS)
    assert not zygote.has_view
    assert start(LOOK, zygote=zygote).invoke("1 + 1").value == 2
    zygote.close()


def test_a_view_that_fails_halfway_leaves_no_trace(start: Start, lab: Lab) -> None:
    libraries = start.path / "libraries"
    # A name that is there already when the libraries are linked.
    (libraries / "lambent-python").mkdir(parents=True)
    zygote = lab.launch(libraries=libraries)
    assert not zygote.has_view
    environment = start(LOOK, zygote=zygote)
    assert environment.invoke("sorted(os.listdir('/var'))").value == names(Path("/var"))
    assert environment.invoke("sys.prefix").value == sys.base_prefix
    zygote.close()


def test_files_need_nothing_but_the_standard_library() -> None:
    found = set()
    for file in PYTHON_FILES.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(), feature_version=(3, 9))):
            if isinstance(node, ast.Import):
                found |= {name.name.split(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                found.add((node.module or "").split(".")[0])
    assert found - sys.stdlib_module_names == {"typing_extensions"}  # seen by type checkers alone
