"""`lambent bench`."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from lambent.cli import endpoint
from lambent.cli.failure import Failure
from lambent.cli.output import json_option, plain, print_json, print_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lambent.cli.cold_starts import ColdStarts

_START_SECONDS: Final = 60.0
_LISTENING: Final = re.compile(r"on (http://\S+?:\d+),")


@click.group("bench")
def command() -> None:
    """Measure what this machine does."""


@command.command("cold")
@click.option("--runtime", "runtimes", multiple=True, metavar="RUNTIME", help="Only these; repeatable.")
@click.option(
    "--count", type=click.IntRange(1, 10_000), default=20, show_default=True, help="Cold starts of each."
)
@click.option("--endpoint-url", metavar="URL", help="A platform that runs.  [default: one of its own]")
@click.option("--region", metavar="REGION", help="Where in it.  [default: AWS_REGION, or us-east-1]")
@json_option
def cold(
    runtimes: tuple[str, ...], count: int, endpoint_url: str | None, region: str | None, as_json: bool
) -> None:
    """Cold starts of each runtime: p50 and p99 of what a caller waits.

    Measures a private platform that is started for it, or with --endpoint-url a running one.
    """
    from lambent.cli.cold_starts import RUNTIMES, language_of

    for runtime in runtimes:
        language_of(runtime)
    with _platform(endpoint_url, region) as where:
        found = [_measured(where, runtime, count) for runtime in runtimes or RUNTIMES]
    if as_json:
        print_json([one.summary() for one in found])
        return
    _print(found, named=bool(runtimes))


def _measured(where: endpoint.Endpoint, runtime: str, count: int) -> ColdStarts:
    """Measure one runtime; shows how far it is where somebody is watching."""
    from lambent.cli.cold_starts import ColdStarts, measure

    found = ColdStarts(runtime, "", problem="nothing was measured")
    bar: Any = contextlib.nullcontext()
    if sys.stderr.isatty():
        bar = click.progressbar(length=count, label=f"{runtime:16}", file=sys.stderr)
    with endpoint.api_errors(where), bar as shown:
        for found in measure(where, runtime, count):
            if shown is not None and not found.problem:
                shown.update(1)
    return found


def _print(found: list[ColdStarts], *, named: bool) -> None:
    from lambent.cli.cold_starts import percentile

    measured = [one for one in found if one.problem is None]
    if measured:
        print_table(
            ("RUNTIME", "COLD START (P50)", "COLD START (P99)", "INIT (P50)", "NOTES"),
            [
                (
                    f"[bold]{plain(one.runtime)}[/]",
                    f"{percentile(one.total, 50):.1f} ms",
                    f"{percentile(one.total, 99):.1f} ms",
                    f"{percentile(one.init, 50):.1f} ms",
                    plain(one.note),
                )
                for one in measured
            ],
            right=("COLD START (P50)", "COLD START (P99)", "INIT (P50)"),
        )
        click.echo(f"{len(measured[0].total)} cold starts each, from the request to the answer.")
    problems = [one for one in found if one.problem is not None]
    if named:
        for one in problems:
            click.echo(f"{one.runtime}: {one.problem}", err=True)
    elif problems:
        missing = ", ".join(one.runtime for one in problems)
        click.echo(f"Not measured: {missing}. `lambent doctor` says how to add what is missing.")
    if not measured:
        raise Failure("No runtime could be measured.", exit_code=1)


@contextlib.contextmanager
def _platform(endpoint_url: str | None, region: str | None) -> Iterator[endpoint.Endpoint]:
    """The platform that was named, or one of our own that is gone at the end."""
    if endpoint_url is not None:
        yield endpoint.resolve(endpoint_url, region)
        return
    with tempfile.TemporaryDirectory(prefix="lambent-bench-") as folder:
        printed = Path(folder) / "printed"
        process = _start(Path(folder), printed)
        try:
            url = _wait(process, printed)
            yield endpoint.Endpoint(url, region or "us-east-1", "lambent", "lambent")
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()


def _start(folder: Path, printed: Path) -> subprocess.Popen[bytes]:
    # No settings of the user's: what is measured is the platform as it comes.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LAMBENT_")}
    environment["LAMBENT_UPDATE_IN_PROGRESS_S"] = "0"  # each cold start is made by an update
    with printed.open("wb") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "lambent.cli", "up", "--port", "0", "--ephemeral"],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _wait(process: subprocess.Popen[bytes], printed: Path) -> str:
    """Where the platform listens, once it does. Raises Failure."""
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        found = _LISTENING.search(printed.read_text(errors="replace"))
        if found is not None:
            return found[1]
        time.sleep(0.01)
    raise Failure(
        "The platform did not start.", hint=printed.read_text(errors="replace").strip(), exit_code=1
    )
