"""Answers that this layer writes are read by botocore's client parsers as the very results they were made of."""

from __future__ import annotations

import functools
from typing import Any
from xml.etree import ElementTree

import botocore.awsrequest
import botocore.parsers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambent.aws.errors import ServiceError
from lambent.aws.model import ServiceModel, load_model
from lambent.aws.overrides import quirks_of
from lambent.aws.serialize import OutputWriters, Reply

REQUEST_ID = "c6af9ac6-7b61-11e6-9a41-93e8deadbeef"


def _model(service: str, protocol: str) -> ServiceModel:
    return load_model(service, "query") if protocol == "query" else load_model(service)


_WRITERS = functools.cache(lambda service, protocol: OutputWriters(_model(service, protocol), protocol))


class _Stream:
    """A body that botocore hands to the caller unread."""

    def __init__(self, body: bytes) -> None:
        self.body = body


def _response(reply: Reply, *, streaming: bool = False) -> dict[str, Any]:
    assert isinstance(reply.body, bytes)
    headers = botocore.awsrequest.HeadersDict()
    for name, value in reply.headers:
        headers[name] = value
    body = _Stream(reply.body) if streaming else reply.body
    return {"status_code": reply.status, "headers": headers, "body": body, "context": {}}


def _parsed(reply: Reply, shape: Any, protocol: str) -> Any:
    payload = shape.serialization.get("payload") if shape is not None else None
    streaming = payload is not None and shape.members[payload].type_name in ("blob", "string")
    parser = botocore.parsers.create_parser(protocol)
    return parser.parse(_response(reply, streaming=streaming), shape)


def _check(
    wire: Any, service: str, protocol: str, operation: str, strategy: Any, data: st.DataObject
) -> None:
    shape = wire(service, protocol).model.operation_model(operation).output_shape
    output = data.draw(strategy.structure(shape)) if shape is not None else {}
    reply = _WRITERS(service, protocol).writer(_model(service, protocol).operation(operation))(
        output, REQUEST_ID
    )
    parsed = _parsed(reply, shape, protocol)
    metadata = parsed.pop("ResponseMetadata")
    assert metadata["RequestId"] == REQUEST_ID
    if shape is not None:
        _settle(shape, parsed, output)
    assert parsed == output


def _settle(shape: Any, parsed: dict[str, Any], output: dict[str, Any]) -> None:
    """Takes out of `parsed` what botocore adds of its own accord."""
    payload = shape.serialization.get("payload")
    if payload is not None:
        if isinstance(parsed.get(payload), _Stream):
            body = parsed[payload].body
            parsed[payload] = body if shape.members[payload].type_name == "blob" else body.decode()
        if payload not in output and parsed.get(payload) in ({}, b"", ""):
            del parsed[payload]
    for name, member in shape.members.items():
        location = member.serialization.get("location")
        if (
            (location == "statusCode" and name not in output)
            or (location == "headers" and name not in output)
            or (location == "header" and name not in output and name in ("ContentType", "contentType"))
        ):
            parsed.pop(name, None)


@pytest.mark.parametrize("operation", sorted(load_model("lambda").operation_models))
@given(data=st.data())
def test_every_lambda_operation(wire: Any, drawn: Any, operation: str, data: st.DataObject) -> None:
    output = wire("lambda").model.operation_model(operation).output_shape
    if output is not None and output.event_stream_name:
        return  # in test_eventstream.py
    _check(wire, "lambda", "rest-json", operation, drawn(), data)


_SAMPLES = [
    (
        "logs",
        "json",
        ["DescribeLogGroups", "FilterLogEvents", "GetLogEvents", "GetQueryResults", "DeleteLogGroup"],
    ),
    (
        "sqs",
        "json",
        ["SendMessage", "ReceiveMessage", "SendMessageBatch", "GetQueueAttributes", "ListQueues"],
    ),
    ("dynamodb", "json", ["GetItem", "Query", "DescribeTable", "BatchGetItem"]),
    ("events", "json", ["PutEvents", "DescribeRule", "ListTargetsByRule"]),
    ("scheduler", "rest-json", ["GetSchedule", "ListSchedules"]),
    ("apigatewayv2", "rest-json", ["GetApis", "CreateRoute", "ExportApi"]),
    ("glacier", "rest-json", ["GetJobOutput", "ListVaults"]),
    ("sqs", "query", ["SendMessage", "ReceiveMessage", "SendMessageBatch", "GetQueueAttributes"]),
    ("sns", "query", ["Publish", "PublishBatch", "ListTopics", "GetTopicAttributes", "DeleteTopic"]),
    (
        "iam",
        "query",
        ["CreateRole", "ListRoles", "GetAccountSummary", "GenerateCredentialReport", "DeleteRole"],
    ),
    ("sts", "query", ["AssumeRole", "GetCallerIdentity"]),
    ("cloudformation", "query", ["DescribeStacks", "ListStackResources", "DescribeChangeSet"]),
    (
        "s3",
        "rest-xml",
        ["ListBuckets", "ListObjectsV2", "GetObject", "GetBucketAcl", "ListParts", "HeadObject"],
    ),
    (
        "s3",
        "rest-xml",
        ["GetBucketNotificationConfiguration", "DeleteObjects", "GetBucketTagging", "CopyObject"],
    ),
    ("route53", "rest-xml", ["ListResourceRecordSets", "GetHostedZone", "CreateHostedZone"]),
]


