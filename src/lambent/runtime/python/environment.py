"""What a forked child does to become an execution environment before it runs the function's code."""

# pathlib would cost every environment memory.
# ruff: noqa: PTH100, PTH118, PTH120
from __future__ import annotations

import _socket
import os
import sys
import threading
import time
from contextlib import suppress

from . import sandbox, wrapped
from .bootstrap import Runtime
from .channel import Channel, frame_init, frame_invocation
from .marshaller import marshaller

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

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
                    sys.path_importer_cache[sandbox.TASK] = hook(sandbox.TASK)

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
        sys.path[:] = module_path({"task": _FILES, "layers": sandbox.LAYERS, "libraries": sandbox.RUNTIME})
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
        sandbox.become_root(zygote)
        os.dup2(log_pipe, 1)
        os.dup2(log_pipe, 2)
        channel = Channel(environment_socket, log_pipe)
        channel.close_others(3, sandbox.OPEN_FILES - 1)
        sandbox.enclose(self._private_view)
        if not channel.has_data():
            # Forked ahead of need: what can be done before the function is known costs nobody time now.
            self._rehearse()
        document = channel.receive_init()
        if document is None:
            os._exit(0)
        init = _read(document)
        try:
            path = _arrange(init, self._private_view)
            if wrapped.wanted(init["env"]):
                wrapped.become(channel, init, path)
        except OSError as error:
            channel.init_failed(sandbox.failure(error))
            os._exit(1)
        for name, value in init["env"].items():
            os.environ[name] = value
        time.tzset()
        sys.argv[:] = [os.path.join(path["runtime"], "bootstrap.py"), init["handler"]]
        sys.path[:] = module_path(path)
        self._runtime.run(channel, init)
        os._exit(0)


def _arrange(init: dict[str, Any], private_view: bool) -> dict[str, str]:
    """Put code, layers and /tmp where they belong; the places where user code finds them."""
    if not private_view:
        # In Lambda, and with a view, the code's directory is read-only.
        sys.dont_write_bytecode = True
        os.chdir(init["task_root"])
        return {
            "task": init["task_root"],
            "layers": init["opt"][0] if init["opt"] else sandbox.LAYERS,
            "runtime": _FILES,
            "libraries": init["boto3"],
        }
    sandbox.bind(init["task_root"], init["tmp"], init["opt"], init.get("shown", []))
    sandbox.drop_rights()
    os.chdir(sandbox.TASK)
    return {
        "task": sandbox.TASK,
        "layers": sandbox.LAYERS,
        "runtime": sandbox.RUNTIME,
        "libraries": sandbox.RUNTIME if init["boto3"] else "",
    }


def module_path(path: dict[str, str]) -> list[str]:
    """What sys.path becomes: Lambda's order: code, layers, PYTHONPATH, standard library, AWS's SDK."""
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    layer = path["layers"] + "/python"
    entries = [path["task"], f"{layer}/lib/{version}/site-packages", layer]
    entries += os.environ.get("PYTHONPATH", "").split(":")
    entries += sys.path
    entries.append(path["libraries"])
    return list(dict.fromkeys(filter(None, entries)))
