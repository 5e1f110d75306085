"""`lambent manifest`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lambent.cli.output import json_option, plain, print_table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lambent.deploy.manifest import Manifest


@click.command("manifest")
@click.option("--stage", metavar="STAGE", help='The stage.  [default: of the settings, or "dev"]')
@click.option("--app", metavar="APP", help='A folder, a file, or "module.attribute".  [default: found here]')
@json_option
def command(stage: str | None, app: str | None, as_json: bool) -> None:
    """Show what the app consists of and needs: its units, what calls them, what they use.

    With --json it is the manifest that building and deploying read; docs/manifest.md describes it.
    """
    from lambent.cli.deploy_target import failures
    from lambent.deploy.analysis import analyse
    from lambent.deploy.manifest import encode
    from lambent.deploy.project_file import load_project

    with failures():
        project = load_project(Path.cwd(), app=app)
        manifest = analyse(project, project.stage_named(stage))
    if as_json:
        click.echo(encode(manifest).decode(), nl=False)
        return
    _show(manifest)


def _show(manifest: Manifest) -> None:
    click.echo(f"{click.style(manifest.app, bold=True)}: {_counted(len(manifest.units), 'unit')}")
    print_table(
        ("UNIT", "RUNTIME", "HANDLER", "MEMORY", "TIMEOUT", "IMPORTS"),
        [
            (
                f"[bold]{plain(unit.name)}[/]",
                unit.runtime,
                plain(unit.handler if unit.source == "." else f"{unit.source}/{unit.handler}"),
                f"{unit.memory_mb} MB",
                f"{unit.timeout_s} s",
                plain(", ".join(unit.imports)),
            )
            for unit in manifest.units
        ],
        right=("MEMORY", "TIMEOUT"),
    )
    called = sorted(_callers(manifest))
    if called:
        print_table(
            ("UNIT", "CALLED BY", "", "AUTHORIZATION"),
            [(f"[bold]{plain(unit)}[/]", kind, plain(what), auth) for unit, kind, what, auth in called],
        )
    used = sorted(_used(manifest))
    if used:
        print_table(
            ("UNIT", "MAY", "", "BECAUSE OF"),
            [
                (f"[bold]{plain(unit)}[/]", plain(may), plain(what), plain(why))
                for unit, may, what, why in used
            ],
        )
    for finding in manifest.findings:
        place = f"{finding.place}: " if finding.place else ""
        click.echo(f"{click.style('Note: ', fg='yellow', bold=True)}{place}{finding.message}")
        if finding.hint:
            click.echo(f"  {finding.hint}")


def _callers(manifest: Manifest) -> Iterator[tuple[str, str, str, str]]:
    """What calls the units: unit, kind, name, authorization."""
    for route in manifest.routes:
        yield route.unit, "HTTP", f"{route.method} {route.path}", "" if route.auth == "none" else route.auth
    for channel in manifest.channels:
        guarded = any(one.api == channel.name for one in manifest.authorizers)
        for each in channel.routes:
            auth = "authorizer" if guarded and each.key == "$connect" else ""
            yield each.unit, "channel", f"{channel.name} {each.key}", auth
    for authorizer in manifest.authorizers:
        yield authorizer.unit, "authorizer", authorizer.api, ""
    for queue in manifest.queue_triggers:
        yield queue.unit, "queue", queue.queue, ""
    for stream in manifest.stream_triggers:
        yield stream.unit, stream.kind, stream.name, ""
    for schedule in manifest.schedules:
        yield schedule.unit, "schedule", f"{schedule.name} {schedule.expression}", ""
    for event in manifest.events:
        yield event.unit, "event", f"{event.name} on the bus {event.bus or 'default'}", ""
    for topic in manifest.topic_triggers:
        yield topic.unit, "topic", topic.topic, ""
    for bucket in manifest.bucket_triggers:
        yield bucket.unit, "bucket", f"{bucket.bucket} {', '.join(bucket.events)}", ""
    for log in manifest.log_triggers:
        yield log.unit, "log group", log.group, ""
    for alarm in manifest.alarm_triggers:
        yield alarm.unit, "alarm", alarm.alarm or "any", ""
    for pool in manifest.user_pool_triggers:
        yield pool.unit, "user pool", f"{pool.trigger} {pool.pool or ''}".rstrip(), ""
    for unit in manifest.units:
        if unit.direct:
            yield unit.name, "invocation", "", ""


def _used(manifest: Manifest) -> Iterator[tuple[str, str, str, str]]:
    """What the units may do: unit, action, to what, because of what."""
    for use in manifest.uses:
        yield use.unit, ", ".join(use.access), f"{use.kind} {use.name}", use.where
    for permission in manifest.permissions:
        yield (
            permission.unit,
            ", ".join(permission.actions),
            ", ".join(permission.resources),
            permission.where,
        )


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
