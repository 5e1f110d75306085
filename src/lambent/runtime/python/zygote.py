"""Process that forks execution environments, once per interpreter.

    INTERPRETER -I -S zygote.py CONTROL_FD VIEW

CONTROL_FD is the socket to the platform (see forkserver.py), VIEW 1 if the launcher has made a private view.

No threads, and nothing is imported that starts some: the process is forked.
"""

# pathlib would cost every environment memory.
# ruff: noqa: PTH100, PTH120
from __future__ import annotations

import os
import sys
import types

if __name__ == "__main__":
    # The files here import one another relatively, under a name that no function's module has.
    __package__ = "_lambent_runtime"
    sys.modules[__package__] = types.ModuleType(__package__)
    sys.modules[__package__].__path__ = [os.path.dirname(os.path.abspath(__file__))]

import _signal  # type: ignore[import-not-found]  # see sandbox.py
import _socket
import gc
import site

from . import environment
from .forkserver import ForkServer
from .sandbox import mounts

_CANNOT_MOUNT = 3
"""Exit status: a private view was prepared, but this interpreter cannot bind anything in it."""


def main(arguments: list[str]) -> None:
    """Be the zygote; in its children, be an environment."""
    control, private_view = _socket.socket(fileno=int(arguments[0])), arguments[1] == "1"
    if private_view and mounts is None:
        sys.exit(_CANNOT_MOUNT)
    os.set_inheritable(control.fileno(), False)
    if mounts is not None:
        mounts.become_subreaper()
    # With -S nobody has defined exit() and its like, which handlers use.
    site.setquit()
    site.setcopyright()
    site.sethelper()
    sys.stdout.reconfigure(encoding="utf-8", errors="strict", line_buffering=False)  # type: ignore[union-attr]
    sys.stderr.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    # Processes that `multiprocessing` spawns run the main program's file again: not this one.
    del sys.modules["__main__"].__file__
    modules, folders = os.environ.get("_LAMBENT_PRELOAD", ""), os.environ.get("_LAMBENT_PRELOAD_PATH", "")
    os.environ.clear()
    _preload(modules.split(":"), folders.split(":"))
    child = environment.Environment(private_view)
    zygote = os.getpid()
    descriptors = ForkServer(control, private_view).serve()
    if descriptors is not None:
        _signal.set_wakeup_fd(-1)
        _signal.signal(_signal.SIGCHLD, _signal.SIG_DFL)
        _signal.signal(_signal.SIGTERM, _signal.SIG_DFL)
        _signal.signal(_signal.SIGINT, _signal.default_int_handler)
        gc.enable()
        child.live(*descriptors, zygote)


def _preload(modules: list[str], folders: list[str]) -> None:
    """Load what functions would load each for itself."""
    path = sys.path[:]
    sys.path += filter(None, folders)
    for name in filter(None, modules):
        try:
            __import__(name)
        except Exception:  # noqa: BLE001, S112 - a function that needs it will tell
            continue
    sys.path[:] = path


if __name__ == "__main__":
    main(sys.argv[1:])
