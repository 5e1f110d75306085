"""What the code's names mean where it runs: "receipts" is the queue shop-dev-receipts of the app at hand.

The app at hand is the one that `lambent dev` runs in the project, or else the project that the working directory is in,
in the stage that is named. A name that none of its resources has is taken as it is: a physical name, an ARN or a URL.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

import click

from lambent.cli.failure import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from lambent.cli.endpoint import Endpoint
    from lambent.deploy.deployed import Deployed

    Command = TypeVar("Command", bound=Callable[..., Any])

_T = TypeVar("_T")
_REGIONAL: Final = re.compile(r"-\d{12}-[a-z]+(?:-[a-z]+)+-\d$")  # the end of a bucket's name

TYPES: Final = {
    "queue": "AWS::SQS::Queue",
    "topic": "AWS::SNS::Topic",
    "bucket": "AWS::S3::Bucket",
    "table": "AWS::DynamoDB::Table",
    "stream": "AWS::Kinesis::Stream",
    "function": "AWS::Lambda::Function",
    "schedule": "AWS::Scheduler::Schedule",
    "rule": "AWS::Events::Rule",
}
"""CloudFormation's types of the kinds that commands ask for."""


def stage_option(command: Command) -> Command:
    """Adds `--stage`; the command gets `stage`."""
    return click.option(
        "--stage",
        metavar="STAGE",
        help="The stage of the project whose resources are meant.  [default: that of lambent dev, or of the settings]",
    )(command)


class _Meant(NamedTuple):
    app: str
    stage: str
    stack: str | None = None
    """None: as the pipeline names it."""


class Resources:
    """The resources of the app at hand. It is looked for when a name is first asked for."""

    def __init__(self, where: Endpoint, stage: str | None = None, directory: Path | None = None) -> None:
        self._where = where
        self._stage = stage
        self._directory = directory
        self._looked = False
        self._found: Deployed | None = None

    @property
    def app(self) -> str | None:
        """The app's name; None where no project is at hand. Raises Failure."""
        meant = self._meant()
        return None if meant is None else meant.app

    @property
    def deployed(self) -> Deployed | None:
        """What is deployed of it at the endpoint; None where nothing is. Raises Failure, and botocore's errors."""
        if not self._looked:
            self._looked = True
            meant = self._meant()
            if meant is not None:
                self._found = self._find(meant)
        return self._found

    def _find(self, meant: _Meant) -> Deployed | None:
        from lambent.deploy.deployed import Deployed, NotDeployed
        from lambent.deploy.errors import DeployError

        try:
            if meant.stack is None:
                return Deployed.find(self._where, meant.app, meant.stage)
            return Deployed.of_stack(self._where, meant.stack, app=meant.app, stage=meant.stage)
        except NotDeployed:
            return None
        except DeployError as error:
            raise Failure(str(error), hint=error.hint) from error

    def physical(self, kind: str, name: str) -> str | None:
        """What Ref gives for a resource that the code calls `name`: a queue's URL, a topic's ARN, otherwise a name.

        None where the app has none such. `kind` is one of TYPES. Logical ids are names as well: a stack may be a
        template of one's own. Raises Failure, and botocore's errors.
        """
        deployed = None if name.startswith(("arn:", "http://", "https://")) else self.deployed
        if deployed is None:
            return None
        resource = deployed.resources.get(name)
        if resource is not None and resource.type == TYPES[kind]:
            return resource.physical
        return deployed.physical(kind, name)

    def known(self, kinds: Iterable[str]) -> str:
        """A sentence that says which resources of these kinds the app has, for whoever named another."""
        deployed = self.deployed
        if deployed is None:
            return "No stack of a project is at hand, so it must be the physical name."
        names = sorted(
            {
                _of_the_code(resource.physical, f"{deployed.app}-{deployed.stage}-")
                for kind in kinds
                for resource in deployed.of_type(TYPES[kind])
            }
        )
        return f"{deployed.stack} has {', '.join(names)}." if names else f"{deployed.stack} has none."

    def _meant(self) -> _Meant | None:
        """Raises Failure where there is a project whose app cannot be imported to tell its name."""
        from lambent.deploy import dev_session

        session = dev_session.find(self._directory)
        if session is not None and self._stage in (None, session.stage) and self._is(session.url):
            return _Meant(session.app, session.stage, session.stack)
        from pathlib import Path

        from lambent.deploy.errors import DeployError
        from lambent.deploy.project_file import load_project

        try:
            project = load_project(self._directory or Path.cwd())
        except DeployError:
            return None  # there is none
        name = project.name
        if name is None and project.handler is not None:
            from lambent.deploy.analysis import analyse

            try:
                name = analyse(project, project.stage_named(self._stage)).app
            except DeployError as error:
                raise Failure(
                    f"What the app is called cannot be told: {error}",
                    hint=error.hint
                    or "With its name in lambent.toml ([app] name) it need not be imported for that.",
                ) from error
        return None if name is None else _Meant(name, project.stage_named(self._stage).name)

    def _is(self, url: str) -> bool:
        return url.rstrip("/") == self._where.url


def call_function(where: Endpoint, stage: str | None, name: str, call: Callable[[str], _T]) -> _T:
    """`call` with the name of a function, or where there is none of that name, with what the code's name stands for.

    Raises botocore's errors.
    """
    from botocore.exceptions import ClientError

    try:
        return call(name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        physical = Resources(where, stage).physical("function", name)
        if physical is None or physical == name:
            raise
    return call(physical)


def _of_the_code(physical: str, prefix: str) -> str:
    """What the code calls a resource, of what Ref gives for it."""
    name = re.split(r"[/:|]", physical)[-1]
    return _REGIONAL.sub("", name).removeprefix(prefix)
