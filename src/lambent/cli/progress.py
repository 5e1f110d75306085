"""Progress of long work: bars in a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from lambent.deploy.build.progress import Progress


@contextmanager
def shown(*, quiet: bool = False) -> Iterator[Progress]:
    """Shows what is reported, on standard error, until the block ends. Bars go away with it."""
    if quiet:
        yield _nothing
    elif sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
            yield _Bars(bars)
    else:
        yield _Lines()


def _nothing(task: str, done: int, total: int | None) -> None:
    pass


class _Bars:
    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}
        self._lock = threading.Lock()

    def __call__(self, task: str, done: int, total: int | None) -> None:
        with self._lock:
            known = self._tasks.get(task)
            if known is None:
                known = self._tasks[task] = self._bars.add_task(task, total=total)
            self._bars.update(known, completed=done, total=total)


class _Lines:
    """A line when a task begins, so that a log says what it is about."""

    def __init__(self) -> None:
        self._begun: set[str] = set()
        self._lock = threading.Lock()

    def __call__(self, task: str, done: int, total: int | None) -> None:
        with self._lock:
            if task in self._begun:
                return
            self._begun.add(task)
        click.echo(task, err=True)
