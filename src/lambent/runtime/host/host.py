"""Process that forks a supervisor for each execution environment of a runtime that is a program of its own.

    PLATFORM_PYTHON -I -S host.py CONTROL_FD VIEW

The platform talks to it as to a zygote (see python/forkserver.py); what its children do is in supervisor.py.
One host serves one language prefix, because that is part of the private view it was started in.

It runs in the platform's own interpreter, and everything its children need is imported before they are forked:
they cover /opt and /tmp, and their modules may have come from there.
"""

# pathlib would cost every environment memory.
# ruff: noqa: PTH100, PTH118, PTH120
from __future__ import annotations

import os
import sys
import types

if __name__ == "__main__":
    # The files here and those of the Python runtime import one another relatively, as one package.
    __package__ = "_lambent_runtime"
    here = os.path.dirname(os.path.abspath(__file__))
    sys.modules[__package__] = types.ModuleType(__package__)
    sys.modules[__package__].__path__ = [here, os.path.join(os.path.dirname(here), "python")]

import _signal  # type: ignore[import-not-found]
import _socket

from .forkserver import ForkServer  # type: ignore[import-not-found]
from .sandbox import mounts  # type: ignore[import-not-found]
from .supervisor import Supervisor


def main(arguments: list[str]) -> None:
    """Be the host; in its children, be a supervisor."""
    control, private_view = _socket.socket(fileno=int(arguments[0])), arguments[1] == "1"
    os.set_inheritable(control.fileno(), False)
    if mounts is not None:
        mounts.become_subreaper()
    host = os.getpid()
    descriptors = ForkServer(control, private_view).serve()
    if descriptors is not None:
        _signal.set_wakeup_fd(-1)
        for number in (_signal.SIGCHLD, _signal.SIGTERM):
            _signal.signal(number, _signal.SIG_DFL)
        Supervisor(descriptors[0], descriptors[1], private_view).live(host)


if __name__ == "__main__":
    main(sys.argv[1:])
