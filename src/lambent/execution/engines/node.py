"""Node: environments are processes of the function's Node, some of them started before they are needed."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec

from lambent.execution.errors import EnvironmentUnavailable, InterpreterMissing
from lambent.execution.host import Command, Host, ahead, wrapped
from lambent.execution.nursery import Nursery
from lambent.execution.process import EnvironmentProcess
from lambent.execution.spec import VIEW_LIBRARIES, VIEW_PATH
from lambent.runtime import NODE_FILES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lambent.execution.engines import Premises
    from lambent.execution.nodes import Node, Nodes
    from lambent.execution.process import ProcessOwner, RuntimeProcess
    from lambent.functions import FunctionVersion

SPARES: Final = 2
"""Processes kept per Node in use: 48 MB resident each, 10 MB when pages that they share are counted in part."""

# After the start that took one has had the processor to itself: a Node needs it for 40 ms.
_REFILL_SECONDS: Final = 0.1

# What Node and the libraries below it read only when they start.
_AT_START: Final = frozenset(
    {
        "AWS_LAMBDA_EXEC_WRAPPER",
        "NODE_COMPILE_CACHE",
        "NODE_DEBUG",
        "NODE_DEBUG_NATIVE",
        "NODE_DISABLE_COMPILE_CACHE",
        "NODE_EXTRA_CA_CERTS",
        "NODE_ICU_DATA",
        "NODE_NO_WARNINGS",
        "NODE_OPTIONS",
        "NODE_PENDING_DEPRECATION",
        "NODE_PRESERVE_SYMLINKS",
        "NODE_REDIRECT_WARNINGS",
        "NODE_USE_ENV_PROXY",
        "NODE_USE_SYSTEM_CA",
        "NODE_V8_COVERAGE",
        "SSL_CERT_DIR",
        "SSL_CERT_FILE",
    }
)
_AT_START_PREFIXES: Final = ("LD_", "UV_", "OPENSSL_", "MALLOC_", "GLIBC_")

# Where a process that started before its function was known finds what is in /opt/lib (see runtime's launcher.py).
_LAYER_LIBRARIES: Final = ":/var/runtime/.opt-lib"

_encode = msgspec.json.encode
_decode = msgspec.json.decode


@dataclass(frozen=True)
class NodeEngine:
    """One Node."""

    node: Node

    @property
    def runtime(self) -> str:
        """The runtime it serves: "nodejs22.x"."""
        return self.node.runtime

    async def start(self, premises: Premises) -> NodeNursery:
        """Start a host of supervisors. Raises EnvironmentUnavailable."""
        host = Host(
            prefix=self.node.prefix,
            files=NODE_FILES,
            libraries=libraries(premises.data),
            private_view=premises.private_view,
            variables=premises.mark,
        )
        await host.start()
        return NodeNursery(host, self.node, libraries(premises.data), premises.mark)

    def variables(self, *, private_view: bool) -> Mapping[str, str]:
        """None that do not depend on the environment."""
        return {}

    def members(self, premises: Premises) -> Mapping[str, object]:
        """None."""
        return {}


class NodeFamily:
    """The Nodes of this machine."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes

    def find(self, runtime: str, *, nearest: bool) -> NodeEngine:
        """The engine for "nodejs22.x". Raises InterpreterMissing."""
        try:
            return NodeEngine(self._nodes.find(runtime))
        except InterpreterMissing:
            if not nearest:
                raise
            return NodeEngine(self._nodes.nearest(runtime))


def libraries(data: Path) -> Path | None:
    """Where packages for all Node functions are, when somebody has installed some: a folder with `node_modules`.

    Functions find them at /var/runtime/node_modules, where the managed runtimes have AWS's SDK.
    """
    folder = data / "runtime"
    return folder if (folder / "node_modules").is_dir() else None


