"""Templates, policies and snippets in S3, by their URLs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import parse_qs, unquote, urlsplit

from lambent.neighbours.service_calls import ServiceCall, ServiceFailure, ServiceMissing
from lambent.stacks.errors import ValidationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.neighbours.service_calls import AskService

LARGEST_BYTES: Final = 1_000_000
"""Of a template in S3 (CloudFormation's quotas)."""

_MORE: Final = "For more information check http://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html"
# s3.amazonaws.com, s3.eu-west-1.amazonaws.com, s3-eu-west-1.amazonaws.com, s3.dualstack.eu-west-1.amazonaws.com,
# s3.cn-north-1.amazonaws.com.cn; with the bucket's name before, or in the path.
_AWS: Final = re.compile(
    r"(?:(?P<bucket>.+)\.)?s3(?:[.-](?:fips[.-]|dualstack[.-])*[a-z]{2}[a-z0-9-]*)?\.amazonaws\.(?:com(?:\.cn)?|eu)"
)
# No other name can be a bucket's; some would be a path of the platform's own (`_lambent`).
_BUCKET: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{1,254}")
_OUR_HOSTS: Final = re.compile(
    r"(?:(?!s3\.)(?P<bucket>.+?)\.)?(?:s3\.)?(?:127\.0\.0\.1|localhost|\[?::1\]?|localhost\.localstack\.cloud)"
)


class Place(NamedTuple):
    """An object in S3; `version` is empty for the latest."""

    bucket: str
    key: str
    version: str = ""


class Fetcher:
    """Reads texts in S3, through the platform's S3 service: no other server is ever asked.

    `endpoints`: URLs that the platform answers at, whose hosts mean its own S3.
    """

    def __init__(self, ask: AskService, endpoints: Callable[[], list[str]]) -> None:
        self._ask = ask
        self._endpoints = endpoints

    async def text(self, url: str, account: str, region: str) -> str:
        """What a TemplateURL leads to. Raises ValidationError in CloudFormation's words."""
        place = self.place(url)
        if place is None:
            raise ValidationError("TemplateURL must be a supported URL.")
        if url.startswith("s3:"):
            # Such URLs are for includes; recorded of AWS: LocalStack's api/test_templates, s3_url.
            raise ValidationError(
                f"S3 error: Domain name specified in {place.bucket} is not a valid S3 domain"
            )
        try:
            body = await self.body(place, account, region)
        except ServiceFailure as failure:
            said = {
                "NoSuchBucket": "The specified bucket does not exist",
                "NoSuchKey": "The specified key does not exist.",
                "AccessDenied": "Access Denied",
            }.get(failure.code, failure.message or failure.code)
            raise ValidationError(f"S3 error: {said}\n{_MORE}") from None
        except (ServiceMissing, ValueError) as wrong:
            raise ValidationError(f"S3 error: {wrong}\n{_MORE}") from None
        if len(body) > LARGEST_BYTES:
            raise ValidationError(f"Template may not exceed {LARGEST_BYTES} bytes in size.")
        try:
            return body.decode()
        except UnicodeDecodeError:
            raise ValidationError("Template format error: unsupported structure.") from None

    async def body(self, place: Place, account: str, region: str) -> bytes:
        """The object. Raises ServiceFailure, and what asking raises."""
        parameters = {"Bucket": place.bucket, "Key": place.key}
        if place.version:
            parameters["VersionId"] = place.version
        answer = await self._ask(ServiceCall("s3", "GetObject", parameters, region, account, ""))
        body: bytes = answer["Body"]
        return body

    def place(self, url: str) -> Place | None:
        """Which object a URL is of: `s3://bucket/key`, or S3's in every style, at AWS's hosts and at the platform's
        own. None where it is no URL of S3.
        """
        try:
            parts = urlsplit(url)
            host, port = (parts.hostname or "").lower(), parts.port
        except ValueError:
            return None
        path = unquote(parts.path)
        if parts.scheme == "s3":
            return _place(parts.netloc, path, "")
        if parts.scheme not in ("http", "https"):
            return None
        version = parse_qs(parts.query).get("versionId", [""])[0]
        found = _AWS.fullmatch(host)
        if found is None:
            port = port or (443 if parts.scheme == "https" else 80)
            found = self._ours(host, port)
            if found is None:
                return None
        if found["bucket"]:
            return _place(found["bucket"], path, version)
        bucket, _, key = path.removeprefix("/").partition("/")
        return _place(bucket, f"/{key}", version)

    def _ours(self, host: str, port: int) -> re.Match[str] | None:
        for endpoint in self._endpoints():
            ours = urlsplit(endpoint)
            if (ours.port or (443 if ours.scheme == "https" else 80)) != port:
                continue
            found = re.fullmatch(
                rf"(?:(?!s3\.)(?P<bucket>.+?)\.)?(?:s3\.)?{re.escape((ours.hostname or '').lower())}", host
            )
            found = found or _OUR_HOSTS.fullmatch(host)
            if found is not None:
                return found
        return None


def _place(bucket: str, path: str, version: str) -> Place | None:
    key = path.removeprefix("/")
    return Place(bucket, key, version) if key and _BUCKET.fullmatch(bucket) else None
