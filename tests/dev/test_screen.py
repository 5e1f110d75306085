"""What a session prints."""

from __future__ import annotations

import io

import pytest

from lambent.dev.screen import Screen


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("printed", "on_terminal", "elsewhere"),
    [
        ("plain ö\ttab", "plain ö\ttab", "plain ö\ttab"),
        ("\x1b[1;31mred\x1b[0m", "\x1b[1;31mred\x1b[0m\x1b[0m", "red"),
        ("a\x1b]0;title\x07b\x1b[2J\x9b1Ac", "a]0;titleb[2J1Ac", "a]0;titleb[2J1Ac"),
    ],
)
def test_what_functions_print_has_colours_and_no_other_power(
    printed: str, on_terminal: str, elsewhere: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for out, shown in ((Terminal(), on_terminal), (io.StringIO(), elsewhere)):
        Screen(out).log("f", printed, "")
        assert out.getvalue().partition("│")[2].removeprefix("\x1b[0m") == f" {shown}\n"
