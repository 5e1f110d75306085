from __future__ import annotations

import pytest

from lambent.aws.s3_addressing import bucket_of_host, host_names_s3, path_names_bucket


@pytest.mark.parametrize(
    ("host", "bucket", "named"),
    [
        ("photos.s3.localhost:4566", "photos", True),
        ("a.b.s3.localhost", "a.b", True),
        ("photos.s3.us-east-1.amazonaws.com", "photos", True),
        ("photos.s3-eu-west-1.amazonaws.com", "photos", True),
        ("s3.photos.s3.amazonaws.com", "s3.photos", True),
        ("photos.localhost:4566", "photos", False),
        ("s3.localhost", None, True),
        ("s3.us-east-1.localhost", None, True),
        ("s3.amazonaws.com", None, True),
        ("localhost:4566", None, False),
        ("127.0.0.1:4566", None, False),
        ("platform.example.com", None, False),
        ("s3-control.us-east-1.amazonaws.com", None, False),
        ("", None, False),
    ],
)
def test_hosts(host: str, bucket: str | None, named: bool) -> None:
    assert bucket_of_host(host) == bucket
    assert host_names_s3(host) is named


@pytest.mark.parametrize(
    ("path", "bucket"),
    [
        (b"/photos", True),
        (b"/photos/a/b", True),
        (b"/my.bucket-1/", True),
        (b"/", False),
        (b"/ab", False),
        (b"/2015-03-31/functions", False),
        (b"/_lambent/none", False),
        (b"/Upper/x", False),
        (b"/-photos", False),
        (b"//photos", False),
    ],
)
def test_paths_of_anonymous_requests(path: bytes, bucket: bool) -> None:
    assert path_names_bucket(path) is bucket