@pytest.mark.parametrize(
    ("service", "protocol", "operation"),
    [(service, protocol, name) for service, protocol, names in _SAMPLES for name in names],
)
@given(data=st.data())
def test_every_protocol(
    wire: Any, drawn: Any, service: str, protocol: str, operation: str, data: st.DataObject
) -> None:
    is_xml = protocol in ("query", "rest-xml")
    _check(wire, service, protocol, operation, drawn(xml=is_xml, filled=is_xml), data)


_ERRORS = [
    ("lambda", "rest-json"),
    ("scheduler", "rest-json"),
    ("logs", "json"),
    ("dynamodb", "json"),
    ("events", "json"),
    ("sns", "query"),
    ("iam", "query"),
    ("sqs", "query"),
    ("route53", "rest-xml"),
    ("s3", "rest-xml"),
]


@pytest.mark.parametrize(("service", "protocol"), _ERRORS)
@given(data=st.data())
def test_every_modelled_error(
    wire: Any, drawn: Any, service: str, protocol: str, data: st.DataObject
) -> None:
    client = wire(service, protocol)
    shape = data.draw(st.sampled_from(client.model.error_shapes))
    message_member = next((name for name in shape.members if name.lower() == "message"), None)
    kept = {name: member for name, member in shape.members.items() if name not in (message_member, "Type")}
    strategy = drawn(xml=True, filled=protocol in ("query", "rest-xml"))
    members = {
        name: data.draw(strategy.value(member, 1, member.serialization.get("location")))
        for name, member in kept.items()
    }
    error = ServiceError(shape.name, "It <broke> & so on", members=members)
    reply = _WRITERS(service, protocol).error(error, REQUEST_ID)
    parsed = botocore.parsers.create_parser(protocol).parse(_response(reply), None)
    wanted = shape.error_code if protocol in ("query", "rest-xml") else shape.name
    assert parsed["Error"]["Code"] == wanted or service == "sqs"
    own_words = quirks_of(service).query_messages if protocol == "query" else {}
    assert parsed["Error"]["Message"] == own_words.get(shape.name, error.message)
    assert parsed["ResponseMetadata"]["RequestId"] == REQUEST_ID
    modelled_error = load_model(service).error(shape.name)
    assert modelled_error is not None
    assert reply.status == shape.metadata.get("error", {}).get("httpStatusCode", modelled_error.status)
    if protocol == "rest-xml":
        return  # botocore does not read modelled members of rest-xml errors in every envelope
    modelled = botocore.parsers.create_parser(protocol).parse(_response(reply), shape)
    for name, value in members.items():
        assert modelled[name] == value


def _error(service: str, protocol: str, error: ServiceError) -> Reply:
    return _WRITERS(service, protocol).error(error, REQUEST_ID)


def test_lambda_errors_as_aws_words_them() -> None:
    reply = _error("lambda", "rest-json", ServiceError("ResourceNotFoundException", "Function not found: f"))
    assert reply == Reply(
        404,
        [
            ("Content-Type", "application/json"),
            ("x-amzn-RequestId", REQUEST_ID),
            ("x-amzn-ErrorType", "ResourceNotFoundException"),
        ],
        b'{"Type":"User","Message":"Function not found: f"}',
    )


