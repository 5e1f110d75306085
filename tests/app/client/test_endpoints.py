"""Endpoints: those that botocore's rules resolve to, unless variables say otherwise."""

from __future__ import annotations

import pytest
from botocore.endpoint_provider import EndpointProvider
from botocore.loaders import Loader

from lambent.app.client import endpoints
from lambent.app.client.errors import NotConfigured
from lambent.app.client.service import service

LOADER = Loader()
PARTITIONS = LOADER.load_data("partitions")
REGIONS = [name for one in PARTITIONS["partitions"] for name in one["regions"] if "global" not in name]


@pytest.mark.parametrize("name", ["sqs", "lambda", "dynamodb", "ssm", "secretsmanager"])
def test_same_endpoint_as_botocore_in_each_region(name: str, variables: pytest.MonkeyPatch) -> None:
    rules = EndpointProvider(LOADER.load_service_model(name, "endpoint-rule-set-1"), PARTITIONS)
    assert len(REGIONS) > 30
    for region in REGIONS:
        theirs = rules.resolve_endpoint(Region=region, UseFIPS=False, UseDualStack=False).url
        assert service(name).endpoint(region) == theirs


VARIABLES = [
    # variables, endpoint of secretsmanager
    ({}, "https://secretsmanager.eu-west-1.amazonaws.com"),
    ({"AWS_ENDPOINT_URL": "http://all"}, "http://all"),
    ({"AWS_ENDPOINT_URL": "http://all", "AWS_ENDPOINT_URL_SECRETS_MANAGER": "http://one"}, "http://one"),
    ({"AWS_ENDPOINT_URL": "http://all", "AWS_ENDPOINT_URL_SQS": "http://other"}, "http://all"),
    ({"AWS_ENDPOINT_URL": ""}, "https://secretsmanager.eu-west-1.amazonaws.com"),
    (
        {"AWS_ENDPOINT_URL": "http://all", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "TRUE"},
        "https://secretsmanager.eu-west-1.amazonaws.com",
    ),
    ({"AWS_ENDPOINT_URL": "http://all", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false"}, "http://all"),
]


@pytest.mark.parametrize(("settings", "expected"), VARIABLES)
def test_variables_set_endpoints(
    settings: dict[str, str], expected: str, variables: pytest.MonkeyPatch
) -> None:
    for name, value in settings.items():
        variables.setenv(name, value)
    assert service("secretsmanager").endpoint("eu-west-1") == expected


URLS = [
    # URL, what it is parsed to
    ("https://sqs.amazonaws.com", ("https", "sqs.amazonaws.com", 443, "sqs.amazonaws.com", "")),
    ("http://localhost:4566/", ("http", "localhost", 4566, "localhost:4566", "")),
    ("http://localhost:80/base/", ("http", "localhost", 80, "localhost", "/base")),
    ("https://[::1]:8443", ("https", "::1", 8443, "[::1]:8443", "")),
]  # fmt: skip


@pytest.mark.parametrize(("url", "expected"), URLS)
def test_urls_in_parts(url: str, expected: tuple[str, str, int, str, str]) -> None:
    assert endpoints.parse(url) == expected


@pytest.mark.parametrize("url", ["localhost:4566", "ftp://x", "http://", "http://x:port"])
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(NotConfigured, match="InvalidEndpoint"):
        endpoints.parse(url)


def test_region_comes_from_the_environment(variables: pytest.MonkeyPatch) -> None:
    variables.setenv("AWS_DEFAULT_REGION", "us-west-2")
    assert endpoints.region() == "eu-west-1"
    variables.delenv("AWS_REGION")
    assert endpoints.region() == "us-west-2"
    variables.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(NotConfigured, match="Set AWS_REGION"):
        endpoints.region()


def test_a_region_cannot_lead_elsewhere(variables: pytest.MonkeyPatch) -> None:
    with pytest.raises(NotConfigured, match="InvalidRegion"):
        service("sqs").endpoint("evil.example/")
