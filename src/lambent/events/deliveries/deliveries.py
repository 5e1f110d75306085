"""The outbox: what is accepted for a target, until the target has it.

`stage` is what others call in their own transaction. What a queue, a function or a bus of this platform can take at
once goes straight into it: nothing of it is ever here. Everything else is a row, tried with exponential back-off until
it is delivered, refused for good, too old or tried often enough; then it goes to its dead-letter queue, in the
transaction that removes the row. An attempt that a crash interrupts is made again: targets get those at least once.
"""

from __future__ import annotations

import asyncio
import logging
import random
import uuid
from typing import TYPE_CHECKING, Any, Final

import msgspec

from lambent.events.complaints import Complaints
from lambent.events.deliveries.dead_letters import dead_letter
from lambent.events.deliveries.inside import Inside
from lambent.events.deliveries.parcel import Parcel, Undeliverable
from lambent.events.deliveries.services import Outside
from lambent.events.deliveries.writing import written
from lambent.store import Statement, StoreError
from lambent.store.staged import Staged, nothing, together

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lambent.clock import Clock, Timer
    from lambent.events.bus import Buses
    from lambent.events.queues import Queues
    from lambent.invocation.async_queue import AsyncQueue
    from lambent.invocation.invoker import Invoker
    from lambent.neighbours.service_calls import CallService
    from lambent.store import Database
    from lambent.store.database import Row

ATTEMPT_MS: Final = 30_000
"""How long an attempt may take."""

_BACKOFF_FIRST_MS: Final = 1_000
# With this as the longest wait, 185 attempts fill the 24 hours that EventBridge tries for.
_BACKOFF_LAST_MS: Final = 480_000
_FIRST_WIDTH: Final = 4
_BATCH: Final = 16
_AT_ONCE: Final = 64

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Parcel).decode
_log = logging.getLogger(__name__)


class _Lane:
    """One target: where it is down, others are not kept waiting.

    `width`: how many attempts are made at once. One after a failure: those that hang are all that hang.
    """

    __slots__ = ("failed", "poked", "target_arn", "task", "timer", "width")

    def __init__(self, target_arn: str) -> None:
        self.target_arn = target_arn
        self.poked = False
        self.failed = False
        self.width = _FIRST_WIDTH
        self.task: asyncio.Task[None] | None = None
        self.timer: Timer | None = None


