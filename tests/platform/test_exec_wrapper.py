"""Python functions that need a process of their own from its start: wrapper scripts, variables that are read once."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

_SOURCE = """
import os, sys
def handler(event, context):
    print("printed")
    return {
        "event": event,
        "arguments": sys.orig_argv[-1].rpartition("/")[2] if hasattr(sys, "orig_argv") else "wrapped.py",
        "interpreter": sys.executable,
        "optimize": sys.flags.optimize,
        "variable": os.environ.get("FROM_WRAPPER"),
        "id": context.aws_request_id,
        "main": hasattr(sys.modules["__main__"], "__file__"),
        "descriptors": [name for name in os.environ if name.startswith("_LAMBENT_D")],
        "path": sys.path,
    }
"""


@pytest.fixture
def wrapped(platform: Any) -> Callable[..., str]:
    """A function whose layer has the wrapper script /opt/wrapper; its name."""

    def make(script: str, *, mode: int = 0o755, source: str = _SOURCE, **members: Any) -> str:
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w") as archive:
            info = zipfile.ZipInfo("wrapper")
            info.external_attr = mode << 16
            archive.writestr(info, script)
            archive.writestr("python/before.py", "def handler(event, context):\n    return 'before'\n")
        layer = platform.aws.publish_layer_version(
            LayerName="wrapper", Content={"ZipFile": target.getvalue()}
        )
        variables = {"AWS_LAMBDA_EXEC_WRAPPER": "/opt/wrapper"}
        return str(
            platform.create(
                source,
                Layers=[layer["LayerVersionArn"]],
                Environment={"Variables": variables},
                **members,
            )
        )

    return make


@pytest.mark.usefixtures("private_view")
def test_a_wrapper_script_starts_the_interpreter(platform: Any, wrapped: Callable[..., str]) -> None:
    # As in the developer guide: options go before the last argument.
    script = """#!/bin/bash
args=("$@")
extra=("-O")
export FROM_WRAPPER="yes"
echo "wrapping $1"
exec "${args[@]:0:$#-1}" "${extra[@]}" "${args[@]: -1}"
"""
    name = wrapped(script)
    for event in ({"a": "ü"}, None):
        answer = platform.invoke(name, event)
        found = answer.json
        assert answer.headers.get("X-Amz-Function-Error") is None, found
        assert found.pop("id")
        path = found.pop("path")
        assert path[:3] == [
            "/var/task",
            f"/opt/python/lib/{platform.runtime}/site-packages",
            "/opt/python",
        ]
        assert not [entry for entry in path if "dist-packages" in entry or "lambent" in entry]
        assert found == {
            "event": event,
            "arguments": "wrapped.py",
            "interpreter": f"/var/lang/bin/{platform.runtime}",
            "optimize": 1,
            "variable": "yes",
            "main": False,
            "descriptors": [],
        }
    logs = platform.logs(name)
    assert any(line.startswith("wrapping /var/lang/bin/python3") for line in logs)
    assert logs.count("printed\n") == 2


@pytest.mark.usefixtures("private_view")
def test_a_wrapper_may_put_another_handler_first(platform: Any, wrapped: Callable[..., str]) -> None:
    name = wrapped('#!/bin/sh\nexport _HANDLER=before.handler\nexec "$@"\n')
    assert platform.invoke(name).json == "before"


@pytest.mark.usefixtures("private_view")
@pytest.mark.parametrize(
    ("script", "mode", "status", "line"),
    [
        ("#!/bin/sh\n", 0o644, 126, "/opt/wrapper: is not an executable"),
        ("#!/bin/sh\nexit 3\n", 0o755, 3, ""),
    ],
)
def test_wrappers_that_start_nothing(
    platform: Any, wrapped: Callable[..., str], script: str, mode: int, status: int, line: str
) -> None:
    name = wrapped(script, mode=mode)
    answer = platform.invoke(name)
    assert answer.json["errorType"] == "Runtime.ExitError"
    assert f"exit status {status}" in answer.json["errorMessage"]
    assert line in "".join(platform.logs(name))


# TestLambdaErrors::test_lambda_runtime_wrapper_not_found
def test_a_wrapper_that_does_not_exist(platform: Any) -> None:
    variables = {"AWS_LAMBDA_EXEC_WRAPPER": "/idontexist.sh"}
    name = platform.create(_SOURCE, Environment={"Variables": variables})
    answer = platform.invoke(name)
    assert (answer.status, answer.headers["X-Amz-Function-Error"]) == (200, "Unhandled")
    request = answer.headers["x-amzn-RequestId"]
    assert answer.json == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {request} Error: Runtime exited with error: exit status 127",
    }
    assert "/idontexist.sh: does not exist" in "".join(platform.logs(name))


@pytest.mark.usefixtures("private_view")
def test_errors_and_ends_are_those_of_every_function(platform: Any, wrapped: Callable[..., str]) -> None:
    source = """
import os
def handler(event, context):
    if event == "end":
        os._exit(7)
    raise KeyError(event)
"""
    name = wrapped('#!/bin/sh\nexec "$@"\n', source=source)
    failed = platform.invoke(name, "k")
    assert failed.json["errorType"] == "KeyError"
    assert 'File "/var/task/app.py", line 6, in handler' in failed.json["stackTrace"][0]
    ended = platform.invoke(name, "end")
    assert "exit status 7" in ended.json["errorMessage"]
    assert platform.invoke(name, "k").json["errorType"] == "KeyError"


@pytest.mark.usefixtures("private_view")
def test_a_wrapper_that_stays_is_killed_with_its_function(platform: Any, wrapped: Callable[..., str]) -> None:
    source = "import time\ndef handler(event, context):\n    time.sleep(event)\n    return 'done'\n"
    name = wrapped('#!/bin/sh\n"$@"\n', source=source, Timeout=1)
    assert platform.invoke(name, 0).json == "done"
    assert "timed out" in platform.invoke(name, 20).json["errorMessage"]
    assert platform.invoke(name, 0).json == "done"


@pytest.mark.parametrize("isolation", ["guard", "none"])
def test_variables_that_are_read_once(own: Callable[..., Any], isolation: str) -> None:
    platform = own(isolation=isolation)
    source = """
import os, sys
def handler(event, context):
    return [hash("x"), sys.flags.optimize, os.getcwd(), os.environ["PYTHONHASHSEED"]]
"""
    variables = {"PYTHONHASHSEED": "7", "PYTHONOPTIMIZE": "1"}
    names = [platform.create(source, Environment={"Variables": variables}) for _ in range(2)]
    first, second = (platform.invoke(name).json for name in names)
    assert first[0] == second[0]
    assert first[1] == 1
    assert first[3] == "7"


def test_without_a_view_libraries_of_layers_are_found_too(
    own: Callable[..., Any], zipped: Callable[..., bytes]
) -> None:
    platform = own(isolation="none")
    mapped = (line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines())
    library = next(path for path in mapped if path.rpartition("/")[2].startswith("libm."))
    layer = platform.aws.publish_layer_version(
        LayerName="library",
        Content={"ZipFile": zipped({"lib/libof-a-layer.so": Path(library).read_bytes()})},
    )
    source = "import ctypes\ndef handler(e, c):\n    return ctypes.CDLL('libof-a-layer.so')._name\n"
    name = platform.create(source, Layers=[layer["LayerVersionArn"]])
    assert platform.invoke(name).json == "libof-a-layer.so"
