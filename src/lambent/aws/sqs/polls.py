"""Receives on their way: what ends their waiting, and those that are tried again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lambent.aws.sqs.errors import translated
from lambent.aws.sqs.requests import ReceiveMessageResult
from lambent.events.queues import QueueError

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.aws.errors import ServiceError
    from lambent.aws.sqs.operations import Done
    from lambent.aws.sqs.received import Shown
    from lambent.events.queues import Cancellable, Queue, Received
    from lambent.store import StoreError

_MOST_KEPT: Final = 16_000_000
"""Characters of messages that are kept for attempts; the oldest go first."""


class Poll:
    """One ReceiveMessage on its way."""

    __slots__ = ("_done", "_polls", "_shown", "answered", "heard", "waiting")

    def __init__(self, asked: Shown, done: Done, polls: set[Poll]) -> None:
        self._shown = asked
        self._done = done
        self._polls = polls
        self.answered = False
        self.waiting: Cancellable | None = None
        self.heard: Callable[[list[Received]], None] | None = None
        """Called with what is given, before it is."""

    def received(self, messages: list[Received]) -> None:
        """Answer with these."""
        self.answered = True
        self._polls.discard(self)
        if self.heard is not None:
            self.heard(messages)
        show = self._shown.message
        self._done(ReceiveMessageResult([show(one) for one in messages] if messages else None), None)

    def refused(self, error: ServiceError) -> None:
        """Answer that it cannot be."""
        self.answered = True
        self._done(None, error)

    def end(self) -> None:
        """Wait no longer: answer with nothing."""
        if not self.answered and self.waiting is not None:
            self.waiting.cancel()
            self.received([])


class Attempts:
    """What FIFO queues gave to receives that have a ReceiveRequestAttemptId, for those who did not get the answer.

    The same attempt gets the same messages, with their visibility timeout begun anew, unless one of them was deleted,
    changed or has become visible meanwhile ("ReceiveRequestAttemptId" of ReceiveMessage in the API reference).
    """

    def __init__(self) -> None:
        self._given: dict[tuple[str, str], list[Received]] = {}
        self._characters = 0

    def begin(
        self, queue: Queue, attempt: str, visibility: int | None, poll: Poll, receive: Callable[[], None]
    ) -> None:
        """Answer `poll` with what this attempt was given before; `receive` when that is not to be had."""
        key = queue.arn, attempt
        given = self._given.pop(key, None)
        if given is not None:
            self._characters -= _characters(given)
        poll.heard = lambda messages: self._keep(key, messages)
        if given is None:
            receive()
            return

        def extended(outcomes: list[QueueError | None] | None, error: StoreError | None) -> None:
            if outcomes is not None and not any(outcomes):
                poll.received(given)
                return
            try:
                receive()
            except QueueError as refusal:
                poll.refused(translated(refusal))

        seconds = queue.settings.visibility_s if visibility is None else visibility
        queue.change_visibility([(one.receipt, seconds) for one in given], extended)

    def _keep(self, key: tuple[str, str], messages: list[Received]) -> None:
        if not messages:
            return
        self._given[key] = messages
        self._characters += _characters(messages)
        while self._characters > _MOST_KEPT:
            oldest = next(iter(self._given))
            self._characters -= _characters(self._given.pop(oldest))


def _characters(messages: list[Received]) -> int:
    return sum(len(one.body) + len(one.attributes) + 1_000 for one in messages)
