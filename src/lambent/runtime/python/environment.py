"""What a forked child does to become an execution environment before it runs the function's code."""

# pathlib would cost every environment memory.
# ruff: noqa: PTH100, PTH118, PTH120
from __future__ import annotations

# Not `signal`: its enums would cost every environment 100 KB and 0.1 ms.
import _signal  # type: ignore[import-not-found]
import _socket
import json
import os
import resource
import sys
import threading
import time
from contextlib import suppress

from .bootstrap import Runtime
from .channel import Channel, frame_init, frame_invocation
from .marshaller import marshaller

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
_LIMITS = [
    # What AWS recorded of its environments. Core dumps end in /tmp at most: everything else is read-only.
    (resource.RLIMIT_NOFILE, _OPEN_FILES, _OPEN_FILES),
    (resource.RLIMIT_CORE, 10_737_418_240, 10_737_418_240),
    (resource.RLIMIT_MEMLOCK, 65_536, 65_536),
    (resource.RLIMIT_STACK, 8_388_608, resource.RLIM_INFINITY),
]
if os.geteuid() == 0:
    # For anybody else this counts all processes of the user, those outside too; for root it is not enforced.
    _LIMITS.append((resource.RLIMIT_NPROC, 742, 742))
_read = marshaller(None).load
_REHEARSALS = 20
_REHEARSED = frame_init({"handler": "rehearsal.handler", "env": {}}) + frame_invocation(
    b'{"key": "value", "number": 1.5, "list": [1, null, true]}', b"Root=1"
)
_VARIABLE = "_LAMBENT_REHEARSAL"
_FILES = os.path.dirname(os.path.abspath(__file__))


class Environment:
    """An environment to be: created in the zygote, turned into one in its children."""

    def __init__(self, private_view: bool) -> None:
        self._private_view = private_view
        self._runtime = Runtime()
        # The first compile() of a process makes the hundred types of the syntax tree.
        compile("def handler(event, context):\n    return event\n", "app.py", "exec", dont_inherit=True)
        for _ in range(_REHEARSALS):
            # What the interpreter does after every fork; here it changes nothing, as there is one thread.
            threading._after_fork()  # type: ignore[attr-defined]
            self._rehearse()
        if private_view:
            # The empty place is there already: its finder need not be made in each environment.
            for hook in sys.path_hooks:
                with suppress(ImportError):
                    sys.path_importer_cache[TASK] = hook(TASK)

    def _rehearse(self) -> None:
        """Go through an environment's life once, without consequences.

        The interpreter specialises code and fills caches where it runs first. Before the fork, the pages stay
        shared and nobody waits.
        """
        platform, own = _socket.socketpair()
        channel = Channel(own.detach())
        platform.sendall(_REHEARSED)
        platform.shutdown(_socket.SHUT_WR)
        init = _read(channel.receive_init() or "")
        path = sys.path[:]
        sys.path[:] = _module_path({"task": _FILES, "layers": LAYERS, "libraries": RUNTIME})
        os.environ[_VARIABLE] = ""
        self._runtime.rehearse(channel, init)
        channel.close()
        platform.close()
        sys.path[:] = path
        del os.environ[_VARIABLE], sys.modules["rehearsal"]

    def live(self, environment_socket: int, log_pipe: int, zygote: int) -> None:
        """Serve the platform until it hangs up; does not return, but may raise what user code raises to end.

        The descriptors are the child's own; everything else above standard error is closed.
        """
        os.setpgid(0, 0)
        if mounts is not None:
            mounts.die_with_parent(zygote, _signal.SIGKILL)
            # Orphans stay below this process, where its end finds them.
            mounts.become_subreaper()
        os.dup2(log_pipe, 1)
        os.dup2(log_pipe, 2)
        channel = Channel(environment_socket, log_pipe)
        channel.close_others(3, _OPEN_FILES - 1)
        if self._private_view and mounts is not None:
            mounts.unshare(mounts.CLONE_NEWNS)
        for kind, soft, hard in _LIMITS:
            _limit(kind, soft, hard)
        os.umask(0o022)
        if not channel.has_data():
            # Forked ahead of need: what can be done before the function is known costs nobody time now.
            self._rehearse()
        document = channel.receive_init()
        if document is None:
            os._exit(0)
        init = _read(document)
        try:
            path = _arrange(init, self._private_view)
        except OSError as error:
            channel.init_failed(_sandbox_failure(error))
            os._exit(1)
        for name, value in init["env"].items():
            os.environ[name] = value
        time.tzset()
        sys.argv[:] = [os.path.join(path["runtime"], "bootstrap.py"), init["handler"]]
        sys.path[:] = _module_path(path)
        self._runtime.run(channel, init)
        os._exit(0)


def _sandbox_failure(error: OSError) -> bytes:
    return json.dumps(
        {
            "errorMessage": f"The execution environment could not be set up: {error}",
            "errorType": "Sandbox.Failure",
            "requestId": "",
            "stackTrace": [],
        }
    ).encode()


def _arrange(init: dict[str, Any], private_view: bool) -> dict[str, str]:
    """Put code, layers and /tmp where they belong; the places where user code finds them."""
    task, temporary, layers = init["task_root"], init["tmp"], init["opt"]
    if not private_view or mounts is None:
        # In Lambda, and with a view, the code's directory is read-only.
        sys.dont_write_bytecode = True
        os.chdir(task)
        return {
            "task": task,
            "layers": layers[0] if layers else LAYERS,
            "runtime": _FILES,
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


def _limit(kind: int, soft: int, hard: int) -> None:
    _, most = resource.getrlimit(kind)
    if most != resource.RLIM_INFINITY and os.geteuid() != 0:
        # Only root may raise what it has been given.
        hard = most if hard == resource.RLIM_INFINITY else min(hard, most)
        soft = min(soft, hard)
    with suppress(ValueError, OSError):  # root of a container may not either
        resource.setrlimit(kind, (soft, hard))
