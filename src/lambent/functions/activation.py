"""From Pending to Active: versions are prepared after their creation has been answered."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeAlias

from lambent.functions.errors import ActivationFailed, FunctionNotFound
from lambent.functions.names import Reference
from lambent.functions.transitions import activated, served
from lambent.functions.version import FunctionVersion
from lambent.store import StoreClosed, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lambent.functions.ledger import Ledger
    from lambent.functions.record import FunctionRecord

# How long the end of an activation waits before it is written again after the store has failed.
_RETRY_S = 1.0

Activate: TypeAlias = Callable[[FunctionVersion], Awaitable[None]]
"""Prepares what a version needs to run. Raises ActivationFailed."""

_log = logging.getLogger(__name__)


async def outcome(version: FunctionVersion, activate: Activate | None) -> ActivationFailed | None:
    """Try to make `version` runnable. Returns why it cannot be, or None when it can."""
    try:
        if activate is not None:
            await activate(version)
    except ActivationFailed as failure:
        return failure
    except asyncio.CancelledError:
        raise
    except Exception:  # noqa: BLE001 - whatever it was, the version must not stay Pending for ever
        _log.exception("activation of %s failed unexpectedly", version.qualified_arn)
        return ActivationFailed(
            "InternalError", "The function could not be prepared because of an internal error."
        )
    return None


class Activations:
    """The activations under way. `activate` is the hook that prepares versions, if there is one.

    `update_s` is how many seconds an update counts as in progress at least. As soon as it is prepared it serves.
    """

    def __init__(self, ledger: Ledger, update_s: float) -> None:
        self.activate: Activate | None = None
        self._update_s = update_s
        self._ledger = ledger
        self._running: dict[tuple[str, str], asyncio.Task[None]] = {}

    def begin(self, record: FunctionRecord) -> None:
        """Begin to activate what of a function is pending and not on its way yet."""
        begun = {
            (record.id, version.uid): version
            for version in record.all_versions
            if not version.settled and (record.id, version.uid) not in self._running
        }
        if begun:
            task = asyncio.create_task(self._activate(record, list(begun.values()), self.activate))
            self._running.update(dict.fromkeys(begun, task))
            task.add_done_callback(lambda _: self._ended(begun))

    def _ended(self, keys: Iterable[tuple[str, str]]) -> None:
        for key in keys:
            del self._running[key]

    async def wait(self, record: FunctionRecord) -> bool:
        """Wait for the activations of a function that are under way. Returns whether there were any."""
        tasks = {task for (owner, _), task in self._running.items() if owner == record.id}
        if tasks:
            await asyncio.wait(tasks)
        return bool(tasks)

    async def close(self) -> None:
        """End all of them."""
        tasks = set(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _activate(
        self, record: FunctionRecord, versions: list[FunctionVersion], activate: Activate | None
    ) -> None:
        """Activate versions that came into being together; they become Active together.

        A client that has seen $LATEST become Active may call the version published with it at once.
        """
        clock = asyncio.get_running_loop().time
        end = clock() + self._update_s
        failures = await asyncio.gather(*(outcome(version, activate) for version in versions))
        latest = record.latest
        if latest in versions and latest.state == "Active" and not any(failures) and clock() < end:
            await self._write(record, lambda current: served(current, latest))
            await asyncio.sleep(end - clock())

        def ended(current: FunctionRecord) -> FunctionRecord:
            for version, failure in zip(versions, failures, strict=True):
                current = activated(current, version, failure)
            return current

        await self._write(record, ended)

    async def _write(
        self, record: FunctionRecord, transition: Callable[[FunctionRecord], FunctionRecord]
    ) -> None:
        """Apply what is known of a function's activation to its record; nothing when the function is gone."""

        def change(current: FunctionRecord) -> FunctionRecord:
            # Of another id when it has been deleted and made anew in the meantime.
            return transition(current) if current.id == record.id else current

        reference = Reference(record.account, record.region, record.name, None)
        while True:
            try:
                await self._ledger.change(reference, change)
            except (FunctionNotFound, StoreClosed):
                return
            except StoreError:
                # A full disk, most likely: the version must not stay Pending when there is room again.
                await asyncio.sleep(_RETRY_S)
            else:
                return