class Deliveries:
    """Everything that is on its way to targets. Open it with `open`, set `buses`, then `start`."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        *,
        queues: Queues,
        events: AsyncQueue,
        invoker: Invoker,
        call_service: CallService,
        elsewhere: frozenset[str] = frozenset(),
        enforce: bool = True,
        random_number: Callable[[], float] = random.random,
    ) -> None:
        self._database = database
        self._clock = clock
        self._inside = Inside(queues, events, invoker, elsewhere=elsewhere, enforce=enforce, warn=self._warn)
        self._outside = Outside(call_service, clock)
        self._random = random_number
        self._lanes: dict[str, _Lane] = {}
        self._free = asyncio.Semaphore(_AT_ONCE)
        self._started = False
        self._stopping = False
        self._complaints = Complaints(clock, _log)

    @classmethod
    async def open(
        cls,
        database: Database,
        clock: Clock,
        *,
        queues: Queues,
        events: AsyncQueue,
        invoker: Invoker,
        call_service: CallService,
        elsewhere: frozenset[str] = frozenset(),
        enforce: bool = True,
    ) -> Deliveries:
        """What an earlier run has left is there; it is tried from `start` on.

        `elsewhere`: the services, as botocore names them, that a real endpoint serves in place of this platform.
        `enforce`: whether a queue or a function that has no policy at all refuses what is delivered without a role,
        as on AWS. Raises StoreError.
        """
        deliveries = cls(
            database,
            clock,
            queues=queues,
            events=events,
            invoker=invoker,
            call_service=call_service,
            elsewhere=elsewhere,
            enforce=enforce,
        )
        for (target_arn,) in await database.read("SELECT DISTINCT target_arn FROM deliveries"):
            deliveries._lane(str(target_arn))
        return deliveries

    @property
    def buses(self) -> Buses | None:
        """The buses that are targets."""
        return self._inside.buses

    @buses.setter
    def buses(self, buses: Buses) -> None:
        self._inside.buses = buses

    # ------------------------------------------------------------ accepting

    def stage(self, parcels: Iterable[Parcel]) -> Staged:
        """What has to be written for these parcels to be on their way. Raises nothing: what cannot be delivered goes to
        its dead-letter queue, or is lost with a warning that says why.
        """
        return together([self._staged(parcel) for parcel in parcels])

    def refusal(self, parcel: Parcel) -> Undeliverable | None:
        """Why a queue or function of this platform would not take what is like `parcel`, as things are now."""
        try:
            self._inside.check(parcel)
        except Undeliverable as error:
            return error
        return None

    async def attempt(self, parcel: Parcel) -> None:
        """One attempt at what is served elsewhere, for somebody who waits. Raises Undeliverable."""
        async with self._free:
            await self._sent(parcel)

    def _staged(self, parcel: Parcel) -> Staged:
        if parcel.problem:
            return self._given_up(parcel, Undeliverable("INVALID_PARAMETER", parcel.problem), 0)
        try:
            return self._inside.stage(parcel) or self._kept(parcel)
        except Undeliverable as error:
            if error.again and parcel.retry.max_attempts:
                return self._kept(parcel, error)
            return self._given_up(parcel, error, 0)

    def _kept(self, parcel: Parcel, failure: Undeliverable | None = None) -> Staged:
        now = self._clock.steady_ms()
        due, said = now, ("", "", "")
        if failure is not None:
            due, said = now + self._wait_ms(1), _said(failure)
        statement = Statement(
            "INSERT INTO deliveries (id, target_arn, parcel, accepted_ms, due_ms, attempts, error_code,"
            " service_code, error_message) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                str(uuid.uuid4()),
                parcel.target_arn,
                _encode(parcel),
                now,
                due,
                int(failure is not None),
                *said,
            ),
        )

        def settled(error: StoreError | None) -> None:
            if error is None:
                self._poke(self._lane(parcel.target_arn))

        return Staged((statement,), settled)

    def _given_up(
        self, parcel: Parcel, error: Undeliverable, retries: int, condition: str | None = None
    ) -> Staged:
        """To the dead-letter queue."""
        letter = dead_letter(parcel, error, retries, condition)
        self._warn(
            parcel,
            error.code,
            "%s: nothing was delivered to %s: %s (%s)%s",
            parcel.source_arn,
            parcel.target_arn,
            error.message,
            error.code,
            "" if letter is None else f"; it goes to {letter.target_arn}",
        )
        if letter is None:
            return Staged((), nothing)
        try:
            return self._inside.stage(letter) or self._kept(letter)
        except Undeliverable as refusal:
            self._warn(
                parcel,
                f"letter: {refusal.code}",
                "%s: lost, as its dead-letter queue %s does not take it: %s",
                parcel.source_arn,
                letter.target_arn,
                refusal.message,
            )
            return Staged((), nothing)

    def _warn(self, parcel: Parcel, code: str, text: str, *arguments: object) -> None:
        """Say what went wrong, once in a while for each target: a thousand events a second fail in the same way."""
        self._complaints.warn(text, *arguments, kind=(parcel.source_arn, parcel.target_arn, code))

    # ------------------------------------------------------------ life

    def start(self) -> None:
        """Begin to deliver what waits."""
        self._started = True
        for lane in list(self._lanes.values()):
            self._poke(lane)

    async def drain(self, seconds: float) -> None:
        """Begin nothing more and wait for what is under way, at most `seconds`. What waits stays in the database."""
        self._stopping = True
        for lane in self._lanes.values():
            if lane.timer is not None:
                lane.timer.cancel()
        running = [lane.task for lane in self._lanes.values() if lane.task is not None]
        if running:
            await asyncio.wait(running, timeout=seconds)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def clear(self) -> None:
        """Forget everything."""
        lanes, self._lanes = self._lanes, {}
        for lane in lanes.values():
            if lane.timer is not None:
                lane.timer.cancel()
            if lane.task is not None:
                lane.task.cancel()
        await asyncio.gather(*(lane.task for lane in lanes.values() if lane.task), return_exceptions=True)
        await self._database.write(Statement("DELETE FROM deliveries"))

    # ------------------------------------------------------------ delivering

    def _lane(self, target_arn: str) -> _Lane:
        lane = self._lanes.get(target_arn)
        if lane is None:
            lane = self._lanes[target_arn] = _Lane(target_arn)
        return lane

    def _poke(self, lane: _Lane) -> None:
        """Something of the lane may be due."""
        lane.poked = True
        if lane.timer is not None:
            lane.timer.cancel()
            lane.timer = None
        if lane.task is None and self._started and not self._stopping:
            lane.task = asyncio.get_running_loop().create_task(self._serve(lane))

    async def _serve(self, lane: _Lane) -> None:
        next_ms: int | None = None
        try:
            while lane.poked and not self._stopping:
                lane.poked = False
                while (due := await self._due(lane)) and not self._stopping:
                    # All of them end before any of them is looked at again.
                    attempts = (self._attempt(lane, row) for row in due)
                    ended = await asyncio.gather(*attempts, return_exceptions=True)
                    lane.width = 1 if lane.failed else min(_BATCH, 2 * lane.width)
                    lane.failed = False
                    for error in ended:
                        if isinstance(error, BaseException):
                            raise error
                next_ms = await self._next_ms(lane)
        except StoreError as error:
            _log.warning("deliveries to %s pause: %s", lane.target_arn, error)
            next_ms = self._clock.steady_ms() + _BACKOFF_FIRST_MS
        except Exception:  # noqa: BLE001 - logged; what is wrong with one target is no harm to others
            _log.exception("deliveries to %s pause", lane.target_arn)
            next_ms = self._clock.steady_ms() + _BACKOFF_LAST_MS
        finally:
            lane.task = None
        if self._stopping or self._lanes.get(lane.target_arn) is not lane:
            return
        if lane.poked:
            self._poke(lane)
        elif next_ms is None:
            del self._lanes[lane.target_arn]
        else:
            lane.timer = self._clock.at_steady(next_ms, self._poke, lane)

    async def _due(self, lane: _Lane) -> list[Row]:
        return await self._database.read(
            "SELECT id, parcel, accepted_ms, attempts, error_code, service_code, error_message FROM deliveries"
            " WHERE target_arn = ? AND due_ms <= ? ORDER BY due_ms LIMIT ?",
            (lane.target_arn, self._clock.steady_ms(), lane.width),
        )

    async def _next_ms(self, lane: _Lane) -> int | None:
        rows = await self._database.read(
            "SELECT MIN(due_ms) FROM deliveries WHERE target_arn = ?", (lane.target_arn,)
        )
        (found,) = rows[0]
        return None if found is None else int(found)

    async def _attempt(self, lane: _Lane, row: Row) -> None:
        members: list[Any] = list(row)
        row_id, packed, accepted_ms, attempts, code, service_code, message = members
        parcel = _decode(packed)
        gone = Staged((Statement("DELETE FROM deliveries WHERE id = ?", (row_id,), expect=1),), nothing)
        until_ms = accepted_ms + parcel.retry.max_age_s * 1000
        if attempts and self._clock.steady_ms() >= until_ms:
            failure = Undeliverable(code, message, service_code)
            last = self._given_up(parcel, failure, attempts - 1, "MaximumEventAgeInSeconds")
            await written(self._database, together([gone, last]))
            return
        try:
            inside = self._inside.stage(parcel)
            if inside is None:
                async with self._free:
                    await self._sent(parcel)
        except Undeliverable as error:
            lane.failed |= error.again
            failed = self._failed(parcel, error, row_id, attempts, until_ms)
            await written(self._database, failed or together([gone, self._last(parcel, error, attempts)]))
        else:
            await written(self._database, gone if inside is None else together([gone, inside]))

    def _last(self, parcel: Parcel, error: Undeliverable, attempts: int) -> Staged:
        return self._given_up(parcel, error, attempts, "MaximumRetryAttempts" if error.again else None)

    def _failed(
        self, parcel: Parcel, error: Undeliverable, row_id: str, attempts: int, until_ms: int
    ) -> Staged | None:
        """The row after a failed attempt; None when it was the last."""
        if not error.again or attempts >= parcel.retry.max_attempts:
            return None
        due = min(self._clock.steady_ms() + self._wait_ms(attempts + 1), until_ms)
        statement = Statement(
            "UPDATE deliveries SET attempts = ?, due_ms = ?, error_code = ?, service_code = ?, error_message = ?"
            " WHERE id = ?",
            (attempts + 1, due, *_said(error), row_id),
            expect=1,
        )
        return Staged((statement,), nothing)

    async def _sent(self, parcel: Parcel) -> None:
        sending = asyncio.ensure_future(self._outside.deliver(parcel))
        timer = self._clock.at_steady(self._clock.steady_ms() + ATTEMPT_MS, sending.cancel)
        try:
            await asyncio.wait([sending])
        finally:
            timer.cancel()
            sending.cancel()
        if sending.cancelled():
            raise Undeliverable("TIMEOUT", "The target did not answer in time.", again=True)
        sending.result()

    def _wait_ms(self, attempts: int) -> int:
        longest = min(_BACKOFF_LAST_MS, _BACKOFF_FIRST_MS << min(attempts - 1, 20))
        return int(longest * (0.75 + self._random() / 2))


def _said(error: Undeliverable) -> tuple[str, str, str]:
    return error.code, error.service_code, error.message
