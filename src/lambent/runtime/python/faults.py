"""Errors that the runtime itself finds, as opposed to exceptions of the function."""

from __future__ import annotations


class Fault(Exception):
    """An error with the `errorType` that Lambda gives for it and, where there is one, a trace of lines."""

    def __init__(self, error_type: str, message: str, trace: list[str] | None = None) -> None:
        super().__init__(message)
        self.error_type = error_type
        self.message = message
        self.trace = trace
