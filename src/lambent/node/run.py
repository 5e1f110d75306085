"""Runs a platform until it is told to stop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import inspect
import resource
import signal
from typing import TYPE_CHECKING

import uvloop

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from lambent.node.platform import Platform
    from lambent.node.settings import Settings


def run(settings: Settings, *, on_ready: Callable[[Platform], Awaitable[None] | None] | None = None) -> None:
    """Run a platform until SIGINT or SIGTERM; blocks. A second signal ends it without waiting for what runs.

    `on_ready(platform)` is called once it listens. Raises what `Platform.start` raises.
    """
    raise_file_limit()
    # The data path makes no cycles: collections at the default rate would only look at what stays.
    gc.set_threshold(20_000, 20, 50)
    uvloop.run(_serve(settings, on_ready))


async def _serve(settings: Settings, on_ready: Callable[[Platform], Awaitable[None] | None] | None) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
    # Here, as collections would take a seventh of the time that this takes.
    from lambent.node.platform import Platform

    platform = await Platform.start(settings)
    # What start-up has made stays: collections need not look at it again.
    gc.collect()
    gc.freeze()
    try:
        if on_ready is not None:
            notice = on_ready(platform)
            if inspect.isawaitable(notice):
                await _unless(stopping, notice)
        await stopping.wait()
    finally:
        stopping.clear()
        await _unless(stopping, platform.stop())


async def _unless(stopping: asyncio.Event, work: Awaitable[None]) -> None:
    """Wait for `work`, at most until `stopping` is set."""
    task = asyncio.ensure_future(work)
    signalled = asyncio.ensure_future(stopping.wait())
    await asyncio.wait({task, signalled}, return_when=asyncio.FIRST_COMPLETED)
    signalled.cancel()
    if not task.done():
        task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def raise_file_limit() -> None:
    """Each environment takes two descriptors: use as many as the system permits."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 65_536)), hard))
