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
import socket
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
import sys, debugpy
debugpy.connect(("127.0.0.1", int(sys.argv[1])))
sys.stdin.read()
"""
_START_S: Final = 30.0


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
        library = _library()
        environment = {**os.environ, "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
        endpoints = _adapter(self._port, library / "debugpy" / "adapter", environment)
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-c", _ROOT, str(endpoints["server"]["port"])],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for the session to hear
            env=environment,
        )
        self.debugging = Debugging(
            port=endpoints["client"]["port"],
            servers=endpoints["server"]["port"],
            pid=self._process.pid,
            library=str(library),
        )
        return self.debugging

    def close(self) -> None:
        """End it, and with it the sessions of its clients."""
        process, self._process, self.debugging = self._process, None, None
        if process is not None:
            process.kill()
            process.wait()
            assert process.stdin is not None
            process.stdin.close()


def check(port: int) -> None:
    """Raises DeployError where a debugger could not start: at once, not when everything else has."""
    _library()
    try:
        with socket.create_server(("127.0.0.1", port)):
            pass
    except OSError:
        raise _taken(port) from None


def _library() -> Path:
    """The folder that has debugpy. Raises DeployError."""
    found = importlib.util.find_spec("debugpy")
    if found is None or found.origin is None:
        raise DeployError("--debug needs the package debugpy", hint="pip install debugpy")
    return Path(found.origin).parent.parent


def _taken(port: int) -> DeployError:
    return DeployError(
        f"The debugger cannot listen on port {port}: it is in use",
        hint="Another program has it: take another port with --debug=PORT.",
    )


def _adapter(port: int, program: Path, environment: dict[str, str]) -> dict[str, Any]:
    """Start debugpy's adapter as `debugpy.listen` does; its endpoints. It ends when nothing is connected any more.

    Raises DeployError.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(_START_S)
        arguments = [
            "--for-server",
            str(listener.getsockname()[1]),
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
        ]
        # It leaves a child behind and ends.
        subprocess.run(
            [sys.executable, str(program), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
            check=False,
        )
        try:
            connection, _ = listener.accept()
            with connection, connection.makefile("rb") as file:
                endpoints: dict[str, Any] = json.loads(file.read())
        except (OSError, ValueError) as error:
            raise DeployError(f"debugpy does not start: {error}") from error
    if "error" in endpoints:
        raise _taken(port)
    return endpoints


def prepare(properties: dict[str, Any], source: Path | None, debugging: Debugging) -> None:
    """Have a function of a template be debugged: its handler is ours, which connects first and then is its own.

    Functions of other languages than Python stay as they are, but for their time.
    """
    properties["Timeout"] = _LONGEST_S
    if not str(properties.get("Runtime", "")).startswith("python"):
        return
    variables: Mapping[str, Any] = properties.get("Environment", {}).get("Variables", {})
    path = [part for part in (variables.get("PYTHONPATH"), str(_FOLDER), debugging.library) if part]
    joined = os.pathsep.join(path) if all(isinstance(part, str) for part in path) else _join(path)
    properties["Environment"] = {
        "Variables": {
            **variables,
            "PYTHONPATH": joined,
            "LAMBENT_DEBUG_HANDLER": properties["Handler"],
            "LAMBENT_DEBUG_PORT": str(debugging.servers),
            "LAMBENT_DEBUG_PARENT": str(debugging.pid),
            "LAMBENT_DEBUG_SOURCE": str(source or Path.cwd()),
        }
    }
    properties["Handler"] = _HANDLER
    memory = str(properties.get("MemorySize", 0))
    if (
        not memory.isdecimal() or int(memory) < _MEMORY_MB
    ):  # what a function of CloudFormation gives may be too little
        properties["MemorySize"] = _MEMORY_MB


def _join(path: list[Any]) -> dict[str, Any]:
    return {"Fn::Join": [os.pathsep, path]}
