"""`lambent build`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lambent.cli.failure import Failure
from lambent.cli.output import json_option, plain, print_json, print_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lambent.deploy.build import Build, Explanation, PackageSize
    from lambent.deploy.manifest import Manifest
    from lambent.deploy.project import Project

_LARGEST = 4


@click.command("build")
@click.argument("unit", required=False)
@click.argument("path", required=False)
@click.option(
    "--explain", "explained", is_flag=True, help="Say why files are in: of [UNIT], or of one [PATH]."
)
@click.option("--upgrade", is_flag=True, help="Resolve packages anew, to the latest that are permitted.")
@click.option("--stage", metavar="STAGE", help='The stage.  [default: of the settings, or "dev"]')
@click.option("--app", metavar="APP", help='A folder, a file, or "module.attribute".  [default: found here]')
@json_option
def command(
    unit: str | None,
    path: str | None,
    explained: bool,
    upgrade: bool,
    stage: str | None,
    app: str | None,
    as_json: bool,
) -> None:
    """Make the packages of the app, in .lambent/build, and show how large they are.

    `lambent deploy apply` does this by itself.
    """
    if unit is not None and not explained:
        raise Failure("A unit is named for --explain only.", hint=f"lambent build --explain {unit}")
    from lambent.cli.deploy_target import failures

    with failures():
        project, manifest = _analysed(app, stage)
        if explained:
            _explain(project, manifest, unit, path, as_json=as_json)
        else:
            _build(project, manifest, upgrade=upgrade, as_json=as_json)


def _analysed(app: str | None, stage: str | None) -> tuple[Project, Manifest]:
    from lambent.deploy.analysis import analyse
    from lambent.deploy.project_file import load_project

    project = load_project(Path.cwd(), app=app)
    if project.template is not None:
        raise Failure(
            f"{project.template.name} is a template, and no app of Lambent's.", hint="`sam build` builds it."
        )
    return project, analyse(project, project.stage_named(stage))


def _build(project: Project, manifest: Manifest, *, upgrade: bool, as_json: bool) -> None:
    from lambent.cli.progress import shown
    from lambent.deploy.build import build, report

    began = time.monotonic()
    with shown() as progress:
        built = build(project, manifest, progress=progress, upgrade=upgrade)
    took = time.monotonic() - began
    rows = report(built)
    if as_json:
        print_json(
            {
                "packages": [_json(row, built) for row in rows],
                "unneeded": built.unneeded,
                "notes": built.notes,
            }
        )
        return
    _table(rows)
    for note in built.notes:
        click.secho(note, fg="yellow", err=True)
    if built.unneeded:
        names = ", ".join(built.unneeded)
        click.secho(
            f"Declared, but imported nowhere, and so in no package: {names}. (`packages` in the settings adds them.)",
            fg="yellow",
            err=True,
        )
    made = len(rows) - len(built.reused)
    what = f"{made} made" if made else "nothing has changed"
    click.echo(
        f"{len(rows)} package{'s' if len(rows) != 1 else ''} in .lambent/build, {what}. ({took:.1f} s)"
    )


def _table(rows: Sequence[PackageSize]) -> None:
    from lambent.deploy.build.limits import megabytes

    print_table(
        ("PACKAGE", "SIZE", "UNPACKED", "WITH LAYERS", "LARGEST"),
        [
            (
                f"[bold]{plain(row.name)}[/]"
                if row.kind == "unit"
                else f"[cyan]{plain(row.name)}[/] (layer)",
                megabytes(row.size),
                megabytes(row.unpacked),
                megabytes(row.total) if row.layers else "",
                plain(
                    ", ".join(
                        f"{part.name} {megabytes(part.unpacked)}"
                        for part in row.parts[:_LARGEST]
                        if part.unpacked
                    )
                ),
            )
            for row in rows
        ],
        right=("SIZE", "UNPACKED", "WITH LAYERS"),
    )


def _json(row: PackageSize, built: Build) -> dict[str, object]:
    import msgspec

    artefact = (built.units if row.kind == "unit" else built.layers)[row.name]
    return {
        **msgspec.to_builtins(row),
        "path": str(artefact.path),
        "sha256": artefact.sha256,
        "fingerprint": artefact.fingerprint,
    }


def _explain(
    project: Project, manifest: Manifest, unit: str | None, path: str | None, *, as_json: bool
) -> None:
    import msgspec

    from lambent.cli.progress import shown
    from lambent.deploy.build import explain

    names = [one.name for one in manifest.units] if unit is None else [unit]
    with shown() as progress:
        found = {name: explain(project, manifest, name, path, progress=progress) for name in names}
    if as_json:
        print_json({name: msgspec.to_builtins(rows) for name, rows in found.items()})
        return
    for name, rows in found.items():
        if len(found) > 1:
            click.secho(f"\n{name}", bold=True)
        if path is not None and len(rows) == 1:
            _one(rows[0])
        else:
            _all(rows)


def _one(row: Explanation) -> None:
    from lambent.deploy.build.limits import megabytes

    where = f", in the layer {row.layer}" if row.layer else ""
    click.echo(f"{click.style(row.name, bold=True)} ({megabytes(row.size)}{where})")
    for reason in row.because:
        click.echo(f"  {reason}")


def _all(rows: Sequence[Explanation]) -> None:
    from lambent.deploy.build.limits import megabytes

    print_table(
        ("FILE OR PACKAGE", "SIZE", "LAYER", "WHY"),
        [
            (
                plain(row.name) if row.kind == "code" else f"[cyan]{plain(row.name)}[/]",
                megabytes(row.size),
                plain(row.layer),
                plain("; ".join(row.because)),
            )
            for row in rows
        ],
        right=("SIZE",),
    )
