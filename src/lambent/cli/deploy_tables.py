"""Plans as people read them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

import click
import msgspec

from lambent.cli.output import plain, print_table

if TYPE_CHECKING:
    from lambent.deploy.plan import Change, Difference, Plan
    from lambent.deploy.providers import Info

_SIGNS: Final = {
    "add": ("+", "green"),
    "import": ("+", "cyan"),
    "modify": ("~", "yellow"),
    "remove": ("-", "red"),
}
_UNKNOWN: Final = "{{changeSet:KNOWN_AFTER_APPLY}}"
"""In a change set, for a value that its resource has only when it is there (DescribeChangeSet's `AfterValue`)."""

_LONGEST: Final = 48
_MOST: Final = 6
"""Differences of one resource that are shown."""


def heading(plan: Plan | Info) -> str:
    """Which stack is meant, and where it is: one line."""
    place = f"{plan.provider} ({plan.endpoint})" if plan.endpoint else plan.provider
    name = click.style(plan.stack, bold=True)
    return f"{name} → {place}, region {plan.region}, account {plan.account}"


def show_plan(plan: Plan) -> None:
    """The table of changes, and their sum."""
    if plan.changes:
        print_table(("", "RESOURCE", "TYPE", "CHANGE"), [_row(change) for change in plan.changes])
    if plan.others:
        click.echo("Only outputs or tags change.")
    elif plan.changes:
        counts = plan.count("add") + plan.count("import"), plan.count("modify"), plan.count("remove")
        click.echo("{} to add, {} to change, {} to remove.".format(*counts))
    else:
        click.echo("No changes: what is deployed is what the code says.")
    for change in plan.losses:
        what, lost = "is removed", "are lost"
        if change.action == "modify":
            what = "is replaced by a new one"
            if change.replacement == "perhaps":
                what, lost = "may be replaced by a new one", "would be lost with it"
        name = change.physical.rpartition("/")[2] if "://" in change.physical else change.physical
        text = f"{change.logical} {what}: the {change.loses} in {name or 'it'} {lost}."
        click.echo(f"{click.style('Data loss:', fg='red', bold=True)} {text}")


def plan_as_json(plan: Plan) -> dict[str, Any]:
    """A plan as `--json` prints it: every member is there, also those that are empty."""
    document: dict[str, Any] = msgspec.to_builtins(plan)
    document["changes"] = [
        {
            "action": change.action,
            "logical": change.logical,
            "type": change.type,
            "physical": change.physical,
            "replacement": change.replacement,
            "certain": change.certain,
            "kept": change.kept,
            "held": change.held,
            "loses": change.loses,
            "differences": [
                {
                    "path": difference.path,
                    "before": difference.before,
                    "after": difference.after,
                    "replaces": difference.replaces,
                }
                for difference in change.differences
            ],
        }
        for change in plan.changes
    ]
    document["summary"] = {
        "add": plan.count("add"),
        "import": plan.count("import"),
        "modify": plan.count("modify"),
        "remove": plan.count("remove"),
    }
    return document


def _row(change: Change) -> tuple[str, ...]:
    sign, colour = _SIGNS[change.action]
    return (
        f"[bold {colour}]{sign}[/]",
        f"[{colour}]{plain(change.logical)}[/]",
        plain(change.type.removeprefix("AWS::")),
        "\n".join(_words(change)),
    )


def _words(change: Change) -> list[str]:
    if change.action == "add":
        return ["[green]new[/]"]
    if change.action == "import":
        return ["[cyan]is there already, and is taken over[/]"]
    if change.action == "remove":
        return ["leaves the stack, stays where it is" if change.kept else "[red]removed[/]"]
    lines = []
    if change.replacement != "no":
        word = "replaced by a new one" if change.replacement == "yes" else "may be replaced by a new one"
        lines.append(f"[bold red]{word}[/]{', the old one stays' if change.kept else ''}")
        if change.held:
            lines.append("[red]which fails as long as it keeps its name: give it another one[/]")
    if not change.certain:
        lines.append("[dim]perhaps: it depends on what else changes[/]")
    lines += [_difference(difference) for difference in change.differences[:_MOST]]
    if len(change.differences) > _MOST:
        lines.append(f"[dim]… and {len(change.differences) - _MOST} more[/]")
    return lines or ["changed"]


def _difference(difference: Difference) -> str:
    if difference.path in ("Code", "Code.S3Key", "Content", "Content.S3Key"):
        return "new code" if difference.path.startswith("Code") else "new content"
    if difference.before is None and difference.after is None:
        return plain(difference.path)
    return plain(f"{difference.path}: {_short(difference.before)} → {_short(difference.after)}")


def _short(value: Any) -> str:
    if value is None:
        return "nothing"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = " ".join(text.replace(_UNKNOWN, "(known afterwards)").split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
