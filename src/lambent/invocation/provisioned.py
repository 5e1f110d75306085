"""Provisioned concurrency: keeps the environments that functions ask for, and says how far that has come.

What is asked for is in the functions' records; how many environments there are is a matter of this node. When
an alias with provisioned concurrency moves to another version, the environments of the old one stay until those
of the new one are ready (AWS-recorded `test_lambda_provisioned_concurrency_moves_with_alias`: they are counted
meanwhile), so that there are never fewer, and never more than asked for that are ready.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from lambent.execution.provisioned import ProvisionedPool
from lambent.functions import FunctionNotFound, provisioned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lambent.execution.fleet import Fleet
    from lambent.functions import FunctionRecord, FunctionVersion
    from lambent.invocation.concurrency import ConcurrencyLedger

Status: TypeAlias = Literal["IN_PROGRESS", "READY", "FAILED"]

_INIT_FAILED: Final = "FUNCTION_ERROR_INIT_FAILURE"
_REOPEN_SECONDS: Final = 10.0

_log = logging.getLogger(__name__)


class Allocation(NamedTuple):
    """How far one configuration has come. `reason` says why when the status is FAILED."""

    requested: int
    allocated: int
    available: int
    status: Status
    reason: str | None = None


class Slot:
    """The environments of one version that are started ahead. `pool` is None until they can be."""

    __slots__ = (
        "_changed",
        "_closed",
        "_fleet",
        "_opening",
        "_reopening",
        "failing",
        "pool",
        "target",
        "version",
    )

    def __init__(self, version: FunctionVersion, fleet: Fleet, changed: Callable[[], None]) -> None:
        self.version = version
        self.pool: ProvisionedPool | None = None
        self.target = 0
        self.failing = False
        self._fleet = fleet
        self._changed = changed
        self._opening = False
        self._closed = False
        self._reopening: asyncio.TimerHandle | None = None

    @property
    def available(self) -> int:
        """Environments that are ready."""
        return 0 if self.pool is None else self.pool.available

    @property
    def allocated(self) -> int:
        """Environments that are ready or being replaced."""
        return 0 if self.pool is None else self.pool.allocated

    @property
    def failed(self) -> bool:
        """Whether the last attempt to start one has failed."""
        return self.failing or (self.pool is not None and self.pool.failing)

    def resize(self, count: int) -> None:
        """Have `count` environments, in time."""
        if self.target == count:
            return
        self.target = count
        if self.pool is not None:
            self.pool.resize(count)
        elif count:
            self._open()

    def close(self) -> None:
        """Have none any more."""
        self._closed = True
        if self._reopening is not None:
            self._reopening.cancel()
        if self.pool is not None:
            self._fleet.unprovision(self.pool)
            self.pool = None

    def _open(self) -> None:
        self._reopening = None
        if not self._opening:
            self._opening = True
            self._fleet.provision(self.version, self._tell, self._opened)

    def _tell(self) -> None:
        if not self._closed:  # what runs to its end afterwards is nobody's business any more
            self._changed()

    def _opened(self, pool: ProvisionedPool | Exception) -> None:
        self._opening = False
        if isinstance(pool, ProvisionedPool):
            if self._closed:
                self._fleet.unprovision(pool)
                return
            self.failing = False
            self.pool = pool
            pool.resize(self.target)
        elif not self._closed:
            if not self.failing:
                _log.warning("environments of %s cannot be started: %s", self.version.qualified_arn, pool)
            self.failing = True
            self._reopening = asyncio.get_running_loop().call_later(_REOPEN_SECONDS, self._open)
        self._tell()


class Provisioning:
    """Follows the registry: keeps slots for the versions that are to have environments ahead of invocations.

    `delay` is how many seconds a change waits before environments are started: who asks sees IN_PROGRESS first,
    as on AWS, where it takes a minute or two; and changes that follow each other quickly are made at once.
    """

    def __init__(self, fleet: Fleet, concurrency: ConcurrencyLedger, delay: float) -> None:
        self._delay = delay
        self._fleet = fleet
        self._concurrency = concurrency
        self._functions: dict[str, _Function] = {}
        self._slots: dict[str, Slot] = {}

    def slot(self, version: FunctionVersion) -> Slot | None:
        """The environments of a version that are started ahead, if there are to be any."""
        return self._slots.get(version.uid)

    def restore(self, records: Iterable[FunctionRecord]) -> None:
        """At the start: begin to start what was asked for, and return at once."""
        for record in records:
            if record.provisioned:
                self._follow(record, 0.0)

    def changed(self, old: FunctionRecord | None, new: FunctionRecord | None) -> None:
        """Follow a change of a function; `registry.watch` calls it."""
        if old is not None and (new is None or new.id != old.id):
            gone = self._functions.pop(old.id, None)
            if gone is not None:
                gone.close()
        if new is not None and (new.provisioned or new.id in self._functions):
            self._follow(new, self._delay)

    def _follow(self, record: FunctionRecord, delay: float) -> None:
        function = self._functions.get(record.id)
        if function is None:
            function = self._functions[record.id] = _Function(record, self)
        function.update(record, delay)
        if not record.provisioned:
            del self._functions[record.id]

    def allocation(self, record: FunctionRecord, qualifier: str) -> Allocation:
        """How far the provisioned concurrency of one of a function's qualifiers has come."""
        return self._functions[record.id].allocation(qualifier)

    def close(self) -> None:
        """End all environments that nothing runs in, start no more."""
        for function in self._functions.values():
            function.close()
        self._functions.clear()

    # ------------------------------------------------------------ for the functions

    def add(self, version: FunctionVersion, changed: Callable[[], None]) -> Slot:
        """A slot for a version."""
        slot = self._slots[version.uid] = Slot(version, self._fleet, changed)
        return slot

    def remove(self, slot: Slot) -> None:
        """A slot that is not needed any more."""
        del self._slots[slot.version.uid]
        slot.close()

    def set_aside(self, record: FunctionRecord, count: int) -> None:
        """So many of a function's units of concurrency are taken by environments that were started ahead."""
        with contextlib.suppress(FunctionNotFound):
            self._concurrency.function(record.account, record.region, record.name).set_aside(count)


