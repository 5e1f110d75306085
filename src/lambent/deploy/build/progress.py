"""What long work tells while it goes on."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called with a task's name (the same for the same task), and how much of it is done.

    `total` None: nobody knows how much there is. A task ends when `done` has reached `total`. May be called from any
    thread.
    """

    def __call__(self, task: str, done: int, total: int | None) -> None: ...


def silent(task: str, done: int, total: int | None) -> None:
    """Nobody looks."""