class NodeNursery:
    """A host, and blank Nodes that wait in environments of their own. `host` has been started.

    How large a heap may become is decided when a Node starts. So those that wait are of the sizes that were asked
    for last; for a function of another size one is started.
    """

    def __init__(
        self, host: Host, node: Node, packages: Path | None, mark: Mapping[str, str], spares: int = SPARES
    ) -> None:
        self._host = host
        self._node = node
        self._packages = packages
        self._mark = mark
        self._wanted = spares
        self._sizes: list[int] = []  # the memory sizes that were asked for last, each once
        self._spares: list[tuple[int, EnvironmentProcess]] = []
        # Environments without a Node in them yet: for functions that no spare fits.
        self._supervisors = Nursery(host, spares=1)
        self._refilling: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()

    @property
    def alive(self) -> bool:
        """Whether there can be processes."""
        return self._host.alive

    @property
    def private_view(self) -> bool:
        """Whether functions see /var/task and a /tmp of their own."""
        return self._host.private_view

    def expect(self, version: FunctionVersion) -> None:
        """Have processes ready for functions of this one's size."""
        if version.memory_mb not in self._sizes:
            self._asked(version.memory_mb)
            self._refill_soon(0)

    def take(self, owner: ProcessOwner, init: bytes) -> RuntimeProcess:
        """A process that begins INIT for `owner`. Raises EnvironmentUnavailable, OSError."""
        if not self._host.alive:
            raise EnvironmentUnavailable("the process that makes environments is gone")
        document: dict[str, Any] = _decode(init[4:])
        variables: dict[str, str] = document["env"]
        memory_mb: int = document["memory_mb"]
        layers = document["opt"][0] if document["opt"] else ""
        variables.setdefault("NODE_PATH", self._module_path(layers, document["task_root"]))
        if any(name in _AT_START or name.startswith(_AT_START_PREFIXES) for name in self._own(variables)):
            process = self._supervisors.blank()
            document["command"] = self._command(memory_mb, variables).document()
        else:
            process = self._claim(memory_mb)
        encoded = _encode(document)
        process.adopt(owner, len(encoded).to_bytes(4, "big") + encoded)
        self._asked(memory_mb)
        self._refill_soon(_REFILL_SECONDS)
        return process

    def _own(self, variables: Mapping[str, str]) -> set[str]:
        """The names of the variables that a blank process has not got, or not with this value."""
        given = self._blank_variables()
        return {name for name, value in variables.items() if given.get(name) != value}

    def _claim(self, memory_mb: int) -> EnvironmentProcess:
        self._spares = [(size, spare) for size, spare in self._spares if not spare.ended]
        for number, (size, spare) in enumerate(self._spares):
            if size == memory_mb:
                del self._spares[number]
                return spare
        process = self._supervisors.blank()
        # It starts while the environment is still being arranged around it.
        self._start_blank(process, memory_mb, {})
        return process

    def _rehearsing(self, memory_mb: int) -> EnvironmentProcess:
        process = EnvironmentProcess(self._host)
        self._start_blank(process, memory_mb, {"_LAMBENT_REHEARSES": "1"})
        return process

    def _start_blank(self, process: EnvironmentProcess, memory_mb: int, more: Mapping[str, str]) -> None:
        variables = {**self._blank_variables(), **more}
        if self._host.private_view:
            variables["LD_LIBRARY_PATH"] += _LAYER_LIBRARIES
        process.prepare(ahead(self._command(memory_mb, variables)))

    # ------------------------------------------------------------ what is started

    def _command(self, memory_mb: int, variables: Mapping[str, str]) -> Command:
        options = variables.get("NODE_OPTIONS", "")
        argv = [
            self._host.seen(self._node.executable),
            *arguments(self._node.version, memory_mb, options),
            self._host.seen(NODE_FILES / "bootstrap.cjs"),
        ]
        return Command(wrapped(argv, variables), variables, frames=True)

    def _blank_variables(self) -> dict[str, str]:
        variables = {"PATH": VIEW_PATH, "TZ": ":UTC", **self._mark}
        if self._host.private_view:
            variables["NODE_PATH"] = self._module_path("", "")
            variables["LD_LIBRARY_PATH"] = VIEW_LIBRARIES
        return variables

    def _module_path(self, layers: str, task: str) -> str:
        """NODE_PATH in the managed runtimes' order."""
        packages = str(self._packages or "/var/runtime")
        if self._host.private_view:
            layers, packages, task = "/opt", "/var/runtime", "/var/task"
        layer = layers + "/nodejs"
        places = [f"{packages}/node_modules", packages, task]
        if layers:
            places = [f"{layer}/node{self._node.version[0]}/node_modules", f"{layer}/node_modules", *places]
        return ":".join(places)

    # ------------------------------------------------------------ refilling

    def _asked(self, memory_mb: int) -> None:
        others = [size for size in self._sizes if size != memory_mb]
        self._sizes = [memory_mb, *others][: self._wanted]

    def _refill_soon(self, seconds: float) -> None:
        if self._refilling is None:
            self._refilling = self._loop.call_later(seconds, self._refill)

    def _refill(self) -> None:
        self._refilling = None
        # One of each, more of the last if there are not so many.
        missing = [*self._sizes, *self._sizes[:1] * (self._wanted - len(self._sizes))]
        kept = []
        for size, spare in self._spares:
            if size in missing and not spare.ended:
                missing.remove(size)
                kept.append((size, spare))
            else:
                spare.kill()
        self._spares = kept
        # Without, the next start makes its own, and says what is in the way.
        with contextlib.suppress(OSError, EnvironmentUnavailable):
            for size in missing:
                self._spares.append((size, self._rehearsing(size)))

    async def close(self) -> None:
        """Kill all processes, taken ones too; returns when they are dead."""
        if self._refilling is not None:
            self._refilling.cancel()
        self._spares.clear()
        await self._supervisors.close()  # and the host


def arguments(version: tuple[int, int, int], memory_mb: int, options: str) -> list[str]:
    """What the managed runtimes start Node with. NODE_OPTIONS of the function's own come before."""
    arguments = ["--expose-gc", "--max-http-header-size", "81920"]
    asked = options.replace("_", "-")
    if "--max-semi-space-size" not in asked and "--max-old-space-size" not in asked:
        # A twentieth for young objects in each of two halves; the rest is left to what is no JavaScript object.
        young = memory_mb // 10
        arguments += [f"--max-semi-space-size={young // 2}", f"--max-old-space-size={memory_mb - young}"]
    # Until Node 22 AWS switches off what newer releases of a version have begun to allow.
    if (20, 17, 0) <= version < (23, 0, 0) and "--experimental-require-module" not in asked:
        arguments.append("--no-experimental-require-module")
    if (22, 0, 0) <= version < (23, 0, 0) and "--experimental-detect-module" not in asked:
        arguments.append("--no-experimental-detect-module")
    return arguments