class _Function:
    """What one function asks for, and the slots of its versions by number."""

    def __init__(self, record: FunctionRecord, provisioning: Provisioning) -> None:
        self._record = record
        self._provisioning = provisioning
        self._slots: dict[str, Slot] = {}
        self._asked: dict[str, tuple[int, dict[str, int]]] = {}
        self._wanted: dict[str, int] = {}
        self._pending: set[str] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._changing = False

    def update(self, record: FunctionRecord, delay: float) -> None:
        """Follow a change: what is too much ends now, what is missing is started after `delay` seconds."""
        asked = {
            qualifier: (config.modified_ms, provisioned.shares(record, qualifier))
            for qualifier, config in record.provisioned.items()
        }
        changed = {qualifier for qualifier, entry in asked.items() if self._asked.get(qualifier) != entry}
        self._changing = True
        self._record, self._asked = record, asked
        self._wanted = {
            number: count for number, count in provisioned.wanted(record).items() if number in record.versions
        }
        self._pending = (self._pending | changed) & asked.keys()
        for number in self._wanted:
            if number not in self._slots:
                self._slots[number] = self._provisioning.add(record.versions[number], self.balance)
        for number, slot in [*self._slots.items()]:
            if number not in record.versions:
                self._remove(number)
            elif number in self._wanted:
                slot.resize(min(slot.target, self._wanted[number]))
        if self._timer is not None and (changed or not asked):
            self._timer.cancel()
            self._timer = None
        if changed:
            self._timer = asyncio.get_running_loop().call_later(delay, self._begin)
        self._changing = False
        self.balance()

    def _begin(self) -> None:
        self._timer = None
        self._pending.clear()
        for number, count in self._wanted.items():
            self._slots[number].resize(count)
        self.balance()

    def balance(self) -> None:
        """Figures have changed: what the function moves away from gives way to what it moves to."""
        if self._changing:
            return
        self._changing = True
        arriving = [self._slots[number] for number in self._wanted]
        missing = sum(self._wanted.values()) - sum(slot.available for slot in arriving)
        if not self._pending and any(slot.failed for slot in arriving):
            missing = 0
        for number, slot in [*self._slots.items()]:
            if number not in self._wanted:
                kept = min(slot.available, missing)
                missing -= kept
                if kept:
                    slot.resize(kept)
                else:
                    self._remove(number)
        self._changing = False
        self._provisioning.set_aside(self._record, sum(slot.allocated for slot in self._slots.values()))

    def _remove(self, number: str) -> None:
        self._provisioning.remove(self._slots.pop(number))

    def close(self) -> None:
        """The function is gone, or the platform stops."""
        if self._timer is not None:
            self._timer.cancel()
        for number in [*self._slots]:
            self._remove(number)

    # ------------------------------------------------------------ how far it has come

    def allocation(self, qualifier: str) -> Allocation:
        """See `Provisioning.allocation`."""
        requested = self._record.provisioned[qualifier].requested
        allocated, leaving = self._held(qualifier, lambda slot: slot.allocated)
        available, ready = self._held(qualifier, lambda slot: slot.available)
        status: Status = "IN_PROGRESS"
        reason = None
        if qualifier not in self._pending:
            if allocated == requested:
                status = "READY"
            elif any(
                slot.failed for number, slot in self._slots.items() if number in self._asked[qualifier][1]
            ):
                status, reason = "FAILED", _INIT_FAILED
        return Allocation(
            requested,
            min(requested, allocated + leaving),
            min(requested, available + ready),
            status,
            reason,
        )

    def _held(self, qualifier: str, figure: Callable[[Slot], int]) -> tuple[int, int]:
        """Environments of a configuration, and those of versions that the function moves away from."""
        left = {number: figure(slot) for number, slot in self._slots.items()}
        held = 0
        # A version that belongs to several configurations is shared out in their order.
        for name, (_, shares) in self._asked.items():
            held = 0
            for number, count in shares.items():
                if number in left:
                    taken = min(count, left[number])
                    left[number] -= taken
                    held += taken
            if name == qualifier:
                break
        return held, sum(count for number, count in left.items() if number not in self._wanted)
