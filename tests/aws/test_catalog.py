"""The catalog against botocore's metadata."""

from __future__ import annotations

import pytest

from lambent.aws.catalog import BY_QUERY_VERSION, ENTRIES, Entry, service_of_host
from lambent.aws.model import load_model, read_description


@pytest.mark.parametrize("entry", ENTRIES, ids=[entry.name for entry in ENTRIES])
def test_entries_are_botocores(entry: Entry) -> None:
    metadata = read_description(entry.name)["metadata"]
    assert entry.protocol == metadata["protocol"]
    assert entry.endpoint_prefix == metadata["endpointPrefix"]
    assert entry.signing_name == metadata.get("signingName", metadata["endpointPrefix"])
    assert entry.target_prefix == metadata.get("targetPrefix")


@pytest.mark.parametrize(("version", "service"), BY_QUERY_VERSION.items())
def test_query_versions_are_botocores(version: str, service: str) -> None:
    assert load_model(service).api_version == version


@pytest.mark.parametrize(
    ("host", "service"),
    [
        ("lambda.us-east-1.amazonaws.com", "lambda"),
        ("lambda.localhost:4566", "lambda"),
        ("LAMBDA.localhost", "lambda"),
        ("streams.dynamodb.us-east-1.amazonaws.com", "dynamodbstreams"),
        ("monitoring.eu-west-1.amazonaws.com", "cloudwatch"),
        ("my-bucket.s3.us-east-1.amazonaws.com", "s3"),
        ("localhost:4566", None),
        ("127.0.0.1:4566", None),
        ("example.com", None),
        ("", None),
    ],
)
def test_service_of_host(host: str, service: str | None) -> None:
    found = service_of_host(host)
    assert (found.name if found is not None else None) == service
