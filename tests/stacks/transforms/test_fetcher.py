"""Templates by their URLs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from lambent.stacks.errors import ValidationError
from lambent.stacks.transforms import Fetcher
from lambent.stacks.transforms.fetcher import Place

if TYPE_CHECKING:
    from lambent.neighbours.service_calls import ServiceCall


async def _nobody(call: ServiceCall) -> dict[str, Any]:
    raise AssertionError(call)


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("s3://code/a/t.yaml", Place("code", "a/t.yaml")),
        ("https://s3.amazonaws.com/code/a/t.yaml", Place("code", "a/t.yaml")),
        ("http://s3.amazonaws.com/code/t", Place("code", "t")),
        ("https://s3.eu-west-1.amazonaws.com/code/t", Place("code", "t")),
        ("https://s3-eu-west-1.amazonaws.com/code/t", Place("code", "t")),
        ("https://s3.dualstack.eu-west-1.amazonaws.com/code/t", Place("code", "t")),
        ("https://s3.cn-north-1.amazonaws.com.cn/code/t", Place("code", "t")),
        ("https://code.s3.amazonaws.com/a/t", Place("code", "a/t")),
        ("https://my.code.s3.eu-central-1.amazonaws.com/t", Place("my.code", "t")),
        ("https://code.s3-us-west-2.amazonaws.com/t", Place("code", "t")),
        ("https://code.s3.dualstack.us-east-1.amazonaws.com/t", Place("code", "t")),
        ("https://code.s3.us-east-1.amazonaws.com/t?versionId=v.1", Place("code", "t", "v.1")),
        ("https://code.s3.amazonaws.com/t?X-Amz-Signature=a&X-Amz-Date=b", Place("code", "t")),
        ("https://s3.amazonaws.com/code/with%20space%2B.yaml", Place("code", "with space+.yaml")),
        ("http://127.0.0.1:4566/code/a/t", Place("code", "a/t")),
        ("http://localhost:4566/code/t", Place("code", "t")),
        ("http://code.localhost:4566/t", Place("code", "t")),
        ("http://code.s3.localhost:4566/t", Place("code", "t")),
        ("http://s3.localhost:4566/code/t", Place("code", "t")),
        ("https://lambent.example.org/code/t", Place("code", "t")),
        ("https://code.s3.lambent.example.org/t", Place("code", "t")),
        ("http://127.0.0.1:4567/code/t", None),
        ("http://169.254.169.254/latest/meta-data", None),
        ("https://example.com/code/t", None),
        ("https://s3.amazonaws.com.example.com/code/t", None),
        ("https://s3.amazonaws.com/code", None),
        ("https://s3.amazonaws.com/", None),
        ("https://code.s3.amazonaws.com/", None),
        ("s3://code", None),
        ("file:///etc/passwd", None),
        ("https://s3.amazonaws.com:x/code/t", None),
        ("s3://_lambent/health", None),
        ("http://127.0.0.1:4566/_lambent/health", None),
        ("https://...s3.amazonaws.com/t", None),
        ("https://a b.s3.amazonaws.com/t", None),
        ("https://[::1/x", None),
        ("", None),
    ],
)
def test_urls_of_objects(url: str, place: Place | None) -> None:
    fetcher = Fetcher(_nobody, lambda: ["http://127.0.0.1:4566", "https://lambent.example.org"])
    assert fetcher.place(url) == place


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("s3://code/t.yaml", "S3 error: Domain name specified in code is not a valid S3 domain"),
        ("https://example.com/t.yaml", "TemplateURL must be a supported URL."),
    ],
)
def test_urls_that_lead_to_no_template(url: str, message: str) -> None:
    with pytest.raises(ValidationError) as refused:
        asyncio.run(Fetcher(_nobody, list).text(url, "000000000000", "us-east-1"))
    assert str(refused.value) == message
