"""Receives on their way, and what ends their waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambent.aws.sqs.requests import ReceiveMessageResult

if TYPE_CHECKING:
    from lambent.aws.sqs.operations import Done
    from lambent.aws.sqs.received import Shown
    from lambent.events.queues import Cancellable, Received


class Poll:
    """One ReceiveMessage on its way."""

    __slots__ = ("_done", "_polls", "_shown", "answered", "waiting")

    def __init__(self, asked: Shown, done: Done, polls: set[Poll]) -> None:
        self._shown = asked
        self._done = done
        self._polls = polls
        self.answered = False
        self.waiting: Cancellable | None = None

    def received(self, messages: list[Received]) -> None:
        """Answer with these."""
        self.answered = True
        self._polls.discard(self)
        show = self._shown.message
        self._done(ReceiveMessageResult([show(one) for one in messages] if messages else None), None)

    def end(self) -> None:
        """Wait no longer: answer with nothing."""
        if not self.answered and self.waiting is not None:
            self.waiting.cancel()
            self.received([])
