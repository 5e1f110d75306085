"""`lambent deploy info`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import msgspec

from lambent.cli.deploy_target import choice, failures, options
from lambent.cli.output import json_option, plain, print_json, print_table

if TYPE_CHECKING:
    from lambent.deploy.providers import Info, QueueInfo


@click.command("info")
@options
@click.option("--drift", is_flag=True, help="Also compare what is there with what was deployed.")
@click.option("--resources", is_flag=True, help="Also list every resource.")
@json_option
def command(drift: bool, resources: bool, as_json: bool, **chosen: Any) -> None:
    """Show what is deployed of the app: URLs, functions with their versions, queues."""
    from lambent.cli.deploy_screen import Screen
    from lambent.cli.deploy_target import target

    with failures(), Screen() as screen:
        where = target(choice(chosen))
        found = where.provider.info(where.app(), where.stage.name, drift=drift, watch=screen)
        screen.stop()
    if as_json:
        print_json(_as_json(found))
    else:
        _show(found, resources=resources)


def _as_json(info: Info) -> dict[str, Any]:
    document: dict[str, Any] = msgspec.to_builtins(info)
    document["resources"] = [
        {"logical": logical, "type": kind, "physical": physical, "status": status}
        for logical, kind, physical, status in info.resources
    ]
    return document


def _show(info: Info, *, resources: bool) -> None:
    from lambent.cli.deploy_tables import heading

    click.echo(heading(info))
    colour = "green" if info.status.endswith("COMPLETE") and "ROLLBACK" not in info.status else "red"
    changed = f", changed {info.changed[:19].replace('T', ' ')} UTC" if info.changed else ""
    reason = f": {info.reason}" if info.reason else ""
    click.echo(f"{click.style(info.status, fg=colour)}{changed}{reason}")
    if info.outputs:
        print_table(
            ("OUTPUT", "VALUE"),
            [(f"[bold]{plain(name)}[/]", plain(value)) for name, value in info.outputs.items()],
        )
    if info.functions:
        print_table(
            ("FUNCTION", "STATE", "VERSION", "RUNTIME", "MEMORY", "TIMEOUT", "SIZE", "CODE", "MODIFIED"),
            [
                (
                    f"[bold]{plain(function.name)}[/]",
                    plain(function.state),
                    function.version,
                    function.runtime,
                    f"{function.memory_mb} MB",
                    f"{function.timeout_s} s",
                    f"{max(1, round(function.size / 1000)):,} kB",
                    plain(function.code[:8]),
                    function.modified[:19].replace("T", " "),
                )
                for function in info.functions
            ],
            right=("MEMORY", "TIMEOUT", "SIZE"),
        )
    if info.queues:
        print_table(
            ("QUEUE", "WAITING", "IN FLIGHT", "URL"),
            [
                (
                    f"[bold]{plain(queue.name)}[/]",
                    _waiting(queue),
                    f"{queue.in_flight:,}",
                    plain(queue.url),
                )
                for queue in info.queues
            ],
            right=("WAITING", "IN FLIGHT"),
        )
    if resources:
        print_table(
            ("RESOURCE", "TYPE", "NAME", "STATUS"),
            [
                (f"[bold]{plain(logical)}[/]", plain(kind.removeprefix("AWS::")), plain(physical), status)
                for logical, kind, physical, status in info.resources
            ],
        )
    _show_drift(info)


def _waiting(queue: QueueInfo) -> str:
    """Messages in a queue for dead letters are a person's business."""
    alarming = queue.waiting and queue.logical.endswith("DeadLetters")
    return f"[red]{queue.waiting:,}[/]" if alarming else f"{queue.waiting:,}"


def _show_drift(info: Info) -> None:
    if info.drift is None:
        return
    if not info.drift:
        click.echo("No drift: everything is as it was deployed.")
        return
    print_table(
        ("DRIFTED", "TYPE", "HOW"),
        [
            (
                f"[bold]{plain(drift.logical)}[/]",
                plain(drift.type.removeprefix("AWS::")),
                "[red]deleted[/]"
                if drift.status == "DELETED"
                else plain("\n".join(drift.differences) or "modified"),
            )
            for drift in info.drift
        ],
    )
