"""What a session prints: the banner, requests, log lines, reloads, errors. Loop thread only."""

from __future__ import annotations

import os
import re
import sys
import time
from typing import TYPE_CHECKING, Final, TextIO

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_COLOURS: Final = ("36", "35", "34", "33", "32", "96", "95", "94")
_COLOURED: Final = re.compile(r"(\x1b\[[\d;]*m)")
_BOLD, _DIM, _RED, _GREEN, _YELLOW, _CYAN = "1", "2", "31", "32", "33", "36"
_WIDEST: Final = 20
_SERVER_ERROR, _CLIENT_ERROR, _REDIRECT = 500, 400, 300


class Screen:
    """Prints to `out`, with colours where that is a terminal that has them."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out or sys.stdout
        self.terminal = self._out.isatty()
        self._colours = self.terminal and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        self._names: dict[str, str] = {}
        self._width = 0
        self._working = ""

    def names(self, names: Iterable[str]) -> None:
        """What functions are called: their lines are aligned."""
        self._width = min(max((len(name) for name in names), default=0), _WIDEST)

    # ------------------------------------------------------------ lines of running code

    def request(self, method: str, target: str, status: int, seconds: float, cold: bool = False) -> None:
        """A request that has been answered."""
        colour = (
            _RED
            if status >= _SERVER_ERROR
            else _YELLOW
            if status >= _CLIENT_ERROR
            else _CYAN
            if status >= _REDIRECT
            else _GREEN
        )
        took = _duration(seconds) + (", cold start" if cold else "")
        shown = "".join(c if c.isprintable() else f"%{ord(c):02X}" for c in target)
        self._line(
            f"{self._styled(method, _BOLD)} {shown} {self._styled(str(status), colour)} {self._dim(took)}"
        )

    def log(self, name: str, text: str, level: str) -> None:
        """What a function logged."""
        style = {"error": _RED, "warning": _YELLOW, "debug": _DIM}.get(level, "")
        head = self._head(name)
        for line in text.split("\n"):
            self._line(f"{head} {self._styled(self._harmless(line), style)}")

    def invocation(self, name: str, seconds: float, cold: bool, problem: str) -> None:
        """An invocation that no request has made."""
        took = _duration(seconds) + (", cold start" if cold else "")
        if problem:
            self._line(f"{self._head(name)} {self._styled(f'{problem} after {took}', _RED)}")
        else:
            self._line(f"{self._head(name)} {self._dim(f'ran {took}')}")

    # ------------------------------------------------------------ the session

    def banner(self, title: str, rows: Sequence[tuple[str, str, str]], hints: Sequence[str]) -> None:
        """What runs and where: (kind, address or name, remark) a row, and how to go on."""
        self.idle()
        self._print("")
        self._print(f"  {title}")
        self._print("")
        kinds = max((len(kind) for kind, _, _ in rows), default=0)
        names = max((len(name) for _, name, remark in rows if remark), default=0)
        before = ""
        for kind, name, remark in rows:
            shown = "" if kind == before else kind
            before = kind
            address = self._styled(name, _CYAN if "://" in name else "")
            if remark:
                address += f"{' ' * max(names - len(name), 0)}  {self._dim(remark)}"
            self._print(f"  {self._styled(shown.ljust(kinds), _BOLD)}  {address}")
        self._print("")
        for hint in hints:
            self._print(f"  {self._dim(hint)}")
        self._print("")

    def done(self, text: str, details: Sequence[str] = ()) -> None:
        """Something has gone well."""
        self._line(f"{self._styled('✓', _GREEN)} {text}")
        for detail in details:
            self._line(f"  {self._dim(detail)}")

    def trouble(self, text: str, details: Sequence[str] = (), hint: str | None = None) -> None:
        """Something is wrong: what, where, and the mend."""
        self._line(self._styled(f"✗ {text}", _RED))
        for detail in details:
            self._line(f"  {detail}")
        if hint:
            self._line(f"  {self._dim(hint)}")

    def note(self, text: str) -> None:
        """A remark."""
        self._line(self._dim(text))

    def working(self, text: str) -> None:
        """What goes on for now: a line that the next one replaces; on no terminal it is left out."""
        if self.terminal:
            self.idle()
            self._working = text
            self._out.write(self._dim(f"  … {text}"))
            self._out.flush()

    def idle(self) -> None:
        """What `working` has said is over."""
        if self._working:
            self._working = ""
            self._out.write("\r\x1b[2K")

    # ------------------------------------------------------------ pieces

    def _harmless(self, line: str) -> str:
        """What functions print may have colours, and must not steer the terminal: it may be what anybody has sent."""
        if line.isprintable():
            return line
        parts = _COLOURED.split(line)
        for number in range(0, len(parts), 2):
            parts[number] = "".join(c for c in parts[number] if c.isprintable() or c == "\t")
        return f"{''.join(parts)}\x1b[0m" if self._colours and len(parts) > 1 else "".join(parts[::2])

    def _head(self, name: str) -> str:
        colour = self._names.get(name)
        if colour is None:
            colour = self._names[name] = _COLOURS[len(self._names) % len(_COLOURS)]
        return self._styled(f"{name.ljust(self._width)} │", colour)

    def _line(self, text: str) -> None:
        now = time.time()
        clock = f"{time.strftime('%H:%M:%S', time.localtime(now))}"
        working = self._working
        self.idle()
        self._print(f"{self._dim(clock)} {text}")
        if working:
            self.working(working)

    def _print(self, text: str) -> None:
        try:
            self._out.write(text + "\n")
            self._out.flush()
        except UnicodeEncodeError:
            encoding = self._out.encoding or "ascii"
            self._out.write(text.encode(encoding, "replace").decode(encoding) + "\n")
            self._out.flush()

    def _styled(self, text: str, style: str) -> str:
        return f"\x1b[{style}m{text}\x1b[0m" if style and self._colours else text

    def _dim(self, text: str) -> str:
        return self._styled(text, _DIM)


def _duration(seconds: float) -> str:
    if seconds < 1:
        milliseconds = seconds * 1000
        return f"{milliseconds:.0f} ms" if milliseconds >= 10 else f"{milliseconds:.1f} ms"
    return f"{seconds:.1f} s"
