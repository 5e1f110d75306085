"""Waiting for something to be so, instead of sleeping."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")

_FIRST_SECONDS: Final = 0.005
_LONGEST_SECONDS: Final = 0.1


def wait_for(condition: Callable[[], _T], *, timeout: float = 10.0, what: str | None = None) -> _T:
    """Ask until it is true, or has raised no AssertionError; what it gave.

    Raises AssertionError after `timeout` seconds, with what it gave or raised last; any other exception at once.
    """
    end = time.monotonic() + timeout
    pause = _FIRST_SECONDS
    failure: AssertionError | None = None
    found: _T | None = None
    while True:
        try:
            found = condition()
            failure = None
        except AssertionError as error:
            failure = error
        else:
            if found:
                return found
        if time.monotonic() >= end:
            break
        time.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_SECONDS)
    wanted = what or getattr(condition, "__name__", "the condition")
    if failure is not None:
        raise AssertionError(f"{wanted}: still not so after {timeout:g} s: {failure}") from failure
    raise AssertionError(f"{wanted}: still not so after {timeout:g} s; last: {found!r}")
