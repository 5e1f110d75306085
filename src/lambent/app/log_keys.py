"""Keys of log lines that code adds: for a service's loggers, for a thread or task, for a block.

Methods are those of Powertools' Logger.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from lambent.app import current

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from lambent.app.log_line import Lines
    from lambent.app.log_record import Records

bound: ContextVar[Mapping[str, Any]] = ContextVar("log_keys", default={})  # noqa: B039 - replaced, never changed
"""Keys of this thread or task alone. A mapping that is replaced and never changed: its identity tells it apart."""


class Appended:
    """What the loggers of a service share, such as keys. The dictionary is replaced and never changed."""

    __slots__ = ("__weakref__", "keys", "orphans", "records", "root")

    def __init__(self) -> None:
        self.keys: dict[str, Any] = {}
        self.records: Records | None = None
        """Filters and handlers of `logging`, if there are any."""
        self.root: Callable[[], Lines | None] = lambda: None
        """Finds the service's first logger that is no child, while there is one."""
        self.orphans: list[Callable[[], Any]] = []
        """Find the children that were made before it."""


class Keys:
    """What a logger can do with keys."""

    _lines: Lines

    def append_keys(self, **keys: Any) -> None:
        """Adds keys to all lines of the service's loggers, until they are removed or the state is cleared.

        A value that changes afterwards has to be appended again.
        """
        if "correlation_id" in keys:
            current.correlation_id.set(keys.pop("correlation_id"))
        self._lines.appended.keys = {**self._lines.appended.keys, **keys}

    def remove_keys(self, keys: Iterable[str]) -> None:
        """Removes keys, until the state is cleared also those that the logger was made with.

        Those that are not there do not matter; those of the invocation stay.
        """
        gone = frozenset(keys)
        if "correlation_id" in gone:
            current.correlation_id.set(None)
        left = {key: value for key, value in self._lines.appended.keys.items() if key not in gone}
        self._lines.appended.keys = left | dict.fromkeys(gone.intersection(self._lines.constants))

    def get_current_keys(self) -> dict[str, Any]:
        """All keys that a line logged now has besides those of the line itself."""
        constants, keys = self._lines.constants, self._lines.compile().keys
        return {k: v for k, v in keys.items() if v is not None or constants.get(k) is None}

    def structure_logs(self, append: bool = False, **keys: Any) -> None:
        """Adds keys; without `append` those that were added before are removed first."""
        if not append:
            self._clear()
        self.append_keys(**keys)

    @contextmanager
    def append_context_keys(self, **keys: Any) -> Iterator[None]:
        """Adds keys within the block, to the lines of this thread or task, whichever logger writes them.

        Afterwards keys have the values that they had before; Powertools removes them.
        """
        before = bound.get()
        bound.set({**before, **keys})
        try:
            yield
        finally:
            after = {key: value for key, value in bound.get().items() if key not in keys}
            bound.set({**after, **{key: before[key] for key in keys if key in before}})

    def thread_safe_append_keys(self, **keys: Any) -> None:
        """Adds keys to the lines of this thread or task, whichever logger writes them."""
        bound.set({**bound.get(), **keys})

    def thread_safe_get_current_keys(self) -> dict[str, Any]:
        return dict(bound.get())

    def thread_safe_remove_keys(self, keys: Iterable[str]) -> None:
        gone = frozenset(keys)
        bound.set({key: value for key, value in bound.get().items() if key not in gone})

    def thread_safe_clear_keys(self) -> None:
        bound.set({})

    def clear_state(self) -> None:
        """Removes all keys that were added since the logger was made, the correlation id included."""
        self._clear()
        current.correlation_id.set(None)

    def _clear(self) -> None:
        self._lines.appended.keys = {}
        if bound.get():
            bound.set({})

    def set_correlation_id(self, value: str | None) -> None:
        """Sets the invocation's correlation id, for all loggers and whatever else tells it on. None removes it."""
        current.correlation_id.set(value)

    def get_correlation_id(self) -> str | None:
        return current.correlation_id.get()
