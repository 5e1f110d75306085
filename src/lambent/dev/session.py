"""A session of `lambent dev`, from the command to Ctrl-C. Here is what begins before the platform is imported, so that
everything that takes its time goes on at once: analysis in a process of its own, moto in another, the imports.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import shutil
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

import msgspec

from lambent.deploy import dev_session
from lambent.deploy.errors import DeployError
from lambent.dev.debugger import Debugger
from lambent.dev.debugger import check as check_debugger
from lambent.dev.pipeline import FOLDER, AppPipeline
from lambent.dev.screen import Screen
from lambent.dev.sources import Sources

if TYPE_CHECKING:
    from collections.abc import Coroutine
    from pathlib import Path

    from lambent.deploy.project import Project
    from lambent.dev.pipeline import Preparing

DATA: Final = ".lambent"
"""Where a session keeps everything, below the project's root."""

_END_S: Final = 0.8
"""How long what runs may take to end after Ctrl-C."""

_CUTS: Final = 3
_KEPT: Final = ("lambent.db", "logs.db", "blobs", "code")
"""What the platform keeps there, of what has happened."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line says. `debug` is the port for debuggers, None for none; `fresh` forgets all data first."""

    app: str | None = None
    port: int = 3000
    stage: str | None = None
    debug: int | None = None
    fresh: bool = False


def run(project: Project, options: Options, screen: Screen | None = None) -> None:
    """Run the project's app until SIGINT or SIGTERM; blocks.

    Raises DeployError when a session runs there already, SettingsError, and what `Platform.start` raises.
    """
    began = time.perf_counter()
    running = dev_session.read(project.root)
    if running is not None:
        raise DeployError(
            f"lambent dev runs in {project.root} already: {running.url} (process {running.pid})",
            hint="Use it, or stop it with Ctrl-C where it runs.",
        )
    _check_port(options.port)
    if options.debug is not None:
        check_debugger(options.debug)
    session = Session(project, options, screen or Screen(), began)
    try:
        import uvloop

        uvloop.run(session.run())
    finally:
        session.close()


class Session:
    """One session: `run` on an event loop, then `close`. What can begin without a loop begins at once."""

    def __init__(self, project: Project, options: Options, screen: Screen, began: float) -> None:
        self.project = project
        self.options = options
        self.screen = screen
        self.began = began
        self.data = project.root / DATA
        self.running = False
        """Whether it has begun to serve."""
        self.debugger = None if options.debug is None else Debugger(options.debug)
        self.preparing = _preparing(project, options, self.debugger)
        if options.fresh:
            _forget(self.data)
        self.data.mkdir(parents=True, exist_ok=True)
        # Nothing in it belongs into a repository.
        ignored = self.data / ".gitignore"
        if not ignored.exists():
            ignored.write_text("*\n")
        # Before the first look at the code: what is saved after it is a change.
        self.sources = Sources(project.root)
        self.executor = ThreadPoolExecutor(1, "lambent-dev")
        self.prepared = self.executor.submit(self.preparing.prepare, [])

    def close(self) -> None:
        """End what `run` has started, and remove the record of the session."""
        dev_session.remove(self.project.root)
        # The analyser first: the thread may be waiting for it.
        self.preparing.close()
        self.executor.shutdown(wait=False, cancel_futures=True)
        if self.debugger is not None:
            self.debugger.close()

    @property
    def folder(self) -> Path:
        """Where linked code is, and notes for the next session."""
        return self.data / FOLDER

    async def run(self) -> None:
        """Until a signal. Raises what `run` of this module raises."""
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stopping.set)
        going = asyncio.ensure_future(self._go(stopping))
        await _either(going, stopping.wait())
        # What runs may end, for a moment; what is only starting need not, and whatever still hangs is cut.
        patience = _END_S if self.running else 0.0
        for _ in range(_CUTS):
            await asyncio.wait({going}, timeout=patience)
            if going.done():
                break
            going.cancel()
            patience = _END_S
        else:
            return
        with contextlib.suppress(asyncio.CancelledError):
            await going

    async def _go(self, stopping: asyncio.Event) -> None:
        from lambent.dev import neighbours

        built = asyncio.Event()
        moto = neighbours.early(built)
        warming = None
        if neighbours.guess(self.folder, self.sources.paths()):
            warming = asyncio.create_task(neighbours.warm(moto))
            await asyncio.sleep(0)
        try:
            # As `lambent up` does it; before the imports, which make more objects than all that comes after.
            gc.set_threshold(20_000, 20, 50)
            # The loop goes on meanwhile: moto starts, signals are heard.
            live = await asyncio.to_thread(importlib.import_module, "lambent.dev.live")
            await live.Live(self, moto, built).run(stopping)
        finally:
            if warming is not None:
                warming.cancel()
            await moto.close()


def _preparing(project: Project, options: Options, debugger: Debugger | None) -> Preparing:
    if project.template is not None:
        from lambent.dev.template import TemplatePipeline

        return TemplatePipeline(project, options.stage, debugger)
    return AppPipeline(project, options.stage, options.app, debugger)


async def _either(one: asyncio.Future[None], other: Coroutine[Any, Any, Any]) -> None:
    waiting = asyncio.ensure_future(other)
    await asyncio.wait({one, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()


def _check_port(port: int) -> None:
    """Raise OSError at once where the platform would after all its work."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
        probe.listen()


def _forget(data: Path) -> None:
    """Remove what earlier sessions have kept. Raises DirectoryInUse when another platform has it."""
    from lambent.store.locks import FileLock

    locked = data / f"{_KEPT[0]}.lock"
    if not locked.exists():
        return
    lock = FileLock(locked)
    try:
        for name in _KEPT:
            if (data / name).is_dir():
                shutil.rmtree(data / name, ignore_errors=True)
                continue
            for suffix in ("", "-wal", "-shm"):
                (data / f"{name}{suffix}").unlink(missing_ok=True)
    finally:
        lock.release()
