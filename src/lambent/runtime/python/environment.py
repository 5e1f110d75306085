"""What a forked child does to become an execution environment before it runs the function's code."""

# pathlib would cost every environment memory.
# ruff: noqa: PTH100, PTH118, PTH120
from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time

from .bootstrap import Runtime
from .channel import Channel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any

mounts: ModuleType | None
try:
    from . import mounts
except (ImportError, AttributeError):  # no ctypes in this interpreter, or not Linux
    mounts = None

TASK = "/var/task"
LAYERS = "/opt"
TEMPORARY = "/tmp"  # noqa: S108 - the mount point itself
RUNTIME = "/var/runtime"
NO_LAYERS = RUNTIME + "/.empty"

_OPEN_FILES = 1024


def live(environment_socket: int, log_pipe: int, zygote: int, private_view: bool) -> None:
    """Turn this freshly forked process into an environment and serve it until the platform hangs up.

    The descriptors are the child's own; everything else above standard error is closed. May raise what user
    code raises to end its process (SystemExit).
    """
    os.setsid()
    if mounts is not None:
        mounts.die_with_parent(zygote, signal.SIGKILL)
        # Orphans stay below this process, where its end finds them.
        mounts.become_subreaper()
    os.dup2(log_pipe, 1)
    os.dup2(log_pipe, 2)
    channel = Channel(environment_socket)
    os.closerange(3, _OPEN_FILES - 1)
    if private_view and mounts is not None:
        mounts.unshare(mounts.CLONE_NEWNS)
    document = channel.receive_init()
    if document is None:
        os._exit(0)
    init = json.loads(document)
    try:
        path = _arrange(init, private_view)
    except OSError as error:
        channel.init_failed(
            json.dumps(
                {
                    "errorMessage": f"The execution environment could not be set up: {error}",
                    "errorType": "Sandbox.Failure",
                    "requestId": "",
                    "stackTrace": [],
                }
            ).encode()
        )
        os._exit(1)
    _limit(resource.RLIMIT_NOFILE, _OPEN_FILES)
    _limit(resource.RLIMIT_CORE, 0)
    os.umask(0o022)
    os.environ.clear()
    os.environ.update(init["env"])
    time.tzset()
    sys.argv[:] = [os.path.join(path["runtime"], "bootstrap.py"), init["handler"]]
    sys.path[:] = _module_path(path)
    Runtime(channel, init).run()
    os._exit(0)


def _arrange(init: dict[str, Any], private_view: bool) -> dict[str, str]:
    """Put code, layers and /tmp where they belong; the places where user code finds them."""
    task, temporary, layers = init["task_root"], init["tmp"], init["opt"]
    if not private_view or mounts is None:
        os.chdir(task)
        return {
            "task": task,
            "layers": layers[0] if layers else LAYERS,
            "runtime": os.path.dirname(os.path.abspath(__file__)),
            "libraries": init["boto3"],
        }
    # Any of these may lie below a place that another of them is going to cover: look all up first.
    sources = [
        os.open(path, os.O_RDONLY | os.O_DIRECTORY)
        for path in (task, layers[0] if layers else NO_LAYERS, temporary)
    ]
    for source, target in zip(sources, (TASK, LAYERS, TEMPORARY)):  # noqa: B905 - strict is of 3.10
        mounts.bind(f"/proc/self/fd/{source}", target, read_only=target != TEMPORARY)
        os.close(source)
    if os.geteuid() != 0:
        mounts.drop_rights()
    os.chdir(TASK)
    return {"task": TASK, "layers": LAYERS, "runtime": RUNTIME, "libraries": RUNTIME if init["boto3"] else ""}


def _module_path(path: dict[str, str]) -> list[str]:
    """sys.path in Lambda's order: code, layers, PYTHONPATH, standard library, AWS's SDK."""
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    layer = path["layers"] + "/python"
    entries = [path["task"], f"{layer}/lib/{version}/site-packages", layer]
    entries += os.environ.get("PYTHONPATH", "").split(":")
    entries += sys.path
    entries.append(path["libraries"])
    return list(dict.fromkeys(filter(None, entries)))


def _limit(kind: int, value: int) -> None:
    _, hard = resource.getrlimit(kind)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(kind, (value, value))
