"""What the commands of `lambent deploy` share: which app, which stage, where to, and what to do about errors."""

from __future__ import annotations

import contextlib
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click
import msgspec

from lambent.cli.failure import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lambent.cli.deploy_screen import Screen
    from lambent.deploy.project import Project, Stage
    from lambent.deploy.providers import Deployment, Provider

    Command = TypeVar("Command", bound=Callable[..., Any])

FAILED: Final = 1


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """What the options say."""

    app: str | None
    stage: str | None
    provider: str | None
    region: str | None
    profile: str | None
    endpoint_url: str | None


def options(command: Command) -> Command:
    """Adds `--app`, `--stage`, `--provider`, `--region`, `--profile` and `--endpoint-url`, in that order of help.

    The command gets them as keywords, for `Choice`.
    """
    for option in (
        click.option(
            "--endpoint-url", metavar="URL", help="The platform, or whatever speaks AWS's protocols."
        ),
        click.option(
            "--profile", metavar="NAME", help="A profile of ~/.aws, for credentials and the region."
        ),
        click.option("--region", metavar="REGION", help="AWS region.  [default: of the stage or provider]"),
        click.option(
            "--provider", metavar="NAME", help='"local", "aws" or another.  [default: of the settings]'
        ),
        click.option("--stage", metavar="STAGE", help='The stage.  [default: of the settings, or "dev"]'),
        click.option(
            "--app", metavar="APP", help='A folder, a file, or "module.attribute".  [default: found here]'
        ),
    ):
        command = option(command)
    return command


def choice(keywords: dict[str, Any]) -> Choice:
    """The options of `options`, taken out of a command's keywords."""
    return Choice(**{name: keywords.pop(name) for name in Choice.__struct_fields__})


class Target(msgspec.Struct, frozen=True):
    """The project, the stage and the provider that are meant."""

    project: Project
    stage: Stage
    provider: Provider

    def deployment(self, screen: Screen) -> Deployment:
        """Analyses and builds. Raises DeployError."""
        from lambent.deploy.analysis import analyse
        from lambent.deploy.build import build
        from lambent.deploy.providers import Deployment

        threading.Thread(target=self.provider.prepare, daemon=True, name="prepare").start()
        screen.phase("Analysing the app")
        manifest = analyse(self.project, self.stage)
        for finding in manifest.findings:
            screen.note(f"{finding.place}: {finding.message}" if finding.place else finding.message)
        screen.phase("Building")
        built = build(self.project, manifest, progress=screen.progress)
        for note in built.notes:
            screen.note(note)
        return Deployment(project=self.project, stage=self.stage, manifest=manifest, build=built)

    def app(self) -> str:
        """The app's name: of the settings, else the App's own. Raises DeployError."""
        from lambent.deploy.analysis import analyse
        from lambent.deploy.errors import AnalysisError

        if self.project.name is not None:
            return self.project.name
        try:
            return analyse(self.project, self.stage).app
        except AnalysisError as error:
            hint = 'Mend that, or say what the app is called: name = "…" below [app] in lambent.toml.'
            raise AnalysisError(error.message, hint=hint, place=error.place, output=error.output) from error


def target(chosen: Choice) -> Target:
    """Reads the project and finds the provider. Raises DeployError and Failure."""
    from lambent.deploy.project_file import load_project
    from lambent.deploy.providers import provider_named

    project = load_project(Path.cwd(), app=chosen.app)
    if project.template is not None:
        raise Failure(
            f"{project.template.name} is a template, and no app of Lambent's.",
            hint="`sam deploy` or `aws cloudformation deploy` deploy it; `lambent dev` runs it here.",
            exit_code=FAILED,
        )
    stage = project.stage_named(chosen.stage)
    name = chosen.provider or stage.provider or project.provider
    endpoint_url, region, keys = chosen.endpoint_url, chosen.region, None
    if name == "local":
        # The platform's settings say where it listens and which credentials it wants.
        from lambent.cli import endpoint

        settings = project.settings_of_provider(name)
        said = endpoint_url or settings.endpoint_url
        where = endpoint.resolve(said, region, directory=project.root)
        endpoint_url = where.url
        named = chosen.profile or settings.profile
        if not named and where.access_key is not None and where.secret_key is not None:
            keys = (where.access_key, where.secret_key)
        region = region or stage.region or settings.region or where.region
    provider = provider_named(
        project,
        name,
        stage=stage,
        region=region,
        profile=chosen.profile,
        endpoint_url=endpoint_url,
        keys=keys,
    )
    return Target(project, stage, provider)


@contextlib.contextmanager
def failures() -> Iterator[None]:
    """Turns errors of deploying into Failure, and SIGTERM into what Ctrl-C does: nothing half-made is left."""
    from lambent.deploy.errors import AnalysisError, DeployError

    former = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except DeployError as error:
        if isinstance(error, AnalysisError) and error.output:
            click.echo(error.output.rstrip("\n"), err=True)
        raise Failure(_sentence(str(error)), hint=error.hint, exit_code=FAILED) from error
    except Failure as failure:
        raise Failure(failure.message, hint=failure.hint, exit_code=FAILED) from failure
    except KeyboardInterrupt:
        raise click.Abort from None
    finally:
        signal.signal(signal.SIGTERM, former)


def _sentence(text: str) -> str:
    """With a capital, unless the first word is a name: `app.py:3`, `shop-dev`, a URL."""
    first = text.partition(" ")[0]
    return text[:1].upper() + text[1:] if first.isalpha() else text
