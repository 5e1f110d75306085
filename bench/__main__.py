"""`python -m bench [NAME …] [--quick] [--json]`: measure, print a table beside the floors."""

from __future__ import annotations

import argparse
import json
import platform
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from bench import load
from bench.figures import ALL

if TYPE_CHECKING:
    from bench.figure import Figure


def main() -> None:
    """Run the chosen measurements."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"which: {', '.join(ALL)}; all without any")
    parser.add_argument("--quick", action="store_true", help="fewer rounds: a look, not a result")
    parser.add_argument("--json", action="store_true", help="for a pipe")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - set(ALL)
    if unknown:
        parser.error(f"no such figure: {', '.join(sorted(unknown))}; there are {', '.join(ALL)}")
    if not set(arguments.names or ALL) <= {"deploying", "framework", "stacks"}:
        load.require_wrk()
    progress = Console(stderr=True)
    figures: list[Figure] = []
    for name in arguments.names or ALL:
        progress.print(f"measuring {name} …", style="dim")
        with tempfile.TemporaryDirectory(prefix="lambent-bench-") as folder:
            figures += ALL[name](Path(folder), arguments.quick)
    if arguments.json:
        print(json.dumps([asdict(figure) for figure in figures], indent=1))
    else:
        Console(width=118).print(_table(figures))


def _table(figures: list[Figure]) -> Table:
    compared = any(figure.peers for figure in figures)
    table = Table(title=f"Lambent, Python {platform.python_version()}, {platform.system()}")
    table.add_column("figure")
    for heading in ("floor", "ours", "ours / floor"):
        table.add_column(heading, justify="right")
    table.add_column("asked for")
    table.add_column("met")
    if compared:
        table.add_column("others")
    for figure in figures:
        ratio = f"{figure.value / figure.floor:.2f}" if figure.floor else ""
        met = "" if figure.met is None else "yes" if figure.met else "[red]no[/red]"
        table.add_row(
            figure.name,
            "" if figure.floor is None else _shown(figure.floor, figure.unit),
            _shown(figure.value, figure.unit),
            ratio,
            figure.wanted,
            met,
            *([_compared(figure)] if compared else []),
        )
    return table


def _compared(figure: Figure) -> str:
    """Others' values, a line each."""
    return "\n".join(f"{who} {_shown(value, figure.unit)}" for who, value in figure.peers.items())


def _shown(value: float, unit: str) -> str:
    return f"{value:,.0f} {unit}" if value >= 1000 else f"{value:.3g} {unit}"


if __name__ == "__main__":
    main()
