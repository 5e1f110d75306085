"""`lambent doctor`."""

from __future__ import annotations

import asyncio
import os
import platform
import resource
import sys
from importlib import metadata
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple

import click

from lambent import __version__
from lambent.cli import endpoint
from lambent.cli.failure import Failure
from lambent.cli.output import json_option, plain, print_json, print_table
from lambent.cli.runtimes import find_runtimes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lambent.execution.interpreters import Interpreter
    from lambent.node.settings import Settings

Verdict = Literal["ok", "note", "broken"]

_MARKS: Final = {
    "ok": "[green]ok[/]",
    "note": "[yellow]note[/]",
    "missing": "[yellow]missing[/]",
    "unsupported": "[dim]unsupported[/]",
    "broken": "[red]broken[/]",
}
_FILES_WANTED: Final = 4096  # two descriptors an execution environment, 1000 of them, and connections
_PACKAGES: Final = ("botocore", "uvloop", "httptools", "msgspec")


class Finding(NamedTuple):
    """One line of the report; "broken" makes the exit code 1."""

    what: str
    verdict: Verdict
    detail: str


@click.command("doctor")
@endpoint.options
@json_option
@click.pass_context
def command(ctx: click.Context, endpoint_url: str | None, region: str | None, as_json: bool) -> None:
    """Check what this machine offers and what is missing.

    The exit code is 1 when something keeps the platform from working.
    """
    runtimes = list(find_runtimes(_java_client()))
    findings = [
        *_versions(),
        _moto(),
        *_limits(),
        *asyncio.run(_isolation()),
        *_node_packages(),
        _platform(endpoint_url, region),
    ]
    healthy = not any(finding.verdict == "broken" for finding in findings)
    if as_json:
        print_json(
            {
                "healthy": healthy,
                "findings": [finding._asdict() for finding in findings],
                "runtimes": [runtime._asdict() for runtime in runtimes],
            }
        )
    else:
        print_table(
            ("WHAT", "", "DETAIL"),
            [(plain(what), _MARKS[verdict], plain(detail)) for what, verdict, detail in findings],
        )
        print_table(
            ("RUNTIME", "", "VERSION", "PROGRAM", "CLIENT", "DETAIL"),
            [(one.runtime, _MARKS[one.verdict], *map(plain, one[2:])) for one in runtimes],
        )
    ctx.exit(0 if healthy else 1)


def _settings() -> Settings | None:
    """The settings, where they can be read: `up` says what is wrong with them."""
    from lambent.node.settings import SettingsError, load_settings

    try:
        return load_settings()
    except SettingsError:
        return None


def _java_client() -> Path | None:
    settings = _settings()
    return settings.java_client if settings else None


def _node_packages() -> Iterator[Finding]:
    """Whether Node functions find AWS's SDK here, as in the managed runtimes."""
    from lambent.execution.engines.node import libraries
    from lambent.execution.nodes import Nodes

    settings = _settings()
    if settings is None or not [*Nodes()]:
        return
    folder = libraries(settings.data)
    if folder is not None and (folder / "node_modules" / "@aws-sdk").is_dir():
        yield Finding("AWS SDK for Node", "ok", f"{folder / 'node_modules'}")
    else:
        how = f"npm install --prefix {settings.data / 'runtime'} @aws-sdk/client-s3 …"
        yield Finding("AWS SDK for Node", "note", f"functions bundle what they use of it, or: {how}")


def _versions() -> Iterator[Finding]:
    yield Finding("lambent", "ok", f"{__version__} on Python {platform.python_version()} ({sys.executable})")
    for package in _PACKAGES:
        try:
            yield Finding(package, "ok", metadata.version(package))
        except metadata.PackageNotFoundError:
            yield Finding(package, "broken", "pip install 'lambent[platform]'")


def _moto() -> Finding:
    from lambent.neighbours.installation import ADVICE, installed

    if installed():
        return Finding("moto", "ok", f"{metadata.version('moto')}, for S3, DynamoDB, IAM and others")
    return Finding("moto", "note", f"{ADVICE}: without, S3, DynamoDB, IAM and others need real endpoints")


def _limits() -> Iterator[Finding]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= _FILES_WANTED:
        yield Finding("open files", "ok", f"limit {soft:,}")
    elif hard == resource.RLIM_INFINITY or hard >= _FILES_WANTED:
        yield Finding(
            "open files", "note", f"limit {soft:,}; for 1000 environments: ulimit -n {_FILES_WANTED}"
        )
    else:
        yield Finding("open files", "note", f"limit {soft:,}, at most {hard:,}: fewer environments at a time")


async def _isolation() -> list[Finding]:
    """What is broken among the interpreters, and whether functions get a view of files of their own."""
    from lambent.execution.interpreters import Interpreters

    findings = []
    views = []
    for interpreter in Interpreters():
        try:
            views.append(await _private_view(interpreter))
        except Exception as error:  # noqa: BLE001 - whatever a foreign interpreter does is a finding
            findings.append(Finding(interpreter.runtime, "broken", f"{interpreter.executable}: {error}"))
    if not views:
        findings.append(Finding("interpreters", "broken", "none works: functions cannot run"))
    findings.append(_guard(any(views)))
    return findings


async def _private_view(interpreter: Interpreter) -> bool:
    """Starts a zygote as the platform would; whether it got a private view of the file system."""
    from lambent.execution.zygote import Zygote

    zygote = Zygote(interpreter)
    await zygote.start()
    try:
        return zygote.private_view
    finally:
        await zygote.close()


def _guard(private_view: bool) -> Finding:
    if private_view:
        how = "as root" if os.geteuid() == 0 else "in user namespaces"
        return Finding("isolation guard", "ok", f"functions get a private view of files ({how})")
    if sys.platform != "linux":
        return Finding("isolation guard", "note", f"no private view of files on {platform.system()}")
    return Finding(
        "isolation guard",
        "note",
        "no private view of files: the kernel permits no user namespaces"
        " (sysctl kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns)",
    )


def _platform(endpoint_url: str | None, region: str | None) -> Finding:
    try:
        where = endpoint.resolve(endpoint_url, region)
        health: dict[str, Any] = where.get_json("/_lambent/health")
    except Failure as failure:
        # A platform that was asked for by name should be there; any other need not run.
        return Finding("platform", "broken" if endpoint_url else "note", failure.message)
    return Finding("platform", "ok", f"{where.url} answers: {health.get('status')}, {health.get('version')}")
