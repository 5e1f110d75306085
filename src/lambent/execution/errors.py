"""What can go wrong while running code, apart from the code itself.

ExecutionError
├── InterpreterMissing       no interpreter for the runtime on this machine
└── EnvironmentUnavailable   the process that makes environments is gone or could not be started
"""

from __future__ import annotations

from typing import ClassVar


class ExecutionError(Exception):
    """Base of this floor's errors."""


class EnvironmentUnavailable(ExecutionError):
    """An environment could not be started; the message says why."""


class InterpreterMissing(ExecutionError):
    """Nothing on this machine runs a runtime; the message names what there is."""

    mend: ClassVar = "`lambent up --runtime-fallback` runs it with the nearest"
    """Where there is one of the same language."""