@pytest.mark.parametrize(
    ("error", "status", "body"),
    [
        # The spelling of message follows each shape, Type its fault; neither is there for what is not modelled.
        (ServiceError("InvalidParameterValueException", "m"), 400, b'{"Type":"User","message":"m"}'),
        (ServiceError("ServiceException", "m"), 500, b'{"Type":"Service","Message":"m"}'),
        (ServiceError("ValidationException", "m"), 400, b'{"message":"m"}'),
        (
            ServiceError("InvalidParameterValueException", "m", members={"Type": None}),
            400,
            b'{"message":"m"}',
        ),
        (
            ServiceError("TooManyRequestsException", "m", members={"Reason": "CallerRateLimitExceeded"}),
            429,
            b'{"Type":"User","message":"m","Reason":"CallerRateLimitExceeded"}',
        ),
        (
            ServiceError("KMSDisabledException", "m", fault="client", status=400),
            400,
            b'{"Type":"User","Message":"m"}',
        ),
    ],
)
def test_members_of_lambda_errors(error: ServiceError, status: int, body: bytes) -> None:
    reply = _error("lambda", "rest-json", error)
    assert (reply.status, reply.body) == (status, body)


def test_header_members_of_errors_travel_as_headers() -> None:
    error = ServiceError("TooManyRequestsException", "m", members={"retryAfterSeconds": "7"})
    assert ("Retry-After", "7") in _error("lambda", "rest-json", error).headers


def test_sqs_errors_carry_their_query_code() -> None:
    """TestSqsProvider, scenarios [sqs] and [sqs_query]: NonExistentQueue, QueueNameExists."""
    missing = "The specified queue does not exist for this wsdl version."
    for code, wanted, message in (
        ("QueueDoesNotExist", "AWS.SimpleQueueService.NonExistentQueue", missing),
        ("QueueNameExists", "QueueAlreadyExists", "m"),
        ("InvalidParameterValueException", "InvalidParameterValue", "m"),
    ):
        reply = _error("sqs", "json", ServiceError(code, "m"))
        parsed = botocore.parsers.create_parser("json").parse(_response(reply), None)
        assert parsed["Error"] == {"Code": wanted, "QueryErrorCode": code, "Type": "Sender", "Message": "m"}
        reply = _error("sqs", "query", ServiceError(code, "m"))
        parsed = botocore.parsers.create_parser("query").parse(_response(reply), None)
        assert parsed["Error"] == {"Code": wanted, "Type": "Sender", "Message": message, "Detail": None}


@pytest.mark.parametrize(
    ("service", "protocol", "code"),
    [
        ("sns", "query", "SignatureDoesNotMatch"),
        ("s3", "rest-xml", "SignatureDoesNotMatch"),
        ("lambda", "rest-json", "InvalidSignatureException"),
        ("logs", "json", "InvalidSignatureException"),
    ],
)
def test_signature_errors_are_called_differently_by_protocol(service: str, protocol: str, code: str) -> None:
    reply = _error(service, protocol, ServiceError("InvalidSignatureException", "m", status=403))
    parsed = botocore.parsers.create_parser(protocol).parse(_response(reply), None)
    assert (reply.status, parsed["Error"]["Code"]) == (403, code)


def test_s3_errors_have_the_envelope_of_s3() -> None:
    reply = _error("s3", "rest-xml", ServiceError("NoSuchBucket", "m", status=404))
    assert isinstance(reply.body, bytes)
    root = ElementTree.fromstring(reply.body)  # noqa: S314 - written a line above
    assert [root.tag, *(child.tag for child in root)] == ["Error", "Code", "Message", "RequestId", "HostId"]


def _write(service: str, protocol: str, operation: str, output: dict[str, Any]) -> Reply:
    return _WRITERS(service, protocol).writer(load_model(service).operation(operation))(output, REQUEST_ID)


def test_statuses_come_from_the_model_or_from_a_member() -> None:
    assert _write("lambda", "rest-json", "CreateFunction", {}).status == 201
    assert _write("lambda", "rest-json", "DeleteFunction", {"StatusCode": 204}).status == 204
    assert _write("lambda", "rest-json", "TagResource", {}) == Reply(
        204, [("x-amzn-RequestId", REQUEST_ID)], b""
    )
    assert _write("lambda", "rest-json", "Invoke", {"StatusCode": 202, "Payload": b""}).status == 202


def test_members_that_are_none_or_unknown_stay_off_the_wire() -> None:
    reply = _write(
        "lambda", "rest-json", "GetFunctionConfiguration", {"Description": None, "Timeout": 3, "Oops": 1}
    )
    assert reply.body == b'{"Timeout":3}'


def test_numbers_that_json_lacks() -> None:
    reply = _write("dynamodb", "json", "DescribeLimits", {})
    assert reply.body == b"{}"
    weights = {"RoutingConfig": {"AdditionalVersionWeights": {"1": float("nan"), "2": float("inf")}}}
    assert b'{"1":"NaN","2":"Infinity"}' in _bytes(_write("lambda", "rest-json", "GetAlias", weights))


def _bytes(reply: Reply) -> bytes:
    assert isinstance(reply.body, bytes)
    return reply.body
