"""An environment whose interpreter is started for it, instead of forked from the zygote.

    INTERPRETER [OPTION...] wrapped.py

Some of what a function may set counts when its process starts: the wrapper script that AWS_LAMBDA_EXEC_WRAPPER
names, and variables that the dynamic linker and the interpreter read once. So the forked process, in its own view
of the file system already, executes this file: with the function's variables, the same two descriptors, and INIT
in a pipe. A wrapper script gets as arguments what it gets in Lambda: interpreter, options, and the file last.
"""

# pathlib would cost every environment memory.
# ruff: noqa: PTH100, PTH118, PTH120
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
import json

from . import sandbox
from .channel import Channel

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

_DESCRIPTORS = "_LAMBENT_DESCRIPTORS"
_WRAPPER = "AWS_LAMBDA_EXEC_WRAPPER"
_LIBRARIES = "LD_LIBRARY_PATH"
# What functions with a view have unless they set it: there is no need to start anew for it (see launcher.py).
_USUAL_LIBRARIES = (
    "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib"
)

# Those that change what a program does, of those that are read once. Others that are often set (PYTHONUNBUFFERED,
# PYTHONDONTWRITEBYTECODE) are what is the case here anyway.
_AT_START = frozenset(
    {
        _WRAPPER,
        "GLIBC_TUNABLES",
        "LD_PRELOAD",
        "MALLOC_ARENA_MAX",
        "PYTHONDEVMODE",
        "PYTHONFAULTHANDLER",
        "PYTHONHASHSEED",
        "PYTHONMALLOC",
        "PYTHONOPTIMIZE",
        "PYTHONPROFILEIMPORTTIME",
        "PYTHONTRACEMALLOC",
        "PYTHONWARNINGS",
    }
)

# AWS's bootstrap looks for the wrapper in these words before it hands over to it.
_HAND_OVER = (
    '[ -f "$0" ] || { echo "$0: does not exist"; exit 127; }; '
    '[ -x "$0" ] || { echo "$0: is not an executable"; exit 126; }; '
    'exec "$0" "$@"'
)


def wanted(variables: dict[str, str]) -> bool:
    """Whether a function with these variables needs an interpreter of its own."""
    if variables.get(_LIBRARIES, _USUAL_LIBRARIES) != _USUAL_LIBRARIES:
        return True
    return any(variables[name] for name in _AT_START.intersection(variables))


def become(channel: Channel, init: dict[str, Any], path: dict[str, str]) -> NoReturn:
    """Start the interpreter in place of this process. Raises OSError.

    `path`: where user code finds things, as of environment.py.
    """
    document, write_end = os.pipe()
    os.set_inheritable(document, True)
    # It fits: what a function can make long in it is the 4 KB of its variables.
    os.write(write_end, json.dumps([init, path], ensure_ascii=False).encode())
    variables = {**init["env"], _DESCRIPTORS: " ".join(map(str, (*channel.inherit(), document)))}
    if path["task"] == sandbox.TASK:
        # A shared libpython is there.
        variables[_LIBRARIES] += ":/var/lang/lib"
    # Programs expect what no Python has changed.
    _signal.signal(_signal.SIGPIPE, _signal.SIG_DFL)
    _signal.signal(_signal.SIGXFSZ, _signal.SIG_DFL)
    command = [sys.executable, "-s", os.path.abspath(__file__)]
    wrapper = variables.get(_WRAPPER)
    if wrapper:
        command = ["/bin/sh", "-c", _HAND_OVER, wrapper, *command]
    os.execve(command[0], command, variables)  # noqa: S606 - the shell looks at the wrapper only


def main() -> None:
    """Be the environment that `become` has started."""
    import site

    from . import environment
    from .bootstrap import Runtime

    socket, output, document = map(int, os.environ.pop(_DESCRIPTORS).split())
    with open(document) as file:  # noqa: PTH123 - a descriptor
        init, path = json.load(file)
    sys.stdout.reconfigure(encoding="utf-8", errors="strict", line_buffering=False)  # type: ignore[union-attr]
    sys.stderr.reconfigure(encoding="utf-8", errors="backslashreplace")  # type: ignore[union-attr]
    # A wrapper may put its own handler before the function's.
    init["handler"] = os.environ.get("_HANDLER", init["handler"])
    sys.argv[:] = [os.path.join(path["runtime"], "bootstrap.py"), init["handler"]]
    # In a view the code's directory is read-only anyway.
    sys.dont_write_bytecode = path["task"] != sandbox.TASK
    # Not the folder of this file, and none of the packages that happen to be installed on this machine.
    foreign = {os.path.dirname(os.path.abspath(__file__)), *site.getsitepackages()}
    # Processes that `multiprocessing` spawns run the main program's file again: not this one.
    del sys.modules["__main__"].__file__
    sys.path[:] = [entry for entry in sys.path if entry not in foreign]
    sys.path[:] = environment.module_path(path)
    Runtime().run(Channel(socket, output), init)
    os._exit(0)


if __name__ == "__main__":
    main()
