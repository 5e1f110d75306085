"""`lambent dev --debug`: one port for a debugger, whatever the number of functions and of their processes.

A process of ours is what a client attaches to; each environment then connects as a subprocess of it, and debugpy tells
the client to attach to that too, over the same port. So clients need no more than the port: what they call
`/app.py` in the project is told to debugpy by the environment itself.

Source: "Debugging multiple processes" of debugpy's wiki, and its `adapter` and `server.api`, for how servers connect
and what the client is told of them.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from lambent.deploy.errors import DeployError

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_PORT: Final = 5678

_FOLDER: Final = Path(__file__).with_name("debuggee")
_HANDLER: Final = "lambent_debuggee.handler"
_LONGEST_S: Final = 900
_MEMORY_MB: Final = 1024
_ROOT: Final = """
import json, sys, debugpy
_, port = debugpy.listen(("127.0.0.1", int(sys.argv[1])))
from pydevd import SetupHolder
print(json.dumps({"port": port, "servers": SetupHolder.setup["port"]}), flush=True)
sys.stdin.read()
"""


class Debugging(msgspec.Struct, frozen=True, kw_only=True):
    """A debugger that waits: `port` is for clients, `servers` for environments, `pid` whose subprocesses they are.

    `library` is the folder that has debugpy.
    """

    port: int
    servers: int
    pid: int
    library: str


class Debugger:
    """The process that clients attach to, from the first `start`. `port` 0 takes any free one."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None
        self.debugging: Debugging | None = None

    def start(self) -> Debugging:
        """Start it, unless it runs. Raises DeployError when debugpy is missing, or the port is taken."""
        if self.debugging is not None:
            return self.debugging
        found = importlib.util.find_spec("debugpy")
        if found is None or found.origin is None:
            raise DeployError("--debug needs the package debugpy", hint="pip install debugpy")
        process = self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _ROOT, str(self._port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the session to hear
            env={**os.environ, "PYDEVD_DISABLE_FILE_VALIDATION": "1"},
        )
        assert process.stdout is not None
        told = process.stdout.readline()
        if not told:
            self.close()
            raise DeployError(
                f"The debugger cannot listen on port {self._port}",
                hint="Another program may have it: take another port with --debug=PORT.",
            )
        document = json.loads(told)
        self.debugging = Debugging(
            port=document["port"],
            servers=document["servers"],
            pid=process.pid,
            library=str(Path(found.origin).parent.parent),
        )
        return self.debugging

    def close(self) -> None:
        """End it, and with it the sessions of its clients."""
        process, self._process, self.debugging = self._process, None, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()


def prepare(properties: dict[str, Any], source: Path | None, debugging: Debugging) -> None:
    """Have a function of a template be debugged: its handler is ours, which connects first and then is its own.

    Functions of other languages than Python stay as they are, but for their time.
    """
    properties["Timeout"] = _LONGEST_S
    if not str(properties.get("Runtime", "")).startswith("python"):
        return
    variables: Mapping[str, Any] = properties.get("Environment", {}).get("Variables", {})
    path = [variables.get("PYTHONPATH", ""), str(_FOLDER), debugging.library]
    properties["Environment"] = {
        "Variables": {
            **variables,
            "PYTHONPATH": os.pathsep.join(filter(None, path)),
            "_LAMBENT_DEBUG_HANDLER": properties["Handler"],
            "_LAMBENT_DEBUG_PORT": str(debugging.servers),
            "_LAMBENT_DEBUG_PARENT": str(debugging.pid),
            "_LAMBENT_DEBUG_SOURCE": str(source or Path.cwd()),
        }
    }
    properties["Handler"] = _HANDLER
    properties["MemorySize"] = max(int(properties.get("MemorySize", 128)), _MEMORY_MB)
