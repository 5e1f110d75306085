"""The provider "local": a Lambent platform, on this machine or another, which speaks AWS's protocols at its URL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lambent.deploy import dev_session
from lambent.deploy.errors import ProviderError
from lambent.deploy.names import stack_name
from lambent.deploy.providers.access import Access
from lambent.deploy.providers.cloudformation import CloudFormation

if TYPE_CHECKING:
    from lambent.deploy.providers.provider import Request

_DEFAULT_URL: Final = "http://127.0.0.1:4566"
_DEFAULT_REGION: Final = "us-east-1"
_ANY_KEYS: Final = ("lambent", "lambent")
"""A platform without credentials of its own takes what it gets."""


def local(request: Request) -> CloudFormation:
    """URL: of the command line, the settings, LAMBENT_ENDPOINT_URL, AWS_ENDPOINT_URL, a running `lambent dev`, 4566.

    Raises ProviderError.
    """
    settings, environment = request.settings, request.environment
    session = dev_session.read(request.project.root)
    endpoint = (
        request.endpoint_url
        or settings.endpoint_url
        or environment.get("LAMBENT_ENDPOINT_URL")
        or environment.get("AWS_ENDPOINT_URL")
        or (session.url if session is not None else None)
        or _DEFAULT_URL
    )
    named = request.profile or settings.profile
    keys = request.keys
    if (
        keys is None
        and not named
        and not any(environment.get(key) for key in ("AWS_ACCESS_KEY_ID", "AWS_PROFILE"))
    ):
        keys = _ANY_KEYS
    access = Access(
        of="The platform",
        region=request.region
        or request.stage.region
        or settings.region
        or environment.get("AWS_REGION")
        or environment.get("AWS_DEFAULT_REGION")
        or (session.region if session is not None else _DEFAULT_REGION),
        profile=named,
        endpoint_url=endpoint,
        keys=keys,
        environment=environment,
        attempts=1,  # it is there or it is not: no network between that loses anything
    )

    def check(app: str, stage: str) -> None:
        if session is None or session.url.rstrip("/") != access.endpoint_url:
            return
        if session.stack == stack_name(app, stage):
            raise ProviderError(
                f"{session.stack} at {session.url} belongs to the `lambent dev` that is running (process "
                f"{session.pid}), which keeps it up to date itself",
                hint="Deploy to another stage (--stage), to another platform (--endpoint-url), or end it first.",
            )

    return CloudFormation("local", access, bucket=settings.bucket, check=check)
