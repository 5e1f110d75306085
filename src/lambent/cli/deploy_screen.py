"""What is seen while an app is deployed: a line for each thing that is done, and below them what goes on.

In a terminal what goes on is drawn live; elsewhere everything is a line. All of it goes to standard error, as results
go to standard output.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final, Self

import click

from lambent.cli.output import plain

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

    from lambent.deploy.plan import Plan
    from lambent.deploy.providers import Step

_DONE: Final = {
    "CREATE_COMPLETE": ("+", "green", "created"),
    "UPDATE_COMPLETE": ("~", "yellow", "updated"),
    "DELETE_COMPLETE": ("-", "red", "removed"),
    "DELETE_SKIPPED": ("-", "red", "kept, outside the stack"),
    "IMPORT_COMPLETE": ("+", "green", "imported"),
}
_BACK: Final = {
    "UPDATE_COMPLETE": ("~", "dim", "as it was before"),
    "DELETE_COMPLETE": ("-", "dim", "removed again"),
}
"""The same on the way back."""
_OWN: Final = {
    "ROLLBACK_IN_PROGRESS": "Something failed: what was made is removed again",
    "UPDATE_ROLLBACK_IN_PROGRESS": "Something failed: everything goes back to what it was",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": "Removing what is not needed any more",
    "DELETE_IN_PROGRESS": "Deleting",
}
_SHOWN_UNDER_WAY: Final = 4


class Screen:
    """A watch (`lambent.deploy.providers.Watch`) and a progress (`lambent.deploy.build.progress`) in one."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(stderr=True, highlight=False)
        self._live = self._console.is_terminal
        self._lock = threading.RLock()
        self._bars: Bars | None = None
        self._phase = ""
        self._phase_task: TaskID | None = None
        self._tasks: dict[str, TaskID] = {}
        self._begun: dict[str, float] = {}
        self._said: set[str] = set()
        self._planned = self._names = self._types = 0
        self._finished: set[str] = set()
        self._back = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Takes what is drawn away: for tables and questions. The next thing told draws again."""
        with self._lock:
            if self._bars is not None:
                self._bars.stop()
                self._bars = None
                self._tasks.clear()
                self._phase_task = None

    # ---------------------------------------------------------------- the watch

    def phase(self, text: str) -> None:
        """What is done now."""
        with self._lock:
            self._phase = text
            if not self._live:
                self._line(f"{text} …")
                return
            bars = self._start()
            for task in self._tasks.values():
                bars.remove_task(task)
            self._tasks.clear()
            if self._phase_task is None:
                self._phase_task = bars.add_task(plain(text), total=None)
            else:
                bars.update(self._phase_task, description=plain(text), total=None, completed=0)

    def note(self, text: str) -> None:
        """Something to know; said once."""
        with self._lock:
            if text not in self._said:
                self._said.add(text)
                self._line(text, mark="!", colour="yellow")

    def upload(self, name: str, sent: int, total: int) -> None:
        """Bytes of a package."""
        if not self._live:
            if sent >= total and f"upload {name}" not in self._said:
                self._said.add(f"upload {name}")
                self._line(f"{name}: {total / 1e6:,.1f} MB sent")
            return
        self._draw(f"{name} ({total / 1e6:,.1f} MB)", sent, total)

    def planned(self, plan: Plan) -> None:
        """What is about to be done."""
        self._planned = len(plan.changes)
        self._names = max((len(change.logical) for change in plan.changes), default=0)
        self._types = max((len(change.type) for change in plan.changes), default=0) - len("AWS::")

    def step(self, step: Step) -> None:
        """Something happened to a resource."""
        with self._lock:
            if step.own:
                self._back = "ROLLBACK" in step.status
                if step.status in _OWN:
                    self.phase(_OWN[step.status])
                return
            if step.status.endswith("_IN_PROGRESS"):
                self._begun.setdefault(step.logical, step.time)
            else:
                self._ended(step)
            if self._live and self._begun:
                self._under_way()

    def interrupted(self, text: str) -> None:
        """Ctrl-C, once."""
        self._line(text, mark="!", colour="yellow")

    # ---------------------------------------------------------------- the build's progress

    def progress(self, task: str, done: int, total: int | None) -> None:
        """How far a task of building is."""
        if self._live:
            self._draw(task, done, total)
            return
        with self._lock:
            if task not in self._said:
                self._said.add(task)
                self._line(task)

    # ---------------------------------------------------------------- drawing

    def _ended(self, step: Step) -> None:
        begun = self._begun.pop(step.logical, step.time)
        took = f" [dim]{step.time - begun:.1f} s[/]" if step.time - begun >= 0.05 else ""
        name = plain(step.logical.ljust(self._names))
        kind = f"[dim]{plain(step.type.removeprefix('AWS::').ljust(self._types))}[/]"
        if step.status in _DONE:
            self._finished.add(step.logical)
            mark, colour, word = (_BACK if self._back else _DONE).get(step.status, _DONE[step.status])
            self._markup(f"[{colour}]{mark}[/] {name}  {kind}  {word}{took}")
        elif step.status.endswith("_FAILED"):
            cancelled = "cancelled" in step.reason
            reason = "not done, as another failed" if cancelled else plain(step.reason)
            style = "dim" if cancelled else "red"
            self._markup(f"[{style}]✗[/] {name}  {kind}  [{style}]{reason}[/]")

    def _under_way(self) -> None:
        names = sorted(self._begun, key=lambda name: self._begun[name])
        shown = ", ".join(names[:_SHOWN_UNDER_WAY])
        if len(names) > _SHOWN_UNDER_WAY:
            shown += f" and {len(names) - _SHOWN_UNDER_WAY} more"
        bars = self._start()
        if self._phase_task is not None:
            bars.update(
                self._phase_task,
                description=f"{plain(self._phase)}: {plain(shown)}",
                total=self._planned or None,
                completed=min(len(self._finished), self._planned),
            )

    def _draw(self, task: str, done: int, total: int | None) -> None:
        with self._lock:
            bars = self._start()
            known = self._tasks.get(task)
            if known is None:
                known = self._tasks[task] = bars.add_task(f"  {plain(task)}", total=total)
            bars.update(known, completed=done, total=total)

    def _start(self) -> Any:
        if self._bars is None and self._live:
            from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

            self._bars = Progress(
                SpinnerColumn(),
                TextColumn("{task.description}"),
                _bar(),
                TimeElapsedColumn(),
                console=self._console,
                transient=True,
            )
            self._bars.start()
            if self._phase:
                self._phase_task = self._bars.add_task(plain(self._phase), total=None)
        return self._bars

    def _line(self, text: str, *, mark: str = " ", colour: str = "default") -> None:
        self._markup(f"[{colour}]{mark}[/] {plain(text)}")

    def _markup(self, text: str) -> None:
        with self._lock:
            if self._live:
                self._console.print(text, soft_wrap=True)
            else:
                from rich.text import Text

                click.echo(Text.from_markup(text).plain, err=True)


def _bar() -> Any:
    """A bar for what has a known length; what has none has its spinner."""
    from rich.progress import BarColumn
    from rich.text import Text

    class Bar(BarColumn):
        def render(self, task: Any) -> Any:
            return Text("") if task.total is None else super().render(task)

    return Bar(bar_width=24)
