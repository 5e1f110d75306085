"""Signatures, beside botocore's for the same request."""

from __future__ import annotations

import calendar
import datetime
from typing import Any

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from lambent.neighbours.endpoint import Keys
from lambent.neighbours.signing import signed

KEYS = Keys("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "token/+=")
MOMENT = calendar.timegm((2026, 1, 2, 3, 4, 5))


@pytest.mark.parametrize(
    ("service", "method", "target", "body", "headers"),
    [
        ("s3", "GET", "/bucket/a%20folder/%C3%BC%2B~x", b"", {}),
        ("s3", "GET", "/bucket?list-type=2&prefix=a%2Fb&delimiter=%2F&empty", b"", {}),
        ("s3", "PUT", "/bucket/k", b"body", {"content-type": "text/x", "x-amz-meta-a": "b"}),
        ("ssm", "POST", "/", b"{}", {"content-type": "application/x-amz-json-1.1", "x-amz-target": "A.B"}),
        ("scheduler", "GET", "/schedules/a%20b?x=1%202&b=2", b"", {}),
        ("iam", "POST", "/", b"Action=ListRoles", {"content-type": "application/x-www-form-urlencoded"}),
    ],
)
def test_signatures(
    call: Any,
    monkeypatch: pytest.MonkeyPatch,
    service: str,
    method: str,
    target: str,
    body: bytes,
    headers: dict[str, str],
) -> None:
    request = AWSRequest(method, f"https://endpoint.example{target}", headers, data=body)
    frozen = Credentials(KEYS.access_key, KEYS.secret_key, KEYS.session_token)
    signer = (S3SigV4Auth if service == "s3" else SigV4Auth)(frozen, service, "eu-west-1")
    moment = datetime.datetime.fromtimestamp(MOMENT, datetime.UTC)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda *_: moment)
    signer.add_auth(request)

    raw = [(b"host", b"endpoint.example"), *((k.encode(), v.encode()) for k, v in headers.items())]
    if service == "s3":  # what the client has declared of its body
        raw.append((b"x-amz-content-sha256", request.headers["X-Amz-Content-SHA256"].encode()))
    stale = [(b"authorization", b"AWS4-HMAC-SHA256 of the client"), (b"x-amz-security-token", b"client's")]
    outgoing = call(
        service, method=method.encode(), target=target.encode(), body=body, region="eu-west-1"
    )._replace(headers=raw + stale)
    ours = signed(outgoing, KEYS, MOMENT)
    assert dict(ours.headers)[b"authorization"].decode() == request.headers["Authorization"]
    assert [value for name, value in ours.headers if name == b"x-amz-security-token"] == [b"token/+="]


def test_signatures_in_a_url_go(call: Any) -> None:
    query = (
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a%2Fb&X-Amz-Date=x&X-Amz-Expires=60"
        "&X-Amz-SignedHeaders=host&versionId=1&X-Amz-Signature=abc&X-Amz-Security-Token=t"
    )
    host = [(b"host", b"h")]
    presigned = call(target=f"/b/k?{query}".encode())._replace(headers=host)
    assert signed(presigned, KEYS).target == b"/b/k?versionId=1"
    old = call(target=b"/b/k?AWSAccessKeyId=a&Signature=b&Expires=1")._replace(headers=host)
    assert signed(old, KEYS).target == b"/b/k"
