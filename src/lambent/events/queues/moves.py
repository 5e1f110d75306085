"""Message-move tasks: messages of a queue for dead letters go back to where they came from, or to another queue.

Follows StartMessageMoveTask, ListMessageMoveTasks and CancelMessageMoveTask of the API reference of SQS, and what was
recorded of them (LocalStack's `test_sqs_move_task.snapshot.json`). Tasks are durable: what a stop interrupts goes
on with the next start, and a message is always in one queue, never in both.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import msgspec
from msgspec.structs import replace

from lambent.events.queues.errors import InvalidParameter, MoveNotFound, QueueNotFound
from lambent.events.queues.lending import lend, return_lent, stage_lent
from lambent.events.queues.message import details_of
from lambent.events.queues.transfers import stage_moved
from lambent.store.database import Statement
from lambent.store.staged import Staged, submit, together

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.clock import Clock
    from lambent.events.queues.message import Message
    from lambent.events.queues.queue import Queue
    from lambent.events.queues.queues import Queues
    from lambent.store import Database
    from lambent.store.errors import StoreError

Status: TypeAlias = Literal["RUNNING", "COMPLETED", "CANCELLING", "CANCELLED", "FAILED"]

_PORTION: Final = 100
_PAUSE_MS: Final = 1000
_KEPT: Final = 10
"""So many tasks of a queue are remembered."""

_NO_SOURCE: Final = "The resource that you specified for the SourceArn parameter doesn't exist."
_NO_DESTINATION: Final = "The resource that you specified for the DestinationArn parameter doesn't exist."

_log = logging.getLogger(__name__)


class Move(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A task. Without `destination_arn` messages go back to the queues they came from; `started_ms` is on the wall's
    clock. `failure` is an error code."""

    id: str
    source_arn: str
    started_ms: int
    to_move: int
    destination_arn: str | None = None
    per_second: int | None = None
    status: Status = "RUNNING"
    moved: int = 0
    failure: str | None = None

    @property
    def handle(self) -> str:
        """The TaskHandle."""
        return b64encode(msgspec.json.encode({"taskId": self.id, "sourceArn": self.source_arn})).decode()


class _NoOrigin(Exception):
    """There is no queue that a message came from: somebody has sent it, or the queue has its dead letters itself."""


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Move).decode


