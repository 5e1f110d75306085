"""Where apps are deployed to: "local" is a Lambent platform, "aws" a region of AWS, others are entry points.

Both send the same CloudFormation template to an endpoint and differ in how that is found and spoken of.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Final

from lambent.deploy.errors import ProviderError
from lambent.deploy.providers.provider import (
    Deployment,
    Drift,
    FunctionInfo,
    Info,
    LogLine,
    LogQuery,
    Outcome,
    Provider,
    QueueInfo,
    Removal,
    Request,
    Silence,
    Step,
    Watch,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lambent.deploy.project import Project, Stage

__all__ = [
    "Deployment",
    "Drift",
    "FunctionInfo",
    "Info",
    "LogLine",
    "LogQuery",
    "Outcome",
    "Provider",
    "QueueInfo",
    "Removal",
    "Request",
    "Silence",
    "Step",
    "Watch",
    "provider_named",
]

GROUP: Final = "lambent.providers"


def provider_named(
    project: Project,
    name: str | None,
    *,
    stage: Stage | None = None,
    region: str | None = None,
    profile: str | None = None,
    endpoint_url: str | None = None,
    keys: tuple[str, str] | None = None,
    environment: Mapping[str, str] = os.environ,
) -> Provider:
    """A provider by its name; without one the stage's, else the project's. What is named here beats the settings.

    Raises ProviderError when there is none of the name, or when its settings cannot be used.
    """
    stage = stage or project.stage_named(None)
    name = name or stage.provider or project.provider
    request = Request(
        project=project,
        stage=stage,
        settings=project.settings_of_provider(name),
        region=region,
        profile=profile,
        endpoint_url=endpoint_url,
        keys=keys,
        environment=environment,
    )
    if name == "local":
        from lambent.deploy.providers.local import local

        return local(request)
    if name == "aws":
        from lambent.deploy.providers.aws import aws

        return aws(request)
    return _plugged_in(name, request)


def _plugged_in(name: str, request: Request) -> Provider:
    from importlib.metadata import entry_points

    found = {point.name: point for point in entry_points(group=GROUP)}
    if name not in found:
        known = ", ".join(sorted({"aws", "local", *found}))
        raise ProviderError(
            f"there is no provider {name}: there are {known}",
            hint=f"Others come with packages that have an entry point of the group {GROUP}.",
        )
    try:
        make = found[name].load()
    except Exception as error:
        raise ProviderError(
            f"the provider {name} ({found[name].value}) cannot be imported: {type(error).__name__}: {error}",
            hint="Update or reinstall the package that it comes with.",
        ) from error
    provider: Provider = make(request)
    return provider
