"""`lambent render`."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lambent.cli.deploy_target import FAILED, failures
from lambent.cli.failure import Failure
from lambent.cli.output import json_option, print_json

if TYPE_CHECKING:
    from lambent.deploy.render import CodeLocation


@click.command("render")
@click.option(
    "--format", "format_", default="cloudformation", show_default=True, metavar="FORMAT", help='Or "sam".'
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), metavar="DIR", help="Where to write.  [default: print]"
)
@click.option("--stage", metavar="STAGE", help='The stage.  [default: of the settings, or "dev"]')
@click.option("--app", metavar="APP", help='A folder, a file, or "module.attribute".  [default: found here]')
@json_option
def command(format_: str, output: Path | None, stage: str | None, app: str | None, as_json: bool) -> None:
    """Write the app as a template for another tool: CloudFormation, or SAM.

    Packages are built, and the template names their files, for `sam deploy` or `aws cloudformation package` to upload.
    `lambent deploy apply` needs none of this.
    """
    with failures():
        files = _rendered(format_, output, stage, app)
        if output is None:
            _print(format_, files, as_json=as_json)
            return
        written = _write(output, files)
        if as_json:
            print_json({"format": format_, "files": written})
            return
        for path in written:
            click.echo(path)
        hint = _next(format_, written[0])
        if hint:
            click.echo(hint, err=True)


def _rendered(format_: str, output: Path | None, stage_name: str | None, app: str | None) -> dict[str, bytes]:
    """The files. Raises DeployError and Failure."""
    from lambent.deploy.render import renderer_named

    renderer = renderer_named(format_)  # before the work, of which nothing would be left

    from lambent.cli.progress import shown
    from lambent.deploy.analysis import analyse
    from lambent.deploy.build import build
    from lambent.deploy.project_file import load_project
    from lambent.deploy.render import Target

    project = load_project(Path.cwd(), app=app)
    if project.template is not None:
        raise Failure(f"{project.template.name} is a template already.", exit_code=FAILED)
    stage = project.stage_named(stage_name)
    manifest = analyse(project, stage)
    with shown() as progress:
        built = build(project, manifest, progress=progress)
    for note in built.notes:
        click.echo(note, err=True)
    beside = Path.cwd() if output is None else output
    target = Target(
        stage=stage,
        code={unit: _location(artefact.path, beside) for unit, artefact in built.units.items()},
        layers={name: _location(artefact.path, beside) for name, artefact in built.layers.items()},
        unit_layers=built.unit_layers,
    )
    return renderer.render(manifest, target)


def _location(path: Path, beside: Path) -> CodeLocation:
    """A file, as a template in the folder `beside` names it."""
    from lambent.deploy.render import CodeLocation

    return CodeLocation("", Path(os.path.relpath(path.resolve(), beside.resolve())).as_posix())


def _print(format_: str, files: dict[str, bytes], *, as_json: bool) -> None:
    if as_json:
        print_json({"format": format_, "files": {name: content.decode() for name, content in files.items()}})
    elif len(files) == 1:
        (content,) = files.values()
        click.echo(content.decode(), nl=False)
    else:
        raise Failure(
            f"{format_} has several files: {', '.join(files)}.",
            hint="Say where to: --output DIR.",
            exit_code=FAILED,
        )


def _write(folder: Path, files: dict[str, bytes]) -> list[str]:
    """Writes the files whole or not at all; their paths."""
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            path = folder / name
            partial = path.with_name(f".{path.name}.{os.getpid()}")
            try:
                partial.write_bytes(content)
                partial.replace(path)
            finally:
                partial.unlink(missing_ok=True)
            written.append(str(path))
    except OSError as error:
        raise Failure(
            f"{folder} cannot be written to: {error.strerror}.",
            hint="Say another with --output DIR.",
            exit_code=FAILED,
        ) from error
    return written


def _next(format_: str, template: str) -> str:
    if format_ == "sam":
        return (
            f"Next: sam deploy --guided --template-file {shlex.quote(template)} --capabilities CAPABILITY_IAM"
        )
    if format_ == "cloudformation":
        return (
            f"Next: aws cloudformation package --template-file {shlex.quote(template)} --s3-bucket BUCKET "
            "--output-template-file packaged.yaml"
        )
    return ""
