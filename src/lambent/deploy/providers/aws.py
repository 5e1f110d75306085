"""The provider "aws": a region of AWS, or of whatever speaks its protocols at an endpoint URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambent.deploy.providers.access import Access
from lambent.deploy.providers.cloudformation import CloudFormation
from lambent.deploy.providers.refusals import refusals

if TYPE_CHECKING:
    from lambent.deploy.providers.provider import Request


def aws(request: Request) -> CloudFormation:
    """Region: the command line's, the stage's, the settings', AWS_REGION, the profile's. Raises ProviderError."""
    settings, environment = request.settings, request.environment
    endpoint = (
        request.endpoint_url
        or settings.endpoint_url
        # Said so that it is shown: botocore would follow the variable without a word.
        or environment.get("AWS_ENDPOINT_URL")
        or None
    )
    access = Access(
        of="AWS" if endpoint is None else endpoint,
        region=request.region or request.stage.region or settings.region,
        profile=request.profile or settings.profile,
        endpoint_url=endpoint,
        keys=request.keys,
        environment=environment,
    )
    with refusals(access):
        access.log_in()
    return CloudFormation("aws", access, bucket=settings.bucket)
