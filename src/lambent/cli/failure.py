"""How a command fails: an exit code that scripts can trust, and a message that says what to do next."""

from __future__ import annotations

from typing import Final

import click

FUNCTION_FAILED: Final = 1
USAGE: Final = 2
UNREACHABLE: Final = 3


class Failure(Exception):
    """Ends a command with `exit_code`; `hint` says what to do."""

    def __init__(self, message: str, *, hint: str | None = None, exit_code: int = USAGE) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.exit_code = exit_code

    def text(self) -> str:
        """The lines to print, coloured where the terminal shows colours."""
        first = click.style("Error: ", fg="red", bold=True) + self.message
        return f"{first}\n{self.hint}" if self.hint else first
