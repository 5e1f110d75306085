"""What the settings may say of a real endpoint."""

from __future__ import annotations

from typing import Any

import pytest

from lambent.neighbours.endpoint import Endpoint, Keys, read_endpoint


@pytest.mark.parametrize(
    ("value", "endpoint"),
    [
        ("https://minio.internal", Endpoint("https://minio.internal")),
        ("http://127.0.0.1:9000/", Endpoint("http://127.0.0.1:9000")),
        ("http://[::1]:9000", Endpoint("http://[::1]:9000")),
        ({"endpoint": "https://a", "region": "eu-west-1"}, Endpoint("https://a", region="eu-west-1")),
        (
            {"endpoint": "https://a", "access_key": "K", "secret_key": "S", "session_token": "T"},
            Endpoint("https://a", Keys("K", "S", "T")),
        ),
    ],
)
def test_endpoints(value: Any, endpoint: Endpoint) -> None:
    assert read_endpoint(value) == endpoint


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (5, "must be a URL, or a table"),
        ("", "endpoint must be text"),
        ("minio.internal", "no URL such as"),
        ("ftp://minio.internal", "no URL such as"),
        ("https://", "no URL such as"),
        ("https://a:port", "no URL"),
        ("https://a:99999", "no URL"),
        ("https://me:secret@a", "holds no credentials"),
        ("https://a/path", "must end after host and port"),
        ("https://a?x=1", "must end after host and port"),
        ({}, "needs an endpoint"),
        ({"endpoint": 5}, "endpoint must be text"),
        ({"endpoint": "https://a", "key": "K"}, "unknown key key: allowed are endpoint, access_key"),
        ({"endpoint": "https://a", "access_key": "K"}, "go together"),
        ({"endpoint": "https://a", "secret_key": "S"}, "go together"),
        ({"endpoint": "https://a", "session_token": "T"}, "needs access_key and secret_key"),
        ({"endpoint": "https://a", "region": "no region"}, "region 'no region'"),
    ],
)
def test_what_is_none(value: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        read_endpoint(value)


def test_secrets_are_not_shown() -> None:
    assert "S" not in repr(Endpoint("https://a", Keys("K", "S", "T"))).replace("Secret", "")
