"""Requests to services and operations."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from lambent.aws.router import Router, RoutingError

LOGS = b"Logs_20140328"
FORM = b"application/x-www-form-urlencoded; charset=utf-8"


@dataclass
class Sent:
    """A request as it arrives."""

    method: bytes = b"POST"
    path: bytes = b"/"
    query: bytes = b""
    body: bytes = b""
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)


ROUTER = Router(["lambda", "logs", "sqs", "sns"])


@pytest.mark.parametrize(
    ("sent", "signed_for", "expected"),
    [
        # by target
        (
            Sent(headers=[(b"x-amz-target", LOGS + b".CreateLogGroup")]),
            "logs",
            ("logs", "json", "CreateLogGroup"),
        ),
        (
            Sent(headers=[(b"x-amz-target", LOGS + b".CreateLogGroup")]),
            None,
            ("logs", "json", "CreateLogGroup"),
        ),
        (
            Sent(headers=[(b"x-amz-target", b"DynamoDBStreams_20120810.GetRecords")]),
            "dynamodb",
            ("dynamodbstreams", "json", "GetRecords"),
        ),
        # by scope and path
        (Sent(b"GET", b"/2015-03-31/functions"), "lambda", ("lambda", "rest-json", "ListFunctions")),
        (Sent(b"GET", b"/v2/apis"), "apigateway", ("apigatewayv2", "rest-json", "GetApis")),
        (Sent(b"GET", b"/restapis"), "apigateway", ("apigateway", "rest-json", "GetRestApis")),
        (Sent(b"PUT", b"/bucket"), "s3", ("s3", "rest-xml", "CreateBucket")),
        (
            Sent(b"GET", b"/2020-05-31/distribution"),
            "cloudfront",
            ("cloudfront", "rest-xml", "ListDistributions"),
        ),
        # by host
        (
            Sent(b"GET", b"/bucket", headers=[(b"host", b"s3.localhost:4566")]),
            None,
            ("s3", "rest-xml", "ListObjects"),
        ),
        # by path alone
        (Sent(b"GET", b"/2015-03-31/functions"), None, ("lambda", "rest-json", "ListFunctions")),
        # by action
        (
            Sent(body=b"Action=Publish&Version=2010-03-31&Message=a", headers=[(b"content-type", FORM)]),
            "sns",
            ("sns", "query", "Publish"),
        ),
        (Sent(b"GET", query=b"Action=ListTopics&Version=2010-03-31"), None, ("sns", "query", "ListTopics")),
        (
            Sent(body=b"Action=GetCallerIdentity&Version=2011-06-15", headers=[(b"content-type", FORM)]),
            None,
            ("sts", "query", "GetCallerIdentity"),
        ),
        (
            Sent(path=b"/0/q", body=b"Action=SendMessage&MessageBody=a", headers=[(b"content-type", FORM)]),
            "sqs",
            ("sqs", "query", "SendMessage"),
        ),
    ],
)
def test_routes(sent: Sent, signed_for: str | None, expected: tuple[str, str, str]) -> None:
    route = ROUTER.route(sent, signed_for)
    assert (route.service, route.protocol, route.operation) == expected


@pytest.mark.parametrize(
    ("sent", "signed_for", "service", "code", "status"),
    [
        (
            Sent(headers=[(b"x-amz-target", LOGS + b".Nonsense")]),
            "logs",
            "logs",
            "UnknownOperationException",
            400,
        ),
        (Sent(headers=[(b"x-amz-target", b"Nonsense.Do")]), "logs", "", "UnknownOperationException", 400),
        (Sent(headers=[(b"x-amz-target", b"\xff")]), None, "", "UnknownOperationException", 400),
        (Sent(b"GET", b"/nonsense"), "lambda", "lambda", "AccessDeniedException", 403),
        (Sent(b"GET", b"/nonsense"), None, "", "UnknownOperationException", 404),
        (Sent(b"GET", b"/nonsense"), "logs", "logs", "UnknownOperationException", 404),
        (Sent(b"GET", b"/"), "no-such-service", "no-such-service", "InvalidSignatureException", 403),
        (Sent(b"GET", b"/"), "../lambda", "../lambda", "InvalidSignatureException", 403),
        (Sent(query=b"Action=Nonsense&Version=2010-03-31"), "sns", "sns", "InvalidAction", 400),
        (Sent(query=b"Action=Publish&Version=1999-01-01"), None, "", "InvalidAction", 400),
    ],
)
def test_what_cannot_be_routed(
    sent: Sent, signed_for: str | None, service: str, code: str, status: int
) -> None:
    with pytest.raises(RoutingError) as raised:
        ROUTER.route(sent, signed_for)
    assert (raised.value.service, raised.value.code, raised.value.status) == (service, code, status)


def test_unknown_operations_in_awss_words() -> None:
    with pytest.raises(RoutingError) as raised:
        ROUTER.route(Sent(b"GET", b"/nonsense"), "lambda")
    assert raised.value.message == "Unable to determine service/operation name to be authorized"
    with pytest.raises(RoutingError) as raised:
        ROUTER.route(Sent(query=b"Action=Nonsense&Version=2010-03-31"), "sns")
    assert raised.value.message == "Could not find operation Nonsense for version 2010-03-31"


def _authorization(service: bytes) -> tuple[bytes, bytes]:
    return (
        b"authorization",
        b"AWS4-HMAC-SHA256 Credential=a/20240501/us-east-1/" + service + b"/aws4_request, x=y",
    )


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (Sent(headers=[_authorization(b"lambda")]), ("lambda", "rest-json")),
        (Sent(headers=[_authorization(b"s3")]), ("s3", "rest-xml")),
        (Sent(headers=[_authorization(b"sqs")]), ("sqs", "json")),
        (Sent(headers=[_authorization(b"sqs")], body=b"Action=SendMessage"), ("sqs", "query")),
        (Sent(headers=[_authorization(b"nonsense")]), ("", "rest-json")),
        (Sent(headers=[(b"x-amz-target", LOGS + b".X")]), ("logs", "json")),
        (Sent(query=b"X-Amz-Credential=a%2F20240501%2Fus-east-1%2Fs3%2Faws4_request"), ("s3", "rest-xml")),
        (Sent(headers=[(b"host", b"sns.us-east-1.amazonaws.com")]), ("sns", "query")),
        (Sent(body=b"Action=X"), ("", "query")),
        (Sent(), ("", "rest-json")),
    ],
)
def test_guesses_for_refusals(sent: Sent, expected: tuple[str, str]) -> None:
    assert ROUTER.guess(sent) == expected


@pytest.mark.parametrize(
    ("sent", "signed_for", "service"),
    [
        # ours
        (Sent(headers=[(b"x-amz-target", LOGS + b".CreateLogGroup")]), None, None),
        (Sent(b"GET", b"/2015-03-31/functions"), "lambda", None),
        (Sent(b"GET", b"/2015-03-31/functions"), None, None),
        (Sent(b"GET", b"/2015-03-31/nothing"), None, None),
        (Sent(b"GET", b"/bucket", headers=[(b"host", b"lambda.localhost")]), None, None),
        (Sent(body=b"Action=Publish&Version=2010-03-31", headers=[(b"content-type", FORM)]), None, None),
        # others'
        (
            Sent(headers=[(b"x-amz-target", b"DynamoDBStreams_20120810.GetRecords")]),
            "dynamodb",
            "dynamodbstreams",
        ),
        (Sent(headers=[(b"x-amz-target", b"AWSGlue.GetTables")]), "glue", "glue"),
        (Sent(body=b"Action=ListRoles&Version=2010-05-08", headers=[(b"content-type", FORM)]), None, "iam"),
        (Sent(b"GET", b"/bucket"), "s3", "s3"),
        (Sent(b"GET", b"/2015-03-31/functions"), "s3", "s3"),
        (Sent(b"PUT", b"/bucket/key"), None, "s3"),
        (Sent(b"GET", b"/k", headers=[(b"host", b"a.b.c.s3.eu-west-1.amazonaws.com")]), None, "s3"),
        (Sent(b"GET", b"/B/k", b"AWSAccessKeyId=a&Signature=b&Expires=1"), None, "s3"),
        (Sent(b"GET", b"/us-east-1_abc/.well-known/jwks.json"), None, "cognito-idp"),
        # nobody's
        (Sent(b"GET", b"/"), None, None),
        (Sent(headers=[(b"x-amz-target", b"Nobody.Knows")]), None, None),
    ],
)
def test_whose_requests_are_passed_on(sent: Sent, signed_for: str | None, service: str | None) -> None:
    found = ROUTER.elsewhere(sent, signed_for)
    assert (found.name if found is not None else None) == service
