"""What runs during a session: the platform, the port, reloading, and what is told of them."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import time
import traceback
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lambent.deploy import dev_session
from lambent.dev import banner, neighbours
from lambent.dev.front import Front
from lambent.dev.lines import folders_of, readable
from lambent.dev.platform import DevPlatform
from lambent.dev.reload import Reloader
from lambent.dev.sources import is_source
from lambent.dev.stack import Stack
from lambent.node.run import raise_file_limit
from lambent.node.settings import Settings, load_settings

if TYPE_CHECKING:
    from lambent.dev.pipeline import Ready
    from lambent.dev.screen import Screen
    from lambent.dev.session import Session
    from lambent.neighbours.moto import Moto

_TOGETHER_S: Final = 0.02
"""The end of an invocation and the answer to the request that made it come within this."""

_PRINTED_S: Final = 0.005
"""How much later what a function has printed may come than its answer."""

_TWICE_S: Final = 0.5
"""An error that comes again within this is shown once."""

_GROUP: Final = "/aws/lambda/"
_LOOK_S: Final = 0.3

_log = logging.getLogger(__name__)


class _Remarks(logging.Handler):
    """What the platform has to say, on the screen."""

    def __init__(self, screen: Screen) -> None:
        super().__init__(logging.WARNING)
        self._screen = screen

    def emit(self, record: logging.LogRecord) -> None:
        """Faults with all that is known of them."""
        text = record.getMessage()
        if record.exc_info and record.exc_info[1] is not None:
            details = "".join(traceback.format_exception(record.exc_info[1])).splitlines()
            self._screen.trouble(text, details)
        else:
            self._screen.note(text)


def _log_to(screen: Screen) -> None:
    logger = logging.getLogger("lambent")
    logger.handlers = [_Remarks(screen)]
    logger.propagate = False


class Live:
    """A session with its platform. `run` until it is told to stop."""

    def __init__(self, session: Session, moto: Moto, built: asyncio.Event) -> None:
        self._session = session
        self._screen = session.screen
        self._moto = moto
        self._built = built
        self._reloader = Reloader(
            session.preparing,
            session.sources,
            session.screen,
            session.executor,
            settled=self._settled,
            brought=self._brought,
        )
        self._front = Front(self._reloader, self._answered)
        self._platform: DevPlatform | None = None
        self._stack: Stack | None = None
        self._waiting = False
        self._names: dict[str, str] = {}
        self._folders: dict[str, dict[str, str]] = {}
        self._last_error: tuple[tuple[str, str], float] = (("", ""), 0.0)
        self._ended: deque[tuple[asyncio.TimerHandle, bool]] = deque()

    async def run(self, stopping: asyncio.Event) -> None:
        """Start everything, print the banner, and go on until `stopping`."""
        raise_file_limit()
        _log_to(self._screen)
        session, settings = self._session, self._settings()
        platform = await DevPlatform.embedded(settings, self._front, self, self._moto)
        self._platform = platform
        self._built.set()
        warming: asyncio.Task[None] | None = None
        watching: asyncio.Task[None] | None = None
        preparing: asyncio.Task[None] | None = None
        stack = self._stack = Stack(platform, session.preparing.region or settings.region)
        try:
            self._front.platform = platform
            warming = asyncio.create_task(stack.warm())
            self._screen.working(f"deploying {session.project.name or session.project.root.name}")
            await self._reloader.first(session.prepared, stack)
            self._screen.idle()
            self._announce(time.perf_counter() - session.began)
            preparing = asyncio.create_task(platform.deployed())
            watching = asyncio.create_task(self._watch())
            session.running = True
            # What start-up has made stays: collections need not look at it. None now, which would hold up the first
            # request.
            gc.freeze()
            await stopping.wait()
            self._screen.idle()
        finally:
            for task in (warming, watching, preparing):
                if task is not None:
                    task.cancel()
            await self._reloader.close()
            # Not before: what is loaded writes it.
            dev_session.remove(session.project.root)
            stack.close()
            await platform.stop()

    def _settings(self) -> Settings:
        session = self._session
        return load_settings(
            directory=session.project.root,
            flags={
                "host": "127.0.0.1",
                "port": session.options.port,
                "data": session.data,
                "ephemeral": False,
                "durability": "normal",
                "linked_code": True,
                "update_in_progress_s": 0.0,
                "provisioning_in_progress_s": 0.0,
                "runtime_fallback": True,
                "integration_timeouts": session.options.debug is None,
            },
        )

    # ------------------------------------------------------------ what has been loaded

    def _settled(self) -> None:
        self._front.failure = self._reloader.failure
        if self._reloader.ready is None:
            self._record(None)
        self._front.release()

    def _brought(self, ready: Ready) -> None:
        stack = self._stack
        assert stack is not None
        self._front.served = stack.served
        here = Path.cwd()
        self._names = {
            f"{_GROUP}{physical}": ready.labels.get(logical, logical)
            for logical, physical in stack.functions.items()
        }
        self._folders = {
            f"{_GROUP}{physical}": folders_of(ready.sources.get(logical), ready.code.get(logical), here)
            for logical, physical in stack.functions.items()
        }
        self._screen.names(self._names.values())
        neighbours.note(self._session.folder, ready)
        self._record(ready)
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._announce, None)

    def _record(self, ready: Ready | None) -> None:
        """Let other commands find this session; before anything runs they find the platform."""
        assert self._platform is not None
        assert self._stack is not None
        debugging = None if self._session.debugger is None else self._session.debugger.debugging
        with contextlib.suppress(OSError):
            dev_session.write(
                self._session.project.root,
                dev_session.DevSession(
                    url=self._platform.url,
                    pid=os.getpid(),
                    app=ready.app if ready is not None else self._session.project.name or "",
                    stack=ready.stack if ready is not None else "",
                    stage=self._session.preparing.stage_name,
                    region=self._stack.region,
                    debug_port=None if debugging is None else debugging.port,
                ),
            )

    def _announce(self, took: float | None) -> None:
        """The banner, or that there is none yet: then it comes with the first code that runs."""
        assert self._platform is not None
        assert self._stack is not None
        debugger = self._session.debugger
        ready = self._reloader.ready
        self._waiting = ready is None
        if ready is None:
            self._screen.note(f"{self._platform.url} waits for the app: mend it and save.")
            return
        port = None if debugger is None or debugger.debugging is None else debugger.debugging.port
        banner.show(self._screen, self._platform.url, ready, self._stack, took, port)

    async def _watch(self) -> None:
        """Load code after a save without waiting for a request."""
        try:
            await self._hear()
        except (ImportError, OSError, RuntimeError) as error:
            # No notices: not installed, or the system's limit of watches is reached.
            _log.info("files are looked at every now and then: %s", error)
            while True:
                await asyncio.sleep(_LOOK_S)
                self._reloader.look()

    async def _hear(self) -> None:
        watchfiles: Any = await asyncio.to_thread(__import__, "watchfiles")
        changes = watchfiles.awatch(
            self._session.project.root,
            watch_filter=lambda _change, path: is_source(os.path.relpath(path, self._session.project.root)),
            debounce=60,
            step=20,
            # Looked at without a notice too: some file systems give none, and none is given of what was before.
            rust_timeout=1000,
            yield_on_timeout=True,
        )
        async for _ in changes:
            self._reloader.look()

    # ------------------------------------------------------------ what is told

    def _answered(self, method: str, target: str, status: int, seconds: float) -> None:
        cold = False
        if self._ended:
            # The last one: what it has called itself has ended before.
            timer, cold = self._ended.pop()
            timer.cancel()
        # What the function has printed comes another way, and is to stand before.
        asyncio.get_running_loop().call_later(
            _PRINTED_S, self._screen.request, method, target, status, seconds, cold
        )

    def logged(self, group: str, message: str) -> None:
        """A log line of a function."""
        line = readable(message, self._folders.get(group, {}))
        if line is None:
            return
        again = (group, line.text)
        now = time.perf_counter()
        # An environment that cannot be initialised is tried twice for a request, and says everything twice.
        if line.level != "error" or again != self._last_error[0] or now - self._last_error[1] > _TWICE_S:
            self._screen.log(self._name(group), line.text, line.level)
        if line.level == "error":
            self._last_error = again, now

    def ended(self, group: str, duration_us: int, init_us: int | None, status: str | None) -> None:
        """An invocation's end: shown by itself where no request follows that it belongs to."""
        seconds, cold = duration_us / 1e6, init_us is not None
        if status == "timeout":
            return  # the function's log says so

        def show() -> None:
            with contextlib.suppress(ValueError):
                self._ended.remove(entry)
            self._screen.invocation(self._name(group), seconds, cold, "failed" if status else "")

        entry = asyncio.get_running_loop().call_later(_TOGETHER_S, show), cold
        self._ended.append(entry)

    def failed_init(self, group: str, status: str, error_type: str | None) -> None:
        """An environment that could not be initialised: the function's log says why, but for what has no words."""
        if status != "error":
            self._screen.log(self._name(group), f"could not be initialised: {error_type or status}", "error")

    def _name(self, group: str) -> str:
        return self._names.get(group) or group.removeprefix(_GROUP)
