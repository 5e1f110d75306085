"""Signatures: the same as botocore's for the same request."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotocoreCredentials
from hypothesis import given
from hypothesis import strategies as st

from lambent.app.client.credentials import Credentials
from lambent.app.client.signing import signed, timestamp

SERVICES = ["sqs", "lambda", "execute-api", "dynamodb", "ssm", "secretsmanager"]
VISIBLE = st.characters(min_codepoint=33, max_codepoint=126)
NAMES = st.from_regex(r"x-[a-z0-9-]{1,12}", fullmatch=True) | st.sampled_from(
    [
        "content-type",
        "user-agent",
        "x-amz-target",
        "x-amzn-trace-id",
        "traceparent",
        "te",
        "x-amz-client-context",
    ]
)


@st.composite
def paths(draw: st.DrawFn) -> str:
    """Paths as they are on the wire, with whatever is in them percent-encoded."""
    segments = draw(
        st.lists(st.text(max_size=8) | st.sampled_from(["", ".", "..", "a=b", "@connections"]), max_size=4)
    )
    return "/" + "/".join(quote(one, safe=draw(st.sampled_from(["-._~", "-._~@:="]))) for one in segments)


@st.composite
def queries(draw: st.DrawFn) -> str:
    pairs = draw(st.lists(st.tuples(st.text(max_size=4), st.none() | st.text(max_size=4)), max_size=4))
    return "&".join(
        quote(name, safe="-._~") + ("" if value is None else f"={quote(value, safe='-._~')}")
        for name, value in pairs
    )


@given(
    service=st.sampled_from(SERVICES),
    region=st.sampled_from(["us-east-1", "cn-north-1", "us-gov-west-1"]),
    method=st.sampled_from(["GET", "POST", "DELETE"]),
    path=paths(),
    query=queries(),
    headers=st.dictionaries(
        NAMES, st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20), max_size=5
    ),
    body=st.binary(max_size=50),
    secret=st.text(VISIBLE, min_size=1, max_size=40),
    token=st.none() | st.text(VISIBLE, min_size=1, max_size=40),
    port=st.sampled_from(["", ":4566"]),
)
def test_same_authorization_as_botocore(
    service: str,
    region: str,
    method: str,
    path: str,
    query: str,
    headers: dict[str, str],
    body: bytes,
    secret: str,
    token: str | None,
    port: str,
) -> None:
    host = f"{service}.{region}.example.com{port}"
    url = f"https://{host}{path}" + (f"?{query}" if query else "")
    theirs = AWSRequest(method, url, headers=dict(headers), data=body)
    SigV4Auth(BotocoreCredentials("AKID", secret, token), service, region).add_auth(theirs)

    ours = signed(
        method,
        path,
        query,
        {"host": host, **headers},
        body,
        service=service,
        region=region,
        credentials=Credentials("AKID", secret, token),
        at=theirs.headers["X-Amz-Date"],
    )

    assert ours["authorization"] == theirs.headers["Authorization"]
    assert ours.get("x-amz-security-token") == theirs.headers.get("X-Amz-Security-Token")


@pytest.mark.parametrize("query", ["a=1&a-b=2", "b=1&a", "a=2&a=1", "a=&a"])
def test_queries_are_ordered_by_name_and_then_by_value(query: str) -> None:
    theirs = AWSRequest("GET", f"https://sqs.example.com/?{query}")
    SigV4Auth(BotocoreCredentials("AKID", "secret"), "sqs", "us-east-1").add_auth(theirs)
    ours = signed(
        "GET",
        "/",
        query,
        {"host": "sqs.example.com"},
        b"",
        service="sqs",
        region="us-east-1",
        credentials=Credentials("AKID", "secret"),
        at=theirs.headers["X-Amz-Date"],
    )
    assert ours["authorization"] == theirs.headers["Authorization"]


def test_time_is_utc() -> None:
    assert timestamp(0) == "19700101T000000Z"