class Moves:
    """All tasks. Part of Queues."""

    def __init__(self, database: Database, clock: Clock, queues: Queues) -> None:
        self._database = database
        self._clock = clock
        self._queues = queues
        self._moves: dict[str, list[Move]] = {}
        self._closed = False

    async def open(self) -> None:
        """Go on with what an earlier run has not finished. Raises StoreError."""
        stored: list[Any] = await self._database.read(
            "SELECT document FROM message_moves ORDER BY started_ms, id"
        )
        for (document,) in stored:
            move = _decode(document)
            self._moves.setdefault(move.source_arn, []).append(move)
        for moves in self._moves.values():
            for move in moves:
                if move.status in ("RUNNING", "CANCELLING"):
                    self._soon(move, 0)

    def close(self) -> None:
        """Begin nothing more; what runs goes on after the next start."""
        self._closed = True

    async def start(
        self, source_arn: str, destination_arn: str | None = None, per_second: int | None = None
    ) -> str:
        """Begin to move messages. Returns the task's handle when the first ones were moved.

        Raises MoveNotFound, InvalidParameter, StoreError.
        """
        source = self._find(source_arn, _NO_SOURCE)
        if not self._queues.sources(source):
            raise InvalidParameter("Source queue must be configured as a Dead Letter Queue.")
        if destination_arn is not None:
            if destination_arn == source_arn:
                raise InvalidParameter("Source queue arn and destination queue arn cannot be the same.")
            destination = self._find(destination_arn, _NO_DESTINATION)
            if destination.account != source.account:
                raise MoveNotFound(_NO_DESTINATION)
            if destination.fifo is not source.fifo:
                raise InvalidParameter("Source queue and destination queue must be of the same type.")
        if any(move.status in ("RUNNING", "CANCELLING") for move in self._moves.get(source_arn, ())):
            raise InvalidParameter(
                "There is already a task running."
                " Only one active task is allowed for a source queue arn at a given time."
            )
        move = Move(
            id=str(uuid.uuid4()),
            source_arn=source_arn,
            destination_arn=destination_arn,
            per_second=per_second,
            started_ms=self._clock.wall_ms(),
            to_move=source.counts()[0],
        )
        moves = self._moves.setdefault(source_arn, [])
        moves.append(move)
        dropped = moves[:-_KEPT]
        try:
            await self._database.write(
                Statement(
                    "INSERT INTO message_moves (id, source, started_ms, document) VALUES (?, ?, ?, ?)",
                    (move.id, source_arn, move.started_ms, _encode(move).decode()),
                ),
                *(Statement("DELETE FROM message_moves WHERE id = ?", (one.id,)) for one in dropped),
            )
        except BaseException:
            moves.remove(move)
            raise
        del moves[:-_KEPT]
        begun = asyncio.Event()
        self._step(source_arn, move.id, begun.set)
        await begun.wait()
        return move.handle

    async def cancel(self, account: str, handle: str) -> int:
        """Move no more, in a queue of the account. Returns how many were moved.

        Raises InvalidParameter, MoveNotFound, StoreError.
        """
        try:
            named = msgspec.json.decode(b64decode(handle, validate=True), type=dict[str, str])
            task, source_arn = named["taskId"], named["sourceArn"]
        except (ValueError, KeyError, RecursionError):
            raise InvalidParameter("Value for parameter TaskHandle is invalid.") from None
        if self._find(source_arn, _NO_SOURCE).account != account:
            raise MoveNotFound("Task does not exist.")
        move = self._current(source_arn, task)
        if move is None or move.status != "RUNNING":
            raise MoveNotFound("Task does not exist.")
        cancelled = replace(move, status="CANCELLING")
        self._put(cancelled)
        try:
            await self._database.write(self._saved(cancelled))
        except BaseException:
            self._put(move)
            raise
        return move.moved

    def list(self, source_arn: str, maximum: int = 1) -> list[Move]:
        """The latest tasks of a queue, the newest first. Raises MoveNotFound."""
        self._find(source_arn, _NO_SOURCE)
        return self._moves.get(source_arn, [])[: -maximum - 1 : -1]

    def forgotten(self, source_arn: str) -> Statement:
        """Forgets the tasks of a queue that is deleted: one made anew under its name has nothing to do with them."""
        return Statement("DELETE FROM message_moves WHERE source = ?", (source_arn,))

    def forget(self, source_arn: str) -> None:
        """They are forgotten."""
        self._moves.pop(source_arn, None)

    async def clear(self) -> None:
        """Forget every task."""
        self._moves.clear()
        await self._database.write(Statement("DELETE FROM message_moves"))

    def _find(self, arn: str, otherwise: str) -> Queue:
        try:
            return self._queues.by_arn(arn)
        except QueueNotFound:
            raise MoveNotFound(otherwise) from None

    # ------------------------------------------------------------ moving

    def _current(self, source_arn: str, task: str) -> Move | None:
        return next((one for one in self._moves.get(source_arn, ()) if one.id == task), None)

    def _put(self, move: Move) -> None:
        moves = self._moves.get(move.source_arn, [])
        for at, one in enumerate(moves):
            if one.id == move.id:
                moves[at] = move

    def _saved(self, move: Move) -> Statement:
        return Statement(
            "UPDATE message_moves SET document = ? WHERE id = ?", (_encode(move).decode(), move.id)
        )

    def _soon(self, move: Move, wait_ms: int) -> None:
        self._clock.at_steady(self._clock.steady_ms() + wait_ms, self._step, move.source_arn, move.id)

    def _step(self, source_arn: str, task: str, stepped: Callable[[], None] | None = None) -> None:
        """Move the next messages, or end; then call `stepped`."""
        move = self._current(source_arn, task)
        if not self._closed and move is not None:
            self._advance(move, stepped or _nothing)
        elif stepped is not None:
            stepped()

    def _advance(self, move: Move, stepped: Callable[[], None]) -> None:
        if move.status == "CANCELLING":
            self._end(move, "CANCELLED", stepped)
            return
        portion = min(_PORTION, move.per_second or _PORTION)
        try:
            source = self._queues.by_arn(move.source_arn)
        except QueueNotFound:
            self._end(move, "FAILED", stepped, _FAILURES[QueueNotFound])
            return
        lent = lend(source, portion)
        try:
            targets = [(self._target(move, message), message) for message in lent]
        except (QueueNotFound, _NoOrigin) as error:
            return_lent(source, lent)
            self._end(move, "FAILED", stepped, _FAILURES[type(error)])
            return
        if not lent:
            self._end(move, "COMPLETED", stepped)
            return
        progress = replace(move, moved=move.moved + len(lent))
        wait_ms = 0 if move.per_second is None else 1000 * len(lent) // move.per_second

        def settled(error: StoreError | None) -> None:
            if error is not None:
                source.journal.complaints.warn(
                    "messages of %s could not be moved, they are tried again: %s", move.source_arn, error
                )
                return_lent(source, lent)
                self._soon(move, _PAUSE_MS)
                stepped()
                return
            latest = self._current(move.source_arn, move.id)
            if latest is None:
                stepped()
                return
            progressed = replace(progress, status=latest.status)
            self._put(progressed)
            if source.counts()[0] or progressed.status != "RUNNING":
                self._soon(move, wait_ms)
                stepped()
            else:
                self._end(progressed, "COMPLETED", stepped)

        staged = [stage_moved(target, message) for target, message in targets]
        # A task that was cancelled meanwhile has been written before this, and is written again when it ends.
        submit(
            self._database,
            together([*staged, stage_lent(source, lent), Staged((self._saved(progress),), settled)]),
        )

    def _target(self, move: Move, message: Message) -> Queue:
        arn = details_of(message).source_arn if move.destination_arn is None else move.destination_arn
        if not arn or arn == move.source_arn:
            raise _NoOrigin
        return self._queues.by_arn(arn)

    def _end(self, move: Move, status: Status, ended: Callable[[], None], failure: str | None = None) -> None:
        final = replace(move, status=status, failure=failure)
        self._put(final)

        def settled(error: StoreError | None) -> None:
            if error is not None:
                _log.warning("the end of a move from %s was not written: %s", move.source_arn, error)
            ended()

        submit(self._database, Staged((self._saved(final),), settled))


def _nothing() -> None:
    """Nobody waits for a step."""


_FAILURES: Final = {
    QueueNotFound: "AWS.SimpleQueueService.NonExistentQueue",
    _NoOrigin: "CouldNotDetermineMessageSource",
}
